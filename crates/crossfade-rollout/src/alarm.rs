//! A sequential test's demand to roll back, with what it saw.

use std::fmt;

use crossfade_exchange::{Group, Metric, closed_enum};
use serde::{Deserialize, Serialize};

use crate::SideCounts;

closed_enum! {
    /// Which test speaks.
    pub enum Engine {
        /// The test on the live split.
        R = "R",
        /// The test on mirrored pairs.
        P = "P",
    }
}

/// The evidence of one group reached its threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Which test.
    pub engine: Engine,
    /// Which group of metrics.
    pub group: Group,
    /// The metric whose term is the largest of the sum: the reason that is named.
    pub metric: Metric,
    /// The group's weighted sum.
    pub sum: f64,
    /// What it had to reach.
    pub threshold: f64,
    /// How many decided outcomes of the attempt had been applied, the one that did it included.
    pub decided: u64,
    /// What the named metric had seen of the primary.
    pub primary: SideCounts,
    /// What it had seen of the candidate.
    pub candidate: SideCounts,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_what = match (self.engine, self.group) {
            (Engine::R, Group::Arrival | Group::Content | Group::Review) => "answers",
            (Engine::P, Group::Arrival | Group::Content) => "mirrored pairs",
            (Engine::P, Group::Review) => "pairs drawn for people",
        };
        write!(
            f,
            "engine {}: {} bad in {} of {} {of_what} of the candidate against {} of {} of the primary \
             (group {}, evidence {:.1} of {:.0})",
            self.engine,
            self.metric,
            self.candidate.bad,
            self.candidate.answers,
            self.primary.bad,
            self.primary.answers,
            self.group,
            self.sum,
            self.threshold,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_says_what_it_saw() {
        let counts = |bad| SideCounts {
            answers: 80,
            bad,
            counted: bad,
        };
        let check = |engine, expected: &str| {
            let alarm = Alarm {
                engine,
                group: Group::Content,
                metric: Metric::Refusal,
                sum: 201.26,
                threshold: 200.0,
                decided: 160,
                primary: counts(1),
                candidate: counts(9),
            };
            assert_eq!(alarm.to_string(), expected);
        };
        check(
            Engine::R,
            "engine R: refusal bad in 9 of 80 answers of the candidate against 1 of 80 of the primary (group content, evidence 201.3 of 200)",
        );
        check(
            Engine::P,
            "engine P: refusal bad in 9 of 80 mirrored pairs of the candidate against 1 of 80 of the primary (group content, evidence 201.3 of 200)",
        );
    }
}
