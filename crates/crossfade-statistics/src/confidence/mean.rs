//! The mean of bounded numbers: betting against each possible mean.

use serde::{Deserialize, Serialize};

use super::{ALPHA, Interval, boundary};

/// Points of the grid that numbers are kept on.
const ATOMS: u16 = 41;
/// How large a part of what may be lost is bet, in the grid of bets: from what suits a million samples to what suits ten.
const BETS: [f64; 14] = [
    0.003, 0.0047, 0.0073, 0.0113, 0.0176, 0.0274, 0.0427, 0.0665, 0.1035, 0.1611, 0.2509, 0.3907,
    0.6084, 0.95,
];

/// Between which bounds the numbers lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// 0..=1: a score, a rate per user.
    Unit,
    /// -1..=1: a difference of two scores or events.
    Signed,
}

/// A confidence sequence for the mean of bounded numbers, of constant size.
///
/// For each possible mean `m`, capital that starts at 1 is bet on the mean being higher, `∏(1 + λ(x−m))`, averaged over a
/// grid of λ, and likewise on it being lower; a mean is excluded once either capital reaches 2/α (Waudby-Smith and Ramdas
/// 2024, hedged capital, with a mixture over constant bets in place of an adaptive one). Bets are parts of what a sample can
/// lose, `λ = c/(m−lowest)`, so that each capital falls (rises) as `m` grows and the means left are an interval.
///
/// Numbers are kept as counts at 41 points; one between two points counts for both in proportion to its nearness. The
/// logarithm of a capital is concave in the number, so that this makes capital smaller, never larger: the bounds stay valid,
/// and they are exact for events and differences of events.
///
/// Assumed: whatever came before, the next number has the same mean. If the mean drifts, a bound says that at *some* time the
/// mean was beyond it. Numbers of one user close together are one number: see [`crate::StatisticsSettings::unit_window_ms`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanSequence {
    range: Range,
    count: u64,
    sum: f64,
    /// How much weight each point of the grid has.
    weights: Vec<f64>,
}

// === impl Range ===

impl Range {
    /// The smallest number.
    pub const fn lowest(self) -> f64 {
        match self {
            Self::Unit => 0.0,
            Self::Signed => -1.0,
        }
    }

    /// The largest number.
    pub const fn highest(self) -> f64 {
        1.0
    }

    const fn width(self) -> f64 {
        self.highest() - self.lowest()
    }

    fn atom(self, index: usize) -> f64 {
        let index = u16::try_from(index).unwrap_or(ATOMS - 1);
        self.lowest() + self.width() * f64::from(index) / f64::from(ATOMS - 1)
    }
}

// === impl MeanSequence ===

impl MeanSequence {
    /// Without numbers.
    pub fn new(range: Range) -> Self {
        Self {
            range,
            count: 0,
            sum: 0.0,
            weights: Vec::new(),
        }
    }

    /// Takes a number; one outside the range counts as the nearest bound, and what is no number is not counted.
    pub fn push(&mut self, number: f64) {
        if number.is_nan() {
            return;
        }
        let number = number.clamp(self.range.lowest(), self.range.highest());
        self.weights.resize(usize::from(ATOMS), 0.0);
        let place = (number - self.range.lowest()) / self.range.width() * f64::from(ATOMS - 1);
        let below = place.floor().clamp(0.0, f64::from(ATOMS - 2));
        let above_share = place - below;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to the grid"
        )]
        let index = below as usize;
        if let Some(weight) = self.weights.get_mut(index) {
            *weight += 1.0 - above_share;
        }
        if let Some(weight) = self.weights.get_mut(index + 1) {
            *weight += above_share;
        }
        self.count += 1;
        self.sum += number;
    }

    /// How many numbers were taken.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The mean with its bounds; without numbers the whole range around its middle.
    pub fn interval(&self) -> Interval {
        let (lowest, highest) = (self.range.lowest(), self.range.highest());
        if self.count == 0 {
            return Interval {
                estimate: f64::midpoint(lowest, highest),
                low: lowest,
                high: highest,
            };
        }
        let estimate = self.mean().clamp(lowest, highest);
        let points = self.points();
        let up = |mean: f64| self.allows_less(&points, mean);
        let down = |mean: f64| self.allows_more(&points, mean);
        Interval {
            estimate,
            low: boundary(estimate, lowest, up).max(lowest),
            high: boundary(estimate, highest, down).min(highest),
        }
    }

    /// How many more numbers would about be needed until the bounds leave out `margin`, if the mean and the spread stay as
    /// they are; `None` if there is no saying, because the mean is as good as on the margin or hardly anything was seen.
    pub fn needed(&self, margin: f64) -> Option<u64> {
        /// Below this many numbers the spread is a guess.
        const LEAST: u64 = 10;
        /// Further than anybody will wait.
        const MOST: f64 = 2e6;
        if self.count < LEAST {
            return None;
        }
        let count = super::rate::as_f64(self.count);
        let (mean, gap) = (self.mean(), (self.mean() - margin).abs());
        // With nothing seen apart from one value, as if one in all had been at the other end.
        let spread = self.variance(mean).max(self.range.width() / count);
        // The logarithm of 2/α, and what averaging over the grid of bets costs.
        let cost = (2.0 / ALPHA).ln() + super::rate::as_f64(BETS.len() as u64).ln();
        let wanted = 2.0 * spread * cost / gap.powi(2) + cost / gap;
        if !(wanted.is_finite() && wanted < MOST) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bounded just above, and not negative"
        )]
        let more = (wanted - count).max(1.0).ceil() as u64;
        Some(more)
    }

    /// Whether a mean is not excluded by what was seen.
    #[cfg(test)]
    pub(super) fn holds(&self, mean: f64) -> bool {
        let points = self.points();
        self.allows_less(&points, mean) && self.allows_more(&points, mean)
    }

    /// The points of the grid that have weight, with their weights.
    fn points(&self) -> Vec<(f64, f64)> {
        self.weights
            .iter()
            .enumerate()
            .filter(|(_, weight)| **weight > 0.0)
            .map(|(index, weight)| (self.range.atom(index), *weight))
            .collect()
    }

    /// Whether the bet on more than `mean` has not won.
    fn allows_less(&self, points: &[(f64, f64)], mean: f64) -> bool {
        let lowest = self.range.lowest();
        let span = mean - lowest;
        span > 0.0 && capital(points, |x| (x - lowest) / span) < threshold()
    }

    /// Whether the bet on less than `mean` has not won.
    fn allows_more(&self, points: &[(f64, f64)], mean: f64) -> bool {
        let highest = self.range.highest();
        let span = highest - mean;
        span > 0.0 && capital(points, |x| (highest - x) / span) < threshold()
    }

    fn mean(&self) -> f64 {
        self.sum / super::rate::as_f64(self.count.max(1))
    }

    fn variance(&self, mean: f64) -> f64 {
        let square =
            |(index, weight): (usize, &f64)| weight * (self.range.atom(index) - mean).powi(2);
        let squares: f64 = self.weights.iter().enumerate().map(square).sum();
        squares / super::rate::as_f64(self.count.max(1))
    }
}

/// The logarithm of the capital at which a bet has won: two bets share the chance of an error.
fn threshold() -> f64 {
    (2.0 / ALPHA).ln()
}

/// The logarithm of the mean, over the bets, of the capital after all points; `ratio` is a point's part of the mean that is
/// bet against.
fn capital(points: &[(f64, f64)], ratio: impl Fn(f64) -> f64) -> f64 {
    let logs = BETS.map(|bet| {
        points
            .iter()
            .map(|(x, weight)| weight * (bet * (ratio(*x) - 1.0)).ln_1p())
            .sum::<f64>()
    });
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if most.is_infinite() {
        return most;
    }
    let sum: f64 = logs.iter().map(|log| (log - most).exp()).sum();
    most + (sum / super::rate::as_f64(BETS.len() as u64)).ln()
}
