//! The one place that writes to the terminal.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "automation talks to a terminal"
)]

/// A line for whoever ran the command.
pub(crate) fn line(text: impl std::fmt::Display) {
    println!("{text}");
}

/// Why a command failed, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
