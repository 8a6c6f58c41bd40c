//! The Converse wire as plain data: what a request serialises to and what an answer is read from.
//! Nothing here knows the SDK, Azure's wire or any rule of translation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A Converse or `ConverseStream` request, without the model's id (that stands in the path).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// System texts, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<System>,
    /// The turns.
    pub messages: Vec<Message>,
    /// The tools, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_config: Option<ToolConfig>,
    /// Sampling and limits.
    #[serde(skip_serializing_if = "InferenceConfig::is_empty")]
    pub inference_config: InferenceConfig,
    /// The answer's format and the effort.
    #[serde(skip_serializing_if = "OutputConfig::is_empty")]
    pub output_config: OutputConfig,
    /// Members merged into the vendor's own body.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub additional_model_request_fields: Map<String, Value>,
    /// Pairs kept in the provider's invocation log.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub request_metadata: BTreeMap<String, String>,
}

/// One system text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct System {
    /// The text, never empty.
    pub text: String,
}

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The caller.
    User,
    /// The model.
    Assistant,
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
    /// The model calls a tool.
    ToolUse(ToolUse),
    /// What the tool said.
    ToolResult(ToolResult),
    /// Text with its sources.
    CitationsContent(Citations),
    /// The model's reasoning; its content is never used.
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

/// A picture, inline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    /// png, jpeg, gif or webp.
    pub format: &'static str,
    /// The bytes.
    pub source: ImageSource,
}

/// Where a picture's bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageSource {
    /// The bytes in base64, as the wire carries them.
    pub bytes: String,
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

/// A tool's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult {
    /// The call it answers.
    pub tool_use_id: String,
    /// What it says.
    pub content: Vec<ToolResultContent>,
}

/// A piece of a tool's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolResultContent {
    /// Text.
    Text(String),
    /// An object.
    Json(Value),
}

/// Text with its sources; the sources have no place on the other wire.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Citations {
    /// The text, in pieces.
    #[serde(default)]
    pub content: Vec<CitedText>,
}

/// A piece of cited text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CitedText {
    /// The text.
    #[serde(default)]
    pub text: String,
}

/// The tools of a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolConfig {
    /// The tools, at least one.
    pub tools: Vec<Tool>,
    /// Which of them must be called; absent means the model decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
}

/// A tool: `{"toolSpec": …}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// Its definition.
    pub tool_spec: ToolSpec,
}

/// A tool's definition.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolSpec {
    /// 1–64 of `[a-zA-Z0-9_-]`.
    pub name: String,
    /// What it is for; never empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The arguments.
    pub input_schema: InputSchema,
    /// Whether the provider enforces the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// A JSON schema: `{"json": …}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InputSchema {
    /// The schema.
    pub json: Value,
}

/// Which tool must be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolChoice {
    /// The model decides.
    Auto {},
    /// One of them.
    Any {},
    /// This one.
    Tool {
        /// Its name.
        name: String,
    },
}

/// Sampling and limits.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InferenceConfig {
    /// The most tokens to produce, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// 0–1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// 0–1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Where to stop; none is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<String>,
}

impl InferenceConfig {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The answer's format and the effort.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputConfig {
    /// The format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_format: Option<TextFormat>,
    /// The effort.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<&'static str>,
}

impl OutputConfig {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The format of an answer's text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextFormat {
    /// Always `json_schema`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The schema.
    pub structure: Structure,
}

/// `{"jsonSchema": …}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Structure {
    /// The schema.
    pub json_schema: JsonSchema,
}

/// A schema that the answer's text must fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JsonSchema {
    /// The schema as a string of JSON, as the wire wants it.
    pub schema: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
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
    },
    /// Tokens and traces; the last event.
    Metadata {
        /// Tokens.
        usage: Option<TokenUsage>,
        /// What a guardrail did.
        guardrail: Option<Guarded>,
    },
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
    Reasoning,
    /// Anything else, by its name.
    Other(&'static str),
}

impl Trace {
    /// What the guardrail did, if one looked at it.
    pub fn guarded(&self) -> Option<Guarded> {
        let trace = self.guardrail.as_ref()?;
        Some(Guarded {
            input_blocked: trace.get("inputAssessment").is_some_and(blocks),
            output_blocked: trace.get("outputAssessments").is_some_and(blocks),
        })
    }
}

/// Whether any policy's action under this assessment is `BLOCKED`.
fn blocks(assessment: &Value) -> bool {
    match assessment {
        Value::Object(members) => members.iter().any(|(name, value)| match value {
            Value::String(action) => name == "action" && action == "BLOCKED",
            other => blocks(other),
        }),
        Value::Array(items) => items.iter().any(blocks),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// What a guardrail did to an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    /// It blocked something of the prompt.
    pub input_blocked: bool,
    /// It blocked something of the answer.
    pub output_blocked: bool,
}
