//! Instructions for each request, counted by callgrind and held against what was frozen. `--help` says more.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;

use crossfade_benches::{
    instructions::{Expected, Scenario, TOLERANCE, per_request, play},
    print,
    program::{Against, Asked},
};

/// Counts the data plane's instructions for each request, by valgrind.
///
/// Frozen counts hold for optimised builds of one compiler version.
///
/// Example: cargo run --profile dist -p crossfade-benches --no-default-features --bin instructions -- --check
#[derive(Debug, Parser)]
#[command(name = "instructions")]
struct Args {
    #[command(flatten)]
    asked: Asked<Scenario>,
}

fn main() -> ExitCode {
    Args::parse().asked.run(play, count)
}

fn count(against: &Against) -> anyhow::Result<bool> {
    anyhow::ensure!(
        !cfg!(debug_assertions),
        "an unoptimised build says nothing: build with --profile dist"
    );
    let mut counts = BTreeMap::new();
    for scenario in Scenario::ALL {
        print::progress(scenario);
        counts.insert(*scenario, per_request(*scenario)?);
    }
    let file = against.file("instructions");
    let measured = Expected::of_counts(&counts);
    let frozen = std::fs::read_to_string(&file);
    let frozen = match frozen {
        Ok(text) => Expected::parse(&text)?,
        Err(_) if !against.check => Expected::default(),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", file.display()));
        }
    };
    print::line("| scenario | instructions per request | since frozen |\n|---|--:|--:|");
    let mut holds = true;
    for (scenario, count, drift) in frozen.drift_of(&measured) {
        let shown = drift.map_or_else(|| "–".to_owned(), |d| format!("{:+.1} %", d * 100.0));
        print::line(format_args!("| {scenario} | {count} | {shown} |"));
        holds &= drift.is_some_and(|drift| drift.abs() <= TOLERANCE);
    }
    if against.freeze {
        std::fs::write(&file, measured.text())?;
    }
    if against.check && !holds {
        print::progress(
            "a count has left its bounds: find out why, and if that is as it should be, use --freeze",
        );
    }
    Ok(holds || !against.check)
}
