//! What the proxy adds to an answer: each prompt is asked directly and through the proxy, one right after the other,
//! and only the differences within pairs are looked at.

use std::time::{Duration, Instant};

use crossfade_sim::{
    corpus::Corpus,
    load::{Call, CallResult, Caller, Outcome},
    script::unit_interval,
};

/// Pairs that are needed whatever the time.
const LEAST_PAIRS: usize = 40;
/// Standard errors to each side of a 95 % interval.
const Z: f64 = 1.96;

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Overhead {
    /// How many pairs.
    pub(super) pairs: usize,
    /// The median of the direct answers' times, in seconds.
    pub(super) direct: f64,
    /// The median of what the proxy added, in seconds.
    pub(super) added: f64,
    /// Where that median lies with 95 % confidence.
    pub(super) interval: (f64, f64),
}

/// Who is asked.
pub(super) struct Callers<'a> {
    /// Straight to the simulated Azure.
    pub(super) direct: &'a Caller,
    /// Through the proxy.
    pub(super) proxied: &'a Caller,
    /// The caller's key.
    pub(super) credential: &'a str,
}

impl Overhead {
    /// Of pairs of a direct time and a proxied one. The interval is that of the sign test: it assumes nothing of how
    /// times are distributed.
    pub(super) fn of(pairs: &[(Duration, Duration)]) -> Option<Self> {
        let mut direct: Vec<f64> = pairs
            .iter()
            .map(|(direct, _)| direct.as_secs_f64())
            .collect();
        let mut added: Vec<f64> = pairs
            .iter()
            .map(|(direct, proxied)| proxied.as_secs_f64() - direct.as_secs_f64())
            .collect();
        direct.sort_by(f64::total_cmp);
        added.sort_by(f64::total_cmp);
        let (low, high) = ranks(pairs.len());
        Some(Self {
            pairs: pairs.len(),
            direct: median(&direct)?,
            added: median(&added)?,
            interval: (*added.get(low)?, *added.get(high)?),
        })
    }
}

/// The places, from 0, of the order statistics between which the median of `count` values lies with 95 % confidence.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of pairs are small, and what is below zero becomes zero"
)]
fn ranks(count: usize) -> (usize, usize) {
    let n = count as f64;
    let low = ((n - Z * n.sqrt()) / 2.0).floor() as usize;
    let low = low.saturating_sub(1);
    (low, count.saturating_sub(1 + low))
}

fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(middle - 1)?, upper))
}

/// Asks pairs for this long. Every second pair begins with the proxy, so that what one call leaves behind for the
/// next weighs on both alike. `on_proxied` sees each answer that came through the proxy.
pub(super) async fn measure(
    callers: Callers<'_>,
    corpus: &Corpus,
    length: Duration,
    mut on_proxied: impl FnMut(&CallResult),
) -> Option<Overhead> {
    let begun = Instant::now();
    let mut pairs = Vec::new();
    let mut serial = 0;
    // The first pair opens connections, and is not counted.
    while begun.elapsed() < length || pairs.len() <= LEAST_PAIRS {
        let prompt = corpus.pick(unit_interval(serial))?.clone();
        serial += 1;
        let call = Call {
            prompt,
            serial,
            credential: callers.credential.to_owned(),
            user: None,
        };
        let (direct, proxied) = if serial % 2 == 0 {
            let proxied = callers.proxied.call(call.clone()).await;
            (callers.direct.call(call).await, proxied)
        } else {
            let direct = callers.direct.call(call.clone()).await;
            (direct, callers.proxied.call(call).await)
        };
        on_proxied(&proxied);
        let answered = |result: &CallResult| matches!(result.outcome, Outcome::Answered(_));
        if answered(&direct) && answered(&proxied) {
            pairs.push((direct.latency, proxied.latency));
        } else if begun.elapsed() > length.saturating_mul(4) {
            break;
        }
    }
    Overhead::of(pairs.get(1..)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_its_interval() {
        let check = |pairs: &[(u64, u64)], expected: Option<[f64; 4]>| {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|&(d, p)| (Duration::from_millis(d), Duration::from_millis(p)))
                .collect();
            let found = Overhead::of(&pairs);
            let found = found.map(|o| [o.direct, o.added, o.interval.0, o.interval.1]);
            match (found, expected) {
                (None, None) => {}
                (Some(found), Some(expected)) => {
                    for (found, expected) in found.iter().zip(expected) {
                        assert!((found - expected).abs() < 1e-9, "{found} {expected}");
                    }
                }
                (found, expected) => panic!("{found:?} {expected:?}"),
            }
        };
        check(&[], None);
        check(&[(10, 12)], Some([0.010, 0.002, 0.002, 0.002]));
        check(&[(10, 9), (20, 23)], Some([0.015, 0.001, -0.001, 0.003]));
        let hundred: Vec<_> = (1..=100).map(|n| (50, 50 + n)).collect();
        check(&hundred, Some([0.050, 0.0505, 0.040, 0.061]));
    }

    #[test]
    fn the_interval_covers_the_median_as_often_as_it_says() {
        let (mut covered, rounds, pairs) = (0, 2_000, 120);
        for round in 0..rounds {
            let mut values: Vec<f64> = (0..pairs)
                .map(|n| unit_interval(round * pairs + n))
                .collect();
            values.sort_by(f64::total_cmp);
            let (low, high) = ranks(values.len());
            covered += u64::from(values[low] <= 0.5 && 0.5 <= values[high]);
        }
        let share = covered * 1000 / rounds;
        assert!((935..985).contains(&share), "{share} in 1000");
    }
}
