//! `cargo xtask agreement`: the checks' verdicts are held against people's labels, benchmarks' scorers and right answers,
//! over recorded outputs of real models. What comes out is a table; a goal that is missed fails the command.
//!
//! The recordings are not part of the project; they are named by an argument or by `CROSSFADE_DATA`.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::{print, workspace};

mod build;
mod json;
mod labels;
mod noise;
pub(crate) mod recorded;
mod refusals;
mod schemas;
mod table;
mod texts;
pub(crate) mod tools;

use table::Table;

/// What `agreement` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory of recorded data
    #[arg(env = "CROSSFADE_DATA")]
    data: Option<PathBuf>,
    /// Only these sections
    #[arg(long, value_enum)]
    only: Vec<Section>,
    /// Write what was measured to benches/agreement.expected, as the baseline of later runs
    #[arg(long)]
    freeze: bool,
}

/// What is held against the recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Section {
    /// Refusals, against the labels of two people
    Refusals,
    /// JSON as models write it, strictly and leniently, against the schemas that were asked for
    Json,
    /// Labels and numbers, against right answers
    Labels,
    /// Calls of tools, against a benchmark's scorer
    Tools,
    /// Schemas, against labelled instances
    Schemas,
    /// Free text: numbers, length, language, form
    Texts,
    /// A model against itself, and against a planted shift
    Noise,
}

/// Measures every section, even after one has failed; fails where a goal is missed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Some(data) = &arguments.data else {
        print::line("SKIPPED: no recorded data (give its directory, or set CROSSFADE_DATA)");
        return Ok(());
    };
    ensure!(
        data.is_dir(),
        "{} is no directory of recorded data",
        data.display()
    );
    let mut table = Table::default();
    let mut failures = Vec::new();
    for section in <Section as clap::ValueEnum>::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(section) {
            continue;
        }
        table.begin(*section);
        if let Err(error) = section.measure(data, &mut table) {
            failures.push(format!("{}: {error:#}", section.name()));
        }
    }
    print::line(&table);
    table.settle(
        &workspace::root().join("benches/agreement.expected"),
        arguments.freeze,
    )?;
    for failure in &failures {
        print::line(failure);
    }
    let missed = table.missed();
    ensure!(failures.is_empty(), "{} sections failed", failures.len());
    ensure!(missed == 0, "{missed} goals are missed");
    Ok(())
}

// === impl Section ===

impl Section {
    /// As it is written on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Refusals => "refusals",
            Self::Json => "json",
            Self::Labels => "labels",
            Self::Tools => "tools",
            Self::Schemas => "schemas",
            Self::Texts => "texts",
            Self::Noise => "noise",
        }
    }

    fn measure(self, data: &Path, table: &mut Table) -> Result<()> {
        match self {
            Self::Refusals => refusals::section(data, table),
            Self::Json => json::section(data, table),
            Self::Labels => labels::section(data, table),
            Self::Tools => tools::section(data, table),
            Self::Schemas => schemas::section(data, table),
            Self::Texts => texts::section(data, table),
            Self::Noise => noise::section(data, table),
        }
        .with_context(|| format!("cannot measure {}", self.name()))
    }
}
