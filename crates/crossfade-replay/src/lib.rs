//! Golden sets: their format, importers, capture from reviewed exchanges, the runner and its reports.

pub mod answer;
pub mod assertion;
mod canonical;
pub mod capture;
mod case;
mod dataset;
pub mod export;
pub mod import;
pub mod judge;
pub mod meaning;
mod object;
pub mod report;
pub mod run;
pub mod sides;
mod strict;

pub use answer::{CaseAnswer, RecordedAnswer};
pub use canonical::{canonical, sha256};
pub use case::{Baseline, Case, Recorded};
pub use dataset::{Dataset, DatasetErrors};
pub use object::Problem;
