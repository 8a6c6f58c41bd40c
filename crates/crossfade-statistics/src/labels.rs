//! Which label the one answer gives where the other gives which.

use std::collections::BTreeMap;

use crossfade_exchange::{Check, CheckOutcome, Verdict};
use serde::{Deserialize, Serialize};

use crate::frequent::as_list;

/// Labels that are told apart.
const MOST_LABELS: u16 = 256;
/// Cells that are kept; a pair that would need another is counted apart.
const MOST_CELLS: usize = 4_096;

/// Pairs by the label of the first and of the second answer; `None` is an answer without one of the route's labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Labels {
    #[serde(with = "as_list")]
    cells: BTreeMap<(Option<u16>, Option<u16>), u64>,
    beyond: u64,
}

// === impl Labels ===

impl Labels {
    /// Counts a pair whose labels were judged, or of which an answer lacks one.
    pub(crate) fn add(&mut self, verdict: &Verdict) {
        let applies = verdict.check(Check::Label).is_some_and(|result| {
            matches!(result.outcome, CheckOutcome::Pass | CheckOutcome::Fail)
        });
        let Some((first, second)) = verdict.primary.as_ref().zip(verdict.candidate.as_ref()) else {
            return;
        };
        if !applies {
            return;
        }
        let known = |label: Option<u16>| label.filter(|label| *label < MOST_LABELS);
        let cell = (known(first.label), known(second.label));
        if self.cells.len() >= MOST_CELLS && !self.cells.contains_key(&cell) {
            self.beyond += 1;
            return;
        }
        *self.cells.entry(cell).or_default() += 1;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = ((Option<u16>, Option<u16>), u64)> {
        self.cells.iter().map(|(cell, count)| (*cell, *count))
    }

    /// Pairs of a cell that is not kept.
    pub(crate) const fn beyond(&self) -> u64 {
        self.beyond
    }
}
