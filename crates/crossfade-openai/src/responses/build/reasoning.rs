//! Reasoning that is being made: its summary's parts, and the reasoning itself where it is shown.

use crate::{
    chat::Fields,
    responses::{
        Event, Item, Reasoning, ReasoningPart, SummaryDelta, SummaryDone, SummaryPart, TextDelta,
        TextDone,
    },
};

use super::{Journal, number};

#[derive(Debug)]
pub(super) struct OpenReasoning {
    place: usize,
    id: String,
    summary: Vec<ReasoningPart>,
    content: Vec<ReasoningPart>,
    sealed: Option<String>,
    open: Option<OpenPart>,
}

#[derive(Debug)]
enum OpenPart {
    Summary(String),
    Content(String),
}

impl OpenReasoning {
    pub(super) fn new(place: usize, id: String) -> Self {
        Self {
            place,
            id,
            summary: Vec::new(),
            content: Vec::new(),
            sealed: None,
            open: None,
        }
    }

    pub(super) fn place(&self) -> usize {
        self.place
    }

    pub(super) fn seal(&mut self, sealed: String) {
        self.sealed = Some(sealed);
    }

    pub(super) fn summary(&mut self, delta: &str, journal: &mut Journal) {
        if !matches!(self.open, Some(OpenPart::Summary(_))) {
            self.end_part(journal);
            journal.push(|| Event::SummaryPartAdded(self.part_event("")));
            self.open = Some(OpenPart::Summary(String::new()));
        }
        if let Some(OpenPart::Summary(text)) = &mut self.open {
            text.push_str(delta);
        }
        let obfuscation = journal.obfuscation(delta);
        journal.push(|| {
            Event::SummaryDelta(SummaryDelta {
                item_id: self.id.clone(),
                output_index: number(self.place),
                summary_index: number(self.summary.len()),
                delta: delta.to_owned(),
                obfuscation,
                ..SummaryDelta::default()
            })
        });
    }

    pub(super) fn content(&mut self, delta: &str, journal: &mut Journal) {
        if !matches!(self.open, Some(OpenPart::Content(_))) {
            self.end_part(journal);
            self.open = Some(OpenPart::Content(String::new()));
        }
        if let Some(OpenPart::Content(text)) = &mut self.open {
            text.push_str(delta);
        }
        let obfuscation = journal.obfuscation(delta);
        journal.push(|| {
            Event::ReasoningDelta(TextDelta {
                item_id: self.id.clone(),
                output_index: number(self.place),
                content_index: number(self.content.len()),
                delta: delta.to_owned(),
                obfuscation,
                ..TextDelta::default()
            })
        });
    }

    /// Ends the part that is open, if one is.
    pub(super) fn end_part(&mut self, journal: &mut Journal) {
        let (item_id, output_index) = (self.id.clone(), number(self.place));
        match self.open.take() {
            None => {}
            Some(OpenPart::Summary(text)) => {
                journal.push(|| {
                    Event::SummaryDone(SummaryDone {
                        item_id,
                        output_index,
                        summary_index: number(self.summary.len()),
                        text: text.clone(),
                        ..SummaryDone::default()
                    })
                });
                journal.push(|| Event::SummaryPartDone(self.part_event(&text)));
                self.summary.push(ReasoningPart::summary(text));
            }
            Some(OpenPart::Content(text)) => {
                journal.push(|| {
                    Event::ReasoningDone(TextDone {
                        item_id,
                        output_index,
                        content_index: number(self.content.len()),
                        text: text.clone(),
                        ..TextDone::default()
                    })
                });
                self.content.push(ReasoningPart::reasoning(text));
            }
        }
    }

    /// The reasoning as far as it is.
    pub(super) fn item(&self) -> Item {
        let mut summary = self.summary.clone();
        let mut content = self.content.clone();
        match &self.open {
            None => {}
            Some(OpenPart::Summary(text)) => summary.push(ReasoningPart::summary(text.clone())),
            Some(OpenPart::Content(text)) => content.push(ReasoningPart::reasoning(text.clone())),
        }
        Item::Reasoning(Reasoning {
            id: Some(self.id.clone()),
            content: Some(content).filter(|content| !content.is_empty()),
            encrypted_content: self.sealed.clone(),
            summary,
            ..Reasoning::default()
        })
    }

    fn part_event(&self, text: &str) -> SummaryPart {
        SummaryPart {
            sequence_number: 0,
            item_id: self.id.clone(),
            output_index: number(self.place),
            summary_index: number(self.summary.len()),
            part: ReasoningPart::summary(text),
            other: Fields::new(),
        }
    }
}
