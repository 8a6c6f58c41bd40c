//! Requests of the Responses API as chat requests, case by case.

use serde_json::json;

use super::*;
use crate::responses::{Sealer, seal::SealedReasoning};

mod order;

fn sealer() -> Sealer {
    Sealer::new(&[3; 32])
}

fn settings() -> CandidateSettings {
    let mut settings = CandidateSettings::new("model-a");
    settings.sealer = Some(sealer());
    settings
}

fn translated(body: &Value) -> Result<ToChat, Unsupported> {
    let request = Request::from_slice(body.to_string().as_bytes()).unwrap();
    to_chat(request, &settings())
}

/// What a body becomes, and its losses as `kind field`. `body` has `store: false` added.
fn check(mut body: Value, expected: &Value, losses: &[&str]) {
    let fields = body.as_object_mut().unwrap();
    fields.insert("store".to_owned(), json!(false));
    let done = translated(&body).unwrap_or_else(|error| panic!("{body}: {error}"));
    assert_eq!(
        &serde_json::to_value(&done.request).unwrap(),
        expected,
        "{body}"
    );
    assert_eq!(shown(&done.losses), losses, "{body}");
    assert_eq!(done.request.messages.len(), done.paths.messages.len());
}

fn shown(losses: &[Loss]) -> Vec<String> {
    let losses = losses.iter();
    losses
        .map(|loss| format!("{} {}", loss.kind.as_str(), loss.field))
        .collect()
}

/// The messages that an input becomes.
fn check_input(input: &Value, messages: &Value, losses: &[&str]) {
    check(
        json!({"input": input}),
        &json!({"messages": messages}),
        losses,
    );
}

fn refused_at(body: &Value, field: &str) {
    let error = translated(body).expect_err(&body.to_string());
    assert_eq!(error.field, field, "{body}");
}

fn call(id: &str, name: &str) -> Value {
    json!({"type": "function_call", "id": "fc_1", "call_id": id, "name": name, "arguments": "{}"})
}

fn result(id: &str, text: &str) -> Value {
    json!({"type": "function_call_output", "call_id": id, "output": text})
}

fn chat_call(id: &str, name: &str) -> Value {
    json!({"function": {"arguments": "{}", "name": name}, "id": id, "type": "function"})
}

fn calling(calls: &[Value]) -> Value {
    json!({"role": "assistant", "tool_calls": calls})
}

fn tool(id: &str, text: &str) -> Value {
    json!({"role": "tool", "content": text, "tool_call_id": id})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

#[test]
fn plain_text_and_instructions() {
    check(
        json!({"input": "hi", "instructions": "be brief"}),
        &json!({"messages": [{"role": "system", "content": "be brief"}, user("hi")]}),
        &[],
    );
}

#[test]
fn every_field_has_its_place() {
    check(
        json!({
            "model": "gpt", "input": "hi", "max_output_tokens": 64, "metadata": {"a": "b"},
            "parallel_tool_calls": false, "prompt_cache_key": "k", "prompt_cache_retention": "24h",
            "reasoning": {"effort": "low", "summary": "auto"}, "safety_identifier": "s",
            "service_tier": "flex", "stream": true, "temperature": 0.5, "top_p": 0.9, "user": "u",
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"},
                                "strict": true}, "verbosity": "low"},
            "tools": [{"type": "function", "name": "f", "strict": false, "description": "d",
                       "parameters": {"type": "object"}}],
            "tool_choice": {"type": "function", "name": "f"},
            "include": ["reasoning.encrypted_content"], "truncation": "disabled", "background": false,
            "top_logprobs": 0, "context_management": [],
        }),
        &json!({
            "model": "gpt", "messages": [user("hi")], "max_completion_tokens": 64,
            "metadata": {"a": "b"}, "parallel_tool_calls": false, "prompt_cache_key": "k",
            "prompt_cache_retention": "24h", "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema":
                {"name": "n", "schema": {"type": "object"}, "strict": true}},
            "safety_identifier": "s", "service_tier": "flex", "stream": true,
            "stream_options": {"include_usage": true}, "temperature": 0.5, "top_p": 0.9,
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "tools": [{"type": "function", "function": {"name": "f", "description": "d",
                "parameters": {"type": "object"}, "strict": false}}],
            "user": "u", "verbosity": "low",
        }),
        &[],
    );
}

#[test]
fn what_is_not_passed_on_is_named() {
    check(
        json!({"input": "hi", "max_tool_calls": 3, "truncation": "auto", "stream": true,
               "stream_options": {"include_obfuscation": true},
               "reasoning": {"mode": "m", "context": "auto"}}),
        &json!({"messages": [user("hi")], "stream": true, "stream_options": {"include_usage": true}}),
        &[
            "hint_dropped max_tool_calls",
            "hint_dropped truncation",
            "hint_dropped reasoning.mode",
            "hint_dropped reasoning.context",
            "hint_dropped stream_options.include_obfuscation",
        ],
    );
}

#[test]
fn choices_without_tools_are_not_sent_bug_43() {
    for tools in [json!([]), json!(null)] {
        check(
            json!({"input": "hi", "tools": tools, "tool_choice": "auto", "parallel_tool_calls": true}),
            &json!({"messages": [user("hi")]}),
            &[],
        );
    }
}

#[test]
fn tools_of_every_kind() {
    let grammar = json!({"type": "grammar", "syntax": "regex", "definition": "a+"});
    check(
        json!({
            "input": "hi",
            "tools": [
                {"type": "function", "name": "closed", "parameters": {"type": "object",
                    "properties": {}, "additionalProperties": false}},
                {"type": "function", "name": "open", "parameters": {"type": "object"}},
                {"type": "custom", "name": "c", "format": grammar},
            ],
            "tool_choice": {"type": "allowed_tools", "mode": "required",
                "tools": [{"type": "function", "name": "open"}, {"type": "custom", "name": "c"}]},
        }),
        &json!({
            "messages": [user("hi")],
            "tools": [
                {"type": "function", "function": {"name": "closed", "parameters":
                    {"type": "object", "properties": {}, "additionalProperties": false},
                    "strict": true}},
                {"type": "function", "function": {"name": "open", "parameters": {"type": "object"}}},
                {"type": "custom", "custom": {"name": "c", "format":
                    {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}}}},
            ],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [
                {"type": "function", "function": {"name": "open"}},
                {"type": "custom", "custom": {"name": "c"}}]}},
        }),
        &["strict_dropped tools[1].strict"],
    );
}

#[test]
fn messages_and_parts_of_every_kind() {
    check_input(
        &json!([
            {"type": "message", "role": "system", "content": "s"},
            {"role": "developer", "content": [{"type": "input_text", "text": "d"}]},
            {"role": "user", "content": [
                {"type": "input_text", "text": "a"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
                {"type": "input_file", "file_data": "data:application/pdf;base64,AA",
                 "filename": "f.pdf"},
                {"type": "input_file", "file_url": "https://a.example/f.pdf"},
                {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            ]},
            {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed",
             "phase": "final", "content": [
                {"type": "output_text", "text": "x", "annotations": [{"type": "url_citation"}],
                 "logprobs": []},
                {"type": "refusal", "refusal": "no"}]},
        ]),
        &json!([
            {"role": "system", "content": "s"},
            {"role": "developer", "content": "d"},
            {"role": "user", "content": [
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA",
                    "filename": "f.pdf"}},
                {"type": "file", "file": {"file_url": "https://a.example/f.pdf"}},
                {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
            ]},
            {"role": "assistant", "content": [
                {"type": "text", "text": "x"}, {"type": "refusal", "refusal": "no"}]},
        ]),
        &[
            "hint_dropped input[3].phase",
            "hint_dropped input[3].content[0].annotations",
        ],
    );
}

#[test]
fn custom_tools_results_and_parts_of_results() {
    check_input(
        &json!([
            {"type": "custom_tool_call", "id": "ctc_1", "call_id": "a", "name": "sh", "input": "ls"},
            {"type": "custom_tool_call_output", "call_id": "a", "output": [
                {"type": "input_text", "text": "x"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA"}]},
        ]),
        &json!([
            {"role": "assistant", "tool_calls": [
                {"custom": {"input": "ls", "name": "sh"}, "id": "a", "type": "custom"}]},
            {"role": "tool", "tool_call_id": "a", "content": [
                {"type": "text", "text": "x"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
        ]),
        &[],
    );
}

#[test]
fn reasoning_goes_back_to_the_model_that_can_read_it() {
    let blocks = vec![json!({"reasoningText": {"text": "hm", "signature": "s"}})];
    let sealed = |model: &str| {
        sealer().seal_reasoning(&SealedReasoning::Blocks {
            model: model.to_owned(),
            blocks: blocks.clone(),
        })
    };
    let input = |sealed: Value| {
        json!([user("hi"), {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed},
               call("a", "f"), call("b", "f"), result("a", "1"), result("b", "2")])
    };
    for (encrypted, recalled) in [
        (json!(sealed("model-a")), true),
        (json!(sealed("model-b")), false),
        (
            json!(sealer().seal_reasoning(&SealedReasoning::Encrypted("x".to_owned()))),
            false,
        ),
        (json!("gAAAAABo"), false),
        (Value::Null, false),
    ] {
        let done = translated(&json!({"input": input(encrypted), "store": false})).unwrap();
        let losses = if recalled {
            vec![]
        } else {
            vec!["thinking_missing input[1]"]
        };
        assert_eq!(shown(&done.losses), losses);
        // Once, however many calls it led to.
        assert_eq!(done.recalled.get("a"), recalled.then_some(&blocks));
        assert_eq!(done.recalled.len(), usize::from(recalled));
        assert_eq!(done.request.messages.len(), 4);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "the cases are the lines of a table")]
fn what_names_state_or_has_no_counterpart() {
    let one = |item: Value| json!({"input": [item]});
    let part = |part: Value| json!({"input": [{"role": "user", "content": [part]}]});
    for (body, field) in [
        (json!({}), "input"),
        (
            json!({"input": "hi", "previous_response_id": "resp_1"}),
            "previous_response_id",
        ),
        (
            json!({"input": "hi", "conversation": "conv_1"}),
            "conversation",
        ),
        (json!({"input": "hi", "prompt": {"id": "p"}}), "prompt"),
        (json!({"input": "hi", "background": true}), "background"),
        (
            json!({"input": "hi", "context_management": [{"type": "compaction"}]}),
            "context_management",
        ),
        (json!({"input": "hi", "moderation": {}}), "moderation"),
        (json!({"input": "hi", "top_logprobs": 2}), "top_logprobs"),
        (
            json!({"input": "hi", "include": ["message.output_text.logprobs"]}),
            "include[0]",
        ),
        (json!({"input": "hi", "seed": 1}), "seed"),
        (json!({"input": "hi", "secret": 1}), "(unknown)"),
        (
            json!({"input": "hi", "reasoning": {"x": 1}}),
            "reasoning.(unknown)",
        ),
        (
            json!({"input": "hi", "text": {"format": {"type": "x"}}}),
            "text.format",
        ),
        (
            json!({"input": "hi", "tools": [{"type": "web_search"}]}),
            "tools[0]",
        ),
        (
            json!({"input": "hi", "tools": [{"type": "mcp", "server_url": "x"}]}),
            "tools[0]",
        ),
        (
            json!({"input": "hi", "tools": [{"type": "custom", "name": "c"}],
                "tool_choice": {"type": "mcp", "server_label": "x"}}),
            "tool_choice",
        ),
        (
            json!({"input": "hi", "tool_choice": "required"}),
            "tool_choice",
        ),
        (
            json!({"input": "hi", "tools": [], "tool_choice": {"type": "function", "name": "f"}}),
            "tool_choice",
        ),
        (
            one(json!({"type": "item_reference", "id": "msg_1"})),
            "input[0].id",
        ),
        (one(json!({"id": "msg_1"})), "input[0].id"),
        (
            one(json!({"type": "web_search_call", "id": "ws_1"})),
            "input[0]",
        ),
        (
            one(json!({"type": "compaction", "encrypted_content": "x"})),
            "input[0]",
        ),
        (one(result("a", "1")), "input[0].call_id"),
        (
            one(json!({"role": "critic", "content": "x"})),
            "input[0].role",
        ),
        (
            one(json!({"role": "system", "content": [{"type": "input_image", "image_url": "x"}]})),
            "input[0].content[0]",
        ),
        (
            one(
                json!({"role": "assistant", "content": [{"type": "input_image", "image_url": "x"}]}),
            ),
            "input[0].content[0]",
        ),
        (
            one(json!({"type": "function_call", "call_id": "a", "name": "f", "namespace": "n"})),
            "input[0].namespace",
        ),
        (
            part(json!({"type": "input_image", "file_id": "f"})),
            "input[0].content[0].file_id",
        ),
        (
            part(json!({"type": "input_image"})),
            "input[0].content[0].image_url",
        ),
        (
            part(json!({"type": "input_file", "file_id": "f"})),
            "input[0].content[0].file_id",
        ),
        (
            part(json!({"type": "input_file"})),
            "input[0].content[0].file_data",
        ),
        (
            part(json!({"type": "text", "text": "x"})),
            "input[0].content[0]",
        ),
        (
            json!({"input": [result("a", "1"), call("a", "f")]}),
            "input[0].call_id",
        ),
    ] {
        refused_at(&body, field);
    }
}

#[test]
fn what_is_left_to_the_provider_to_keep_is_a_loss_where_nobody_keeps_it() {
    let request = || Request::from_slice(br#"{"input":"hi"}"#).unwrap();
    for (store, expected) in [
        (Store::Primary, vec![]),
        (Store::Unstored, vec!["unstored store"]),
        (Store::Candidate, vec![]),
    ] {
        let mut settings = settings();
        settings.store = store;
        let done = to_chat(request(), &settings).unwrap();
        assert_eq!(shown(&done.losses), expected);
    }
}
