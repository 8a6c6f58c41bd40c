//! Instructions of comparison by what is compared and its size, counted by callgrind and held against what was frozen.
//! `--help` says more.

use std::process::ExitCode;

use clap::Parser;

use crossfade_benches::{
    comparison::{Case, not_linear, play},
    frozen::{Counting, none_is_steep},
    program::{Against, Asked},
};

/// Counts comparison's instructions by what is compared and its size, by valgrind.
///
/// Fails where a larger pair costs more than its size explains. Frozen counts hold for optimised builds of one compiler version.
///
/// Example: cargo run --release -p crossfade-benches --no-default-features --bin comparison -- --check
#[derive(Debug, Parser)]
#[command(name = "comparison")]
struct Args {
    #[command(flatten)]
    asked: Asked<Case>,
}

fn main() -> ExitCode {
    Args::parse().asked.run(play, count)
}

fn count(against: &Against) -> anyhow::Result<bool> {
    let counting = Counting {
        what: "comparison",
        function: "*crossfade_benches::comparison::counted*",
        times: 3,
        against,
    };
    let counts = counting.count(Case::ALL, Case::as_str)?;
    let holds = counting.hold(&counts, Case::as_str)?;
    Ok(none_is_steep(&not_linear(&counts), Case::as_str) && holds)
}
