//! Whether the units on the two sides are as many as the coin says: a sequential test of the sample ratio. If the answers of one
//! side get lost on their way here, engine R is fed by selection, and the ramp must stand still.

use crossfade_exchange::{Side, Unit};

use crate::{bets::Bets, filter::Filters};

const BETS: usize = 6;
/// The alternatives bet on: how many times the odds of the candidate differ from the coin's.
const ODDS: [f64; BETS] = [0.5, 0.8, 0.95, 1.05, 1.25, 2.0];
/// 1/α with α = 0.1 %: once for the whole attempt.
const THRESHOLD: f64 = 1_000.0;

/// The state of the test. Counts each unit under each salt once, when it is first seen: its side is then one throw of the coin,
/// whatever it does afterwards. Holds up to two filters of 1 MiB.
#[derive(Clone, Debug)]
pub(crate) struct SampleRatio {
    seen: Filters<2>,
    bets: Bets<BETS>,
    broken: bool,
}

impl SampleRatio {
    pub(crate) fn new() -> Self {
        Self {
            seen: Filters::default(),
            bets: Bets::new(),
            broken: false,
        }
    }

    /// Takes one drawn answer in.
    pub(crate) fn answer(&mut self, side: Side, probability: f64, salt: u64, unit: Unit) {
        if self.broken || !self.seen.first(salt, b"seen", unit) {
            return;
        }
        let factors = ODDS.map(|odds| {
            let norm = probability * odds + 1.0 - probability;
            match side {
                Side::Candidate => odds / norm,
                Side::Primary => 1.0 / norm,
            }
        });
        self.broken = self.bets.multiply(&factors) >= THRESHOLD;
    }

    /// Whether the sides' shares were ever found not to fit.
    pub(crate) const fn is_broken(&self) -> bool {
        self.broken
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.seen.memory_bytes()
    }
}

#[cfg(test)]
mod tests;
