//! Structured logs on standard error: dotted event names and fields, never bodies, prompts, keys or tokens.

use std::io::IsTerminal as _;

use tracing_subscriber::{EnvFilter, filter::ParseError, util::TryInitError};

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Why logging could not start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter does not parse.
    #[error(
        "log level {filter:?} is not understood: use error, warn, info, debug, trace or a filter such as `info,crossfade=debug`"
    )]
    Filter {
        /// What was given.
        filter: String,
        /// Where it does not parse.
        source: ParseError,
    },
    /// It was started before.
    #[error("logging was already started")]
    Started(#[from] TryInitError),
}

/// Starts logging for the whole process, once.
pub fn init_logging(format: LogFormat, filter: &str) -> Result<(), LoggingError> {
    use tracing_subscriber::util::SubscriberInitExt as _;

    let parsed = EnvFilter::try_new(filter).map_err(|source| LoggingError::Filter {
        filter: filter.to_owned(),
        source,
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(parsed)
        // A line that cannot be written is lost. Complaining about it where nothing can be written would panic.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            builder
                .with_ansi(std::io::stderr().is_terminal())
                .finish()
                .try_init()?;
        }
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}

/// Lets a panic be logged by its place only: its message can quote what was being looked at, and that may be a prompt.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let at = info.location();
        let (file, line) = at.map_or(("unknown", 0), |at| (at.file(), at.line()));
        tracing::error!(file, line, "process.panicked");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_does_not_parse_is_named() {
        let refused = init_logging(LogFormat::Json, "info,crossfade=loud").unwrap_err();
        assert!(refused.to_string().contains("crossfade=loud"), "{refused}");
    }
}
