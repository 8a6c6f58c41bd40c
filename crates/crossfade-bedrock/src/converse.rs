//! The Converse wire as plain data: what a request serialises to and what an answer is read from.
//! Nothing here knows the SDK, Azure's wire or any rule of translation.

mod request;
mod trace;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use request::{
    Audio, Bytes, CachePoint, Document, GuardrailConfig, Image, InferenceConfig, InputSchema,
    JsonSchema, OutputConfig, Request, ServiceTier, Structure, System, TextFormat, Tool,
    ToolChoice, ToolConfig, ToolResult, ToolResultContent, ToolSpec,
};

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The caller.
    User,
    /// The model.
    Assistant,
    /// Instructions between turns, where a model takes such turns.
    System,
}

/// A turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Speaker,
    /// What is said.
    pub content: Vec<Block>,
}

/// A piece of a turn: the members that requests use and answers are expected to hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Block {
    /// Text.
    Text(String),
    /// A picture.
    Image(Image),
    /// A document.
    Document(Document),
    /// Sound.
    Audio(Audio),
    /// What stands before this may be cached.
    CachePoint(CachePoint),
    /// The model calls a tool.
    ToolUse(ToolUse),
    /// What the tool said.
    ToolResult(ToolResult),
    /// Text with its sources.
    CitationsContent(Citations),
    /// The model's reasoning, as it came.
    ReasoningContent(Value),
    /// A member that this crate has no use for, by its name.
    #[serde(untagged)]
    Other(String),
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let object = Map::<String, Value>::deserialize(deserializer)?;
        let Some((name, value)) = object.into_iter().find(|(_, value)| !value.is_null()) else {
            return Err(D::Error::custom("a content block without a member"));
        };
        match name.as_str() {
            "text" => serde_json::from_value(value).map(Self::Text),
            "toolUse" => serde_json::from_value(value).map(Self::ToolUse),
            "citationsContent" => serde_json::from_value(value).map(Self::CitationsContent),
            "reasoningContent" => Ok(Self::ReasoningContent(value)),
            _ => Ok(Self::Other(name)),
        }
        .map_err(D::Error::custom)
    }
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUse {
    /// Its id.
    pub tool_use_id: String,
    /// The tool.
    pub name: String,
    /// The arguments: an object in a request.
    pub input: Value,
    /// Set when the provider itself runs the tool.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// Text with its sources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Citations {
    /// The text, in pieces.
    #[serde(default)]
    pub content: Vec<CitedText>,
    /// The sources.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
}

/// A source of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// The source's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<CitationLocation>,
}

/// Where a source is: only places of the web have a counterpart on the caller's wire.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CitationLocation {
    /// A page of the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<WebLocation>,
}

/// A page of the web.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebLocation {
    /// Its address.
    #[serde(default)]
    pub url: String,
}

/// A piece of cited text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CitedText {
    /// The text.
    #[serde(default)]
    pub text: String,
}

/// A whole answer. Unknown members are ignored: the wire pads and grows.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// What was said; an answer without it is none.
    #[serde(default)]
    pub output: Option<Output>,
    /// Why it ended.
    #[serde(default)]
    pub stop_reason: String,
    /// Tokens.
    #[serde(default)]
    pub usage: Option<TokenUsage>,
    /// What a guardrail did.
    #[serde(default)]
    pub trace: Option<Trace>,
    /// Members of the vendor's own answer that were asked for.
    #[serde(default)]
    pub additional_model_response_fields: Option<Value>,
}

/// `{"message": …}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Output {
    /// The model's turn.
    pub message: Message,
}

/// Tokens by the provider's count; `input_tokens` excludes the cache classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenUsage {
    /// Neither read from nor written to a cache.
    pub input_tokens: u64,
    /// Produced.
    pub output_tokens: u64,
    /// Read from a cache.
    pub cache_read_input_tokens: u64,
    /// Written to a cache.
    pub cache_write_input_tokens: u64,
}

/// What ran beside the model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Trace {
    /// The guardrail's assessments, as they came.
    #[serde(default)]
    pub guardrail: Option<Value>,
}

/// An event of an answer's stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The turn begins.
    MessageStart,
    /// A block begins; text and reasoning come without this.
    BlockStart {
        /// Which block.
        index: i32,
        /// What kind.
        start: Start,
    },
    /// A block grows.
    BlockDelta {
        /// Which block.
        index: i32,
        /// By what.
        delta: Delta,
    },
    /// A block ends.
    BlockStop {
        /// Which block.
        index: i32,
    },
    /// The turn ends.
    MessageStop {
        /// Why.
        stop_reason: String,
        /// Tokens spent on reasoning, where the vendor's own members say.
        reasoning_tokens: Option<u64>,
    },
    /// Tokens and traces; the last event.
    Metadata {
        /// Tokens.
        usage: Option<TokenUsage>,
        /// What a guardrail did.
        guardrail: Option<Guarded>,
    },
    /// An event that says nothing: a block's start or delta without a member.
    Nothing,
    /// An event this crate does not know.
    Other,
}

/// The kind of a block that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// A tool call.
    ToolUse {
        /// The tool.
        name: String,
        /// Whether the provider itself runs the tool.
        server: bool,
    },
    /// Anything else, by its name.
    Other(String),
}

/// What a block grows by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// Text.
    Text(String),
    /// A piece of a tool call's arguments, as JSON text.
    ToolInput(String),
    /// Reasoning.
    Reasoning(ReasoningDelta),
    /// A source of the block's text.
    Citation(Citation),
    /// Anything else, by its name.
    Other(&'static str),
}

/// What a block of reasoning grows by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReasoningDelta {
    /// The thinking.
    Text(String),
    /// The provider's signature of the block.
    Signature(String),
    /// A block that only the provider can read, in base64.
    Redacted(String),
    /// Something this crate does not know.
    Other,
}

/// What a guardrail did to an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    /// It blocked something of the prompt.
    pub input_blocked: bool,
    /// It blocked something of the answer.
    pub output_blocked: bool,
    /// It says what it did: at least one policy's action is stated.
    pub assessed: bool,
    /// What it found in the prompt.
    pub input: Vec<Finding>,
    /// What it found in the answer.
    pub output: Vec<Finding>,
}

/// What one policy of a guardrail found. None of the text that it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The policy.
    pub policy: Policy,
    /// The filter's type, or the topic's name.
    pub name: String,
    /// How sure the filter is, where it says.
    pub confidence: Confidence,
    /// What was done about it.
    pub action: Action,
    /// Whether it was found at all: a full trace has filters that found nothing, too.
    pub detected: bool,
}

/// A guardrail's policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Policy {
    /// Harmful content, and attacks on the prompt.
    Content,
    /// Topics that are denied.
    Topic,
    /// Words that are listed.
    Word,
    /// The provider's own list of bad words.
    Profanity,
    /// Personal data and patterns.
    Sensitive,
    /// Whether the answer follows from its sources.
    Grounding,
}

/// How sure a filter is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// Not at all, or it does not say.
    #[default]
    None,
    /// A little.
    Low,
    /// Rather.
    Medium,
    /// Very.
    High,
}

/// What was done about a finding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Action {
    /// Nothing.
    #[default]
    None,
    /// The text was masked.
    Masked,
    /// The text was blocked.
    Blocked,
}

/// Tokens spent on reasoning, by the vendor's own members of an answer, wherever in them they are counted.
pub fn reasoning_tokens(additional: &Value) -> Option<u64> {
    match additional {
        Value::Object(members) => {
            let details = members
                .get("output_tokens_details")
                .and_then(Value::as_object);
            let count = |name| details.and_then(|details| details.get(name)?.as_u64());
            count("thinking_tokens")
                .or_else(|| count("reasoning_tokens"))
                .or_else(|| members.values().find_map(reasoning_tokens))
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            None
        }
    }
}
