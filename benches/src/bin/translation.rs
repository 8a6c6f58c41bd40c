//! Instructions of translation by direction and size, counted by callgrind and held against what was frozen. `--help`
//! says more.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crossfade_benches::{
    frozen::{Counting, none_is_steep},
    print,
    translation::{Case, not_linear, play},
};

/// Counts translation's instructions by direction and size, by valgrind.
///
/// Fails where a larger one costs more than its size explains. Frozen counts hold for optimised builds of one compiler version.
///
/// Example: cargo run --release -p crossfade-benches --bin translation -- --check
#[derive(Debug, Parser)]
#[command(name = "translation")]
struct Args {
    /// Fails if a count is more than 3 % from the frozen one, either way.
    #[arg(long)]
    check: bool,
    /// Freezes what is counted now.
    #[arg(long, conflicts_with = "check")]
    freeze: bool,
    /// The frozen counts.
    #[arg(long, default_value_os_t = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/translation.expected")))]
    expected: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays a case: what runs under valgrind, and what to profile.
    Play {
        /// The case.
        case: Case,
        /// How many times.
        times: u64,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.command {
        Some(Command::Play { case, times }) => play(case, times).map(|()| true),
        None => count(&args),
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

fn count(args: &Args) -> anyhow::Result<bool> {
    let counting = Counting {
        what: "translation",
        function: "*crossfade_benches::translation::counted*",
        times: 5,
        check: args.check,
        freeze: args.freeze,
        expected: &args.expected,
    };
    let counts = counting.count(Case::ALL, Case::as_str)?;
    let holds = counting.hold(&counts, Case::as_str)?;
    Ok(none_is_steep(&not_linear(&counts), Case::as_str) && holds)
}
