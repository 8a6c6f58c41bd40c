//! Whether the primary itself is in trouble: a one-sample test that its answers are bad no more often than usual. It freezes
//! the ramp; it never rolls back, because what both sides share says nothing of the candidate.

use crate::bets::Bets;

const BETS: usize = 5;
/// The least rate of bad answers that counts as unusual.
const FLOOR: f64 = 0.005;
/// How many times the rate of the shadow watch counts as unusual.
const USUAL: f64 = 2.0;
/// However bad the shadow watch was, more than this is trouble.
const CEILING: f64 = 0.5;
/// The alternatives bet on: how many times worse than that it has become.
const WORSE: [f64; BETS] = [2.0, 4.0, 8.0, 25.0, 100.0];
/// No alternative is a rate above this.
const MOST: f64 = 0.95;
/// 1/α: at most one false sign in a hundred restarts.
const THRESHOLD: f64 = 100.0;
/// So that an hour without an answer bad does not hide the next.
const RESTART_MICROS: u64 = 60 * 60 * 1_000_000;
const QUIET_MICROS: u64 = 15 * 60 * 1_000_000;

/// The state of the test. Times are microseconds since the Unix epoch, of the records.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PrimaryTrouble {
    bad: [f64; BETS],
    good: [f64; BETS],
    bets: Bets<BETS>,
    /// Which hour since the epoch the bets are of.
    hour: u64,
    last_sign: Option<u64>,
}

impl PrimaryTrouble {
    /// The test before its first answer, where `shadow_bad_rate` of the primary's answers were bad before.
    pub(crate) fn new(shadow_bad_rate: Option<f64>) -> Self {
        let usual = shadow_bad_rate
            .filter(|rate| rate.is_finite())
            .map_or(FLOOR, |rate| (USUAL * rate).clamp(FLOOR, CEILING));
        let worse = WORSE.map(|times| (times * usual).min(MOST));
        Self {
            bad: worse.map(|rate| rate / usual),
            good: worse.map(|rate| (1.0 - rate) / (1.0 - usual)),
            bets: Bets::new(),
            hour: 0,
            last_sign: None,
        }
    }

    /// Takes one of the primary's answers in.
    pub(crate) fn answer(&mut self, bad: bool, clock: u64) {
        let hour = clock / RESTART_MICROS;
        if hour != self.hour {
            self.hour = hour;
            self.bets = Bets::new();
        }
        let w = self.bets.multiply(if bad { &self.bad } else { &self.good });
        if w >= THRESHOLD {
            self.last_sign = Some(clock);
            // Found: what comes next must show by itself that it goes on.
            self.bets = Bets::new();
        }
    }

    /// The last sign of trouble, if it is not 15 quiet minutes old.
    pub(crate) fn last_sign(&self, clock: u64) -> Option<u64> {
        self.last_sign
            .filter(|last| clock < last.saturating_add(QUIET_MICROS))
    }
}

#[cfg(test)]
mod tests;
