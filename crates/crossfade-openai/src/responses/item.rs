//! Items: what a conversation is made of, sent by callers and answered by the model alike.

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::chat::{Fields, Open};

use super::{Content, Part, ReasoningPart};

/// One item. A message may come without its `type`, and an `item_reference` too; both are written with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Item {
    /// What somebody says.
    Message(Message),
    /// A call of a function.
    FunctionCall(FunctionCall),
    /// A function's result.
    FunctionCallOutput(CallOutput),
    /// A call of a custom tool.
    CustomToolCall(CustomToolCall),
    /// A custom tool's result.
    CustomToolCallOutput(CustomToolOutput),
    /// The model's reasoning.
    Reasoning(Reasoning),
    /// An item that the provider keeps, by its id.
    ItemReference(ItemReference),
    /// A kind or a shape that is not known here: hosted tools' items among them.
    Other(Value),
}

/// One word that a `type` field always has.
macro_rules! item_type {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            /// The one word.
            #[default]
            #[serde(rename = $word)]
            Word,
        }
    )+ };
}

item_type! {
    /// The `type` of a message.
    MessageType = "message";
    /// The `type` of a function's call.
    FunctionCallType = "function_call";
    /// The `type` of a function's result.
    FunctionOutputType = "function_call_output";
    /// The `type` of a custom tool's call.
    CustomToolCallType = "custom_tool_call";
    /// The `type` of a custom tool's result.
    CustomToolOutputType = "custom_tool_call_output";
    /// The `type` of reasoning.
    ReasoningType = "reasoning";
    /// The `type` of a reference.
    ItemReferenceType = "item_reference";
}

/// What somebody says. Keys in Azure's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `msg_…`, of an answer and where one is sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `message`.
    #[serde(rename = "type", default)]
    pub kind: MessageType,
    /// `in_progress`, `completed`, `incomplete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What is said.
    pub content: Content,
    /// Whether an answer comments on the way or is final, where a model tells the two apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Who says it.
    pub role: Open<Role>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The model.
    Assistant,
    /// The user.
    User,
    /// Instructions under their older name.
    System,
    /// Instructions under their newer name.
    Developer,
}

/// A call of a function. Keys in Azure's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// `fc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function_call`.
    #[serde(rename = "type", default)]
    pub kind: FunctionCallType,
    /// `in_progress`, `completed`, `incomplete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The arguments: text that should be JSON, and need not be.
    #[serde(default)]
    pub arguments: String,
    /// `call_…`: what the result names.
    #[serde(default)]
    pub call_id: String,
    /// The function's name.
    pub name: String,
    /// The namespace that the function is of, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A function's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallOutput {
    /// The item's own id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function_call_output`.
    #[serde(rename = "type", default)]
    pub kind: FunctionOutputType,
    /// `in_progress`, `completed`, `incomplete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The call it belongs to.
    pub call_id: String,
    /// The result.
    pub output: Content,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A call of a custom tool. Keys in Azure's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CustomToolCall {
    /// `ctc_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `custom_tool_call`.
    #[serde(rename = "type", default)]
    pub kind: CustomToolCallType,
    /// `in_progress`, `completed`, `incomplete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `call_…`: what the result names.
    #[serde(default)]
    pub call_id: String,
    /// The input: free text.
    #[serde(default)]
    pub input: String,
    /// The tool's name.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A custom tool's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomToolOutput {
    /// The item's own id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `custom_tool_call_output`.
    #[serde(rename = "type", default)]
    pub kind: CustomToolOutputType,
    /// The call it belongs to.
    pub call_id: String,
    /// The result.
    pub output: Content,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// The model's reasoning. Keys in Azure's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reasoning {
    /// `rs_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `reasoning`.
    #[serde(rename = "type", default)]
    pub kind: ReasoningType,
    /// The reasoning itself, where a model shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Vec<ReasoningPart>>,
    /// The reasoning sealed by the provider, for the next turn; only if the caller asked to include it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_content: Option<String>,
    /// The summary; empty unless it was asked for.
    #[serde(default)]
    pub summary: Vec<ReasoningPart>,
    /// `in_progress`, `completed`, `incomplete`; seldom there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// An item that the provider keeps, by its id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemReference {
    /// The item's id.
    pub id: String,
    /// `item_reference`.
    #[serde(rename = "type", default)]
    pub kind: ItemReferenceType,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

// === impl Item ===

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

impl From<Value> for Item {
    /// By its `type`; without one it is a message if it has a role, else a reference if it has nothing but an id.
    fn from(mut value: Value) -> Self {
        if let Value::Object(fields) = &mut value
            && fields.get("type").is_some_and(Value::is_null)
        {
            fields.remove("type");
        }
        let kind = match value.get("type") {
            Some(kind) => kind.as_str().unwrap_or_default(),
            None if value.get("role").is_some() => "message",
            None if value.as_object().is_some_and(|fields| fields.len() == 1) => "item_reference",
            None => "",
        };
        match kind {
            "message" => shaped(value, Self::Message),
            "function_call" => shaped(value, Self::FunctionCall),
            "function_call_output" => shaped(value, Self::FunctionCallOutput),
            "custom_tool_call" => shaped(value, Self::CustomToolCall),
            "custom_tool_call_output" => shaped(value, Self::CustomToolCallOutput),
            "reasoning" => shaped(value, Self::Reasoning),
            "item_reference" => shaped(value, Self::ItemReference),
            _ => Self::Other(value),
        }
    }
}

/// The item in its known shape, or as it came.
fn shaped<T: DeserializeOwned>(value: Value, item: fn(T) -> Item) -> Item {
    T::deserialize(&value).map_or(Item::Other(value), item)
}

impl Item {
    /// The item's id, if it has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Message(item) => item.id.as_deref(),
            Self::FunctionCall(item) => item.id.as_deref(),
            Self::FunctionCallOutput(item) => item.id.as_deref(),
            Self::CustomToolCall(item) => item.id.as_deref(),
            Self::CustomToolCallOutput(item) => item.id.as_deref(),
            Self::Reasoning(item) => item.id.as_deref(),
            Self::ItemReference(item) => Some(&item.id),
            Self::Other(value) => value.get("id").and_then(Value::as_str),
        }
    }
}

// === impl Message ===

impl Message {
    /// A message of the model.
    pub fn answer(id: impl Into<String>, status: &str, parts: Vec<Part>) -> Self {
        Self {
            id: Some(id.into()),
            kind: MessageType::Word,
            status: Some(status.to_owned()),
            content: Content::Parts(parts),
            phase: None,
            role: Open::Known(Role::Assistant),
            other: Fields::new(),
        }
    }
}
