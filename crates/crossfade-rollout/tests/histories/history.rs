//! A route with its ledger and outcome logs in memory, driven as a controller drives it.

use std::{collections::BTreeMap, time::Duration};

use crossfade_exchange::{
    Gate, Group, Metric, MetricSet, OutcomeKey, Percent, RouteId, Side, SizeClass, Unit,
};
use crossfade_rollout::{
    Actor, ActorRole, Command, Coverage, Decided, DecidedPair, Entry, GateRules, Mismatch,
    PairResult, Phase, ProposeContext, Record, Refusal, ReplayResult, RoutePlan, RouteRollout,
    Stage, VerifiedHistory, draw, refold, verify_history,
};

use crate::chance::Chance;

/// How often answers are bad.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Badness {
    pub(crate) primary: f64,
    pub(crate) candidate: f64,
    /// Of requests that the primary fails, so that they are not mirrored.
    pub(crate) failed: f64,
    /// Of requests for which the candidate's breaker is open.
    pub(crate) breaker: f64,
}

pub(crate) const GOOD: Badness = Badness {
    primary: 0.0,
    candidate: 0.01,
    failed: 0.0,
    breaker: 0.0,
};
pub(crate) const WORSE: Badness = Badness {
    candidate: 0.6,
    ..GOOD
};
/// Both sides at times, and each in its own way.
pub(crate) const TROUBLED: Badness = Badness {
    primary: 0.1,
    candidate: 0.1,
    failed: 0.1,
    breaker: 0.05,
};

#[derive(Clone, Debug)]
pub(crate) struct History {
    pub(crate) rollout: RouteRollout,
    pub(crate) entries: Vec<Entry>,
    pub(crate) logs: BTreeMap<u64, Vec<Record>>,
    pub(crate) now_ms: u64,
    made: u64,
}

pub(crate) fn route() -> RouteId {
    RouteId::new("support")
}

pub(crate) fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap()
}

pub(crate) fn owner() -> Actor {
    Actor::new("olga", ActorRole::Owner)
}

pub(crate) fn operator() -> Actor {
    Actor::new("ana", ActorRole::Operator)
}

/// Every stage, small numbers.
pub(crate) fn plan(fingerprint: &str) -> RoutePlan {
    let metrics = [
        Metric::Transport,
        Metric::JsonParse,
        Metric::Refusal,
        Metric::Review,
    ];
    let seconds = |stage, seconds| (stage, Duration::from_secs(seconds));
    RoutePlan {
        owner: Some("team".to_owned()),
        metrics_on: metrics.into_iter().collect(),
        stages: Stage::ALL.to_vec(),
        ramp: [5.0, 25.0, 100.0].map(percent).to_vec(),
        gates: GateRules {
            fingerprint: fingerprint.to_owned(),
            margins: [(Gate::Transport, 0.5), (Gate::Refusal, 0.5)].into(),
            named: vec![Gate::Refusal],
            alpha: 0.2,
            unit_window: Duration::from_secs(1),
        },
        minimum_time: [
            seconds(Stage::Shadow, 20),
            seconds(Stage::Internal, 5),
            seconds(Stage::Slice, 10),
            seconds(Stage::Ramp, 5),
            seconds(Stage::Window, 10),
        ]
        .into(),
        minimum_units: 5,
        coverage: 0.5,
        reverse_share: percent(50.0),
        has_internal_callers: true,
        ..RoutePlan::new(route())
    }
}

pub(crate) fn passed() -> ReplayResult {
    ReplayResult {
        dataset_sha256: "5d".repeat(32),
        cases: 4,
        passed: 4,
        exit_code: 0,
    }
}

impl History {
    pub(crate) fn new(plan: RoutePlan) -> Self {
        Self {
            rollout: RouteRollout::new(plan),
            entries: vec![],
            logs: BTreeMap::new(),
            now_ms: 1_700_000_000_000,
            made: 0,
        }
    }

    pub(crate) fn context(&self) -> ProposeContext {
        ProposeContext {
            reason: "the evidence holds".to_owned(),
            new_salt: 1_000 + self.entries.len() as u64,
            now_unix_ms: self.now_ms,
            reports: vec!["report".to_owned()],
            ..ProposeContext::default()
        }
    }

    /// Proposes and, if it is allowed, records and applies.
    pub(crate) fn ask(&mut self, command: &Command, actor: &Actor) -> Result<(), Refusal> {
        let proposal = self.rollout.propose(command, actor, &self.context())?;
        let sequence = self.entries.len() as u64;
        let entry = proposal.into_entry(sequence, self.now_ms, route(), actor.clone());
        self.record(&entry);
        Ok(())
    }

    /// Records an entry in the form that a file gives back.
    pub(crate) fn record(&mut self, entry: &Entry) {
        let text = serde_json::to_string(entry).unwrap();
        let read: Entry = serde_json::from_str(&text).unwrap();
        assert_eq!(&read, entry, "what is written is what is read");
        self.rollout.apply_entry(&read);
        self.entries.push(read);
    }

    /// What a controller does by itself.
    pub(crate) fn tick(&mut self) {
        for _ in 0..4 {
            let Some(command) = self.rollout.tick(&self.context()) else {
                return;
            };
            self.ask(&command, &Actor::controller()).unwrap();
        }
    }

    /// Logs and applies an outcome of the running attempt, and rolls back if it demands it.
    pub(crate) fn log(&mut self, record: Record) {
        if !self.rollout.takes(&record) {
            return;
        }
        self.logs.entry(record.attempt()).or_default().push(record);
        if let Some(alarm) = self.rollout.apply(&record) {
            self.ask(&Command::Alarm(alarm), &Actor::engine(&alarm))
                .unwrap();
        }
    }

    /// One request, `millis` after the one before.
    pub(crate) fn request(&mut self, chance: &mut Chance, badness: Badness, millis: u64) {
        self.now_ms += millis;
        let Some(facts) = self.rollout.attempt().cloned() else {
            return;
        };
        let unit = Unit(u128::from(chance.below(60)));
        let share = self.rollout.share();
        let candidate_answers = draw(self.rollout.salt(), unit) < share.ratio() || share.is_whole();
        let answer = if candidate_answers {
            Side::Candidate
        } else {
            Side::Primary
        };
        let drawn = facts.phase == Phase::Attempt && !share.is_zero() && !share.is_whole();
        for group in Group::ALL.iter().copied() {
            let applies = facts.metrics.of_group(group);
            let mut bad = |probability: f64| -> MetricSet {
                applies
                    .iter()
                    .filter(|_| chance.happens(probability))
                    .collect()
            };
            let (primary, candidate) = (bad(badness.primary), bad(badness.candidate));
            let asks_people = group == Group::Review;
            let result = if asks_people {
                PairResult::Compared { primary, candidate }
            } else if chance.happens(badness.failed) {
                PairResult::PrimaryFailed
            } else if chance.happens(badness.breaker) {
                PairResult::BreakerOpen { primary }
            } else {
                PairResult::Compared { primary, candidate }
            };
            let key = self.key();
            self.log(Record::Pair(DecidedPair {
                key,
                attempt: facts.id,
                group,
                answer,
                unit,
                applies,
                result,
            }));
            // People are asked about pairs alone.
            if drawn && group != Group::Review {
                let key = self.key();
                self.log(Record::Answer(Decided {
                    key,
                    attempt: facts.id,
                    group,
                    side: answer,
                    probability: share.ratio(),
                    salt: self.rollout.salt(),
                    unit,
                    applies,
                    bad: if candidate_answers {
                        candidate
                    } else {
                        primary
                    },
                }));
            }
        }
    }

    pub(crate) fn cover(&mut self, selected: u32, compared: u32) {
        let Some(attempt) = self.rollout.attempt().map(|facts| facts.id) else {
            return;
        };
        self.log(Record::Coverage(Coverage {
            at_unix_micros: self.now_ms * 1_000,
            attempt,
            size: SizeClass::ALL[0],
            selected,
            compared,
        }));
    }

    fn key(&mut self) -> OutcomeKey {
        self.made += 1;
        OutcomeKey {
            sent_unix_micros: self.now_ms * 1_000,
            replica: 1,
            sequence: self.made,
        }
    }

    /// What verification says of it.
    pub(crate) fn verify(&self) -> Result<VerifiedHistory, Mismatch> {
        verify_history(&self.entries, None, |_, id| {
            Ok(self.logs.get(&id).map(|log| log.iter().copied().map(Ok)))
        })
    }

    pub(crate) fn refolded(&self) -> RouteRollout {
        refold(self.rollout.plan().clone(), &self.entries, |attempt| {
            self.logs.get(&attempt).cloned().unwrap_or_default()
        })
    }
}

/// What two folds must agree on, to the bit.
pub(crate) fn same(a: &RouteRollout, b: &RouteRollout) {
    assert_eq!(a.split(), b.split());
    assert_eq!(a.evidence(), b.evidence());
    assert_eq!(a.alarm(), b.alarm());
    assert_eq!(a.failing(), b.failing());
    assert_eq!(a.rolled_back(), b.rolled_back());
    assert_eq!(a.reached(), b.reached());
    assert_eq!(a.held(), b.held());
    assert_eq!(a.signoff(), b.signoff());
    assert_eq!(a.replayed(), b.replayed());
    assert_eq!(a.entered_unix_ms(), b.entered_unix_ms());
    assert_eq!(a.last_attempt(), b.last_attempt());
    assert_eq!(a.last_change(), b.last_change());
}
