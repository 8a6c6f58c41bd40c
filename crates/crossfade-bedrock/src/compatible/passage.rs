//! An answer of the Responses API from one endpoint of the wire to another: for a candidate that keeps its answers, so that
//! what it keeps can be named again. Ids go out sealed; the rest of the provider's face is the primary's: what it
//! repeats of the request is the caller's, events are counted anew, its own members are left out.

use std::collections::HashSet;

use bytes::{Bytes, BytesMut};
use crossfade_exchange::{LossKind, Usage};
use crossfade_openai::{
    chat::{Nullable, Open, content_filter_not_run},
    error::{self, AzureError},
    responses::{
        ContentFilter, Echo, ErrorEvent, Event, IncompleteReason, Item, Part, Response, Status,
    },
    sse,
};
use serde_json::{Value, json};

use super::read::{classes, failed};
use crate::{
    answer::{AnswerError, Facts, FaultKind, Frame, Progress, Writer},
    compatible::fault,
    responses::{SealedReasoning, Sealer},
    settings::Annotations,
};

/// The members that events of this wire have.
const MEMBERS: [&str; 20] = [
    "type",
    "sequence_number",
    "item_id",
    "output_index",
    "content_index",
    "summary_index",
    "annotation_index",
    "delta",
    "text",
    "logprobs",
    "part",
    "item",
    "response",
    "refusal",
    "arguments",
    "name",
    "input",
    "annotation",
    "obfuscation",
    "status",
];

/// What the passage must know of the request.
#[derive(Clone, Debug)]
pub(crate) struct Carried {
    /// What the answer repeats of it.
    pub(crate) echo: Echo,
    /// A stream is wanted, rather than the whole at once.
    pub(crate) streamed: bool,
    /// The reasoning is to be given in sealed form.
    pub(crate) encrypted: bool,
    pub(crate) sealer: Sealer,
    pub(crate) annotations: Annotations,
}

/// The state of one answer.
#[derive(Debug)]
pub(crate) struct Passage {
    carried: Carried,
    sequence: u64,
    out: BytesMut,
    body: Option<Bytes>,
    begun: bool,
    /// Items that are not shown, by their place.
    hidden: HashSet<u64>,
    facts: Facts,
}

// === impl Passage ===

impl Passage {
    /// Nothing yet.
    pub(crate) fn new(carried: Carried) -> Self {
        Self {
            carried,
            sequence: 0,
            out: BytesMut::new(),
            body: None,
            begun: false,
            hidden: HashSet::new(),
            facts: Facts::default(),
        }
    }

    fn event(&mut self, event: &sse::Event) -> Result<Progress, AnswerError> {
        if event.is_done() {
            return Ok(self.progress());
        }
        let event =
            Event::from_data(&event.data).map_err(|_| AnswerError::Failed(FaultKind::Garbage))?;
        match event {
            Event::Error(event) => {
                let flat = json!({ "code": event.code, "message": event.message });
                Err(failed(event.error.as_ref().unwrap_or(&flat)))
            }
            Event::Failed(event) => Err(failure(&event.response)),
            Event::Completed(event) => self.last(*event.response, Event::Completed),
            Event::Incomplete(event) => self.last(*event.response, Event::Incomplete),
            Event::Other(value) => {
                if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
                    return Err(failed(error));
                }
                self.facts.lose(LossKind::EventSkipped, "stream");
                Ok(self.progress())
            }
            // The reasoning itself is nobody's to see.
            Event::ReasoningDelta(_) | Event::ReasoningDone(_) => {
                self.facts.lose(LossKind::ReasoningHidden, "output");
                Ok(self.progress())
            }
            // A part of reasoning has no place in a message, nor has a kind that is not known.
            Event::PartAdded(event) | Event::PartDone(event)
                if !matches!(event.part, Part::OutputText(_) | Part::Refusal(_)) =>
            {
                let kind = match event.part {
                    Part::Other(part) if is_reasoning(&part) => LossKind::ReasoningHidden,
                    _ => LossKind::BlockDropped,
                };
                self.facts.lose(kind, "output");
                Ok(self.progress())
            }
            event => {
                self.begun |= says(&event);
                self.pass(event);
                Ok(self.progress())
            }
        }
    }

    const fn progress(&self) -> Progress {
        if self.begun {
            Progress::Speaking
        } else {
            Progress::Waiting
        }
    }

    /// The last event, which has the whole response in it.
    fn last(
        &mut self,
        response: Response,
        event: fn(crossfade_openai::responses::ResponseEvent) -> Event,
    ) -> Result<Progress, AnswerError> {
        let response = self.response(response, true)?;
        self.begun = true;
        if self.carried.streamed {
            let told = event(crossfade_openai::responses::ResponseEvent {
                response: Box::new(response),
                ..Default::default()
            });
            self.pass_ready(&told);
        } else {
            self.body = Some(response.to_body());
        }
        Ok(Progress::Complete)
    }

    /// Passes an event that is not the last.
    fn pass(&mut self, mut event: Event) {
        if let Event::Created(event) | Event::Queued(event) | Event::InProgress(event) = &mut event
        {
            let theirs = std::mem::take(&mut *event.response);
            if let Ok(ours) = self.response(theirs, false) {
                *event.response = ours;
            }
        } else if let Event::ItemAdded(event) | Event::ItemDone(event) = &mut event {
            let theirs = std::mem::replace(&mut event.item, Item::Other(Value::Null));
            match self.item(theirs) {
                Some(ours) => event.item = ours,
                None => {
                    self.hidden.insert(event.output_index);
                }
            }
        }
        self.pass_ready(&event);
    }

    /// Writes an event whose larger parts are ours by now.
    fn pass_ready(&mut self, event: &Event) {
        let Ok(Value::Object(mut members)) = serde_json::from_slice(&event.to_json()) else {
            return;
        };
        let place = members.get("output_index").and_then(Value::as_u64);
        if place.is_some_and(|place| self.hidden.contains(&place)) || !self.carried.streamed {
            return;
        }
        members.retain(|name, _| MEMBERS.contains(&name.as_str()));
        members.insert("sequence_number".to_owned(), self.sequence.into());
        if let Some(Value::String(id)) = members.get_mut("item_id") {
            *id = self.carried.sealer.seal_id(id);
        }
        self.sequence += 1;
        let text = Value::Object(members).to_string();
        let name = event.name();
        for piece in ["event: ", name, "\ndata: ", text.as_str(), "\n\n"] {
            self.out.extend_from_slice(piece.as_bytes());
        }
    }

    /// A response with the primary's face.
    fn response(&mut self, theirs: Response, is_last: bool) -> Result<Response, AnswerError> {
        let id = self.carried.sealer.seal_id(&theirs.id);
        let mut ours = self.carried.echo.head(id, theirs.created_at.0);
        if !is_last {
            ours.status = theirs.status;
            return Ok(ours);
        }
        let reason = theirs
            .incomplete_details
            .value()
            .map(|details| &details.reason);
        let filtered = matches!(reason, Some(Open::Known(IncompleteReason::ContentFilter)));
        match theirs.status.as_ref().and_then(Open::known) {
            Some(Status::Completed | Status::Incomplete) => {}
            Some(Status::Failed | Status::Cancelled) => return Err(failure(&theirs)),
            Some(Status::InProgress | Status::Queued) | None => {
                return Err(AnswerError::Unfinished);
            }
        }
        if let Some(Open::Other(_)) = reason {
            return Err(AnswerError::UnknownEnd);
        }
        let usage: Option<Usage> = theirs.usage.value().map(|usage| classes(usage.counts()));
        self.facts.usage = usage;
        let completed_at = theirs.completed_at.into_value();
        ours.completed_at = Nullable::Value(completed_at.unwrap_or(theirs.created_at));
        ours.status = theirs.status;
        ours.incomplete_details = theirs.incomplete_details;
        ours.usage = match theirs.usage.into_value() {
            Some(usage) => Nullable::Value(usage.counts().into()),
            None => Nullable::Null,
        };
        ours.content_filters = self.filters(filtered);
        let output = theirs.output;
        ours.output = output
            .into_iter()
            .filter_map(|item| self.item(item))
            .collect();
        Ok(ours)
    }

    /// Nobody of ours looked at either side; that the provider's own filter cut it off is known.
    fn filters(&self, blocked: bool) -> Nullable<Vec<ContentFilter>> {
        let side = |source: &str, blocked| ContentFilter {
            blocked,
            source_type: source.to_owned(),
            content_filter_results: content_filter_not_run(),
            ..ContentFilter::default()
        };
        match self.carried.annotations {
            Annotations::NotRun => {
                Nullable::Value(vec![side("prompt", false), side("completion", blocked)])
            }
            Annotations::Absent => Nullable::Null,
        }
    }

    /// An item with its id sealed and what only the provider shows taken out; `None` if it is of no kind that was asked for.
    fn item(&mut self, mut item: Item) -> Option<Item> {
        let sealer = self.carried.sealer.clone();
        let seal = |id: &mut Option<String>| {
            if let Some(id) = id {
                *id = sealer.seal_id(id);
            }
        };
        match &mut item {
            Item::Message(message) => {
                seal(&mut message.id);
                message.other.clear();
            }
            Item::FunctionCall(call) => {
                seal(&mut call.id);
                call.other.clear();
            }
            Item::CustomToolCall(call) => {
                seal(&mut call.id);
                call.other.clear();
            }
            Item::Reasoning(reasoning) => {
                seal(&mut reasoning.id);
                reasoning.other.clear();
                if reasoning
                    .content
                    .take()
                    .is_some_and(|parts| !parts.is_empty())
                {
                    self.facts.lose(LossKind::ReasoningHidden, "output");
                }
                let theirs = reasoning.encrypted_content.take();
                let wanted = theirs.filter(|_| self.carried.encrypted);
                reasoning.encrypted_content =
                    wanted.map(|theirs| sealer.seal_reasoning(&SealedReasoning::Encrypted(theirs)));
            }
            Item::FunctionCallOutput(_)
            | Item::CustomToolCallOutput(_)
            | Item::ItemReference(_)
            | Item::Other(_) => {
                self.facts.lose(LossKind::BlockDropped, "output");
                return None;
            }
        }
        Some(item)
    }

    fn whole(&mut self, body: &[u8]) -> Result<Progress, AnswerError> {
        let response = Response::from_slice(body).ok();
        let response = response.filter(|response| response.object == Response::OBJECT);
        let Some(response) = response else {
            return Err(AnswerError::Failed(fault::of_body(None, None, body)));
        };
        self.last(response, Event::Completed)
    }
}

impl Writer for Passage {
    fn push(&mut self, frame: Frame) -> Result<Progress, AnswerError> {
        match frame {
            Frame::Sse(event) => self.event(&event),
            Frame::Body(body) => self.whole(&body),
            Frame::Converse(_) | Frame::Invoked(_) => Err(AnswerError::Failed(FaultKind::Garbage)),
        }
    }

    fn finish(&mut self) -> Result<(), AnswerError> {
        Err(AnswerError::Unfinished)
    }

    fn take(&mut self) -> Option<Bytes> {
        if !self.begun {
            return None;
        }
        let body = self.body.take();
        body.or_else(|| (!self.out.is_empty()).then(|| self.out.split().freeze()))
    }

    fn fail(&mut self, error: &AzureError) -> Bytes {
        let detail = error::parse(&error.body).unwrap_or_default();
        let kind = detail.kind.as_deref().unwrap_or("server_error");
        let event = Event::Error(ErrorEvent {
            sequence_number: self.sequence,
            error: Some(json!({
                "type": kind,
                "code": detail.code,
                "message": detail.message,
                "param": detail.param,
            })),
            code: detail.code.clone(),
            message: detail.message.clone(),
            param: detail.param.clone(),
            ..ErrorEvent::default()
        });
        event.write(&mut self.out);
        self.out.split().freeze()
    }

    fn facts(&mut self) -> Facts {
        std::mem::take(&mut self.facts)
    }
}

/// Whether an event says what a caller waits for.
fn says(event: &Event) -> bool {
    match event {
        Event::TextDelta(event) | Event::RefusalDelta(event) => !event.delta.is_empty(),
        Event::ArgumentsDelta(_) | Event::InputDelta(_) => true,
        Event::ItemAdded(event) => {
            matches!(event.item, Item::FunctionCall(_) | Item::CustomToolCall(_))
        }
        Event::Created(_)
        | Event::Queued(_)
        | Event::InProgress(_)
        | Event::Completed(_)
        | Event::Incomplete(_)
        | Event::Failed(_)
        | Event::ItemDone(_)
        | Event::PartAdded(_)
        | Event::PartDone(_)
        | Event::TextDone(_)
        | Event::AnnotationAdded(_)
        | Event::RefusalDone(_)
        | Event::ArgumentsDone(_)
        | Event::InputDone(_)
        | Event::SummaryPartAdded(_)
        | Event::SummaryPartDone(_)
        | Event::SummaryDelta(_)
        | Event::SummaryDone(_)
        | Event::ReasoningDelta(_)
        | Event::ReasoningDone(_)
        | Event::Error(_)
        | Event::Other(_) => false,
    }
}

fn is_reasoning(part: &Value) -> bool {
    part.get("type").and_then(Value::as_str) == Some("reasoning_text")
}

fn failure(response: &Response) -> AnswerError {
    let error = response.error.value();
    let said = error.map(|error| json!({ "code": error.code, "message": error.message }));
    failed(&said.unwrap_or_default())
}

#[cfg(test)]
mod tests;
