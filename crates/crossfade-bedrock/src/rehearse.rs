//! A translation there and back without a network, for what measures it, fuzzes it or judges it: the very code that the
//! candidate runs, driven by whoever holds the answer's pieces.

use std::sync::Arc;

use bytes::Bytes;
use crossfade_exchange::{Loss, Operation, Unsupported};
use crossfade_openai::{chat, sse};

use crate::{
    answer::{AnswerError, Frame, Progress, Stamp, Writer},
    converse,
    prepare::{Ask, LARGEST_WHOLE, prepare},
    settings::CandidateSettings,
    translate::Purpose,
};

/// Ids are made from this, so that one rehearsal is like another.
const SEED: [u8; 32] = [7; 32];

/// One request and its answer.
#[derive(Debug)]
pub struct Rehearsal {
    asked: Vec<Bytes>,
    losses: Vec<Loss>,
    writer: Box<dyn Writer>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("no answer: {0}")]
pub struct NoAnswer(AnswerError);

// === impl Rehearsal ===

impl Rehearsal {
    /// Translates a request.
    ///
    /// # Errors
    /// Names the field that cannot be mapped, or that the primary itself would refuse.
    pub fn new(
        operation: Operation,
        body: &[u8],
        settings: &CandidateSettings,
    ) -> Result<Self, Unsupported> {
        let prepared = prepare(operation, body, settings, Purpose::Ask(None))?;
        let losses = prepared.losses.clone();
        let stamp = Stamp {
            head: chat::Head {
                id: String::from("chatcmpl-rehearsal"),
                created: 0,
                model: String::from("rehearsal"),
                fingerprint: None,
            },
            annotations: settings.annotations,
            guarded: false,
            seed: SEED,
        };
        let (ask, writer) = prepared.into_parts(stamp, &Arc::default(), LARGEST_WHOLE);
        let asked = match ask {
            Ask::Converse { body, .. } => vec![body],
            Ask::Compatible { call, .. } => vec![call.body],
            Ask::Invoke(calls) => calls.into_bodies(),
        };
        Ok(Self {
            asked,
            losses,
            writer,
        })
    }

    /// The bodies that would be sent: one for each call that the answer takes.
    pub fn asked(&self) -> &[Bytes] {
        &self.asked
    }

    /// What the request's translation lost.
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// Takes an event of Converse; `true` once the answer is complete.
    ///
    /// # Errors
    /// When there is no answer. What can be taken until then was well said.
    pub fn event(&mut self, event: converse::Event) -> Result<bool, NoAnswer> {
        self.push(Frame::Converse(event))
    }

    /// Takes an event of an OpenAI-compatible endpoint; `true` once the answer is complete.
    ///
    /// # Errors
    /// As for [`Self::event`].
    pub fn sse(&mut self, event: sse::Event) -> Result<bool, NoAnswer> {
        self.push(Frame::Sse(event))
    }

    /// Takes the whole answer of an OpenAI-compatible endpoint; `true`, as the answer is complete.
    ///
    /// # Errors
    /// As for [`Self::event`].
    pub fn whole(&mut self, body: Bytes) -> Result<bool, NoAnswer> {
        self.push(Frame::Body(body))
    }

    /// The provider's bytes ended, of an answer that was not complete by itself.
    ///
    /// # Errors
    /// When its message had not ended.
    pub fn finish(&mut self) -> Result<(), NoAnswer> {
        self.writer.finish().map_err(NoAnswer)
    }

    /// What can be given to the caller, if anything: a part of a stream, or the whole body.
    pub fn take(&mut self) -> Option<Bytes> {
        self.writer.take()
    }

    fn push(&mut self, frame: Frame) -> Result<bool, NoAnswer> {
        let progress = self.writer.push(frame).map_err(NoAnswer)?;
        Ok(progress == Progress::Complete)
    }
}

/// The events that a whole answer of Converse is read as.
///
/// # Errors
/// When it holds no message.
pub fn events_of(answer: converse::Response) -> Result<Vec<converse::Event>, NoAnswer> {
    crate::answer::events(answer).map_err(NoAnswer)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_rehearsal_is_a_whole_call() {
        let settings = CandidateSettings::new("us.anthropic.claude-sonnet-4-6");
        let body = json!({"messages": [{"role": "user", "content": "hi"}]}).to_string();
        let mut rehearsal = Rehearsal::new(Operation::Chat, body.as_bytes(), &settings).unwrap();
        let asked: Value = serde_json::from_slice(&rehearsal.asked()[0]).unwrap();
        assert_eq!(asked["messages"][0]["content"][0]["text"], "hi");
        let events = [
            converse::Event::MessageStart,
            converse::Event::BlockDelta {
                index: 0,
                delta: converse::Delta::Text("Hello.".to_owned()),
            },
            converse::Event::MessageStop {
                stop_reason: "end_turn".to_owned(),
                reasoning_tokens: None,
            },
            converse::Event::Metadata {
                usage: None,
                guardrail: None,
            },
        ];
        let complete: Vec<bool> = events
            .into_iter()
            .map(|event| rehearsal.event(event).unwrap())
            .collect();
        assert_eq!(complete, [false, false, false, true]);
        let answer: Value = serde_json::from_slice(&rehearsal.take().unwrap()).unwrap();
        assert_eq!(answer["choices"][0]["message"]["content"], "Hello.");
    }
}
