//! What a request serialises to; the blocks it shares with answers are one floor up.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::Message;

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
    /// Pointers into the vendor's own answer whose values come back with this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_model_response_field_paths: Vec<&'static str>,
    /// Pairs kept in the provider's invocation log.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub request_metadata: BTreeMap<String, String>,
    /// The guardrail that looks at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardrail_config: Option<GuardrailConfig>,
    /// The tier; absent means the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<ServiceTier>,
}

/// One of the system texts, or a place to cache up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum System {
    /// Text, never empty.
    Text(String),
    /// What stands before this may be cached.
    CachePoint(CachePoint),
}

/// A place to cache up to: `{"type": "default"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CachePoint {
    /// Always `default`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `5m` or `1h`; absent means the model's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<&'static str>,
}

/// The guardrail that looks at a request and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardrailConfig {
    /// Its id or ARN.
    pub guardrail_identifier: String,
    /// Its version.
    pub guardrail_version: String,
    /// `enabled`, `enabled_full` or `disabled`.
    pub trace: &'static str,
    /// `sync` or `async`; in a request for a stream only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_processing_mode: Option<&'static str>,
}

/// The tier of service: `{"type": …}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ServiceTier {
    /// `default`, `priority` or `flex`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// A picture, inline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    /// png, jpeg, gif or webp.
    pub format: &'static str,
    /// The bytes.
    pub source: Bytes,
}

/// A document, inline. A turn that holds one must hold text, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// pdf, csv, doc, docx, xls, xlsx, html, txt or md.
    pub format: &'static str,
    /// 1–200 letters, digits, single spaces, `-`, `(`, `)`, `[`, `]`; no other document of the request has it.
    pub name: String,
    /// The bytes.
    pub source: Bytes,
}

/// Sound, inline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Audio {
    /// wav or mp3, of the formats there are.
    pub format: &'static str,
    /// The bytes.
    pub source: Bytes,
}

/// Where the bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// The bytes in base64, as the wire carries them.
    pub bytes: String,
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
    /// A picture.
    Image(Image),
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
