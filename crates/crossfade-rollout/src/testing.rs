//! Routes at every stage, for the tests of this crate.

use crossfade_exchange::{Gate, Percent, RouteId, SizeClass};

use crate::{
    AttemptFacts, Change, Entry, Evidence, GateEvidence, Phase, ProposeContext, ReplayResult,
    RoutePlan, RouteRollout, SizeCoverage, Stage,
};

/// When everything in these tests begins, in milliseconds.
pub(crate) const BEGIN: u64 = 1_000_000;
pub(crate) const HOUR: u64 = 3_600_000;
pub(crate) const DAY: u64 = 24 * HOUR;

pub(crate) fn route() -> RouteId {
    RouteId::new("support")
}

pub(crate) fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap()
}

/// A plan whose every stage can be reached.
pub(crate) fn plan() -> RoutePlan {
    let mut plan = RoutePlan {
        owner: Some("team-support".into()),
        stages: Stage::ALL.to_vec(),
        reverse_share: percent(10.0),
        ..RoutePlan::new(route())
    };
    plan.gates.fingerprint = "one".into();
    plan
}

pub(crate) fn gate(gate: Gate, w: f64, samples: u64) -> GateEvidence {
    GateEvidence {
        gate,
        margin: 0.01,
        named: false,
        samples,
        requests: samples,
        mean: 0.001,
        w,
        threshold: 20.0,
        needed: None,
    }
}

/// What the statistics know when nothing is in the way.
pub(crate) fn enough() -> Evidence {
    Evidence {
        units: 50,
        gates: vec![
            gate(Gate::Transport, 20.0, 1_000),
            gate(Gate::Label, 1.0, 0),
        ],
        coverage: vec![size(SizeClass::K4, 1_000, 900), size(SizeClass::M2, 0, 0)],
        ..Evidence::default()
    }
}

pub(crate) fn size(size: SizeClass, selected: u64, compared: u64) -> SizeCoverage {
    SizeCoverage {
        size,
        selected,
        compared,
    }
}

pub(crate) fn entry(sequence: u64, at_unix_ms: u64, change: Change) -> Entry {
    Entry {
        route: Some(route()),
        at_unix_ms,
        change,
        ..Entry::started(sequence, 0, "a test asks for it")
    }
}

/// A route that has just come to `stage`, watched and signed off.
pub(crate) fn at_stage(plan: RoutePlan, stage: Stage, share: f64) -> RouteRollout {
    let phase = if stage.lets_candidate_answer() {
        Phase::Attempt
    } else {
        Phase::Shadow
    };
    let facts = Box::new(AttemptFacts::freeze(1, phase, &plan, None));
    let fingerprint = plan.gates.fingerprint.clone();
    let mut rollout = RouteRollout::new(plan);
    match stage {
        Stage::Replay => {
            let result = golden(0);
            let change = Change::Replayed {
                result,
                fingerprint,
            };
            rollout.apply_entry(&entry(0, BEGIN, change));
            return rollout;
        }
        Stage::Shadow => {
            // The golden set has been left behind.
            let left = Change::Advance {
                from: Stage::Replay,
                to: Stage::Shadow,
                share_from: Percent::ZERO,
                share_to: Percent::ZERO,
                salt: 0,
                new_attempt: None,
                signoff: None,
                required: rollout.requirements(),
            };
            rollout.apply_entry(&entry(0, BEGIN, left));
            rollout.apply_entry(&entry(1, BEGIN, Change::Observe { facts }));
        }
        Stage::Internal | Stage::Slice | Stage::Ramp | Stage::Window | Stage::Complete => {
            let arrived = Change::Advance {
                from: Stage::Shadow,
                to: stage,
                share_from: Percent::ZERO,
                share_to: percent(share),
                salt: 7,
                new_attempt: Some(facts),
                signoff: None,
                required: rollout.requirements(),
            };
            rollout.apply_entry(&entry(0, BEGIN, arrived));
        }
    }
    let signed = Change::Signoff {
        stage,
        report: "abc".into(),
        fingerprint,
    };
    rollout.apply_entry(&entry(9, BEGIN, signed));
    rollout
}

pub(crate) fn golden(exit_code: u8) -> ReplayResult {
    ReplayResult {
        dataset_sha256: "ab".repeat(32),
        cases: 40,
        passed: if exit_code == 0 { 40 } else { 37 },
        exit_code,
    }
}

/// When every stage has had its time.
pub(crate) fn later() -> ProposeContext {
    ProposeContext {
        reason: "it is time".into(),
        ..ProposeContext::at(BEGIN + 8 * DAY)
    }
}

pub(crate) const STAGES: [(Stage, f64); 7] = [
    (Stage::Replay, 0.0),
    (Stage::Shadow, 0.0),
    (Stage::Internal, 0.0),
    (Stage::Slice, 1.0),
    (Stage::Ramp, 5.0),
    (Stage::Ramp, 100.0),
    (Stage::Window, 100.0),
];
