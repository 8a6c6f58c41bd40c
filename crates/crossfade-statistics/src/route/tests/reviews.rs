//! What people say.

use super::*;

pub(super) fn review(verdict: &Verdict, human: ReviewVerdict) -> Reviewed<'_> {
    Reviewed {
        verdict,
        human,
        reasons: &[ReviewReason::NewSignature],
        inclusion: 1.0,
        judge: None,
    }
}

#[test]
fn people_measure_the_checks() {
    use ReviewVerdict::{Acceptable, BothWrong, CandidateWorse, Same};
    let mut statistics = new();
    let (differs, agrees) = (label(false), label(true));
    for pair in [&differs, &agrees, &agrees, &agrees] {
        statistics.observe(&told("a", pair));
    }
    for human in [CandidateWorse, CandidateWorse, Acceptable, BothWrong] {
        statistics.reviewed(&review(&differs, human));
    }
    for (human, inclusion) in [
        (Same, 0.01),
        (Same, 0.01),
        (Same, 0.01),
        (CandidateWorse, 0.05),
    ] {
        statistics.reviewed(&Reviewed {
            reasons: &[ReviewReason::RandomAgreement],
            inclusion,
            ..review(&agrees, human)
        });
    }
    // What somebody asked for says nothing of what is missed.
    statistics.reviewed(&review(&agrees, CandidateWorse));
    let reviews = statistics.report().reviews;
    let check = reviews.checks.first().unwrap();
    assert_eq!((check.precision.events, check.precision.of), (2, 3));
    assert_eq!((check.recall.events, check.recall.of), (2, 4));
    assert_eq!((reviews.missed.events, reviews.missed.of), (1, 4));
    assert!((reviews.missed_weighted.unwrap() - 20.0 / 320.0).abs() < 1e-9);
    let found = reviews.found.unwrap();
    let expected = (2.0 / 3.0) / (2.0 / 3.0 + 3.0 / 4.0);
    assert!((found.estimate - expected).abs() < 1e-9, "{found:?}");
    assert!(found.low < found.estimate && found.estimate < found.high);
}

#[test]
fn a_judge_gates_only_when_it_agrees_with_people() {
    use Preference::{Candidate, Primary, Same};
    use ReviewVerdict::{CandidateBetter, CandidateWorse, Same as Alike};
    let pair = label(false);
    let run_on = |pair: &Verdict, said: &[(Preference, ReviewVerdict, u32)]| {
        let mut statistics = new();
        for (judge, human, times) in said {
            for _ in 0..*times {
                let judge = Some(*judge);
                statistics.reviewed(&Reviewed {
                    judge,
                    ..review(pair, *human)
                });
            }
        }
        statistics.report().reviews.judge.may_gate
    };
    let run = |said: &[(Preference, ReviewVerdict, u32)]| run_on(&pair, said);
    let good = [
        (Primary, CandidateWorse, 40),
        (Candidate, CandidateBetter, 40),
        (Same, Alike, 40),
        (Same, CandidateWorse, 10),
    ];
    assert!(run(&good));
    // Nobody asks a judge of equal answers.
    let equal = Verdict {
        class: Some(VerdictClass::Equal),
        ..label(true)
    };
    assert!(!run_on(&equal, &good));
    let few = good.map(|(judge, human, times)| (judge, human, times / 4));
    assert!(!run(&few));
    assert!(!run(&[(Same, Alike, 180), (Same, CandidateWorse, 20)]));
    assert!(!run(&[
        (Primary, CandidateWorse, 50),
        (Candidate, CandidateWorse, 50)
    ]));
}
