//! `cargo xtask decisions`: does the roll-back test do what its design promises? Simulated requests go through the real
//! `decide`, the real ordering buffer, the record format of the outcome log and the real fold, never around them.
//! Seeded, so that a figure can be looked at again; no network, no files.

mod healthy;
mod mirror;
mod outage;
mod report;
mod table;
mod vector;
mod world;

use anyhow::{Result, ensure};

use report::Report;

/// Arguments of `cargo xtask decisions`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Args {
    /// Runs behind each figure of the table; other scenarios scale with it.
    #[arg(long, default_value_t = 1_000)]
    runs: u32,
    /// Where all random numbers come from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// A tenth of the runs, with the wider bounds that so few allow.
    #[arg(long)]
    quick: bool,
}

/// How much to simulate.
#[derive(Clone, Copy, Debug)]
struct Scale {
    runs: u32,
    seed: u64,
}

impl Scale {
    /// For the figure of this number, which has random numbers of its own.
    const fn at(self, number: u64) -> Self {
        Self {
            seed: self.seed.wrapping_mul(1_000).wrapping_add(number),
            ..self
        }
    }

    const fn runs(self, runs: u32) -> Self {
        Self { runs, ..self }
    }

    /// A seed for each run.
    fn seeds(self) -> impl Iterator<Item = u64> {
        (0..u64::from(self.runs))
            .map(move |run| self.seed.wrapping_mul(1_000_000).wrapping_add(run))
    }
}

/// Runs every scenario, prints the table, and fails if a bound is broken.
pub(crate) fn run(args: Args) -> Result<()> {
    let runs = if args.quick {
        args.runs.div_ceil(10)
    } else {
        args.runs
    };
    ensure!(
        runs >= 10,
        "--runs {} is too few: use at least 10 (100 with --quick)",
        args.runs
    );
    let scale = Scale {
        runs,
        seed: args.seed,
    };
    let mut report = Report::begin(scale);
    vector::run(&mut report);
    table::run(scale, &mut report);
    healthy::run(scale, &mut report);
    outage::run(scale, &mut report);
    mirror::run(scale, &mut report);
    let broken = report.end();
    ensure!(
        broken == 0,
        "{broken} bounds are broken: see the lines marked BROKEN above"
    );
    Ok(())
}
