//! Engine R: the sequential test on the live split, for one metric. It stays valid however often it is looked at:
//! while the candidate is no worse than `r` times the primary plus φ, W exceeds 1/α with probability at most α, ever.
//! It does not know what a roll-back is.
//!
//! Everything is multiplied and divided in one fixed order, without logarithms or fused operations, so that the
//! ledger can be recomputed to the bit on any machine.

use crossfade_exchange::{Metric, Side};

/// How many times worse the candidate may be before it counts.
pub(crate) const R: f64 = 1.25;
/// By how much the candidate may be worse before it counts, as a probability.
const PHI: f64 = 0.0025;
/// The same for first content that comes late, which is about 5 % on both sides by the choice of τ.
const PHI_SLOW: f64 = 0.0125;
/// The alternatives bet on: how many times worse than `r` the candidate may have become.
const U: [f64; 7] = [1.5, 2.0, 3.0, 5.0, 10.0, 25.0, 60.0];
/// The part of the stake on each alternative.
const PI: [f64; 7] = [0.22, 0.22, 0.18, 0.14, 0.10, 0.08, 0.06];
/// A rate near 5 % cannot become 25 or 60 times as large: late answers are tested without the last two, whose stake is
/// given up rather than spread.
const SLOW_BETS: usize = 5;
/// The stake at first held back, to bet that trouble starts later.
pub(crate) const RESERVE: f64 = 0.3;
/// No bet grows beyond it, so that nothing overflows.
pub(crate) const CLAMP: f64 = 1e100;

/// The state of the test of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineR {
    phi: f64,
    bets: Vec<f64>,
    reserve: f64,
    /// Candidate answers so far; a whole number.
    candidates: f64,
    w: f64,
    factors: Option<Factors>,
}

/// What one answer multiplies each bet by, for one probability of the candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Factors {
    probability: f64,
    candidate_bad: [f64; 7],
    candidate_good: [f64; 7],
    primary_bad: [f64; 7],
}

/// By how much the candidate may be worse at `metric` before it counts.
pub(crate) const fn phi(metric: Metric) -> f64 {
    match metric {
        Metric::Slow => PHI_SLOW,
        Metric::Transport
        | Metric::Stream
        | Metric::Envelope
        | Metric::JsonParse
        | Metric::JsonSchema
        | Metric::RequiredFields
        | Metric::Refusal
        | Metric::Cost
        | Metric::Review => PHI,
    }
}

// === impl EngineR ===

impl EngineR {
    /// The test of `metric` before its first answer.
    pub fn new(metric: Metric) -> Self {
        let phi = phi(metric);
        let bets = if metric == Metric::Slow {
            SLOW_BETS
        } else {
            PI.len()
        };
        let bets: Vec<f64> = PI
            .iter()
            .take(bets)
            .map(|pi| (1.0 - RESERVE) * pi)
            .collect();
        let mut engine = Self {
            phi,
            bets,
            reserve: RESERVE,
            candidates: 0.0,
            w: 0.0,
            factors: None,
        };
        engine.w = engine.total();
        engine
    }

    /// The evidence against the candidate after the last answer; about 1 before the first.
    pub const fn w(&self) -> f64 {
        self.w
    }

    /// Takes one answer in: the side that was drawn, whether it was `bad` and its unit's first bad one, and the
    /// probability of the candidate when it was drawn. Returns W. An answer that was not drawn (`probability` not
    /// strictly between 0 and 1) changes nothing.
    pub fn answer(&mut self, side: Side, bad: bool, probability: f64) -> f64 {
        if !(probability > 0.0 && probability < 1.0) {
            return self.w;
        }
        let factors = self.factors(probability);
        match (side, bad) {
            (Side::Candidate, true) => self.multiply(&factors.candidate_bad),
            (Side::Candidate, false) => self.multiply(&factors.candidate_good),
            (Side::Primary, true) => self.multiply(&factors.primary_bad),
            (Side::Primary, false) => {}
        }
        self.w = self.total();
        if side == Side::Candidate {
            // After the test: before it, the reserve would bet on this very answer.
            self.stake_from_reserve();
        }
        self.w
    }

    /// The share was raised: a quarter of the reserve goes on the bets. Valid because a step is decided on the past.
    pub fn ramp_step(&mut self) {
        for (bet, pi) in self.bets.iter_mut().zip(PI) {
            *bet += pi * self.reserve / 4.0;
        }
        self.reserve *= 3.0 / 4.0;
        self.w = self.total();
    }

    fn multiply(&mut self, factors: &[f64; 7]) {
        for (bet, factor) in self.bets.iter_mut().zip(factors) {
            *bet = (*bet * factor).min(CLAMP);
        }
    }

    fn total(&self) -> f64 {
        self.reserve + self.bets.iter().sum::<f64>()
    }

    fn stake_from_reserve(&mut self) {
        let h = 0.25 / (self.candidates + 500.0);
        self.candidates += 1.0;
        for (bet, pi) in self.bets.iter_mut().zip(PI) {
            *bet += pi * h * self.reserve;
        }
        self.reserve *= 1.0 - h;
    }

    /// Kept for the last probability, because it changes only with the split.
    fn factors(&mut self, probability: f64) -> Factors {
        match self.factors {
            Some(known) if known.probability.to_bits() == probability.to_bits() => known,
            _ => {
                let made = Factors::new(probability, self.phi);
                self.factors = Some(made);
                made
            }
        }
    }
}

// === impl Factors ===

impl Factors {
    /// The mean factor is `1 + κ·w·(p_c − r·p_p − φ)`: at most 1 while the candidate is not worse.
    fn new(w: f64, phi: f64) -> Self {
        let q0 = w * R / (w * R + 1.0 - w);
        let kappa = U.map(|u| {
            let g = R * u;
            ((w * g / (w * g + 1.0 - w)) / q0 - 1.0).min(0.9 / phi)
        });
        Self {
            probability: w,
            candidate_bad: kappa.map(|k| 1.0 + k * (1.0 - phi)),
            candidate_good: kappa.map(|k| 1.0 - k * phi),
            // Never below 0 but for rounding, when w is within a few ulp of 1.
            primary_bad: kappa.map(|k| (1.0 - k * w * R / (1.0 - w)).max(0.0)),
        }
    }
}

#[cfg(test)]
mod tests;
