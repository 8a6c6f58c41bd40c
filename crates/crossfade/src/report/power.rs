//! What a test could have seen: the smallest rate of bad answers at which the evidence so far would have sufficed for a
//! roll-back. For people, in logarithms; it decides nothing.

use crossfade_exchange::Metric;

/// How much worse the candidate may be before it counts: the null is `p_c ≤ r·p_p + φ`.
const RATIO: f64 = 1.25;
/// The test on pairs bets with these parts of the most that it could.
const BETS: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.95];
/// Halvings of the search: far below what is shown.
const HALVINGS: u32 = 40;

/// The smallest rate of bad answers of the candidate, 0..=1, at which the test on pairs would by now (`pairs` counted pairs, of
/// which the primary failed `primary_bad`) have reached `wanted` about every second time; `None` if even a candidate that
/// always fails would not have been found.
pub(super) fn detectable(metric: Metric, pairs: u64, primary_bad: u64, wanted: f64) -> Option<f64> {
    if pairs == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts for an estimate")]
    let (count, bad) = (pairs as f64, primary_bad as f64);
    let primary = bad / count;
    // Each bet has a fifth of the wealth.
    let needed = (wanted * 5.0).ln() / count;
    let found = |candidate: f64| growth(metric, primary, candidate) >= needed;
    if !found(1.0) {
        return None;
    }
    let (mut low, mut high) = (primary, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if found(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    Some(high)
}

/// The growth of the logarithm of the best bet's wealth a pair, where both sides fail independently at these rates.
fn growth(metric: Metric, primary: f64, candidate: f64) -> f64 {
    let slack = if metric == Metric::Slow {
        0.0125
    } else {
        0.0025
    };
    let worst = RATIO + slack;
    let step = |bet: f64| {
        let log = |c: f64, p: f64| (1.0 + bet / worst * (c - RATIO * p - slack)).ln();
        candidate * (primary * log(1.0, 1.0) + (1.0 - primary) * log(1.0, 0.0))
            + (1.0 - candidate) * (primary * log(0.0, 1.0) + (1.0 - primary) * log(0.0, 0.0))
    };
    BETS.into_iter().map(step).fold(f64::MIN, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_pairs_find_less() {
        let at = |pairs: u64| detectable(Metric::Refusal, pairs, pairs / 100, 200.0);
        assert_eq!(at(0), None);
        assert_eq!(at(5), None, "five pairs prove nothing");
        let found: Vec<f64> = [50, 200, 600, 2_000, 20_000]
            .map(|pairs| at(pairs).unwrap())
            .to_vec();
        assert!(found.is_sorted_by(|a, b| a > b), "{found:?}");
        // A simulation of the test finds 5 % in about 586 pairs, 3 % in about 2 072 (at 1/α; here the threshold is twice that).
        assert!((0.035..0.065).contains(&found[2]), "{found:?}");
        assert!((0.022..0.04).contains(&found[3]), "{found:?}");
        assert!(found[4] > 0.015, "the null itself is not found: {found:?}");
    }

    #[test]
    fn equal_sides_grow_nothing() {
        for metric in [Metric::Refusal, Metric::Slow] {
            for rate in [0.0, 0.01, 0.2, 0.9] {
                assert!(growth(metric, rate, rate) <= 0.0, "{metric} {rate}");
            }
        }
    }
}
