//! Engine P: the sequential test on mirrored pairs, for one metric. Both answers of one request are known, so it needs no
//! coin and works at any share, 0 % and 100 % included. It does not know which pairs are worth counting.
//!
//! Null: for each pair, given all before it, `E[c] ≤ r·E[p] + φ`. Each bet is multiplied by `1 + λ(c − r·p − φ)`, whose mean is
//! then at most 1, however the two answers of one request depend on each other. So W exceeds 1/α with probability at most α,
//! ever. Plain multiplications in one fixed order, as in engine R.

use crossfade_exchange::Metric;

use crate::engine::{CLAMP, R, RESERVE, phi};

const BETS: usize = 5;
/// Parts of the largest bet, `1/(r + φ)`, at which one pair could ruin the stake.
const LAMBDA: [f64; BETS] = [0.1, 0.25, 0.5, 0.75, 0.95];

/// The state of the test of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineP {
    bets: [f64; BETS],
    reserve: f64,
    /// Pairs so far; a whole number.
    pairs: f64,
    w: f64,
    factors: Factors,
}

/// What a pair multiplies each bet by, of whom it shows to be bad.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Factors {
    neither: [f64; BETS],
    primary: [f64; BETS],
    candidate: [f64; BETS],
    both: [f64; BETS],
}

// === impl EngineP ===

impl EngineP {
    /// The test of `metric` before its first pair.
    pub fn new(metric: Metric) -> Self {
        let bets = [(1.0 - RESERVE) / 5.0; BETS];
        Self {
            bets,
            reserve: RESERVE,
            pairs: 0.0,
            w: RESERVE + bets.iter().sum::<f64>(),
            factors: Factors::new(phi(metric)),
        }
    }

    /// The evidence against the candidate after the last pair; about 1 before the first.
    pub const fn w(&self) -> f64 {
        self.w
    }

    /// Takes one pair in: whether the candidate was bad, and whether the primary was. Returns W.
    pub fn pair(&mut self, candidate_bad: bool, primary_bad: bool) -> f64 {
        let factors = match (candidate_bad, primary_bad) {
            (false, false) => &self.factors.neither,
            (false, true) => &self.factors.primary,
            (true, false) => &self.factors.candidate,
            (true, true) => &self.factors.both,
        };
        let h = 0.25 / (self.pairs + 500.0);
        self.pairs += 1.0;
        for (bet, factor) in self.bets.iter_mut().zip(factors) {
            *bet = ((*bet + h * self.reserve / 5.0) * factor).min(CLAMP);
        }
        self.reserve *= 1.0 - h;
        self.w = self.reserve + self.bets.iter().sum::<f64>();
        self.w
    }
}

// === impl Factors ===

impl Factors {
    fn new(phi: f64) -> Self {
        let of = |candidate: f64, primary: f64| {
            let x = candidate - R * primary - phi;
            LAMBDA.map(|lambda| 1.0 + lambda / (R + phi) * x)
        };
        Self {
            neither: of(0.0, 0.0),
            primary: of(0.0, 1.0),
            candidate: of(1.0, 0.0),
            both: of(1.0, 1.0),
        }
    }
}

#[cfg(test)]
mod tests;
