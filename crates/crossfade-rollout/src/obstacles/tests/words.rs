//! What is said when much is missing, and that every refusal says what to do.

use super::*;

#[test]
fn nothing_is_left_out_when_much_is_missing() {
    let plan = RoutePlan {
        owner: None,
        reverse_share: Percent::ZERO,
        ..plan()
    };
    let mut rollout = at_stage(plan, Stage::Ramp, 50.0);
    rollout.apply_entry(&entry(10, BEGIN, Change::Hold));
    let context = ProposeContext {
        oldest_unresolved_unix_micros: Some(1),
        ..ProposeContext::at(BEGIN + HOUR)
    };
    let codes: Vec<&str> = rollout
        .obstacles_by(&Evidence::default(), &context)
        .iter()
        .map(Refusal::code)
        .collect();
    assert_eq!(
        codes,
        [
            "held",
            "owner_missing",
            "reverse_missing",
            "minimum_time",
            "no_gate_applies",
            "units",
            "nothing_compared",
            "unresolved",
        ]
    );
    // An advance is refused with the first of them.
    let owner = Actor::new("ana", ActorRole::Owner);
    let context = ProposeContext {
        reason: "now".into(),
        ..context
    };
    let refused = rollout.propose(&Command::Advance, &owner, &context);
    assert_eq!(refused.unwrap_err().code(), "held");
}

#[test]
fn a_route_that_fails_in_shadow_says_what_was_found() {
    let alarm = Alarm {
        engine: Engine::P,
        group: Group::Content,
        metric: Metric::JsonSchema,
        sum: 214.3,
        threshold: 200.0,
        decided: 900,
        primary: SideCounts::default(),
        candidate: SideCounts {
            answers: 120,
            bad: 14,
            counted: 14,
        },
    };
    let text = Refusal::Failing { alarm }.to_string();
    assert!(
        text.starts_with("route fails in stage shadow (engine P: json_schema bad in 14"),
        "{text}"
    );
    assert!(
        text.ends_with("or an owner may `resume` it, which counts anew"),
        "{text}"
    );
}

#[test]
fn every_refusal_says_what_to_do() {
    for (stage, share) in STAGES {
        let rollout = at_stage(plan(), stage, share);
        for refusal in rollout.obstacles_by(&Evidence::default(), &ProposeContext::at(0)) {
            let text = refusal.to_string();
            assert!(text.contains(": "), "{text}");
            assert_eq!(refusal.kind(), crate::RefusalKind::Refused);
        }
    }
}

#[test]
fn rates_give_times() {
    let check = |so_far, more, had, expected| assert_eq!(at_rate(so_far, more, had), expected);
    check(0, 10, 100.0, None);
    check(10, 10, 0.0, None);
    check(10, 0, 100.0, Some(0));
    check(10, 5, 100.0, Some(50));
    check(3, 1, 10.0, Some(4));
}
