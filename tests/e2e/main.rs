//! The end-to-end tests: one binary, parallel, no fixed ports, no sleeps. A module for each promise.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests, helpers included"
)]

mod admission;
mod answering;
mod arms;
mod bounds;
mod capturing;
mod closing;
mod compatible;
mod crash;
mod disk;
mod embeddings;
mod engine;
mod errors;
mod fetching;
mod floors;
mod guardrails;
mod headers;
mod lifecycle;
mod noise;
mod operators;
mod opinions;
mod pairs;
mod policies;
mod probing;
mod replaying;
mod responses;
mod reviewing;
mod sealed;
mod secrets;
mod shadowing;
mod starting;
mod streaming;
mod transparency;
mod verbs;
mod verifying;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_crossfade-under-test");
