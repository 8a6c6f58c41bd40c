//! Reads a response of the OpenAI-compatible endpoints, streamed or whole.

use std::collections::{HashMap, HashSet};

use crossfade_exchange::{LossKind, Usage};
use crossfade_openai::{
    chat::Open as Word,
    responses::{Event, IncompleteReason, Item, Part, Reasoning, Response, Status},
    sse,
};
use serde_json::{Value, json};

use super::{MOST_HELD, classes, failed};
use crate::{
    answer::{AnswerError, Ended, FaultKind, Frame, Meaning, Reader, Reply, Shape, Step, Thought},
    compatible::fault,
};

/// The state of one answer.
#[derive(Debug)]
pub(crate) struct ResponsesReader {
    shape: Shape,
    /// Items of which something came piece by piece, by their place.
    told: HashSet<u64>,
    /// Calls that were begun, by their place.
    begun: HashSet<u64>,
    /// Custom tools' text so far: it is given in the form of the function that other targets are offered.
    custom: HashMap<u64, String>,
    response: Option<Ending>,
}

/// How a response ended.
#[derive(Debug)]
struct Ending {
    meaning: Meaning,
    usage: Option<Usage>,
}

// === impl ResponsesReader ===

impl ResponsesReader {
    /// Nothing yet.
    pub(crate) fn new(shape: Shape) -> Self {
        Self {
            shape,
            told: HashSet::new(),
            begun: HashSet::new(),
            custom: HashMap::new(),
            response: None,
        }
    }

    fn sse(&mut self, event: &sse::Event, steps: &mut Vec<Step>) -> Result<bool, AnswerError> {
        if event.is_done() {
            return Ok(false);
        }
        let event =
            Event::from_data(&event.data).map_err(|_| AnswerError::Failed(FaultKind::Garbage))?;
        self.event(event, steps)
    }

    fn event(&mut self, event: Event, steps: &mut Vec<Step>) -> Result<bool, AnswerError> {
        match event {
            Event::Created(_)
            | Event::Queued(_)
            | Event::InProgress(_)
            | Event::PartAdded(_)
            | Event::PartDone(_)
            | Event::TextDone(_)
            | Event::RefusalDone(_)
            | Event::SummaryPartAdded(_)
            | Event::SummaryDone(_)
            | Event::ReasoningDone(_) => {}
            Event::SummaryPartDone(_) => {
                self.shape.other(Step::Thought(Thought::Done), steps);
            }
            Event::ItemAdded(event) => self.begin(event.output_index, &event.item, steps)?,
            Event::ItemDone(event) => self.end_item(event.output_index, event.item, steps)?,
            event @ (Event::TextDelta(_)
            | Event::RefusalDelta(_)
            | Event::AnnotationAdded(_)
            | Event::ArgumentsDelta(_)
            | Event::ArgumentsDone(_)
            | Event::InputDelta(_)
            | Event::InputDone(_)
            | Event::SummaryDelta(_)
            | Event::ReasoningDelta(_)) => self.delta(event, steps)?,
            Event::Completed(event) | Event::Incomplete(event) | Event::Failed(event) => {
                self.respond(&event.response)?;
                return self.complete(steps).map(|()| true);
            }
            Event::Error(event) => {
                let flat = json!({ "code": event.code, "message": event.message });
                return Err(failed(event.error.as_ref().unwrap_or(&flat)));
            }
            Event::Other(value) => {
                if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
                    return Err(failed(error));
                }
                self.shape.lose(LossKind::EventSkipped, "stream", steps);
            }
        }
        Ok(false)
    }

    /// What an event adds to an item.
    fn delta(&mut self, event: Event, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        if let Event::TextDelta(event) = event {
            self.told.insert(event.output_index);
            self.text(&event.delta, event.logprobs, steps)?;
        } else if let Event::RefusalDelta(event) = event {
            self.told.insert(event.output_index);
            self.shape.other(Step::Refusal(event.delta), steps);
        } else if let Event::AnnotationAdded(event) = event {
            self.shape.other(Step::Citation(event.annotation), steps);
        } else if let Event::ArgumentsDelta(event) = event {
            self.told.insert(event.output_index);
            let key = key(event.output_index);
            self.shape.input(key, event.delta, steps)?;
        } else if let Event::ArgumentsDone(event) = event {
            if self.told.insert(event.output_index) {
                let key = key(event.output_index);
                self.shape.input(key, event.arguments, steps)?;
            }
        } else if let Event::InputDelta(event) = event {
            self.custom_input(event.output_index, &event.delta)?;
        } else if let Event::InputDone(event) = event {
            if self.told.insert(event.output_index) {
                self.custom_input(event.output_index, &event.input)?;
            }
        } else if let Event::SummaryDelta(event) = event {
            self.told.insert(event.output_index);
            let thought = Thought::Summary(event.delta);
            self.shape.other(Step::Thought(thought), steps);
        } else if let Event::ReasoningDelta(event) = event {
            self.told.insert(event.output_index);
            let thought = Thought::Text(event.delta);
            self.shape.other(Step::Thought(thought), steps);
        }
        Ok(())
    }

    fn text(
        &mut self,
        text: &str,
        logprobs: Option<Vec<Value>>,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        if let Some(logprobs) = logprobs.filter(|logprobs| !logprobs.is_empty()) {
            let logprobs = json!({ "content": logprobs, "refusal": null });
            self.shape.other(Step::Logprobs(logprobs), steps);
        }
        self.shape.text(text, steps)
    }

    fn custom_input(&mut self, place: u64, delta: &str) -> Result<(), AnswerError> {
        self.told.insert(place);
        let text = self.custom.entry(place).or_default();
        if text.len() + delta.len() > MOST_HELD {
            return Err(AnswerError::TooLarge);
        }
        text.push_str(delta);
        Ok(())
    }

    /// An item begins: calls are told of, the rest waits for what it says.
    fn begin(&mut self, place: u64, item: &Item, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        let name = match item {
            Item::FunctionCall(call) => &call.name,
            Item::CustomToolCall(call) => &call.name,
            Item::Message(_)
            | Item::Reasoning(_)
            | Item::FunctionCallOutput(_)
            | Item::CustomToolCallOutput(_)
            | Item::ItemReference(_)
            | Item::Other(_) => return Ok(()),
        };
        if self.begun.insert(place) {
            self.shape.call(key(place), name, steps)?;
        }
        Ok(())
    }

    /// An item is complete: what was not told piece by piece is told now.
    fn end_item(
        &mut self,
        place: u64,
        item: Item,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        self.begin(place, &item, steps)?;
        let is_told = !self.told.insert(place);
        match item {
            Item::Message(message) if !is_told => {
                for part in message.content.parts() {
                    self.part(part, steps)?;
                }
            }
            Item::Message(_) => {}
            Item::FunctionCall(call) => {
                if !is_told {
                    self.shape.input(key(place), call.arguments, steps)?;
                }
                self.shape.done(key(place), steps);
            }
            Item::CustomToolCall(call) => {
                let text = self.custom.remove(&place).unwrap_or(call.input);
                let input = json!({ (Reply::CUSTOM_INPUT): text }).to_string();
                self.shape.input(key(place), input, steps)?;
                self.shape.done(key(place), steps);
            }
            Item::Reasoning(reasoning) => self.reasoning(reasoning, is_told, steps),
            Item::FunctionCallOutput(_)
            | Item::CustomToolCallOutput(_)
            | Item::ItemReference(_)
            | Item::Other(_) => self.shape.lose(LossKind::BlockDropped, "output", steps),
        }
        Ok(())
    }

    fn part(&mut self, part: &Part, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        match part {
            Part::OutputText(part) => {
                self.text(&part.text, part.logprobs.clone(), steps)?;
                for annotation in &part.annotations {
                    self.shape.other(Step::Citation(annotation.clone()), steps);
                }
            }
            Part::Refusal(part) => {
                self.shape.other(Step::Refusal(part.refusal.clone()), steps);
            }
            Part::InputText(_)
            | Part::InputImage(_)
            | Part::InputFile(_)
            | Part::InputAudio(_)
            | Part::Other(_) => self
                .shape
                .lose(LossKind::BlockDropped, "output.content", steps),
        }
        Ok(())
    }

    fn reasoning(&mut self, reasoning: Reasoning, is_told: bool, steps: &mut Vec<Step>) {
        if !is_told {
            for part in reasoning.content.iter().flatten() {
                let thought = Thought::Text(part.text().unwrap_or_default().to_owned());
                self.shape.other(Step::Thought(thought), steps);
            }
            for part in &reasoning.summary {
                let thought = Thought::Summary(part.text().unwrap_or_default().to_owned());
                self.shape.other(Step::Thought(thought), steps);
                self.shape.other(Step::Thought(Thought::Done), steps);
            }
        }
        if let Some(encrypted) = reasoning.encrypted_content {
            self.shape
                .other(Step::Thought(Thought::Encrypted(encrypted)), steps);
        }
        self.shape.other(Step::Thought(Thought::Done), steps);
    }

    /// What the response says of its own end.
    fn respond(&mut self, response: &Response) -> Result<(), AnswerError> {
        let meaning = match &response.status {
            Some(Word::Known(Status::Completed)) => Meaning::Done,
            Some(Word::Known(Status::Incomplete)) => {
                match response
                    .incomplete_details
                    .value()
                    .map(|details| &details.reason)
                {
                    Some(Word::Known(IncompleteReason::MaxOutputTokens)) => Meaning::Length,
                    Some(Word::Known(IncompleteReason::ContentFilter)) => Meaning::Filtered,
                    Some(Word::Other(_)) | None => Meaning::Unknown,
                }
            }
            Some(Word::Known(Status::Failed | Status::Cancelled)) => {
                let error = response.error.value();
                let said =
                    error.map(|error| json!({ "code": error.code, "message": error.message }));
                return Err(failed(&said.unwrap_or_default()));
            }
            Some(Word::Known(Status::InProgress | Status::Queued)) => {
                return Err(AnswerError::Unfinished);
            }
            Some(Word::Other(_)) | None => Meaning::Unknown,
        };
        let usage = response.usage.value().map(|usage| classes(usage.counts()));
        self.response = Some(Ending { meaning, usage });
        Ok(())
    }

    fn whole(&mut self, body: &[u8], steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        let response = Response::from_slice(body).ok();
        let response = response.filter(|response| response.object == Response::OBJECT);
        let Some(response) = response else {
            return Err(AnswerError::Failed(fault::of_body(None, None, body)));
        };
        self.respond(&response)?;
        for (place, item) in (0..).zip(response.output) {
            self.end_item(place, item, steps)?;
        }
        self.complete(steps)
    }

    fn complete(&mut self, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        let Ending { meaning, usage } = self.response.take().ok_or(AnswerError::Unfinished)?;
        let ended = Ended {
            meaning,
            guarded: None,
            usage,
        };
        self.shape.end(&ended, steps)
    }
}

impl Reader for ResponsesReader {
    fn push(&mut self, frame: Frame, steps: &mut Vec<Step>) -> Result<bool, AnswerError> {
        match frame {
            Frame::Sse(event) => self.sse(&event, steps),
            Frame::Body(body) => self.whole(&body, steps).map(|()| true),
            Frame::Converse(_) | Frame::Invoked(_) => Err(AnswerError::Failed(FaultKind::Garbage)),
        }
    }

    fn finish(&mut self, steps: &mut Vec<Step>) -> Result<(), AnswerError> {
        self.complete(steps)
    }
}

/// A block's key in the shape.
fn key(place: u64) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}
