//! Samples, stages, and what begins anew.

use super::*;

#[test]
fn a_sample_is_the_mean_of_a_unit_in_its_window() {
    let mut running = shadow(&[Metric::Refusal], &[Gate::Refusal, Gate::Label]);
    let bad = compared(&[], &[Metric::Refusal]);
    let good = compared(&[], &[]);
    for (unit, at, result) in [
        (1, 0, bad),
        (1, 5, good),
        (2, 7, good),
        (1, 9, good),
        (1, 11, good),
    ] {
        running.apply(&pair(Group::Content, unit, at, result));
    }
    let differences = |at, value| {
        Record::Differences(Differences::new(
            at,
            1,
            Unit(2),
            [(Gate::Label, value), (Gate::Citations, 1.0)],
        ))
    };
    running.apply(&differences(8, 1.0));
    running.apply(&differences(20, -0.25));
    let open = gate_of(&running, Gate::Refusal);
    assert_eq!((open.samples, open.requests), (0, 5));
    let mut engine = EngineG::new(0.01);
    running.apply(&clock(WINDOW));
    engine.unit(0.25);
    let first = gate_of(&running, Gate::Refusal);
    assert_eq!((first.samples, first.mean), (1, 0.25));
    assert_eq!(first.w.to_bits(), engine.w().to_bits());
    running.apply(&clock(WINDOW + 7));
    engine.unit(0.0);
    let second = gate_of(&running, Gate::Refusal);
    assert_eq!((second.samples, second.mean), (2, 0.125));
    assert_eq!(second.w.to_bits(), engine.w().to_bits());
    let label = gate_of(&running, Gate::Label);
    assert_eq!((label.samples, label.requests, label.mean), (1, 2, 0.375));
    assert_eq!(
        (running.evidence().units, running.evidence().gates.len()),
        (2, 2)
    );
}

/// Two units ten minutes apart, and 19 of 20 requests compared.
fn fill(running: &mut Running, from: u64) {
    let good = compared(&[], &[]);
    running.apply(&pair(Group::Content, 1, from, good));
    running.apply(&pair(Group::Content, 2, from + WINDOW, good));
    for compared in [9, 10] {
        running.apply(&Record::Coverage(Coverage {
            at_unix_micros: 1,
            attempt: 1,
            size: SizeClass::ALL[1],
            selected: 10,
            compared,
        }));
    }
}

/// Samples and requests of the gate on refusals, units, and selected and compared of the second size.
fn seen(running: &Running) -> (u64, u64, u64, Vec<(u64, u64)>) {
    let evidence = running.evidence();
    let gate = gate_of(running, Gate::Refusal);
    let sizes = evidence.coverage.iter();
    let sizes = sizes.map(|c| (c.selected, c.compared)).collect();
    (gate.samples, gate.requests, evidence.units, sizes)
}

#[test]
fn a_stage_begins_with_nothing_and_takes_only_what_was_sent_in_it() {
    let mut running = shadow(&[Metric::Refusal], &[Gate::Refusal, Gate::Label]);
    fill(&mut running, 0);
    assert_eq!(seen(&running), (1, 2, 2, vec![(20, 19)]));
    let (_, w_pairs) = pairs_of(&running, Metric::Refusal);
    running.stage_entered(2_000_000);
    assert_eq!(seen(&running), (0, 0, 0, vec![]));
    assert!((gate_of(&running, Gate::Refusal).w - 1.0).abs() < 1e-12);
    // Engine P goes on.
    let (_, after) = pairs_of(&running, Metric::Refusal);
    assert_eq!(after.to_bits(), w_pairs.to_bits());
    // Sent before the stage: evidence of the one before, for engine P only.
    let late = 2_000_000 * 1_000 - 1;
    running.apply(&pair(Group::Content, 7, late, compared(&[], &[])));
    let label = Differences::new(late, 1, Unit(7), [(Gate::Label, 1.0)]);
    running.apply(&Record::Differences(label));
    assert_eq!(seen(&running), (0, 0, 0, vec![]));
    assert_eq!(gate_of(&running, Gate::Label).requests, 0);
    assert_eq!(pairs_of(&running, Metric::Refusal).0.pairs, 3);
    fill(&mut running, 2_000_000 * 1_000);
    assert_eq!(seen(&running), (1, 2, 2, vec![(20, 19)]));
}

#[test]
fn gates_begin_anew_under_other_rules() {
    let mut running = shadow(&[Metric::Refusal], &[Gate::Refusal, Gate::Label]);
    fill(&mut running, 0);
    let rules = GateRules {
        fingerprint: "other".into(),
        margins: [(Gate::Slow, 0.02)].into(),
        named: vec![Gate::Slow],
        alpha: 0.1,
        unit_window: Duration::from_secs(1),
    };
    running.restart_gates(&rules, 9_000_000);
    assert_eq!(running.facts().gates, rules);
    let evidence = running.evidence();
    assert_eq!((evidence.units, evidence.gates.len()), (0, 1));
    let slow = gate_of(&running, Gate::Slow);
    assert!(slow.named && (slow.margin - 0.02).abs() < 1e-12);
    assert!((slow.threshold - 10.0).abs() < 1e-9);
    // The window is as long as the rules say now.
    let sent = 9_000_000 * 1_000;
    running.apply(&pair(Group::Arrival, 1, sent, compared(&[], &[])));
    running.apply(&clock(sent + SECOND));
    assert_eq!(gate_of(&running, Gate::Slow).samples, 1);
}
