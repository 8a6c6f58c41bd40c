//! `cargo xtask conformance`: recorded real traffic is played through the proxy, decoded, translated, and judged by other
//! people's code. What comes out is counted, and the counts are frozen in a file that a change must touch.
//!
//! The recordings are not part of the project; without them nothing is judged, and the command says so.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::{print, python::Python, workspace};

mod answers;
mod calls;
mod client;
mod counts;
mod grade;
mod judge;
mod oracle;
mod proxy;
mod records;
mod said;
mod signatures;
mod stage;
mod translation;
mod transparency;

use counts::Counts;
use records::Record;

/// Failures that are shown in full.
const MOST_SHOWN: usize = 40;

/// What `conformance` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The directory of recorded data; else ../shared/data beside the workspace
    #[arg(env = "CROSSFADE_DATA")]
    data: Option<PathBuf>,
    /// Write the counts to the frozen file instead of comparing them with it
    #[arg(long)]
    update: bool,
    /// Only these parts; nothing is held against the frozen file then
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Where random pieces begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What can be held against the recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Recorded requests, translated for models of several families
    Translation,
    /// What other translators make of requests, answers and streams
    Oracle,
    /// Recorded answers, read by the official client
    Answers,
    /// Recorded requests, asked for real
    Calls,
    /// Every form of a model's path, signed here and by botocore
    Signatures,
    /// Every recorded answer, passed on byte for byte
    Transparency,
}

/// What every part works with.
struct Material {
    records: Vec<Record>,
    data: PathBuf,
    python: Python,
    runtime: tokio::runtime::Runtime,
    seed: u64,
}

/// Runs every part, even after one has failed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Some(data) = find(arguments.data.as_deref(), &workspace::root()) else {
        print::line("SKIPPED: no recorded data (give its directory, or set CROSSFADE_DATA)");
        return Ok(());
    };
    let here = workspace::root().join("crates/xtask");
    let material = Material {
        records: records::read(&data)
            .with_context(|| format!("cannot read the recordings in {}", data.display()))?,
        data,
        python: Python::with_requirements("conformance", &here.join("python/requirements.txt"))?,
        runtime: tokio::runtime::Runtime::new().context("cannot start the runtime")?,
        seed: arguments.seed,
    };
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    for part in <Part as clap::ValueEnum>::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(part) {
            continue;
        }
        match part.check(&material, &mut counts) {
            Ok(found) => failures.extend(found.into_iter().map(|what| format!("{part:?}: {what}"))),
            Err(error) => failures.push(format!("{part:?} could not be judged: {error:#}")),
        }
    }
    print::line(&counts);
    for failure in failures.iter().take(MOST_SHOWN) {
        print::line(failure);
    }
    ensure!(
        failures.is_empty(),
        "{} recordings did not conform",
        failures.len()
    );
    if !arguments.only.is_empty() {
        return Ok(());
    }
    counts.settle(&here.join("conformance.expected"), arguments.update)
}

// === impl Part ===

impl Part {
    /// What is wrong.
    fn check(self, material: &Material, counts: &mut Counts) -> Result<Vec<String>> {
        let Material {
            records,
            data,
            python,
            runtime,
            seed,
        } = material;
        match self {
            Self::Translation => translation::check(records, data, python, counts),
            Self::Oracle => runtime.block_on(oracle::check(data, python, counts)),
            Self::Answers => runtime.block_on(answers::check(records, python, *seed, counts)),
            Self::Signatures => runtime.block_on(signatures::check(python, counts)),
            Self::Calls => runtime.block_on(calls::check(records, counts)),
            Self::Transparency => runtime.block_on(transparency::check(records, *seed, counts)),
        }
    }
}

/// The data's directory: the one that was named, which must exist then; else beside the workspace, if it is there.
fn find(named: Option<&Path>, root: &Path) -> Option<PathBuf> {
    let beside = || Some(root.parent()?.join("shared/data"));
    let beside = || beside().filter(|directory| directory.is_dir());
    named.map(Path::to_path_buf).or_else(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_named_or_beside_or_absent() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("workspace");
        assert_eq!(find(None, &root), None);
        assert_eq!(
            find(Some(Path::new("gone")), &root),
            Some(PathBuf::from("gone"))
        );
        let beside = place.path().join("shared/data");
        std::fs::create_dir_all(&beside).unwrap();
        assert_eq!(find(None, &root), Some(beside));
        assert_eq!(
            find(Some(Path::new("gone")), &root),
            Some(PathBuf::from("gone"))
        );
    }
}
