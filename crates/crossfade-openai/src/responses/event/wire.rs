//! Events as bytes: reading their data, their names, and writing them as Azure streams them.

use bytes::{BufMut, BytesMut};
use serde_json::Value;

use super::Event;
use crate::written;

// === impl Event ===

impl Event {
    /// Reads an event's data. Data that is not an event at all is an error.
    pub fn from_data(data: &str) -> serde_json::Result<Self> {
        serde_json::from_str(data)
    }

    /// The event's `type`; empty where it has none.
    pub fn name(&self) -> &str {
        match self {
            Self::Created(_) => "response.created",
            Self::Queued(_) => "response.queued",
            Self::InProgress(_) => "response.in_progress",
            Self::Completed(_) => "response.completed",
            Self::Incomplete(_) => "response.incomplete",
            Self::Failed(_) => "response.failed",
            Self::ItemAdded(_) => "response.output_item.added",
            Self::ItemDone(_) => "response.output_item.done",
            Self::PartAdded(_) => "response.content_part.added",
            Self::PartDone(_) => "response.content_part.done",
            Self::TextDelta(_) => "response.output_text.delta",
            Self::TextDone(_) => "response.output_text.done",
            Self::AnnotationAdded(_) => "response.output_text.annotation.added",
            Self::RefusalDelta(_) => "response.refusal.delta",
            Self::RefusalDone(_) => "response.refusal.done",
            Self::ArgumentsDelta(_) => "response.function_call_arguments.delta",
            Self::ArgumentsDone(_) => "response.function_call_arguments.done",
            Self::InputDelta(_) => "response.custom_tool_call_input.delta",
            Self::InputDone(_) => "response.custom_tool_call_input.done",
            Self::SummaryPartAdded(_) => "response.reasoning_summary_part.added",
            Self::SummaryPartDone(_) => "response.reasoning_summary_part.done",
            Self::SummaryDelta(_) => "response.reasoning_summary_text.delta",
            Self::SummaryDone(_) => "response.reasoning_summary_text.done",
            Self::ReasoningDelta(_) => "response.reasoning_text.delta",
            Self::ReasoningDone(_) => "response.reasoning_text.done",
            Self::Error(_) => "error",
            Self::Other(value) => value
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        }
    }

    /// Appends the event as Azure streams it: `event:` line, `data:` line, blank line.
    pub fn write(&self, stream: &mut BytesMut) {
        let name = self.name();
        // A name that came from elsewhere must not end its line.
        if !name.is_empty() && !name.contains(['\n', '\r']) {
            stream.put_slice(b"event: ");
            stream.put_slice(name.as_bytes());
            stream.put_u8(b'\n');
        }
        stream.put_slice(b"data: ");
        stream.put_slice(&self.to_json());
        stream.put_slice(b"\n\n");
    }

    /// The event's data as compact JSON.
    pub fn to_json(&self) -> Vec<u8> {
        written::compact(self)
    }

    /// Where the event keeps its place in the stream; an unknown one nowhere.
    pub(in crate::responses) fn sequence_number(&mut self) -> Option<&mut u64> {
        Some(match self {
            Self::Created(event)
            | Self::Queued(event)
            | Self::InProgress(event)
            | Self::Completed(event)
            | Self::Incomplete(event)
            | Self::Failed(event) => &mut event.sequence_number,
            Self::ItemAdded(event) | Self::ItemDone(event) => &mut event.sequence_number,
            Self::PartAdded(event) | Self::PartDone(event) => &mut event.sequence_number,
            Self::TextDelta(event) | Self::RefusalDelta(event) | Self::ReasoningDelta(event) => {
                &mut event.sequence_number
            }
            Self::TextDone(event) | Self::ReasoningDone(event) => &mut event.sequence_number,
            Self::AnnotationAdded(event) => &mut event.sequence_number,
            Self::RefusalDone(event) => &mut event.sequence_number,
            Self::ArgumentsDelta(event) | Self::InputDelta(event) => &mut event.sequence_number,
            Self::ArgumentsDone(event) => &mut event.sequence_number,
            Self::InputDone(event) => &mut event.sequence_number,
            Self::SummaryPartAdded(event) | Self::SummaryPartDone(event) => {
                &mut event.sequence_number
            }
            Self::SummaryDelta(event) => &mut event.sequence_number,
            Self::SummaryDone(event) => &mut event.sequence_number,
            Self::Error(event) => &mut event.sequence_number,
            Self::Other(_) => return None,
        })
    }
}
