//! The frame of the programs that count instructions: what they are asked, and how they end.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use clap::Subcommand;

use crate::print;

/// What every such program is asked. `C` is one of its cases.
#[derive(Debug, clap::Args)]
pub struct Asked<C>
where
    C: FromStr<Err: Into<Box<dyn Error + Send + Sync>>> + Clone + Send + Sync + 'static,
{
    #[command(flatten)]
    against: Against,
    #[command(subcommand)]
    command: Option<Command<C>>,
}

/// What the counts are held against.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Against {
    /// Fails if a count is more than 3 % from the frozen one, either way.
    #[arg(long)]
    pub check: bool,
    /// Freezes what is counted now.
    #[arg(long, conflicts_with = "check")]
    pub freeze: bool,
    /// The frozen counts; without it, those of the project.
    #[arg(long)]
    pub expected: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command<C>
where
    C: FromStr<Err: Into<Box<dyn Error + Send + Sync>>> + Clone + Send + Sync + 'static,
{
    /// Plays a case: what runs under valgrind, and what to profile.
    Play {
        /// The case.
        case: C,
        /// How many times.
        times: u64,
    },
}

impl Against {
    /// The file of the frozen counts of `what`.
    pub fn file(&self, what: &str) -> PathBuf {
        self.expected.clone().unwrap_or_else(|| {
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{what}.expected"))
        })
    }
}

impl<C> Asked<C>
where
    C: FromStr<Err: Into<Box<dyn Error + Send + Sync>>> + Clone + Send + Sync + 'static,
{
    /// Plays a case or counts them all, whichever is asked. Fails where `count` says that a count does not hold.
    pub fn run(
        self,
        play: impl FnOnce(C, u64) -> anyhow::Result<()>,
        count: impl FnOnce(&Against) -> anyhow::Result<bool>,
    ) -> ExitCode {
        let done = match self.command {
            Some(Command::Play { case, times }) => play(case, times).map(|()| true),
            None => count(&self.against),
        };
        match done {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                print::error(&error);
                ExitCode::FAILURE
            }
        }
    }
}
