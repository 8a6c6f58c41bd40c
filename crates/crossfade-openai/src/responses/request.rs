//! A request of the Responses API, field by field.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    chat::Fields,
    read::{self, RequestError},
};

use super::{Item, ReasoningConfig, TextConfig, Tool, ToolChoice};

/// A request for a response. A field that is `null` is the same as one that is missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The model: on Azure the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is said; may be missing beside a stored prompt or conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// Whether the response is made in the background, and fetched later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<bool>,
    /// How a long context is made shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_management: Option<Value>,
    /// A conversation that the provider keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<Conversation>,
    /// What the answer shows beyond the usual, such as `reasoning.encrypted_content`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<String>>,
    /// The instructions; those of an earlier response do not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The most tokens to generate, reasoning included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// The most calls of the provider's own tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<u64>,
    /// The caller's own notes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Fields>,
    /// Moderation at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moderation: Option<Value>,
    /// Whether several tools may be called at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// An earlier response that the provider keeps, to go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// A prompt that the provider keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Value>,
    /// What requests share a prompt cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_key: Option<String>,
    /// How the prompt cache is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_options: Option<Value>,
    /// How long the prompt cache lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_retention: Option<String>,
    /// How to reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<ReasoningConfig>,
    /// The end user, for abuse detection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_identifier: Option<String>,
    /// The tier of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Whether the provider keeps the response; it does unless this is `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// Whether to answer as a stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// How to stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
    /// 0..=2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// The form of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextConfig>,
    /// Which tools to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// The tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<Tool>>,
    /// How many alternatives per token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u64>,
    /// 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Whether a conversation that is too long is cut: `auto`, `disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation: Option<String>,
    /// The end user; the older form of `safety_identifier` and `prompt_cache_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Input {
    /// The user's text.
    Text(String),
    /// Items.
    Items(Vec<Item>),
}

/// A conversation that the provider keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Conversation {
    /// By its id.
    Id(String),
    /// By an object with its id.
    Named(Fields),
}

/// How to stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Whether deltas are padded, so that their sizes tell nothing; they are unless this is `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_obfuscation: Option<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

// === impl Request ===

impl Request {
    /// The value of `include` that asks for sealed reasoning.
    pub const INCLUDE_ENCRYPTED_REASONING: &'static str = "reasoning.encrypted_content";

    /// The names of all fields that this type knows.
    pub const FIELDS: &'static [&'static str] = &[
        "model",
        "input",
        "background",
        "context_management",
        "conversation",
        "include",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ];

    /// Reads a body. Of a key that stands there twice the last one counts.
    pub fn from_slice(body: &[u8]) -> Result<Self, RequestError> {
        read::read(body)
    }

    /// Whether a stream was asked for.
    pub fn is_stream(&self) -> bool {
        self.stream == Some(true)
    }

    /// Whether the provider is to keep the response: the default.
    pub fn is_stored(&self) -> bool {
        self.store != Some(false)
    }

    /// Whether sealed reasoning is to be shown.
    pub fn includes_encrypted_reasoning(&self) -> bool {
        self.include
            .iter()
            .flatten()
            .any(|name| name == Self::INCLUDE_ENCRYPTED_REASONING)
    }

    /// Whether deltas are to be padded: the default.
    pub fn is_obfuscated(&self) -> bool {
        let options = self.stream_options.as_ref();
        options.and_then(|options| options.include_obfuscation) != Some(false)
    }

    /// The input's items; none where it is plain text or missing.
    pub fn items(&self) -> &[Item] {
        match &self.input {
            Some(Input::Items(items)) => items,
            Some(Input::Text(_)) | None => &[],
        }
    }
}

impl read::Body for Request {
    const NAMES: &'static [&'static str] = Self::FIELDS;

    fn required() -> (&'static str, Value) {
        ("input", Value::String(String::new()))
    }
}
