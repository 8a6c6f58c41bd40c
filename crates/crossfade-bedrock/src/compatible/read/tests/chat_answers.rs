//! Chat completions, streamed and whole.

use serde_json::{Value, json};

use super::*;

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
