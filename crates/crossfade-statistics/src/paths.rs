//! Which places differ, between the sides and between the primary and itself.

use std::collections::BTreeSet;

use crossfade_exchange::{Check, CheckOutcome, Difference, DifferenceKind, Verdict};
use serde::{Deserialize, Serialize};

use crate::{frequent::Frequent, places};

/// Places that are kept.
const MOST: usize = 1_024;

/// How often answers differ, by check and place; of checks that are only reported too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Paths {
    counts: Frequent<(Check, String), PathCount>,
}

/// How often answers differ at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PathCount {
    /// Between candidate and primary.
    pub(crate) pairs: u64,
    /// Between the primary and itself.
    pub(crate) noise: u64,
    /// Whether the check names it as a place, so that the configuration can speak of it.
    pub(crate) placed: bool,
    /// Of `pairs`, by kind; a pair may differ in more than one way.
    kinds: [u64; 6],
}

/// Whose answers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compared {
    /// Candidate and primary.
    Pair,
    /// The primary and itself.
    Noise,
}

// === impl Paths ===

impl Default for Paths {
    fn default() -> Self {
        Self {
            counts: Frequent::new(MOST),
        }
    }
}

impl Paths {
    pub(crate) fn add(&mut self, verdict: &Verdict, compared: Compared) {
        for result in &verdict.checks {
            match result.outcome {
                CheckOutcome::Pass | CheckOutcome::Fail => {}
                CheckOutcome::Na | CheckOutcome::Error => continue,
            }
            let differences: BTreeSet<(String, DifferenceKind)> = result
                .differences
                .iter()
                .map(|Difference { path, kind }| (places::general(path), *kind))
                .collect();
            if differences.is_empty() && result.outcome == CheckOutcome::Fail {
                let key = (result.check, places::unplaced(result));
                self.add_place(&key, None, compared, false);
            }
            let mut last = None;
            for (path, kind) in differences {
                let again = last.as_ref() == Some(&path);
                let key = (result.check, path);
                self.add_place(&key, Some(kind), compared, again);
                last = Some(key.1);
            }
        }
    }

    fn add_place(
        &mut self,
        key: &(Check, String),
        kind: Option<DifferenceKind>,
        compared: Compared,
        again: bool,
    ) {
        let found = if again {
            self.counts.get_mut(key)
        } else {
            self.counts.add(key, PathCount::default)
        };
        let Some(counted) = found else { return };
        counted.value.placed = kind.is_some();
        let once = u64::from(!again);
        match compared {
            Compared::Pair => {
                counted.value.pairs += once;
                let kinds = &mut counted.value.kinds;
                if let Some(count) = kind.and_then(|kind| kinds.get_mut(kind.index())) {
                    *count += 1;
                }
            }
            Compared::Noise => counted.value.noise += once,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Check, &str, &PathCount)> {
        self.counts
            .iter()
            .map(|((check, path), counted)| (*check, path.as_str(), &counted.value))
    }
}

// === impl PathCount ===

impl PathCount {
    /// The kinds of difference between candidate and primary, the most frequent first.
    pub(crate) fn kinds(&self) -> Vec<DifferenceKind> {
        let mut counted: Vec<(u64, DifferenceKind)> = self
            .kinds
            .iter()
            .zip(DifferenceKind::ALL)
            .filter(|(count, _)| **count > 0)
            .map(|(count, kind)| (*count, *kind))
            .collect();
        counted.sort_by_key(|(count, kind)| (std::cmp::Reverse(*count), *kind));
        counted.into_iter().map(|(_, kind)| kind).collect()
    }
}
