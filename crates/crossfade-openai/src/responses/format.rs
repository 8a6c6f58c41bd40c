//! The form of the answer's text, and how to reason.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::Fields;

/// A request's `text`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextConfig {
    /// The form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// `low`, `medium`, `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// The form of the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Format {
    /// Text; the object's other fields.
    Text(Fields),
    /// Some JSON object; the format's other fields.
    JsonObject(Fields),
    /// JSON that follows a schema.
    JsonSchema(JsonSchemaFormat),
    /// A kind or a shape that is not known.
    #[serde(untagged)]
    Other(Value),
}

/// A format of type `json_schema`: flat, where chat nests it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct JsonSchemaFormat {
    /// What it is for, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name.
    pub name: String,
    /// The JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Whether it must be followed exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A request's `reasoning`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReasoningConfig {
    /// Which turns' reasoning the model sees: `auto`, `current_turn`, `all_turns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// How much to reason: `none` to `max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effort: Option<String>,
    /// The older form of `summary`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate_summary: Option<String>,
    /// How to reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Which summary to show: `auto`, `concise`, `detailed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

// === impl ReasoningConfig ===

impl ReasoningConfig {
    /// Which summary to show, by the newer name or the older.
    pub fn summary(&self) -> Option<&str> {
        self.summary.as_deref().or(self.generate_summary.as_deref())
    }
}
