//! Messages, calls and tools.

use serde_json::json;

use super::*;

#[test]
fn messages_lose_what_only_the_primary_knows() {
    let messages = json!([
        {"role": "developer", "content": "Be brief."},
        {"role": "assistant", "content": "x", "refusal": null, "annotations": [], "context": {"citations": []}, "tool_calls": null},
        {"role": "user", "content": [{"type": "text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "explicit"}}]},
    ]);
    let expected = json!([
        {"role": "developer", "content": "Be brief."},
        {"role": "assistant", "content": "x"},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    ]);
    let dropped = |field| (LossKind::HintDropped, field);
    let losses = [
        dropped("messages[1].context"),
        dropped("messages[2].content[0].prompt_cache_breakpoint"),
    ];
    check(
        newer(),
        json!({"messages": messages}),
        json!({"messages": expected}),
        &losses,
    );
    let (body, _) = told(&plain(), &asked(&json!({"messages": messages})));
    assert_eq!(
        body["messages"][0]["role"], "system",
        "an older model knows no developer"
    );
}

#[test]
fn calls_of_the_history_go_back_as_they_were_given() {
    let messages = json!([
        {"role": "user", "content": "Rain?"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "call_AAAAAAAAAAAAAAAAAAAAAAAA", "type": "function", "function": {"name": "rain", "arguments": "{\"a\": 1}"}}]},
        {"role": "tool", "tool_call_id": "call_AAAAAAAAAAAAAAAAAAAAAAAA", "content": "yes"},
    ]);
    check(
        oss(),
        json!({"messages": messages, "tools": [tool()]}),
        json!({"messages": messages}),
        &[],
    );
}

#[test]
fn functions_of_the_older_form_are_tools() {
    let fields = json!({
        "functions": [{"name": "rain", "parameters": {"type": "object"}}],
        "function_call": {"name": "rain"},
        "messages": [
            {"role": "user", "content": "Rain?"},
            {"role": "assistant", "content": null, "function_call": {"name": "rain", "arguments": "{}"}},
            {"role": "function", "name": "rain", "content": "yes"},
        ],
    });
    let (body, asked) = told(&oss(), &asked(&fields));
    assert_eq!(body["tools"], json!([tool()]));
    assert_eq!(
        body["tool_choice"],
        json!({"type": "function", "function": {"name": "rain"}})
    );
    let id = &body["messages"][1]["tool_calls"][0]["id"];
    assert_eq!(&body["messages"][2]["tool_call_id"], id);
    assert_eq!(body["messages"][2]["role"], "tool");
    assert!(body.get("functions").is_none() && body.get("function_call").is_none());
    assert!(asked.reply.functions && asked.reply.one_call);
    assert_eq!(
        asked.losses,
        [Loss::new(LossKind::FunctionsEmulated, "functions")]
    );
    check_refused(
        oss(),
        json!({"messages": [{"role": "function", "name": "f", "content": "x"}]}),
        "messages[0].role",
    );
}

#[test]
fn tools_of_free_text_are_functions_with_one_parameter() {
    let fields = json!({
        "tools": [{"type": "custom", "custom": {"name": "sql", "description": "Runs."}}],
        "tool_choice": {"type": "custom", "custom": {"name": "sql"}},
        "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "custom", "custom": {"name": "sql", "input": "select \"a\""}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "1"},
        ],
    });
    let (body, asked) = told(&oss(), &asked(&fields));
    assert_eq!(
        body["tools"][0]["function"]["parameters"]["required"],
        json!(["input"])
    );
    assert_eq!(body["tool_choice"]["function"]["name"], "sql");
    assert_eq!(
        body["messages"][1]["tool_calls"][0]["function"]["arguments"],
        r#"{"input":"select \"a\""}"#
    );
    assert!(asked.reply.custom.contains("sql"));
    let grammar = json!({"tools": [{"type": "custom", "custom": {"name": "s", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}}}]});
    check_refused(oss(), grammar, "tools[0].custom.format");
}

#[test]
fn only_allowed_tools_are_offered() {
    let other = json!({"type": "function", "function": {"name": "other"}});
    let choice = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "rain"}}]}});
    let emulated = (LossKind::ToolChoiceEmulated, "tool_choice");
    check(
        oss(),
        json!({"tools": [other, tool()], "tool_choice": choice}),
        json!({"tools": [tool()], "tool_choice": "required"}),
        &[emulated],
    );
    check_refused(
        oss(),
        json!({"tools": [tool()], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}}),
        "tool_choice.allowed_tools.tools",
    );
}
