//! Tool definitions, choices and the form of the answer.

use super::*;

#[test]
fn tool_definitions_edges_14_15_23_24() {
    let spec = |function: Value| {
        let (found, losses) = translated(
            &able(),
            &hi(json!({"tools": [{"type": "function", "function": function}]})),
        );
        (found["toolConfig"]["tools"][0]["toolSpec"].clone(), losses)
    };
    // Bug 11.
    let (found, losses) = spec(json!({"name": "f", "description": "", "parameters": null}));
    assert_eq!(
        found,
        json!({"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}})
    );
    assert_eq!(losses, []);
    let (found, losses) = spec(json!({"name": "get weather", "description": "d"}));
    assert!(found["name"].as_str().unwrap().starts_with("get_weather_"));
    assert_eq!(losses, [LossKind::ToolNameMapped]);
    let closed = json!({"type": "object", "properties": {}, "additionalProperties": false});
    let (found, losses) = spec(json!({"name": "f", "strict": true, "parameters": closed}));
    assert_eq!((&found["strict"], losses), (&json!(true), vec![]));
    let (found, losses) =
        spec(json!({"name": "f", "strict": true, "parameters": {"type": "object"}}));
    assert_eq!(
        (found.get("strict"), losses),
        (None, vec![LossKind::StrictDropped])
    );
    // Bug 47.
    let request = hi(json!({"tools": [{"type": "function", "function":
        {"name": "f", "strict": true, "parameters": closed}}]}));
    let (_, losses) = translated(&with(|c| c.strict = Some(false)), &request);
    assert_eq!(losses, [LossKind::StrictDropped]);
}

#[test]
fn tool_choices_edges_20_21() {
    use LossKind::ToolChoiceEmulated;
    let named = json!({"type": "function", "function": {"name": "f"}});
    let check =
        |takes: Choice, choice: &Value, expected: Value, tools: usize, losses: &[LossKind]| {
            let settings = with(|c| c.choice = Some(takes));
            let request = hi(json!({"tools": [tool("f"), tool("g")], "tool_choice": choice}));
            let (found, found_losses) = translated(&settings, &request);
            assert_eq!(
                found["toolConfig"]["toolChoice"], expected,
                "{takes:?} {choice}"
            );
            assert_eq!(
                found["toolConfig"]["tools"].as_array().map_or(0, Vec::len),
                tools,
                "{takes:?} {choice}"
            );
            assert_eq!(found_losses, losses, "{takes:?} {choice}");
        };
    check(Choice::All, &json!("auto"), Value::Null, 2, &[]);
    check(Choice::All, &json!("required"), json!({"any": {}}), 2, &[]);
    check(Choice::All, &named, json!({"tool": {"name": "f"}}), 2, &[]);
    check(
        Choice::Any,
        &named,
        json!({"any": {}}),
        1,
        &[ToolChoiceEmulated],
    );
    check(Choice::None, &named, Value::Null, 2, &[ToolChoiceEmulated]);
    check(
        Choice::None,
        &json!("required"),
        Value::Null,
        2,
        &[ToolChoiceEmulated],
    );
    check(
        Choice::All,
        &json!("none"),
        Value::Null,
        0,
        &[ToolChoiceEmulated],
    );
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools":
        [{"type": "function", "function": {"name": "g"}}]}});
    check(
        Choice::All,
        &allowed,
        json!({"any": {}}),
        1,
        &[ToolChoiceEmulated],
    );
    // Edge 21, bug 43: a choice or a switch without tools is not sent.
    let (found, losses) = translated(
        &able(),
        &hi(json!({"tool_choice": "auto", "parallel_tool_calls": false})),
    );
    assert_eq!(found, json!({"messages": [user("Hi")]}));
    assert_eq!(losses, []);
    check_refused(
        &hi(json!({"tool_choice": "required"})),
        "tool_choice",
        IneligibleReason::Unsupported,
    );
}

#[test]
fn one_call_at_a_time_edge_22() {
    let path = "/additionalModelRequestFields/tool_choice";
    let fields = |choice: &str| json!({"tools": [tool("f")], "tool_choice": choice, "parallel_tool_calls": false});
    let switch = json!({"type": "auto", "disable_parallel_tool_use": true});
    check_field(&able(), fields("auto"), path, switch, &[]);
    check_field(
        &able(),
        fields("required"),
        path,
        json!({"disable_parallel_tool_use": true}),
        &[],
    );
    let without = with(|c| c.parallel_switch = Some(false));
    check_field(
        &without,
        fields("auto"),
        path,
        Value::Null,
        &[LossKind::ParallelToolsEmulated],
    );
    assert!(
        translate(&body(&hi(fields("auto"))), &without)
            .unwrap()
            .reply
            .one_call
    );
}

fn asks_schema(schema: &Value) -> Value {
    json!({"response_format": {"type": "json_schema", "json_schema": {"name": "out", "strict": true, "schema": schema}}})
}

#[test]
fn schemas_for_the_answer_edges_29_30() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
    let (found, losses) = translated(&able(), &hi(asks_schema(&closed)));
    let format = json!({"type": "json_schema", "structure": {"jsonSchema": {"schema": closed.to_string(), "name": "out"}}});
    assert_eq!(
        (&found["outputConfig"]["textFormat"], losses),
        (&format, vec![])
    );
    // A map cannot be enforced: a tool is forced instead.
    let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let by_tool = translate(&body(&hi(asks_schema(&map))), &able()).unwrap();
    let config = serde_json::to_value(by_tool.request.tool_config).unwrap();
    assert_eq!(
        config["toolChoice"],
        json!({"tool": {"name": "answer_as_json"}})
    );
    assert_eq!(config["tools"][0]["toolSpec"]["inputSchema"]["json"], map);
    assert_eq!(by_tool.reply.json_tool.as_deref(), Some("answer_as_json"));
    assert_eq!(
        by_tool.losses,
        [Loss::new(LossKind::JsonByTool, "response_format")]
    );
    // Bug 45: beside real tools one of all must be called.
    let tooled = with(|c| c.structured = Some(Structured::Tool));
    let mut request = hi(asks_schema(&closed));
    request["tools"] = json!([tool("f")]);
    let (found, losses) = translated(&tooled, &request);
    assert_eq!(found["toolConfig"]["toolChoice"], json!({"any": {}}));
    assert_eq!(found["toolConfig"]["tools"].as_array().unwrap().len(), 2);
    assert_eq!(losses, [LossKind::JsonByTool]);
    // No way to force a tool: words.
    let wordy = with(|c| {
        c.structured = Some(Structured::Tool);
        c.choice = Some(Choice::None);
    });
    let by_words = translate(&body(&hi(asks_schema(&closed))), &wordy).unwrap();
    let system = serde_json::to_value(&by_words.request.system).unwrap();
    let words = system[0]["text"].as_str().unwrap();
    assert!(words.ends_with(&closed.to_string()));
    assert!(by_words.reply.unfence);
    // Edge 31.
    let (found, losses) = translated(
        &able(),
        &hi(json!({"response_format": {"type": "json_object"}})),
    );
    assert_eq!(found["system"].as_array().unwrap().len(), 1);
    assert_eq!(losses, [LossKind::JsonByInstruction]);
    check_field(
        &able(),
        json!({"response_format": {"type": "text"}}),
        "/system",
        Value::Null,
        &[],
    );
}
