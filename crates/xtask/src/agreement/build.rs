//! Exchanges made of recorded outputs: what a caller would have asked, and what both sides would have answered.

use std::time::Duration;

use bytes::Bytes;
use crossfade_exchange::{
    AnswerReason, Assignment, Caller, Ending, Exchange, Operation, Recording, Role, RouteId, Side,
    SizeClass, Timings,
};
use serde_json::{Value, json};

/// The body of a chat completion with this text.
pub(crate) fn text(text: &str) -> Bytes {
    completion(
        &json!({"role": "assistant", "content": text, "refusal": null}),
        "stop",
    )
}

/// The body of a chat completion that calls these tools: name and arguments.
pub(crate) fn calls<'c>(calls: impl IntoIterator<Item = (&'c str, String)>) -> Bytes {
    let calls: Vec<Value> = (0..)
        .zip(calls)
        .map(|(place, (name, arguments)): (u32, _)| {
            json!({"id": format!("call_{place}"), "type": "function",
                   "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    completion(
        &json!({"role": "assistant", "content": null, "refusal": null, "tool_calls": calls}),
        "tool_calls",
    )
}

fn completion(message: &Value, finish: &str) -> Bytes {
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": finish, "logprobs": null, "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    });
    body.to_string().into()
}

/// A chat exchange: the request's body, and what each side answered, if it was asked.
pub(crate) fn exchange(
    id: &str,
    request: &Value,
    primary: Option<Bytes>,
    candidate: Option<Bytes>,
) -> Exchange {
    Exchange {
        id: id.to_owned(),
        route: RouteId::new("agreement"),
        received_unix_ms: 0,
        operation: Operation::Chat,
        path: "/openai/deployments/agreement/chat/completions".to_owned(),
        request: request.to_string().into(),
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
        primary: primary.map(|body| recording(Side::Primary, Role::Answering, body)),
        candidate: candidate.map(|body| recording(Side::Candidate, Role::Shadow, body)),
        secondary: None,
        candidate_again: None,
        caller: Caller::default(),
    }
}

/// What one side answered, completely and with 200.
pub(crate) fn recording(side: Side, role: Role, body: Bytes) -> Recording {
    Recording {
        side,
        role,
        ending: Ending::Complete,
        status: Some(200),
        content_type: Some("application/json".to_owned()),
        content_encoding: None,
        body,
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
