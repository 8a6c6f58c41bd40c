//! The messages of a request, by role.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Fields, FunctionCall, ToolCall};

/// One message of a conversation.
#[expect(
    clippy::large_enum_variant,
    reason = "about half of all messages are the large one"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// Instructions under their older name.
    System(InstructionMessage),
    /// Instructions under their newer name.
    Developer(InstructionMessage),
    /// What the user says.
    User(UserMessage),
    /// What the model said.
    Assistant(AssistantMessage),
    /// A tool's result.
    Tool(ToolMessage),
    /// A function's result, in the older form.
    Function(FunctionMessage),
    /// A role or a shape that is not known.
    #[serde(untagged)]
    Other(Value),
}

/// A message of role `system` or `developer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstructionMessage {
    /// The instructions.
    pub content: Content,
    /// Who speaks, among several of the same role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A message of role `user`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserMessage {
    /// Text, pictures, sound, files.
    pub content: Content,
    /// Who speaks, among several of the same role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A message of role `assistant`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AssistantMessage {
    /// What was said; may be missing or `null` beside calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
    /// What was said in refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Who speaks, among several of the same role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An earlier answer's sound, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<Value>,
    /// The tools that were called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The function that was called, in the older form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_call: Option<FunctionCall>,
    /// Azure's own: what a data source said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A message of role `tool`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolMessage {
    /// The result.
    pub content: Content,
    /// The call it belongs to.
    pub tool_call_id: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A message of role `function`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionMessage {
    /// The result.
    pub content: Option<String>,
    /// The function.
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts.
    Parts(Vec<ContentPart>),
}

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    /// Text.
    Text(TextPart),
    /// An earlier refusal, in an assistant's message.
    Refusal(RefusalPart),
    /// A picture.
    ImageUrl(ImageUrlPart),
    /// Sound.
    InputAudio(InputAudioPart),
    /// A file.
    File(FilePart),
    /// A kind or a shape that is not known.
    #[serde(untagged)]
    Other(Value),
}

/// A part of type `text`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextPart {
    /// The text.
    pub text: String,
    /// Where the prompt cache may end: `{mode, ttl}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_breakpoint: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of type `refusal`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusalPart {
    /// The refusal.
    pub refusal: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of type `image_url`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageUrlPart {
    /// The picture.
    pub image_url: ImageUrl,
    /// Where the prompt cache may end: `{mode, ttl}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_breakpoint: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A picture by its address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageUrl {
    /// `http:`, `https:` or `data:`.
    pub url: String,
    /// How closely to look: `auto`, `low`, `high`, `original`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of type `input_audio`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputAudioPart {
    /// The sound.
    pub input_audio: InputAudio,
    /// Where the prompt cache may end: `{mode, ttl}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_breakpoint: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// Sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputAudio {
    /// The bytes in base64.
    pub data: String,
    /// `wav` or `mp3`.
    pub format: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of type `file`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilePart {
    /// The file.
    pub file: File,
    /// Where the prompt cache may end: `{mode, ttl}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_cache_breakpoint: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A file, by its bytes or by the id of one that was uploaded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct File {
    /// The bytes: a data URL, or base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_data: Option<String>,
    /// The id of an uploaded file: state that only the primary holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_id: Option<String>,
    /// The name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}
