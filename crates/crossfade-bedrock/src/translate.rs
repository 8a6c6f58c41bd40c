//! From the caller's wire to the target's and back, as pure functions over plain data.
//!
//! A request is translated in one pass that either gives everything the call needs, with every loss named, or says
//! which field cannot be mapped. [`eligibility`] is that pass with its result thrown away, so the two cannot disagree.

mod answer;
mod context;
mod error;
mod fences;
mod format;
mod known;
mod messages;
mod names;
mod request;
mod sampling;
mod schema;
mod stop;
mod stream;
mod tools;
mod usage;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "cases are literals")]
mod tests;

use crossfade_exchange::{Loss, Unsupported};
use crossfade_openai::chat;

pub(crate) use answer::{AnswerError, Answered, Collector, Stamp, Whole, answer};
pub(crate) use error::{Fault, FaultKind, Problem};
pub use names::Names;
pub(crate) use stream::Streamer;

use crate::{converse, settings::CandidateSettings};

/// A translated request and what is needed to translate its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// What the target is asked.
    pub request: converse::Request,
    /// What was dropped, emulated or changed on the way.
    pub losses: Vec<Loss>,
    /// What the answer's translation must know.
    pub reply: Reply,
}

/// The form in which an answer is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// At once.
    #[default]
    Whole,
    /// As a stream.
    Stream {
        /// It ends with the tokens.
        include_usage: bool,
    },
}

/// What the translation of an answer must know of its request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// In which form the caller wants it.
    pub delivery: Delivery,
    /// The tools' names.
    pub names: Names,
    /// The tool whose arguments are the answer's text.
    pub json_tool: Option<String>,
    /// The answer is JSON by instruction only, so that fences around it are taken off.
    pub unfence: bool,
    /// Only the first tool call is kept.
    pub one_call: bool,
}

// === impl Delivery ===

impl Delivery {
    /// Whether a stream was asked for.
    pub const fn is_stream(self) -> bool {
        match self {
            Self::Whole => false,
            Self::Stream { .. } => true,
        }
    }
}

/// Translates a request body.
///
/// # Errors
/// Names the field that cannot be mapped, or that the primary itself would refuse.
pub fn translate(body: &[u8], settings: &CandidateSettings) -> Result<Translation, Unsupported> {
    let request = chat::Request::from_slice(body).map_err(|error| match error {
        chat::RequestError::Field { field } => {
            context::refused(field, "missing or of the wrong type")
        }
        chat::RequestError::NotJson { .. } => {
            context::refused("(body)".to_owned(), "not valid json")
        }
        chat::RequestError::NotAnObject => {
            context::refused("(body)".to_owned(), "not a json object")
        }
    })?;
    request::request(request, settings)
}

/// Whether the candidate can be asked this faithfully: the pure decision before assignment, by the request alone.
///
/// # Errors
/// Names the field that cannot be mapped.
pub fn eligibility(body: &[u8], settings: &CandidateSettings) -> Result<(), Unsupported> {
    translate(body, settings).map(|_| ())
}
