//! One chunk of a streamed answer.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fields, FinishReason, Nullable, Open, PromptFilterResult, ToolKind, Usage};
use crate::{sse, written};

/// A chunk. The fields stand in the order in which Azure writes them, which is the alphabet's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// What is new, by choice; none in the first chunk and in the one with the usage. While a model speaks aloud,
    /// some chunks are without the key.
    #[serde(default)]
    pub choices: Vec<ChunkChoice>,
    /// Seconds since the Unix epoch; 0 in the first chunk.
    #[serde(default)]
    pub created: u64,
    /// `chatcmpl-…`; empty in the first chunk.
    #[serde(default)]
    pub id: String,
    /// The base model and its version; empty in the first chunk.
    #[serde(default)]
    pub model: String,
    /// Filler, so that sizes tell nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obfuscation: Option<String>,
    /// `chat.completion.chunk`; empty in the first chunk.
    #[serde(default)]
    pub object: String,
    /// What the filter says of the prompts; in the first chunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_filter_results: Option<Vec<PromptFilterResult>>,
    /// The tier that served, where it is shown.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub service_tier: Nullable<String>,
    /// The backend's configuration.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub system_fingerprint: Nullable<String>,
    /// The tokens, in the last chunk; `null` in the others if they were asked for.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub usage: Nullable<Usage>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What is new in one choice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// What the content filter says, by category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_filter_results: Option<Value>,
    /// What is new; a late word of the filter is without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<Delta>,
    /// Why it ended, in its last chunk.
    #[serde(default)]
    pub finish_reason: Option<Open<FinishReason>>,
    /// Which choice.
    #[serde(default)]
    pub index: u64,
    /// Log-probabilities, if they were asked for.
    #[serde(default)]
    pub logprobs: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What is new in a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// More text.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub content: Nullable<String>,
    /// More of a function's call, in the older form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCallDelta>,
    /// More of a refusal.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub refusal: Nullable<String>,
    /// `assistant`, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// More of some calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCallDelta>>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// More of one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolCallDelta {
    /// More of the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCallDelta>,
    /// The call's id, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Which call: counts calls, not content blocks.
    #[serde(default)]
    pub index: u64,
    /// The call's kind, once.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Open<ToolKind>>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// More of a function's call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionCallDelta {
    /// More of the arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
    /// The function's name, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

// === impl Chunk ===

impl Chunk {
    /// The `object` of every chunk but the first.
    pub const OBJECT: &'static str = "chat.completion.chunk";

    /// The chunk as compact JSON.
    pub fn to_json(&self) -> Vec<u8> {
        written::compact(self)
    }

    /// The chunk as one event of a stream.
    pub fn to_event(&self) -> Bytes {
        sse::encode_line(&self.to_json())
    }

    /// Whether it has nothing that a chunk has: other JSON, read as if it were one.
    pub(crate) fn is_foreign(&self) -> bool {
        self.choices.is_empty()
            && self.object.is_empty()
            && self.id.is_empty()
            && self.prompt_filter_results.is_none()
            && self.usage.value().is_none()
    }

    /// Whether it shows what a caller waits for: text, a refusal, a call or sound.
    pub fn has_content(&self) -> bool {
        self.choices
            .iter()
            .filter_map(|choice| choice.delta.as_ref())
            .any(Delta::has_content)
    }
}

// === impl Delta ===

impl Delta {
    /// Whether it has text, a refusal, a call or sound. The role alone is none of these.
    pub fn has_content(&self) -> bool {
        let says = |text: &Nullable<String>| text.value().is_some_and(|text| !text.is_empty());
        says(&self.content)
            || says(&self.refusal)
            || self
                .tool_calls
                .as_ref()
                .is_some_and(|calls| !calls.is_empty())
            || self.function_call.is_some()
            || self.other.get("audio").is_some_and(Value::is_object)
    }
}
