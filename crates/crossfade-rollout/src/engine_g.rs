//! Engine G: the sequential test that gates an advance, for one margin: non-inferiority of bounded differences. It does not
//! know what a sample is.
//!
//! Null: each sample's mean, given all before it, is at least the margin δ. Each bet is multiplied by `1 + λ(δ − x)`, whose mean
//! is then at most 1: so W exceeds 1/α with probability at most α, however often it is looked at. The grid is fixed on
//! purpose: bets that adapt save nothing here, and pass wrongly where day and night differ. Plain multiplications in one fixed
//! order, as in engine R.

use crate::engine::CLAMP;

/// How many bets there are.
pub(crate) const BETS: usize = 9;
/// Parts of the largest bet, `1/(1 − δ)`, at which one sample could ruin the stake.
pub(crate) const LAMBDA: [f64; BETS] = [0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.75, 0.95];

/// The state of the test of one gate.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineG {
    margin: f64,
    /// λ of each bet.
    scale: [f64; BETS],
    bets: [f64; BETS],
    w: f64,
}

impl EngineG {
    /// The test that the mean is under `margin`, before its first sample. A margin that is not above 0 and below 1 never
    /// passes.
    pub fn new(margin: f64) -> Self {
        let valid = margin > 0.0 && margin < 1.0;
        let bets = [if valid { 1.0 / 9.0 } else { 0.0 }; BETS];
        Self {
            margin: if valid { margin } else { 0.0 },
            scale: LAMBDA.map(|lambda| if valid { lambda / (1.0 - margin) } else { 0.0 }),
            bets,
            w: bets.iter().sum(),
        }
    }

    /// The evidence that the mean is under the margin; about 1 before the first sample.
    pub const fn w(&self) -> f64 {
        self.w
    }

    /// Takes the mean of one unit in, −1..=1 (what is beyond counts as the bound, what is no number not at all). Returns W.
    pub fn unit(&mut self, x: f64) -> f64 {
        if x.is_nan() {
            return self.w;
        }
        let gap = self.margin - x.clamp(-1.0, 1.0);
        for (bet, scale) in self.bets.iter_mut().zip(self.scale) {
            *bet = (*bet * (1.0 + scale * gap)).min(CLAMP);
        }
        self.w = self.bets.iter().sum();
        self.w
    }

    /// Each bet's stake, and what a sample of 0 multiplies it by.
    pub(crate) fn bets(&self) -> impl Iterator<Item = (f64, f64)> {
        let zero = self.scale.map(|scale| 1.0 + scale * self.margin);
        self.bets.into_iter().zip(zero)
    }
}

#[cfg(test)]
mod tests;
