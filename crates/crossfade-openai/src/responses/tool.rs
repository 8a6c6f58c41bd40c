//! Tools as the Responses API has them: flat, where chat nests them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::{Fields, Open, ToolChoiceMode};

/// One of a request's `tools`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tool {
    /// A function with JSON arguments.
    Function(FunctionTool),
    /// A tool whose input is free text.
    Custom(CustomTool),
    /// A kind or a shape that is not known here: the provider's own tools among them.
    #[serde(untagged)]
    Other(Value),
}

/// A tool of type `function`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionTool {
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The name, up to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// The JSON Schema of its arguments; absent means an empty object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Whether arguments must follow the schema exactly. Unlike in chat they must unless this is `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A tool of type `custom`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CustomTool {
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `{type:text}` or a grammar: `{type:grammar,syntax,definition}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Value>,
    /// The name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A request's `tool_choice`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ToolChoice {
    /// A word.
    Mode(ToolChoiceMode),
    /// An object that names tools.
    Named(NamedToolChoice),
    /// A word or a shape that is not known here: the provider's own tools among them.
    Other(Value),
}

/// A `tool_choice` that names tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NamedToolChoice {
    /// This function is called.
    Function(NamedTool),
    /// This custom tool is called.
    Custom(NamedTool),
    /// The choice is among some of the tools.
    AllowedTools(AllowedToolsChoice),
}

/// A tool by its name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamedTool {
    /// The name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// Some of a request's tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllowedToolsChoice {
    /// `auto` or `required`.
    pub mode: Open<ToolChoiceMode>,
    /// The tools, each `{type, name}` or alike.
    pub tools: Vec<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}
