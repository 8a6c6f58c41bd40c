//! Do the sequential tests do what their design promises? Simulated requests by the ten thousand, in simulated time, through
//! the engines themselves, the ordering buffer, the fold and the outcome log. Seeded, so that a figure can be looked at
//! again; no network, and no files but a log in a temporary directory.
//!
//! `cargo xtask decisions` builds and runs this optimised: it is a program of its own, so that nothing else has to be.

mod engines;
mod exact;
mod gates;
mod null;
mod peers;
mod report;
mod runs;
mod table;
mod theory;
mod vector;

use std::process::ExitCode;

use clap::{Parser, ValueEnum as _};

use report::Report;
use runs::Scale;

/// Holds the sequential tests against what their design promises. Fails where a bound is broken.
///
/// Example: cargo xtask decisions --quick
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "decisions")]
struct Args {
    /// Runs behind each rate of false roll-backs; other figures scale with it.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..))]
    runs: u32,
    /// Where all random numbers come from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// A twentieth of the runs, with the wider bounds that so few allow.
    #[arg(long)]
    quick: bool,
    /// Only this part.
    #[arg(long)]
    only: Option<Part>,
}

/// A part of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// The reference's test vectors.
    Vectors,
    /// The design's table.
    Table,
    /// What other rules do.
    Peers,
    /// Engine G.
    Gates,
    /// Routes without trouble.
    Null,
    /// The same without what keeps them valid.
    Counterexamples,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let runs = if args.quick {
        args.runs.div_ceil(20).max(100)
    } else {
        args.runs
    };
    let scale = Scale::new(runs, args.seed);
    let mut report = Report::begin(scale);
    for part in Part::value_variants() {
        if args.only.is_some_and(|only| only != *part) {
            continue;
        }
        match part {
            Part::Vectors => vector::run(&mut report),
            Part::Table => table::run(scale, &mut report),
            Part::Peers => peers::run(scale, &mut report),
            Part::Gates => gates::run(scale, &mut report),
            Part::Null => null::run(scale, &mut report),
            Part::Counterexamples => null::counterexamples(scale, &mut report),
        }
    }
    if report.end() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
