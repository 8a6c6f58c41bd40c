//! Answers: from the provider's wires to the caller's, by way of [`Step`]s.

mod error;
mod fences;
mod reply;
mod step;
mod stop;
mod stream;
mod usage;
mod whole;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "cases are literals")]
mod tests;

pub(crate) use error::{Fault, FaultKind, Problem};
pub use reply::{Delivery, Reply};
pub(crate) use step::{CallKind, End, FilterFindings, Finish, Step, Thought};
pub(crate) use stream::Streamer;
pub(crate) use whole::{AnswerError, Answered, Collector, Stamp, Whole, answer};
