//! Reads a chat completion of the OpenAI-compatible endpoints, streamed or whole.

use crossfade_exchange::{LossKind, Usage};
use crossfade_openai::{
    chat::{
        AnswerMessage, Chunk, Completion, Delta, Fields, FinishReason, Open as Word, ToolCallDelta,
    },
    sse,
};
use serde_json::Value;

use super::{CallPiece, Calls, classes, failed, guard::Guard};
use crate::{
    answer::{AnswerError, Ended, FaultKind, Frame, Meaning, Reader, Shape, Step, Thought},
    compatible::{
        fault,
        tags::{Piece, Tags},
    },
};

/// Members of a message under which reasoning occurs.
const REASONING: [&str; 2] = ["reasoning", "reasoning_content"];

/// The state of one answer.
#[derive(Debug)]
pub(crate) struct ChatReader {
    shape: Shape,
    /// Reasoning may stand within the text.
    tags: Option<Tags>,
    calls: Calls,
    guard: Guard,
    finish: Option<Word<FinishReason>>,
    usage: Option<Usage>,
}

// === impl ChatReader ===

impl ChatReader {
    /// Nothing yet.
    pub(crate) fn new(shape: Shape, inline_reasoning: bool) -> Self {
        Self {
            shape,
            tags: inline_reasoning.then(Tags::default),
            calls: Calls::default(),
            guard: Guard::default(),
            finish: None,
            usage: None,
        }
    }

    fn event(&mut self, event: &sse::Event, steps: &mut Vec<Step>) -> Result<bool, AnswerError> {
        if event.is_done() {
            self.complete(steps)?;
            return Ok(true);
        }
        let value: Value = serde_json::from_str(&event.data)
            .map_err(|_| AnswerError::Failed(FaultKind::Garbage))?;
        if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
            return Err(failed(error));
        }
        let is_chunk = value.get("choices").is_some() || value.get("usage").is_some();
        match serde_json::from_value::<Chunk>(value) {
            Ok(chunk) if is_chunk => self.chunk(chunk, steps)?,
            Ok(_) | Err(_) => self.shape.lose(LossKind::EventSkipped, "stream", steps),
        }
        Ok(false)
    }

    fn chunk(&mut self, chunk: Chunk, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        self.guard.look(&chunk.other);
        if let Some(usage) = chunk.usage.value() {
            self.usage = Some(classes(usage.counts()));
        }
        for choice in chunk.choices {
            if choice.index != 0 {
                self.shape.lose(LossKind::BlockDropped, "choices", steps);
                continue;
            }
            if let Some(delta) = choice.delta {
                self.delta(delta, choice.logprobs, steps)?;
            }
            if let Some(reason) = choice.finish_reason
                && !matches!(&reason, Word::Other(word) if word.is_empty())
            {
                self.finish = Some(reason);
            }
        }
        Ok(())
    }

    fn delta(
        &mut self,
        delta: Delta,
        logprobs: Option<Value>,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        self.members(&delta.other, steps);
        let content = delta.content.into_value().unwrap_or_default();
        self.text(&content, logprobs, steps)?;
        if let Some(refusal) = delta.refusal.into_value().filter(|text| !text.is_empty()) {
            self.shape.other(Step::Refusal(refusal), steps);
        }
        for call in delta.tool_calls.unwrap_or_default() {
            self.call(&call, steps)?;
        }
        if let Some(call) = delta.function_call {
            let piece = CallPiece {
                name: call.name.as_deref().unwrap_or_default(),
                input: call.arguments.as_deref().unwrap_or_default(),
                ..CallPiece::default()
            };
            self.calls.piece(&piece, &mut self.shape, steps)?;
        }
        Ok(())
    }

    /// Members of a message that the wire does not have: reasoning is told apart, the rest has no place.
    fn members(&mut self, others: &Fields, steps: &mut Vec<Step>) {
        for (name, value) in others {
            match value {
                Value::Null => {}
                Value::String(text) if text.is_empty() => {}
                Value::String(text) if REASONING.contains(&name.as_str()) => {
                    let thought = Thought::Text(text.clone());
                    self.shape.other(Step::Thought(thought), steps);
                }
                Value::Array(values) if values.is_empty() => {}
                Value::Array(values) if name == "annotations" => {
                    for value in values {
                        self.shape.other(Step::Citation(flat(value)), steps);
                    }
                }
                _ => self
                    .shape
                    .lose(LossKind::BlockDropped, "message.(unknown)", steps),
            }
        }
    }

    fn text(
        &mut self,
        text: &str,
        logprobs: Option<Value>,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        if text.is_empty() {
            return Ok(());
        }
        let pieces = match &mut self.tags {
            None => vec![Piece::Text(text.to_owned())],
            Some(tags) => tags.feed(text),
        };
        let mut logprobs = logprobs.filter(|logprobs| !logprobs.is_null());
        for piece in pieces {
            self.piece(piece, logprobs.take(), steps)?;
        }
        Ok(())
    }

    fn piece(
        &mut self,
        piece: Piece,
        logprobs: Option<Value>,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        match piece {
            Piece::Text(text) => {
                if let Some(logprobs) = logprobs {
                    self.shape.other(Step::Logprobs(logprobs), steps);
                }
                self.shape.text(&text, steps)
            }
            Piece::Hidden(text) => {
                self.shape.other(Step::Thought(Thought::Text(text)), steps);
                Ok(())
            }
        }
    }

    fn call(&mut self, call: &ToolCallDelta, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        let function = call.function.as_ref();
        let name = function.and_then(|function| function.name.as_deref());
        let input = function.and_then(|function| function.arguments.as_deref());
        let piece = CallPiece {
            place: call.index,
            id: call.id.as_deref().unwrap_or_default(),
            name: name.unwrap_or_default(),
            input: input.unwrap_or_default(),
        };
        self.calls.piece(&piece, &mut self.shape, steps)
    }

    /// A whole answer, as if it had been streamed.
    fn whole(&mut self, body: &[u8], steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        let Ok(completion) = Completion::from_slice(body) else {
            return Err(AnswerError::Failed(fault::of_body(None, None, body)));
        };
        self.guard.look(&completion.other);
        self.usage = completion
            .usage
            .as_ref()
            .map(|usage| classes(usage.counts()));
        for choice in completion.choices {
            if choice.index != 0 {
                self.shape.lose(LossKind::BlockDropped, "choices", steps);
                continue;
            }
            self.finish = choice.finish_reason;
            if let Some(message) = choice.message {
                self.message(message, choice.logprobs, steps)?;
            }
        }
        self.complete(steps)
    }

    fn message(
        &mut self,
        message: AnswerMessage,
        logprobs: Option<Value>,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        self.members(&message.other, steps);
        for annotation in message.annotations.iter().flatten() {
            self.shape.other(Step::Citation(flat(annotation)), steps);
        }
        self.text(&message.content.unwrap_or_default(), logprobs, steps)?;
        if let Some(refusal) = message.refusal.filter(|text| !text.is_empty()) {
            self.shape.other(Step::Refusal(refusal), steps);
        }
        for (place, call) in (0..).zip(message.tool_calls.unwrap_or_default()) {
            let Some(function) = &call.function else {
                self.shape
                    .lose(LossKind::BlockDropped, "message.tool_calls", steps);
                continue;
            };
            let piece = CallPiece {
                place,
                id: &call.id,
                name: &function.name,
                input: &function.arguments,
            };
            self.calls.piece(&piece, &mut self.shape, steps)?;
        }
        if let Some(call) = message.function_call {
            let piece = CallPiece {
                name: &call.name,
                input: &call.arguments,
                ..CallPiece::default()
            };
            self.calls.piece(&piece, &mut self.shape, steps)?;
        }
        Ok(())
    }

    /// It is over, if it said why.
    fn complete(&mut self, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        let reason = self.finish.take().ok_or(AnswerError::Unfinished)?;
        if let Some(rest) = self.tags.as_mut().and_then(Tags::finish) {
            self.piece(rest, None, steps)?;
        }
        self.calls.finish()?;
        let meaning = match reason {
            _ if self.guard.intervened() => Meaning::Guarded,
            Word::Known(FinishReason::Stop) => Meaning::Done,
            Word::Known(FinishReason::Length) => Meaning::Length,
            Word::Known(FinishReason::ToolCalls | FinishReason::FunctionCall) => Meaning::ToolCalls,
            Word::Known(FinishReason::ContentFilter) => Meaning::Filtered,
            Word::Other(_) => Meaning::Unknown,
        };
        let ended = Ended {
            meaning,
            guarded: self.guard.guarded(),
            usage: self.usage,
        };
        self.shape.end(&ended, steps)
    }
}

impl Reader for ChatReader {
    fn push(&mut self, frame: Frame, steps: &mut Vec<Step>) -> Result<bool, AnswerError> {
        match frame {
            Frame::Sse(event) => self.event(&event, steps),
            Frame::Body(body) => self.whole(&body, steps).map(|()| true),
            Frame::Converse(_) | Frame::Invoked(_) => Err(AnswerError::Failed(FaultKind::Garbage)),
        }
    }

    fn finish(&mut self, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        self.complete(steps)
    }
}

/// A citation with its members at the top, as other wires have it.
fn flat(annotation: &Value) -> Value {
    let Some(cited) = annotation.get("url_citation").and_then(Value::as_object) else {
        return annotation.clone();
    };
    let mut told = Fields::new();
    told.insert("type".to_owned(), Value::from("url_citation"));
    told.extend(cited.clone());
    Value::Object(told)
}
