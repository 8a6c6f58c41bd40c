//! Making a response, whole or as its events, so that the form and the order stand in one place.
//!
//! The caller says what comes, in the order in which it comes; which item that opens or closes, its number and its events
//! are decided here. Ids are the caller's to make. What is said after the end is dropped.

mod call;
mod journal;
mod message;
mod reasoning;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt};

use bytes::BytesMut;
use serde_json::{Value, json};

use crate::{
    chat::{Fields, Nullable, Open, ToolKind},
    id::IdKind,
};

use super::{
    ContentFilter, ErrorEvent, Event, IncompleteDetails, IncompleteReason, Item, Response,
    ResponseError, ResponseEvent, Seconds, Status, Usage, noise::Noise,
};

use call::OpenCall;
use journal::{Journal, number};
use message::OpenMessage;
use reasoning::OpenReasoning;

/// Makes an id of a kind.
pub struct Mint(Box<dyn FnMut(IdKind) -> String + Send>);

/// Makes one response.
#[derive(Debug)]
pub struct ResponseBuilder {
    /// With an item at each place that was given out; an open one stands there as it began.
    response: Response,
    mint: Mint,
    current: Current,
    calls: BTreeMap<u32, OpenCall>,
    journal: Journal,
    ended: bool,
}

/// How a response ends.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Closing {
    /// How far it came.
    pub outcome: Outcome,
    /// When, in seconds since the Unix epoch; shown of a completed response only.
    pub completed_at: u64,
    /// The tokens; `None` is written as `null`.
    pub usage: Option<Usage>,
    /// What the filter says; `None` is written as `null`. A verdict that nobody reached must never be invented.
    pub content_filters: Option<Vec<ContentFilter>>,
    /// The tier that served; where it is not told, `default`.
    pub service_tier: Option<String>,
}

/// How far a response came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// To its own end.
    #[default]
    Completed,
    /// It was cut off.
    Incomplete(IncompleteReason),
}

/// The item that text or reasoning goes on with. Calls stand apart: several may be open.
#[derive(Debug, Default)]
enum Current {
    #[default]
    None,
    Message(OpenMessage),
    Reasoning(OpenReasoning),
}

/// The word for an item that came to its end.
const COMPLETED: &str = "completed";
/// The word for an item that was cut off.
const INCOMPLETE: &str = "incomplete";
/// The word for an item that is open.
const IN_PROGRESS: &str = "in_progress";

// === impl Mint ===

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mint").finish_non_exhaustive()
    }
}

impl Mint {
    /// Makes ids by this function. Two calls of it must not give the same id.
    pub fn new(mint: impl FnMut(IdKind) -> String + Send + 'static) -> Self {
        Self(Box::new(mint))
    }

    fn id(&mut self, kind: IdKind) -> String {
        (self.0)(kind)
    }
}

// === impl ResponseBuilder ===

impl ResponseBuilder {
    /// For a whole response; no events are made. `head` is that of [`Echo::head`](super::Echo::head).
    pub fn whole(head: Response, mint: Mint) -> Self {
        Self::new(head, mint, Journal::closed())
    }

    /// For a stream, beginning with `response.created` and `response.in_progress`. Deltas are padded if a seed is given;
    /// it should differ from response to response.
    pub fn streamed(head: Response, mint: Mint, noise_seed: Option<u64>) -> Self {
        let mut builder = Self::new(head, mint, Journal::open(noise_seed.map(Noise::new)));
        let event = builder.whole_event();
        builder.journal.push(|| Event::Created(event.clone()));
        builder.journal.push(|| Event::InProgress(event));
        builder
    }

    fn new(head: Response, mint: Mint, journal: Journal) -> Self {
        Self {
            response: head,
            mint,
            current: Current::None,
            calls: BTreeMap::new(),
            journal,
            ended: false,
        }
    }

    /// The response's id.
    pub fn id(&self) -> &str {
        &self.response.id
    }

    /// Whether anything of an answer was said: an item is open or done.
    pub fn has_content(&self) -> bool {
        !self.response.output.is_empty()
    }

    /// Takes the events that are due.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.journal.take()
    }

    /// Appends the events that are due to a stream.
    pub fn write_events(&mut self, stream: &mut BytesMut) {
        for event in self.journal.take() {
            event.write(stream);
        }
    }

    /// More text of the answer. Empty text is nothing, here as with all other deltas.
    pub fn text(&mut self, delta: &str) {
        if !delta.is_empty()
            && let Some((message, journal)) = self.message()
        {
            message.text(delta, journal);
        }
    }

    /// More of a refusal.
    pub fn refusal(&mut self, delta: &str) {
        if !delta.is_empty()
            && let Some((message, journal)) = self.message()
        {
            message.refusal(delta, journal);
        }
    }

    /// Where the text so far comes from: `{type:"url_citation", …}` as on the wire.
    pub fn annotation(&mut self, annotation: Value) {
        if let Some((message, journal)) = self.message() {
            message.annotation(annotation, journal);
        }
    }

    /// More of the reasoning's summary.
    pub fn summary(&mut self, delta: &str) {
        if !delta.is_empty()
            && let Some((reasoning, journal)) = self.reasoning_item()
        {
            reasoning.summary(delta, journal);
        }
    }

    /// More of the reasoning itself, where it is shown.
    pub fn reasoning(&mut self, delta: &str) {
        if !delta.is_empty()
            && let Some((reasoning, journal)) = self.reasoning_item()
        {
            reasoning.content(delta, journal);
        }
    }

    /// The part of the reasoning that was being said is whole; what follows is a part of its own.
    pub fn end_reasoning_part(&mut self) {
        if let Current::Reasoning(reasoning) = &mut self.current {
            reasoning.end_part(&mut self.journal);
        }
    }

    /// There is reasoning, of which nothing may be shown: an item with an empty summary.
    pub fn begin_reasoning(&mut self) {
        let _ = self.reasoning_item();
    }

    /// The reasoning in sealed form. Opens a reasoning item if none is open.
    pub fn encrypted(&mut self, sealed: String) {
        if let Some((reasoning, _)) = self.reasoning_item() {
            reasoning.seal(sealed);
        }
    }

    /// The reasoning item is whole; further reasoning is an item of its own.
    pub fn end_reasoning(&mut self) {
        if matches!(self.current, Current::Reasoning(_)) {
            self.close_current(COMPLETED);
        }
    }

    /// A call of a tool begins. `index` is the caller's own number for it, `call_id` the id that its result will name.
    pub fn call(&mut self, index: u32, kind: ToolKind, call_id: &str, name: &str) {
        if self.ended {
            return;
        }
        self.close_current(COMPLETED);
        self.end_call(index);
        let id = self.mint.id(match kind {
            ToolKind::Function => IdKind::FunctionCall,
            ToolKind::Custom => IdKind::CustomToolCall,
        });
        let place = self.response.output.len();
        let call = OpenCall::new(place, kind, id, call_id, name);
        let item = call.item(IN_PROGRESS);
        self.response.output.push(item.clone());
        self.journal.added(place, item);
        self.calls.insert(index, call);
    }

    /// More of a call's arguments or input. Of a call that is not open it is dropped.
    pub fn call_input(&mut self, index: u32, delta: &str) {
        if self.ended {
            return;
        }
        if let Some(call) = self.calls.get_mut(&index) {
            call.push(delta, &mut self.journal);
        }
    }

    /// A call is whole.
    pub fn end_call(&mut self, index: u32) {
        if !self.ended
            && let Some(call) = self.calls.remove(&index)
        {
            self.close_call(&call, COMPLETED);
        }
    }

    /// The response ends: everything that is open is closed, and the last event has all of it.
    pub fn close(&mut self, closing: Closing) {
        if self.ended {
            return;
        }
        let word = match closing.outcome {
            Outcome::Completed => COMPLETED,
            Outcome::Incomplete(_) => INCOMPLETE,
        };
        self.close_all(word);
        let response = &mut self.response;
        response.usage = closing.usage.into();
        response.content_filters = closing.content_filters.into();
        response.service_tier =
            Nullable::Value(closing.service_tier.unwrap_or_else(|| "default".to_owned()));
        match closing.outcome {
            Outcome::Completed => {
                response.status = Some(Open::Known(Status::Completed));
                response.completed_at = Nullable::Value(Seconds(closing.completed_at));
            }
            Outcome::Incomplete(reason) => {
                response.status = Some(Open::Known(Status::Incomplete));
                response.incomplete_details = Nullable::Value(IncompleteDetails {
                    reason: Open::Known(reason),
                    other: Fields::new(),
                });
            }
        }
        self.ended = true;
        let event = self.whole_event();
        self.journal.push(|| match closing.outcome {
            Outcome::Completed => Event::Completed(event),
            Outcome::Incomplete(_) => Event::Incomplete(event),
        });
    }

    /// The response fails, and says so itself: `response.failed`. What is open stays as it is, without its end, so that
    /// nobody acts on half a call. Clients do not raise this by themselves; see [`Self::error`].
    pub fn fail(&mut self, code: &str, message: &str) {
        if self.ended {
            return;
        }
        self.leave_open();
        self.response.status = Some(Open::Known(Status::Failed));
        self.response.error = Nullable::Value(ResponseError {
            code: Some(code.to_owned()),
            message: message.to_owned(),
            other: Fields::new(),
        });
        self.ended = true;
        let event = self.whole_event();
        self.journal.push(|| Event::Failed(event));
    }

    /// The stream fails: a bare `error` event, which clients raise. Nothing may follow. `kind` is the class of error, such as
    /// `server_error`.
    pub fn error(&mut self, kind: &str, code: Option<&str>, message: &str, param: Option<&str>) {
        if self.ended {
            return;
        }
        self.leave_open();
        self.response.status = Some(Open::Known(Status::Failed));
        self.ended = true;
        self.journal.push(|| {
            Event::Error(ErrorEvent {
                code: code.map(str::to_owned),
                message: Some(message.to_owned()),
                param: param.map(str::to_owned),
                error: Some(json!({
                    "type": kind, "code": code, "message": message, "param": param
                })),
                ..ErrorEvent::default()
            })
        });
    }

    /// Whether it came to an end, good or bad.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The response as far as it is: whole after [`Self::close`].
    pub fn into_response(self) -> Response {
        self.response
    }

    fn message(&mut self) -> Option<(&mut OpenMessage, &mut Journal)> {
        if self.ended {
            return None;
        }
        if !matches!(self.current, Current::Message(_)) {
            self.close_current(COMPLETED);
            let place = self.response.output.len();
            let message = OpenMessage::new(place, self.mint.id(IdKind::Message));
            let item = message.item(IN_PROGRESS);
            self.response.output.push(item.clone());
            self.journal.added(place, item);
            self.current = Current::Message(message);
        }
        match &mut self.current {
            Current::Message(message) => Some((message, &mut self.journal)),
            Current::None | Current::Reasoning(_) => None,
        }
    }

    fn reasoning_item(&mut self) -> Option<(&mut OpenReasoning, &mut Journal)> {
        if self.ended {
            return None;
        }
        if !matches!(self.current, Current::Reasoning(_)) {
            self.close_current(COMPLETED);
            let place = self.response.output.len();
            let reasoning = OpenReasoning::new(place, self.mint.id(IdKind::Reasoning));
            let item = reasoning.item();
            self.response.output.push(item.clone());
            self.journal.added(place, item);
            self.current = Current::Reasoning(reasoning);
        }
        match &mut self.current {
            Current::Reasoning(reasoning) => Some((reasoning, &mut self.journal)),
            Current::None | Current::Message(_) => None,
        }
    }

    fn close_all(&mut self, word: &'static str) {
        // Only what is still open was cut off.
        self.close_current(word);
        for call in std::mem::take(&mut self.calls).into_values() {
            self.close_call(&call, word);
        }
    }

    fn close_current(&mut self, word: &'static str) {
        let (place, item) = match std::mem::take(&mut self.current) {
            Current::None => return,
            Current::Message(mut message) => {
                message.end_part(&mut self.journal);
                (message.place(), message.item(word))
            }
            Current::Reasoning(mut reasoning) => {
                reasoning.end_part(&mut self.journal);
                (reasoning.place(), reasoning.item())
            }
        };
        self.put(place, &item);
        self.journal.done(place, item);
    }

    fn close_call(&mut self, call: &OpenCall, word: &'static str) {
        call.end(&mut self.journal);
        let item = call.item(word);
        self.put(call.place(), &item);
        self.journal.done(call.place(), item);
    }

    /// What is open goes into the output as far as it came, without an event.
    fn leave_open(&mut self) {
        let item = match &self.current {
            Current::None => None,
            Current::Message(message) => Some((message.place(), message.item(INCOMPLETE))),
            Current::Reasoning(reasoning) => Some((reasoning.place(), reasoning.item())),
        };
        let calls: Vec<_> = self.calls.values().collect();
        let calls = calls
            .iter()
            .map(|call| (call.place(), call.item(INCOMPLETE)));
        let items: Vec<(usize, Item)> = item.into_iter().chain(calls).collect();
        for (place, item) in items {
            self.put(place, &item);
        }
    }

    fn put(&mut self, place: usize, item: &Item) {
        if let Some(held) = self.response.output.get_mut(place) {
            held.clone_from(item);
        }
    }

    fn whole_event(&self) -> ResponseEvent {
        // Only a stream shows it: a whole response is not copied for nothing.
        if self.journal.is_open() {
            ResponseEvent {
                response: Box::new(self.response.clone()),
                ..ResponseEvent::default()
            }
        } else {
            ResponseEvent::default()
        }
    }
}
