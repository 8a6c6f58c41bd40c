//! A message that is being made: its parts one after the other.

use serde_json::Value;

use crate::{
    chat::Fields,
    responses::{
        AnnotationAdded, Event, Item, Message, OutputTextPart, Part, PartEvent, RefusalDone,
        RefusalPart, TextDelta, TextDone,
    },
};

use super::{Journal, number};

#[derive(Debug)]
pub(super) struct OpenMessage {
    place: usize,
    id: String,
    /// The parts that are whole.
    parts: Vec<Part>,
    open: Option<OpenPart>,
}

#[derive(Debug)]
enum OpenPart {
    Text {
        text: String,
        annotations: Vec<Value>,
    },
    Refusal(String),
}

impl OpenMessage {
    pub(super) fn new(place: usize, id: String) -> Self {
        Self {
            place,
            id,
            parts: Vec::new(),
            open: None,
        }
    }

    pub(super) fn place(&self) -> usize {
        self.place
    }

    pub(super) fn text(&mut self, delta: &str, journal: &mut Journal) {
        self.open_text(journal);
        if let Some(OpenPart::Text { text, .. }) = &mut self.open {
            text.push_str(delta);
        }
        let obfuscation = journal.obfuscation(delta);
        journal.push(|| {
            Event::TextDelta(TextDelta {
                logprobs: Some(Vec::new()),
                ..self.delta(delta, obfuscation)
            })
        });
    }

    pub(super) fn refusal(&mut self, delta: &str, journal: &mut Journal) {
        if !matches!(self.open, Some(OpenPart::Refusal(_))) {
            self.begin(OpenPart::Refusal(String::new()), journal);
        }
        if let Some(OpenPart::Refusal(text)) = &mut self.open {
            text.push_str(delta);
        }
        let obfuscation = journal.obfuscation(delta);
        journal.push(|| Event::RefusalDelta(self.delta(delta, obfuscation)));
    }

    pub(super) fn annotation(&mut self, annotation: Value, journal: &mut Journal) {
        self.open_text(journal);
        let Some(OpenPart::Text { annotations, .. }) = &mut self.open else {
            return;
        };
        let annotation_index = number(annotations.len());
        annotations.push(annotation.clone());
        journal.push(|| {
            Event::AnnotationAdded(AnnotationAdded {
                item_id: self.id.clone(),
                output_index: number(self.place),
                content_index: number(self.parts.len()),
                annotation_index,
                annotation,
                ..AnnotationAdded::default()
            })
        });
    }

    /// Ends the part that is open, if one is.
    pub(super) fn end_part(&mut self, journal: &mut Journal) {
        let Some(open) = self.open.take() else {
            return;
        };
        let (item_id, output_index) = (self.id.clone(), number(self.place));
        let content_index = number(self.parts.len());
        let part = open.part();
        journal.push(|| match open {
            OpenPart::Text { text, .. } => Event::TextDone(TextDone {
                item_id,
                output_index,
                content_index,
                text,
                logprobs: Some(Vec::new()),
                ..TextDone::default()
            }),
            OpenPart::Refusal(refusal) => Event::RefusalDone(RefusalDone {
                item_id,
                output_index,
                content_index,
                refusal,
                ..RefusalDone::default()
            }),
        });
        journal.push(|| Event::PartDone(self.part_event(part.clone())));
        self.parts.push(part);
    }

    /// The message as far as it is.
    pub(super) fn item(&self, status: &str) -> Item {
        let open = self.open.as_ref().map(OpenPart::part);
        let parts = self.parts.iter().cloned().chain(open).collect();
        Item::Message(Message::answer(self.id.clone(), status, parts))
    }

    fn open_text(&mut self, journal: &mut Journal) {
        if !matches!(self.open, Some(OpenPart::Text { .. })) {
            let part = OpenPart::Text {
                text: String::new(),
                annotations: Vec::new(),
            };
            self.begin(part, journal);
        }
    }

    fn begin(&mut self, part: OpenPart, journal: &mut Journal) {
        self.end_part(journal);
        journal.push(|| Event::PartAdded(self.part_event(part.part())));
        self.open = Some(part);
    }

    fn part_event(&self, part: Part) -> PartEvent {
        PartEvent {
            sequence_number: 0,
            item_id: self.id.clone(),
            output_index: number(self.place),
            content_index: number(self.parts.len()),
            part,
            other: Fields::new(),
        }
    }

    fn delta(&self, delta: &str, obfuscation: Option<String>) -> TextDelta {
        TextDelta {
            item_id: self.id.clone(),
            output_index: number(self.place),
            content_index: number(self.parts.len()),
            delta: delta.to_owned(),
            obfuscation,
            ..TextDelta::default()
        }
    }
}

impl OpenPart {
    fn part(&self) -> Part {
        match self {
            Self::Text { text, annotations } => Part::OutputText(OutputTextPart {
                annotations: annotations.clone(),
                logprobs: Some(Vec::new()),
                text: text.clone(),
                other: Fields::new(),
            }),
            Self::Refusal(refusal) => Part::Refusal(RefusalPart {
                refusal: refusal.clone(),
                other: Fields::new(),
            }),
        }
    }
}
