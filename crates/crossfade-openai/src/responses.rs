//! The Responses API as it stands on Azure's wire: requests, items, responses and the events of a stream.
//!
//! Reading is tolerant, as for chat: an unknown field, item, part, tool, event or word is kept as it came, and a known one
//! in a shape that is not understood becomes `Other`. Writing is exact: the keys stand in the order in which Azure writes
//! them, which here is not the alphabet's. What a value may be is not judged here, and nothing is stored.

mod build;
mod echo;
mod event;
mod format;
mod item;
mod noise;
mod part;
mod request;
mod response;
mod tool;
mod usage;

#[cfg(test)]
mod tests;

pub use build::{Closing, Mint, Outcome, ResponseBuilder};
pub use echo::Echo;
pub use event::{
    AnnotationAdded, ArgumentsDone, CallDelta, ErrorEvent, Event, InputDone, ItemEvent, PartEvent,
    RefusalDone, ResponseEvent, SummaryDelta, SummaryDone, SummaryPart, TextDelta, TextDone,
};
pub use format::{Format, JsonSchemaFormat, ReasoningConfig, TextConfig};
pub use item::{
    CallOutput, CustomToolCall, CustomToolCallType, CustomToolOutput, CustomToolOutputType,
    FunctionCall, FunctionCallType, FunctionOutputType, Item, ItemReference, ItemReferenceType,
    Message, MessageType, Reasoning, ReasoningType, Role,
};
pub use part::{
    Content, InputAudioPart, InputFilePart, InputImagePart, InputTextPart, OutputTextPart, Part,
    ReasoningPart, ReasoningTextPart, RefusalPart,
};
pub use request::{Conversation, Input, Request, StreamOptions};
pub use response::{
    ContentFilter, ContentFilterOffsets, IncompleteDetails, IncompleteReason, Response,
    ResponseError, Seconds, Status,
};
pub use tool::{
    AllowedToolsChoice, CustomTool, FunctionTool, NamedTool, NamedToolChoice, Tool, ToolChoice,
};
pub use usage::{InputTokensDetails, OutputTokensDetails, Usage};

pub use crate::read::RequestError;
