//! A streamed answer: the target's events to the caller's chunks, one at a time.
//!
//! Nothing is given out before the first content, so that whoever drives this can still answer with an error. The end is
//! held until the metadata, because a guardrail's word and the tokens come last.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use crossfade_exchange::{Loss, LossKind, Usage};
use crossfade_openai::{
    chat::{Chunk, ChunkBuilder, FinishReason, content_filter_not_run},
    sse,
};
use serde_json::{Map, Value};

use super::{
    Delivery, Reply,
    fences::Unfence,
    usage,
    whole::{AnswerError, Mint, Stamp, end},
};
use crate::{
    converse::{Delta, Event, Guarded, Start, TokenUsage},
    settings::Annotations,
};

/// The most text that is held back while it is not known whether the answer comes by a tool.
const MOST_HELD: usize = 4 << 20;

/// The state of one streamed answer.
#[derive(Debug)]
pub(crate) struct Streamer {
    chunks: ChunkBuilder,
    annotations: Annotations,
    reply: Reply,
    mint: Mint,
    out: BytesMut,
    begun: bool,
    blocks: HashMap<i32, Block>,
    /// Tool calls that were begun.
    calls: u64,
    /// Text, or JSON that came by a tool, was given out.
    spoke: bool,
    json: Json,
    held: String,
    unfence: Option<Unfence>,
    stop_reason: Option<String>,
    facts: Facts,
}

/// What is known at the end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    pub(crate) usage: Option<Usage>,
    pub(crate) losses: Vec<Loss>,
}

/// A block that is open.
#[derive(Debug)]
enum Block {
    /// A tool call.
    Call { index: u64, has_input: bool },
    /// The tool whose arguments are the answer.
    Json { has_input: bool },
    /// Nothing of it is given out.
    Dropped,
}

/// Whether the answer comes by a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Json {
    /// It cannot.
    No,
    /// Not known yet: text is held back.
    Maybe,
    /// It does.
    Yes,
}

// === impl Streamer ===

impl Streamer {
    /// Nothing yet.
    pub(crate) fn new(reply: Reply, stamp: Stamp) -> Self {
        let include_usage = matches!(
            reply.delivery,
            Delivery::Stream {
                include_usage: true
            }
        );
        let json = if reply.json_tool.is_some() {
            Json::Maybe
        } else {
            Json::No
        };
        let unfence = (reply.unfence || reply.json_tool.is_some()).then(Unfence::default);
        Self {
            chunks: ChunkBuilder {
                head: stamp.head,
                include_usage,
            },
            annotations: stamp.annotations,
            mint: Mint::new(stamp.seed),
            reply,
            out: BytesMut::new(),
            begun: false,
            blocks: HashMap::new(),
            calls: 0,
            spoke: false,
            json,
            held: String::new(),
            unfence,
            stop_reason: None,
            facts: Facts::default(),
        }
    }

    /// Takes an event; `true` once the answer is complete.
    pub(crate) fn push(&mut self, event: Event) -> Result<bool, AnswerError> {
        match event {
            Event::MessageStart | Event::Other => {}
            Event::BlockStart { index, start } => self.start(index, start),
            Event::BlockDelta { index, delta } => self.delta(index, delta)?,
            Event::BlockStop { index } => self.stop_block(index),
            Event::MessageStop { stop_reason } => self.stop_reason = Some(stop_reason),
            Event::Metadata { usage, guardrail } => {
                self.complete(usage, guardrail)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The stream ended: complete if the message had, and only its tokens are missing.
    pub(crate) fn finish(&mut self) -> Result<(), AnswerError> {
        self.complete(None, None)
    }

    /// What can be given out, if anything.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        (!self.out.is_empty()).then(|| self.out.split().freeze())
    }

    /// Tokens and losses so far.
    pub(crate) fn facts(&mut self) -> Facts {
        std::mem::take(&mut self.facts)
    }

    fn start(&mut self, index: i32, start: Start) {
        let block = match start {
            Start::ToolUse { server: true, .. } => self.drop_block("server_tool_use"),
            Start::Other(name) => self.drop_block(&name),
            Start::ToolUse {
                name,
                server: false,
            } => {
                if self.reply.json_tool.as_ref() == Some(&name) {
                    self.start_json()
                } else if self.reply.one_call && self.calls > 0 {
                    self.lose(LossKind::ToolCallsTrimmed, "message.tool_calls");
                    Block::Dropped
                } else {
                    self.start_call(&name)
                }
            }
        };
        self.blocks.insert(index, block);
    }

    fn drop_block(&mut self, name: &str) -> Block {
        self.lose(LossKind::BlockDropped, name);
        Block::Dropped
    }

    /// The answer's own tool: its arguments are the text, unless real tools were called or it was called before.
    fn start_json(&mut self) -> Block {
        if self.calls > 0 || self.json == Json::Yes {
            return self.drop_block("json");
        }
        if !std::mem::take(&mut self.held).is_empty() {
            self.lose(LossKind::BlockDropped, "text");
        }
        self.unfence = None;
        self.json = Json::Yes;
        Block::Json { has_input: false }
    }

    fn start_call(&mut self, name: &str) -> Block {
        if self.json == Json::Maybe {
            self.release_held();
        }
        let index = self.calls;
        self.calls += 1;
        let id = self.mint.call_id();
        let name = self.reply.names.to_caller(name).to_owned();
        let chunk = if self.begun {
            self.chunks.tool_call_start(index, &id, &name)
        } else {
            self.begin();
            self.chunks.role_with_tool_call(&id, &name)
        };
        self.give(&chunk);
        Block::Call {
            index,
            has_input: false,
        }
    }

    fn delta(&mut self, index: i32, delta: Delta) -> Result<(), AnswerError> {
        match delta {
            Delta::Text(text) if text.is_empty() => {}
            Delta::Text(text) => match self.json {
                Json::No => self.speak(&text),
                Json::Maybe if self.calls > 0 => self.speak(&text),
                Json::Maybe => {
                    if self.held.len() + text.len() > MOST_HELD {
                        return Err(AnswerError::TooLarge);
                    }
                    self.held.push_str(&text);
                }
                Json::Yes => self.lose(LossKind::BlockDropped, "text"),
            },
            Delta::ToolInput(fragment) if fragment.is_empty() => {}
            Delta::ToolInput(fragment) => match self.blocks.get_mut(&index) {
                Some(Block::Call { index, has_input }) => {
                    *has_input = true;
                    let chunk = self.chunks.tool_arguments(*index, fragment);
                    self.give(&chunk);
                }
                Some(Block::Json { has_input }) => {
                    *has_input = true;
                    self.speak_bare(fragment);
                }
                Some(Block::Dropped) | None => {}
            },
            Delta::Reasoning => {}
            Delta::Other(name) => self.lose(LossKind::BlockDropped, name),
        }
        Ok(())
    }

    fn stop_block(&mut self, index: i32) {
        match self.blocks.remove(&index) {
            Some(Block::Call {
                index,
                has_input: false,
            }) => {
                let chunk = self.chunks.tool_arguments(index, "{}");
                self.give(&chunk);
            }
            Some(Block::Json { has_input: false }) => self.speak_bare("{}".to_owned()),
            Some(Block::Call { .. } | Block::Json { .. } | Block::Dropped) | None => {}
        }
    }

    fn complete(
        &mut self,
        usage: Option<TokenUsage>,
        guarded: Option<Guarded>,
    ) -> Result<(), AnswerError> {
        let stop_reason = self.stop_reason.take().ok_or(AnswerError::Unfinished)?;
        self.facts.usage = usage.map(usage::classes);
        self.release_held();
        if let Some(mut unfence) = self.unfence.take() {
            let rest = unfence.finish();
            if !rest.is_empty() {
                self.speak_bare(rest);
            }
        }
        let finish_reason = match end(&stop_reason, guarded, self.spoke, self.calls > 0) {
            Ok(end) => {
                if end == super::whole::End::Unknown {
                    self.lose(LossKind::StopReasonUnknown, "finish_reason");
                }
                end.finish_reason()
            }
            // The guardrail's own words went out already: the filter's word can still follow.
            Err(AnswerError::PromptBlocked) if self.begun => FinishReason::ContentFilter,
            Err(error) => return Err(error),
        };
        self.begin_with_role();
        let chunk = self.chunks.finish(finish_reason);
        self.give(&chunk);
        if let Some(usage) = self.facts.usage
            && let Some(chunk) = self.chunks.usage(usage::shown(usage))
        {
            self.give(&chunk);
        }
        self.out.extend_from_slice(&sse::encode_data(sse::DONE));
        Ok(())
    }

    fn release_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.speak(&held);
        }
    }

    /// Gives text out, without a fence where none should be.
    fn speak(&mut self, text: &str) {
        let bare = match &mut self.unfence {
            Some(unfence) => unfence.feed(text),
            None => text.to_owned(),
        };
        if !bare.is_empty() {
            self.speak_bare(bare);
        }
    }

    fn speak_bare(&mut self, text: String) {
        self.begin_with_role();
        self.spoke = true;
        let annotations = match self.annotations {
            Annotations::NotRun => content_filter_not_run(),
            Annotations::Absent => Value::Object(Map::new()),
        };
        let chunk = self.chunks.text(text, annotations);
        self.give(&chunk);
    }

    fn begin_with_role(&mut self) {
        if !self.begun {
            self.begin();
            let chunk = self.chunks.role();
            self.give(&chunk);
        }
    }

    fn begin(&mut self) {
        self.begun = true;
        if self.annotations == Annotations::NotRun {
            let chunk = self.chunks.prompt_filter(content_filter_not_run());
            self.give(&chunk);
        }
    }

    fn give(&mut self, chunk: &Chunk) {
        self.out.extend_from_slice(&chunk.to_event());
    }

    fn lose(&mut self, kind: LossKind, field: &str) {
        let loss = Loss::new(kind, field);
        if !self.facts.losses.contains(&loss) {
            self.facts.losses.push(loss);
        }
    }
}
