//! What people say of pairs, as a group of its own.

use super::*;

fn said(sent: u64, unit: u128, primary: &[Metric], candidate: &[Metric]) -> Record {
    pair(Group::Review, unit, sent, compared(primary, candidate))
}

const WORSE: &[Metric] = &[Metric::Review];

#[test]
fn they_count_for_p_alone_and_for_no_gate() {
    let facts = facts(
        Phase::Attempt,
        &[Metric::Transport, Metric::Review],
        &[Gate::Transport],
    );
    let mut running = Running::new(facts);
    let mut engine = EngineP::new(Metric::Review);
    // (sent, unit, primary, candidate, counted)
    for (sent, unit, primary, candidate, counted) in [
        (10, 1, &[][..], WORSE, true),
        (11, 1, &[], WORSE, false),
        (12, 2, WORSE, &[], true),
        (13, 3, &[], &[], true),
        (14, 4, WORSE, WORSE, true),
        (10 + WINDOW, 1, &[], WORSE, true),
    ] {
        let record = said(sent, unit, primary, candidate);
        assert!(running.takes(&record), "{sent}");
        running.apply(&record);
        if counted {
            engine.pair(!candidate.is_empty(), !primary.is_empty());
        }
        let w = pairs_of(&running, Metric::Review).1;
        assert_eq!(w.to_bits(), engine.w().to_bits(), "{sent}");
    }
    running.apply(&clock(99 * WINDOW));
    let evidence = running.evidence();
    let groups: Vec<_> = evidence
        .groups
        .iter()
        .map(|g| (g.engine, g.group))
        .collect();
    let expected = [
        (Engine::R, Group::Arrival),
        (Engine::P, Group::Arrival),
        (Engine::P, Group::Review),
    ];
    assert_eq!(groups, expected);
    assert_eq!(
        (evidence.units, gate_of(&running, Gate::Transport).requests),
        (0, 0)
    );
    assert_eq!(pairs_of(&running, Metric::Transport).0.pairs, 0);
}

#[test]
fn nothing_enters_after_what_was_sent_later_and_nothing_twice() {
    let mut running = shadow(&[Metric::Review], &[]);
    for (sent, expected) in [(5, true), (5, false), (4, false), (6, true), (1, false)] {
        let record = said(sent, u128::from(sent), &[], &[]);
        assert_eq!(running.takes(&record), expected, "{sent}");
        if expected {
            running.apply(&record);
        }
    }
    assert_eq!(running.last_review().unwrap().sent_unix_micros, 6);
    // The other groups have orders of their own.
    assert!(running.takes(&pair(Group::Content, 1, 1, compared(&[], &[]))));
}

#[test]
fn a_route_that_asks_nobody_takes_nothing_and_keeps_its_thresholds() {
    let mut running = shadow(&[Metric::Refusal], &[]);
    assert!(!running.takes(&said(5, 1, &[], WORSE)));
    running.apply(&pair(Group::Content, 1, 5, compared(&[], &[])));
    assert_eq!(running.last_review(), None);
    let usual = AttemptFacts::freeze(1, Phase::Attempt, &RoutePlan::new(RouteId::new("r")), None);
    assert!(!usual.metrics.contains(Metric::Review));
    assert!((usual.share_of(Metric::Refusal) - 1.0 / 8.0).abs() < 1e-15);
    assert!(usual.share_of(Metric::Review).abs() < 1e-15);
}

#[test]
fn what_people_find_rolls_back_and_names_them() {
    let mut running = shadow(&[Metric::Refusal, Metric::Review], &[]);
    let alarm = (1..1_000)
        .find_map(|sent| running.apply(&said(sent, sent.into(), &[], WORSE)))
        .unwrap();
    assert_eq!(
        (alarm.engine, alarm.group, alarm.metric),
        (Engine::P, Group::Review, Metric::Review)
    );
    assert!((10..20).contains(&alarm.candidate.bad), "{alarm}");
    let both = shadow(&[Metric::Refusal, Metric::Review], &[]);
    for [primary, candidate] in [[WORSE, WORSE], [WORSE, &[]], [&[], &[]]] {
        let mut running = both.clone();
        let alarm =
            (1..5_000).find_map(|sent| running.apply(&said(sent, sent.into(), primary, candidate)));
        assert_eq!(alarm, None, "{primary:?} {candidate:?}");
    }
}
