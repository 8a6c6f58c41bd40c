//! How long the gates of a stage are likely to take, before anything is known of a route: for planning only. Nothing is decided
//! on these numbers, and they stand in no ledger.
//!
//! The logarithm of a bet is taken for a Brownian motion with the mean and the variance that one sample gives it; when that first
//! reaches the logarithm of the threshold is inverse Gaussian. The test against engine G itself says how near that is.

use crossfade_exchange::Gate;

use crate::engine_g::{BETS, LAMBDA};

/// In how many samples a gate is likely to pass where the candidate is as good as the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedSamples {
    /// In half of all cases it takes no more.
    pub median: u64,
    /// In nine of ten cases it takes no more.
    pub p90: u64,
}

/// The rate that is assumed of a gate until the route's own is known: bad events 1 %, slow ones 5 % (by the definition of τ), what
/// is measured above the noise 9 %, which is what labels and free text of large models usually show.
pub const fn usual_rate(gate: Gate) -> f64 {
    match gate {
        Gate::Transport
        | Gate::Stream
        | Gate::Envelope
        | Gate::JsonParse
        | Gate::JsonSchema
        | Gate::RequiredFields
        | Gate::Refusal
        | Gate::Cost
        | Gate::AnsweredRefused
        | Gate::RefusedAnswered => 0.01,
        Gate::Slow => 0.05,
        Gate::JsonStructure
        | Gate::Label
        | Gate::ToolSelection
        | Gate::ToolArguments
        | Gate::Citations
        | Gate::Extraction
        | Gate::Embeddings
        | Gate::TextSimilarity
        | Gate::SemanticSimilarity => 0.09,
    }
}

/// How many samples a gate with this margin takes, where both sides are bad (or disagree) at this rate, 0..=1, independently of
/// each other: what they share makes it less. `None` where it would not pass: a margin or an `alpha` that is not above 0 and below 1.
pub fn expected_samples(margin: f64, rate: f64, alpha: f64) -> Option<ExpectedSamples> {
    let within = |value: f64| value > 0.0 && value < 1.0;
    if !within(margin) || !within(alpha) || !(0.0..=1.0).contains(&rate) {
        return None;
    }
    // A bet begins with its part of the stake.
    #[expect(clippy::cast_precision_loss, reason = "nine")]
    let goal = (BETS as f64 / alpha).ln();
    let either = rate * (1.0 - rate);
    let best = |quantile: f64| {
        let passages = LAMBDA
            .iter()
            .filter_map(|lambda| passage(lambda / (1.0 - margin), margin, either, goal, quantile));
        passages.min_by(f64::total_cmp)
    };
    Some(ExpectedSamples {
        median: whole(best(0.5)?),
        p90: whole(best(0.9)?),
    })
}

/// When one bet reaches the goal: a quantile, in samples.
fn passage(scale: f64, margin: f64, either: f64, goal: f64, quantile: f64) -> Option<f64> {
    let step = |x: f64| (1.0 + scale * (margin - x)).ln();
    let outcomes = [
        (either, step(1.0)),
        (either, step(-1.0)),
        (1.0 - 2.0 * either, step(0.0)),
    ];
    let mean: f64 = outcomes.iter().map(|(p, s)| p * s).sum();
    let square: f64 = outcomes.iter().map(|(p, s)| p * s * s).sum();
    if !(mean.is_finite() && square.is_finite()) || mean <= 0.0 {
        return None;
    }
    let variance = (square - mean * mean).max(0.0);
    let (middle, shape) = (goal / mean, goal * goal / variance.max(f64::MIN_POSITIVE));
    // Without chance, or next to none, every quantile is the mean.
    if shape > 1e6 * middle {
        return Some(middle);
    }
    let (mut low, mut high) = (0.0, middle);
    while inverse_gaussian(high, middle, shape) < quantile {
        high *= 2.0;
    }
    for _ in 0..60 {
        let between = f64::midpoint(low, high);
        if inverse_gaussian(between, middle, shape) < quantile {
            low = between;
        } else {
            high = between;
        }
    }
    Some(high)
}

/// The probability that a first passage with this mean and shape comes no later than `t`.
fn inverse_gaussian(t: f64, mean: f64, shape: f64) -> f64 {
    let normal = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
    let root = (shape / t).sqrt();
    let second = normal(-root * (t / mean + 1.0));
    // Both factors leave the range of a float long before their product does; by then it is 0.
    let reflected = if second > 0.0 {
        (2.0 * shape / mean).min(700.0).exp() * second
    } else {
        0.0
    };
    normal(root * (t / mean - 1.0)) + reflected
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "positive, and a float that is too large becomes the largest"
)]
fn whole(samples: f64) -> u64 {
    samples.ceil().max(1.0) as u64
}

#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
mod tests {
    use super::*;
    use crate::EngineG;

    /// Numbers from 0 to below 1, the same in each run.
    struct Dice(u64);

    impl Dice {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }

        fn bad(&mut self, rate: f64) -> f64 {
            f64::from(u8::from(self.next() < rate))
        }
    }

    /// How many samples engine G itself takes: median and 90 %.
    fn measured(margin: f64, rate: f64, alpha: f64) -> (f64, f64) {
        let mut dice = Dice(11);
        let mut runs: Vec<u32> = (0..300)
            .map(|_| {
                let mut engine = EngineG::new(margin);
                (1..1_000_000)
                    .find(|_| engine.unit(dice.bad(rate) - dice.bad(rate)) >= 1.0 / alpha)
                    .unwrap()
            })
            .collect();
        runs.sort_unstable();
        (f64::from(runs[150]), f64::from(runs[270]))
    }

    #[test]
    fn what_is_expected_is_what_the_engine_takes() {
        let check = |margin: f64, rate: f64, alpha: f64| {
            let (median, p90) = measured(margin, rate, alpha);
            let expected = expected_samples(margin, rate, alpha).unwrap();
            let near =
                |expected: u64, measured: f64| (0.8..1.35).contains(&(expected as f64 / measured));
            assert!(
                near(expected.median, median) && near(expected.p90, p90),
                "{margin} {rate} {alpha}: {expected:?}, measured {median} and {p90}"
            );
        };
        check(0.01, 0.01, 0.05);
        check(0.02, 0.09, 0.05);
        check(0.05, 0.09, 0.05);
        check(0.05, 0.05, 0.01);
        check(0.01, 0.0, 0.05);
    }

    #[test]
    fn the_usual_gates_take_what_the_design_says() {
        let check = |gate: Gate, asked_twice: f64, expected: f64| {
            let samples = expected_samples(gate.margin(), usual_rate(gate), 0.05).unwrap();
            let requests = samples.p90 as f64 / asked_twice;
            let part = requests / expected;
            assert!(
                (0.8..1.25).contains(&part),
                "{gate}: {requests}, not about {expected}"
            );
        };
        check(Gate::Refusal, 1.0, 3_700.0);
        check(Gate::TextSimilarity, 0.05, 25_000.0);
        check(Gate::Label, 0.05, 146_000.0);
    }

    #[test]
    fn what_cannot_pass_is_not_expected_to() {
        for (margin, rate, alpha) in [
            (0.0, 0.1, 0.05),
            (1.0, 0.1, 0.05),
            (f64::NAN, 0.1, 0.05),
            (0.01, 1.5, 0.05),
            (0.01, 0.1, 0.0),
        ] {
            assert_eq!(
                expected_samples(margin, rate, alpha),
                None,
                "{margin} {rate} {alpha}"
            );
        }
    }
}
