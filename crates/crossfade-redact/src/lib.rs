//! Takes what identifies people and what opens doors out of prompts and answers before they are kept. Pure.
//!
//! A [`Redactor`] holds the compiled detectors; a [`Session`] is one exchange, in which equal values get equal numbers
//! (`[email-1]`), so that one still sees whether two answers say the same. What is no text (images, documents, audio) is
//! replaced by its type and size. Detectors find forms, not meanings: a name of a person has no form, and stays, unless a
//! pattern of the route's own finds it.
//!
//! The work is linear in the text's length for the built-in detectors; a pattern of one's own runs on an engine without
//! backtracking.

mod detectors;
mod forms;
mod json;
mod session;
mod settings;

pub use session::Session;
pub use settings::{Detector, RedactError, RedactSettings, Redactor};

#[cfg(test)]
mod tests;
