//! What translation costs by direction and size: the candidate's own code without a network, over requests and answers
//! made here.

use std::{collections::BTreeMap, hint::black_box};

use anyhow::Context as _;
use serde_json::{Value, json};

use crossfade_bedrock::{
    CandidateSettings,
    converse::{Delta, Event, Response},
    rehearse::{Rehearsal, events_of},
};
use crossfade_exchange::{Operation, closed_enum};

use crate::{frozen::steep, samples};

closed_enum! {
    /// One translation.
    pub enum Case {
        /// A chat request of one turn.
        Request1K = "request-1k",
        /// A chat request of about thirty turns, with tools called and answered.
        Request32K = "request-32k",
        /// The same of a thousand turns.
        Request1M = "request-1m",
        /// A Responses request of one item.
        Responses1K = "responses-1k",
        /// The same as a conversation.
        Responses32K = "responses-32k",
        /// The same of a thousand turns.
        Responses1M = "responses-1m",
        /// A whole answer of text.
        Answer1K = "answer-1k",
        /// The same, larger.
        Answer32K = "answer-32k",
        /// The same, larger.
        Answer1M = "answer-1m",
        /// A stream of 200 pieces of text.
        Stream200 = "stream-200",
        /// The same as events of the Responses API.
        ResponsesStream200 = "responses-stream-200",
        /// A tenth of a stream, for what a piece costs.
        Stream20 = "stream-20",
    }
}

/// How much more a byte of the largest may cost than one of the middle size: what is not linear costs thirty times more.
pub const MOST_GROWTH: f64 = 1.25;

/// Pairs of a middle size and the largest that must grow with the size and no faster.
pub const LINEAR: &[(Case, Case)] = &[
    (Case::Request32K, Case::Request1M),
    (Case::Responses32K, Case::Responses1M),
    (Case::Answer32K, Case::Answer1M),
    (Case::Stream20, Case::Stream200),
];

const MODEL: &str = "us.anthropic.claude-sonnet-4-6";

/// A piece of a stream.
const PIECE: &str = "about five words of text ";

/// What is translated, ready to be.
#[derive(Debug)]
pub struct Work {
    operation: Operation,
    body: Vec<u8>,
    events: Vec<Event>,
    settings: CandidateSettings,
}

// === impl Case ===

impl Case {
    /// What is translated.
    ///
    /// # Errors
    /// When the answer's sample is none.
    pub fn work(self) -> anyhow::Result<Work> {
        let (operation, body, events) = match self {
            Self::Request1K => (Operation::Chat, chat(1), Vec::new()),
            Self::Request32K => (Operation::Chat, chat(32), Vec::new()),
            Self::Request1M => (Operation::Chat, chat(1024), Vec::new()),
            Self::Responses1K => (Operation::Responses, responses(1), Vec::new()),
            Self::Responses32K => (Operation::Responses, responses(32), Vec::new()),
            Self::Responses1M => (Operation::Responses, responses(1024), Vec::new()),
            Self::Answer1K => (Operation::Chat, question(false), answer(1 << 10)?),
            Self::Answer32K => (Operation::Chat, question(false), answer(32 << 10)?),
            Self::Answer1M => (Operation::Chat, question(false), answer(1 << 20)?),
            Self::Stream20 => (Operation::Chat, question(true), stream(20)),
            Self::Stream200 => (Operation::Chat, question(true), stream(200)),
            Self::ResponsesStream200 => {
                let body = json!({"input": "hi", "store": false, "stream": true});
                (Operation::Responses, body, stream(200))
            }
        };
        Ok(Work {
            operation,
            body: body.to_string().into_bytes(),
            events,
            settings: CandidateSettings::new(MODEL),
        })
    }

    /// By what its cost is divided: bytes of what is translated, or pieces of a stream.
    fn size(self) -> u64 {
        match self {
            Self::Request1K | Self::Responses1K | Self::Answer1K => 1,
            Self::Request32K | Self::Responses32K | Self::Answer32K => 32,
            Self::Request1M | Self::Responses1M | Self::Answer1M => 1024,
            Self::Stream20 => 20,
            Self::Stream200 | Self::ResponsesStream200 => 200,
        }
    }
}

// === impl Work ===

impl Work {
    /// Translates the request, and the answer if there is one; how many bytes came out.
    ///
    /// # Errors
    /// When either is refused.
    pub fn translate(&self) -> anyhow::Result<usize> {
        let mut rehearsal = Rehearsal::new(self.operation, &self.body, &self.settings)
            .map_err(|unsupported| anyhow::anyhow!("refused for {}", unsupported.field))?;
        let mut bytes = 0;
        if self.events.is_empty() {
            bytes += rehearsal
                .asked()
                .iter()
                .map(bytes::Bytes::len)
                .sum::<usize>();
        }
        for event in &self.events {
            rehearsal.event(event.clone())?;
            while let Some(piece) = rehearsal.take() {
                bytes += piece.len();
            }
        }
        Ok(bytes)
    }
}

/// Pairs whose larger one costs more for its size than it should, and by which factor.
pub fn not_linear(counts: &BTreeMap<Case, u64>) -> Vec<(Case, f64)> {
    steep(counts, LINEAR, Case::size, MOST_GROWTH)
}

/// Plays a case this many times.
///
/// # Errors
/// When a translation is refused.
pub fn play(case: Case, times: u64) -> anyhow::Result<()> {
    let work = case.work()?;
    work.translate().context("the first time")?;
    counted(&work, times)
}

/// What callgrind counts: it looks for this function by its name.
#[inline(never)]
fn counted(work: &Work, times: u64) -> anyhow::Result<()> {
    for _ in 0..times {
        black_box(black_box(work).translate()?);
    }
    Ok(())
}

fn question(stream: bool) -> Value {
    json!({"messages": [{"role": "user", "content": "hi"}], "stream": stream})
}

/// A chat request of turns of about 1 KiB: a question, a call of a tool, its result, an answer.
fn chat(turns: usize) -> Value {
    let mut messages = vec![json!({"role": "system", "content": "You answer customers."})];
    for turn in 0..turns {
        let (id, arguments) = call(turn);
        let function = json!({"name": "parcel.state", "arguments": arguments});
        messages.extend([
            json!({"role": "user", "content": samples::text(300)}),
            json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": id, "type": "function", "function": function},
            ]}),
            json!({"role": "tool", "tool_call_id": id, "content": samples::text(150)}),
            json!({"role": "assistant", "content": samples::text(300)}),
        ]);
    }
    messages.push(json!({"role": "user", "content": "And now?"}));
    json!({"messages": messages, "tools": [{"type": "function", "function": tool()}], "stream": true})
}

/// The same for the Responses API.
fn responses(turns: usize) -> Value {
    let mut input = Vec::new();
    for turn in 0..turns {
        let (id, arguments) = call(turn);
        input.extend([
            json!({"role": "user", "content": samples::text(300)}),
            json!({"type": "function_call", "call_id": id, "name": "parcel_state", "arguments": arguments}),
            json!({"type": "function_call_output", "call_id": id, "output": samples::text(150)}),
            json!({"role": "assistant", "content": samples::text(300)}),
        ]);
    }
    input.push(json!({"role": "user", "content": "And now?"}));
    let mut tool = json!({"type": "function", "name": "parcel_state"});
    if let (Some(tool), Value::Object(members)) = (tool.as_object_mut(), self::tool()) {
        let parameters = members.into_iter().filter(|(name, _)| name == "parameters");
        tool.extend(parameters);
    }
    json!({"input": input, "tools": [tool], "store": false, "stream": true})
}

fn call(turn: usize) -> (String, String) {
    let arguments = json!({"id": turn, "note": "as before"}).to_string();
    (format!("call_{turn:024}"), arguments)
}

fn tool() -> Value {
    json!({"name": "parcel.state", "description": "Where a parcel is", "parameters": {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
        "required": ["id"],
    }})
}

/// The events of a whole answer of this many bytes of text.
fn answer(bytes: usize) -> anyhow::Result<Vec<Event>> {
    let response: Response = serde_json::from_value(json!({
        "output": {"message": {"role": "assistant", "content": [{"text": samples::text(bytes)}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
    }))?;
    Ok(events_of(response)?)
}

fn stream(pieces: usize) -> Vec<Event> {
    let texts = (0..pieces).map(|_| Event::BlockDelta {
        index: 0,
        delta: Delta::Text(PIECE.to_owned()),
    });
    let stop = Event::MessageStop {
        stop_reason: "end_turn".to_owned(),
        reasoning_tokens: None,
    };
    let metadata = Event::Metadata {
        usage: None,
        guardrail: None,
    };
    std::iter::once(Event::MessageStart)
        .chain(texts)
        .chain([Event::BlockStop { index: 0 }, stop, metadata])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_translates() {
        for case in Case::ALL {
            let bytes = case.work().unwrap().translate().unwrap();
            assert!(bytes > 100, "{case}: {bytes} bytes");
        }
    }
}
