//! What is wrong with a configuration, said so that it can be repaired: where, which key, what instead.

use std::fmt;

/// One thing wrong in a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// Line and column, from 1, where they are known.
    pub position: Option<(usize, usize)>,
    /// The key, with its tables: `routes.support.owner`; empty if none is meant.
    pub key: String,
    /// What is wrong and what to do about it; lower case, no full stop.
    pub message: String,
}

/// Everything that is wrong in one configuration file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// The file's name as it was given.
    pub file: String,
    /// What is wrong, in the order of the file.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    pub(crate) fn one(file: &str, problem: Problem) -> Self {
        Self {
            file: file.to_owned(),
            problems: vec![problem],
        }
    }

    pub(crate) fn whole(file: &str, message: impl Into<String>) -> Self {
        Self::one(
            file,
            Problem {
                message: message.into(),
                ..Problem::default()
            },
        )
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}", self.file)?;
            if let Some((line, column)) = problem.position {
                write!(f, ":{line}:{column}")?;
            }
            if !problem.key.is_empty() {
                write!(f, ": {}", problem.key)?;
            }
            write!(f, ": {}", problem.message)?;
        }
        Ok(())
    }
}
