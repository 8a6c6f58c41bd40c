//! Instructions for each request, counted by callgrind and held against what was frozen. `--help` says more.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crossfade_benches::{
    instructions::{Expected, Scenario, TOLERANCE, per_request, play},
    print,
};

/// Counts the data plane's instructions for each request, by valgrind.
///
/// Frozen counts hold for optimised builds of one compiler version.
///
/// Example: cargo run --profile dist -p crossfade-benches --no-default-features --bin instructions -- --check
#[derive(Debug, Parser)]
#[command(name = "instructions")]
struct Args {
    /// Fails if a count is more than 3 % from the frozen one, either way.
    #[arg(long)]
    check: bool,
    /// Freezes what is counted now.
    #[arg(long, conflicts_with = "check")]
    freeze: bool,
    /// The frozen counts.
    #[arg(long, default_value_os_t = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.expected")))]
    expected: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays a scenario: what runs under valgrind, and what to profile.
    Play {
        /// The scenario.
        scenario: Scenario,
        /// How many requests.
        requests: u64,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.command {
        Some(Command::Play { scenario, requests }) => play(scenario, requests).map(|()| true),
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
    anyhow::ensure!(
        !cfg!(debug_assertions),
        "an unoptimised build says nothing: build with --profile dist"
    );
    let mut counts = BTreeMap::new();
    for scenario in Scenario::ALL {
        print::progress(scenario);
        counts.insert(*scenario, per_request(*scenario)?);
    }
    let measured = Expected::of_counts(&counts);
    let frozen = std::fs::read_to_string(&args.expected);
    let frozen = match frozen {
        Ok(text) => Expected::parse(&text)?,
        Err(_) if !args.check => Expected::default(),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", args.expected.display()));
        }
    };
    print::line("| scenario | instructions per request | since frozen |\n|---|--:|--:|");
    let mut holds = true;
    for (scenario, count, drift) in frozen.drift_of(&measured) {
        let shown = drift.map_or_else(|| "–".to_owned(), |d| format!("{:+.1} %", d * 100.0));
        print::line(format_args!("| {scenario} | {count} | {shown} |"));
        holds &= drift.is_some_and(|drift| drift.abs() <= TOLERANCE);
    }
    if args.freeze {
        std::fs::write(&args.expected, measured.text())?;
    }
    if args.check && !holds {
        print::progress(
            "a count has left its bounds: find out why, and if that is as it should be, use --freeze",
        );
    }
    Ok(holds || !args.check)
}
