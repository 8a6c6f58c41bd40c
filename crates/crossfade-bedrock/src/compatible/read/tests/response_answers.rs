//! Responses of the Responses API, streamed and whole.

use serde_json::{Value, json};

use super::*;

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
