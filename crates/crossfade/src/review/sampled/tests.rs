//! From drawn pairs and people's words to a roll-back, over the queue and the ledger on disk.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicU64, atomic::Ordering},
};

use crossfade_backplane::DataDirectory;
use crossfade_exchange::{Announcement, Percent, Unit};
use crossfade_rollout::{Actor, ActorRole, Cause, Phase, Record, RolledBack, RoutePlan};

use super::*;
use crate::{
    control::{Ask, ControllerOptions, LeaseTimes, ManualClock, SplitAsk},
    review::{
        Decision, Wanted,
        keeper::now_unix_ms,
        testing::{judged, keys, settings, start, write_out},
    },
    telemetry::{Metrics, Telemetry},
};

const HOUR: u64 = 3_600_000;

fn support() -> RouteId {
    RouteId::new("support")
}

/// A process, from its data directory.
struct Process {
    directory: Arc<DataDirectory>,
    metrics: Arc<Metrics>,
    controller: Controller,
    feed: SampleFeed,
    clock: Arc<ManualClock>,
    _told: mpsc::Receiver<(RouteId, DecidedPair)>,
}

impl Process {
    /// Of a route that only people can roll back.
    fn start(home: &Path) -> Self {
        let metrics = Telemetry::new().unwrap().metrics(["support"]);
        let directory = Arc::new(DataDirectory::open(home).unwrap());
        let plan = RoutePlan {
            owner: Some("team".to_owned()),
            metrics_on: MetricSet::EMPTY.with(Metric::Review),
            ..RoutePlan::new(support())
        };
        let controller = Controller::start(ControllerOptions {
            directory: Arc::clone(&directory),
            plans: vec![plan],
            lease: LeaseTimes::default(),
            metrics: Arc::clone(&metrics),
            clock: Clock::default(),
        });
        let (records, _keeper) = start(settings(&directory, &metrics, keys()));
        let clock = Arc::new(ManualClock::new(now_unix_ms()));
        let (sender, told) = mpsc::channel(SAMPLED);
        let of_test = Clock::Manual(Arc::clone(&clock));
        Self {
            directory,
            metrics,
            feed: SampleFeed::new(records, controller.clone(), of_test, sender),
            controller,
            clock,
            _told: told,
        }
    }

    async fn raise(&self) {
        let ask = Ask {
            actor: Actor::new("olga", ActorRole::Owner),
            reason: "try it".to_owned(),
        };
        let to = SplitAsk {
            to: Percent::new(10.0).unwrap(),
            override_: true,
            if_match: None,
        };
        self.controller.split(&support(), to, ask).await.unwrap();
    }

    /// Draws pairs, each of another unit, and opens what was written anew.
    async fn draw(&mut self, ids: std::ops::Range<u64>) {
        let attempt = self.controller.asks_people(&support()).unwrap().0;
        let mut settings = settings(&self.directory, &self.metrics, keys());
        settings.routes[0].sample = 1.0;
        let (records, keeper) = start(settings);
        for id in ids {
            let mut one = judged(&format!("e{id}"), "{\"a\":1}", "{\"a\":1}");
            one.exchange.mirrored = Some(Announcement {
                key: OutcomeKey {
                    sent_unix_micros: now_unix_ms() * 1_000 + id,
                    replica: 0,
                    sequence: id,
                },
                attempt,
                unit: Unit(id.into()),
            });
            records.take(one);
        }
        write_out(keeper).await;
        self.feed.records = records;
    }

    /// Says the same of everything that waits.
    fn decide(&self, verdict: ReviewVerdict) {
        for line in self
            .feed
            .records
            .reviews(Some(&support()), Wanted::Open, 100)
        {
            let decision = Decision {
                verdict,
                note: String::new(),
                by: "ana".to_owned(),
                accept: None,
            };
            self.feed.records.decide(line.id, decision).unwrap();
        }
    }

    async fn due(&self) -> Vec<DecidedPair> {
        self.feed.due(&support()).await
    }

    /// Logs and applies what is due.
    async fn tell(&self) -> usize {
        let due = self.due().await;
        let told = due.len();
        let batch = due.into_iter().map(Record::Pair).collect();
        let applied = self.controller.apply_outcomes(&support(), batch).await;
        assert_eq!(applied.unwrap().decided, told);
        told
    }

    fn rolled_back(&self) -> Option<RolledBack> {
        let view = self.controller.route_view(&support()).unwrap();
        view.rollout.rolled_back
    }
}

#[test]
fn what_people_say_speaks_of_both_sides_alike() {
    let check = |said: Option<ReviewVerdict>, primary: bool, candidate: bool| {
        static SEQUENCE: AtomicU64 = AtomicU64::new(0);
        let announced = Announcement {
            key: OutcomeKey {
                sequence: SEQUENCE.fetch_add(1, Ordering::Relaxed),
                ..OutcomeKey::default()
            },
            attempt: 7,
            unit: Unit(9),
        };
        let sample = Sample {
            announced,
            decide_by_unix_ms: 1,
        };
        let pair = pair(&Sampled { sample, said });
        assert_eq!((pair.key, pair.attempt), (announced.key, 7));
        assert_eq!(pair.group, Group::Review);
        let PairResult::Compared {
            primary: of_primary,
            candidate: of_candidate,
        } = pair.result
        else {
            panic!("people compare");
        };
        assert_eq!(of_primary.contains(Metric::Review), primary, "{said:?}");
        assert_eq!(of_candidate.contains(Metric::Review), candidate, "{said:?}");
        let record = Record::Pair(pair);
        assert_eq!(Record::decode(&record.encode()), Ok(record));
    };
    check(None, false, false);
    check(Some(ReviewVerdict::Same), false, false);
    check(Some(ReviewVerdict::Acceptable), false, false);
    check(Some(ReviewVerdict::CandidateWorse), false, true);
    check(Some(ReviewVerdict::CandidateBetter), true, false);
    check(Some(ReviewVerdict::BothWrong), true, true);
}

#[tokio::test]
async fn people_who_find_the_candidate_worse_take_it_back_once_the_pairs_are_of_age() {
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::start(home.path());
    process.raise().await;
    process.draw(0..25).await;
    process.decide(ReviewVerdict::CandidateWorse);
    assert_eq!(process.tell().await, 0, "what is said early waits");
    process.clock.advance(Duration::from_millis(HOUR + 5_000));
    assert_eq!(process.tell().await, 25);
    let back = process.rolled_back().unwrap();
    let Cause::Alarm(alarm) = back.cause else {
        panic!("{:?}", back.cause);
    };
    assert_eq!(alarm.metric, Metric::Review);
    assert_eq!((alarm.primary.bad, alarm.candidate.bad), (0, alarm.decided));
    let reason = alarm.to_string();
    assert!(reason.contains("review bad in"), "{reason}");
    assert!(reason.contains("pairs drawn for people"), "{reason}");
    assert!(process.due().await.is_empty(), "the attempt is over");
}

#[tokio::test]
async fn words_for_both_sides_or_for_none_change_nothing() {
    for verdict in [
        ReviewVerdict::Same,
        ReviewVerdict::CandidateBetter,
        ReviewVerdict::BothWrong,
    ] {
        let home = tempfile::tempdir().unwrap();
        let mut process = Process::start(home.path());
        process.raise().await;
        process.draw(0..40).await;
        process.decide(verdict);
        process.clock.advance(Duration::from_millis(HOUR + 5_000));
        assert_eq!(process.tell().await, 40);
        assert_eq!(process.rolled_back(), None, "{verdict}");
        assert_eq!(process.tell().await, 0, "each enters once");
    }
}

#[tokio::test]
async fn a_restart_lets_no_pair_enter_twice_and_loses_none() {
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::start(home.path());
    process.raise().await;
    process.draw(0..6).await;
    process.decide(ReviewVerdict::CandidateWorse);
    process.clock.advance(Duration::from_millis(HOUR + 5_000));
    let due = process.due().await;
    assert_eq!(due.len(), 6);
    let first = due.iter().take(4).copied().map(Record::Pair).collect();
    let applied = process.controller.apply_outcomes(&support(), first).await;
    assert_eq!(applied.unwrap().decided, 4);
    let before = process.controller.route_view(&support()).unwrap().rollout;
    drop(process);

    let process = Process::start(home.path());
    let after = process.controller.route_view(&support()).unwrap().rollout;
    assert_eq!(before.metrics, after.metrics, "the same to the bit");
    process.clock.advance(Duration::from_millis(HOUR + 5_000));
    assert_eq!(process.due().await, due[4..]);
    // What is told twice, in one batch or in two, is logged once.
    let twice = due.iter().chain(&due).copied().map(Record::Pair).collect();
    let applied = process.controller.apply_outcomes(&support(), twice).await;
    let applied = applied.unwrap();
    assert_eq!((applied.decided, applied.stale), (2, 10));
    assert!(process.due().await.is_empty());
}

#[tokio::test]
async fn in_shadow_they_mark_the_route_as_failing() {
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::start(home.path());
    process.controller.tick().await;
    let facts = process
        .controller
        .watch(&support())
        .unwrap()
        .borrow()
        .attempt
        .clone();
    assert_eq!(facts.unwrap().phase, Phase::Shadow);
    process.draw(0..25).await;
    process.decide(ReviewVerdict::CandidateWorse);
    process.clock.advance(Duration::from_millis(HOUR + 5_000));
    assert_eq!(process.tell().await, 25);
    let view = process.controller.route_view(&support()).unwrap();
    assert_eq!(view.rollout.failing.unwrap().metric, Metric::Review);
    assert_eq!(view.rollout.rolled_back, None);
}
