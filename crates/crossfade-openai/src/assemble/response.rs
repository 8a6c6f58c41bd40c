//! A streamed response put together. The last event carries all of it; what came before matters only if that is missing,
//! or if a provider leaves the output out of it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::{
    error,
    responses::{
        CustomToolCall, Event, FunctionCall, Item, Message, Part, Reasoning, ReasoningPart,
        Response, ResponseEvent,
    },
    sse,
};

use super::AssembleError;

/// Puts a response's events together.
#[derive(Clone, Debug, Default)]
pub struct ResponseAssembler {
    response: Option<Response>,
    items: BTreeMap<u64, ItemSoFar>,
    done: bool,
}

/// One item so far.
#[derive(Clone, Debug)]
struct ItemSoFar {
    /// As it began, or as it ended.
    item: Item,
    done: bool,
    /// A message's parts, or the reasoning itself, by their place.
    parts: BTreeMap<u64, PartSoFar>,
    /// The parts of reasoning's summary, by their place.
    summary: BTreeMap<u64, String>,
    /// A call's arguments or input.
    input: String,
}

#[derive(Clone, Debug)]
enum PartSoFar {
    Text(String),
    Refusal(String),
}

/// Puts a whole stream together.
pub fn assemble_response(body: &[u8]) -> Result<Response, AssembleError> {
    let (events, end) = sse::decode(body);
    let mut assembler = ResponseAssembler::default();
    for event in &events {
        assembler.push_data(&event.data)?;
    }
    end?;
    assembler.finish()
}

// === impl ResponseAssembler ===

impl ResponseAssembler {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an event's data. What comes after the last event is not read; an event that is not known is passed over.
    pub fn push_data(&mut self, data: &str) -> Result<(), AssembleError> {
        // Some providers end every stream with chat's end mark.
        if self.done || data.starts_with(sse::DONE) {
            return Ok(());
        }
        match Event::from_data(data) {
            Ok(event) if !event.name().is_empty() => self.push(event),
            Ok(_) | Err(_) => Err(match error::parse(data.as_bytes()) {
                Some(error) => AssembleError::Failed { code: error.code },
                None => AssembleError::NotAChunk,
            }),
        }
    }

    /// Takes an event.
    pub fn push(&mut self, event: Event) -> Result<(), AssembleError> {
        match event {
            Event::Created(event) | Event::Queued(event) | Event::InProgress(event) => {
                self.response = Some(*event.response);
            }
            Event::Completed(event) | Event::Incomplete(event) => self.end(event),
            Event::Failed(event) => {
                let error = event.response.error.into_value();
                let code = error.and_then(|error| error.code);
                return Err(AssembleError::Failed { code });
            }
            Event::Error(event) => {
                let nested = event.error.as_ref().and_then(|error| error.get("code"));
                let nested = nested.and_then(|code| code.as_str().map(str::to_owned));
                return Err(AssembleError::Failed {
                    code: event.code.or(nested),
                });
            }
            Event::ItemAdded(event) => {
                self.items
                    .insert(event.output_index, ItemSoFar::new(event.item, false));
            }
            Event::ItemDone(event) => {
                self.items
                    .insert(event.output_index, ItemSoFar::new(event.item, true));
            }
            Event::TextDelta(event) | Event::ReasoningDelta(event) => {
                self.grow(event.output_index, |item| {
                    item.text(event.content_index, &event.delta);
                });
            }
            Event::RefusalDelta(event) => {
                self.grow(event.output_index, |item| {
                    item.refusal(event.content_index, &event.delta);
                });
            }
            Event::ArgumentsDelta(event) | Event::InputDelta(event) => {
                self.grow(event.output_index, |item| item.input.push_str(&event.delta));
            }
            Event::SummaryDelta(event) => self.grow(event.output_index, |item| {
                item.summary
                    .entry(event.summary_index)
                    .or_default()
                    .push_str(&event.delta);
            }),
            // What they say stands in the item's end too.
            Event::PartAdded(_)
            | Event::PartDone(_)
            | Event::TextDone(_)
            | Event::AnnotationAdded(_)
            | Event::RefusalDone(_)
            | Event::ArgumentsDone(_)
            | Event::InputDone(_)
            | Event::SummaryPartAdded(_)
            | Event::SummaryPartDone(_)
            | Event::SummaryDone(_)
            | Event::ReasoningDone(_)
            | Event::Other(_) => {}
        }
        Ok(())
    }

    /// Whether the last event was seen.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The response, if it came to its end.
    pub fn finish(self) -> Result<Response, AssembleError> {
        match (self.done, self.response.is_some()) {
            (true, _) => Ok(self.into_partial()),
            (false, true) => Err(AssembleError::NotDone),
            (false, false) => Err(AssembleError::Empty),
        }
    }

    /// The response as far as it came.
    pub fn into_partial(self) -> Response {
        let mut response = self.response.unwrap_or_default();
        if response.output.is_empty() {
            response.output = self.items.into_values().map(ItemSoFar::into_item).collect();
        }
        response
    }

    fn end(&mut self, event: ResponseEvent) {
        self.response = Some(*event.response);
        self.done = true;
    }

    fn grow(&mut self, index: u64, grow: impl FnOnce(&mut ItemSoFar)) {
        // A piece of an item that never began has no place.
        if let Some(item) = self.items.get_mut(&index) {
            grow(item);
        }
    }
}

// === impl ItemSoFar ===

impl ItemSoFar {
    fn new(item: Item, done: bool) -> Self {
        Self {
            item,
            done,
            parts: BTreeMap::new(),
            summary: BTreeMap::new(),
            input: String::new(),
        }
    }

    fn text(&mut self, index: u64, delta: &str) {
        let empty = || PartSoFar::Text(String::new());
        self.parts.entry(index).or_insert_with(empty).push(delta);
    }

    fn refusal(&mut self, index: u64, delta: &str) {
        let empty = || PartSoFar::Refusal(String::new());
        self.parts.entry(index).or_insert_with(empty).push(delta);
    }

    fn into_item(self) -> Item {
        if self.done {
            return self.item;
        }
        let parts = self.parts.into_values();
        match self.item {
            Item::Message(message) => {
                let id = message.id.unwrap_or_default();
                Item::Message(Message {
                    role: message.role,
                    ..Message::answer(id, "incomplete", parts.map(PartSoFar::into_part).collect())
                })
            }
            Item::FunctionCall(call) => Item::FunctionCall(FunctionCall {
                arguments: self.input,
                status: Some("incomplete".to_owned()),
                ..call
            }),
            Item::CustomToolCall(call) => Item::CustomToolCall(CustomToolCall {
                input: self.input,
                status: Some("incomplete".to_owned()),
                ..call
            }),
            Item::Reasoning(reasoning) => {
                let content: Vec<ReasoningPart> = parts
                    .map(|part| ReasoningPart::reasoning(part.into_text()))
                    .collect();
                Item::Reasoning(Reasoning {
                    content: Some(content).filter(|content| !content.is_empty()),
                    summary: self
                        .summary
                        .into_values()
                        .map(ReasoningPart::summary)
                        .collect(),
                    ..reasoning
                })
            }
            item @ (Item::FunctionCallOutput(_)
            | Item::CustomToolCallOutput(_)
            | Item::ItemReference(_)
            | Item::Other(_)) => item,
        }
    }
}

// === impl PartSoFar ===

impl PartSoFar {
    fn push(&mut self, delta: &str) {
        match self {
            Self::Text(text) | Self::Refusal(text) => text.push_str(delta),
        }
    }

    fn into_text(self) -> String {
        match self {
            Self::Text(text) | Self::Refusal(text) => text,
        }
    }

    fn into_part(self) -> Part {
        match self {
            Self::Text(text) => Part::output_text(text),
            Self::Refusal(text) => Part::refusal(text),
        }
    }
}
