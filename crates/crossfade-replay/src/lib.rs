//! Golden sets: their format, importers, capture from reviewed exchanges, the runner and its reports.

pub mod answer;

pub use answer::{CaseAnswer, RecordedAnswer};
