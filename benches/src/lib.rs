//! What the benchmarks share: statistics, the worlds that are measured, and the tables.
//!
//! Nothing here judges by a clock whether the project is right; `README.md` beside this package says what is measured, and how.

pub mod comparison;
pub mod frozen;
pub mod instructions;
pub mod outcomes;
#[cfg(feature = "bedrock")]
pub mod overhead;
pub mod print;
pub mod program;
pub mod samples;
pub mod stats;
#[cfg(feature = "bedrock")]
pub mod translation;
