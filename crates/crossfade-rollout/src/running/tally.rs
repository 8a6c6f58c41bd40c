//! What one metric of the running attempt has added up to: engines R and P with what they counted. When a sum of several metrics
//! is an alarm is not said here.

use crossfade_exchange::{Group, Metric, MetricSet, Side, Unit};

use crate::{
    Engine, EngineP, EngineR, MetricEvidence, PairCounts, SideCounts,
    filter::{Filters, PairFilter},
};

/// One metric's tests and counts.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub(super) metric: Metric,
    share: f64,
    split: EngineR,
    primary: SideCounts,
    candidate: SideCounts,
    mirror: EngineP,
    pairs: PairCounts,
}

/// Which events are the first of their unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Filtered {
    bad: Filters<4>,
    arrival: PairFilter,
    content: PairFilter,
    review: PairFilter,
}

// === impl Tally ===

impl Tally {
    pub(super) fn new(metric: Metric, share: f64) -> Self {
        Self {
            metric,
            share,
            split: EngineR::new(metric),
            primary: SideCounts::default(),
            candidate: SideCounts::default(),
            mirror: EngineP::new(metric),
            pairs: PairCounts::default(),
        }
    }

    pub(super) fn ramp_step(&mut self) {
        self.split.ramp_step();
    }

    /// A drawn answer of `side`, `bad` or not, and then its unit's first bad one or not.
    pub(super) fn answer(&mut self, side: Side, bad: bool, first: bool, probability: f64) {
        let counts = match side {
            Side::Primary => &mut self.primary,
            Side::Candidate => &mut self.candidate,
        };
        counts.answers += 1;
        counts.bad += u64::from(bad);
        counts.counted += u64::from(first);
        self.split.answer(side, first, probability);
    }

    /// A pair that is its unit's first.
    pub(super) fn pair(&mut self, candidate_bad: bool, primary_bad: bool) {
        self.pairs.pairs += 1;
        self.pairs.candidate_bad += u64::from(candidate_bad);
        self.pairs.primary_bad += u64::from(primary_bad);
        self.mirror.pair(candidate_bad, primary_bad);
    }

    /// The metric's term of the group's sum.
    pub(super) fn term(&self, engine: Engine) -> f64 {
        match engine {
            Engine::R => self.share * self.split.w(),
            Engine::P => self.share * self.mirror.w(),
        }
    }

    /// What an engine has seen of the primary and of the candidate.
    pub(super) fn counts(&self, engine: Engine) -> (SideCounts, SideCounts) {
        match engine {
            Engine::R => (self.primary, self.candidate),
            Engine::P => {
                let of = |bad: u64| SideCounts {
                    answers: self.pairs.pairs,
                    bad,
                    counted: bad,
                };
                (of(self.pairs.primary_bad), of(self.pairs.candidate_bad))
            }
        }
    }

    pub(super) fn evidence(&self) -> MetricEvidence {
        MetricEvidence {
            metric: self.metric,
            share: self.share,
            w: self.split.w(),
            w_pairs: self.mirror.w(),
            primary: self.primary,
            candidate: self.candidate,
            pairs: self.pairs,
        }
    }
}

// === impl Filtered ===

impl Filtered {
    pub(super) fn first_bad(&mut self, salt: u64, metric: Metric, unit: Unit) -> bool {
        self.bad.first_bad(salt, metric, unit)
    }

    /// Of `metrics`, those of which this is the unit's first pair in ten minutes.
    pub(super) fn first_pairs(
        &mut self,
        group: Group,
        metrics: MetricSet,
        unit: Unit,
        sent: u64,
    ) -> MetricSet {
        match group {
            Group::Arrival => self.arrival.first(metrics, unit, sent),
            Group::Content => self.content.first(metrics, unit, sent),
            Group::Review => self.review.first(metrics, unit, sent),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let pairs = [&self.arrival, &self.content, &self.review].map(PairFilter::memory_bytes);
        self.bad.memory_bytes() + pairs.iter().sum::<usize>()
    }
}
