//! Chat completions as they stand on Azure's wire: requests, answers and chunks.
//!
//! Reading is tolerant: an unknown field, role, part, tool kind or finish reason is kept as it came, and a
//! known one in a shape that is not understood becomes `Other`. Writing is exact: answers have Azure's keys in Azure's
//! alphabetical order. What a value may be (ranges, lengths, model by model) is not judged here.

mod answer;
mod build;
mod chunk;
mod message;
mod open;
mod request;
mod tool;
mod usage;

#[cfg(test)]
mod tests;

pub use answer::{AnswerMessage, Choice, Completion, FinishReason, PromptFilterResult};
pub use build::{ChunkBuilder, Head, content_filter_not_run};
pub use chunk::{Chunk, ChunkChoice, Delta, FunctionCallDelta, ToolCallDelta};
pub use message::{
    AssistantMessage, Content, ContentPart, File, FilePart, FunctionMessage, ImageUrl,
    ImageUrlPart, InputAudio, InputAudioPart, InstructionMessage, Message, RefusalPart, TextPart,
    ToolMessage, UserMessage,
};
pub use open::{Nullable, Open};
pub use request::{JsonSchema, JsonSchemaFormat, Request, ResponseFormat, Stop, StreamOptions};
pub use tool::{
    AllowedTools, AllowedToolsChoice, CustomCall, CustomDefinition, CustomTool, CustomToolChoice,
    FunctionCall, FunctionChoice, FunctionDefinition, FunctionTool, FunctionToolChoice,
    NamedToolChoice, Tool, ToolCall, ToolChoice, ToolChoiceMode, ToolKind, ToolName,
};
pub use usage::{CompletionTokensDetails, PromptTokensDetails, TokenCounts, Usage};

pub use crate::read::RequestError;

/// A JSON object's fields in the order in which they came: what a type does not name.
pub type Fields = serde_json::Map<String, serde_json::Value>;
