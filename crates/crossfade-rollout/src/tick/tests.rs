//! What is due by itself, and what never is.

use crossfade_exchange::{Group, Metric, MetricSet, OutcomeKey, Percent, Side, Unit};

use super::*;
use crate::{
    Actor, ActorRole, Baseline, Cause, Change, DecidedPair, Evidence, PairResult, Record, Refusal,
    RoutePlan, RouteRollout,
    testing::{BEGIN, STAGES, at_stage, enough, entry, later, plan, route},
};

fn shadow_only() -> RoutePlan {
    RoutePlan {
        stages: vec![Stage::Shadow, Stage::Slice, Stage::Ramp],
        ..plan()
    }
}

fn changed(rollout: &mut RouteRollout) {
    let mut plan = rollout.plan().clone();
    plan.gates.fingerprint = "two".into();
    rollout.set_plan(plan);
}

fn knowing(answers: u64) -> ProposeContext {
    ProposeContext {
        baseline: Some(Baseline {
            answers,
            ..Baseline::default()
        }),
        ..later()
    }
}

/// Records what is due, as the controller; gives back the command.
fn tick(rollout: &mut RouteRollout, context: &ProposeContext) -> Option<Command> {
    let command = rollout.tick(context)?;
    let controller = Actor::controller();
    let silent = ProposeContext {
        reason: String::new(),
        ..context.clone()
    };
    let proposal = rollout.propose(&command, &controller, &silent).unwrap();
    assert!(!proposal.reason.is_empty());
    assert!(!proposal.change.is_toward_primary());
    let sequence = 100 + rollout.revision();
    rollout.apply_entry(&proposal.into_entry(sequence, context.now_unix_ms, route(), controller));
    Some(command)
}

/// One pair of the running watch or attempt, in the content group.
fn pair(rollout: &RouteRollout, at: u64, candidate_bad: bool) -> Record {
    let schema = MetricSet::EMPTY.with(Metric::JsonSchema);
    let bad = if candidate_bad {
        schema
    } else {
        MetricSet::EMPTY
    };
    Record::Pair(DecidedPair {
        key: OutcomeKey {
            sent_unix_micros: (BEGIN + at) * 1_000,
            replica: 0,
            sequence: at,
        },
        attempt: rollout.attempt().unwrap().id,
        group: Group::Content,
        answer: Side::Primary,
        unit: Unit(at.into()),
        applies: schema,
        result: PairResult::Compared {
            primary: MetricSet::EMPTY,
            candidate: bad,
        },
    })
}

/// Pairs whose candidate is always bad, until something is said or kept against it.
fn fail(rollout: &mut RouteRollout) -> Option<crate::Alarm> {
    for at in 1..1_000 {
        let said = rollout.apply(&pair(rollout, at, true));
        if said.is_some() || rollout.failing().is_some() {
            return said;
        }
    }
    panic!("a candidate that is always bad was not found out")
}

#[test]
fn counting_begins_and_begins_anew_and_nothing_is_done_twice() {
    let mut rollout = RouteRollout::new(shadow_only());
    let mut check = |context: &ProposeContext, spoil: fn(&mut RouteRollout), expected, id| {
        spoil(&mut rollout);
        assert_eq!(tick(&mut rollout, context), expected);
        assert_eq!(rollout.attempt().map(|facts| facts.id), Some(id));
        assert_eq!(rollout.tick(context), None, "once");
    };
    check(&later(), |_| {}, Some(Command::Observe), 1);
    check(&knowing(999), |_| {}, None, 1);
    check(&knowing(1_000), |_| {}, Some(Command::Observe), 2);
    check(&knowing(9_000), |_| {}, None, 2);
    check(&knowing(9_000), changed, Some(Command::Observe), 3);
    assert_eq!(rollout.attempt().unwrap().gates.fingerprint, "two");
    assert_eq!(rollout.attempt().unwrap().phase, Phase::Shadow);
}

#[test]
fn a_full_log_begins_the_watch_anew_and_takes_nothing_that_is_near() {
    let with = |log: LogRoom, context: ProposeContext| ProposeContext { log, ..context };
    let mut rollout = RouteRollout::new(shadow_only());
    assert_eq!(
        tick(&mut rollout, &ProposeContext::at(BEGIN)),
        Some(Command::Observe)
    );
    let young = ProposeContext::at(BEGIN + 1_000);
    assert_eq!(rollout.tick(&with(LogRoom::Overdrawn, young)), None);
    assert_eq!(rollout.tick(&later()), None);
    let full = with(LogRoom::Spent, later());
    let silent = ProposeContext {
        reason: String::new(),
        ..full.clone()
    };
    let said = rollout.propose(&Command::Observe, &Actor::controller(), &silent);
    assert_eq!(
        said.unwrap().reason,
        "the outcome log has reached its bound"
    );
    assert_eq!(tick(&mut rollout, &full), Some(Command::Observe));
    assert_eq!(rollout.tick(&full), None, "the new watch is young");
    assert_eq!(rollout.attempt().unwrap().id, 2);
    // What failed stays so, however full the log is.
    assert_eq!(fail(&mut rollout), None);
    let much_later = ProposeContext::at(later().now_unix_ms + later().now_unix_ms);
    assert_eq!(rollout.tick(&with(LogRoom::Overdrawn, much_later)), None);
    // An attempt's log is what takes it back.
    let attempt = at_stage(shadow_only(), Stage::Slice, 1.0);
    assert_eq!(attempt.tick(&with(LogRoom::Overdrawn, later())), None);
}

#[test]
fn a_watch_that_waits_for_a_person_alone_may_overdraw() {
    let stage = Stage::Shadow;
    let person = [Refusal::SignoffMissing { stage }];
    let gates = [Refusal::SignoffMissing { stage }, Refusal::NothingCompared];
    let check = |room, obstacles: &[Refusal], expected| {
        assert_eq!(
            is_outgrown(room, obstacles),
            expected,
            "{room:?} {obstacles:?}"
        );
    };
    check(LogRoom::Left, &gates, false);
    check(LogRoom::Spent, &gates, true);
    check(LogRoom::Spent, &person, false);
    check(LogRoom::Spent, &[], false);
    check(LogRoom::Overdrawn, &person, true);
    check(LogRoom::Overdrawn, &[], true);
}

#[test]
fn a_roll_back_ends_the_counting_until_it_is_resumed() {
    let mut rollout = at_stage(shadow_only(), Stage::Ramp, 5.0);
    let from = rollout.share();
    let cause = Cause::Manual;
    rollout.apply_entry(&entry(10, BEGIN, Change::Rollback { from, cause }));
    assert_eq!((rollout.tick(&later()), rollout.attempt()), (None, None));
    rollout.apply_entry(&entry(11, BEGIN, Change::Resume));
    assert_eq!(tick(&mut rollout, &later()), Some(Command::Observe));
    assert_eq!(rollout.attempt().unwrap().id, 2);
}

#[test]
fn nothing_is_due_in_replay_or_after_the_end_or_under_a_plan_that_does_not_fit() {
    assert_eq!(RouteRollout::new(plan()).tick(&later()), None);
    let complete = at_stage(plan(), Stage::Complete, 100.0);
    assert_eq!((complete.attempt(), complete.tick(&later())), (None, None));
    let broken = RoutePlan {
        alpha: 2.0,
        ..shadow_only()
    };
    assert_eq!(RouteRollout::new(broken).tick(&later()), None);
}

#[test]
fn a_changed_configuration_begins_the_gates_anew_and_leaves_the_attempt() {
    for (stage, share) in STAGES.into_iter().skip(2) {
        let mut rollout = at_stage(plan(), stage, share);
        changed(&mut rollout);
        let before = rollout.split();
        assert_eq!(
            tick(&mut rollout, &later()),
            Some(Command::RestartGates),
            "{stage}"
        );
        let after = rollout.split();
        assert_eq!((after.share, after.stage), (before.share, before.stage));
        let facts = rollout.attempt().unwrap();
        assert_eq!((facts.id, facts.gates.fingerprint.as_str()), (1, "two"));
        assert_eq!(rollout.entered_unix_ms(), later().now_unix_ms);
        assert!(rollout.signoff().unwrap().is_void);
        assert_eq!(rollout.tick(&later()), None);
    }
}

#[test]
fn only_steps_within_an_automatic_ramp_are_taken_by_itself() {
    let check = |stage, share, automatic_ramp, expected: bool| {
        let plan = RoutePlan {
            automatic_ramp,
            ..plan()
        };
        let rollout = at_stage(plan, stage, share);
        assert_eq!(rollout.next_is_automatic(), expected, "{stage} {share}");
        let refused = rollout.propose(&Command::Advance, &Actor::controller(), &later());
        let by_role = matches!(
            refused,
            Err(Refusal::Role {
                has: ActorRole::Controller,
                ..
            })
        );
        assert_eq!(by_role, !expected, "{stage} {share}: {refused:?}");
        // Without evidence nothing is due, however automatic.
        assert_eq!(rollout.tick(&later()), None);
    };
    for (stage, share) in STAGES {
        check(stage, share, true, stage == Stage::Ramp && share < 100.0);
        check(stage, share, false, false);
    }
    let rollout = at_stage(plan(), Stage::Ramp, 5.0);
    assert!(rollout.obstacles_by(&enough(), &later()).is_empty());
    assert!(
        !rollout
            .obstacles_by(&Evidence::default(), &later())
            .is_empty()
    );
}

#[test]
fn what_fails_in_shadow_stops_there_until_an_owner_looks() {
    let mut rollout = RouteRollout::new(shadow_only());
    tick(&mut rollout, &later());
    assert_eq!(fail(&mut rollout), None, "there is nothing to roll back");
    let alarm = *rollout.failing().unwrap();
    assert_eq!((alarm.metric, rollout.alarm()), (Metric::JsonSchema, None));
    assert_eq!(rollout.status(&later()).failing, Some(alarm));
    // Neither an advance nor an override passes it, and time does not heal it.
    let owner = Actor::new("ana", ActorRole::Owner);
    let beyond = Command::Split {
        to: Percent::HUNDRED,
        override_: true,
    };
    for command in [Command::Advance, beyond] {
        let refused = rollout.propose(&command, &owner, &later());
        assert_eq!(refused.unwrap_err(), Refusal::Failing { alarm });
    }
    assert_eq!(rollout.tick(&knowing(5_000)), None);
    let operator = Actor::new("otto", ActorRole::Operator);
    let refused = rollout.propose(&Command::Resume, &operator, &later());
    assert!(matches!(
        refused,
        Err(Refusal::Role {
            needs: ActorRole::Owner,
            ..
        })
    ));
    // A changed configuration is counted anew; so is what an owner resumes.
    let mut mended = rollout.clone();
    changed(&mut mended);
    assert_eq!(tick(&mut mended, &later()), Some(Command::Observe));
    assert_eq!(mended.failing(), None);
    let resumed = rollout.propose(&Command::Resume, &owner, &later()).unwrap();
    rollout.apply_entry(&resumed.into_entry(20, BEGIN, route(), owner));
    assert_eq!((rollout.failing(), rollout.attempt()), (None, None));
    assert_eq!(tick(&mut rollout, &later()), Some(Command::Observe));
}

#[test]
fn what_fails_while_it_answers_is_rolled_back() {
    for (stage, share) in [
        (Stage::Internal, 0.0),
        (Stage::Ramp, 50.0),
        (Stage::Window, 100.0),
    ] {
        let mut rollout = at_stage(plan(), stage, share);
        let alarm = fail(&mut rollout).unwrap();
        assert_eq!(
            (rollout.alarm(), rollout.failing()),
            (Some(&alarm), None),
            "{stage}"
        );
        assert_eq!(rollout.tick(&later()), None, "{stage}");
        let first = rollout.obstacles_by(&enough(), &later()).remove(0);
        assert_eq!(first, Refusal::AlarmRaised, "{stage}");
    }
}
