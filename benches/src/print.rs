//! The one place that writes to the terminal.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "benchmarks talk to a terminal"
)]

/// A line of the result, on standard output.
pub fn line(text: impl std::fmt::Display) {
    println!("{text}");
}

/// Progress, on standard error, so that a table can be piped.
pub fn progress(text: impl std::fmt::Display) {
    eprintln!("{text}");
}

/// Why a command failed, with its causes.
pub fn error(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}
