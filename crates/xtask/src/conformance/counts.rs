//! What was counted, and the frozen file it is held against.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::{Context as _, Result, bail};

use crate::print;

const HEADER: &str = "# What `cargo xtask conformance` counts over the recorded data. A change that moves a number touches\n\
                      # this file, by `cargo xtask conformance --update`, and says why.\n";

/// Counts by dotted name.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<String, u64>);

// === impl Counts ===

impl Counts {
    /// Counts one more.
    pub(super) fn add(&mut self, name: impl Into<String>) {
        *self.0.entry(name.into()).or_default() += 1;
    }

    /// Notes a count that was made elsewhere.
    pub(super) fn set(&mut self, name: impl Into<String>, count: u64) {
        self.0.insert(name.into(), count);
    }

    /// What was counted under a name.
    pub(super) fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Compares with the frozen file, or writes it.
    pub(super) fn settle(&self, file: &Path, update: bool) -> Result<()> {
        let text = format!("{HEADER}{self}");
        if update {
            return fs::write(file, text)
                .with_context(|| format!("cannot write {}", file.display()));
        }
        let frozen = fs::read_to_string(file)
            .with_context(|| format!("cannot read {}: make it with --update", file.display()))?;
        if frozen == text {
            return Ok(());
        }
        let old: Vec<&str> = frozen.lines().collect();
        let new: Vec<&str> = text.lines().collect();
        for line in old.iter().filter(|line| !new.contains(line)) {
            print::line(format_args!("- {line}"));
        }
        for line in new.iter().filter(|line| !old.contains(line)) {
            print::line(format_args!("+ {line}"));
        }
        bail!(
            "the counts differ from {}: see why, then run with --update",
            file.display()
        )
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(name, count)| writeln!(f, "{name} = {count}"))
    }
}
