//! The events of a streamed response. Each says its `type` twice: in the `event:` line and in its data.

mod wire;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::Fields;

use super::{Item, Part, ReasoningPart, Response};

/// One event. Keys in Azure's order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    /// It begins.
    #[serde(rename = "response.created")]
    Created(ResponseEvent),
    /// It waits, in the background.
    #[serde(rename = "response.queued")]
    Queued(ResponseEvent),
    /// The model is at work.
    #[serde(rename = "response.in_progress")]
    InProgress(ResponseEvent),
    /// It came to its end.
    #[serde(rename = "response.completed")]
    Completed(ResponseEvent),
    /// It was cut off.
    #[serde(rename = "response.incomplete")]
    Incomplete(ResponseEvent),
    /// It failed.
    #[serde(rename = "response.failed")]
    Failed(ResponseEvent),
    /// An item begins.
    #[serde(rename = "response.output_item.added")]
    ItemAdded(ItemEvent),
    /// An item ends.
    #[serde(rename = "response.output_item.done")]
    ItemDone(ItemEvent),
    /// A message's part begins.
    #[serde(rename = "response.content_part.added")]
    PartAdded(PartEvent),
    /// A message's part ends.
    #[serde(rename = "response.content_part.done")]
    PartDone(PartEvent),
    /// More text.
    #[serde(rename = "response.output_text.delta")]
    TextDelta(TextDelta),
    /// A part's whole text.
    #[serde(rename = "response.output_text.done")]
    TextDone(TextDone),
    /// Where a text comes from.
    #[serde(rename = "response.output_text.annotation.added")]
    AnnotationAdded(AnnotationAdded),
    /// More of a refusal.
    #[serde(rename = "response.refusal.delta")]
    RefusalDelta(TextDelta),
    /// A part's whole refusal.
    #[serde(rename = "response.refusal.done")]
    RefusalDone(RefusalDone),
    /// More of a function's arguments.
    #[serde(rename = "response.function_call_arguments.delta")]
    ArgumentsDelta(CallDelta),
    /// A function's whole arguments.
    #[serde(rename = "response.function_call_arguments.done")]
    ArgumentsDone(ArgumentsDone),
    /// More of a custom tool's input.
    #[serde(rename = "response.custom_tool_call_input.delta")]
    InputDelta(CallDelta),
    /// A custom tool's whole input.
    #[serde(rename = "response.custom_tool_call_input.done")]
    InputDone(InputDone),
    /// A part of the reasoning's summary begins.
    #[serde(rename = "response.reasoning_summary_part.added")]
    SummaryPartAdded(SummaryPart),
    /// A part of the reasoning's summary ends.
    #[serde(rename = "response.reasoning_summary_part.done")]
    SummaryPartDone(SummaryPart),
    /// More of the summary.
    #[serde(rename = "response.reasoning_summary_text.delta")]
    SummaryDelta(SummaryDelta),
    /// A part's whole summary.
    #[serde(rename = "response.reasoning_summary_text.done")]
    SummaryDone(SummaryDone),
    /// More of the reasoning itself.
    #[serde(rename = "response.reasoning_text.delta")]
    ReasoningDelta(TextDelta),
    /// The whole reasoning.
    #[serde(rename = "response.reasoning_text.done")]
    ReasoningDone(TextDone),
    /// The stream failed.
    #[serde(rename = "error")]
    Error(ErrorEvent),
    /// A kind or a shape that is not known here.
    #[serde(untagged)]
    Other(Value),
}

/// An event about the whole response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ResponseEvent {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The response as far as it is.
    pub response: Box<Response>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// An event about an item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemEvent {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The item as far as it is.
    pub item: Item,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// An event about a message's part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartEvent {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The message's id.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The part's place in the message, from 0.
    #[serde(default)]
    pub content_index: u64,
    /// The part as far as it is.
    pub part: Part,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// More of a part's text, of a refusal or of the reasoning itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextDelta {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The item's id.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The part's place in the item, from 0.
    #[serde(default)]
    pub content_index: u64,
    /// More text.
    #[serde(default)]
    pub delta: String,
    /// Log-probabilities; of text only, and empty unless they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<Value>>,
    /// Filler, so that sizes tell nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obfuscation: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part's whole text, or the whole reasoning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextDone {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The item's id.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The part's place in the item, from 0.
    #[serde(default)]
    pub content_index: u64,
    /// The text.
    #[serde(default)]
    pub text: String,
    /// Log-probabilities; of text only, and empty unless they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Vec<Value>>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// Where a text comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AnnotationAdded {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The message's id.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The part's place in the message, from 0.
    #[serde(default)]
    pub content_index: u64,
    /// The annotation's place in the part, from 0.
    #[serde(default)]
    pub annotation_index: u64,
    /// The annotation.
    #[serde(default)]
    pub annotation: Value,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part's whole refusal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RefusalDone {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The message's id.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The part's place in the message, from 0.
    #[serde(default)]
    pub content_index: u64,
    /// The refusal.
    #[serde(default)]
    pub refusal: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// More of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallDelta {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The call's own id, not its `call_id`.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// More of the arguments or the input.
    #[serde(default)]
    pub delta: String,
    /// Filler, so that sizes tell nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obfuscation: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A function's whole arguments.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArgumentsDone {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The call's own id, not its `call_id`.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The arguments.
    #[serde(default)]
    pub arguments: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A custom tool's whole input.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InputDone {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The call's own id, not its `call_id`.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The input.
    #[serde(default)]
    pub input: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part of the reasoning's summary begins or ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SummaryPart {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The reasoning's id.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The part's place in the summary, from 0.
    #[serde(default)]
    pub summary_index: u64,
    /// The part as far as it is.
    pub part: ReasoningPart,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// More of the reasoning's summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SummaryDelta {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The reasoning's id.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The part's place in the summary, from 0.
    #[serde(default)]
    pub summary_index: u64,
    /// More of it.
    #[serde(default)]
    pub delta: String,
    /// Filler, so that sizes tell nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obfuscation: Option<String>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// A part's whole summary.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SummaryDone {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// The reasoning's id.
    #[serde(default)]
    pub item_id: String,
    /// The item's place in the output, from 0.
    #[serde(default)]
    pub output_index: u64,
    /// The part's place in the summary, from 0.
    #[serde(default)]
    pub summary_index: u64,
    /// The text.
    #[serde(default)]
    pub text: String,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}

/// The stream failed. Clients raise an error only where they find an `error` object; the reference has its fields flat.
/// Both are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ErrorEvent {
    /// The event's place in the stream, from 0.
    #[serde(default)]
    pub sequence_number: u64,
    /// For programs.
    #[serde(default)]
    pub code: Option<String>,
    /// For people.
    #[serde(default)]
    pub message: Option<String>,
    /// The parameter at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// The same as an object, as other streams carry it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Fields,
}
