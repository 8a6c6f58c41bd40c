//! Requests and answers of known shapes and sizes, made here so that what is measured never changes by itself.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crossfade_exchange::{
    AnswerReason, Assignment, Ending, Exchange, Operation, Recording, Role, RouteId, Side,
    SizeClass, Timings,
};

/// The deployment that is asked.
pub const DEPLOYMENT: &str = "bench";
/// Its path.
pub const PATH: &str = "/openai/deployments/bench/chat/completions?api-version=2024-10-21";
/// The path of a deployment that no route covers.
pub const UNROUTED: &str = "/openai/deployments/other/chat/completions?api-version=2024-10-21";

const SENTENCE: &str =
    "The parcel left the depot on Tuesday and should have been at the door by Thursday noon. ";

const SYLLABLES: [&str; 16] = [
    "pa", "del", "ra", "ton", "mi", "ver", "so", "lin", "ke", "dor", "ba", "nes", "tu", "gal",
    "fe", "rim",
];

/// Text of this many bytes.
pub fn text(bytes: usize) -> String {
    SENTENCE.chars().cycle().take(bytes).collect()
}

/// Words that no sentence repeats by itself, of about this many bytes. Of the same length two texts are the same, but that in one
/// with `changed` every so manieth word is another.
pub fn prose(bytes: usize, changed: Option<usize>) -> String {
    let mut text = String::with_capacity(bytes + 64);
    let mut state = 7_u32;
    let mut words = 0;
    while text.len() < bytes {
        // A linear congruential generator: the same words on every machine.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        words += 1;
        let other = changed.is_some_and(|changed| words % changed == 0);
        let mut number = (state >> 16) % 4096 + u32::from(other) * 4096;
        while number > 0 {
            let syllable = SYLLABLES.get((number % 16) as usize);
            text.push_str(syllable.map_or("", |syllable| syllable));
            number /= 16;
        }
        text.push_str(if words % 12 == 0 { ". " } else { " " });
    }
    text
}

/// JSON text of about this many bytes that fits [`json_request`]'s schema, with a note of its own in each element; of one with
/// `changed` every so manieth has another weight.
pub fn varied_json(bytes: usize, changed: Option<usize>) -> String {
    let parcels: Vec<Value> = (0..bytes / 113)
        .map(|n| {
            let other = changed.is_some_and(|changed| n % changed == 0);
            let weight = if other { 2.5 } else { 1.5 };
            let note = prose(48, Some(n % 7 + 1));
            json!({"id": n, "state": "delivered", "weight": weight, "note": note})
        })
        .collect();
    json!({"parcels": parcels}).to_string()
}

/// A chat request of about this many bytes.
pub fn request(bytes: usize, stream: bool) -> Bytes {
    let body = json!({
        "messages": [
            {"role": "system", "content": "You answer customers of a parcel service in one paragraph."},
            {"role": "user", "content": text(bytes.saturating_sub(220))},
        ],
        "temperature": 0.2,
        "max_tokens": 800,
        "stream": stream,
    });
    Bytes::from(body.to_string())
}

/// A request with ten tools on offer.
pub fn tool_request() -> Bytes {
    let tools: Vec<Value> = (0..10)
        .map(|n| {
            json!({"type": "function", "function": {
                "name": tool(n),
                "description": text(80),
                "parameters": {
                    "type": "object",
                    "properties": {
                        "id": {"type": "integer"}, "note": {"type": "string"}, "urgent": {"type": "boolean"},
                    },
                    "required": ["id"],
                },
            }})
        })
        .collect();
    let body = json!({
        "messages": [{"role": "user", "content": text(400)}],
        "tools": tools,
    });
    Bytes::from(body.to_string())
}

/// A request for JSON that fits a schema.
pub fn json_request() -> Bytes {
    let body = json!({
        "messages": [{"role": "user", "content": text(400)}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "parcels", "strict": true, "schema": {
            "type": "object",
            "additionalProperties": false,
            "required": ["parcels"],
            "properties": {"parcels": {"type": "array", "items": {
                "type": "object",
                "additionalProperties": false,
                "required": ["id", "state", "weight", "note"],
                "properties": {
                    "id": {"type": "integer"},
                    "state": {"enum": ["sent", "lost", "delivered"]},
                    "weight": {"type": "number"},
                    "note": {"type": "string"},
                },
            }}},
        }}},
    });
    Bytes::from(body.to_string())
}

/// JSON text of about this many bytes that fits [`json_request`]'s schema.
pub fn json_text(bytes: usize) -> String {
    let parcels: Vec<Value> = (0..bytes / 113)
        .map(|n| {
            json!({"id": n, "state": "delivered", "weight": 1.5, "note": SENTENCE.trim_end().get(..60)})
        })
        .collect();
    json!({"parcels": parcels}).to_string()
}

/// A completion whose message says `content`, as the primary sends it.
pub fn completion(content: &str) -> Bytes {
    whole(
        &json!({"content": content, "refusal": null, "role": "assistant"}),
        "stop",
    )
}

/// A completion of ten tool calls.
pub fn tool_calls() -> Bytes {
    let calls: Vec<Value> = (0..10)
        .map(|n| {
            let arguments = json!({"id": n, "note": SENTENCE, "urgent": false}).to_string();
            json!({
                "function": {"arguments": arguments, "name": tool(n)},
                "id": format!("call_{n:024}"),
                "type": "function",
            })
        })
        .collect();
    whole(
        &json!({"content": null, "refusal": null, "role": "assistant", "tool_calls": calls}),
        "tool_calls",
    )
}

/// An event stream of this many content chunks.
pub fn stream(chunks: usize) -> Bytes {
    let mut text = String::new();
    let mut event = |delta: Value, finish: Option<&str>| {
        let chunk = json!({
            "choices": [{"content_filter_results": {}, "delta": delta, "finish_reason": finish, "index": 0, "logprobs": null}],
            "created": 1_751_900_000,
            "id": "chatcmpl-Bqe5tZ1XgCzJ0L9pXcQ7xJY1v9abc",
            "model": "gpt-4.1-mini-2025-04-14",
            "object": "chat.completion.chunk",
            "system_fingerprint": "fp_5a1b2c3d4e",
        });
        text.push_str("data: ");
        text.push_str(&chunk.to_string());
        text.push_str("\n\n");
    };
    event(
        json!({"content": "", "refusal": null, "role": "assistant"}),
        None,
    );
    for _ in 0..chunks {
        event(json!({"content": " parcel"}), None);
    }
    event(json!({}), Some("stop"));
    text.push_str("data: [DONE]\n\n");
    Bytes::from(text)
}

/// An event stream, cut into its events.
pub fn events(stream: &Bytes) -> Vec<Bytes> {
    let mut events = Vec::new();
    let mut rest = stream.clone();
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\n\n") {
        events.push(rest.split_to(end + 2));
    }
    events
}

/// An exchange in which both sides answered 200 with these bodies.
pub fn exchange(request: Bytes, primary: Bytes, candidate: Bytes) -> Exchange {
    Exchange {
        id: "00000000-0000-4000-8000-000000000000".to_owned(),
        route: RouteId::new(DEPLOYMENT),
        received_unix_ms: 1_751_900_000_000,
        operation: Operation::Chat,
        path: PATH.split('?').next().unwrap_or(PATH).to_owned(),
        size: SizeClass::of(request.len()),
        request,
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
        primary: Some(recording(Side::Primary, Role::Answering, primary)),
        candidate: Some(recording(Side::Candidate, Role::Shadow, candidate)),
        secondary: None,
        candidate_again: None,
        caller: crossfade_exchange::Caller::default(),
    }
}

fn recording(side: Side, role: Role, body: Bytes) -> Recording {
    let after = |millis| Some(Duration::from_millis(millis));
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
            headers: after(300),
            first_byte: after(301),
            first_content: after(301),
            total: after(320),
            kept_up: true,
        },
        failover: None,
        losses: Vec::new(),
        usage: None,
    }
}

fn tool(number: usize) -> String {
    format!("look_up_parcel_{number}")
}

fn whole(message: &Value, finish: &str) -> Bytes {
    let body = json!({
        "choices": [{
            "content_filter_results": {"hate": {"filtered": false, "severity": "safe"}, "violence": {"filtered": false, "severity": "safe"}},
            "finish_reason": finish,
            "index": 0,
            "logprobs": null,
            "message": message,
        }],
        "created": 1_751_900_000,
        "id": "chatcmpl-Bqe5tZ1XgCzJ0L9pXcQ7xJY1v9abc",
        "model": "gpt-4.1-mini-2025-04-14",
        "object": "chat.completion",
        "prompt_filter_results": [],
        "system_fingerprint": "fp_5a1b2c3d4e",
        "usage": {"completion_tokens": 200, "prompt_tokens": 120, "total_tokens": 320},
    });
    Bytes::from(body.to_string())
}

#[cfg(test)]
mod tests {
    use crossfade_compare::{CheckSettings, Checks};

    use super::*;

    #[test]
    fn sizes_are_as_asked() {
        let check = |size: usize, wanted: usize| {
            assert!(
                size.abs_diff(wanted) * 10 <= wanted,
                "{size} is not {wanted}"
            );
        };
        check(request(1024, false).len(), 1024);
        check(request(65_536, true).len(), 65_536);
        check(json_text(8192).len(), 8192);
        check(varied_json(8192, Some(10)).len(), 8192);
        check(prose(1024, Some(10)).len(), 1024);
    }

    #[test]
    fn equal_answers_compare_as_equal() {
        let checks = Checks::new(CheckSettings::default()).unwrap();
        let check = |request: Bytes, answer: Bytes| {
            let exchange = exchange(request, answer.clone(), answer);
            let verdict = checks.compare(&exchange);
            assert_eq!(verdict.parity, Some(1.0), "{verdict:?}");
        };
        check(request(1024, false), completion(&text(1024)));
        check(json_request(), completion(&json_text(8192)));
        check(tool_request(), tool_calls());
    }
}
