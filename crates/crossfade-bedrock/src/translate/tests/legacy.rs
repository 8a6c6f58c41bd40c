//! The older form of tools, edge 10: asked for in the newer form, answered in the older.

use super::*;

fn function(name: &str) -> Value {
    json!({"name": name, "parameters": {"type": "object", "properties": {}}})
}

#[test]
fn functions_become_tools_edge_10() {
    let check = |choice: Value, expected: Value, losses: &[LossKind]| {
        let fields = json!({"functions": [function("f"), function("g")], "function_call": choice});
        let translation = translate(&body(&hi(fields)), &able()).unwrap();
        let config = serde_json::to_value(&translation.request.tool_config).unwrap();
        assert_eq!(config["toolChoice"], expected, "{choice}");
        assert!(translation.reply.functions, "{choice}");
        let found: Vec<_> = translation.losses.iter().map(|loss| loss.kind).collect();
        assert_eq!(found, losses, "{choice}");
    };
    check(Value::Null, Value::Null, &[LossKind::FunctionsEmulated]);
    check(json!("auto"), Value::Null, &[LossKind::FunctionsEmulated]);
    check(
        json!({"name": "g"}),
        json!({"tool": {"name": "g"}}),
        &[LossKind::FunctionsEmulated],
    );
    let without = [LossKind::FunctionsEmulated, LossKind::ToolChoiceEmulated];
    check(json!("none"), Value::Null, &without);
    // There is room for one call: the second is switched off, or left out of the answer.
    let fields = json!({"functions": [function("f")]});
    check_field(
        &able(),
        fields.clone(),
        "/additionalModelRequestFields/tool_choice/disable_parallel_tool_use",
        json!(true),
        &[LossKind::FunctionsEmulated],
    );
    let without = with(|c| c.parallel_switch = Some(false));
    assert!(
        translate(&body(&hi(fields)), &without)
            .unwrap()
            .reply
            .one_call
    );
}

#[test]
fn calls_and_results_get_ids_edge_10() {
    let messages = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"x\":1}"}},
        {"role": "system", "content": "s"},
        {"role": "function", "name": "f", "content": "r"},
        {"role": "assistant", "content": "b", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "user", "content": "c"},
        {"role": "function", "name": "g", "content": "late"}]);
    let mut request = chat(messages);
    request["functions"] = json!([function("f")]);
    let (found, losses) = translated(&able(), &request);
    let id = "call_function_1";
    assert_eq!(
        found["messages"],
        json!([
            user("a"),
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": id, "name": "f", "input": {"x": 1}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": id, "content": [{"text": "r"}]}}]},
            {"role": "assistant", "content": [{"text": "b\n[Called function f with {}]"}]},
            {"role": "user", "content": [{"text": "c"}, {"text": "[Function g said: late]"}]}])
    );
    assert!(losses.contains(&LossKind::FunctionsEmulated));
    // Without functions in the request the whole exchange is text.
    request.as_object_mut().unwrap().remove("functions");
    let translation = translate(&body(&request), &able()).unwrap();
    assert!(!translation.reply.functions && translation.request.tool_config.is_none());
}

#[test]
fn fields_keep_their_older_names() {
    let check = |fields: Value, field: &str| {
        check_refused(&hi(fields), field, IneligibleReason::Unsupported);
    };
    check(
        json!({"functions": [{"name": "f", "parameters": []}]}),
        "functions[0].parameters",
    );
    check(json!({"functions": [{"name": ""}]}), "functions[0].name");
    check(
        json!({"functions": [function("f"), function("f")]}),
        "functions[1].name",
    );
    check(
        json!({"functions": [function("f")], "function_call": {"name": "g"}}),
        "function_call",
    );
    check(
        json!({"functions": [function("f")], "function_call": "required"}),
        "function_call",
    );
    check(
        json!({"functions": [function("f")], "tools": [tool("f")]}),
        "functions",
    );
    let many: Vec<Value> = (0..129).map(|i| function(&format!("f{i}"))).collect();
    check(json!({"functions": many}), "functions");
    let mapped = translate(&body(&hi(json!({"functions": [function("a b")]}))), &able()).unwrap();
    assert!(
        mapped
            .losses
            .contains(&Loss::new(LossKind::ToolNameMapped, "functions[0].name"))
    );
    let call = json!({"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}, "tool_calls": [call("c", "f", "")]});
    check_refused(
        &chat(json!([call])),
        "messages[0].function_call",
        IneligibleReason::Unsupported,
    );
}
