//! Exchanges made up for tests.

use std::time::Duration;

use bytes::Bytes;
use crossfade_exchange::{
    AnswerReason, Assignment, Ending, Exchange, Operation, Recording, Role, RouteId, Side,
    SizeClass, Timings,
};
use serde_json::{Value, json};

/// A whole answer's body with this text.
pub(super) fn body(text: &str) -> String {
    let message = json!({"role": "assistant", "content": text, "refusal": null});
    said(&message, "stop")
}

/// A whole answer's body with this message.
pub(super) fn said(message: &Value, finish: &str) -> String {
    json!({
        "choices": [{"finish_reason": finish, "index": 0, "logprobs": null, "message": message}],
        "created": 1, "id": "chatcmpl-1", "model": "m", "object": "chat.completion",
        "usage": {"completion_tokens": 5, "prompt_tokens": 10, "total_tokens": 15},
    })
    .to_string()
}

/// A whole answer's body that calls these tools.
pub(super) fn calls(calls: &[(&str, &str)]) -> String {
    let calls: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(n, (name, arguments))| {
            json!({"id": format!("call_{n}"), "type": "function", "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    said(
        &json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": calls}),
        "tool_calls",
    )
}

/// A whole stream with this text, cut into words.
pub(super) fn sse(text: &str) -> String {
    let chunk = |delta: Value, finish: Value| {
        let chunk = json!({
            "choices": [{"delta": delta, "finish_reason": finish, "index": 0, "logprobs": null}],
            "created": 1, "id": "chatcmpl-1", "model": "m", "object": "chat.completion.chunk",
        });
        format!("data: {chunk}\n\n")
    };
    let mut stream = chunk(
        json!({"content": "", "refusal": null, "role": "assistant"}),
        Value::Null,
    );
    for word in text.split_inclusive(' ') {
        stream.push_str(&chunk(json!({"content": word}), Value::Null));
    }
    stream.push_str(&chunk(json!({}), json!("stop")));
    stream.push_str("data: [DONE]\n\n");
    stream
}

/// An error's body.
pub(super) fn error(code: &str) -> String {
    json!({"error": {"message": "m", "type": null, "param": null, "code": code}}).to_string()
}

/// A request that asks for this `response_format`.
pub(super) fn ask(format: &Value) -> Value {
    json!({"messages": [], "response_format": format})
}

/// A complete recording. The side is set by [`exchange`].
pub(super) fn recorded(status: u16, body: &str) -> Recording {
    let stream = body.starts_with("data:");
    let kind = if stream {
        "text/event-stream; charset=utf-8"
    } else {
        "application/json"
    };
    Recording {
        side: Side::Primary,
        role: Role::Shadow,
        ending: Ending::Complete,
        status: Some(status),
        content_type: Some(kind.to_owned()),
        content_encoding: None,
        body: Bytes::copy_from_slice(body.as_bytes()),
        truncated: false,
        timings: Timings {
            first_content: Some(Duration::from_millis(200)),
            ..Timings::default()
        },
        failover: None,
        losses: Vec::new(),
        usage: None,
    }
}

/// An exchange of these recordings.
pub(super) fn exchange(
    request: &Value,
    primary: Option<Recording>,
    candidate: Option<Recording>,
) -> Exchange {
    let at = |side: Side, recording: Option<Recording>| {
        recording.map(|recording| Recording { side, ..recording })
    };
    Exchange {
        id: "00000000-0000-4000-8000-000000000000".to_owned(),
        route: RouteId::new("support"),
        received_unix_ms: 0,
        operation: Operation::Chat,
        path: "/openai/deployments/support/chat/completions".to_owned(),
        request: Bytes::from(request.to_string()),
        size: SizeClass::K4,
        streamed: false,
        assignment: Assignment {
            answer: Side::Primary,
            shadow: Some(Side::Candidate),
            probability: 0.0,
            salt: 0,
            drawn: false,
            inclusion: 1.0,
            reason: AnswerReason::Share,
        },
        draw: None,
        mirrored: None,
        primary: at(Side::Primary, primary),
        candidate: at(Side::Candidate, candidate),
        secondary: None,
        candidate_again: None,
        caller: crossfade_exchange::Caller::default(),
    }
}
