//! Chat requests as Responses requests, case by case, and there and back again.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::responses::{SealedReasoning, Sealer, to_chat};
use crossfade_openai::responses::Item;

fn none(_: &str) -> Option<Vec<Value>> {
    None
}

fn translated(body: &Value) -> Result<FromChat, Unsupported> {
    let request = chat::Request::from_slice(body.to_string().as_bytes()).unwrap();
    from_chat(request, &CandidateSettings::new("m"), &none)
}

fn shown(losses: &[Loss]) -> Vec<String> {
    let losses = losses.iter();
    losses
        .map(|loss| format!("{} {}", loss.kind.as_str(), loss.field))
        .collect()
}

/// What a body becomes beside `store` and `include`, which are always the same.
fn check(body: &Value, expected: &Value, losses: &[&str]) {
    let done = translated(body).unwrap_or_else(|error| panic!("{body}: {error}"));
    let mut found = serde_json::to_value(&done.request).unwrap();
    let fields = found.as_object_mut().unwrap();
    assert_eq!(fields.remove("store"), Some(json!(false)));
    assert_eq!(
        fields.remove("include"),
        Some(json!(["reasoning.encrypted_content"]))
    );
    assert_eq!(&found, expected, "{body}");
    assert_eq!(shown(&done.losses), losses, "{body}");
}

fn said(role: &str, text: &str) -> Value {
    json!({"type": "message", "role": role, "content": text})
}

fn hi() -> Value {
    json!([{"role": "user", "content": "hi"}])
}

#[test]
fn every_field_has_its_place() {
    check(
        &json!({
            "model": "gpt", "messages": hi(), "max_completion_tokens": 64, "metadata": {"a": "b"},
            "parallel_tool_calls": false, "prompt_cache_key": "k", "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema":
                {"name": "n", "schema": {"type": "object"}, "strict": true}},
            "safety_identifier": "s", "service_tier": "flex", "stream": true,
            "stream_options": {"include_usage": true, "include_obfuscation": false},
            "temperature": 0.5, "top_p": 0.9, "user": "u", "verbosity": "low",
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "tools": [{"type": "function", "function": {"name": "f", "description": "d"}},
                      {"type": "custom", "custom": {"name": "c", "format": {"type": "grammar",
                        "grammar": {"syntax": "lark", "definition": "x"}}}}],
            "frequency_penalty": 0, "presence_penalty": 0.0, "logit_bias": {}, "n": 1,
            "logprobs": false, "top_logprobs": 0, "modalities": ["text"], "store": false,
        }),
        &json!({
            "model": "gpt", "input": [said("user", "hi")], "max_output_tokens": 64,
            "metadata": {"a": "b"}, "parallel_tool_calls": false, "prompt_cache_key": "k",
            "reasoning": {"effort": "low"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"},
                "strict": true}, "verbosity": "low"},
            "safety_identifier": "s", "service_tier": "flex", "stream": true,
            "stream_options": {"include_obfuscation": false},
            "temperature": 0.5, "top_p": 0.9, "user": "u",
            "tool_choice": {"type": "function", "name": "f"},
            "tools": [
                {"type": "function", "name": "f", "description": "d", "strict": false,
                 "parameters": {"type": "object", "properties": {}}},
                {"type": "custom", "name": "c", "format":
                    {"type": "grammar", "syntax": "lark", "definition": "x"}}],
        }),
        &[],
    );
}

#[test]
fn what_is_not_passed_on_is_named() {
    check(
        &json!({"messages": hi(), "seed": 1, "stop": "x", "store": true, "max_tokens": 1,
                "prediction": {"type": "content", "content": "x"}, "tool_choice": "auto"}),
        &json!({"input": [said("user", "hi")], "max_output_tokens": 16}),
        &[
            "hint_dropped prediction",
            "hint_dropped store",
            "seed_dropped seed",
            "stop_dropped stop",
            "token_floor max_completion_tokens",
        ],
    );
}

#[test]
fn messages_of_every_kind() {
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let custom = json!({"id": "b", "type": "custom", "custom": {"name": "c", "input": "ls"}});
    check(
        &json!({"messages": [
            {"role": "system", "content": "s", "name": "n"},
            {"role": "developer", "content": [{"type": "text", "text": "d"}]},
            {"role": "user", "content": [
                {"type": "text", "text": "x"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
                {"type": "file", "file": {"file_data": "AA", "filename": "f"}}]},
            {"role": "assistant", "content": "let me see", "refusal": null, "annotations": [],
             "tool_calls": [call, custom]},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "1"}]},
            {"role": "tool", "tool_call_id": "b", "content": "2"},
            {"role": "assistant", "content": null, "refusal": "no", "reasoning_content": "hm",
             "context": {"citations": []}},
        ]}),
        &json!({"input": [
            said("system", "s"),
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "d"}]},
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "x"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
                {"type": "input_file", "file_data": "AA", "filename": "f"}]},
            said("assistant", "let me see"),
            {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "b", "name": "c", "input": "ls"},
            {"type": "function_call_output", "call_id": "a",
             "output": [{"type": "input_text", "text": "1"}]},
            {"type": "custom_tool_call_output", "call_id": "b", "output": "2"},
            {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        ]}),
        &[
            "name_dropped messages[0].name",
            "hint_dropped messages[6].reasoning_content",
            "hint_dropped messages[6].context",
        ],
    );
}

#[test]
fn the_older_functions_get_ids() {
    let body = json!({
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
        ],
        "functions": [{"name": "f", "parameters": {"type": "object"}}],
        "function_call": {"name": "f"},
    });
    check(
        &body,
        &json!({
            "input": [
                said("user", "hi"),
                {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "call_1", "output": "1"},
            ],
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": false}],
            "tool_choice": {"type": "function", "name": "f"},
        }),
        &["functions_emulated functions"],
    );
    assert!(translated(&body).unwrap().functions);
}

#[test]
fn long_ids_fit_on_both_sides_bug_14() {
    let long = "x".repeat(65);
    let body = json!({"messages": [
        {"role": "assistant", "tool_calls": [
            {"id": long, "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": long, "content": "1"},
    ]});
    let done = serde_json::to_value(translated(&body).unwrap().request).unwrap();
    let id = |pointer: &str| done.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    assert_eq!(id("/input/0/call_id"), id("/input/1/call_id"));
    assert!(id("/input/0/call_id").len() <= 64);
}

#[test]
fn encrypted_reasoning_goes_before_the_calls_it_led_to() {
    let body = json!({"messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
    ]});
    let request = chat::Request::from_slice(body.to_string().as_bytes()).unwrap();
    let known = |id: &str| (id == "a").then(|| vec![kept_reasoning("gAAAA"), json!({"other": 1})]);
    let mut settings = CandidateSettings::new("m");
    let sealer = Sealer::new(&[4; 32]);
    settings.sealer = Some(sealer.clone());
    let done = from_chat(request, &settings, &known).unwrap();
    let opened = done.request.items().iter().map(|item| match item {
        Item::Reasoning(reasoning) => {
            sealer.open_reasoning(reasoning.encrypted_content.as_deref().unwrap())
        }
        _ => None,
    });
    let theirs = SealedReasoning::Encrypted("gAAAA".to_owned());
    let expected = [None, Some(theirs), None, None, None, None];
    assert_eq!(opened.collect::<Vec<_>>(), expected);
}

#[test]
fn what_has_no_counterpart() {
    let with = |name: &str, value: Value| {
        let mut body = json!({"messages": hi()});
        body[name] = value;
        body
    };
    let message = |message: Value| json!({"messages": [message]});
    for (body, field) in [
        (with("n", json!(2)), "n"),
        (with("logprobs", json!(true)), "logprobs"),
        (with("top_logprobs", json!(1)), "top_logprobs"),
        (with("frequency_penalty", json!(0.5)), "frequency_penalty"),
        (with("presence_penalty", json!(-1)), "presence_penalty"),
        (with("logit_bias", json!({"1": 2})), "logit_bias"),
        (with("audio", json!({})), "audio"),
        (with("modalities", json!(["text", "audio"])), "modalities"),
        (with("web_search_options", json!({})), "web_search_options"),
        (with("data_sources", json!([])), "data_sources"),
        (
            with("user_security_context", json!({})),
            "user_security_context",
        ),
        (with("stream_options", json!({})), "stream_options"),
        (with("top_k", json!(1)), "top_k"),
        (with("hunter2", json!(1)), "(unknown)"),
        (with("tools", json!([{"type": "web_search"}])), "tools[0]"),
        (
            with("response_format", json!({"type": "x"})),
            "response_format",
        ),
        (with("tool_choice", json!("x")), "tool_choice"),
        (with("messages", json!([])), "messages"),
        (
            message(json!({"role": "critic", "content": "x"})),
            "messages[0]",
        ),
        (
            message(json!({"role": "function", "name": "f", "content": "x"})),
            "messages[0].name",
        ),
        (
            message(json!({"role": "assistant", "audio": {"id": "a"}})),
            "messages[0].audio",
        ),
        (
            message(
                json!({"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}),
            ),
            "messages[0].content[0].file.file_id",
        ),
        (
            message(json!({"role": "assistant", "tool_calls": [{"id": "a", "type": "x"}]})),
            "messages[0].tool_calls[0]",
        ),
    ] {
        let error = translated(&body).expect_err(&body.to_string());
        assert_eq!(error.field, field, "{body}");
    }
}

#[test]
fn every_field_leads_back() {
    let body = json!({"messages": [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "x", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"}]});
    let namer = translated(&body).unwrap().namer();
    for (theirs, ours) in [
        ("input", "messages"),
        ("input[0]", "messages[0]"),
        ("input[1].content[0]", "messages[1]"),
        ("input[2].arguments", "messages[1]"),
        ("input[3].output", "messages[2]"),
        ("input[9]", "messages"),
        ("tools[1]", "tools[1]"),
        ("tools[1].strict", "tools[1].function.strict"),
        ("max_output_tokens", "max_completion_tokens"),
        ("reasoning.effort", "reasoning_effort"),
        ("text.format", "response_format"),
        ("text.verbosity", "verbosity"),
        ("temperature", "temperature"),
    ] {
        assert_eq!(namer(theirs), ours, "{theirs}");
    }
}

#[test]
fn penalties_may_be_dropped_by_policy() {
    let mut settings = CandidateSettings::new("m");
    settings.penalties = Penalties::Drop;
    let body = json!({"messages": hi(), "frequency_penalty": 1, "logit_bias": {"1": 1}});
    let request = chat::Request::from_slice(body.to_string().as_bytes()).unwrap();
    let done = from_chat(request, &settings, &none).unwrap();
    assert_eq!(
        shown(&done.losses),
        [
            "sampling_dropped frequency_penalty",
            "sampling_dropped logit_bias"
        ]
    );
}

/// A conversation as clients send it: calls answered at once.
fn a_conversation() -> impl Strategy<Value = Vec<Value>> {
    let text = "[ -~å]{1,12}";
    let turn = prop_oneof![
        text.prop_map(|text| vec![json!({"role": "user", "content": text})]),
        text.prop_map(|text| vec![json!({"role": "system", "content": text})]),
        text.prop_map(|text| vec![json!({"role": "assistant", "content": text})]),
        (prop::collection::vec(("[a-zA-Z0-9_-]{1,64}", "[ -~]{0,12}", any::<bool>()), 1..4), 0..u32::MAX)
            .prop_map(|(calls, salt)| {
                let id = |at: usize| format!("call_{salt}_{at}");
                let made = calls.iter().enumerate().map(|(at, (name, input, custom))| if *custom {
                    json!({"custom": {"input": input, "name": name}, "id": id(at), "type": "custom"})
                } else {
                    json!({"function": {"arguments": input, "name": name}, "id": id(at), "type": "function"})
                });
                let mut turn = vec![json!({"role": "assistant", "tool_calls": made.collect::<Vec<_>>()})];
                turn.extend((0..calls.len()).map(|at| {
                    json!({"role": "tool", "content": "r", "tool_call_id": id(at)})
                }));
                turn
            }),
    ];
    prop::collection::vec(turn, 1..6).prop_map(|turns| turns.into_iter().flatten().collect())
}

proptest! {
    /// Text, names, ids and arguments are the same after going there and back.
    #[test]
    fn there_and_back_again(messages in a_conversation()) {
        let there = translated(&json!({"messages": messages})).unwrap();
        let back = to_chat(there.request, &CandidateSettings::new("m")).unwrap();
        let mut found = serde_json::to_value(&back.request.messages).unwrap();
        // Text right before calls is one turn with them.
        let mut expected = json!(messages);
        for all in [&mut found, &mut expected] {
            let mut flat: Vec<Value> = Vec::new();
            for message in all.as_array_mut().unwrap().drain(..) {
                let mut message = message;
                let calls = message.as_object_mut().unwrap().remove("tool_calls");
                if !message["content"].is_null() {
                    flat.push(message);
                }
                flat.extend(calls);
            }
            *all = Value::Array(flat);
        }
        prop_assert_eq!(found, expected);
    }
}
