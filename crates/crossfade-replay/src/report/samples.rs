//! A small report for the tests of the forms it is shown in.

use crossfade_exchange::{Check, CheckOutcome, Severity, VerdictClass};
use crossfade_statistics::confidence::Interval;

use super::*;

fn case(id: &str, severity: Severity, outcomes: &[RepeatOutcome]) -> CaseReport {
    let count = |wanted: &[RepeatOutcome]| {
        let found = outcomes.iter().filter(|outcome| wanted.contains(outcome));
        u32::try_from(found.count()).unwrap()
    };
    let candidate = SideRate {
        passed: count(&[RepeatOutcome::Passed]),
        failed: count(&[RepeatOutcome::Failed]),
        open: count(&[RepeatOutcome::Unjudged, RepeatOutcome::Unanswered]),
    };
    let repeats = outcomes
        .iter()
        .enumerate()
        .map(|(at, outcome)| RepeatReport {
            repeat: u32::try_from(at).unwrap(),
            outcome: *outcome,
            primary: Some(RepeatOutcome::Passed),
            assertions: match outcome {
                RepeatOutcome::Failed => vec![AssertionReport {
                    weight: 1.0,
                    name: "contains".to_owned(),
                    outcome: CheckOutcome::Fail,
                    score: 0.0,
                    metric: None,
                    reason: "no <b>".to_owned(),
                }],
                RepeatOutcome::Passed | RepeatOutcome::Unjudged | RepeatOutcome::Unanswered => {
                    Vec::new()
                }
            },
            class: Some(VerdictClass::Equivalent),
            parity: Some(1.0),
            failed_checks: Vec::new(),
        });
    CaseReport {
        id: id.to_owned(),
        severity,
        weight: 1.0,
        risk: None,
        outcome: if candidate.open > 0 {
            CaseOutcome::Inconclusive
        } else if candidate.failed > 0 {
            CaseOutcome::Failed
        } else {
            CaseOutcome::Passed
        },
        always_fails: candidate.failed > 0 && candidate.passed + candidate.open == 0,
        pass_rate: candidate.share(),
        min_pass_rate: 1.0,
        candidate,
        primary: Some(SideRate {
            passed: 1,
            ..SideRate::default()
        }),
        worst: Some(VerdictClass::Equivalent),
        repeats: repeats.collect(),
    }
}

/// Five cases: one well, one that always fails, one that fails at times, one without an answer, one for information.
#[expect(clippy::too_many_lines, reason = "one value, member by member")]
pub(crate) fn report() -> RunReport {
    use RepeatOutcome::{Failed, Passed, Unanswered};
    let cases = vec![
        case("well", Severity::Major, &[Passed]),
        case("always", Severity::Blocker, &[Failed, Failed, Failed]),
        case("at times", Severity::Minor, &[Passed, Failed]),
        case("silent", Severity::Major, &[Unanswered]),
        case("curious", Severity::Info, &[Failed]),
    ];
    RunReport {
        format: RunReport::FORMAT,
        verdict: SuiteVerdict::Failed,
        why: vec!["1 case failed that must not: always".to_owned()],
        dataset: DatasetReport {
            sha256: "ab".repeat(32),
            cases: cases.len(),
            left_out: 2,
        },
        route: "support".to_owned(),
        repeat: 1,
        totals: Totals {
            passed: 1,
            failed: 3,
            blockers: 1,
            always_failing: 2,
            inconclusive: 1,
            pass_rate: Some(0.5),
            primary_pass_rate: Some(1.0),
        },
        primary: Some(SideReport {
            source: "recorded".to_owned(),
            answers: 5,
            ..SideReport::default()
        }),
        candidate: SideReport {
            source: "recorded".to_owned(),
            answers: 7,
            missing: 1,
            tokens: 90,
            cost_usd: Some(0.0123),
            ..SideReport::default()
        },
        agreement: vec![CheckAgreement {
            check: Check::Label,
            cases: 4,
            candidate: Interval {
                estimate: 0.25,
                low: 0.01,
                high: 0.6,
            },
            noise: None,
            candidate_noise: None,
            over_noise: None,
        }],
        confusion: Some(Confusion {
            labels: vec!["refund".to_owned(), "other".to_owned()],
            cells: vec![vec![2, 1, 0], vec![0, 1, 0], vec![0, 0, 0]],
        }),
        stances: vec![StanceCell {
            primary: crossfade_exchange::Stance::Comply,
            candidate: crossfade_exchange::Stance::Full,
            pairs: 1,
        }],
        losses: vec![LossReport {
            kind: crossfade_exchange::LossKind::SeedDropped,
            answers: 3,
            failed_cases: 1,
            cases: 3,
        }],
        statistics: None,
        cases,
        spent: Amount::default(),
        measured: Measured {
            primary: SideMeasured {
                first_content_ms: vec![100.0, 200.0, 300.0],
                total_ms: vec![400.0, 500.0, 900.0],
                cost_usd: vec![0.001, 0.002],
            },
            candidate: SideMeasured {
                first_content_ms: vec![150.0],
                total_ms: vec![450.0],
                cost_usd: vec![0.003],
            },
        },
    }
}
