//! What the endpoints answer, as steps. Forms follow recorded streams of both surfaces.

use crossfade_openai::sse;
use serde_json::{Value, json};

use super::*;
use crate::{
    answer::{End, Finish, Frame, Reader, Reply, Thought},
    settings::Misconduct,
};

fn shape(reply: Reply) -> Shape {
    Shape::new(reply, [7; 32], false, Misconduct::default())
}

fn chat(reply: Reply) -> ChatReader {
    ChatReader::new(shape(reply), true)
}

fn responses(reply: Reply) -> ResponsesReader {
    ResponsesReader::new(shape(reply))
}

fn event(data: &Value) -> Frame {
    Frame::Sse(sse::Event {
        event: None,
        data: data.to_string(),
    })
}

fn done() -> Frame {
    Frame::Sse(sse::Event {
        event: None,
        data: sse::DONE.to_owned(),
    })
}

/// Steps told shortly, neighbours of one kind joined.
fn short(steps: &[Step]) -> Vec<String> {
    let mut told: Vec<(String, String)> = Vec::new();
    for step in steps {
        let (kind, text) = match step {
            Step::Text(text) => ("text".to_owned(), text.clone()),
            Step::Refusal(text) => ("refusal".to_owned(), text.clone()),
            Step::Thought(Thought::Text(text)) => ("thought".to_owned(), text.clone()),
            Step::Thought(Thought::Summary(text)) => ("summary".to_owned(), text.clone()),
            Step::Thought(Thought::Encrypted(text)) => ("encrypted".to_owned(), text.clone()),
            Step::Thought(_) => continue,
            Step::Call {
                index, name, id, ..
            } => {
                let id = id.as_deref().unwrap_or_default();
                assert!(id.starts_with("call_") && id.len() == 29, "{id}");
                (format!("call {index}"), name.clone())
            }
            Step::CallInput { index, text } => (format!("input {index}"), text.clone()),
            Step::CallDone { .. } => continue,
            Step::Logprobs(value) => ("logprobs".to_owned(), value["content"].to_string()),
            Step::Citation(value) => ("citation".to_owned(), value["url"].to_string()),
            Step::Filter(_) => ("filter".to_owned(), String::new()),
            Step::Tokens(usage) => ("tokens".to_owned(), usage.output.to_string()),
            Step::Lost(kind, field) => (format!("lost {}", kind.as_str()), field.to_string()),
            Step::End(End { finish, usage }) => {
                let usage =
                    usage.map(|usage| (usage.input, usage.cached, usage.output, usage.reasoning));
                ("end".to_owned(), format!("{finish:?} {usage:?}"))
            }
        };
        match told.last_mut() {
            Some((last, so_far)) if *last == kind && kind != "end" => so_far.push_str(&text),
            _ => told.push((kind, text)),
        }
    }
    told.into_iter()
        .map(|(kind, text)| format!("{kind}: {text}"))
        .collect()
}

fn read(mut reader: impl Reader, frames: Vec<Frame>) -> Result<Vec<String>, AnswerError> {
    let mut steps = Vec::new();
    for frame in frames {
        if reader.push(frame, &mut steps)? {
            return Ok(short(&steps));
        }
    }
    reader.finish(&mut steps)?;
    Ok(short(&steps))
}

fn delta(delta: Value) -> Frame {
    event(
        &json!({"id": "x", "choices": [{"delta": delta, "finish_reason": null, "index": 0, "logprobs": null}],
        "created": 0, "model": "m", "object": "chat.completion.chunk", "service_tier": "default", "usage": null}),
    )
}

fn finish(reason: &str) -> Frame {
    event(
        &json!({"choices": [{"delta": {"content": null, "role": null, "tool_calls": null}, "finish_reason": reason, "index": 0}]}),
    )
}

fn usage() -> Frame {
    event(
        &json!({"choices": [], "usage": {"completion_tokens": 9, "prompt_tokens": 20, "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 5}, "completion_tokens_details": {"reasoning_tokens": 4}}}),
    )
}

fn check_chat(frames: Vec<Frame>, expected: &[&str]) {
    assert_eq!(read(chat(Reply::default()), frames).unwrap(), expected);
}

#[test]
fn text_with_inline_reasoning_edge_40() {
    check_chat(
        vec![
            delta(json!({"content": "", "role": "assistant", "tool_calls": null, "refusal": null})),
            delta(json!({"content": null, "role": null})),
            delta(json!({"content": "<reasoning>We say"})),
            delta(json!({"content": " hi.</reas"})),
            delta(json!({"content": "oning>He"})),
            delta(json!({"content": "llo"})),
            finish("stop"),
            usage(),
            done(),
        ],
        &[
            "thought: We say hi.",
            "text: Hello",
            "end: Stop Some((15, 5, 9, 4))",
        ],
    );
}

#[test]
fn reasoning_in_a_member_of_its_own() {
    check_chat(
        vec![
            delta(json!({"reasoning": "Hm."})),
            delta(json!({"reasoning_content": " So."})),
            delta(json!({"content": "Hi"})),
            finish("stop"),
            done(),
        ],
        &["thought: Hm. So.", "text: Hi", "end: Stop None"],
    );
}

fn call(index: u64, id: Value, name: Value, arguments: &str) -> Value {
    json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

#[test]
fn calls_are_counted_from_0_bug_18() {
    let none = Value::Null;
    check_chat(
        vec![
            delta(json!({"tool_calls": [call(1, json!("call_0"), json!("rain"), "{\"c")]})),
            delta(
                json!({"tool_calls": [call(1, none.clone(), none.clone(), "ity\":"), call(1, none.clone(), none.clone(), "1}")]}),
            ),
            delta(json!({"tool_calls": [call(2, json!("call_1"), json!("now"), "")]})),
            finish("tool_calls"),
            done(),
        ],
        &[
            "call 0: rain",
            "input 0: {\"city\":1}",
            "call 1: now",
            "input 1: {}",
            "end: Calls None",
        ],
    );
}

#[test]
fn a_place_that_is_used_again_is_another_call() {
    check_chat(
        vec![
            delta(json!({"tool_calls": [call(0, json!("call_0"), json!("rain"), "{}")]})),
            delta(json!({"tool_calls": [call(0, json!("call_1"), json!("rain"), "{\"a\":1}")]})),
            finish("tool_calls"),
            done(),
        ],
        &[
            "call 0: rain",
            "input 0: {}",
            "call 1: rain",
            "input 1: {\"a\":1}",
            "end: Calls None",
        ],
    );
}

#[test]
fn a_name_may_come_late_and_again_bug_19() {
    let none = Value::Null;
    check_chat(
        vec![
            delta(json!({"tool_calls": [call(0, json!("call_0"), none.clone(), "{\"a\":")]})),
            delta(json!({"tool_calls": [call(0, json!("call_0"), json!("rain"), "1")]})),
            delta(json!({"tool_calls": [call(0, json!("call_0"), json!("rain"), "}")]})),
            finish("stop"),
            done(),
        ],
        &["call 0: rain", "input 0: {\"a\":1}", "end: Calls None"],
    );
    let nameless = vec![
        delta(json!({"tool_calls": [call(0, json!("c"), none, "{}")]})),
        finish("tool_calls"),
        done(),
    ];
    assert_eq!(
        read(chat(Reply::default()), nameless),
        Err(AnswerError::Malformed)
    );
}

#[test]
fn log_probabilities_stand_before_their_text() {
    let chunk = event(
        &json!({"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop",
        "logprobs": {"content": [{"token": "Hi", "logprob": -0.5}], "refusal": null}}]}),
    );
    check_chat(
        vec![chunk, done()],
        &[
            r#"logprobs: [{"token":"Hi","logprob":-0.5}]"#,
            "text: Hi",
            "end: Stop None",
        ],
    );
}

#[test]
fn ends_are_closed_words_bug_22() {
    let ended = |reason: &str| {
        read(
            chat(Reply::default()),
            vec![delta(json!({"content": "Hi"})), finish(reason), done()],
        )
    };
    for (reason, end) in [
        ("stop", "Stop"),
        ("length", "Length"),
        ("content_filter", "Filtered"),
        ("tool_calls", "Stop"),
    ] {
        assert_eq!(
            ended(reason).unwrap().last().unwrap(),
            &format!("end: {end} None"),
            "{reason}"
        );
    }
    assert_eq!(
        ended("eos").unwrap(),
        [
            "text: Hi",
            "lost stop_reason_unknown: finish_reason",
            "end: Stop None"
        ]
    );
    let silent = read(chat(Reply::default()), vec![finish("eos"), done()]);
    assert_eq!(silent, Err(AnswerError::UnknownEnd));
}

#[test]
fn what_is_no_whole_answer_is_an_error() {
    let failed = |frames| read(chat(Reply::default()), frames).unwrap_err();
    let said = || delta(json!({"content": "Hi"}));
    assert_eq!(failed(vec![said()]), AnswerError::Unfinished);
    assert_eq!(
        failed(vec![said(), done()]),
        AnswerError::Unfinished,
        "an end mark is no end"
    );
    assert_eq!(failed(vec![]), AnswerError::Unfinished);
    let error = |kind: &str| event(&json!({"error": {"message": "m", "type": kind, "code": null}}));
    assert_eq!(
        failed(vec![said(), error("server_error")]),
        AnswerError::Failed(FaultKind::Internal)
    );
    assert_eq!(
        failed(vec![error("rate_limit_error")]),
        AnswerError::Failed(FaultKind::Throttled)
    );
    let text = event(&json!({"error": "broken"}));
    assert_eq!(failed(vec![text]), AnswerError::Failed(FaultKind::Internal));
    let junk = Frame::Sse(sse::Event {
        event: None,
        data: "{".to_owned(),
    });
    assert_eq!(failed(vec![junk]), AnswerError::Failed(FaultKind::Garbage));
}

#[test]
fn unknown_events_and_members_are_skipped_and_counted() {
    check_chat(
        vec![
            event(&json!({"type": "ping"})),
            delta(json!({"content": "Hi", "acme": {"x": 1}})),
            event(&json!({"choices": [{"index": 1, "delta": {"content": "other"}}]})),
            finish("stop"),
            done(),
        ],
        &[
            "lost event_skipped: stream",
            "lost block_dropped: message.(unknown)",
            "text: Hi",
            "lost block_dropped: choices",
            "end: Stop None",
        ],
    );
}

#[test]
fn whole_answers_are_read_like_streams() {
    let body = json!({"choices": [{"finish_reason": "tool_calls", "index": 0, "logprobs": null, "message": {
        "content": "<reasoning>hm</reasoning>Let me see", "reasoning": "So.", "refusal": null, "role": "assistant",
        "tool_calls": [{"id": "call_0", "type": "function", "function": {"name": "rain", "arguments": "{\"a\":1}"}}]}}],
        "created": 1, "id": "x", "model": "m", "object": "chat.completion", "service_tier": "default",
        "usage": {"completion_tokens": 9, "prompt_tokens": 20, "total_tokens": 29, "completion_tokens_details": null, "prompt_tokens_details": null}});
    check_chat(
        vec![Frame::Body(body.to_string().into())],
        &[
            "thought: So.hm",
            "text: Let me see",
            "call 0: rain",
            "input 0: {\"a\":1}",
            "end: Calls Some((20, 0, 9, 0))",
        ],
    );
    let failed = |body: Value| {
        read(
            chat(Reply::default()),
            vec![Frame::Body(body.to_string().into())],
        )
        .unwrap_err()
    };
    assert_eq!(failed(json!({"choices": []})), AnswerError::Unfinished);
    assert_eq!(
        failed(json!({"error": {"type": "server_error"}})),
        AnswerError::Failed(FaultKind::Internal)
    );
    assert_eq!(
        failed(json!({"message": "no"})),
        AnswerError::Failed(FaultKind::Garbage)
    );
}

#[test]
fn a_guardrail_that_acted_is_told() {
    let blocked = |side: &str| {
        json!({"guardrail": {(side): {"gr": {"contentPolicy": {"filters": [
        {"type": "HATE", "confidence": "HIGH", "action": "BLOCKED"}]}}}}})
    };
    let answered = |trace: Value| {
        let body = json!({"choices": [{"finish_reason": "stop", "index": 0, "message": {"content": "Sorry", "role": "assistant"}}],
            "object": "chat.completion", "amazon-bedrock-guardrailAction": "INTERVENED", "amazon-bedrock-trace": trace});
        read(
            chat(Reply::default()),
            vec![Frame::Body(body.to_string().into())],
        )
    };
    assert!(
        matches!(answered(blocked("input")), Err(AnswerError::PromptBlocked(found)) if found.contains_key("hate"))
    );
    let trace = json!({"guardrail": {"outputs": [blocked("input")["guardrail"]["input"]]}});
    let told = answered(trace).unwrap();
    assert_eq!(told.last().unwrap(), "end: Filtered None");
    assert!(told.contains(&"filter: ".to_owned()));
}

#[test]
fn functions_and_free_text_come_back_as_they_were_asked_for() {
    let reply = Reply {
        custom: ["sql".to_owned()].into(),
        ..Reply::default()
    };
    let frames = vec![
        delta(json!({"tool_calls": [call(0, json!("c"), json!("sql"), "{\"input\":")]})),
        delta(json!({"tool_calls": [call(0, json!("c"), Value::Null, "\"select 1\"}")]})),
        finish("tool_calls"),
        done(),
    ];
    assert_eq!(
        read(chat(reply), frames).unwrap(),
        ["call 0: sql", "input 0: select 1", "end: Calls None"]
    );
}

// === Responses ===

fn ended(status: &str, more: Value) -> Value {
    let mut response = json!({"id": "resp_1", "object": "response", "status": status, "output": [],
        "usage": {"input_tokens": 20, "output_tokens": 9, "total_tokens": 29, "input_tokens_details": {"cached_tokens": 5}, "output_tokens_details": {"reasoning_tokens": 4}}});
    for (name, value) in more.as_object().unwrap() {
        response[name] = value.clone();
    }
    response
}

fn last(status: &str, more: Value) -> Frame {
    event(
        &json!({"type": format!("response.{status}"), "sequence_number": 9, "response": ended(status, more)}),
    )
}

fn check_responses(frames: Vec<Frame>, expected: &[&str]) {
    assert_eq!(read(responses(Reply::default()), frames).unwrap(), expected);
}

#[test]
fn a_response_s_events() {
    check_responses(
        vec![
            event(
                &json!({"type": "response.created", "sequence_number": 0, "response": ended("in_progress", json!({}))}),
            ),
            event(
                &json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": []}}),
            ),
            event(
                &json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "delta": "Hm."}),
            ),
            event(
                &json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "e"}}),
            ),
            event(
                &json!({"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "id": "msg_1", "role": "assistant", "content": []}}),
            ),
            event(
                &json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Hel", "logprobs": []}),
            ),
            event(
                &json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "lo"}),
            ),
            event(
                &json!({"type": "response.output_text.annotation.added", "output_index": 1, "annotation": {"type": "url_citation", "url": "u"}}),
            ),
            event(
                &json!({"type": "response.output_item.done", "output_index": 1, "item": {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}}),
            ),
            event(
                &json!({"type": "response.output_item.added", "output_index": 2, "item": {"type": "function_call", "id": "fc_1", "call_id": "call_0", "name": "rain", "arguments": ""}}),
            ),
            event(
                &json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"a\":"}),
            ),
            event(
                &json!({"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "1}"}),
            ),
            event(
                &json!({"type": "response.function_call_arguments.done", "output_index": 2, "arguments": "{\"a\":1}"}),
            ),
            event(
                &json!({"type": "response.output_item.done", "output_index": 2, "item": {"type": "function_call", "call_id": "call_0", "name": "rain", "arguments": "{\"a\":1}"}}),
            ),
            event(&json!({"type": "response.web_search_call.searching", "output_index": 3})),
            last("completed", json!({})),
        ],
        &[
            "summary: Hm.",
            "encrypted: e",
            "text: Hello",
            "citation: \"u\"",
            "call 0: rain",
            "input 0: {\"a\":1}",
            "lost event_skipped: stream",
            "end: Calls Some((15, 5, 9, 4))",
        ],
    );
}

#[test]
fn a_whole_response_is_read_like_its_events() {
    let output = json!([
        {"type": "reasoning", "id": "msg_0", "summary": [], "content": [{"type": "reasoning_text", "text": "Hm."}]},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "Hello", "annotations": []}, {"type": "refusal", "refusal": "No."}]},
        {"type": "function_call", "call_id": "call_0", "name": "rain", "arguments": "{}"},
        {"type": "web_search_call", "id": "ws_1"},
    ]);
    let body = ended("completed", json!({"output": output}));
    check_responses(
        vec![Frame::Body(body.to_string().into())],
        &[
            "thought: Hm.",
            "text: Hello",
            "refusal: No.",
            "call 0: rain",
            "input 0: {}",
            "lost block_dropped: output",
            "end: Calls Some((15, 5, 9, 4))",
        ],
    );
}

#[test]
fn custom_tools_give_their_bare_text() {
    let reply = Reply {
        custom: ["sql".to_owned()].into(),
        ..Reply::default()
    };
    let frames = vec![
        event(
            &json!({"type": "response.output_item.added", "output_index": 0, "item": {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": ""}}),
        ),
        event(
            &json!({"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": "select "}),
        ),
        event(
            &json!({"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": "1"}),
        ),
        event(
            &json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "select 1"}}),
        ),
        last("completed", json!({})),
    ];
    let told = read(responses(reply), frames).unwrap();
    assert_eq!(told.get(..2).unwrap(), ["call 0: sql", "input 0: select 1"]);
}

#[test]
fn how_a_response_ends() {
    let text =
        || event(&json!({"type": "response.output_text.delta", "output_index": 0, "delta": "Hi"}));
    let end = |frame| read(responses(Reply::default()), vec![text(), frame]);
    let incomplete = |reason: &str| {
        last(
            "incomplete",
            json!({"incomplete_details": {"reason": reason}, "usage": null}),
        )
    };
    assert_eq!(
        end(incomplete("max_output_tokens"))
            .unwrap()
            .last()
            .unwrap(),
        "end: Length None"
    );
    assert_eq!(
        end(incomplete("content_filter")).unwrap().last().unwrap(),
        "end: Filtered None"
    );
    assert!(
        end(incomplete("acme"))
            .unwrap()
            .contains(&"lost stop_reason_unknown: finish_reason".to_owned())
    );
    let failed = last(
        "failed",
        json!({"error": {"code": "rate_limit_exceeded", "message": "m"}}),
    );
    assert_eq!(end(failed), Err(AnswerError::Failed(FaultKind::Throttled)));
    let error = event(&json!({"type": "error", "code": "server_error", "message": "m"}));
    assert_eq!(end(error), Err(AnswerError::Failed(FaultKind::Internal)));
    assert_eq!(
        read(responses(Reply::default()), vec![text()]),
        Err(AnswerError::Unfinished)
    );
    assert_eq!(
        read(responses(Reply::default()), vec![text(), done()]),
        Err(AnswerError::Unfinished)
    );
}
