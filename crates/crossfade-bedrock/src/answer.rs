//! Answers: from the provider's wires to the caller's, by way of [`Step`]s.

mod chat_stream;
mod chat_whole;
mod converse;
mod end;
mod error;
mod fences;
mod guardrail;
mod json_tool;
mod reply;
mod responses_face;
mod shape;
mod stamp;
mod step;
mod stop;
mod text_calls;
mod thinking;
mod usage;
mod writer;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "cases are literals")]
mod tests;

pub(crate) use chat_stream::ChatStream;
pub(crate) use chat_whole::ChatWhole;
pub(crate) use converse::{ConverseReader, events};
pub(crate) use end::AnswerError;
pub(crate) use error::{Fault, FaultKind, Problem};
pub use reply::{Delivery, Reply};
pub(crate) use responses_face::{ResponsesFace, Wanted};
pub(crate) use shape::{Ended, Shape};
pub(crate) use stamp::Stamp;
#[cfg(test)]
pub(crate) use step::End;
pub(crate) use step::{Step, Thought};
pub(crate) use stop::Meaning;
pub(crate) use writer::{Facts, Frame, Progress, Reader, Translated, Writer};
