//! From the caller's wire to the target's and back, as pure functions over plain data.
//!
//! A request is translated in one pass that either gives everything the call needs, with every loss named, or says
//! which field cannot be mapped.

mod cache;
mod context;
mod effort;
mod format;
mod known;
mod legacy;
mod messages;
mod names;
mod request;
mod sampling;
mod schema;
mod thoughts;
mod tools;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "cases are literals")]
mod tests;

use crossfade_exchange::{Loss, Unsupported};
use crossfade_openai::chat;

pub(crate) use known::{block as known_block, shown as known_field};
pub use names::Names;
pub(crate) use thoughts::Recall;

use crate::{answer::Reply, converse, settings::CandidateSettings};

/// A translated request and what is needed to translate its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// What the target is asked.
    pub request: converse::Request,
    /// What was dropped, emulated or changed on the way.
    pub losses: Vec<Loss>,
    /// What the answer's translation must know.
    pub reply: Reply,
    /// Whether the target is asked for a stream: if the caller wants one, or the route always does, and the model gives one.
    pub stream: bool,
}

/// What a translation is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose<'a> {
    /// To judge by the request alone: what earlier turns left behind is taken to be at hand.
    Judge,
    /// To ask; with the thoughts of earlier turns, if there is a store of them.
    Ask(Option<&'a dyn Recall>),
}

/// Translates a request body.
///
/// # Errors
/// Names the field that cannot be mapped, or that the primary itself would refuse.
pub fn translate(body: &[u8], settings: &CandidateSettings) -> Result<Translation, Unsupported> {
    request(read(body)?, settings, Purpose::Ask(None))
}

/// Reads a request body.
pub(crate) fn read(body: &[u8]) -> Result<chat::Request, Unsupported> {
    chat::Request::from_slice(body).map_err(|error| match error {
        chat::RequestError::Field { field } => {
            context::refused(field, "missing or of the wrong type")
        }
        chat::RequestError::NotJson { .. } => {
            context::refused("(body)".to_owned(), "not valid json")
        }
        chat::RequestError::NotAnObject => {
            context::refused("(body)".to_owned(), "not a json object")
        }
    })
}

/// Translates a request.
pub(crate) fn request(
    asked: chat::Request,
    settings: &CandidateSettings,
    purpose: Purpose<'_>,
) -> Result<Translation, Unsupported> {
    request::request(asked, settings, settings.resolved_capabilities(), purpose)
}
