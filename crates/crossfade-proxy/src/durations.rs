//! The primary's typical times, as quantiles over logarithmic bins: fixed memory, no locks.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Bins grow by 4 %, from 1 ms; 350 of them reach 15 minutes.
const GROWTH: f64 = 1.04;
const BINS: usize = 350;

/// A histogram of durations.
#[derive(Debug)]
pub(crate) struct Durations {
    bins: Vec<AtomicU64>,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            bins: (0..BINS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Durations {
    /// Adds one.
    pub(crate) fn record(&self, duration: Duration) {
        let millis = duration.as_secs_f64() * 1000.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float to int cast saturates, and the value is not negative"
        )]
        let bin = (millis.max(1.0).ln() / GROWTH.ln()).ceil() as usize;
        if let Some(count) = self.bins.get(bin.min(BINS - 1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many were added.
    pub(crate) fn count(&self) -> u64 {
        self.bins.iter().map(|b| b.load(Ordering::Relaxed)).sum()
    }

    /// The upper edge of the bin that holds the quantile `q` (0..=1), at most 4 % above the exact one; `None` when empty.
    pub(crate) fn quantile(&self, q: f64) -> Option<Duration> {
        Self::quantile_of(&[self], q)
    }

    /// The quantile of several histograms taken together.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts stay far below 2^52"
    )]
    pub(crate) fn quantile_of(histograms: &[&Self], q: f64) -> Option<Duration> {
        let mut counts = vec![0u64; BINS];
        for histogram in histograms {
            for (sum, bin) in counts.iter_mut().zip(&histogram.bins) {
                *sum += bin.load(Ordering::Relaxed);
            }
        }
        let total: u64 = counts.iter().sum();
        if total == 0 {
            return None;
        }
        let rank = ((q * total as f64).ceil() as u64).clamp(1, total);
        let mut below = 0;
        let bin = counts.iter().position(|count| {
            below += count;
            below >= rank
        })?;
        Some(Duration::from_secs_f64(
            GROWTH.powi(i32::try_from(bin).ok()?) / 1000.0,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_bin() {
        let durations = Durations::default();
        assert_eq!(durations.quantile(0.5), None);
        for ms in 1..=1000 {
            durations.record(Duration::from_millis(ms));
        }
        for (q, exact) in [(0.5, 500.0), (0.95, 950.0), (0.999, 999.0), (1.0, 1000.0)] {
            let got = durations.quantile(q).unwrap().as_secs_f64() * 1000.0;
            assert!(got >= exact * 0.999 && got <= exact * 1.05, "{q}: {got}");
        }
        let slower = Durations::default();
        slower.record(Duration::from_secs(10));
        let both = Durations::quantile_of(&[&durations, &slower], 1.0).unwrap();
        assert!(both >= Duration::from_secs(10));
        durations.record(Duration::from_secs(100_000));
        assert_eq!(durations.count(), 1001);
    }
}
