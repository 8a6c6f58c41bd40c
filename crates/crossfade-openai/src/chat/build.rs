//! Making answers in Azure's form, whole or in chunks, so that the form stands in one place.

use serde_json::{Value, json};

use super::{
    AnswerMessage, Choice, Chunk, ChunkChoice, Completion, Delta, Fields, FinishReason,
    FunctionCallDelta, Nullable, PromptFilterResult, ToolCall, ToolCallDelta, ToolKind, Usage,
};

/// What every chunk of an answer shares, and a whole answer shows too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// `chatcmpl-…`.
    pub id: String,
    /// Seconds since the Unix epoch.
    pub created: u64,
    /// The base model and its version, as the primary shows it.
    pub model: String,
    /// The backend's configuration as the primary shows it; `None` is written as `null`.
    pub fingerprint: Option<String>,
}

/// Makes the chunks of one streamed answer. The caller keeps Azure's order: [`prompt_filter`](Self::prompt_filter),
/// [`role`](Self::role) (or [`role_with_tool_call`](Self::role_with_tool_call)), content, [`finish`](Self::finish), then
/// [`usage`](Self::usage) if it was asked for, then [`sse::DONE`](crate::sse::DONE).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChunkBuilder {
    /// What every chunk shares.
    pub head: Head,
    /// Whether the usage was asked for: then every chunk but the first has a `usage`, `null` until the last.
    pub include_usage: bool,
}

/// A choice's or prompt's `content_filter_results` where no filter looked at it: Azure's own way to say so. A verdict
/// that nobody reached must never be invented.
pub fn content_filter_not_run() -> Value {
    json!({
        "error": { "code": "content_filter_error", "message": "The contents are not filtered" }
    })
}

// === impl Head ===

impl Head {
    /// A whole answer with one choice.
    pub fn completion(
        &self,
        message: AnswerMessage,
        finish_reason: FinishReason,
        usage: Usage,
    ) -> Completion {
        Completion {
            choices: vec![Choice {
                content_filter_results: None,
                finish_reason: Some(finish_reason.into()),
                index: 0,
                logprobs: None,
                message: Some(message),
                other: Fields::new(),
            }],
            created: self.created,
            id: self.id.clone(),
            model: self.model.clone(),
            object: Completion::OBJECT.to_owned(),
            prompt_filter_results: None,
            service_tier: Nullable::Absent,
            system_fingerprint: self.fingerprint.clone().into(),
            usage: Some(usage),
            other: Fields::new(),
        }
    }
}

// === impl Completion ===

impl Completion {
    /// With what the filter says of the one prompt and of every choice.
    #[must_use]
    pub fn with_filter_results(mut self, prompt: Value, choices: &Value) -> Self {
        self.prompt_filter_results = Some(vec![PromptFilterResult::first(prompt)]);
        for choice in &mut self.choices {
            choice.content_filter_results = Some(choices.clone());
        }
        self
    }
}

// === impl PromptFilterResult ===

impl PromptFilterResult {
    /// What the filter says of the first prompt; a chat completion has only one.
    pub fn first(content_filter_results: Value) -> Self {
        Self {
            prompt_index: 0,
            content_filter_results,
            other: Fields::new(),
        }
    }
}

// === impl ChunkBuilder ===

impl ChunkBuilder {
    /// Chunk 1: what the filter says of the prompt. It has nothing of the head, and no `usage`.
    pub fn prompt_filter(&self, content_filter_results: Value) -> Chunk {
        Chunk {
            prompt_filter_results: Some(vec![PromptFilterResult::first(content_filter_results)]),
            ..Chunk::default()
        }
    }

    /// Chunk 2, before text: the role and empty content.
    pub fn role(&self) -> Chunk {
        self.delta(Delta {
            content: Nullable::Value(String::new()),
            refusal: Nullable::Null,
            role: Some("assistant".to_owned()),
            ..Delta::default()
        })
    }

    /// Chunk 2 where a call comes first: the role, no content and the call's beginning.
    pub fn role_with_tool_call(&self, id: &str, name: &str) -> Chunk {
        self.delta(Delta {
            content: Nullable::Null,
            refusal: Nullable::Null,
            role: Some("assistant".to_owned()),
            tool_calls: Some(vec![ToolCallDelta::start(0, id, name)]),
            ..Delta::default()
        })
    }

    /// More text, with what the filter says of it.
    pub fn text(&self, text: impl Into<String>, content_filter_results: Value) -> Chunk {
        self.filtered_delta(
            Delta {
                content: Nullable::Value(text.into()),
                ..Delta::default()
            },
            content_filter_results,
        )
    }

    /// More of a refusal.
    pub fn refusal(&self, text: impl Into<String>) -> Chunk {
        self.delta(Delta {
            refusal: Nullable::Value(text.into()),
            ..Delta::default()
        })
    }

    /// The beginning of a call; `index` counts calls from 0.
    pub fn tool_call_start(&self, index: u64, id: &str, name: &str) -> Chunk {
        self.tool_call(ToolCallDelta::start(index, id, name))
    }

    /// More of a call's arguments.
    pub fn tool_arguments(&self, index: u64, fragment: impl Into<String>) -> Chunk {
        self.tool_call(ToolCallDelta::arguments(index, fragment))
    }

    /// The last chunk with a choice.
    pub fn finish(&self, reason: FinishReason) -> Chunk {
        let mut chunk = self.delta(Delta::default());
        for choice in &mut chunk.choices {
            choice.finish_reason = Some(reason.into());
        }
        chunk
    }

    /// The chunk with the usage, only if it was asked for.
    pub fn usage(&self, usage: Usage) -> Option<Chunk> {
        self.include_usage.then(|| Chunk {
            usage: Nullable::Value(usage),
            ..self.with_choices(Vec::new())
        })
    }

    /// A chunk with any delta of the first choice.
    pub fn delta(&self, delta: Delta) -> Chunk {
        self.filtered_delta(delta, Value::Object(Fields::new()))
    }

    fn tool_call(&self, call: ToolCallDelta) -> Chunk {
        self.delta(Delta {
            tool_calls: Some(vec![call]),
            ..Delta::default()
        })
    }

    fn filtered_delta(&self, delta: Delta, content_filter_results: Value) -> Chunk {
        self.with_choices(vec![ChunkChoice {
            content_filter_results: Some(content_filter_results),
            delta: Some(delta),
            ..ChunkChoice::default()
        }])
    }

    fn with_choices(&self, choices: Vec<ChunkChoice>) -> Chunk {
        Chunk {
            choices,
            created: self.head.created,
            id: self.head.id.clone(),
            model: self.head.model.clone(),
            object: Chunk::OBJECT.to_owned(),
            system_fingerprint: self.head.fingerprint.clone().into(),
            usage: if self.include_usage {
                Nullable::Null
            } else {
                Nullable::Absent
            },
            ..Chunk::default()
        }
    }
}

// === impl ToolCallDelta ===

impl ToolCallDelta {
    /// The beginning of a function's call.
    pub fn start(index: u64, id: &str, name: &str) -> Self {
        Self {
            function: Some(FunctionCallDelta {
                arguments: Some(String::new()),
                name: Some(name.to_owned()),
                other: Fields::new(),
            }),
            id: Some(id.to_owned()),
            index,
            kind: Some(ToolKind::Function.into()),
            other: Fields::new(),
        }
    }

    /// More of a function's arguments.
    pub fn arguments(index: u64, fragment: impl Into<String>) -> Self {
        Self {
            function: Some(FunctionCallDelta {
                arguments: Some(fragment.into()),
                ..FunctionCallDelta::default()
            }),
            index,
            ..Self::default()
        }
    }
}

// === impl AnswerMessage ===

impl AnswerMessage {
    /// A message that calls tools and says nothing else.
    pub fn calls(tool_calls: Vec<ToolCall>) -> Self {
        Self {
            tool_calls: Some(tool_calls),
            ..Self::default()
        }
    }
}
