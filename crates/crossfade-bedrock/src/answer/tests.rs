//! Answers as data, whole and streamed.

use crossfade_exchange::LossKind;
use crossfade_openai::{chat, sse};
use serde_json::{Value, json};

use super::*;
use crate::{
    converse::{Delta, Event, ReasoningDelta, Response, Start, TokenUsage},
    settings::{Annotations, Misconduct},
};

mod answers;
mod guardrails;
mod properties;
mod reported;
mod responses;
mod streams;

fn stamp() -> Stamp {
    Stamp {
        head: chat::Head {
            id: "chatcmpl-1".to_owned(),
            created: 7,
            model: "gpt-x-2026".to_owned(),
            fingerprint: Some("fp_1".to_owned()),
        },
        annotations: Annotations::Absent,
        guarded: false,
        seed: [0; 32],
    }
}

/// A stream that ends with its usage.
fn streamed() -> Reply {
    Reply {
        delivery: Delivery::Stream {
            include_usage: true,
        },
        ..Reply::default()
    }
}

/// A stream that does not.
fn plain_stream() -> Reply {
    in_stream(&Reply::default())
}

fn in_stream(reply: &Reply) -> Reply {
    Reply {
        delivery: Delivery::Stream {
            include_usage: false,
        },
        ..reply.clone()
    }
}

fn writer(reply: &Reply, stamp: Stamp) -> Box<dyn Writer> {
    let guarded = stamp.guarded;
    let shape = Shape::new(reply.clone(), stamp.seed, guarded, Misconduct::default());
    let reader = ConverseReader::new(shape);
    if reply.delivery.is_stream() {
        Box::new(Translated::new(reader, ChatStream::new(reply, stamp), None))
    } else {
        let face = ChatWhole::new(reply, stamp, 1 << 20);
        Box::new(Translated::new(reader, face, None))
    }
}

/// What events become: the bytes, whether there is an answer, and the losses.
fn run_stamped(
    reply: &Reply,
    stamp: Stamp,
    events: Vec<Event>,
) -> (Vec<u8>, Result<(), AnswerError>, Vec<LossKind>) {
    let mut writer = writer(reply, stamp);
    let mut out = Vec::new();
    let mut result = Ok(());
    let mut complete = false;
    for event in events {
        match writer.push(Frame::Converse(event)) {
            Ok(progress) => complete = progress == Progress::Complete,
            Err(error) => result = Err(error),
        }
        out.extend(writer.take().unwrap_or_default());
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() && !complete {
        result = writer.finish();
        out.extend(writer.take().unwrap_or_default());
    }
    let facts = writer.facts();
    let losses = facts.losses.iter().map(|loss| loss.kind).collect();
    (out, result, losses)
}

fn run(reply: &Reply, events: Vec<Event>) -> (Vec<u8>, Result<(), AnswerError>, Vec<LossKind>) {
    run_stamped(reply, stamp(), events)
}

/// A whole answer of Converse, as a whole: the body and the losses.
fn answered(
    response: &Value,
    reply: &Reply,
    stamp: Stamp,
) -> Result<(Value, Vec<LossKind>), AnswerError> {
    let response: Response = serde_json::from_value(response.clone()).unwrap();
    let (bytes, result, losses) = run_stamped(reply, stamp, events(response)?);
    result?;
    Ok((serde_json::from_slice(&bytes).unwrap(), losses))
}

fn text(index: i32, text: &str) -> Event {
    Event::BlockDelta {
        index,
        delta: Delta::Text(text.to_owned()),
    }
}

fn start(index: i32, name: &str) -> Event {
    Event::BlockStart {
        index,
        start: Start::ToolUse {
            name: name.to_owned(),
            server: false,
        },
    }
}

fn input(index: i32, json: &str) -> Event {
    Event::BlockDelta {
        index,
        delta: Delta::ToolInput(json.to_owned()),
    }
}

fn reasoning(index: i32) -> Event {
    Event::BlockDelta {
        index,
        delta: Delta::Reasoning(ReasoningDelta::Text("hm".to_owned())),
    }
}

fn close(index: i32) -> Event {
    Event::BlockStop { index }
}

fn stop(reason: &str) -> Event {
    Event::MessageStop {
        stop_reason: reason.to_owned(),
        reasoning_tokens: None,
    }
}

fn end(reason: &str) -> Vec<Event> {
    let usage = TokenUsage {
        input_tokens: 62,
        output_tokens: 1,
        ..TokenUsage::default()
    };
    let metadata = Event::Metadata {
        usage: Some(usage),
        guardrail: None,
    };
    vec![stop(reason), metadata]
}

/// What chunks say, in short: `role`, `"text"`, `[index, id?, name?, arguments]`, `finish:reason`, `usage`, `done`.
fn short(bytes: &[u8]) -> Vec<Value> {
    let (events, _) = sse::decode(bytes);
    let mut said = Vec::new();
    for event in events {
        if event.is_done() {
            said.push(json!("done"));
            continue;
        }
        let chunk: Value = serde_json::from_str(&event.data).unwrap();
        let Some(choice) = chunk["choices"].get(0) else {
            said.push(json!(if chunk["usage"].is_object() {
                "usage"
            } else {
                "filter"
            }));
            continue;
        };
        let delta = &choice["delta"];
        if delta.get("role").is_some() {
            said.push(json!("role"));
        }
        if let Some(text) = delta["content"].as_str().filter(|text| !text.is_empty()) {
            said.push(json!({ "text": text }));
        }
        if let Some(call) = delta["tool_calls"].get(0) {
            let function = call.get("function").unwrap_or(&call["custom"]);
            let more = function.get("arguments").unwrap_or(&function["input"]);
            said.push(match call.get("id") {
                Some(_) => json!([call["index"], function["name"]]),
                None => json!([call["index"], { "args": more }]),
            });
        }
        if let Some(call) = delta.get("function_call") {
            said.push(json!({ "function_call": call }));
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            said.push(json!(format!("finish:{finish}")));
        }
    }
    said
}
