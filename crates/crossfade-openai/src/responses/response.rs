//! A whole response: what is sent when no stream was asked for, and what a stream's first and last events carry.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{
    chat::{Fields, Nullable, Open},
    written,
};

use super::{Content, Item, Part, Usage};

/// A response. Most of it repeats the request with its defaults; those fields are kept as they came. Keys in Azure's
/// order, as captured in 2026.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// `resp_…`.
    #[serde(default)]
    pub id: String,
    /// `response`.
    #[serde(default)]
    pub object: String,
    /// Seconds since the Unix epoch.
    #[serde(default)]
    pub created_at: Seconds,
    /// How far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Open<Status>>,
    /// Whether it is made in the background.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub background: Nullable<bool>,
    /// Seconds since the Unix epoch; `null` until the end.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub completed_at: Nullable<Seconds>,
    /// Azure's own: what the filter says of the prompt and the answer; `null` until the end.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub content_filters: Nullable<Vec<ContentFilter>>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub error: Nullable<ResponseError>,
    /// Against repetition, by frequency.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub frequency_penalty: Nullable<f64>,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub incomplete_details: Nullable<IncompleteDetails>,
    /// The request's instructions.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub instructions: Nullable<Value>,
    /// The request's limit.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub max_output_tokens: Nullable<u64>,
    /// The request's limit.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub max_tool_calls: Nullable<u64>,
    /// The model by the caller's own name for it, unlike in chat.
    #[serde(default)]
    pub model: String,
    /// What the model said.
    #[serde(default)]
    pub output: Vec<Item>,
    /// Whether several tools may be called at once.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub parallel_tool_calls: Nullable<bool>,
    /// Against repetition, by presence.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub presence_penalty: Nullable<f64>,
    /// The response that this one goes on from.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub previous_response_id: Nullable<String>,
    /// The request's cache key.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub prompt_cache_key: Nullable<String>,
    /// How long the prompt cache lives.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub prompt_cache_retention: Nullable<String>,
    /// How it reasons.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub reasoning: Nullable<Value>,
    /// The end user.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub safety_identifier: Nullable<String>,
    /// The tier that was asked for; at the end the one that served.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub service_tier: Nullable<String>,
    /// Whether the provider keeps it.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub store: Nullable<bool>,
    /// The temperature.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub temperature: Nullable<f64>,
    /// The form of the text.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub text: Nullable<Value>,
    /// Which tools to call.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub tool_choice: Nullable<Value>,
    /// The tools.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub tools: Nullable<Vec<Value>>,
    /// How many alternatives per token.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub top_logprobs: Nullable<u64>,
    /// The nucleus.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub top_p: Nullable<f64>,
    /// Whether a conversation that is too long is cut.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub truncation: Nullable<String>,
    /// The tokens; `null` until the end.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub usage: Nullable<Usage>,
    /// The end user, in the older form.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub user: Nullable<String>,
    /// The caller's own notes.
    #[serde(default, skip_serializing_if = "Nullable::is_absent")]
    pub metadata: Nullable<Fields>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// How far a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It came to its end.
    Completed,
    /// It failed; `error` says why.
    Failed,
    /// It is being made.
    InProgress,
    /// It was called off.
    Cancelled,
    /// It waits.
    Queued,
    /// It was cut off; `incomplete_details` says why.
    Incomplete,
}

/// Why a response is not complete.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IncompleteDetails {
    /// The reason.
    pub reason: Open<IncompleteReason>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// Why a response is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncompleteReason {
    /// The limit of tokens.
    MaxOutputTokens,
    /// The filter cut it off.
    ContentFilter,
}

/// Why a response failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponseError {
    /// For programs: `server_error`, `rate_limit_exceeded`, `invalid_prompt` and others.
    #[serde(default)]
    pub code: Option<String>,
    /// For people.
    #[serde(default)]
    pub message: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What the filter says of the prompt or of the answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContentFilter {
    /// Whether it was stopped.
    #[serde(default)]
    pub blocked: bool,
    /// `prompt` or `completion`.
    #[serde(default)]
    pub source_type: String,
    /// Not told.
    #[serde(default)]
    pub content_filter_raw: Value,
    /// By category.
    #[serde(default)]
    pub content_filter_results: Value,
    /// Which text it looked at.
    #[serde(default)]
    pub content_filter_offsets: ContentFilterOffsets,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// Which text the filter looked at, in characters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ContentFilterOffsets {
    /// Where it began.
    #[serde(default)]
    pub start_offset: u64,
    /// Where it ended.
    #[serde(default)]
    pub end_offset: u64,
    /// How far it is sure.
    #[serde(default)]
    pub check_offset: u64,
}

/// Seconds since the Unix epoch. Some providers write them with a fraction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Seconds(pub u64);

// === impl Response ===

impl Response {
    /// The `object` of every response.
    pub const OBJECT: &'static str = "response";

    /// Reads a body.
    pub fn from_slice(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }

    /// The body as Azure sends it: over several lines, two spaces deep.
    pub fn to_body(&self) -> Bytes {
        written::pretty(self).into()
    }

    /// The status, if it is one that is known.
    pub fn status(&self) -> Option<Status> {
        self.status.as_ref().and_then(Open::known)
    }

    /// All text that the model said, one message after the other; no refusals.
    pub fn text(&self) -> String {
        self.parts().filter_map(Part::text).collect()
    }

    /// All that the model refused with; `None` if it did not.
    pub fn refusal(&self) -> Option<String> {
        let mut refusals = self
            .parts()
            .filter_map(|part| match part {
                Part::Refusal(part) => Some(part.refusal.as_str()),
                Part::InputText(_)
                | Part::InputImage(_)
                | Part::InputFile(_)
                | Part::InputAudio(_)
                | Part::OutputText(_)
                | Part::Other(_) => None,
            })
            .peekable();
        refusals.peek().is_some().then(|| refusals.collect())
    }

    /// The parts of all messages.
    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.output
            .iter()
            .filter_map(|item| match item {
                Item::Message(message) => Some(&message.content),
                Item::FunctionCall(_)
                | Item::FunctionCallOutput(_)
                | Item::CustomToolCall(_)
                | Item::CustomToolCallOutput(_)
                | Item::Reasoning(_)
                | Item::ItemReference(_)
                | Item::Other(_) => None,
            })
            .flat_map(Content::parts)
    }
}

// === impl Seconds ===

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "such a cast keeps within the range"
        )]
        let floor = |seconds: f64| seconds as u64;
        Ok(Self(
            number
                .as_u64()
                .or_else(|| number.as_f64().map(floor))
                .unwrap_or_default(),
        ))
    }
}
