//! Paired ratios with bootstrap intervals.
//!
//! Two neighbouring blocks see the same machine, so their ratio is steadier than either of them; the interval is made by drawing whole
//! pairs again, because requests within a block are not independent.

/// A ratio with the interval in which it lies with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The median over the pairs.
    pub median: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl std::fmt::Display for Ratio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ({:.2}–{:.2})", self.median, self.low, self.high)
    }
}

/// The quantile of sorted values by the nearest rank; `None` if there are none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of samples are far below 2^52, and the rank is clamped to them"
)]
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1).min(last)).copied()
}

/// The median of values in any order.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*values.get(middle - 1)?, upper))
}

/// The median of `on / off` over pairs of `(off, on)`, with the percentile bootstrap's interval from so many `resamples`. Pairs without
/// a positive denominator are left out; `None` if none is left.
pub fn paired_ratio(pairs: &[(f64, f64)], resamples: usize) -> Option<Ratio> {
    let ratios: Vec<f64> = pairs
        .iter()
        .filter(|(off, _)| *off > 0.0)
        .map(|(off, on)| on / off)
        .collect();
    let middle = median(ratios.clone())?;
    let mut random = Random(0x5eed);
    let mut medians: Vec<f64> = (0..resamples.max(1))
        .filter_map(|_| {
            let drawn = (0..ratios.len()).filter_map(|_| ratios.get(random.below(ratios.len())));
            median(drawn.copied().collect())
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    Some(Ratio {
        median: middle,
        low: quantile(&medians, 0.025)?,
        high: quantile(&medians, 0.975)?,
    })
}

/// xorshift64*: the same draws in every run, so that a table can be made again from its samples.
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let draw = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        (draw % count.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let check = |count: u32, q: f64, expected: Option<f64>| {
            let sorted: Vec<f64> = (1..=count).map(f64::from).collect();
            assert_eq!(quantile(&sorted, q), expected, "{count} {q}");
        };
        check(0, 0.5, None);
        check(1, 0.99, Some(1.0));
        check(100, 0.5, Some(50.0));
        check(100, 0.99, Some(99.0));
        check(200, 1.0, Some(200.0));
        check(3, 0.0, Some(1.0));
    }

    #[test]
    fn ratios_are_paired() {
        // Every pair drifts, and the ratio of each is 1.5.
        let drifting: Vec<(f64, f64)> = (1..40)
            .map(|n| (f64::from(n), f64::from(n) * 1.5))
            .collect();
        let ratio = paired_ratio(&drifting, 200).unwrap();
        assert_eq!((ratio.median, ratio.low, ratio.high), (1.5, 1.5, 1.5));
        assert_eq!(paired_ratio(&[], 100), None);
        assert_eq!(paired_ratio(&[(0.0, 1.0)], 100), None);
    }

    #[test]
    fn the_interval_covers_the_truth_about_as_often_as_it_says() {
        let mut random = Random(7);
        let mut uniform =
            || f64::from(u32::try_from(random.below(1 << 20)).unwrap()) / f64::from(1 << 20);
        let covered = (0..400)
            .filter(|_| {
                // The ratio's true median is 1.
                let pairs: Vec<(f64, f64)> = (0..40).map(|_| (1.0, 0.5 + uniform())).collect();
                let ratio = paired_ratio(&pairs, 200).unwrap();
                ratio.low <= 1.0 && 1.0 <= ratio.high
            })
            .count();
        assert!((350..=398).contains(&covered), "{covered} of 400");
    }
}
