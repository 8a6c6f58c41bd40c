//! What one check said, on pairs and on repeats.

use crossfade_exchange::{CheckOutcome, CheckResult};
use serde::{Deserialize, Serialize};

use crate::{
    confidence::Rate,
    histogram::{Histogram, Scale},
};

/// A check's outcomes and scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    outcomes: [u64; 4],
    scores: Histogram,
}

/// A check on pairs of candidate and primary, on the primary against itself, on the candidate against itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CheckTallies {
    pub(crate) pairs: Tally,
    pub(crate) noise: Tally,
    pub(crate) candidate_noise: Tally,
}

// === impl Tally ===

impl Default for Tally {
    fn default() -> Self {
        Self {
            outcomes: [0; 4],
            scores: Histogram::new(Scale::Score),
        }
    }
}

impl Tally {
    pub(crate) fn add(&mut self, result: &CheckResult) {
        if let Some(count) = self.outcomes.get_mut(result.outcome.index()) {
            *count += 1;
        }
        match result.outcome {
            CheckOutcome::Pass | CheckOutcome::Fail => self.scores.add(result.score),
            CheckOutcome::Na | CheckOutcome::Error => {}
        }
    }

    pub(crate) fn count(&self, outcome: CheckOutcome) -> u64 {
        let count = self.outcomes.get(outcome.index());
        count.copied().unwrap_or_default()
    }

    /// How often it passed or failed.
    pub(crate) fn judged(&self) -> u64 {
        self.count(CheckOutcome::Pass) + self.count(CheckOutcome::Fail)
    }

    /// The rate of failures among what was judged.
    pub(crate) fn failures(&self) -> Rate {
        Rate::new(self.count(CheckOutcome::Fail), self.judged())
    }

    pub(crate) const fn scores(&self) -> &Histogram {
        &self.scores
    }
}
