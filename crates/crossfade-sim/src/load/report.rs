//! The sum of a run: counts and quantiles.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::{CallResult, Outcome};
use crate::corpus::{Flaw, Judgement};

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Requests sent.
    pub sent: u64,
    /// Of these, answered well.
    pub good: u64,
    /// Answered badly, by what was wrong.
    pub bad: BTreeMap<Flaw, u64>,
    /// Errors of the service, by status.
    pub refused: BTreeMap<u16, u64>,
    /// Answers that broke off or never came.
    pub broken: u64,
    /// Arrivals that had to wait for room.
    pub delayed: u64,
    /// From the first arrival to the last answer.
    pub elapsed: Duration,
    /// Until the end of the answer, of answered calls.
    pub latency: Quantiles,
    /// Until the first content, of answered calls.
    pub first_content: Quantiles,
}

/// Quantiles of durations; zero if there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// The median.
    pub p50: Duration,
    /// The 95th percentile.
    pub p95: Duration,
    /// The 99th percentile.
    pub p99: Duration,
}

/// A report in the making. It keeps two durations for each answer.
#[derive(Debug, Default)]
pub(super) struct Tally {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    report: Report,
    latencies: Vec<Duration>,
    first_contents: Vec<Duration>,
}

// === impl Report ===

impl Report {
    /// All bad answers.
    pub fn bad_total(&self) -> u64 {
        self.bad.values().sum()
    }
}

// === impl Quantiles ===

impl Quantiles {
    /// Of these durations, by the nearest rank.
    pub fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let at = |percent: usize| {
            let rank = (durations.len() * percent).div_ceil(100).saturating_sub(1);
            durations.get(rank).copied().unwrap_or_default()
        };
        Self {
            p50: at(50),
            p95: at(95),
            p99: at(99),
        }
    }
}

// === impl Tally ===

impl Tally {
    pub(super) fn delayed(&self) {
        self.state().report.delayed += 1;
    }

    pub(super) fn add(&self, result: &CallResult) {
        let mut state = self.state();
        match &result.outcome {
            Outcome::Answered(judgement) => {
                match judgement {
                    Judgement::Good => state.report.good += 1,
                    Judgement::Bad(flaw) => *state.report.bad.entry(*flaw).or_default() += 1,
                }
                state.latencies.push(result.latency);
                state.first_contents.extend(result.first_content);
            }
            Outcome::Refused(status) => *state.report.refused.entry(*status).or_default() += 1,
            Outcome::Broken(_) => state.report.broken += 1,
        }
    }

    pub(super) fn report(&self, sent: u64, elapsed: Duration) -> Report {
        let mut state = self.state();
        let latency = Quantiles::of(std::mem::take(&mut state.latencies));
        let first_content = Quantiles::of(std::mem::take(&mut state.first_contents));
        Report {
            sent,
            elapsed,
            latency,
            first_content,
            ..state.report.clone()
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_nearest_rank() {
        let check = |count: u64, expected: [u64; 3]| {
            let found = Quantiles::of((1..=count).rev().map(Duration::from_millis).collect());
            assert_eq!(
                [found.p50, found.p95, found.p99].map(|d| d.as_millis()),
                expected.map(u128::from)
            );
        };
        check(100, [50, 95, 99]);
        check(1, [1, 1, 1]);
        check(0, [0, 0, 0]);
        check(20, [10, 19, 20]);
    }
}
