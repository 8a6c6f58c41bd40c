//! Reads Converse: its stream's events, or a whole answer as if it had been streamed, so that both are judged by one code.

use std::collections::{BTreeMap, BTreeSet};

use crossfade_exchange::LossKind;
use serde_json::{Value, json};

use super::{
    AnswerError,
    shape::{Ended, Shape},
    step::{Step, Thought},
    stop, usage,
    writer::{Frame, Reader},
};
use crate::{
    converse::{
        Block, Citation, Citations, Delta, Event, Guarded, ReasoningDelta, Response, Start,
        TokenUsage, reasoning_tokens,
    },
    translate::known_block,
};

/// The state of one answer.
#[derive(Debug)]
pub(crate) struct ConverseReader {
    shape: Shape,
    stopped: Option<Stopped>,
    /// Blocks of reasoning that are open.
    thinking: BTreeSet<i32>,
    /// Characters of text so far, and where the block of each index began: the places that citations speak of.
    text_length: usize,
    began: BTreeMap<i32, usize>,
}

#[derive(Debug)]
struct Stopped {
    reason: String,
    reasoning_tokens: Option<u64>,
}

// === impl ConverseReader ===

impl ConverseReader {
    /// Nothing yet.
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            stopped: None,
            thinking: BTreeSet::new(),
            text_length: 0,
            began: BTreeMap::new(),
        }
    }

    fn event(&mut self, event: Event, steps: &mut Vec<Step>) -> Result<bool, AnswerError> {
        match event {
            Event::MessageStart | Event::Nothing => {}
            Event::Other => self.shape.lose(LossKind::EventSkipped, "stream", steps),
            Event::BlockStart { index, start } => self.start(index, start, steps)?,
            Event::BlockDelta { index, delta } => self.delta(index, delta, steps)?,
            Event::BlockStop { index } => {
                self.shape.done(index.into(), steps);
                if self.thinking.remove(&index) {
                    self.shape.other(Step::Thought(Thought::Done), steps);
                }
            }
            Event::MessageStop {
                stop_reason,
                reasoning_tokens,
            } => {
                self.stopped = Some(Stopped {
                    reason: stop_reason,
                    reasoning_tokens,
                });
            }
            Event::Metadata { usage, guardrail } => {
                self.complete(usage, guardrail, steps)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn start(
        &mut self,
        index: i32,
        start: Start,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        let key = index.into();
        match start {
            Start::ToolUse {
                name,
                server: false,
            } => self.shape.call(key, &name, steps)?,
            Start::ToolUse { server: true, .. } => {
                self.shape.drop_block(key, "server_tool_use", steps);
            }
            Start::Other(name) => self.shape.drop_block(key, known_block(&name), steps),
        }
        Ok(())
    }

    fn delta(
        &mut self,
        index: i32,
        delta: Delta,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        match delta {
            Delta::Text(text) => {
                let began = self.text_length;
                self.began.entry(index).or_insert(began);
                self.text_length += text.chars().count();
                self.shape.text(&text, steps)?;
            }
            Delta::ToolInput(fragment) => self.shape.input(index.into(), fragment, steps)?,
            Delta::Reasoning(delta) => {
                self.thinking.insert(index);
                match thought(delta) {
                    Some(thought) => self.shape.other(Step::Thought(thought), steps),
                    None => {
                        let kind = LossKind::BlockDropped;
                        self.shape.lose(kind, "reasoningContent", steps);
                    }
                }
            }
            Delta::Citation(citation) => self.cite(index, citation, steps),
            Delta::Other(name) => self.shape.lose(LossKind::BlockDropped, name, steps),
        }
        Ok(())
    }

    /// A page of the web is an annotation; any other place has none on the caller's wire.
    fn cite(&mut self, index: i32, citation: Citation, steps: &mut Vec<Step>) {
        let web = citation.location.and_then(|location| location.web);
        let Some(web) = web.filter(|web| !web.url.is_empty()) else {
            self.shape.lose(LossKind::BlockDropped, "citations", steps);
            return;
        };
        let start = self.began.get(&index).copied().unwrap_or(self.text_length);
        let annotation = json!({
            "end_index": self.text_length,
            "start_index": start,
            "title": citation.title.unwrap_or_default(),
            "type": "url_citation",
            "url": web.url,
        });
        self.shape.other(Step::Citation(annotation), steps);
    }

    fn complete(
        &mut self,
        usage: Option<TokenUsage>,
        guarded: Option<Guarded>,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        let stopped = self.stopped.take().ok_or(AnswerError::Unfinished)?;
        let usage = usage.map(|usage| usage::classes(usage, stopped.reasoning_tokens));
        let ended = Ended {
            meaning: stop::meaning(&stopped.reason),
            guarded,
            usage,
        };
        self.shape.end(&ended, steps)
    }
}

impl Reader for ConverseReader {
    fn push(&mut self, frame: Frame, steps: &mut Vec<Step>) -> Result<bool, AnswerError> {
        match frame {
            Frame::Converse(event) => self.event(event, steps),
            Frame::Sse(_) | Frame::Body(_) | Frame::Invoked(_) => Err(AnswerError::Missing),
        }
    }

    /// Complete if the message had ended, and only its tokens are missing.
    fn finish(&mut self, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        self.complete(None, None, steps)
    }
}

/// What of the reasoning can be shown or sent back.
fn thought(delta: ReasoningDelta) -> Option<Thought> {
    match delta {
        ReasoningDelta::Text(text) => Some(Thought::Text(text)),
        ReasoningDelta::Signature(signature) => Some(Thought::Signature(signature)),
        ReasoningDelta::Redacted(bytes) => Some(Thought::Redacted(bytes)),
        ReasoningDelta::Other => None,
    }
}

/// A whole answer as the events of a stream.
///
/// # Errors
/// When it holds no message.
pub(crate) fn events(response: Response) -> Result<Vec<Event>, AnswerError> {
    let guardrail = response
        .trace
        .as_ref()
        .and_then(crate::converse::Trace::guarded);
    let output = response.output.ok_or(AnswerError::Missing)?;
    let mut events = vec![Event::MessageStart];
    for (index, block) in (0..).zip(output.message.content) {
        block_events(index, block, &mut events);
        events.push(Event::BlockStop { index });
    }
    let additional = response.additional_model_response_fields;
    events.push(Event::MessageStop {
        stop_reason: response.stop_reason,
        reasoning_tokens: additional.as_ref().and_then(reasoning_tokens),
    });
    events.push(Event::Metadata {
        usage: response.usage,
        guardrail,
    });
    Ok(events)
}

fn block_events(index: i32, block: Block, events: &mut Vec<Event>) {
    let mut grow = |delta| events.push(Event::BlockDelta { index, delta });
    match block {
        Block::Text(text) => grow(Delta::Text(text)),
        Block::CitationsContent(Citations { content, citations }) => {
            for piece in content {
                grow(Delta::Text(piece.text));
            }
            for citation in citations {
                grow(Delta::Citation(citation));
            }
        }
        Block::ReasoningContent(content) => {
            for delta in reasoning(&content) {
                grow(Delta::Reasoning(delta));
            }
        }
        Block::ToolUse(call) => {
            let server = call.kind.as_deref() == Some("server_tool_use");
            let name = call.name;
            events.push(Event::BlockStart {
                index,
                start: Start::ToolUse { name, server },
            });
            let input = match call.input {
                Value::Null => String::new(),
                input => input.to_string(),
            };
            let delta = Delta::ToolInput(input);
            events.push(Event::BlockDelta { index, delta });
        }
        block => {
            let name = match block {
                Block::Image(_) => "image".to_owned(),
                Block::Document(_) => "document".to_owned(),
                Block::Audio(_) => "audio".to_owned(),
                Block::CachePoint(_) => "cachePoint".to_owned(),
                Block::ToolResult(_) => "toolResult".to_owned(),
                Block::Other(name) => name,
                _ => "(unknown)".to_owned(),
            };
            events.push(Event::BlockStart {
                index,
                start: Start::Other(name),
            });
        }
    }
}

fn reasoning(content: &Value) -> Vec<ReasoningDelta> {
    let member = |pointer| content.pointer(pointer).and_then(Value::as_str);
    let mut deltas = Vec::new();
    if let Some(text) = member("/reasoningText/text") {
        deltas.push(ReasoningDelta::Text(text.to_owned()));
    }
    if let Some(signature) = member("/reasoningText/signature") {
        deltas.push(ReasoningDelta::Signature(signature.to_owned()));
    }
    if let Some(bytes) = member("/redactedContent") {
        deltas.push(ReasoningDelta::Redacted(bytes.to_owned()));
    }
    if deltas.is_empty() {
        deltas.push(ReasoningDelta::Other);
    }
    deltas
}
