//! A call of a tool that is being made.

use crate::{
    chat::ToolKind,
    responses::{ArgumentsDone, CallDelta, CustomToolCall, Event, FunctionCall, InputDone, Item},
};

use super::{Journal, number};

#[derive(Debug)]
pub(super) struct OpenCall {
    place: usize,
    kind: ToolKind,
    id: String,
    call_id: String,
    name: String,
    input: String,
}

impl OpenCall {
    pub(super) fn new(place: usize, kind: ToolKind, id: String, call_id: &str, name: &str) -> Self {
        Self {
            place,
            kind,
            id,
            call_id: call_id.to_owned(),
            name: name.to_owned(),
            input: String::new(),
        }
    }

    pub(super) fn place(&self) -> usize {
        self.place
    }

    pub(super) fn push(&mut self, delta: &str, journal: &mut Journal) {
        if delta.is_empty() {
            return;
        }
        self.input.push_str(delta);
        let obfuscation = journal.obfuscation(delta);
        journal.push(|| {
            let event = CallDelta {
                item_id: self.id.clone(),
                output_index: number(self.place),
                delta: delta.to_owned(),
                obfuscation,
                ..CallDelta::default()
            };
            match self.kind {
                ToolKind::Function => Event::ArgumentsDelta(event),
                ToolKind::Custom => Event::InputDelta(event),
            }
        });
    }

    /// The event before the item's own end.
    pub(super) fn end(&self, journal: &mut Journal) {
        let item_id = || self.id.clone();
        let output_index = number(self.place);
        journal.push(|| match self.kind {
            ToolKind::Function => Event::ArgumentsDone(ArgumentsDone {
                item_id: item_id(),
                output_index,
                arguments: self.input.clone(),
                ..ArgumentsDone::default()
            }),
            ToolKind::Custom => Event::InputDone(InputDone {
                item_id: item_id(),
                output_index,
                input: self.input.clone(),
                ..InputDone::default()
            }),
        });
    }

    /// The call as far as it is.
    pub(super) fn item(&self, status: &str) -> Item {
        let id = Some(self.id.clone());
        let status = Some(status.to_owned());
        match self.kind {
            ToolKind::Function => Item::FunctionCall(FunctionCall {
                id,
                status,
                arguments: self.input.clone(),
                call_id: self.call_id.clone(),
                name: self.name.clone(),
                ..FunctionCall::default()
            }),
            ToolKind::Custom => Item::CustomToolCall(CustomToolCall {
                id,
                status,
                call_id: self.call_id.clone(),
                input: self.input.clone(),
                name: self.name.clone(),
                ..CustomToolCall::default()
            }),
        }
    }
}
