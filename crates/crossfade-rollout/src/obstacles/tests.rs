//! Every stage, every missing thing, and its words.

use std::collections::BTreeMap;

use crossfade_exchange::{Gate, Group, Metric, MetricSet, SizeClass};

use super::*;
use crate::{
    Actor, ActorRole, Alarm, Change, Closing, Command, Engine, Entry, Freeze, ReplayResult,
    SideCounts,
    testing::{
        BEGIN, DAY, HOUR, STAGES, at_stage, enough, entry, gate, golden, later, percent, plan, size,
    },
};

mod words;

fn words(rollout: &RouteRollout, evidence: &Evidence, context: &ProposeContext) -> Vec<String> {
    let obstacles = rollout.obstacles_by(evidence, context);
    obstacles.iter().map(Refusal::to_string).collect()
}

#[test]
fn with_everything_in_place_each_stage_leads_to_the_next() {
    let check = |stage, share, expected: (Stage, f64)| {
        let rollout = at_stage(plan(), stage, share);
        let (to, share_to) = rollout.next_step().unwrap();
        assert_eq!((to, share_to.percent()), expected, "{stage} {share}");
        let waits_for = words(&rollout, &enough(), &later());
        assert!(waits_for.is_empty(), "{stage} {share}: {waits_for:?}");
    };
    check(Stage::Replay, 0.0, (Stage::Shadow, 0.0));
    check(Stage::Shadow, 0.0, (Stage::Internal, 0.0));
    check(Stage::Internal, 0.0, (Stage::Slice, 1.0));
    check(Stage::Slice, 1.0, (Stage::Ramp, 5.0));
    check(Stage::Slice, 0.5, (Stage::Ramp, 5.0));
    check(Stage::Ramp, 5.0, (Stage::Ramp, 10.0));
    check(Stage::Ramp, 7.5, (Stage::Ramp, 10.0));
    check(Stage::Ramp, 50.0, (Stage::Ramp, 100.0));
    check(Stage::Ramp, 100.0, (Stage::Window, 100.0));
    check(Stage::Window, 100.0, (Stage::Complete, 100.0));
    let complete = at_stage(plan(), Stage::Complete, 100.0);
    assert_eq!(complete.next_step(), None);
    let last = "complete is the last of the route's stages: there is nothing to advance to";
    assert_eq!(words(&complete, &enough(), &later()), [last]);
}

#[test]
fn stages_that_a_route_lacks_are_passed_over() {
    use Stage::{Complete, Ramp, Replay, Shadow, Slice, Window};
    let check = |stages: &[Stage], internal: bool, at: (Stage, f64), expected| {
        let plan = RoutePlan {
            stages: stages.to_vec(),
            has_internal_callers: internal,
            ..plan()
        };
        let rollout = at_stage(plan, at.0, at.1);
        let got = rollout
            .next_step()
            .map(|(stage, share)| (stage, share.percent()));
        assert_eq!(got, expected, "{stages:?} {at:?}");
    };
    check(&[Shadow], false, (Shadow, 0.0), None);
    check(&[Replay, Shadow], false, (Replay, 0.0), Some((Shadow, 0.0)));
    check(&[Shadow, Slice], false, (Shadow, 0.0), Some((Slice, 1.0)));
    check(
        &[Shadow, Slice],
        true,
        (Shadow, 0.0),
        Some((Stage::Internal, 0.0)),
    );
    check(&[Shadow, Ramp], false, (Shadow, 0.0), Some((Ramp, 5.0)));
    check(&[Shadow, Slice], false, (Slice, 1.0), None);
    check(
        &[Shadow, Ramp, Window],
        false,
        (Ramp, 100.0),
        Some((Window, 100.0)),
    );
    check(
        &[Shadow, Ramp, Window, Complete],
        false,
        (Window, 100.0),
        Some((Complete, 100.0)),
    );
}

/// Whether exactly `expected` words are given, at each stage of `stages`, where `spoil` takes something away.
fn check(
    stages: &[(Stage, f64)],
    spoil: impl Fn(&mut RouteRollout, &mut Evidence, &mut ProposeContext),
    expected: &str,
) {
    for &(stage, share) in stages {
        let mut rollout = at_stage(plan(), stage, share);
        let (mut evidence, mut context) = (enough(), later());
        spoil(&mut rollout, &mut evidence, &mut context);
        let got = words(&rollout, &evidence, &context);
        let expected = expected.replace("STAGE", stage.as_str());
        assert_eq!(got, [expected], "{stage} {share}");
    }
}

const COUNTED: &[(Stage, f64)] = STAGES.split_at(1).1;

#[test]
fn what_the_plan_lacks_is_named_at_every_stage_but_replay() {
    let lacks = |change: fn(&mut RoutePlan), expected: &str| {
        check(
            COUNTED,
            |rollout, _, _| {
                let mut plan = rollout.plan().clone();
                change(&mut plan);
                rollout.set_plan(plan);
            },
            expected,
        );
    };
    lacks(
        |plan| plan.owner = None,
        "route has no owner: set `owner` in the route's configuration before it goes beyond stage shadow",
    );
    lacks(
        |plan| plan.gates.margins = BTreeMap::new(),
        "route has no success metric: set `success` in the route's rollout settings, or switch on a check that can gate, \
         before it goes beyond stage shadow",
    );
    lacks(
        |plan| plan.metrics_on = MetricSet::EMPTY,
        "route has no roll-back trigger: switch on a check that may roll back before it goes beyond stage shadow",
    );
    lacks(
        |plan| plan.gates.alpha = 2.0,
        "the route's rollout settings do not fit: the gates' alpha 2 is out of range: use a probability from 1e-12 to below 1, such as 0.05",
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn what_the_evidence_lacks_is_named_with_its_numbers() {
    let lacks = |change: fn(&mut Evidence), expected: &str| {
        check(COUNTED, |_, evidence, _| change(evidence), expected);
    };
    lacks(
        |evidence| evidence.units = 10,
        "only 10 of 50 units seen: 40 more needed, about 32 days at this rate",
    );
    lacks(
        |evidence| evidence.units = 0,
        "only 0 of 50 units seen: 50 more needed, and nothing arrives at present",
    );
    lacks(
        |evidence| evidence.coverage.clear(),
        "nothing of this stage is counted as compared yet, which is done once a minute: if it stays so, see that the route has eligible traffic and that mirroring is on",
    );
    lacks(
        |evidence| evidence.coverage = vec![size(SizeClass::M2, 0, 0)],
        "nothing of this stage is counted as compared yet, which is done once a minute: if it stays so, see that the route has eligible traffic and that mirroring is on",
    );
    lacks(
        |evidence| evidence.coverage[1] = size(SizeClass::M2, 200, 179),
        "coverage of requests of size 2m is 89.5 % of at least 90 % (179 of 200 compared): see what the mirror skips",
    );
    lacks(
        |evidence| evidence.gates.clear(),
        "no request of this stage says anything of a success metric: name one that fits its traffic",
    );
    lacks(
        |evidence| {
            evidence.gates[0].requests = 0;
            evidence.gates[0].w = 1.0;
        },
        "no request of this stage says anything of a success metric: name one that fits its traffic",
    );
    lacks(
        |evidence| evidence.gates[1].named = true,
        "gate label is named as a success metric and no request of this stage says anything of it: see that the primary is \
         asked twice (`ask_primary_twice`) and that the check applies",
    );
    lacks(
        |evidence| {
            evidence.gates[1] = GateEvidence {
                named: true,
                ..gate(Gate::Refusal, 1.0, 0)
            }
        },
        "gate refusal is named as a success metric and no request of this stage says anything of it: see that the check \
         applies to its traffic",
    );
    lacks(
        |evidence| {
            evidence.gates[1] = GateEvidence {
                needed: Some(788),
                ..gate(Gate::Refusal, 3.0, 212)
            };
        },
        "gate refusal is inconclusive, 212 of about 1 000 samples: about 788 more needed, about 30 days at this rate",
    );
    lacks(
        |evidence| {
            evidence.gates[1] = GateEvidence {
                requests: 3,
                ..gate(Gate::Refusal, 1.0, 0)
            }
        },
        "gate refusal is inconclusive, 0 samples: wait for more",
    );
    lacks(
        |evidence| {
            evidence.gates[1] = GateEvidence {
                mean: 0.031,
                ..gate(Gate::Refusal, 0.01, 2_000)
            }
        },
        "gate refusal does not pass after 2 000 samples, mean 3.1 % against a margin of 1 %: going on will not help, mend the \
         candidate or agree on another margin",
    );
    lacks(
        |evidence| evidence.gates[0].w = 20.0_f64.next_down(),
        "gate transport does not pass after 1 000 samples, mean 0.1 % against a margin of 1 %: going on will not help, mend the \
         candidate or agree on another margin",
    );
}

#[test]
fn a_freeze_holds_steps_of_the_ramp_and_nothing_else() {
    let check = |freeze: Freeze, expected: &str| {
        for &(stage, share) in COUNTED {
            let rollout = at_stage(plan(), stage, share);
            let evidence = Evidence {
                freeze: Some(freeze),
                ..enough()
            };
            let got = words(&rollout, &evidence, &later());
            if rollout.next_step().map(|(next, _)| next) == Some(Stage::Ramp) {
                assert_eq!(got, [expected], "{stage} {share}");
            } else {
                assert!(got.is_empty(), "{stage} {share}: {got:?}");
            }
        }
    };
    check(
        Freeze::PrimaryTrouble { last_unix_ms: 3 },
        "the primary itself fails more than it usually does: wait until 15 minutes after the last sign of it",
    );
    check(
        Freeze::Assignment,
        "an answer was not on the side that its unit draws, so the assignment is broken: roll the route back and report it",
    );
    check(
        Freeze::SampleRatio,
        "the sides' shares of the units do not fit the split, so answers of one side get lost: see that all outcomes arrive, \
         then roll back and resume",
    );
}

#[test]
fn what_the_moment_lacks_is_named() {
    let day = &STAGES[1..6];
    let early = |rollout: &mut RouteRollout, _: &mut Evidence, context: &mut ProposeContext| {
        context.now_unix_ms = rollout.entered_unix_ms() + DAY - HOUR;
    };
    check(
        day,
        early,
        "stage STAGE asks for 24 h and has had 23 h: about 60 min to go",
    );
    check(
        &STAGES[6..],
        early,
        "stage STAGE asks for 7 days and has had 23 h: about 7 days to go",
    );
    // A clock that jumped back has seen nothing go by.
    check(
        day,
        |_, _, context| context.now_unix_ms = 5,
        "stage STAGE asks for 24 h and has had 0 s: about 24 h to go",
    );
    check(
        COUNTED,
        |rollout, _, context| {
            let limit = rollout.attempt().unwrap().content_age;
            let old = (context.now_unix_ms * 1_000) - u64::try_from(limit.as_micros()).unwrap() - 1;
            context.oldest_unresolved_unix_micros = Some(old);
        },
        "a request of 60 s ago is not decided yet, and all are after 60 s: wait, or see why outcomes do not arrive",
    );
    let mut young = later();
    young.oldest_unresolved_unix_micros = Some(young.now_unix_ms * 1_000 - 59_000_000);
    assert!(words(&at_stage(plan(), Stage::Slice, 1.0), &enough(), &young).is_empty());
}

#[test]
fn a_hold_and_a_roll_back_stop_every_stage() {
    let hold = |rollout: &mut RouteRollout, _: &mut Evidence, _: &mut ProposeContext| {
        let held = Entry {
            actor: Actor::new("ana", ActorRole::Operator),
            reason: "holidays".into(),
            ..entry(10, BEGIN, Change::Hold)
        };
        rollout.apply_entry(&held);
    };
    check(
        &STAGES,
        hold,
        "route is held by ana (operator) (holidays): `resume` it",
    );
    for (stage, share) in STAGES {
        let mut rollout = at_stage(plan(), stage, share);
        let from = rollout.share();
        let cause = crate::Cause::Manual;
        rollout.apply_entry(&entry(10, BEGIN, Change::Rollback { from, cause }));
        let first = rollout.obstacles_by(&enough(), &later()).remove(0);
        assert_eq!(first, Refusal::RolledBack, "{stage}");
        assert_eq!(rollout.stage(), stage.min(Stage::Shadow), "{stage}");
        assert!(rollout.signoff().is_none() && rollout.share().is_zero());
    }
}

#[test]
fn sign_offs_are_of_this_stage_this_configuration_and_this_evidence() {
    let missing = "the owner has not signed stage STAGE off: run `crossfade report ROUTE`, read it, sign its hash with \
                   `crossfade signoff ROUTE --report HASH`";
    let expired = "the sign-off of report abc is void, the configuration or the evidence has changed since: run `crossfade \
                   report ROUTE`, read it, sign its hash";
    check(
        COUNTED,
        |rollout, _, _| {
            let signed = Change::Signoff {
                stage: Stage::Replay,
                report: "abc".into(),
                fingerprint: "one".into(),
            };
            rollout.apply_entry(&entry(11, BEGIN, signed));
        },
        missing,
    );
    check(
        COUNTED,
        |rollout, _, _| {
            let signed = Change::Signoff {
                stage: rollout.stage(),
                report: "abc".into(),
                fingerprint: "another".into(),
            };
            rollout.apply_entry(&entry(11, BEGIN, signed));
        },
        expired,
    );
    // A configuration that changes and changes back leaves other evidence behind.
    check(
        COUNTED,
        |rollout, _, _| {
            let rules = Box::new(rollout.plan().gates.clone());
            rollout.apply_entry(&entry(11, BEGIN, Change::GatesRestarted { rules }));
        },
        expired,
    );
    // In the ramp, one covers all steps; a stage that is entered anew asks for another.
    let mut rollout = at_stage(plan(), Stage::Ramp, 5.0);
    let step = |to: Stage, share_to: f64| Change::Advance {
        from: Stage::Ramp,
        to,
        share_from: percent(5.0),
        share_to: percent(share_to),
        salt: 7,
        new_attempt: None,
        signoff: Some(9),
        required: at_stage(plan(), Stage::Ramp, 5.0).requirements(),
    };
    rollout.apply_entry(&entry(12, BEGIN, step(Stage::Ramp, 10.0)));
    assert!(rollout.signoff_obstacle().is_none());
    rollout.apply_entry(&entry(13, BEGIN, step(Stage::Window, 100.0)));
    let stage = Stage::Window;
    assert_eq!(
        rollout.signoff_obstacle(),
        Some(Refusal::SignoffMissing { stage })
    );
}

#[test]
fn a_changed_configuration_stops_every_stage_until_its_gates_began() {
    for (stage, share) in COUNTED {
        let mut rollout = at_stage(plan(), *stage, *share);
        let mut changed = plan();
        changed.gates.fingerprint = "two".into();
        rollout.set_plan(changed);
        let got = rollout.obstacles_by(&enough(), &later());
        let report = "abc".to_owned();
        let expected = [Refusal::GatesOutdated, Refusal::SignoffExpired { report }];
        assert_eq!(got, expected, "{stage}");
    }
}

#[test]
fn only_a_golden_set_that_passed_leaves_replay() {
    let result = |result: ReplayResult, fingerprint: &str| {
        let fingerprint = fingerprint.to_owned();
        Some(Change::Replayed {
            result,
            fingerprint,
        })
    };
    let check = |change: Option<Change>, expected: Option<Refusal>| {
        let mut rollout = RouteRollout::new(plan());
        if let Some(change) = change {
            rollout.apply_entry(&entry(0, 1, change));
        }
        let expected: Vec<Refusal> = expected.into_iter().collect();
        // Nothing else is asked for, not even an owner; and nobody gets past it with an override.
        let bare = RoutePlan {
            owner: None,
            ..plan()
        };
        let common = rollout.obstacles(&later());
        rollout.set_plan(bare);
        assert_eq!(rollout.obstacles_to_advance(&later()), expected);
        assert_eq!(common, expected);
    };
    check(None, Some(Refusal::ReplayMissing));
    let failed = Refusal::ReplayFailed {
        passed: 37,
        cases: 40,
    };
    check(result(golden(100), "one"), Some(failed));
    check(result(golden(0), "two"), Some(Refusal::ReplayOutdated));
    check(result(golden(0), "one"), None);
}

#[test]
fn the_whole_share_needs_a_mirror_back_and_the_end_a_clean_house() {
    let no_mirror = |rollout: &mut RouteRollout, _: &mut Evidence, _: &mut ProposeContext| {
        rollout.set_plan(RoutePlan {
            reverse_share: Percent::ZERO,
            ..rollout.plan().clone()
        });
    };
    let words_of_it =
        "at 100 % nothing would watch the candidate: set `reverse_share` under [mirror] above 0";
    let to_whole = [
        (Stage::Ramp, 50.0),
        (Stage::Ramp, 100.0),
        (Stage::Window, 100.0),
    ];
    check(&to_whole, no_mirror, words_of_it);
    let mut rollout = at_stage(plan(), Stage::Ramp, 25.0);
    no_mirror(&mut rollout, &mut enough(), &mut later());
    assert!(
        words(&rollout, &enough(), &later()).is_empty(),
        "50 % needs none"
    );
    // What has passed stays passed while nothing is copied, so it must not carry a route on.
    check(
        COUNTED,
        |rollout, _, _| {
            rollout.apply_entry(&entry(10, BEGIN, Change::MirrorSwitched { enabled: false }));
        },
        "mirroring is off, so nothing new is compared: `crossfade mirror on` ends that",
    );
    check(
        &STAGES[6..],
        |_, _, context| context.closing.open_reviews = 3,
        "3 reviews of the route are open: close them",
    );
    check(
        &STAGES[6..],
        |_, _, context| {
            context.closing = Closing {
                open_reviews: 0,
                ledger_problem: Some("entry 7 differs".into()),
            };
        },
        "the ledger does not verify (entry 7 differs): run `crossfade verify-ledger`",
    );
}

#[test]
fn a_date_that_jumped_forward_is_not_believed() {
    let check = |days_by_date: u64, hours_counted: Option<u64>, expected: Option<u64>| {
        let rollout = at_stage(plan(), Stage::Slice, 1.0);
        let context = ProposeContext {
            in_stage: hours_counted.map(Duration::from_hours),
            ..ProposeContext::at(BEGIN + days_by_date * DAY)
        };
        let found = rollout.obstacles_by(&enough(), &context);
        let had = found.first().map(|refusal| match refusal {
            Refusal::MinimumTime { had, .. } => had.as_secs() / 3_600,
            other => panic!("{other}"),
        });
        assert_eq!(had, expected, "{days_by_date} {hours_counted:?}");
    };
    check(365, Some(3), Some(3));
    check(365, Some(24), None);
    check(365, None, None);
    check(0, Some(48), Some(0));
}
