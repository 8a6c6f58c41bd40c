//! A streamed answer put together: what would have been sent if no stream had been asked for.
//!
//! Strict about the protocol: an error within the stream, an answer without a finish reason or a stream without its
//! end mark is an error, and [`Assembler::into_partial`] still gives what there was. Unknown fields are merged.

mod merge;
mod response;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    chat::{
        AnswerMessage, Choice, Chunk, ChunkChoice, Completion, CustomCall, Delta, Fields,
        FinishReason, FunctionCall, FunctionCallDelta, Nullable, Open, ToolCall, ToolCallDelta,
        ToolKind,
    },
    error,
    sse::{self, EventTooLarge},
};

pub use response::{ResponseAssembler, assemble_response};

/// Why a stream is not a whole answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssembleError {
    /// An event's data is neither a piece of an answer nor an error.
    #[error("an event is no piece of an answer")]
    NotAChunk,
    /// The stream says that it failed.
    #[error("the stream carries an error")]
    Failed {
        /// The error's code.
        code: Option<String>,
    },
    /// No choice was seen.
    #[error("the stream has no answer in it")]
    Empty,
    /// A choice does not say why it ended.
    #[error("the stream ends without a finish reason")]
    Unfinished,
    /// `[DONE]`, or a response's last event, is missing: the stream was cut.
    #[error("the stream ends without its end mark")]
    NotDone,
    /// An event is over the decoder's limit.
    #[error(transparent)]
    TooLarge(#[from] EventTooLarge),
}

/// Puts chunks together.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    head: Completion,
    choices: BTreeMap<u64, Building>,
    done: bool,
}

/// One choice so far.
#[derive(Clone, Debug, Default)]
struct Building {
    filter: Option<Value>,
    finish_reason: Option<Open<FinishReason>>,
    logprobs: Value,
    message: Option<MessageSoFar>,
    other: Fields,
}

#[derive(Clone, Debug, Default)]
struct MessageSoFar {
    role: Option<String>,
    content: Option<String>,
    refusal: Option<String>,
    function_call: Option<FunctionSoFar>,
    tool_calls: BTreeMap<u64, CallSoFar>,
    other: Fields,
}

#[derive(Clone, Debug, Default)]
struct CallSoFar {
    id: String,
    kind: Option<Open<ToolKind>>,
    function: Option<FunctionSoFar>,
    other: Fields,
}

#[derive(Clone, Debug, Default)]
struct FunctionSoFar {
    name: String,
    arguments: String,
    other: Fields,
}

/// Puts a whole stream together.
pub fn assemble(body: &[u8]) -> Result<Completion, AssembleError> {
    let (events, end) = sse::decode(body);
    let mut assembler = Assembler::default();
    for event in &events {
        assembler.push_data(&event.data)?;
    }
    end?;
    let done = assembler.is_done();
    let completion = assembler.finish()?;
    if done {
        Ok(completion)
    } else {
        Err(AssembleError::NotDone)
    }
}

// === impl Assembler ===

impl Assembler {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an event's data: a chunk, an error or the end mark. What comes after the end mark is not read.
    pub fn push_data(&mut self, data: &str) -> Result<(), AssembleError> {
        if self.done {
            return Ok(());
        }
        if data.starts_with(sse::DONE) {
            self.done = true;
            return Ok(());
        }
        match serde_json::from_str::<Chunk>(data) {
            Ok(chunk) if is_chunk(&chunk) => self.push(&chunk),
            Ok(_) | Err(_) => match error::parse(data.as_bytes()) {
                Some(error) => return Err(AssembleError::Failed { code: error.code }),
                None => return Err(AssembleError::NotAChunk),
            },
        }
        Ok(())
    }

    /// Takes a chunk.
    pub fn push(&mut self, chunk: &Chunk) {
        let head = &mut self.head;
        // The first chunk has nothing but the prompt's filter results.
        if head.id.is_empty() {
            head.id.clone_from(&chunk.id);
            head.created = chunk.created;
            head.model.clone_from(&chunk.model);
        }
        if let Some(results) = &chunk.prompt_filter_results {
            head.prompt_filter_results
                .get_or_insert_default()
                .extend(results.iter().cloned());
        }
        keep_latest(&mut head.service_tier, &chunk.service_tier);
        keep_latest(&mut head.system_fingerprint, &chunk.system_fingerprint);
        if let Some(usage) = chunk.usage.value() {
            head.usage = Some(usage.clone());
        }
        for (name, value) in &chunk.other {
            head.other.insert(name.clone(), value.clone());
        }
        for choice in &chunk.choices {
            self.choices.entry(choice.index).or_default().push(choice);
        }
    }

    /// Whether the end mark was seen.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The answer, if every choice came to its end. Whether the end mark came as well says [`Self::is_done`].
    pub fn finish(self) -> Result<Completion, AssembleError> {
        if self.choices.is_empty() {
            return Err(AssembleError::Empty);
        }
        if self
            .choices
            .values()
            .any(|choice| choice.finish_reason.is_none())
        {
            return Err(AssembleError::Unfinished);
        }
        Ok(self.into_partial())
    }

    /// The answer as far as it came.
    pub fn into_partial(self) -> Completion {
        let choices = self.choices.into_iter();
        Completion {
            choices: choices
                .map(|(index, choice)| choice.into_choice(index))
                .collect(),
            object: Completion::OBJECT.to_owned(),
            ..self.head
        }
    }
}

/// All fields of a chunk may be missing, and clients take an `error` in it for a failure.
fn is_chunk(chunk: &Chunk) -> bool {
    let fails = chunk
        .other
        .get("error")
        .is_some_and(|error| !error.is_null());
    !fails && !chunk.is_foreign()
}

fn keep_latest(kept: &mut Nullable<String>, seen: &Nullable<String>) {
    match seen {
        Nullable::Value(_) => kept.clone_from(seen),
        Nullable::Null if kept.is_absent() => *kept = Nullable::Null,
        Nullable::Null | Nullable::Absent => {}
    }
}

/// Ids and names come once; some providers repeat them with every piece.
fn keep_first(kept: &mut String, seen: Option<&String>) {
    if let Some(seen) = seen
        && kept.is_empty()
    {
        kept.clone_from(seen);
    }
}

fn append(kept: &mut Option<String>, seen: &Nullable<String>) {
    if let Some(text) = seen.value() {
        kept.get_or_insert_default().push_str(text);
    }
}

// === impl Building ===

impl Building {
    fn push(&mut self, choice: &ChunkChoice) {
        if let Some(results) = &choice.content_filter_results {
            merge::filter_results(self.filter.get_or_insert(Value::Null), results);
        }
        if choice.finish_reason.is_some() {
            self.finish_reason.clone_from(&choice.finish_reason);
        }
        if let Some(logprobs) = &choice.logprobs {
            merge::value(&mut self.logprobs, logprobs);
        }
        if let Some(delta) = &choice.delta {
            self.message.get_or_insert_default().push(delta);
        }
        merge::fields(&mut self.other, &choice.other);
    }

    fn into_choice(self, index: u64) -> Choice {
        Choice {
            content_filter_results: self.filter,
            finish_reason: self.finish_reason,
            index,
            logprobs: Some(self.logprobs).filter(|logprobs| !logprobs.is_null()),
            message: self.message.map(MessageSoFar::into_message),
            other: self.other,
        }
    }
}

// === impl MessageSoFar ===

impl MessageSoFar {
    fn push(&mut self, delta: &Delta) {
        if self.role.is_none() {
            self.role.clone_from(&delta.role);
        }
        append(&mut self.content, &delta.content);
        append(&mut self.refusal, &delta.refusal);
        if let Some(call) = &delta.function_call {
            self.function_call.get_or_insert_default().push(call);
        }
        for call in delta.tool_calls.iter().flatten() {
            self.tool_calls.entry(call.index).or_default().push(call);
        }
        merge::fields(&mut self.other, &delta.other);
    }

    fn into_message(mut self) -> AnswerMessage {
        let tool_calls: Vec<ToolCall> = self
            .tool_calls
            .into_values()
            .map(CallSoFar::into_call)
            .collect();
        // A stream begins with empty text even where the whole answer has none.
        let says_otherwise =
            !tool_calls.is_empty() || self.refusal.is_some() || self.function_call.is_some();
        let content = self
            .content
            .filter(|content| !(content.is_empty() && says_otherwise));
        let annotations = match self.other.remove("annotations") {
            Some(Value::Array(annotations)) => annotations,
            Some(_) | None => Vec::new(),
        };
        AnswerMessage {
            annotations: Some(annotations),
            audio: self.other.remove("audio"),
            content,
            context: self.other.remove("context"),
            function_call: self.function_call.map(FunctionSoFar::into_call),
            refusal: self.refusal,
            role: self.role.unwrap_or_else(|| "assistant".to_owned()),
            tool_calls: Some(tool_calls).filter(|calls| !calls.is_empty()),
            other: self.other,
        }
    }
}

// === impl CallSoFar ===

impl CallSoFar {
    fn push(&mut self, delta: &ToolCallDelta) {
        keep_first(&mut self.id, delta.id.as_ref());
        if self.kind.is_none() {
            self.kind.clone_from(&delta.kind);
        }
        if let Some(function) = &delta.function {
            self.function.get_or_insert_default().push(function);
        }
        merge::fields(&mut self.other, &delta.other);
    }

    fn into_call(mut self) -> ToolCall {
        let custom = self.other.get("custom").cloned();
        let custom: Option<CustomCall> =
            custom.and_then(|custom| serde_json::from_value(custom).ok());
        if custom.is_some() {
            self.other.remove("custom");
        }
        ToolCall {
            custom,
            function: self.function.map(FunctionSoFar::into_call),
            id: self.id,
            kind: self.kind.unwrap_or(Open::Known(ToolKind::Function)),
            other: self.other,
        }
    }
}

// === impl FunctionSoFar ===

impl FunctionSoFar {
    fn push(&mut self, delta: &FunctionCallDelta) {
        keep_first(&mut self.name, delta.name.as_ref());
        if let Some(arguments) = &delta.arguments {
            self.arguments.push_str(arguments);
        }
        merge::fields(&mut self.other, &delta.other);
    }

    fn into_call(self) -> FunctionCall {
        FunctionCall {
            arguments: self.arguments,
            name: self.name,
            other: self.other,
        }
    }
}
