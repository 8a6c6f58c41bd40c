//! Instructions of translation by direction and size, counted by callgrind and held against what was frozen. `--help`
//! says more.

use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crossfade_benches::{
    instructions::{TOLERANCE, counted},
    print,
    translation::{Case, not_linear, play},
};

/// The function that is counted, with everything under it.
const COUNTED: &str = "*crossfade_benches::translation::counted*";

/// Times that a case is counted.
const TIMES: u64 = 5;

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
    anyhow::ensure!(
        !cfg!(debug_assertions),
        "an unoptimised build says nothing: build with --release"
    );
    let mut counts = BTreeMap::new();
    for case in Case::ALL {
        print::progress(case);
        let total = counted(&["play", case.as_str(), &TIMES.to_string()], COUNTED)?;
        counts.insert(*case, total / TIMES);
    }
    let frozen = match std::fs::read_to_string(&args.expected) {
        Ok(text) => parse(&text)?,
        Err(_) if !args.check => BTreeMap::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", args.expected.display()));
        }
    };
    print::line("| translation | instructions | since frozen |\n|---|--:|--:|");
    let mut holds = true;
    for (case, count) in &counts {
        let before = frozen.get(case.as_str()).filter(|before| **before > 0);
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let drift = before.map(|before| *count as f64 / *before as f64 - 1.0);
        let shown = drift.map_or_else(
            || "–".to_owned(),
            |drift| format!("{:+.1} %", drift * 100.0),
        );
        print::line(format_args!("| {case} | {count} | {shown} |"));
        holds &= drift.is_some_and(|drift| drift.abs() <= TOLERANCE);
    }
    let steep = not_linear(&counts);
    for (case, growth) in &steep {
        print::progress(format_args!(
            "{case} costs {growth:.2} times as much for its size as the smaller one: it is not linear"
        ));
    }
    if args.freeze {
        std::fs::write(&args.expected, text(&counts))?;
    }
    Ok((holds || !args.check) && steep.is_empty())
}

fn parse(text: &str) -> anyhow::Result<BTreeMap<String, u64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, count) = line
                .split_once(' ')
                .with_context(|| format!("{line:?} is no name and count"))?;
            Ok((name.to_owned(), count.trim().parse()?))
        })
        .collect()
}

fn text(counts: &BTreeMap<Case, u64>) -> String {
    let mut text = String::from(
        "# Instructions of one translation. Made by `translation --freeze`; see README.md.\n",
    );
    for (case, count) in counts {
        // Writing to a string cannot fail.
        let _ignored = writeln!(text, "{case} {count}");
    }
    text
}
