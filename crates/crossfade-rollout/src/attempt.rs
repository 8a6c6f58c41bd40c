//! What an attempt freezes when it begins, so that nothing that decides its fate can move while it runs. Not the
//! running counts: those are the fold's.

use std::{collections::BTreeMap, time::Duration};

use crossfade_exchange::{Metric, MetricSet, closed_enum};
use serde::{Deserialize, Serialize};

use crate::{Baseline, GateRules, RoutePlan, micros};

/// Answers of the primary that must be known before its own durations replace the configured ones.
pub const BASELINE_ANSWERS: u64 = 1_000;
/// How much later than the primary's 95th percentile the first content must come to be slow.
const SLOW_FACTOR: f64 = 1.2;
const CONTENT_AGE: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(30)..=Duration::from_secs(120);

closed_enum! {
    /// What a run of outcomes is counted for.
    pub enum Phase {
        /// The primary answers everybody; the candidate's answers are only watched.
        Shadow = "shadow",
        /// The candidate may answer somebody.
        Attempt = "attempt",
    }
}

/// The frozen facts of an attempt, or of the shadow watch before it. An attempt begins when the candidate may first answer
/// somebody and ends with a roll-back or with stage `complete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptFacts {
    /// Counts the route's attempts and shadow watches from 1: each has an outcome log of its own.
    pub id: u64,
    /// Which of the two it is. Ledgers that do not say knew only attempts.
    #[serde(default = "attempt")]
    pub phase: Phase,
    /// τ of streamed answers: first content later than this is slow.
    #[serde(rename = "slow_streamed_micros", with = "micros")]
    pub slow_streamed: Duration,
    /// τ of answers that are not streamed.
    #[serde(rename = "slow_plain_micros", with = "micros")]
    pub slow_plain: Duration,
    /// A of the arrival group: when an answer is this old, it is decided.
    #[serde(rename = "arrival_age_micros", with = "micros")]
    pub arrival_age: Duration,
    /// A of the content group.
    #[serde(rename = "content_age_micros", with = "micros")]
    pub content_age: Duration,
    /// The metrics that can roll this attempt back.
    pub metrics: MetricSet,
    /// The probability of a false roll-back over the whole attempt, of which the test on the split gets half.
    pub alpha: f64,
    /// Each metric's part of that; `None`: equal parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<BTreeMap<Metric, f64>>,
    /// How many of the primary's answers the durations above come from; 0: from the configuration.
    pub baseline_answers: u64,
    /// What gates an advance, until an entry says otherwise.
    #[serde(default)]
    pub gates: GateRules,
    /// How often the primary failed in the shadow watch before, 0..=1; `None` where that is not known. Twice as much is trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow_bad_rate: Option<f64>,
}

const fn attempt() -> Phase {
    Phase::Attempt
}

impl AttemptFacts {
    /// Freezes what `plan` and, where it knows enough, `baseline` say now.
    pub fn freeze(id: u64, phase: Phase, plan: &RoutePlan, baseline: Option<&Baseline>) -> Self {
        let known = baseline.filter(|b| b.answers >= BASELINE_ANSWERS);
        let slow = |p95: Option<Duration>| {
            micros::whole(p95.map_or(plan.slow_after, |p95| p95.mul_f64(SLOW_FACTOR)))
        };
        let arrival = known.and_then(|b| b.first_content_p999).unwrap_or_default();
        let content = known
            .and_then(|b| b.total_p999)
            .unwrap_or(plan.content_after);
        Self {
            id,
            phase,
            slow_streamed: slow(known.and_then(|b| b.first_content_p95_streamed)),
            slow_plain: slow(known.and_then(|b| b.first_content_p95_plain)),
            arrival_age: micros::whole(arrival.max(plan.fallback_after)),
            content_age: micros::whole(content.clamp(*CONTENT_AGE.start(), *CONTENT_AGE.end())),
            metrics: plan.metrics(),
            alpha: plan.alpha,
            shares: plan.shares.clone(),
            baseline_answers: known.map_or(0, |b| b.answers),
            gates: plan.gates.clone(),
            shadow_bad_rate: None,
        }
    }

    /// τ for an answer.
    pub const fn slow_after(&self, streamed: bool) -> Duration {
        if streamed {
            self.slow_streamed
        } else {
            self.slow_plain
        }
    }

    /// A metric's part of α. The parts of all metrics add to 1; 0 for a metric that is off.
    pub fn share_of(&self, metric: Metric) -> f64 {
        if !self.metrics.contains(metric) {
            return 0.0;
        }
        match &self.shares {
            Some(shares) => shares.get(&metric).copied().unwrap_or(0.0),
            None => 1.0 / f64::from(u32::try_from(self.metrics.len()).unwrap_or(u32::MAX)),
        }
    }

    /// What the weighted sum of a group must reach: 2/α, because the test on the split gets half of α.
    pub fn threshold(&self) -> f64 {
        2.0 / self.alpha
    }
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::RouteId;

    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn plan() -> RoutePlan {
        RoutePlan::new(RouteId::new("support"))
    }

    fn baseline(answers: u64) -> Baseline {
        Baseline {
            answers,
            first_content_p95_streamed: Some(MS(500)),
            first_content_p95_plain: Some(MS(2_000)),
            first_content_p999: Some(MS(15_000)),
            total_p999: Some(MS(47_000)),
        }
    }

    #[test]
    fn durations_come_from_the_primary_once_a_thousand_answers_are_known() {
        let check = |baseline: Option<Baseline>, expected: [u64; 4], answers| {
            let f = AttemptFacts::freeze(1, Phase::Attempt, &plan(), baseline.as_ref());
            let got = [f.slow_streamed, f.slow_plain, f.arrival_age, f.content_age];
            assert_eq!(got, expected.map(MS), "{baseline:?}");
            assert_eq!(f.baseline_answers, answers);
        };
        check(None, [5_000, 5_000, 10_000, 60_000], 0);
        check(Some(baseline(999)), [5_000, 5_000, 10_000, 60_000], 0);
        check(Some(baseline(1_000)), [600, 2_400, 15_000, 47_000], 1_000);
        let quick = Baseline {
            first_content_p999: Some(MS(900)),
            ..baseline(5_000)
        };
        check(Some(quick), [600, 2_400, 10_000, 47_000], 5_000);
        let short = Baseline {
            total_p999: Some(MS(3_000)),
            ..baseline(5_000)
        };
        check(Some(short), [600, 2_400, 15_000, 30_000], 5_000);
        let long = Baseline {
            total_p999: Some(MS(900_000)),
            ..baseline(5_000)
        };
        check(Some(long), [600, 2_400, 15_000, 120_000], 5_000);
        let streamed_only = Baseline {
            first_content_p95_plain: None,
            ..baseline(5_000)
        };
        check(Some(streamed_only), [600, 5_000, 15_000, 47_000], 5_000);
    }

    #[test]
    fn shares_are_equal_over_the_metrics_that_are_on_unless_configured() {
        let mut plan = plan();
        plan.metrics_on = MetricSet::EMPTY
            .with(Metric::Transport)
            .with(Metric::Refusal)
            .with(Metric::Slow);
        let facts = AttemptFacts::freeze(1, Phase::Attempt, &plan, None);
        assert!((facts.share_of(Metric::Slow) - 1.0 / 3.0).abs() < 1e-15);
        assert!(facts.share_of(Metric::Cost).abs() < 1e-15);
        plan.shares = Some([(Metric::Transport, 0.5), (Metric::Refusal, 0.25)].into());
        let facts = AttemptFacts::freeze(1, Phase::Attempt, &plan, None);
        assert!((facts.share_of(Metric::Transport) - 0.5).abs() < 1e-15);
        assert!((facts.threshold() - 200.0).abs() < 1e-12);
    }

    #[test]
    fn frozen_facts_survive_the_ledger() {
        let odd = Baseline {
            first_content_p95_streamed: Some(Duration::from_nanos(123_456_789)),
            ..baseline(2_000)
        };
        let facts = AttemptFacts::freeze(3, Phase::Attempt, &plan(), Some(&odd));
        let text = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<AttemptFacts>(&text).unwrap(), facts);
    }
}
