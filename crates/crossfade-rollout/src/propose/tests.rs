//! Who may ask for what, and what is refused, naming what is missing.

use crossfade_exchange::{Group, Metric, MetricSet};

use super::*;
use crate::{Engine, PlanError, RoutePlan, SideCounts, Stage};

fn route() -> RouteId {
    RouteId::new("support")
}

fn owned() -> RoutePlan {
    RoutePlan {
        owner: Some("team-support".into()),
        ..RoutePlan::new(route())
    }
}

fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap()
}

fn context() -> ProposeContext {
    ProposeContext {
        reason: "try it".into(),
        if_match: None,
        new_salt: 11,
        ..ProposeContext::default()
    }
}

fn split(to: f64) -> Command {
    Command::Split {
        to: percent(to),
        override_: false,
    }
}

fn beyond(to: f64) -> Command {
    Command::Split {
        to: percent(to),
        override_: true,
    }
}

fn alarm() -> Alarm {
    Alarm {
        engine: Engine::R,
        group: Group::Content,
        metric: Metric::JsonSchema,
        sum: 214.3,
        threshold: 200.0,
        decided: 900,
        primary: SideCounts {
            answers: 1_080,
            bad: 11,
            counted: 11,
        },
        candidate: SideCounts {
            answers: 120,
            bad: 14,
            counted: 14,
        },
    }
}

fn actor(role: ActorRole) -> Actor {
    Actor::new("somebody", role)
}

/// Proposes with all rights and records it.
fn done(rollout: &mut RouteRollout, command: &Command, new_salt: u64) -> Change {
    let owner = actor(ActorRole::Owner);
    let context = ProposeContext {
        new_salt,
        ..context()
    };
    let proposal = rollout.propose(command, &owner, &context).unwrap();
    let change = proposal.change.clone();
    rollout.apply_entry(&proposal.into_entry(0, 5, route(), owner));
    change
}

/// A route after some commands by its owner.
fn after(plan: RoutePlan, commands: &[Command]) -> RouteRollout {
    let mut rollout = RouteRollout::new(plan);
    for (salt, command) in (100..).zip(commands) {
        done(&mut rollout, command, salt);
    }
    rollout
}

#[test]
fn who_may_do_what() {
    use ActorRole::{Controller, Engine, Operator, Owner, Viewer};
    let check = |history: &[Command], command: Command, may: &[ActorRole]| {
        let rollout = after(owned(), history);
        for role in ActorRole::ALL {
            let got = rollout.propose(&command, &actor(*role), &context());
            let refused = matches!(got, Err(Refusal::Role { has, .. }) if has == *role);
            assert_eq!(!refused, may.contains(role), "{role} {command:?}: {got:?}");
            assert_eq!(
                got.is_ok(),
                may.contains(role),
                "{role} {command:?}: {got:?}"
            );
        }
    };
    check(&[], beyond(5.0), &[Owner]);
    check(&[], beyond(100.0), &[Owner]);
    check(&[beyond(5.0)], beyond(50.0), &[Owner]);
    // What was reached once in this attempt is any operator's.
    let lowered = [beyond(50.0), split(5.0)];
    check(&lowered, split(50.0), &[Operator, Owner]);
    check(&lowered, beyond(50.1), &[Owner]);
    // A test gives back what its alarm demands, and nothing else.
    check(&[beyond(5.0)], beyond(1.0), &[Operator, Owner]);
    check(&[beyond(5.0)], Command::Rollback, &[Operator, Owner]);
    check(&[beyond(5.0)], Command::Alarm(alarm()), &[Engine]);
    check(&[beyond(5.0), Command::Rollback], Command::Resume, &[Owner]);
    for (role, may) in [
        (Viewer, false),
        (Operator, true),
        (Owner, true),
        (Controller, false),
    ] {
        assert_eq!(
            propose_mirror(false, &actor(role), "noise").is_ok(),
            may,
            "{role}"
        );
    }
    assert_eq!(
        propose_mirror(true, &actor(Owner), " "),
        Err(Refusal::ReasonMissing)
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn what_is_refused_and_why() {
    let check = |plan: RoutePlan, history: &[Command], command: Command, expected: Refusal| {
        let rollout = after(owned(), history);
        let mut rollout = rollout;
        rollout.set_plan(plan);
        let got = rollout.propose(&command, &actor(ActorRole::Owner), &context());
        assert_eq!(got, Err(expected), "{command:?}");
    };
    let none = MetricSet::EMPTY;
    let only_cost = none.with(Metric::Cost);
    let nobody = || RoutePlan::new(route());
    check(nobody(), &[], beyond(1.0), Refusal::OwnerMissing);
    check(nobody(), &[beyond(1.0)], beyond(2.0), Refusal::OwnerMissing);
    check(
        RoutePlan {
            metrics_on: none,
            ..owned()
        },
        &[],
        beyond(1.0),
        Refusal::TriggerMissing,
    );
    check(
        RoutePlan {
            metrics_on: only_cost,
            ..owned()
        },
        &[],
        beyond(1.0),
        Refusal::TriggerMissing,
    );
    let alpha = Refusal::Plan(PlanError::Alpha(2.0));
    check(
        RoutePlan {
            alpha: 2.0,
            ..owned()
        },
        &[],
        beyond(1.0),
        alpha,
    );
    let reached = |reached: f64| Refusal::OverrideNeeded {
        reached: percent(reached),
    };
    check(owned(), &[], split(0.1), reached(0.0));
    check(owned(), &[], split(100.0), reached(0.0));
    check(owned(), &[beyond(50.0)], split(100.0), reached(50.0));
    let lowered = [beyond(50.0), split(5.0)];
    check(owned(), &lowered, split(50.1), reached(50.0));
    let again = [beyond(50.0), Command::Rollback, Command::Resume];
    check(owned(), &again, split(5.0), reached(0.0));
    check(owned(), &[], Command::Resume, Refusal::NotRolledBack);
    check(
        owned(),
        &[beyond(5.0)],
        Command::Resume,
        Refusal::NotRolledBack,
    );
    check(
        owned(),
        &[Command::Rollback],
        beyond(5.0),
        Refusal::RolledBack,
    );
    check(
        owned(),
        &[Command::Rollback],
        beyond(100.0),
        Refusal::RolledBack,
    );
    let resumed = [Command::Rollback, Command::Resume];
    check(owned(), &resumed, Command::Resume, Refusal::NotRolledBack);
}

#[test]
fn a_reason_is_asked_of_everybody_and_bounded() {
    let rollout = after(owned(), &[beyond(5.0)]);
    for command in [beyond(10.0), beyond(0.0), Command::Rollback] {
        let with = |reason: &str| {
            let context = ProposeContext {
                reason: reason.into(),
                ..context()
            };
            rollout
                .propose(&command, &actor(ActorRole::Owner), &context)
                .err()
        };
        assert_eq!(with(""), Some(Refusal::ReasonMissing), "{command:?}");
        assert_eq!(with(" \n"), Some(Refusal::ReasonMissing), "{command:?}");
        assert_eq!(with(&"ä".repeat(1_000)), None, "{command:?}");
        assert_eq!(
            with(&"ä".repeat(1_001)),
            Some(Refusal::ReasonTooLong),
            "{command:?}"
        );
    }
    let silent = ProposeContext {
        reason: String::new(),
        ..context()
    };
    let by_engine = rollout.propose(&Command::Alarm(alarm()), &Actor::engine(&alarm()), &silent);
    assert_eq!(
        by_engine.unwrap().reason,
        "engine R: json_schema bad in 14 of 120 answers of the candidate against 11 of 1080 of the \
         primary (group content, evidence 214.3 of 200)"
    );
}

#[test]
fn only_a_raise_looks_at_the_revision() {
    let check = |command: Command, given: u64, expected: Option<Refusal>| {
        let rollout = after(owned(), &[beyond(5.0), beyond(10.0)]);
        assert_eq!(rollout.revision(), 2);
        let context = ProposeContext {
            if_match: Some(given),
            ..context()
        };
        let got = rollout.propose(&command, &actor(ActorRole::Owner), &context);
        assert_eq!(got.err(), expected, "{command:?}");
    };
    check(beyond(20.0), 2, None);
    check(
        beyond(20.0),
        1,
        Some(Refusal::Stale {
            given: 1,
            current: 2,
        }),
    );
    check(
        beyond(20.0),
        3,
        Some(Refusal::Stale {
            given: 3,
            current: 2,
        }),
    );
    check(beyond(10.0), 1, None);
    check(beyond(0.0), 1, None);
    check(Command::Rollback, 1, None);
}

#[test]
fn toward_the_primary_is_always_allowed() {
    let hindered = RoutePlan {
        alpha: 7.0,
        metrics_on: MetricSet::EMPTY,
        ..RoutePlan::new(route())
    };
    for history in [
        vec![],
        vec![beyond(30.0)],
        vec![beyond(100.0)],
        vec![Command::Rollback],
    ] {
        let mut rollout = after(owned(), &history);
        rollout.set_plan(hindered.clone());
        for (command, role) in [
            (beyond(0.0), ActorRole::Operator),
            (Command::Rollback, ActorRole::Operator),
            (Command::Alarm(alarm()), ActorRole::Engine),
        ] {
            let killed = ProposeContext {
                killed: true,
                ..context()
            };
            let got = rollout.propose(&command, &actor(role), &killed).unwrap();
            assert!(got.change.is_toward_primary(), "{command:?}");
        }
    }
}

#[test]
fn an_attempt_goes_on_through_zero_and_ends_with_a_roll_back() {
    let mut rollout = RouteRollout::new(owned());
    let mut check = |command: Command, share: f64, attempt: Option<u64>, stage: Stage| {
        done(&mut rollout, &command, 1);
        let split = rollout.split();
        let got = (split.share, split.attempt.map(|a| a.id), split.stage);
        assert_eq!(got, (percent(share), attempt, stage), "{command:?}");
    };
    check(beyond(0.0), 0.0, None, Stage::Shadow);
    check(beyond(5.0), 5.0, Some(1), Stage::Ramp);
    check(beyond(0.0), 0.0, Some(1), Stage::Shadow);
    check(beyond(10.0), 10.0, Some(1), Stage::Ramp);
    check(beyond(100.0), 100.0, Some(1), Stage::Ramp);
    check(beyond(50.0), 50.0, Some(1), Stage::Ramp);
    check(Command::Rollback, 0.0, None, Stage::Shadow);
    check(Command::Rollback, 0.0, None, Stage::Shadow);
    check(Command::Resume, 0.0, None, Stage::Shadow);
    check(beyond(5.0), 5.0, Some(2), Stage::Ramp);
}

#[test]
fn long_lived_units_are_drawn_anew_with_each_change() {
    let check = |long_lived_units: bool, expected: [u64; 7]| {
        let mut rollout = RouteRollout::new(RoutePlan {
            long_lived_units,
            ..owned()
        });
        let commands = [
            beyond(5.0),
            beyond(10.0),
            beyond(10.0),
            beyond(0.0),
            beyond(10.0),
            Command::Rollback,
            Command::Resume,
        ];
        let salts = commands.iter().zip(1..).map(|(command, salt)| {
            done(&mut rollout, command, salt);
            rollout.salt()
        });
        assert_eq!(salts.collect::<Vec<_>>(), expected, "{long_lived_units}");
        done(&mut rollout, &beyond(5.0), 8);
        assert_eq!(rollout.salt(), 8, "a new attempt draws anew");
    };
    check(false, [1, 1, 1, 1, 1, 1, 1]);
    check(true, [1, 2, 2, 4, 5, 5, 5]);
}

#[test]
fn an_override_is_recorded_only_where_it_was_needed() {
    let mut rollout = RouteRollout::new(owned());
    for (command, expected) in [
        (beyond(50.0), true),
        (beyond(100.0), true),
        (beyond(10.0), false),
        (beyond(100.0), false),
    ] {
        let change = done(&mut rollout, &command, 1);
        assert!(matches!(change, Change::Split { override_, .. } if override_ == expected));
    }
}

#[test]
fn status_says_what_is_missing() {
    let check = |plan: RoutePlan, history: &[Command], expected: &[&str]| {
        let mut rollout = after(owned(), history);
        rollout.set_plan(plan);
        let missing = rollout.status(&context()).missing;
        assert_eq!(missing.len(), expected.len(), "{missing:?}");
        for (got, words) in missing.iter().zip(expected) {
            assert!(got.contains(words), "{got}: {words}");
        }
    };
    check(owned(), &[], &[]);
    check(owned(), &[beyond(5.0)], &[]);
    check(owned(), &[beyond(100.0)], &[]);
    check(RoutePlan::new(route()), &[], &["no owner"]);
    check(
        RoutePlan::new(route()),
        &[Command::Rollback],
        &["rolled back", "no owner"],
    );
}

#[test]
fn under_the_kill_switch_nothing_is_raised() {
    let check = |command: Command, killed: bool, expected: Option<Refusal>| {
        let rollout = after(owned(), &[beyond(50.0), split(5.0)]);
        let context = ProposeContext {
            killed,
            ..context()
        };
        let got = rollout.propose(&command, &actor(ActorRole::Owner), &context);
        assert_eq!(got.err(), expected, "{command:?} {killed}");
        let missing = rollout.status(&context).missing;
        let named = missing.contains(&Refusal::KillSwitch.to_string());
        assert_eq!(named, killed, "{missing:?}");
    };
    check(split(50.0), false, None);
    check(split(50.0), true, Some(Refusal::KillSwitch));
    check(beyond(100.0), true, Some(Refusal::KillSwitch));
    check(Command::Advance, true, Some(Refusal::KillSwitch));
    check(split(5.0), true, None);
    check(split(1.0), true, None);
    check(Command::Hold, true, None);
}

#[test]
fn a_share_of_0_takes_internal_callers_back() {
    let check = |stage, share: f64, to: f64, expected| {
        let rollout = crate::testing::at_stage(crate::testing::plan(), stage, share);
        let operator = actor(ActorRole::Operator);
        let change = rollout.propose(&split(to), &operator, &context());
        let Ok(Change::Split { stage: got, .. }) = change.map(|proposal| proposal.change) else {
            panic!("{stage} {share}");
        };
        assert_eq!(got, Some(expected), "{stage} {share}");
    };
    check(Stage::Shadow, 0.0, 0.0, Stage::Shadow);
    check(Stage::Internal, 0.0, 0.0, Stage::Shadow);
    check(Stage::Slice, 1.0, 0.0, Stage::Shadow);
    check(Stage::Slice, 1.0, 1.0, Stage::Slice);
    check(Stage::Window, 100.0, 50.0, Stage::Ramp);
    check(Stage::Complete, 100.0, 0.0, Stage::Shadow);
}
