//! The running attempt: its tests, their counts and the alarm. A fold of decided outcomes; what it may lead to is
//! decided elsewhere.

use crossfade_exchange::{Group, Metric, Side};

use crate::{
    Alarm, AttemptFacts, Decided, Engine, EngineR, Evidence, Freeze, GateRules, GroupEvidence,
    MetricEvidence, PairCounts, Record, SideCounts, filter::Filters,
};

/// An attempt with everything its outcomes have added up to.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    facts: AttemptFacts,
    /// In the order of [`Metric::ALL`], which is also the order of the sum.
    metrics: Vec<Tally>,
    filters: Filters,
    decided: u64,
    alarm: Option<Alarm>,
}

#[derive(Clone, Debug)]
struct Tally {
    metric: Metric,
    share: f64,
    engine: EngineR,
    primary: SideCounts,
    candidate: SideCounts,
}

impl Running {
    pub(crate) fn new(facts: AttemptFacts) -> Self {
        let metrics = facts
            .metrics
            .iter()
            .map(|metric| Tally {
                metric,
                share: facts.share_of(metric),
                engine: EngineR::new(metric),
                primary: SideCounts::default(),
                candidate: SideCounts::default(),
            })
            .collect();
        Self {
            facts,
            metrics,
            filters: Filters::default(),
            decided: 0,
            alarm: None,
        }
    }

    pub(crate) const fn facts(&self) -> &AttemptFacts {
        &self.facts
    }

    pub(crate) const fn decided(&self) -> u64 {
        self.decided
    }

    pub(crate) const fn alarm(&self) -> Option<&Alarm> {
        self.alarm.as_ref()
    }

    pub(crate) fn ramp_step(&mut self) {
        for tally in &mut self.metrics {
            tally.engine.ramp_step();
        }
    }

    /// A stage, or a step of the ramp, was entered: the gates begin anew, and what is counted for the stage too.
    pub(crate) fn stage_entered(&mut self) {}

    /// The gates begin anew under other rules.
    pub(crate) fn restart_gates(&mut self, rules: &GateRules) {
        self.facts.gates = rules.clone();
        self.stage_entered();
    }

    /// Why the ramp stands still by itself.
    pub(crate) fn freeze(&self) -> Option<Freeze> {
        None
    }

    /// Takes one outcome of this attempt in. The first time that a group's sum reaches the threshold, the alarm.
    pub(crate) fn apply(&mut self, record: &Record) -> Option<Alarm> {
        self.decided += 1;
        match record {
            Record::Answer(decided) => self.answer(decided),
            Record::Pair(_) | Record::Differences(_) | Record::Coverage(_) => None,
        }
    }

    fn answer(&mut self, decided: &Decided) -> Option<Alarm> {
        for tally in &mut self.metrics {
            let metric = tally.metric;
            if metric.group() != decided.group || !decided.applies.contains(metric) {
                continue;
            }
            let bad = decided.bad.contains(metric);
            let counted = bad && self.filters.first(decided.salt, metric, decided.unit);
            let counts = tally.counts_mut(decided.side);
            counts.answers += 1;
            counts.bad += u64::from(bad);
            counts.counted += u64::from(counted);
            tally
                .engine
                .answer(decided.side, counted, decided.probability);
        }
        if self.alarm.is_some() {
            return None;
        }
        self.alarm = self.look(decided.group);
        self.alarm
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let metrics = self
            .metrics
            .iter()
            .map(|t| MetricEvidence {
                metric: t.metric,
                share: t.share,
                w: t.engine.w(),
                w_pairs: 1.0,
                primary: t.primary,
                candidate: t.candidate,
                pairs: PairCounts::default(),
            })
            .collect();
        let threshold = self.facts.threshold();
        let groups = Group::ALL
            .iter()
            .filter(|group| !self.facts.metrics.of_group(**group).is_empty())
            .map(|group| GroupEvidence {
                engine: Engine::R,
                group: *group,
                sum: self.sum(*group),
                threshold,
            })
            .collect();
        Evidence {
            decided: self.decided,
            metrics,
            groups,
            freeze: self.freeze(),
            ..Evidence::default()
        }
    }

    fn look(&self, group: Group) -> Option<Alarm> {
        let (sum, threshold) = (self.sum(group), self.facts.threshold());
        if sum < threshold {
            return None;
        }
        let largest = self
            .of(group)
            .max_by(|a, b| a.term().total_cmp(&b.term()))?;
        Some(Alarm {
            engine: Engine::R,
            group,
            metric: largest.metric,
            sum,
            threshold,
            decided: self.decided,
            primary: largest.primary,
            candidate: largest.candidate,
        })
    }

    fn sum(&self, group: Group) -> f64 {
        self.of(group).map(Tally::term).sum()
    }

    fn of(&self, group: Group) -> impl Iterator<Item = &Tally> {
        self.metrics
            .iter()
            .filter(move |t| t.metric.group() == group)
    }
}

impl Tally {
    fn counts_mut(&mut self, side: Side) -> &mut SideCounts {
        match side {
            Side::Primary => &mut self.primary,
            Side::Candidate => &mut self.candidate,
        }
    }

    fn term(&self) -> f64 {
        self.share * self.engine.w()
    }
}
