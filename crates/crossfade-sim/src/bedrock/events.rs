//! Writes an answer as the events of ConverseStream, at the script's pace, and the exceptions in their midst.

use std::{io, time::Duration};

use rand::RngExt as _;
use serde_json::{Value, json};

use super::{
    converse::{Block, Prepared},
    exception,
    json::object,
};
use crate::{eventstream::Frame, script::Fault, server::Stream, text};

const PADDING: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Writes the events of one answer.
pub(super) struct Writer<'r, 'n> {
    stream: Stream<'r>,
    /// An exception by its name in the stream, and the number of content deltas before it.
    broken: Option<(&'n str, usize)>,
    /// Whether events that nobody knows stand between the others.
    strange: bool,
    over: bool,
}

// === impl Writer ===

impl<'r, 'n> Writer<'r, 'n> {
    pub(super) fn new(stream: Stream<'r>, fault: &'n Fault) -> Self {
        Self {
            stream,
            broken: fault.in_stream(),
            strange: *fault == Fault::UnknownEvents,
            over: false,
        }
    }

    /// Writes the whole answer. Thoughts fill the time to the first content.
    pub(super) async fn write(&mut self, answer: &Prepared, wait: Duration) -> io::Result<()> {
        self.event("messageStart", json!({ "role": "assistant" }))
            .await?;
        self.strange().await?;
        for (index, block) in answer.blocks.iter().enumerate() {
            match block {
                Block::Reasoning { text, signature } => {
                    self.reasoning(index, text, signature, wait).await?;
                }
                Block::Text(said) => {
                    for piece in text::pieces(said) {
                        self.delta(index, json!({ "text": piece }), piece).await?;
                    }
                }
                Block::ToolUse { id, name, input } => {
                    self.tool_use(index, id, name, input).await?;
                }
            }
            self.event("contentBlockStop", json!({ "contentBlockIndex": index }))
                .await?;
        }
        self.break_off(usize::MAX).await?;
        if !self.over {
            self.stream.ending().await?;
        }
        self.strange().await?;
        let stop = object([
            ("additionalModelResponseFields", answer.additional.clone()),
            ("stopReason", Some(json!(answer.stop_reason))),
        ]);
        self.event("messageStop", stop).await?;
        let latency = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        let metadata = object([
            ("metrics", Some(json!({ "latencyMs": latency }))),
            ("trace", answer.trace.clone()),
            ("usage", Some(answer.usage.clone())),
        ]);
        self.event("metadata", metadata).await
    }

    /// An event, and a delta, of kinds that nobody knows.
    async fn strange(&mut self) -> io::Result<()> {
        if !self.strange {
            return Ok(());
        }
        self.event("unheardOfEvent", json!({ "what": "ever" }))
            .await?;
        let delta = in_block(0, json!({ "unheardOf": { "what": "ever" } }));
        self.event("contentBlockDelta", delta).await
    }

    /// Ends the body.
    pub(super) async fn finish(self) -> io::Result<()> {
        self.stream.finish().await
    }

    /// Thoughts are life, not content: they count neither for cuts nor for the pace of the answer.
    async fn reasoning(
        &mut self,
        index: usize,
        thoughts: &str,
        signature: &str,
        wait: Duration,
    ) -> io::Result<()> {
        let pieces: Vec<&str> = text::pieces(thoughts).collect();
        let each = wait / u32::try_from(pieces.len().max(1)).unwrap_or(u32::MAX);
        for piece in pieces {
            self.stream.pause(each).await?;
            let delta = json!({ "reasoningContent": { "text": piece } });
            self.event("contentBlockDelta", in_block(index, delta))
                .await?;
        }
        let delta = json!({ "reasoningContent": { "signature": signature } });
        self.event("contentBlockDelta", in_block(index, delta))
            .await
    }

    async fn tool_use(
        &mut self,
        index: usize,
        id: &str,
        name: &str,
        input: &str,
    ) -> io::Result<()> {
        // The service names the type of ordinary calls too, though its model knows that of its own tools only.
        let start = json!({ "toolUse": { "name": name, "toolUseId": id, "type": "tool_use" } });
        let payload = json!({ "contentBlockIndex": index, "start": start });
        self.event("contentBlockStart", payload).await?;
        // The service begins with an empty piece.
        let first = in_block(index, json!({ "toolUse": { "input": "" } }));
        self.event("contentBlockDelta", first).await?;
        for piece in text::pieces(input) {
            self.delta(index, json!({ "toolUse": { "input": piece } }), piece)
                .await?;
        }
        Ok(())
    }

    async fn delta(&mut self, index: usize, delta: Value, piece: &str) -> io::Result<()> {
        self.break_off(self.stream.deltas()).await?;
        if self.over {
            return Ok(());
        }
        let frame = frame("contentBlockDelta", in_block(index, delta));
        let tokens = text::approximate(piece.len().div_ceil(4) as u64);
        self.stream.delta(&frame.encode(), tokens).await
    }

    async fn event(&mut self, name: &str, payload: Value) -> io::Result<()> {
        if self.over {
            return Ok(());
        }
        let frame = frame(name, payload);
        self.stream.piece(&frame.encode()).await
    }

    /// Writes the exception if this many deltas have been due before it. A name that the model does not have is sent as
    /// an error frame, with the name as its code.
    async fn break_off(&mut self, deltas: usize) -> io::Result<()> {
        let Some((name, _)) = self.broken.take_if(|(_, after)| deltas >= *after) else {
            return Ok(());
        };
        let frame = match exception::message_in_stream(name) {
            Some(message) => Frame::exception(name, json!({ "message": message }).to_string()),
            None => Frame::error(name, "An internal server error occurred."),
        };
        self.stream.piece(&frame.encode()).await?;
        self.over = true;
        Ok(())
    }
}

/// An event with a member `p` of random length, as the service pads payloads to hide their length.
fn frame(name: &str, mut payload: Value) -> Frame {
    let length = rand::rng().random_range(1..=PADDING.len());
    if let Value::Object(members) = &mut payload {
        members.insert("p".to_owned(), json!(PADDING.split_at(length).0));
    }
    Frame::event(name, payload.to_string())
}

fn in_block(index: usize, delta: Value) -> Value {
    object([
        ("contentBlockIndex", Some(json!(index))),
        ("delta", Some(delta)),
    ])
}
