//! Instructions of translation by direction and size, counted by callgrind and held against what was frozen. `--help`
//! says more.

use std::process::ExitCode;

use clap::Parser;

use crossfade_benches::{
    frozen::{Counting, none_is_steep},
    program::{Against, Asked},
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
    #[command(flatten)]
    asked: Asked<Case>,
}

fn main() -> ExitCode {
    Args::parse().asked.run(play, count)
}

fn count(against: &Against) -> anyhow::Result<bool> {
    let counting = Counting {
        what: "translation",
        function: "*crossfade_benches::translation::counted*",
        times: 5,
        against,
    };
    let counts = counting.count(Case::ALL, Case::as_str)?;
    let holds = counting.hold(&counts, Case::as_str)?;
    Ok(none_is_steep(&not_linear(&counts), Case::as_str) && holds)
}
