//! The reported bugs of request translation, each by its number: what once failed, and what it becomes here.

use super::*;

/// A user message, a call of `f` with these arguments, its result, and tools.
fn tool_turn(arguments: &str, result: Value) -> Value {
    let mut request = chat(json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "", "tool_calls": [call("c1", "f", arguments)]},
        {"role": "tool", "tool_call_id": "c1", "content": result}]));
    request["tools"] = json!([tool("f")]);
    request
}

fn said(role: &str, content: Value) -> Value {
    chat(
        json!([{"role": "user", "content": "a"}, {"role": role, "content": content}, {"role": "user", "content": "b"}]),
    )
}

/// What stands at a place of the target's request. An empty place: the whole conversation's blocks, by kind.
#[track_caller]
fn check(bug: &str, model: &str, request: Value, place: &str, expected: Value) {
    let (found, _) = translated(&CandidateSettings::new(model), &request);
    let found = if place.is_empty() {
        kinds(&found)
    } else {
        found.pointer(place).cloned().unwrap_or_default()
    };
    assert_eq!(found, expected, "{bug}");
}

fn kinds(request: &Value) -> Value {
    let turns = request["messages"].as_array().unwrap().iter();
    let kinds = turns.map(|turn| {
        let blocks = turn["content"].as_array().unwrap().iter();
        let names = blocks.map(|block| block.as_object().unwrap().keys().next().unwrap().clone());
        format!(
            "{}: {}",
            turn["role"].as_str().unwrap(),
            names.collect::<Vec<_>>().join(" ")
        )
    });
    json!(kinds.collect::<Vec<_>>())
}

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-6";
const HAIKU_3: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const NOVA: &str = "amazon.nova-pro-v1:0";
const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";
const MISTRAL: &str = "mistral.mistral-large-2407-v1:0";

#[test]
fn blank_and_empty_bugs_1_to_5() {
    let merged = json!(["user: text text"]);
    check(
        "bug 1",
        CLAUDE,
        said("assistant", json!("")),
        "",
        merged.clone(),
    );
    check(
        "bug 2",
        CLAUDE,
        said("assistant", json!("\n\n")),
        "",
        merged.clone(),
    );
    let blank = json!([{"type": "text", "text": " \n"}]);
    check(
        "bug 2, parts",
        CLAUDE,
        said("user", blank),
        "",
        merged.clone(),
    );
    check(
        "bug 3",
        CLAUDE,
        said("assistant", json!([])),
        "",
        merged.clone(),
    );
    let turns = json!(["user: text", "assistant: toolUse", "user: toolResult"]);
    check("bug 4", CLAUDE, tool_turn("{}", json!("r")), "", turns);
    check("bug 5", CLAUDE, said("assistant", Value::Null), "", merged);
}

#[test]
fn calls_and_results_bugs_6_to_10() {
    let mut twice = tool_turn("{}", json!("r"));
    let again = twice["messages"][2].clone();
    twice["messages"].as_array_mut().unwrap().push(again);
    let turns = json!(["user: text", "assistant: toolUse", "user: toolResult"]);
    check("bug 6", CLAUDE, twice, "", turns);
    let mut two = tool_turn("{}", json!("one"));
    two["messages"][1]["tool_calls"] = json!([call("c1", "f", ""), call("c2", "f", "")]);
    let second = json!({"role": "tool", "tool_call_id": "c2", "content": "two"});
    two["messages"].as_array_mut().unwrap().insert(2, second);
    let turns = json!([
        "user: text",
        "assistant: toolUse toolUse",
        "user: toolResult toolResult"
    ]);
    check("bug 7", CLAUDE, two.clone(), "", turns);
    check(
        "bug 8",
        CLAUDE,
        two,
        "/messages/2/content/0/toolResult/toolUseId",
        json!("c1"),
    );
    let mut and_text = tool_turn("{}", json!("r"));
    and_text["messages"]
        .as_array_mut()
        .unwrap()
        .push(json!({"role": "user", "content": "b"}));
    let beside = json!(["user: text", "assistant: toolUse", "user: toolResult text"]);
    check("bug 9, beside", CLAUDE, and_text.clone(), "", beside);
    let apart = json!([
        "user: text",
        "assistant: toolUse",
        "user: toolResult",
        "assistant: text",
        "user: text"
    ]);
    check("bug 9, apart", LLAMA, and_text, "", apart);
    let mut without = tool_turn("{}", json!("r"));
    without.as_object_mut().unwrap().remove("tools");
    check(
        "bug 10",
        CLAUDE,
        without,
        "",
        json!(["user: text", "assistant: text", "user: text"]),
    );
}

#[test]
fn a_call_beside_text_bug_9() {
    let mut text_and_call = tool_turn("{}", json!("r"));
    text_and_call["messages"][1]["content"] = json!("b");
    let beside = json!(["user: text", "assistant: text toolUse", "user: toolResult"]);
    check(
        "bug 9, call beside",
        CLAUDE,
        text_and_call.clone(),
        "",
        beside,
    );
    let apart = json!([
        "user: text",
        "assistant: text",
        "user: text",
        "assistant: toolUse",
        "user: toolResult"
    ]);
    check("bug 9, call apart", LLAMA, text_and_call, "", apart);
}

#[test]
fn names_and_ids_bugs_11_to_13() {
    let described =
        hi(json!({"tools": [{"type": "function", "function": {"name": "f", "description": " "}}]}));
    let spec = "/toolConfig/tools/0/toolSpec";
    check(
        "bug 11",
        CLAUDE,
        described,
        &format!("{spec}/description"),
        Value::Null,
    );
    let error = translate(&body(&hi(json!({"tools": [tool("")]}))), &able()).unwrap_err();
    assert_eq!(error.field, "tools[0].function.name", "bug 11");
    let long = "mcp__".to_owned() + &"x".repeat(80);
    let translation = translate(&body(&hi(json!({"tools": [tool(&long)]}))), &able()).unwrap();
    let name = &translation.request.tool_config.unwrap().tools[0]
        .tool_spec
        .name;
    assert!(name.len() <= 64, "bug 12");
    assert_eq!(translation.reply.names.to_caller(name), long, "bug 12");
    let mut odd = tool_turn("{}", json!("r"));
    odd["messages"][1]["tool_calls"][0]["id"] = json!("call|1");
    odd["messages"][2]["tool_call_id"] = json!("call|1");
    let (found, _) = translated(&able(), &odd);
    let used = found.pointer("/messages/1/content/0/toolUse/toolUseId");
    let answered = found.pointer("/messages/2/content/0/toolResult/toolUseId");
    assert!(
        used == answered && used.unwrap().as_str().unwrap().starts_with("call_1_"),
        "bug 13"
    );
}

/// Some clients count their calls from one in every turn; the target takes an id once in a conversation.
#[test]
fn ids_of_earlier_turns_come_again_edge_17() {
    let turn = tool_turn("{}", json!("r"));
    let mut again = turn.clone();
    let messages = again["messages"].as_array_mut().unwrap();
    messages.extend_from_slice(&turn["messages"].as_array().unwrap()[1..]);
    let (found, losses) = translated(&CandidateSettings::new(CLAUDE), &again);
    let id = |message: usize, kind: &str| {
        let place = format!("/messages/{message}/content/0/{kind}/toolUseId");
        found.pointer(&place).unwrap().clone()
    };
    assert_eq!(
        (id(1, "toolUse"), id(2, "toolResult")),
        (json!("c1"), json!("c1"))
    );
    assert_ne!(id(3, "toolUse"), json!("c1"));
    assert_eq!(id(3, "toolUse"), id(4, "toolResult"));
    assert_eq!(losses, [LossKind::ToolIdMapped]);
    let (longer, _) = translated(&CandidateSettings::new(CLAUDE), &{
        again["messages"]
            .as_array_mut()
            .unwrap()
            .push(json!({"role": "user", "content": "b"}));
        again
    });
    assert_eq!(
        longer["messages"][3], found["messages"][3],
        "the same each time"
    );
}

#[test]
fn arguments_and_results_bugs_15_16() {
    let split = json!([
        "user: text",
        "assistant: toolUse toolUse",
        "user: toolResult toolResult"
    ]);
    check(
        "bug 15",
        CLAUDE,
        tool_turn("{\"a\":1}{\"b\":2}", json!("r")),
        "",
        split,
    );
    let input = "/messages/1/content/0/toolUse/input";
    check(
        "bug 16",
        CLAUDE,
        tool_turn("", json!("r")),
        input,
        json!({}),
    );
    check(
        "edge 18",
        CLAUDE,
        tool_turn("not json", json!("r")),
        input,
        json!({"_raw": "not json"}),
    );
    let said = "/messages/2/content/0/toolResult/content/0";
    check(
        "edge 26",
        MISTRAL,
        tool_turn("", json!("[1]")),
        said,
        json!({"json": {"result": [1]}}),
    );
    check(
        "edge 27",
        CLAUDE,
        tool_turn("", json!("r")),
        "/messages/2/content/0/toolResult/status",
        Value::Null,
    );
}

#[test]
fn parameters_bugs_41_to_43() {
    let sampled = hi(json!({"temperature": 0.5, "top_p": 0.5}));
    let config = "/inferenceConfig";
    check(
        "bug 41",
        "anthropic.claude-sonnet-4-5-v1:0",
        sampled.clone(),
        config,
        json!({"temperature": 0.5}),
    );
    check(
        "bug 42",
        "anthropic.claude-opus-4-7-v1:0",
        sampled.clone(),
        config,
        Value::Null,
    );
    check("bug 42", "xai.grok-4", sampled, config, Value::Null);
    let parallel = hi(json!({"parallel_tool_calls": false}));
    check(
        "bug 43",
        CLAUDE,
        parallel,
        "/additionalModelRequestFields",
        Value::Null,
    );
}

#[test]
fn schemas_bugs_44_to_47() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let format = json!({"type": "json_schema", "json_schema": {"name": "o", "schema": schema}});
    let structured = hi(json!({"response_format": format, "reasoning_effort": "high"}));
    check(
        "bug 44",
        CLAUDE,
        structured.clone(),
        "/toolConfig",
        Value::Null,
    );
    check(
        "bug 44",
        CLAUDE,
        structured.clone(),
        "/outputConfig/effort",
        json!("high"),
    );
    let forced = json!({"tool": {"name": "answer_as_json"}});
    check(
        "bug 45",
        HAIKU_3,
        structured,
        "/toolConfig/toolChoice",
        forced,
    );
    let strict = json!({"tools": [{"type": "function", "function": {"name": "f", "strict": true, "parameters": schema}}]});
    let place = "/toolConfig/tools/0/toolSpec/strict";
    check("bug 47", CLAUDE, hi(strict.clone()), place, json!(true));
    check(
        "bug 47",
        "anthropic.claude-opus-4-8-v1:0",
        hi(strict),
        place,
        Value::Null,
    );
}

#[test]
fn circles_and_words_bugs_50_to_54() {
    let link = json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}});
    let circle = json!({"$ref": "#/$defs/node", "type": "object", "$defs": {"node": link}});
    let tools =
        json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": circle}}]});
    let next = "/toolConfig/tools/0/toolSpec/inputSchema/json/properties/next/type";
    check("bug 50", NOVA, hi(tools), next, json!("object"));
    let effort = hi(json!({"reasoning_effort": "medium"}));
    let place = "/additionalModelRequestFields/reasoning/effort";
    check(
        "bug 52",
        "us.openai.gpt-6-sol",
        effort,
        place,
        json!("medium"),
    );
    let none = hi(json!({"reasoning_effort": "none"}));
    check(
        "bug 54",
        CLAUDE,
        none.clone(),
        "/additionalModelRequestFields",
        Value::Null,
    );
    check("bug 54", "us.openai.gpt-6-sol", none, place, json!("none"));
}

/// Bug 53: an application profile's ARN hides the family; the route states it.
#[test]
fn a_hidden_family_is_stated_bug_53() {
    let mut settings = CandidateSettings::new(
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
    );
    let format = json!({"type": "json_schema", "json_schema": {"name": "o", "schema": {"type": "object", "properties": {}}}});
    let request = hi(json!({ "response_format": format }));
    let (found, _) = translated(&settings, &request);
    assert_eq!(found.get("outputConfig"), None);
    settings.base_model = Some("anthropic.claude-sonnet-4-6".to_owned());
    let (found, _) = translated(&settings, &request);
    assert_eq!(found["outputConfig"]["textFormat"]["type"], "json_schema");
}
