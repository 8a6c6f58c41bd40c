//! How a command ends if it does not succeed: an exit code, what happened, what to do next.

use std::{fmt, process::ExitCode};

use crate::config::ConfigError;

/// What was typed makes no sense.
pub(super) const USAGE: u8 = 64;
/// The configuration is wrong.
pub(super) const CONFIG: u8 = 78;
/// Everything else.
pub(super) const OTHER: u8 = 1;

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    what: String,
    remedy: Option<String>,
}

impl Failure {
    /// Something that was typed makes no sense.
    pub(super) fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code: USAGE,
            what: what.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// Something went wrong, and this is what to do about it.
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code: OTHER,
            what: what.into(),
            remedy: Some(remedy.into()),
        }
    }

    /// Something went wrong whose description says it all.
    pub(super) fn plain(what: impl Into<String>) -> Self {
        Self {
            code: OTHER,
            what: what.into(),
            remedy: None,
        }
    }

    /// What was read beside the configuration file is wrong in the same way as it would be there.
    pub(super) fn config(what: impl Into<String>) -> Self {
        Self {
            code: CONFIG,
            what: what.into(),
            remedy: None,
        }
    }

    /// It was done, and it came out like this; the code is the command's own.
    pub(super) fn ended(code: u8, what: impl Into<String>) -> Self {
        Self {
            code,
            what: what.into(),
            remedy: None,
        }
    }

    /// What happened, in words.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    pub(super) fn code(&self) -> ExitCode {
        self.code.into()
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self {
            code: CONFIG,
            what: error.to_string(),
            remedy: None,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        // A message often quotes its cause already: then the cause is not said twice.
        let mut said = String::new();
        for cause in error.chain().map(ToString::to_string) {
            if !said.contains(&cause) {
                let separator = if said.is_empty() { "" } else { ": " };
                said = format!("{said}{separator}{cause}");
            }
        }
        Self::plain(said)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.what.lines().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "error: {line}")?;
        }
        if let Some(remedy) = &self.remedy {
            write!(f, "\n  try: {remedy}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_said_once() {
        for (outer, inner, said) in [
            (
                "cannot listen: in use: stop it",
                "in use",
                "error: cannot listen: in use: stop it",
            ),
            ("cannot listen", "in use", "error: cannot listen: in use"),
        ] {
            let error = anyhow::Error::msg(inner).context(outer);
            assert_eq!(Failure::from(error).to_string(), said);
        }
    }

    #[test]
    fn each_line_is_an_error_and_the_remedy_follows() {
        let failure = Failure::new("one\ntwo", "three");
        assert_eq!(failure.to_string(), "error: one\nerror: two\n  try: three");
    }
}
