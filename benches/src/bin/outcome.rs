//! Instructions of one outcome on its way to the statistics, counted by callgrind and held against what was frozen and against
//! the rate that has to be sustained. `--help` says more.

use std::{collections::BTreeMap, process::ExitCode};

use clap::Parser;

use crossfade_benches::{
    frozen::Counting,
    outcomes::{Case, MOST_INSTRUCTIONS, Measured, measure, play},
    print,
    program::{Against, Asked},
};

/// Outcomes behind the rate and the time of a restart: 800 MB of log.
const OUTCOMES: u64 = 10_000_000;

/// Counts what an outcome costs (order, log, fold) by valgrind, and shows outcomes a second, memory for each route, and how long a restart takes.
///
/// Fails where an outcome costs more than a core can do 20 000 times a second. Frozen counts hold for optimised builds of one
/// compiler version.
///
/// Example: cargo run --release -p crossfade-benches --no-default-features --bin outcome -- --check
#[derive(Debug, Parser)]
#[command(name = "outcome")]
struct Args {
    #[command(flatten)]
    asked: Asked<Case>,
}

fn main() -> ExitCode {
    Args::parse().asked.run(play, count)
}

fn count(against: &Against) -> anyhow::Result<bool> {
    let counting = Counting {
        what: "outcome",
        function: "*crossfade_benches::outcomes::counted*",
        times: 10,
        against,
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
        let Measured {
            rate,
            memory: [early, late],
            restart,
        } = measure(case, OUTCOMES)?;
        print::line(format_args!(
            "{case}: {rate:.0} outcomes a second; the route holds {} KiB after a tenth of {OUTCOMES} outcomes, {} KiB after all; \
             a restart folds them in {:.1} s",
            early / 1_024,
            late / 1_024,
            restart.as_secs_f64()
        ));
    }
    Ok(holds)
}
