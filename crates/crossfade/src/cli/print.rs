//! The one place that writes to standard output and standard error. It writes to the handles themselves, because
//! `println!` panics when the reader has gone away, and a lint keeps that macro out everywhere.

use std::io::Write as _;

use serde_json::Value;

use super::failure::Failure;
use crate::text::plain_json;

/// Data that was asked for: to standard output. A reader that has gone away ends nothing.
pub(crate) fn data(text: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = out.write_all(text.as_bytes()).and_then(|()| {
        if text.ends_with('\n') {
            Ok(())
        } else {
            out.write_all(b"\n")
        }
    });
    let _closed = out.flush();
}

/// The same, of JSON that holds text of other people.
pub(crate) fn json(json: &Value) {
    data(&plain_json(json));
}

/// Something beside the data: to standard error.
pub(crate) fn note(text: &str) {
    let mut err = std::io::stderr().lock();
    let _closed = writeln!(err, "{text}");
}

/// One line on standard error that is written over by the next; for terminals only. What does not fit is cut, as a line
/// that wraps could not be written over.
#[cfg(feature = "demo")]
pub(crate) fn over(text: &str) {
    let mut err = std::io::stderr().lock();
    let _closed = write!(err, "\r\x1b[2K\x1b[?7l{text}\x1b[?7h").and_then(|()| err.flush());
}

/// Why a command failed.
pub(super) fn failure(failure: &Failure) {
    note(&failure.to_string());
}

/// What the argument parser says: help and version to standard output, mistakes to standard error.
pub(super) fn clap(error: &clap::Error) {
    let _closed = error.print();
}
