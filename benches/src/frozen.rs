//! Counts by case, held against what was frozen and against their size.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::Context as _;

use crate::{
    instructions::{TOLERANCE, counted},
    print,
    program::Against,
};

/// What is counted, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a> {
    /// What one case is: `translation`.
    pub what: &'static str,
    /// The function that is counted, with everything under it.
    pub function: &'static str,
    /// Times that a case is played.
    pub times: u64,
    /// What the counts are held against.
    pub against: &'a Against,
}

// === impl Counting ===

impl Counting<'_> {
    /// Counts every case, named by what `play` takes.
    ///
    /// # Errors
    /// When this is no optimised build, or valgrind fails.
    pub fn count<C: Copy + Ord>(
        &self,
        cases: &[C],
        name: impl Fn(C) -> &'static str,
    ) -> anyhow::Result<BTreeMap<C, u64>> {
        anyhow::ensure!(
            !cfg!(debug_assertions),
            "an unoptimised build says nothing: build with --release"
        );
        let mut counts = BTreeMap::new();
        for case in cases {
            print::progress(name(*case));
            let times = self.times.to_string();
            let total = counted(&["play", name(*case), &times], self.function)?;
            counts.insert(*case, total / self.times);
        }
        Ok(counts)
    }

    /// Prints the counts beside the frozen ones, and freezes them where that is asked. Whether they hold.
    ///
    /// # Errors
    /// When the frozen counts cannot be read or written.
    pub fn hold<C: Copy + Ord>(
        &self,
        counts: &BTreeMap<C, u64>,
        name: impl Fn(C) -> &'static str,
    ) -> anyhow::Result<bool> {
        let what = self.what;
        let Against { check, freeze, .. } = *self.against;
        let file = self.against.file(what);
        let frozen = match std::fs::read_to_string(&file) {
            Ok(text) => parse(&text)?,
            Err(_) if !check => BTreeMap::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", file.display()));
            }
        };
        print::line(format_args!(
            "| {what} | instructions | since frozen |\n|---|--:|--:|"
        ));
        let mut holds = true;
        for (case, count) in counts {
            let name = name(*case);
            let before = frozen.get(name).filter(|before| **before > 0);
            #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
            let drift = before.map(|before| *count as f64 / *before as f64 - 1.0);
            let shown = drift.map_or_else(
                || "–".to_owned(),
                |drift| format!("{:+.1} %", drift * 100.0),
            );
            print::line(format_args!("| {name} | {count} | {shown} |"));
            holds &= drift.is_some_and(|drift| drift.abs() <= TOLERANCE);
        }
        if freeze {
            std::fs::write(&file, self.text(counts, name))?;
        }
        Ok(holds || !check)
    }

    fn text<C: Copy + Ord>(
        &self,
        counts: &BTreeMap<C, u64>,
        name: impl Fn(C) -> &'static str,
    ) -> String {
        let what = self.what;
        let mut text =
            format!("# Instructions of one {what}. Made by `{what} --freeze`; see README.md.\n");
        for (case, count) in counts {
            // Writing to a string cannot fail.
            let _ignored = writeln!(text, "{} {count}", name(*case));
        }
        text
    }
}

fn parse(text: &str) -> anyhow::Result<BTreeMap<String, u64>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, count) = line
                .split_once(' ')
                .with_context(|| format!("{line:?} is no name and count"))?;
            Ok((name.to_owned(), count.trim().parse()?))
        })
        .collect()
}

/// Pairs of a middle size and a larger one whose larger costs more than `most` times as much for its size, and by which factor.
pub fn steep<C: Copy + Ord>(
    counts: &BTreeMap<C, u64>,
    pairs: &[(C, C)],
    size: impl Fn(C) -> u64,
    most: f64,
) -> Vec<(C, f64)> {
    let growth = pairs.iter().filter_map(|(middle, largest)| {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let each = |case: &C| counts.get(case).map(|n| *n as f64 / size(*case) as f64);
        Some((*largest, each(largest)? / each(middle)?))
    });
    growth.filter(|(_, growth)| *growth > most).collect()
}

/// Says which cases are steep; whether none is.
pub fn none_is_steep<C: Copy>(steep: &[(C, f64)], name: impl Fn(C) -> &'static str) -> bool {
    for (case, growth) in steep {
        print::progress(format_args!(
            "{} costs {growth:.2} times as much for its size as the smaller one: it is not linear",
            name(*case)
        ));
    }
    steep.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(case: u8) -> &'static str {
        ["zero", "one", "two"][usize::from(case)]
    }

    #[test]
    fn counts_hold_within_the_tolerance_of_what_was_frozen() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("expected");
        let checking = Against {
            check: true,
            freeze: false,
            expected: Some(file.clone()),
        };
        let freezing = Against {
            check: false,
            freeze: true,
            ..checking.clone()
        };
        let against = |against| Counting {
            what: "test",
            function: "*",
            times: 1,
            against,
        };
        let (counting, freezing) = (against(&checking), against(&freezing));
        let counts = |count| BTreeMap::from([(0_u8, count), (1, 7)]);
        assert!(
            counting.hold(&counts(1000), name).is_err(),
            "nothing is frozen"
        );
        assert!(freezing.hold(&counts(1000), name).unwrap());
        for (count, holds) in [(1000, true), (1029, true), (1031, false), (960, false)] {
            assert_eq!(
                counting.hold(&counts(count), name).unwrap(),
                holds,
                "{count}"
            );
        }
        std::fs::write(&file, "one many").unwrap();
        assert!(counting.hold(&counts(1000), name).is_err());
    }

    #[test]
    fn what_is_not_linear_is_named() {
        let counts = [(0_u8, 32_000), (1, 1_024_000), (2, 32_768_000)];
        let size = |case| if case == 0 { 32 } else { 1024 };
        let found = steep(&counts.into(), &[(0, 1), (0, 2)], size, 1.25);
        let [(2, growth)] = found[..] else {
            panic!("{found:?}");
        };
        assert!((growth - 32.0).abs() < 1e-9);
        assert!(!none_is_steep(&found, name) && none_is_steep::<u8>(&[], name));
    }
}
