//! To which side a request is bound by the state it names.
//!
//! An id belongs to the side that made it. One of the candidate's is known by its mark or seal; every other is the primary's.
//! What names nothing kept (whole items with ids, reasoning of another model) binds nobody.

use crossfade_exchange::{Allowance, MirrorOnlyReason, Unsupported};
use crossfade_openai::{
    error::AzureError,
    responses::{Content, Conversation, Item, Part, Request},
};
use serde_json::Value;

use super::{Opened, Sealer, refuse::stateful};
use crate::settings::{Api, CandidateSettings, Store, Surface};

/// To which side a request is bound, and by which field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pin {
    /// To none.
    Free,
    /// It names state of the primary's.
    Primary(String),
    /// It names something that the candidate made, whatever else it names.
    Candidate(String),
}

/// State that a request names and nobody has: what the candidate did not keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// An earlier response.
    Response(String),
    /// An item of one.
    Item(String),
}

/// Whether an id was made by this route's candidate, so that only the candidate can say anything about it.
pub fn minted(id: &str, settings: &CandidateSettings) -> bool {
    let opened = settings
        .sealer
        .as_ref()
        .and_then(|sealer| sealer.open_id(id));
    match opened {
        None => false,
        Some(Opened::Unstored) => true,
        Some(Opened::Kept(_)) => keeps_state(settings),
    }
}

/// Whether the candidate keeps responses: only one surface can, and only if the route wants it.
pub(crate) fn keeps_state(settings: &CandidateSettings) -> bool {
    settings.api == Api::OpenaiResponses
        && settings.surface == Surface::Mantle
        && settings.store == Store::Candidate
}

/// What may become of a request as far as state goes.
///
/// # Errors
/// Names the field by which it is the primary's alone.
pub(crate) fn allowance(
    request: &Request,
    settings: &CandidateSettings,
) -> Result<Allowance, Unsupported> {
    match pin(request, settings.sealer.as_ref()) {
        Pin::Candidate(_) => Ok(Allowance::CandidateOnly),
        Pin::Primary(field) => Err(stateful(field)),
        Pin::Free if request.is_stored() => Ok(match settings.store {
            Store::Unstored => Allowance::Either,
            Store::Candidate if keeps_state(settings) => Allowance::Either,
            Store::Primary | Store::Candidate => Allowance::MirrorOnly(MirrorOnlyReason::Stored),
        }),
        Pin::Free => Ok(Allowance::Either),
    }
}

/// The side that a request is bound to.
pub(crate) fn pin(request: &Request, sealer: Option<&Sealer>) -> Pin {
    let mut pin = Pin::Free;
    let mut bind = |field: String, is_candidates: bool| match (&pin, is_candidates) {
        (Pin::Candidate(_), _) | (Pin::Primary(_), false) => {}
        (Pin::Free, false) => pin = Pin::Primary(field),
        (Pin::Free | Pin::Primary(_), true) => pin = Pin::Candidate(field),
    };
    let ours = |id: &str| sealer.is_some_and(|sealer| sealer.open_id(id).is_some());
    if let Some(id) = &request.previous_response_id {
        bind("previous_response_id".to_owned(), ours(id));
    }
    if let Some(conversation) = &request.conversation {
        let id = conversation_id(conversation);
        bind("conversation".to_owned(), id.is_some_and(ours));
    }
    if request.prompt.is_some() {
        bind("prompt".to_owned(), false);
    }
    if request.background == Some(true) {
        bind("background".to_owned(), false);
    }
    for (at, item) in request.items().iter().enumerate() {
        // A whole item names nothing, but a sealed id is longer than the primary takes.
        let id = whole_id(item).and_then(|id| sealer?.open_id(id));
        if matches!(id, Some(Opened::Kept(_))) {
            bind(format!("input[{at}].id"), true);
        }
        match item {
            Item::ItemReference(reference) => bind(format!("input[{at}].id"), ours(&reference.id)),
            Item::Reasoning(reasoning) => {
                let encrypted = reasoning.encrypted_content.as_deref();
                let is_ours = encrypted.is_some_and(|encrypted| {
                    sealer.is_some_and(|sealer| sealer.open_reasoning(encrypted).is_some())
                });
                if is_ours {
                    bind(format!("input[{at}].encrypted_content"), true);
                } else if reasoning.id.as_deref().is_some_and(ours) {
                    bind(format!("input[{at}].id"), true);
                }
            }
            Item::Message(message) => files(&message.content, at, "content", &mut bind),
            Item::FunctionCallOutput(output) => files(&output.output, at, "output", &mut bind),
            Item::CustomToolCallOutput(output) => files(&output.output, at, "output", &mut bind),
            Item::FunctionCall(_) | Item::CustomToolCall(_) | Item::Other(_) => {}
        }
    }
    pin
}

/// The id of an item that stands there whole.
fn whole_id(item: &Item) -> Option<&str> {
    match item {
        Item::Message(item) => item.id.as_deref(),
        Item::FunctionCall(item) => item.id.as_deref(),
        Item::FunctionCallOutput(item) => item.id.as_deref(),
        Item::CustomToolCall(item) => item.id.as_deref(),
        Item::CustomToolCallOutput(item) => item.id.as_deref(),
        Item::Reasoning(_) | Item::ItemReference(_) | Item::Other(_) => None,
    }
}

/// Uploaded files are kept by the primary only.
fn files(content: &Content, at: usize, member: &str, bind: &mut impl FnMut(String, bool)) {
    for (part_at, part) in content.parts().iter().enumerate() {
        let id = match part {
            Part::InputImage(part) => part.file_id.as_ref(),
            Part::InputFile(part) => part.file_id.as_ref(),
            Part::InputText(_)
            | Part::InputAudio(_)
            | Part::OutputText(_)
            | Part::Refusal(_)
            | Part::Other(_) => None,
        };
        if id.is_some() {
            bind(format!("input[{at}].{member}[{part_at}].file_id"), false);
        }
    }
}

fn conversation_id(conversation: &Conversation) -> Option<&str> {
    match conversation {
        Conversation::Id(id) => Some(id),
        Conversation::Named(fields) => fields.get("id").and_then(Value::as_str),
    }
}

/// As [`missing`], of a body for a route's candidate: of one that keeps state, nothing is known to be missing.
pub(crate) fn missing_in(body: &[u8], settings: &CandidateSettings) -> Option<Missing> {
    let sealer = settings
        .sealer
        .as_ref()
        .filter(|_| !keeps_state(settings))?;
    missing(&Request::from_slice(body).ok()?, sealer)
}

/// Whether a request names, rather than repeats, something that the candidate made.
pub(super) fn names_kept(request: &Request, sealer: &Sealer) -> bool {
    missing(request, sealer).is_some()
}

/// What a request names of the candidate's that a candidate without state cannot have.
fn missing(request: &Request, sealer: &Sealer) -> Option<Missing> {
    let ours = |id: &&String| sealer.open_id(id).is_some();
    if let Some(id) = request.previous_response_id.as_ref().filter(ours) {
        return Some(Missing::Response(id.clone()));
    }
    let conversation = request.conversation.as_ref().and_then(conversation_id);
    if let Some(id) = conversation.filter(|id| sealer.open_id(id).is_some()) {
        return Some(Missing::Response(id.to_owned()));
    }
    request.items().iter().find_map(|item| match item {
        Item::ItemReference(reference) if ours(&&reference.id) => {
            Some(Missing::Item(reference.id.clone()))
        }
        Item::ItemReference(_)
        | Item::Message(_)
        | Item::FunctionCall(_)
        | Item::FunctionCallOutput(_)
        | Item::CustomToolCall(_)
        | Item::CustomToolCallOutput(_)
        | Item::Reasoning(_)
        | Item::Other(_) => None,
    })
}

// === impl Missing ===

impl Missing {
    /// The primary's own error for what it does not have. It names the caller's id, to the caller.
    pub(crate) fn error(&self) -> AzureError {
        let mut error = match self {
            Self::Response(id) => AzureError::invalid_request(
                &format!("Previous response with id '{id}' not found."),
                Some("previous_response_id"),
                Some("previous_response_not_found"),
            ),
            Self::Item(id) => AzureError::invalid_request(
                &format!("Item with id '{id}' not found."),
                Some("input"),
                None,
            ),
        };
        error.status = 404;
        error
    }
}

/// The primary's error for a response that is asked for by its id and is not there.
pub(crate) fn no_such_response(id: &str) -> AzureError {
    let message = format!("Response with id '{id}' not found.");
    let mut error = AzureError::invalid_request(&message, None, None);
    error.status = 404;
    error
}

#[cfg(test)]
mod tests;
