//! Collects a stream's events into a whole answer, up to a limit.

use std::collections::BTreeMap;

use super::{AnswerError, Piece, Whole};
use crate::converse::{Delta, Event, Start};

/// A stream on its way to a whole answer.
#[derive(Debug)]
pub(crate) struct Collector {
    blocks: BTreeMap<i32, Piece>,
    whole: Whole,
    stopped: bool,
    /// Bytes that may still come.
    room: usize,
}

// === impl Collector ===

impl Collector {
    /// Nothing yet; at most `limit` bytes of content.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            blocks: BTreeMap::new(),
            whole: Whole::default(),
            stopped: false,
            room: limit,
        }
    }

    /// Takes an event.
    pub(crate) fn push(&mut self, event: Event) -> Result<(), AnswerError> {
        match event {
            Event::MessageStart | Event::BlockStop { .. } | Event::Other => {}
            Event::BlockStart { index, start } => {
                let piece = match start {
                    Start::ToolUse {
                        name,
                        server: false,
                    } => Piece::Call {
                        name,
                        arguments: String::new(),
                    },
                    Start::ToolUse { server: true, .. } => {
                        Piece::Dropped("server_tool_use".to_owned())
                    }
                    Start::Other(name) => Piece::Dropped(name),
                };
                self.blocks.insert(index, piece);
            }
            Event::BlockDelta { index, delta } => self.grow(index, delta)?,
            Event::MessageStop { stop_reason } => {
                self.whole.stop_reason = stop_reason;
                self.stopped = true;
            }
            Event::Metadata { usage, guardrail } => {
                self.whole.usage = usage;
                self.whole.guarded = guardrail;
            }
        }
        Ok(())
    }

    fn grow(&mut self, index: i32, delta: Delta) -> Result<(), AnswerError> {
        match delta {
            Delta::Text(text) => {
                self.take_room(text.len())?;
                match self
                    .blocks
                    .entry(index)
                    .or_insert_with(|| Piece::Text(String::new()))
                {
                    Piece::Text(so_far) => so_far.push_str(&text),
                    Piece::Call { .. } | Piece::Dropped(_) => {}
                }
            }
            Delta::ToolInput(fragment) => {
                self.take_room(fragment.len())?;
                if let Some(Piece::Call { arguments, .. }) = self.blocks.get_mut(&index) {
                    arguments.push_str(&fragment);
                }
            }
            Delta::Reasoning => {}
            Delta::Other(name) => {
                // Beside the block's own piece: a citation comes within a block of text.
                self.blocks
                    .entry(i32::MAX)
                    .or_insert_with(|| Piece::Dropped(name.to_owned()));
            }
        }
        Ok(())
    }

    fn take_room(&mut self, bytes: usize) -> Result<(), AnswerError> {
        self.room = self.room.checked_sub(bytes).ok_or(AnswerError::TooLarge)?;
        Ok(())
    }

    /// The whole answer, if the message ended.
    pub(crate) fn finish(mut self) -> Result<Whole, AnswerError> {
        if !self.stopped {
            return Err(AnswerError::Unfinished);
        }
        self.whole.pieces = self.blocks.into_values().collect();
        for piece in &mut self.whole.pieces {
            if let Piece::Call { arguments, .. } = piece
                && arguments.trim().is_empty()
            {
                "{}".clone_into(arguments);
            }
        }
        Ok(self.whole)
    }
}
