//! Tools: their definitions, which of them to call, and the calls.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fields, Open};

/// One of a request's `tools`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Tool {
    /// A function with JSON arguments.
    Function(FunctionTool),
    /// A tool whose input is free text.
    Custom(CustomTool),
    /// A kind or a shape that is not known.
    #[serde(untagged)]
    Other(Value),
}

/// A tool of type `function`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionTool {
    /// The function.
    pub function: FunctionDefinition,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A function: of a tool, or of the older `functions`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionDefinition {
    /// The name, up to 64 letters, digits, `_` and `-`.
    pub name: String,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The JSON Schema of its arguments; absent means an empty object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Whether arguments must follow the schema exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A tool of type `custom`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomTool {
    /// The tool.
    pub custom: CustomDefinition,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What a custom tool is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomDefinition {
    /// The name.
    pub name: String,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `{type:text}` or a grammar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Value>,
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
    /// A word or a shape that is not known.
    Other(Value),
}

/// Whether tools may, must or must not be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoiceMode {
    /// No tool is called.
    None,
    /// The model chooses.
    Auto,
    /// At least one is called.
    Required,
}

/// A `tool_choice` that names tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NamedToolChoice {
    /// This function is called.
    Function(FunctionToolChoice),
    /// This custom tool is called.
    Custom(CustomToolChoice),
    /// The choice is among some of the tools.
    AllowedTools(AllowedToolsChoice),
}

/// A `tool_choice` of type `function`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionToolChoice {
    /// Which function.
    pub function: ToolName,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A `tool_choice` of type `custom`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomToolChoice {
    /// Which custom tool.
    pub custom: ToolName,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A `tool_choice` of type `allowed_tools`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllowedToolsChoice {
    /// Which tools, and whether one must be called.
    pub allowed_tools: AllowedTools,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A tool by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolName {
    /// The name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// Some of a request's tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AllowedTools {
    /// `auto` or `required`.
    pub mode: Open<ToolChoiceMode>,
    /// The tools, each `{type, function: {name}}` or alike.
    pub tools: Vec<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// The kind of a tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    /// A function with JSON arguments.
    Function,
    /// A tool with free text as its input.
    Custom,
}

/// A call of a tool: in an answer, and in the conversation that is sent back. Keys in Azure's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The call of a custom tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<CustomCall>,
    /// The call of a function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionCall>,
    /// The id that the tool's result names.
    #[serde(default)]
    pub id: String,
    /// Which of the two it is; some clients leave it out for functions.
    #[serde(rename = "type", default = "function_kind")]
    pub kind: Open<ToolKind>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A function and its arguments; also the older `function_call`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The arguments: text that should be JSON, and need not be.
    #[serde(default)]
    pub arguments: String,
    /// The function's name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A custom tool and its input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomCall {
    /// The input.
    #[serde(default)]
    pub input: String,
    /// The tool's name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A request's older `function_call`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FunctionChoice {
    /// `none` or `auto`.
    Mode(ToolChoiceMode),
    /// This function.
    Named(ToolName),
    /// Another word or shape.
    Other(Value),
}

fn function_kind() -> Open<ToolKind> {
    Open::Known(ToolKind::Function)
}

// === impl ToolCall ===

impl ToolCall {
    /// A call of a function.
    pub fn function(
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        Self {
            custom: None,
            function: Some(FunctionCall {
                arguments: arguments.into(),
                name: name.into(),
                other: Fields::new(),
            }),
            id: id.into(),
            kind: function_kind(),
            other: Fields::new(),
        }
    }

    /// The called tool's name, whichever kind it is.
    pub fn name(&self) -> Option<&str> {
        let function = self.function.as_ref().map(|call| call.name.as_str());
        function.or_else(|| self.custom.as_ref().map(|call| call.name.as_str()))
    }
}
