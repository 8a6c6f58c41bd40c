//! The exact interval of a rate from so many hits in so many independent runs (Clopper and Pearson 1934).

/// The two ends of the 95 % interval: each is missed by at most 2.5 %.
pub(crate) fn interval(hits: usize, runs: usize) -> (f64, f64) {
    let (k, n) = (hits, runs);
    let low = if k == 0 {
        0.0
    } else {
        // P(X >= k) = 2.5 %
        search(|p| 1.0 - at_most(k - 1, n, p) < 0.025)
    };
    let high = if k >= n {
        1.0
    } else {
        // P(X <= k) = 2.5 %
        search(|p| at_most(k, n, p) > 0.025)
    };
    (low, high)
}

/// Where `holds` ends, which it does once between 0 and 1.
fn search(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut inside, mut outside) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = f64::midpoint(inside, outside);
        if holds(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    inside
}

/// P(X ≤ k) for X binomial.
fn at_most(k: usize, n: usize, p: f64) -> f64 {
    let n = crate::runs::number(n);
    let (log_p, log_q) = (p.ln(), (-p).ln_1p());
    (0..=k)
        .map(|i| {
            let i = crate::runs::number(i);
            let choose = libm::lgamma(n + 1.0) - libm::lgamma(i + 1.0) - libm::lgamma(n - i + 1.0);
            (choose + i * log_p + (n - i) * log_q).exp()
        })
        .sum::<f64>()
        .min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against tables of the exact interval.
    #[test]
    fn intervals_are_those_of_the_tables() {
        let check = |hits, runs, low: f64, high: f64| {
            let got = interval(hits, runs);
            assert!(
                (got.0 - low).abs() < 5e-5 && (got.1 - high).abs() < 5e-5,
                "{hits} of {runs}: {got:?}"
            );
        };
        check(0, 10, 0.0, 0.3085);
        check(10, 10, 0.6915, 1.0);
        check(5, 10, 0.1871, 0.8129);
        check(1, 100, 0.0003, 0.0545);
        check(0, 10_000, 0.0, 0.00037);
    }
}
