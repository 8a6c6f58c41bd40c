//! Whole histories of a route: what verification finds of tampering, what no sequence of events may lead to, and that a fold can
//! be cut anywhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    clippy::needless_pass_by_value,
    clippy::match_same_arms,
    clippy::unit_arg,
    missing_debug_implementations,
    reason = "these are tests, helpers included"
)]

mod chance;
mod history;
mod model;
mod prefixes;
mod stories;
mod tampering;
mod ward;
