//! The fold: what counts, what triggers, and that it can be computed again.

use super::*;
use crate::{
    Actor, ActorRole, Cause, Change, Command, Decided, EngineR, Entry, ProposeContext, Record,
    Stage, refold,
};
use crossfade_exchange::{Group, Metric, MetricSet, OutcomeKey, Side, Unit};

mod properties;
mod stages;

fn route() -> RouteId {
    RouteId::new("support")
}

fn plan(metrics: &[Metric]) -> RoutePlan {
    RoutePlan {
        owner: Some("team-support".into()),
        metrics_on: metrics.iter().copied().collect(),
        ..RoutePlan::new(route())
    }
}

/// A route's own ledger and outcome log, as whoever drives it would keep them.
struct Driven {
    rollout: RouteRollout,
    entries: Vec<Entry>,
    log: Vec<Record>,
    /// Folded from what was there at some moment, and taken on from there.
    aside: Option<RouteRollout>,
}

impl Driven {
    fn new(plan: RoutePlan) -> Self {
        Self {
            rollout: RouteRollout::new(plan),
            entries: Vec::new(),
            log: Vec::new(),
            aside: None,
        }
    }

    fn context(&self) -> ProposeContext {
        ProposeContext {
            reason: "try it".into(),
            new_salt: self.rollout.revision() + 1,
            reports: vec!["abc".into()],
            ..ProposeContext::at(1_000 + self.entries.len() as u64)
        }
    }

    fn command(&mut self, command: &Command) {
        self.command_by(command, Actor::new("owner", ActorRole::Owner));
    }

    fn command_by(&mut self, command: &Command, actor: Actor) {
        let context = self.context();
        let proposal = self.rollout.propose(command, &actor, &context).unwrap();
        let sequence = self.entries.len() as u64;
        self.record(&proposal.into_entry(sequence, context.now_unix_ms, route(), actor));
    }

    fn record(&mut self, entry: &Entry) {
        // What a file would make of it.
        let text = serde_json::to_string(entry).unwrap();
        let entry: Entry = serde_json::from_str(&text).unwrap();
        self.rollout.apply_entry(&entry);
        if let Some(aside) = &mut self.aside {
            aside.apply_entry(&entry);
        }
        self.entries.push(entry);
    }

    fn split(&mut self, to: f64) {
        let override_ = true;
        self.command(&Command::Split {
            to: Percent::new(to).unwrap(),
            override_,
        });
    }

    fn outcome(&mut self, decided: Decided) -> Option<Alarm> {
        self.log(Record::Answer(decided))
    }

    fn log(&mut self, record: Record) -> Option<Alarm> {
        self.log.push(record);
        if let Some(aside) = &mut self.aside {
            aside.apply(&record);
        }
        self.rollout.apply(&record)
    }

    fn answer(&mut self, side: Side, group: Group, bad: &[Metric], unit: u128) -> Option<Alarm> {
        let attempt = self.rollout.last_attempt();
        let probability = self.rollout.share().ratio();
        let salt = self.rollout.salt();
        let applies = MetricSet::all().of_group(group);
        let key = OutcomeKey {
            sequence: self.log.len() as u64,
            ..OutcomeKey::default()
        };
        let bad = bad.iter().copied().collect();
        let unit = Unit(unit);
        let all = Decided {
            key,
            attempt,
            group,
            side,
            probability,
            salt,
            unit,
            applies,
            bad,
        };
        self.outcome(all)
    }

    fn refolded(&self) -> RouteRollout {
        refold(self.rollout.plan().clone(), &self.entries, |attempt| {
            self.log
                .iter()
                .copied()
                .filter(move |d| d.attempt() == attempt)
        })
    }
}

/// What two folds must agree on, to the bit.
fn same(a: &RouteRollout, b: &RouteRollout) {
    assert_eq!(a.split(), b.split());
    let bits = |r: &RouteRollout| {
        r.evidence()
            .metrics
            .iter()
            .map(|m| (m.w.to_bits(), m.share.to_bits()))
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(a), bits(b));
    assert_eq!(a.evidence(), b.evidence());
    assert_eq!(a.alarm(), b.alarm());
    assert_eq!(a.rolled_back(), b.rolled_back());
    assert_eq!(a.last_change(), b.last_change());
    let rest = |r: &RouteRollout| {
        (
            (
                r.entered_unix_ms(),
                r.reached(),
                r.revision(),
                r.last_attempt(),
            ),
            (
                r.held().cloned(),
                r.signoff().cloned(),
                r.failing().copied(),
            ),
            (r.replayed().cloned(), r.last_drill().cloned()),
        )
    };
    assert_eq!(rest(a), rest(b));
}

fn counts(driven: &Driven, metric: Metric, side: Side) -> (u64, u64, u64) {
    let evidence = driven.rollout.evidence();
    let of = evidence
        .metrics
        .iter()
        .find(|m| m.metric == metric)
        .unwrap();
    let counts = match side {
        Side::Primary => of.primary,
        Side::Candidate => of.candidate,
    };
    (counts.answers, counts.bad, counts.counted)
}

#[test]
fn the_group_rolls_back_when_its_weighted_sum_reaches_two_over_alpha() {
    let metrics = [Metric::Transport, Metric::Refusal, Metric::JsonParse];
    let mut driven = Driven::new(plan(&metrics));
    driven.split(10.0);
    let (mut refusal, mut parse) = (
        EngineR::new(Metric::Refusal),
        EngineR::new(Metric::JsonParse),
    );
    for unit in 0_u32.. {
        let parse_too = unit.is_multiple_of(2);
        let bad: &[Metric] = if parse_too {
            &[Metric::Refusal, Metric::JsonParse]
        } else {
            &[Metric::Refusal]
        };
        let alarm = driven.answer(Side::Candidate, Group::Content, bad, unit.into());
        refusal.answer(Side::Candidate, true, 0.1);
        parse.answer(Side::Candidate, parse_too, 0.1);
        let sum = refusal.w() / 3.0 + parse.w() / 3.0;
        assert_eq!(alarm.is_some(), sum >= 200.0, "{unit}: {sum}");
        if let Some(alarm) = alarm {
            assert_eq!(
                (alarm.metric, alarm.group),
                (Metric::Refusal, Group::Content)
            );
            assert!((alarm.sum - sum).abs() < 1e-9 && (alarm.threshold - 200.0).abs() < 1e-9);
            assert_eq!(alarm.candidate.bad, u64::from(unit) + 1);
            break;
        }
    }
    // It is said once, kept until the roll-back is recorded, and keeps the share from growing.
    assert!(
        driven
            .answer(Side::Candidate, Group::Content, &[Metric::Refusal], 999)
            .is_none()
    );
    let alarm = *driven.rollout.alarm().unwrap();
    assert_eq!(
        driven.rollout.status(&ProposeContext::at(0)).missing.len(),
        1
    );
    same(&driven.rollout, &driven.refolded());
    driven.command_by(&Command::Alarm(alarm), Actor::engine(&alarm));
    assert!(driven.rollout.alarm().is_none() && driven.rollout.split().share.is_zero());
    let status = driven.rollout.status(&ProposeContext::at(0));
    assert_eq!(status.rolled_back.unwrap().cause, Cause::Alarm(alarm));
    assert_eq!((status.attempt, status.stage), (None, Stage::Shadow));
    same(&driven.rollout, &driven.refolded());
}

#[test]
fn configured_shares_weigh_the_sum() {
    let mut plan = plan(&[Metric::Transport, Metric::Refusal]);
    plan.shares = Some([(Metric::Transport, 0.9), (Metric::Refusal, 0.1)].into());
    let bad_answers_until = |metric: Metric| {
        let mut driven = Driven::new(plan.clone());
        driven.split(10.0);
        (1..1_000_u32)
            .find(|n| {
                driven
                    .answer(Side::Candidate, metric.group(), &[metric], (*n).into())
                    .is_some()
            })
            .unwrap()
    };
    assert!(bad_answers_until(Metric::Transport) < bad_answers_until(Metric::Refusal));
}

#[test]
fn a_unit_counts_once_for_each_metric_on_both_sides_alike() {
    let mut driven = Driven::new(plan(&[Metric::Refusal, Metric::Envelope]));
    driven.split(10.0);
    for side in [Side::Candidate, Side::Primary] {
        let unit = side.index() as u128;
        driven.answer(side, Group::Content, &[Metric::Refusal], unit);
        driven.answer(
            side,
            Group::Content,
            &[Metric::Refusal, Metric::Envelope],
            unit,
        );
        driven.answer(side, Group::Content, &[], unit);
        assert_eq!(counts(&driven, Metric::Refusal, side), (3, 2, 1), "{side}");
        assert_eq!(counts(&driven, Metric::Envelope, side), (3, 1, 1), "{side}");
    }
    // The same salt after a raise: still counted. The unit of another salt: new.
    driven.split(20.0);
    driven.answer(Side::Candidate, Group::Content, &[Metric::Refusal], 1);
    assert_eq!(counts(&driven, Metric::Refusal, Side::Candidate), (4, 3, 1));
    let Some(Record::Answer(last)) = driven.log.last().copied() else {
        panic!("the last record is an answer");
    };
    driven.outcome(Decided { salt: 99, ..last });
    assert_eq!(counts(&driven, Metric::Refusal, Side::Candidate), (5, 4, 2));
}

#[test]
fn what_does_not_belong_to_the_attempt_changes_nothing() {
    let mut driven = Driven::new(plan(&[Metric::Refusal]));
    let good = Decided {
        key: OutcomeKey::default(),
        attempt: 1,
        group: Group::Content,
        side: Side::Candidate,
        probability: 0.1,
        salt: 1,
        unit: Unit(1),
        applies: MetricSet::all().of_group(Group::Content),
        bad: MetricSet::EMPTY.with(Metric::Refusal),
    };
    assert!(!driven.rollout.takes(&good.into()));
    driven.outcome(good);
    driven.split(10.0);
    for other in [
        Decided { attempt: 2, ..good },
        Decided { attempt: 0, ..good },
        Decided {
            probability: 0.0,
            ..good
        },
        Decided {
            probability: 1.0,
            ..good
        },
    ] {
        driven.outcome(other);
    }
    assert_eq!(driven.rollout.ignored(), 5);
    assert_eq!(
        (
            driven.rollout.decided(),
            counts(&driven, Metric::Refusal, Side::Candidate).0
        ),
        (0, 0)
    );
    // Of this attempt, but nothing that is on applies.
    let slow = MetricSet::EMPTY.with(Metric::Slow);
    driven.outcome(Decided {
        group: Group::Arrival,
        applies: slow,
        bad: slow,
        ..good
    });
    driven.outcome(Decided {
        applies: MetricSet::EMPTY,
        bad: MetricSet::EMPTY,
        ..good
    });
    assert_eq!(
        (
            driven.rollout.decided(),
            counts(&driven, Metric::Refusal, Side::Candidate).0
        ),
        (2, 0)
    );
    assert!(driven.rollout.takes(&good.into()));
    driven.outcome(good);
    assert_eq!(counts(&driven, Metric::Refusal, Side::Candidate), (1, 1, 1));
}

#[test]
fn evidence_is_carried_over_every_step_and_gone_after_a_roll_back() {
    let mut driven = Driven::new(plan(&[Metric::Refusal]));
    let mut engine = EngineR::new(Metric::Refusal);
    driven.split(5.0);
    let mut unit = 0;
    for (share, raises) in [
        (10.0, true),
        (0.0, false),
        (10.0, true),
        (5.0, false),
        (50.0, true),
    ] {
        for (side, bad) in [
            (Side::Candidate, true),
            (Side::Primary, true),
            (Side::Candidate, false),
        ] {
            unit += 1;
            let w = driven.rollout.share().ratio();
            let metrics: &[Metric] = if bad { &[Metric::Refusal] } else { &[] };
            driven.answer(side, Group::Content, metrics, unit);
            engine.answer(side, bad, w);
        }
        driven.split(share);
        if raises {
            engine.ramp_step();
        }
        let got = driven.rollout.evidence().metrics[0].w;
        assert_eq!(got.to_bits(), engine.w().to_bits(), "{share}");
    }
    driven.command(&Command::Rollback);
    driven.command(&Command::Resume);
    driven.split(5.0);
    let fresh = EngineR::new(Metric::Refusal).w();
    assert_eq!(
        driven.rollout.evidence().metrics[0].w.to_bits(),
        fresh.to_bits()
    );
}

#[test]
fn an_attempt_keeps_what_it_froze() {
    let mut driven = Driven::new(plan(&[Metric::Refusal]));
    driven.split(5.0);
    let before = driven.rollout.attempt().cloned();
    let mut changed = plan(&[Metric::Slow, Metric::Envelope]);
    changed.alpha = 0.5;
    driven.rollout.set_plan(changed);
    driven.split(10.0);
    assert_eq!(driven.rollout.attempt().cloned(), before);
    let metrics = driven.rollout.status(&ProposeContext::at(0)).metrics;
    assert_eq!(
        metrics.iter().map(|m| m.metric).collect::<Vec<_>>(),
        [Metric::Refusal]
    );
}

#[test]
fn nothing_moves_by_entries_that_no_proposal_makes() {
    let change = |to: f64| Change::Split {
        from: Percent::ZERO,
        to: Percent::new(to).unwrap(),
        salt: 1,
        attempt: Some(1),
        new_attempt: None,
        override_: false,
        stage: None,
    };
    let entry = |route: Option<&str>, change: Change| Entry {
        route: route.map(RouteId::new),
        change,
        ..Entry::started(0, 0, "test")
    };
    let mut rollout = RouteRollout::new(plan(&[Metric::Slow]));
    rollout.apply_entry(&entry(Some("support"), change(10.0)));
    assert!(rollout.share().is_zero(), "a raise without an attempt");
    let revision = rollout.revision();
    rollout.apply_entry(&entry(Some("another"), Change::Resume));
    rollout.apply_entry(&entry(None, Change::Started));
    assert_eq!(rollout.revision(), revision);
    rollout.apply_entry(&entry(None, Change::MirrorSwitched { enabled: false }));
    assert!(!rollout.split().mirror_enabled);
    let facts = AttemptFacts::freeze(1, crate::Phase::Attempt, rollout.plan(), None);
    rollout.apply_entry(&entry(
        Some("support"),
        Change::Rollback {
            from: Percent::ZERO,
            cause: Cause::Manual,
        },
    ));
    let raise = Change::Split {
        from: Percent::ZERO,
        to: Percent::HUNDRED,
        salt: 1,
        attempt: Some(1),
        new_attempt: Some(Box::new(facts)),
        override_: true,
        stage: None,
    };
    rollout.apply_entry(&entry(Some("support"), raise));
    assert!(
        rollout.share().is_zero(),
        "a raise of a route that is rolled back"
    );
}

#[test]
fn a_refold_opens_only_the_running_attempts_log_and_bears_a_short_one() {
    let mut driven = Driven::new(plan(&[Metric::Refusal]));
    driven.split(5.0);
    driven.answer(Side::Candidate, Group::Content, &[Metric::Refusal], 1);
    driven.command(&Command::Rollback);
    driven.command(&Command::Resume);
    driven.split(5.0);
    for unit in 0..10 {
        driven.answer(Side::Primary, Group::Content, &[Metric::Refusal], unit);
    }
    driven.split(10.0);
    let mut opened = Vec::new();
    let short = refold(driven.rollout.plan().clone(), &driven.entries, |attempt| {
        opened.push(attempt);
        driven
            .log
            .iter()
            .copied()
            .filter(move |d| d.attempt() == attempt)
            .take(4)
    });
    assert_eq!(opened, [2]);
    assert_eq!(
        (short.decided(), short.split()),
        (4, driven.rollout.split())
    );
    driven.command(&Command::Rollback);
    let none = refold(
        driven.rollout.plan().clone(),
        &driven.entries,
        |attempt| -> Vec<Record> { panic!("attempt {attempt} is over") },
    );
    same(&none, &driven.rollout);
}
