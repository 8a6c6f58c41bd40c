//! The running attempt, or the shadow watch before it: its tests, their counts and the alarm. A fold of decided outcomes; what it
//! may lead to is decided elsewhere.
//!
//! However many users there are, it holds at most about 17 MiB: four filters of engine R and two of the sample ratio (1 MiB each,
//! one for each salt of late), three of engine P (1 MiB), the open windows of the gates (7 MiB), the units of the stage (1 MiB). Each
//! comes into being with its first event. [`Running::memory_bytes`] says how much it is now.

mod freeze;
mod stage;
mod tally;

use crossfade_exchange::{Group, Metric, MetricSet, OutcomeKey};

use crate::{
    Alarm, AttemptFacts, Decided, DecidedPair, Engine, Evidence, Freeze, GateRules, GroupEvidence,
    PairResult, Phase, Record,
};
use freeze::Watch;
use stage::StageTally;
use tally::{Filtered, Tally};

/// An attempt with everything its outcomes have added up to.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    facts: AttemptFacts,
    /// In the order of [`Metric::ALL`], which is also the order of the sum.
    metrics: Vec<Tally>,
    filters: Filtered,
    stage: StageTally,
    watch: Watch,
    /// The latest moment that any record stood for, in microseconds since the Unix epoch: the clock of gates and freezes. One that ran ahead
    /// stands still until the others have caught up; meanwhile no window of a gate ends, and nothing advances by it.
    clock: u64,
    decided: u64,
    /// The last pair of the group of reviews: nothing sent before it enters any more.
    last_review: Option<OutcomeKey>,
    /// Over the records as they stand in the log.
    outcomes: blake3::Hasher,
    alarm: Option<Alarm>,
}

impl Running {
    pub(crate) fn new(facts: AttemptFacts) -> Self {
        let metrics = facts
            .metrics
            .iter()
            .map(|metric| Tally::new(metric, facts.share_of(metric)))
            .collect();
        Self {
            metrics,
            filters: Filtered::default(),
            stage: StageTally::new(&facts.gates),
            watch: Watch::new(&facts),
            clock: 0,
            decided: 0,
            last_review: None,
            outcomes: blake3::Hasher::new(),
            alarm: None,
            facts,
        }
    }

    pub(crate) const fn facts(&self) -> &AttemptFacts {
        &self.facts
    }

    pub(crate) const fn decided(&self) -> u64 {
        self.decided
    }

    /// The last pair that entered with what people said of it.
    pub(crate) const fn last_review(&self) -> Option<OutcomeKey> {
        self.last_review
    }

    /// Whether an outcome is of this attempt, and its time to enter is not over: what people say enters only where they are
    /// asked, in the order of sending, and each pair once, however often it is told.
    pub(crate) fn takes(&self, record: &Record) -> bool {
        let in_time = match record {
            Record::Pair(pair) if pair.group == Group::Review => {
                self.facts.metrics.contains(Metric::Review)
                    && self.last_review.is_none_or(|last| last < pair.key)
            }
            Record::Pair(_) | Record::Answer(_) | Record::Differences(_) | Record::Coverage(_) => {
                true
            }
        };
        in_time && record.attempt() == self.facts.id
    }

    pub(crate) const fn alarm(&self) -> Option<&Alarm> {
        self.alarm.as_ref()
    }

    /// The share was raised.
    pub(crate) fn ramp_step(&mut self) {
        for tally in &mut self.metrics {
            tally.ramp_step();
        }
    }

    /// A stage, or a step of the ramp, was entered at `at_unix_ms`: the gates begin anew, and what is counted for the stage too.
    /// What was sent before is evidence of the stage before, and counts for neither.
    pub(crate) fn stage_entered(&mut self, at_unix_ms: u64) {
        self.stage.restart(&self.facts.gates, at_unix_ms);
    }

    /// The gates begin anew under other rules.
    pub(crate) fn restart_gates(&mut self, rules: &GateRules, at_unix_ms: u64) {
        self.facts.gates = rules.clone();
        self.stage_entered(at_unix_ms);
    }

    /// Why the ramp stands still by itself; whether the route stands in the ramp is not asked here.
    pub(crate) fn freeze(&self) -> Option<Freeze> {
        self.watch.freeze(self.clock)
    }

    /// How often the primary failed so far in this shadow watch, for the attempt to freeze; `None` of fewer than 200 requests.
    pub(crate) fn primary_bad_rate(&self) -> Option<f64> {
        self.watch.primary_bad_rate()
    }

    /// About how many bytes it holds now, filters, windows and units included.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.metrics.capacity() * size_of::<Tally>()
            + self.filters.memory_bytes()
            + self.stage.memory_bytes()
            + self.watch.memory_bytes()
    }

    /// Takes one outcome in, one that [`Self::takes`]. The first time that a group's sum reaches the threshold, the alarm.
    pub(crate) fn apply(&mut self, record: &Record) -> Option<Alarm> {
        self.decided += 1;
        self.outcomes.update(&record.encode());
        self.clock = self.clock.max(record.at_unix_micros());
        self.stage.close_due(self.clock);
        let (engine, group) = match record {
            // Nothing is drawn in the shadow stage: an answer would be of no split.
            Record::Answer(_) if self.facts.phase == Phase::Shadow => return None,
            Record::Answer(decided) => {
                self.answer(decided);
                (Engine::R, decided.group)
            }
            Record::Pair(pair) => {
                self.pair(pair);
                (Engine::P, pair.group)
            }
            Record::Differences(differences) => {
                self.stage.differences(differences, self.clock);
                return None;
            }
            Record::Coverage(coverage) => {
                self.stage.coverage(coverage);
                return None;
            }
        };
        if self.alarm.is_some() {
            return None;
        }
        self.alarm = self.look(engine, group);
        self.alarm
    }

    fn answer(&mut self, decided: &Decided) {
        self.watch.answer(decided, self.clock);
        for tally in &mut self.metrics {
            let metric = tally.metric;
            if metric.group() != decided.group || !decided.applies.contains(metric) {
                continue;
            }
            let bad = decided.bad.contains(metric);
            let first = bad && self.filters.first_bad(decided.salt, metric, decided.unit);
            tally.answer(decided.side, bad, first, decided.probability);
        }
    }

    fn pair(&mut self, pair: &DecidedPair) {
        if pair.group == Group::Review {
            self.last_review = Some(pair.key);
        }
        self.watch.pair(pair, self.facts.phase, self.clock);
        self.stage.pair(pair, self.clock);
        let counted = match pair.result {
            PairResult::Compared { .. } => pair.applies,
            // Nothing but transport is known of a request that failed.
            PairResult::PrimaryFailed => pair.applies.and(MetricSet::EMPTY.with(Metric::Transport)),
            PairResult::BreakerOpen { .. } => return,
        };
        let first = self.filters.first_pairs(
            pair.group,
            counted.and(self.facts.metrics),
            pair.unit,
            pair.key.sent_unix_micros,
        );
        for tally in &mut self.metrics {
            let metric = tally.metric;
            if metric.group() == pair.group && first.contains(metric) {
                let (candidate, primary) = match pair.result {
                    PairResult::Compared { primary, candidate } => {
                        (candidate.contains(metric), primary.contains(metric))
                    }
                    PairResult::PrimaryFailed | PairResult::BreakerOpen { .. } => (false, true),
                };
                tally.pair(candidate, primary);
            }
        }
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let outcomes = match self.decided {
            0 => String::new(),
            _ => self.outcomes.finalize().to_hex().to_string(),
        };
        Evidence {
            decided: self.decided,
            outcomes,
            metrics: self.metrics.iter().map(Tally::evidence).collect(),
            groups: self.groups(),
            freeze: self.freeze(),
            ..self.stage.evidence()
        }
    }

    /// Each engine that runs in this phase, with each group that has a metric.
    fn groups(&self) -> Vec<GroupEvidence> {
        let engines: &[Engine] = match self.facts.phase {
            Phase::Shadow => &[Engine::P],
            Phase::Attempt => &[Engine::R, Engine::P],
        };
        let threshold = self.facts.threshold();
        let mut groups = Vec::new();
        for engine in engines.iter().copied() {
            for group in Group::ALL.iter().copied() {
                // Nobody looks at an answer of the split alone.
                if (engine, group) == (Engine::R, Group::Review) {
                    continue;
                }
                if !self.facts.metrics.of_group(group).is_empty() {
                    groups.push(GroupEvidence {
                        engine,
                        group,
                        sum: self.sum(engine, group),
                        threshold,
                    });
                }
            }
        }
        groups
    }

    fn look(&self, engine: Engine, group: Group) -> Option<Alarm> {
        let (sum, threshold) = (self.sum(engine, group), self.facts.threshold());
        if sum < threshold {
            return None;
        }
        let largest = self
            .of(group)
            .max_by(|a, b| a.term(engine).total_cmp(&b.term(engine)))?;
        let (primary, candidate) = largest.counts(engine);
        Some(Alarm {
            engine,
            group,
            metric: largest.metric,
            sum,
            threshold,
            decided: self.decided,
            primary,
            candidate,
        })
    }

    fn sum(&self, engine: Engine, group: Group) -> f64 {
        self.of(group).map(|tally| tally.term(engine)).sum()
    }

    fn of(&self, group: Group) -> impl Iterator<Item = &Tally> {
        self.metrics
            .iter()
            .filter(move |t| t.metric.group() == group)
    }
}

#[cfg(test)]
mod tests;
