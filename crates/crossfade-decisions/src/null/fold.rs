//! The engines over records, as the design composes them: the first bad event of a unit, the first pair of a unit in ten
//! minutes, shares and threshold. Written a second time on purpose, small and quick: the product's fold is held against it,
//! to the bit.

use std::collections::HashSet;

use crossfade_exchange::{Group, Metric, MetricSet, Side, Unit};
use crossfade_rollout::{
    AttemptFacts, Decided, DecidedPair, Engine, EngineP, EngineR, PairResult, Record, UnitFilter,
};

/// What is done otherwise than the design says, to see what comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    AsDesigned,
    /// Each side remembers its own units, in few bits: soon most of the primary's count as seen.
    FilterPerSide,
    /// Every bad event counts.
    NoFilter,
    /// A request that the primary failed, and that was therefore not mirrored, is left out.
    FailuresLeftOut,
    /// While the breaker is open each request counts as a bad one of the candidate.
    OpenBreakerCounts,
}

/// Something that eats a run.
pub(super) trait Eat {
    /// The share is set.
    fn step(&mut self, share: f64, salt: u64, at: u64);
    /// A decided outcome. Whether there is an alarm now.
    fn eat(&mut self, record: &Record) -> bool;
}

/// The fold.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    rule: Rule,
    threshold: f64,
    tallies: Vec<Tally>,
    share: f64,
    begun: bool,
    filters: Vec<UnitFilter>,
    small: [Small; 2],
    /// Each group has its ten minutes, by the clock that requests are sent by.
    arrival: Seen,
    content: Seen,
    review: Seen,
    alarm: Option<Engine>,
}

#[derive(Clone, Debug)]
struct Tally {
    metric: Metric,
    share: f64,
    r: EngineR,
    p: EngineP,
}

/// Whose pairs have counted in the ten minutes that run.
#[derive(Clone, Debug, Default)]
struct Seen {
    period: u64,
    units: HashSet<(Metric, Unit)>,
}

/// A Bloom filter of 2 048 bits.
#[derive(Clone, Debug, Default)]
struct Small([u64; 32]);

// === impl Small ===

impl Small {
    fn first(&mut self, unit: Unit) -> bool {
        let mut first = false;
        for quarter in 0..4_u32 {
            // A unit is a keyed hash already.
            let bit = unit.0 >> (quarter * 11) & 0x7ff;
            let (word, mask) = (usize::try_from(bit / 64).unwrap_or(0), 1 << (bit % 64));
            if let Some(word) = self.0.get_mut(word) {
                first |= *word & mask == 0;
                *word |= mask;
            }
        }
        first
    }
}

// === impl Fold ===

impl Fold {
    const PERIOD: u64 = 600_000_000;

    pub(super) fn new(facts: &AttemptFacts, rule: Rule) -> Self {
        let tally = |metric| Tally {
            metric,
            share: facts.share_of(metric),
            r: EngineR::new(metric),
            p: EngineP::new(metric),
        };
        Self {
            rule,
            threshold: facts.threshold(),
            tallies: facts.metrics.iter().map(tally).collect(),
            share: 0.0,
            begun: false,
            filters: Vec::new(),
            small: [Small::default(), Small::default()],
            arrival: Seen::default(),
            content: Seen::default(),
            review: Seen::default(),
            alarm: None,
        }
    }

    /// Which engine demanded the roll-back.
    pub(super) const fn alarm(&self) -> Option<Engine> {
        self.alarm
    }

    /// W of both engines of each metric, as bits.
    pub(super) fn bits(&self) -> Vec<[u64; 2]> {
        let bits = |t: &Tally| [t.r.w().to_bits(), t.p.w().to_bits()];
        self.tallies.iter().map(bits).collect()
    }

    fn answer(&mut self, answer: &Decided) {
        for at in 0..self.tallies.len() {
            let Some(metric) = self.tallies.get(at).map(|t| t.metric) else {
                continue;
            };
            if metric.group() != answer.group || !answer.applies.contains(metric) {
                continue;
            }
            let bad = answer.bad.contains(metric);
            let counted = bad && self.first(answer, metric);
            if let Some(tally) = self.tallies.get_mut(at) {
                tally.r.answer(answer.side, counted, answer.probability);
            }
        }
    }

    fn first(&mut self, answer: &Decided, metric: Metric) -> bool {
        let salt = answer.salt;
        match self.rule {
            Rule::NoFilter => return true,
            Rule::FilterPerSide => return self.small(answer.side).first(answer.unit),
            Rule::AsDesigned | Rule::FailuresLeftOut | Rule::OpenBreakerCounts => {}
        }
        if let Some(filter) = self.filters.iter_mut().find(|f| f.salt() == salt) {
            return filter.first(metric, answer.unit);
        }
        let mut filter = UnitFilter::new(salt);
        let first = filter.first(metric, answer.unit);
        self.filters.push(filter);
        first
    }

    fn small(&mut self, side: Side) -> &mut Small {
        let [primary, candidate] = &mut self.small;
        match side {
            Side::Primary => primary,
            Side::Candidate => candidate,
        }
    }

    fn pair(&mut self, pair: &DecidedPair) {
        let (primary, candidate) = match pair.result {
            PairResult::Compared { primary, candidate } => (primary, candidate),
            PairResult::PrimaryFailed if self.rule == Rule::FailuresLeftOut => return,
            PairResult::PrimaryFailed => {
                (MetricSet::EMPTY.with(Metric::Transport), MetricSet::EMPTY)
            }
            PairResult::BreakerOpen { primary } if self.rule == Rule::OpenBreakerCounts => {
                (primary, MetricSet::EMPTY.with(Metric::Transport))
            }
            PairResult::BreakerOpen { .. } => return,
        };
        let seen = match pair.group {
            Group::Arrival => &mut self.arrival,
            Group::Content => &mut self.content,
            Group::Review => &mut self.review,
        };
        // Pairs come in the order of sending, so the time never goes back.
        let period = pair.key.sent_unix_micros / Self::PERIOD;
        if period != seen.period {
            seen.period = period;
            seen.units.clear();
        }
        for tally in &mut self.tallies {
            let metric = tally.metric;
            let counts = metric.group() == pair.group
                && pair.applies.contains(metric)
                && (pair.result != PairResult::PrimaryFailed || metric == Metric::Transport);
            if counts && seen.units.insert((metric, pair.unit)) {
                tally
                    .p
                    .pair(candidate.contains(metric), primary.contains(metric));
            }
        }
    }

    fn look(&mut self, group: Group) {
        if self.alarm.is_some() {
            return;
        }
        let of = |w: fn(&Tally) -> f64| -> f64 {
            let group = self.tallies.iter().filter(|t| t.metric.group() == group);
            group.map(|t| t.share * w(t)).sum()
        };
        if of(|t| t.r.w()) >= self.threshold {
            self.alarm = Some(Engine::R);
        } else if of(|t| t.p.w()) >= self.threshold {
            self.alarm = Some(Engine::P);
        }
    }
}

impl Eat for Fold {
    fn step(&mut self, share: f64, _salt: u64, _at: u64) {
        if self.begun && share > self.share {
            for tally in &mut self.tallies {
                tally.r.ramp_step();
            }
        }
        self.begun = true;
        self.share = share;
    }

    fn eat(&mut self, record: &Record) -> bool {
        match record {
            Record::Answer(answer) => {
                self.answer(answer);
                self.look(answer.group);
            }
            Record::Pair(pair) => {
                self.pair(pair);
                self.look(pair.group);
            }
            Record::Differences(_) | Record::Coverage(_) => {}
        }
        self.alarm.is_some()
    }
}
