//! Tool definitions, choices and the form of the answer.

use crossfade_exchange::Operation;

use super::*;
use crate::settings::Api;

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

#[track_caller]
fn check_choice(takes: Choice, choice: &Value, expected: Value, tools: usize, losses: &[LossKind]) {
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
}

#[test]
fn tool_choices_edges_20_21() {
    use LossKind::ToolChoiceEmulated;
    let named = json!({"type": "function", "function": {"name": "f"}});
    check_choice(Choice::All, &json!("auto"), Value::Null, 2, &[]);
    check_choice(Choice::All, &json!("required"), json!({"any": {}}), 2, &[]);
    check_choice(Choice::All, &named, json!({"tool": {"name": "f"}}), 2, &[]);
    check_choice(
        Choice::Any,
        &named,
        json!({"any": {}}),
        1,
        &[ToolChoiceEmulated],
    );
    check_choice(Choice::None, &named, Value::Null, 2, &[ToolChoiceEmulated]);
    check_choice(
        Choice::None,
        &json!("required"),
        Value::Null,
        2,
        &[ToolChoiceEmulated],
    );
    check_choice(
        Choice::All,
        &json!("none"),
        Value::Null,
        0,
        &[ToolChoiceEmulated],
    );
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools":
        [{"type": "function", "function": {"name": "g"}}]}});
    check_choice(
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
    let text = system[0]["text"].as_str().unwrap();
    assert!(text.ends_with(&closed.to_string()));
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

#[test]
fn custom_tools_are_functions_of_one_text() {
    let custom = |format: Value| json!({"type": "custom", "custom": {"name": "patch", "description": "Edits.", "format": format}});
    let tools = json!([custom(json!({"type": "text"})), tool("f")]);
    let choice = json!({"type": "custom", "custom": {"name": "patch"}});
    let mut request = hi(json!({"tools": tools, "tool_choice": choice}));
    request["messages"] = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "custom", "custom": {"name": "patch", "input": "*** x"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "ok"}]);
    let translation = translate(&body(&request), &able()).unwrap();
    let found = serde_json::to_value(&translation.request).unwrap();
    let spec = &found["toolConfig"]["tools"][0]["toolSpec"];
    assert_eq!(spec["inputSchema"]["json"]["required"], json!(["input"]));
    assert_eq!(
        (&spec["description"], &spec["strict"]),
        (&json!("Edits."), &json!(true))
    );
    assert_eq!(
        found["toolConfig"]["toolChoice"],
        json!({"tool": {"name": "patch"}})
    );
    assert_eq!(
        found["messages"][1]["content"][0]["toolUse"]["input"],
        json!({"input": "*** x"})
    );
    assert!(translation.reply.custom.contains("patch") && translation.reply.custom.len() == 1);
    let emulated = |field: &str| Loss::new(LossKind::CustomToolEmulated, field);
    assert!(translation.losses.contains(&emulated("tools[0].custom")));
    assert!(
        translation
            .losses
            .contains(&emulated("messages[1].tool_calls[0].custom"))
    );
    // Among the tools that are allowed.
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "custom", "custom": {"name": "patch"}}]}});
    let (found, _) = translated(
        &able(),
        &hi(json!({"tools": tools, "tool_choice": allowed})),
    );
    assert_eq!(found["toolConfig"]["tools"].as_array().unwrap().len(), 1);
    let check = |fields: Value, field: &str| {
        check_refused(&hi(fields), field, IneligibleReason::Unsupported);
    };
    let grammar =
        json!({"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: \"a\""}});
    check(
        json!({"tools": [custom(grammar)]}),
        "tools[0].custom.format.grammar",
    );
    check(
        json!({"tools": [custom(json!({"type": "ebnf"}))]}),
        "tools[0].custom.format",
    );
    check(
        json!({"tools": [custom(Value::Null), tool("patch")]}),
        "tools[1].function.name",
    );
    check(
        json!({"tools": [tool("f")], "tool_choice": choice}),
        "tool_choice.custom.name",
    );
}

/// Edge 25: tools that the provider itself would run.
#[test]
fn tools_of_other_kinds_are_named_edge_25() {
    for kind in ["web_search", "image_generation", "mcp"] {
        let fields = json!({"tools": [tool("f"), {"type": kind}]});
        check_refused(&hi(fields), "tools[1]", IneligibleReason::Unsupported);
    }
}

/// Some clients repeat the kind within the function.
#[test]
fn a_kind_within_the_function_says_nothing() {
    let fields =
        json!({"tools": [{"type": "function", "function": {"name": "f", "type": "function"}}]});
    let (found, losses) = translated(&able(), &hi(fields));
    assert_eq!(found["toolConfig"]["tools"][0]["toolSpec"]["name"], "f");
    assert_eq!(losses, []);
}

/// Edge 24: references only where the model follows them.
#[test]
fn references_stay_or_are_written_out_edge_24() {
    let parameters = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d"}}, "$defs": {"d": {"type": "string"}}});
    let fields = json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}]});
    let path = "/toolConfig/tools/0/toolSpec/inputSchema/json";
    let follows = with(|c| c.inline_refs = Some(false));
    check_field(&follows, fields.clone(), path, parameters, &[]);
    let written = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let narrow = with(|c| c.inline_refs = Some(true));
    check_field(&narrow, fields, path, written, &[LossKind::SchemaChanged]);
}

/// Edge 30: some models put the answer under `properties`; it is taken out unless the schema has such a property.
#[test]
fn the_answer_may_be_taken_out_of_properties_edge_30() {
    let tooled = with(|c| c.structured = Some(Structured::Tool));
    let check = |properties: Value, expected: bool| {
        let schema = json!({"type": "object", "properties": properties});
        let reply = translate(&body(&hi(asks_schema(&schema))), &tooled)
            .unwrap()
            .reply;
        assert_eq!(reply.json_unwrap, expected);
    };
    check(json!({"a": {"type": "string"}}), true);
    check(json!({"properties": {"type": "object"}}), false);
}

/// The primary refuses it, whichever way the candidate is asked.
#[test]
fn a_choice_that_demands_a_tool_where_there_are_none_edge_21() {
    let chat = |choice: &Value| hi(json!({"tools": [], "tool_choice": choice}));
    let responses = |choice: &Value| json!({"input": "a", "store": false, "tool_choice": choice});
    for api in [Api::Converse, Api::OpenaiChat, Api::OpenaiResponses] {
        let mut settings = able();
        settings.api = api;
        for (choice, refused) in [
            (json!("none"), None),
            (json!("auto"), None),
            (json!("required"), Some("tool_choice")),
        ] {
            for (operation, request) in [
                (Operation::Chat, chat(&choice)),
                (Operation::Responses, responses(&choice)),
            ] {
                let judged = crate::eligibility(operation, &body(&request), &settings);
                let field = judged.err().map(|refusal| refusal.field);
                assert_eq!(field.as_deref(), refused, "{api:?} {operation:?} {choice}");
            }
        }
    }
}
