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
mod proxy;
mod records;
mod said;
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
    /// Where random pieces begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs every part, even after one has failed.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Some(data) = find(arguments.data.as_deref(), &workspace::root()) else {
        print::line("SKIPPED: no recorded data (give its directory, or set CROSSFADE_DATA)");
        return Ok(());
    };
    let records = records::read(&data)
        .with_context(|| format!("cannot read the recordings in {}", data.display()))?;
    let here = workspace::root().join("crates/xtask");
    let python = Python::with_requirements("conformance", &here.join("python/requirements.txt"))?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    for (name, found) in [
        (
            "translation",
            translation::check(&records, &data, &python, &mut counts),
        ),
        (
            "answers",
            runtime.block_on(answers::check(
                &records,
                &python,
                arguments.seed,
                &mut counts,
            )),
        ),
        (
            "calls",
            runtime.block_on(calls::check(&records, &mut counts)),
        ),
        (
            "transparency",
            runtime.block_on(transparency::check(&records, arguments.seed, &mut counts)),
        ),
    ] {
        match found {
            Ok(found) => failures.extend(found.into_iter().map(|what| format!("{name}: {what}"))),
            Err(error) => failures.push(format!("{name} could not be judged: {error:#}")),
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
    counts.settle(&here.join("conformance.expected"), arguments.update)
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
