//! Instructions of one outcome on its way to the statistics, counted by callgrind and held against what was frozen and against
//! the rate that has to be sustained. `--help` says more.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crossfade_benches::{
    frozen::Counting,
    outcomes::{Case, MOST_INSTRUCTIONS, measure, play},
    print,
};

/// Counts what an outcome costs (order, log, fold) by valgrind, and shows outcomes a second and memory for each route.
///
/// Fails where an outcome costs more than a core can do 20 000 times a second. Frozen counts hold for optimised builds of one
/// compiler version.
///
/// Example: cargo run --release -p crossfade-benches --no-default-features --bin outcome -- --check
#[derive(Debug, Parser)]
#[command(name = "outcome")]
struct Args {
    /// Fails if a count is more than 3 % from the frozen one, either way.
    #[arg(long)]
    check: bool,
    /// Freezes what is counted now.
    #[arg(long, conflicts_with = "check")]
    freeze: bool,
    /// The frozen counts.
    #[arg(long, default_value_os_t = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/outcome.expected")))]
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
        /// How many thousand requests.
        thousands: u64,
    },
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.command {
        Some(Command::Play { case, thousands }) => play(case, thousands).map(|()| true),
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
        what: "outcome",
        function: "*crossfade_benches::outcomes::counted*",
        times: 10,
        check: args.check,
        freeze: args.freeze,
        expected: &args.expected,
    };
    let thousand_requests = counting.count(Case::ALL, Case::as_str)?;
    let each: BTreeMap<Case, u64> = thousand_requests
        .into_iter()
        .map(|(case, count)| (case, count / 1_000 / case.outcomes()))
        .collect();
    let mut holds = counting.hold(&each, Case::as_str)?;
    for (case, count) in each {
        if count > MOST_INSTRUCTIONS {
            print::progress(format_args!(
                "{case}: an outcome may cost {MOST_INSTRUCTIONS} instructions at most"
            ));
            holds = false;
        }
        let (rate, [early, late]) = measure(case, 1_000_000)?;
        print::line(format_args!(
            "{case}: {rate:.0} outcomes a second; the route holds {} KiB after 100 000 requests, {} KiB after 1 000 000",
            early / 1_024,
            late / 1_024
        ));
    }
    Ok(holds)
}
