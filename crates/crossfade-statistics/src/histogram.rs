//! Distributions in constant memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How numbers become bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scale {
    /// 0..=1 in hundredths; 1 has a bin of its own.
    Score,
    /// Anything above 0, eight bins for each doubling: a quantile is right to 4.5 %. 0 has a bin of its own.
    Positive,
}

/// Counts per bin; at most 101 bins for scores, 562 for positive numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Histogram {
    scale: Scale,
    bins: BTreeMap<i16, u64>,
    count: u64,
    sum: f64,
}

/// Bins for each doubling.
const PER_DOUBLING: f64 = 8.0;
/// 2^-30 and 2^40: a nanosecond to more tokens than there are.
const LEAST: f64 = -240.0;
const MOST: f64 = 320.0;
/// The bin of 0.
const ZERO: i16 = -241;

// === impl Scale ===

impl Scale {
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the bins")]
    fn bin(self, number: f64) -> i16 {
        match self {
            Self::Score => (number.clamp(0.0, 1.0) * 100.0).floor() as i16,
            Self::Positive if number > 0.0 => {
                (number.log2() * PER_DOUBLING).round().clamp(LEAST, MOST) as i16
            }
            Self::Positive => ZERO,
        }
    }

    /// Between which numbers a bin lies.
    fn bounds(self, bin: i16) -> (f64, f64) {
        let at = f64::from(bin);
        match self {
            Self::Score => (at / 100.0, ((at + 1.0) / 100.0).min(1.0)),
            Self::Positive if bin == ZERO => (0.0, 0.0),
            Self::Positive => (
                ((at - 0.5) / PER_DOUBLING).exp2(),
                ((at + 0.5) / PER_DOUBLING).exp2(),
            ),
        }
    }

    /// The number that stands for a bin.
    fn middle(self, bin: i16) -> f64 {
        let (low, high) = self.bounds(bin);
        match self {
            Self::Score => f64::midpoint(low, high),
            Self::Positive => (low * high).sqrt(),
        }
    }
}

// === impl Histogram ===

impl Histogram {
    pub(crate) const fn new(scale: Scale) -> Self {
        Self {
            scale,
            bins: BTreeMap::new(),
            count: 0,
            sum: 0.0,
        }
    }

    /// Takes a number; what is not finite is not counted.
    pub(crate) fn add(&mut self, number: f64) {
        if !number.is_finite() {
            return;
        }
        *self.bins.entry(self.scale.bin(number)).or_default() += 1;
        self.count += 1;
        self.sum += number;
    }

    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    pub(crate) const fn sum(&self) -> f64 {
        self.sum
    }

    pub(crate) fn mean(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let count = self.count as f64;
        (self.count > 0).then(|| self.sum / count)
    }

    /// The number that a part of all, 0..=1, is at most; `None` without numbers.
    pub(crate) fn quantile(&self, part: f64) -> Option<f64> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place among counts far below 2^52"
        )]
        let place = ((self.count as f64) * part.clamp(0.0, 1.0)).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bin, count) in &self.bins {
            seen += count;
            if seen >= place {
                return Some(self.scale.middle(*bin));
            }
        }
        None
    }

    /// The share of numbers in bins below a number's bin; `None` without numbers.
    pub(crate) fn share_below(&self, number: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let below: u64 = self
            .bins
            .range(..self.scale.bin(number))
            .map(|(_, count)| count)
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let share = below as f64 / self.count as f64;
        Some(share)
    }

    /// Every bin that holds something: its bounds and its count, in order.
    pub(crate) fn bins(&self) -> impl Iterator<Item = (f64, f64, u64)> {
        self.bins.iter().map(|(bin, count)| {
            let (low, high) = self.scale.bounds(*bin);
            (low, high, *count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_near() {
        let mut seconds = Histogram::new(Scale::Positive);
        for number in 1..=1_000 {
            seconds.add(f64::from(number) / 100.0);
        }
        for (part, expected) in [(0.5, 5.0), (0.95, 9.5), (0.99, 9.9), (1.0, 10.0)] {
            let found = seconds.quantile(part).unwrap();
            assert!((found / expected - 1.0).abs() < 0.05, "{part}: {found}");
        }
        assert!((seconds.mean().unwrap() - 5.005).abs() < 1e-9);
    }

    #[test]
    fn odd_numbers_have_bins() {
        let mut numbers = Histogram::new(Scale::Positive);
        for number in [0.0, -1.0, 1e-300, f64::MAX, f64::NAN, f64::INFINITY] {
            numbers.add(number);
        }
        assert_eq!(numbers.count(), 4);
        assert_eq!(numbers.bins().count(), 3);
        let mut scores = Histogram::new(Scale::Score);
        for score in [0.0, 1.0, 2.0, -2.0, 0.5] {
            scores.add(score);
        }
        assert_eq!(scores.share_below(1.0), Some(0.6));
        assert_eq!(scores.share_below(0.0), Some(0.0));
        assert_eq!(scores.quantile(1.0), Some(1.0));
        assert_eq!(Histogram::new(Scale::Score).quantile(0.5), None);
    }
}
