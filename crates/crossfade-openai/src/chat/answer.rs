//! A whole answer: what is sent when no stream was asked for, and what a stream becomes.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::written;

use super::{Fields, FunctionCall, Nullable, Open, ToolCall, Usage};

/// A chat completion. The fields stand in the order in which Azure writes them, which is the alphabet's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The answers, one unless the request asked for more.
    pub choices: Vec<Choice>,
    /// Seconds since the Unix epoch.
    #[serde(default)]
    pub created: u64,
    /// `chatcmpl-…`.
    #[serde(default)]
    pub id: String,
    /// The base model and its version, never the deployment.
    #[serde(default)]
    pub model: String,
    /// `chat.completion`.
    #[serde(default)]
    pub object: String,
    /// What the filter says of the prompts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_filter_results: Option<Vec<PromptFilterResult>>,
    /// The tier that served, where it is shown.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub service_tier: Nullable<String>,
    /// The backend's configuration.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub system_fingerprint: Nullable<String>,
    /// The tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What the content filter says of one prompt. Azure does not write this one by the alphabet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PromptFilterResult {
    /// Which prompt.
    #[serde(default)]
    pub prompt_index: u64,
    /// By category.
    #[serde(default)]
    pub content_filter_results: Value,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// One answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What the content filter says, by category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_filter_results: Option<Value>,
    /// Why it ended.
    #[serde(default)]
    pub finish_reason: Option<Open<FinishReason>>,
    /// From 0.
    #[serde(default)]
    pub index: u64,
    /// Log-probabilities, if they were asked for.
    #[serde(default)]
    pub logprobs: Option<Value>,
    /// What is said; a filtered answer may be without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<AnswerMessage>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// The message of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerMessage {
    /// Citations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Vec<Value>>,
    /// Sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Value>,
    /// The text.
    #[serde(default)]
    pub content: Option<String>,
    /// Azure's own: what a data source said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// The call of a function, in the older form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall>,
    /// The refusal, where the model says it apart.
    #[serde(default)]
    pub refusal: Option<String>,
    /// `assistant`.
    #[serde(default)]
    pub role: String,
    /// The calls of tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// Why an answer ended: all that clients accept. Some of them fail on any other word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// By itself, or at a stop sequence.
    Stop,
    /// At the limit of tokens.
    Length,
    /// To have tools called.
    ToolCalls,
    /// The filter cut it off.
    ContentFilter,
    /// To have a function called, in the older form.
    FunctionCall,
}

// === impl Completion ===

impl Completion {
    /// The `object` of every whole answer.
    pub const OBJECT: &'static str = "chat.completion";

    /// Reads a body.
    pub fn from_slice(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }

    /// The body as Azure sends it: compact, one line feed at its end.
    pub fn to_body(&self) -> Bytes {
        let mut body = written::compact(self);
        body.push(b'\n');
        body.into()
    }

    /// The first choice's message.
    pub fn message(&self) -> Option<&AnswerMessage> {
        self.choices.first()?.message.as_ref()
    }
}

// === impl AnswerMessage ===

impl Default for AnswerMessage {
    fn default() -> Self {
        Self {
            annotations: Some(Vec::new()),
            audio: None,
            content: None,
            context: None,
            function_call: None,
            refusal: None,
            role: "assistant".to_owned(),
            tool_calls: None,
            other: Fields::new(),
        }
    }
}

impl AnswerMessage {
    /// A message that says this text.
    pub fn text(content: impl Into<String>) -> Self {
        Self {
            content: Some(content.into()),
            ..Self::default()
        }
    }

    /// The calls of tools; none if there are none.
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.tool_calls.as_deref().unwrap_or_default()
    }
}
