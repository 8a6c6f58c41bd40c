//! Stages in the fold: the whole way, and each verb's mark on it.

use super::*;
use crate::{
    DrillResult, Phase, Refusal, ReplayResult,
    testing::{BEGIN, at_stage, entry, later, percent, plan},
};

fn who(role: ActorRole) -> Actor {
    Actor::new("somebody", role)
}

fn record(rollout: &mut RouteRollout, command: &Command, role: ActorRole) -> Change {
    let context = ProposeContext {
        new_salt: 99,
        reports: vec!["abc".into()],
        ..later()
    };
    let proposal = rollout.propose(command, &who(role), &context).unwrap();
    let change = proposal.change.clone();
    let sequence = 50 + rollout.revision();
    rollout.apply_entry(&proposal.into_entry(sequence, BEGIN + 5, route(), who(role)));
    change
}

fn split(to: f64, override_: bool) -> Command {
    let to = percent(to);
    Command::Split { to, override_ }
}

#[test]
fn a_share_set_by_hand_finds_its_stage_and_remembers_what_was_reached() {
    let mut rollout = at_stage(plan(), Stage::Ramp, 25.0);
    let mut check = |command: Command, role, stage: Stage, reached: f64| {
        let change = record(&mut rollout, &command, role);
        let got = (rollout.stage(), rollout.reached().percent());
        assert_eq!(got, (stage, reached), "{command:?}");
        assert_eq!(rollout.attempt().map(|facts| facts.id), Some(1));
        assert_eq!(rollout.entered_unix_ms(), BEGIN + 5);
        assert!(matches!(change, Change::Split { stage: Some(of), .. } if of == stage));
    };
    let (operator, owner) = (ActorRole::Operator, ActorRole::Owner);
    check(split(10.0, false), operator, Stage::Ramp, 25.0);
    check(split(1.0, false), operator, Stage::Slice, 25.0);
    check(split(0.0, false), operator, Stage::Shadow, 25.0);
    check(split(25.0, false), operator, Stage::Ramp, 25.0);
    check(split(30.0, true), owner, Stage::Ramp, 30.0);
    check(split(0.5, false), operator, Stage::Slice, 30.0);
    check(split(30.0, false), operator, Stage::Ramp, 30.0);
}

#[test]
fn complete_ends_the_attempt_and_a_lower_share_begins_another() {
    let mut rollout = at_stage(plan(), Stage::Complete, 100.0);
    assert_eq!(
        (rollout.attempt(), rollout.reached()),
        (None, Percent::ZERO)
    );
    assert!(rollout.share().is_whole() && rollout.split().stage.holds_without_lease());
    let change = record(&mut rollout, &split(50.0, false), ActorRole::Operator);
    assert!(change.is_toward_primary());
    let facts = rollout.attempt().unwrap();
    assert_eq!((facts.id, facts.phase), (2, Phase::Attempt));
    assert_eq!((rollout.stage(), rollout.salt()), (Stage::Ramp, 99));
    // All the way down nothing needs to be watched as an attempt.
    let mut rollout = at_stage(plan(), Stage::Complete, 100.0);
    record(&mut rollout, &split(0.0, false), ActorRole::Operator);
    assert_eq!((rollout.attempt(), rollout.stage()), (None, Stage::Shadow));
}

#[test]
fn holds_are_kept_until_lifted_and_the_first_is_shown() {
    let mut rollout = at_stage(plan(), Stage::Ramp, 25.0);
    record(&mut rollout, &Command::Hold, ActorRole::Operator);
    let first = rollout.held().cloned();
    record(&mut rollout, &Command::Hold, ActorRole::Owner);
    assert_eq!(rollout.held().cloned(), first);
    let owner = who(ActorRole::Owner);
    let refused = rollout.propose(&split(30.0, true), &owner, &later());
    assert!(
        matches!(refused, Err(Refusal::Held { .. })),
        "not even by override"
    );
    let change = record(&mut rollout, &Command::Resume, ActorRole::Operator);
    assert_eq!((change, rollout.held()), (Change::Release, None));
    // A roll-back goes first, and leaves the hold.
    record(&mut rollout, &Command::Hold, ActorRole::Operator);
    record(&mut rollout, &Command::Rollback, ActorRole::Operator);
    assert_eq!(
        record(&mut rollout, &Command::Resume, ActorRole::Owner),
        Change::Resume
    );
    assert!(rollout.held().is_some() && rollout.rolled_back().is_none());
    let change = record(&mut rollout, &Command::Resume, ActorRole::Owner);
    assert_eq!(change, Change::Release);
}

#[test]
fn only_an_owner_signs_what_was_seen() {
    let sign = |report: &str| Command::Signoff {
        report: report.to_owned(),
    };
    let check = |stage, command: &Command, role, expected: &str| {
        let rollout = at_stage(plan(), stage, 100.0);
        let context = ProposeContext {
            reports: vec!["abc".into()],
            ..later()
        };
        let got = rollout.propose(command, &who(role), &context);
        let code = got.as_ref().map_or_else(Refusal::code, |_| "agreed");
        assert_eq!(code, expected, "{stage} {role}");
    };
    let owner = ActorRole::Owner;
    check(Stage::Window, &sign("abc"), owner, "agreed");
    check(Stage::Shadow, &sign("abc"), owner, "agreed");
    check(Stage::Window, &sign("abd"), owner, "report_unknown");
    check(Stage::Window, &sign(""), owner, "report_unknown");
    check(Stage::Replay, &sign("abc"), owner, "nothing_to_sign");
    check(Stage::Complete, &sign("abc"), owner, "nothing_to_sign");
    for role in [
        ActorRole::Viewer,
        ActorRole::Operator,
        ActorRole::Engine,
        ActorRole::Controller,
    ] {
        check(Stage::Window, &sign("abc"), role, "role");
    }
    let rollout = at_stage(plan(), Stage::Window, 100.0);
    let stale = ProposeContext {
        if_match: Some(0),
        reports: vec!["abc".into()],
        ..later()
    };
    let refused = rollout
        .propose(&sign("abc"), &who(owner), &stale)
        .unwrap_err();
    assert_eq!(refused.code(), "stale");
}

#[test]
fn what_would_be_void_at_once_is_not_signed() {
    let check = |rollout: &RouteRollout, expected: &str| {
        let command = Command::Signoff {
            report: "abc".to_owned(),
        };
        let context = ProposeContext {
            reports: vec!["abc".into()],
            ..later()
        };
        let got = rollout.propose(&command, &who(ActorRole::Owner), &context);
        let code = got.as_ref().map_or_else(Refusal::code, |_| "agreed");
        assert_eq!(code, expected);
    };
    let begins_in_shadow = RoutePlan {
        stages: vec![Stage::Shadow, Stage::Slice],
        ..plan()
    };
    check(&RouteRollout::new(begins_in_shadow), "not_watched");
    let mut rollout = at_stage(plan(), Stage::Slice, 1.0);
    check(&rollout, "agreed");
    let mut changed = plan();
    changed.gates.fingerprint = "two".into();
    rollout.set_plan(changed);
    check(&rollout, "gates_outdated");
    rollout.set_plan(plan());
    record(&mut rollout, &Command::Hold, ActorRole::Operator);
    check(&rollout, "agreed");
    record(&mut rollout, &Command::Rollback, ActorRole::Operator);
    check(&rollout, "rolled_back");
    record(&mut rollout, &Command::Resume, ActorRole::Owner);
    check(&rollout, "not_watched");
}

#[test]
fn who_may_use_the_other_verbs() {
    use ActorRole::{Controller, Operator, Owner, Viewer};
    let drill = Command::Drilled(DrillResult {
        decided_after_micros: 900,
        durable_after_micros: 4_000,
        problems: vec![],
    });
    let replayed = Command::Replayed(ReplayResult {
        dataset_sha256: "ab".repeat(32),
        cases: 1,
        passed: 1,
        exit_code: 0,
    });
    let check = |command: &Command, may: &[ActorRole]| {
        let rollout = at_stage(plan(), Stage::Shadow, 0.0);
        for role in ActorRole::ALL {
            let got = rollout.propose(command, &who(*role), &later());
            let refused = matches!(got, Err(Refusal::Role { .. }));
            assert_eq!(!refused, may.contains(role), "{role} {command:?}: {got:?}");
        }
    };
    check(&Command::Hold, &[Operator, Owner]);
    check(&Command::Advance, &[Operator, Owner]);
    check(&drill, &[Operator, Owner]);
    check(&replayed, &[Operator, Owner]);
    check(&Command::Observe, &[Controller]);
    check(&Command::RestartGates, &[Controller]);
    let mut rollout = at_stage(plan(), Stage::Shadow, 0.0);
    let before = rollout.last_change().cloned();
    record(&mut rollout, &drill, Operator);
    record(&mut rollout, &replayed, Operator);
    assert_eq!(rollout.last_drill().map(|(at, _)| *at), Some(BEGIN + 5));
    assert_eq!(rollout.status(&later()).replayed.unwrap().cases, 1);
    assert_eq!(rollout.last_change().cloned(), before, "nothing moved");
    let viewer = who(Viewer);
    assert!(rollout.propose(&Command::Hold, &viewer, &later()).is_err());
}

#[test]
fn status_says_what_comes_next_and_why_not_yet() {
    let rollout = at_stage(plan(), Stage::Ramp, 25.0);
    let status = rollout.status(&ProposeContext::at(BEGIN + 3_600_000));
    let next = status.next.unwrap();
    assert_eq!(
        (next.stage, next.share, next.automatic),
        (Stage::Ramp, percent(50.0), true)
    );
    assert_eq!(
        next.waits_for[0],
        "stage ramp asks for 24 h and has had 60 min: about 23 h to go"
    );
    assert!(status.signoff.unwrap().what.contains("report abc"));
    assert!(status.missing.is_empty());
    assert_eq!(status.standings.len(), status.gates.len());
    assert_eq!(
        at_stage(plan(), Stage::Complete, 100.0)
            .status(&later())
            .next,
        None
    );
}

#[test]
fn nothing_moves_by_an_advance_that_no_proposal_makes() {
    let advance = |to: Stage, share_to: f64| Change::Advance {
        from: Stage::Shadow,
        to,
        share_from: Percent::ZERO,
        share_to: percent(share_to),
        salt: 3,
        new_attempt: None,
        signoff: None,
        required: at_stage(plan(), Stage::Shadow, 0.0).requirements(),
    };
    for (to, share) in [
        (Stage::Internal, 0.0),
        (Stage::Slice, 1.0),
        (Stage::Window, 100.0),
    ] {
        let mut rollout = at_stage(plan(), Stage::Shadow, 0.0);
        rollout.apply_entry(&entry(20, BEGIN, advance(to, share)));
        assert_eq!(
            (rollout.stage(), rollout.share()),
            (Stage::Shadow, Percent::ZERO),
            "{to}"
        );
    }
    // An observation does not end an attempt, nor a route that is rolled back.
    let facts = Box::new(AttemptFacts::freeze(9, Phase::Shadow, &plan(), None));
    let mut rollout = at_stage(plan(), Stage::Ramp, 25.0);
    rollout.apply_entry(&entry(20, BEGIN, Change::Observe { facts }));
    assert_eq!(rollout.attempt().unwrap().id, 1);
}
