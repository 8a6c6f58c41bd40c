//! Pairs, gates and freezes of a running attempt, from records.

use std::time::Duration;

use crossfade_exchange::{Gate, OutcomeKey, RouteId, Side, SizeClass, Unit};

use super::*;
use crate::{Coverage, Differences, EngineG, EngineP, GateEvidence, PairCounts, RoutePlan, draw};

mod freezes;
mod properties;
mod reviews;
mod stages;

const SECOND: u64 = 1_000_000;
const WINDOW: u64 = 600 * SECOND;

fn facts(phase: Phase, metrics: &[Metric], gates: &[Gate]) -> AttemptFacts {
    let plan = RoutePlan {
        metrics_on: metrics.iter().copied().collect(),
        gates: GateRules {
            margins: gates.iter().map(|gate| (*gate, gate.margin())).collect(),
            ..GateRules::default()
        },
        cost_limit_usd: Some(0.1),
        ..RoutePlan::new(RouteId::new("r"))
    };
    AttemptFacts::freeze(1, phase, &plan, None)
}

fn shadow(metrics: &[Metric], gates: &[Gate]) -> Running {
    Running::new(facts(Phase::Shadow, metrics, gates))
}

fn compared(primary: &[Metric], candidate: &[Metric]) -> PairResult {
    let set = |metrics: &[Metric]| metrics.iter().copied().collect();
    PairResult::Compared {
        primary: set(primary),
        candidate: set(candidate),
    }
}

fn pair(group: Group, unit: u128, at: u64, result: PairResult) -> Record {
    Record::Pair(DecidedPair {
        key: OutcomeKey {
            sent_unix_micros: at,
            ..OutcomeKey::default()
        },
        attempt: 1,
        group,
        answer: Side::Primary,
        unit: Unit(unit),
        applies: MetricSet::all().of_group(group),
        result,
    })
}

/// A good answer of the side that the coin draws, or of the other one.
fn answer(unit: u128, at: u64, probability: f64, misplaced: bool) -> Decided {
    let candidate = (draw(3, Unit(unit)) < probability) != misplaced;
    Decided {
        key: OutcomeKey {
            sent_unix_micros: at,
            ..OutcomeKey::default()
        },
        attempt: 1,
        group: Group::Arrival,
        side: if candidate {
            Side::Candidate
        } else {
            Side::Primary
        },
        probability,
        salt: 3,
        unit: Unit(unit),
        applies: MetricSet::all().of_group(Group::Arrival),
        bad: MetricSet::EMPTY,
    }
}

/// A record that only moves the clock.
fn clock(at: u64) -> Record {
    Record::Coverage(Coverage {
        at_unix_micros: at,
        attempt: 1,
        size: SizeClass::ALL[0],
        selected: 0,
        compared: 0,
    })
}

fn pairs_of(running: &Running, metric: Metric) -> (PairCounts, f64) {
    let evidence = running.evidence();
    let of = evidence
        .metrics
        .iter()
        .find(|m| m.metric == metric)
        .unwrap();
    (of.pairs, of.w_pairs)
}

fn gate_of(running: &Running, gate: Gate) -> GateEvidence {
    *running
        .evidence()
        .gates
        .iter()
        .find(|g| g.gate == gate)
        .unwrap()
}

#[test]
fn pairs_feed_engine_p_once_for_each_unit_and_metric_in_ten_minutes() {
    let mut running = shadow(&[Metric::Transport, Metric::Refusal], &[]);
    let mut engine = EngineP::new(Metric::Refusal);
    let bad = compared(&[], &[Metric::Refusal]);
    let good = compared(&[], &[]);
    // (unit, at, result, counted)
    let cases = [
        (1, 0, bad, Some((true, false))),
        (1, 1, bad, None),
        (2, 2, good, Some((false, false))),
        (2, WINDOW - 1, bad, None),
        (2, WINDOW, bad, Some((true, false))),
        (2, WINDOW + 1, bad, None),
        (
            1,
            WINDOW + 2,
            compared(&[Metric::Refusal], &[]),
            Some((false, true)),
        ),
        // What was sent a little before is of the ten minutes that run.
        (1, 3, bad, None),
        (3, 3, bad, Some((true, false))),
        // A clock that ran far ahead does not keep units from counting once it is right again.
        (2, 99 * WINDOW, bad, Some((true, false))),
        (2, WINDOW, bad, Some((true, false))),
        (2, WINDOW + 5, bad, None),
    ];
    let mut counted = 0;
    for (unit, at, result, expected) in cases {
        running.apply(&pair(Group::Content, unit, at, result));
        if let Some((candidate, primary)) = expected {
            counted += 1;
            engine.pair(candidate, primary);
        }
        let (counts, w) = pairs_of(&running, Metric::Refusal);
        assert_eq!(counts.pairs, counted, "{unit} {at}");
        assert_eq!(w.to_bits(), engine.w().to_bits(), "{unit} {at}");
    }
    // The other group counts by itself.
    running.apply(&pair(Group::Arrival, 1, WINDOW + 3, good));
    assert_eq!(pairs_of(&running, Metric::Transport).0.pairs, 1);
    // What an earlier pair did not apply to is still the unit's first.
    let mut plain = shadow(&[Metric::Refusal, Metric::JsonSchema], &[]);
    for applies in [
        &[Metric::Refusal][..],
        &[Metric::Refusal, Metric::JsonSchema],
    ] {
        let Record::Pair(of) = pair(Group::Content, 1, 0, good) else {
            panic!("a pair is a pair");
        };
        plain.apply(&Record::Pair(DecidedPair {
            applies: applies.iter().copied().collect(),
            ..of
        }));
    }
    assert_eq!(pairs_of(&plain, Metric::Refusal).0.pairs, 1);
    assert_eq!(pairs_of(&plain, Metric::JsonSchema).0.pairs, 1);
}

#[test]
fn a_failure_of_the_primary_is_a_pair_and_an_open_breaker_is_none() {
    let both = [Metric::Transport, Metric::Slow];
    let check = |result: PairResult, transport: (u64, u64, u64), slow: u64, x: Option<f64>| {
        let mut running = shadow(&both, &[Gate::Transport, Gate::Slow]);
        running.apply(&pair(Group::Arrival, 1, 0, result));
        let (counts, _) = pairs_of(&running, Metric::Transport);
        assert_eq!(
            (counts.pairs, counts.primary_bad, counts.candidate_bad),
            transport,
            "{result:?}"
        );
        assert_eq!(pairs_of(&running, Metric::Slow).0.pairs, slow, "{result:?}");
        running.apply(&clock(WINDOW));
        let gate = gate_of(&running, Gate::Transport);
        assert_eq!((gate.samples > 0).then_some(gate.mean), x, "{result:?}");
        assert_eq!(gate_of(&running, Gate::Slow).samples, slow, "{result:?}");
        assert_eq!(running.evidence().units, slow, "{result:?}");
    };
    let bad = [Metric::Transport].into_iter().collect();
    let none = MetricSet::EMPTY;
    check(compared(&[], &[]), (1, 0, 0), 1, Some(0.0));
    check(
        compared(&[Metric::Transport], &[]),
        (1, 1, 0),
        1,
        Some(-1.0),
    );
    check(compared(&[], &[Metric::Transport]), (1, 0, 1), 1, Some(1.0));
    check(PairResult::PrimaryFailed, (1, 1, 0), 0, Some(0.0));
    check(
        PairResult::BreakerOpen { primary: none },
        (0, 0, 0),
        0,
        Some(1.0),
    );
    check(
        PairResult::BreakerOpen { primary: bad },
        (0, 0, 0),
        0,
        Some(0.0),
    );
}

#[test]
fn the_pairs_of_a_worse_candidate_raise_an_alarm_that_names_them() {
    let mut running = shadow(
        &[Metric::Transport, Metric::Refusal, Metric::JsonSchema],
        &[],
    );
    let bad = compared(&[], &[Metric::Refusal, Metric::JsonSchema]);
    let worse = compared(&[], &[Metric::JsonSchema]);
    let alarm = (0..10_000_u64)
        .find_map(|i| {
            let result = if i % 3 == 0 { bad } else { worse };
            running.apply(&pair(Group::Content, i.into(), i, result))
        })
        .unwrap();
    assert_eq!(
        (alarm.engine, alarm.group, alarm.metric),
        (Engine::P, Group::Content, Metric::JsonSchema)
    );
    assert!(alarm.sum >= 200.0 && (alarm.threshold - 200.0).abs() < 1e-9);
    assert_eq!(alarm.candidate.bad, alarm.decided);
    assert_eq!(
        (alarm.primary.bad, alarm.primary.answers),
        (0, alarm.decided)
    );
    assert_eq!(running.alarm(), Some(&alarm));
    // It is said once, and kept.
    assert_eq!(running.apply(&pair(Group::Content, 99_999, 0, bad)), None);
    assert_eq!(running.alarm(), Some(&alarm));
}

#[test]
fn the_tests_that_run_are_those_of_the_phase() {
    let metrics = [Metric::Transport];
    let engines = |running: &Running| -> Vec<Engine> {
        running.evidence().groups.iter().map(|g| g.engine).collect()
    };
    let mut attempt = Running::new(facts(Phase::Attempt, &metrics, &[]));
    let mut watch = shadow(&metrics, &[]);
    assert_eq!(engines(&attempt), [Engine::R, Engine::P]);
    assert_eq!(engines(&watch), [Engine::P]);
    for running in [&mut attempt, &mut watch] {
        running.apply(&Record::Answer(answer(1, 0, 0.5, false)));
    }
    let answers = |running: &Running| {
        let of = running.evidence().metrics[0];
        of.primary.answers + of.candidate.answers
    };
    assert_eq!((answers(&attempt), answers(&watch)), (1, 0));
    assert_eq!((attempt.decided(), watch.decided()), (1, 1));
}

#[test]
fn the_hash_is_of_the_records_as_they_stand_in_the_log() {
    let mut running = shadow(&[Metric::Refusal], &[]);
    assert_eq!(running.evidence().outcomes, "");
    let mut log = Vec::new();
    for unit in 0..50 {
        let record = pair(Group::Content, unit, 7, compared(&[Metric::Refusal], &[]));
        log.extend_from_slice(&record.encode());
        running.apply(&record);
        assert_eq!(
            running.evidence().outcomes,
            blake3::hash(&log).to_hex().as_str()
        );
    }
}

#[test]
fn memory_is_bounded_however_many_units_there_are() {
    let mut running = Running::new(facts(Phase::Attempt, Metric::ALL, Gate::ALL));
    assert!(
        running.memory_bytes() < 32 << 10,
        "{}",
        running.memory_bytes()
    );
    let mut most = 0;
    for unit in 0..200_000_u128 {
        let group = Group::ALL[usize::from(unit % 2 == 0)];
        running.apply(&pair(group, unit, 0, compared(&[], &[])));
        let drawn = answer(unit, 0, 0.5, false);
        let bad = MetricSet::all().of_group(Group::Arrival);
        let salt = u64::from(u32::try_from(unit / 10_000).unwrap());
        running.apply(&Record::Answer(Decided { salt, bad, ..drawn }));
        most = most.max(running.memory_bytes());
    }
    assert!((8 << 20..18 << 20).contains(&most), "{most}");
    let evidence = running.evidence();
    assert_eq!(evidence.units, 65_536);
    assert_eq!(evidence.closed_early, 200_000 - (1 << 15));
}
