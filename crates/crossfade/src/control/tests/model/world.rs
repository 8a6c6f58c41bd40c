//! What stands around the controller: what the data plane would tell it, and the outcomes that arrive.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use crossfade_exchange::{Group, MetricSet, OutcomeKey, Side, SizeClass, SkipReason, Unit};
use crossfade_proxy::{Accounting, DrillProbe};
use crossfade_rollout::{Baseline, Decided, DecidedPair, PairResult, Phase, Record, Split, draw};

use super::super::{Sources, support};
use crate::verification::verify_directory;

/// What the controller asks for. Of one process: a restart counts anew.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) compared: AtomicU64,
    pub(super) missed: AtomicU64,
    /// Answers of the primary.
    pub(super) answers: AtomicU64,
    pub(super) killed: AtomicBool,
    pub(super) reviews: AtomicU64,
}

impl World {
    pub(super) fn sources(self: &Arc<Self>) -> Sources {
        let [counts, answers, killed, reviews] = [(); 4].map(|()| Arc::clone(self));
        Sources {
            baseline: Arc::new(move |_| {
                Some(Baseline {
                    answers: answers.answers.load(Relaxed),
                    ..Baseline::default()
                })
            }),
            accounting: Arc::new(move |_| Some(counts.accounting())),
            probe: Arc::new(|_| {
                Some(DrillProbe {
                    drill: u64::MAX,
                    answer: Side::Primary,
                })
            }),
            killed: Arc::new(move || killed.killed.load(Relaxed)),
            open_reviews: Arc::new(move |_| reviews.reviews.load(Relaxed)),
            verify: Arc::new(|directory, route| {
                let verified = verify_directory(directory, Some(route));
                verified.map(drop).map_err(|error| error.to_string())
            }),
            ..Sources::default()
        }
    }

    pub(super) fn restart(&self) {
        for count in [&self.compared, &self.missed, &self.answers] {
            count.store(0, Relaxed);
        }
    }

    fn accounting(&self) -> Accounting {
        let (compared, missed) = (self.compared.load(Relaxed), self.missed.load(Relaxed));
        let size = SizeClass::ALL[0];
        let other = SkipReason::ALL
            .iter()
            .find(|reason| **reason != SkipReason::SampledOut);
        let skipped = BTreeMap::from([(*other.unwrap(), missed)]);
        Accounting {
            route: support(),
            seen: compared + missed,
            finished: compared + missed,
            in_flight: 0,
            ineligible: BTreeMap::new(),
            eligible: BTreeMap::from([(size, compared + missed)]),
            compared: BTreeMap::from([(size, compared)]),
            skipped: BTreeMap::from([(size, skipped)]),
            mirror_in_flight: 0,
            mirror_only: BTreeMap::new(),
            asked: 0,
            losses: BTreeMap::new(),
        }
    }
}

/// Whose answers are bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Nobody,
    /// Of pairs.
    Candidate,
    /// Of drawn answers alone.
    DrawnCandidate,
    Primary,
}

/// Makes outcomes; each of a unit of its own.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    made: u64,
    /// What is owed to the candidate, so that it gets its share.
    owed: f64,
}

impl Traffic {
    /// Outcomes of requests sent from `date_ms` on, a millisecond apart.
    pub(super) fn batch(
        &mut self,
        split: &Split,
        date_ms: u64,
        count: u64,
        bad: Bad,
    ) -> Vec<Record> {
        let Some(facts) = &split.attempt else {
            return Vec::new();
        };
        let mut records = Vec::new();
        for index in 0..count {
            let drawn = split.is_drawn() && facts.phase == Phase::Attempt;
            let wanted = self.side(split, bad == Bad::DrawnCandidate);
            let unit = self.unit(split, wanted);
            let key = OutcomeKey {
                sent_unix_micros: (date_ms + index) * 1_000,
                replica: 1,
                sequence: self.made,
            };
            for group in Group::ALL.iter().copied() {
                let applies = facts.metrics.of_group(group);
                if applies.is_empty() {
                    continue;
                }
                let none = MetricSet::EMPTY;
                if bad != Bad::DrawnCandidate {
                    let (primary, candidate) = match bad {
                        Bad::Candidate => (none, applies),
                        Bad::Primary => (applies, none),
                        Bad::Nobody | Bad::DrawnCandidate => (none, none),
                    };
                    records.push(Record::Pair(DecidedPair {
                        key,
                        attempt: facts.id,
                        group,
                        answer: wanted,
                        unit,
                        applies,
                        result: PairResult::Compared { primary, candidate },
                    }));
                }
                if drawn {
                    let is_bad = match wanted {
                        Side::Candidate => matches!(bad, Bad::Candidate | Bad::DrawnCandidate),
                        Side::Primary => bad == Bad::Primary,
                    };
                    records.push(Record::Answer(Decided {
                        key,
                        attempt: facts.id,
                        group,
                        side: wanted,
                        probability: split.share.ratio(),
                        salt: split.salt,
                        unit,
                        applies,
                        bad: if is_bad { applies } else { none },
                    }));
                }
            }
        }
        records
    }

    /// Whose turn it is.
    fn side(&mut self, split: &Split, often: bool) -> Side {
        let share = if often && split.is_drawn() {
            split.share.ratio().max(0.4)
        } else {
            split.share.ratio()
        };
        self.owed += share;
        if self.owed >= 1.0 {
            self.owed -= 1.0;
            Side::Candidate
        } else {
            Side::Primary
        }
    }

    /// The next unit that the coin gives that side.
    fn unit(&mut self, split: &Split, wanted: Side) -> Unit {
        loop {
            self.made += 1;
            let unit = Unit(u128::from(self.made));
            let candidate = draw(split.salt, unit) < split.share.ratio();
            if !split.is_drawn() || candidate == (wanted == Side::Candidate) {
                return unit;
            }
        }
    }
}
