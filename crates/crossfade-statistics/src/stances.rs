//! Who refuses what the other answers.

use crossfade_exchange::{Stance, Verdict};
use serde::{Deserialize, Serialize};

/// Pairs by the stance of the first and of the second answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stances {
    cells: [u64; 9],
}

// === impl Stances ===

impl Stances {
    pub(crate) fn add(&mut self, verdict: &Verdict) {
        let stances = verdict.primary.as_ref().zip(verdict.candidate.as_ref());
        let Some((first, second)) =
            stances.and_then(|(first, second)| first.stance.zip(second.stance))
        else {
            return;
        };
        if let Some(cell) = self.cells.get_mut(Self::index(first, second)) {
            *cell += 1;
        }
    }

    pub(crate) fn cell(&self, first: Stance, second: Stance) -> u64 {
        let cell = self.cells.get(Self::index(first, second));
        cell.copied().unwrap_or_default()
    }

    pub(crate) fn total(&self) -> u64 {
        self.cells.iter().sum()
    }

    /// Pairs of which exactly one answer refuses in full: the second, then the first.
    pub(crate) fn flips(&self) -> (u64, u64) {
        let answers = [Stance::Comply, Stance::Partial];
        let to = answers
            .iter()
            .map(|stance| self.cell(*stance, Stance::Full));
        let from = answers
            .iter()
            .map(|stance| self.cell(Stance::Full, *stance));
        (to.sum(), from.sum())
    }

    const fn index(first: Stance, second: Stance) -> usize {
        first.index() * 3 + second.index()
    }
}
