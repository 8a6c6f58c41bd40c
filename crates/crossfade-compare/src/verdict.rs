//! From the findings on both sides to one verdict. What is bad on a side is decided in [`crate::side`]; here stands only
//! how the two sides make a class and a parity.

use crossfade_exchange::{
    Check, CheckOutcome, CheckResult, Difference, Opinions, Severity, Verdict, VerdictClass,
};

use crate::{
    Checks,
    ask::Ask,
    checks::{Weighed, label, text_similarity::Compared},
    finding::Finding,
    loss::changes_task,
    nature::{Compares, nature},
    pair::Pair,
    side::Side,
    state::State,
};

/// Judges what there is: a pair, or one side alone.
pub(crate) fn of(
    checks: &Checks,
    ask: &Ask<'_>,
    primary: Option<&Side<'_>>,
    candidate: Option<&Side<'_>>,
    opinions: &Opinions,
) -> Verdict {
    let on = checks.metrics_on();
    let alone = |side: &Side<'_>| side.verdict(on, label::index(checks, side));
    let (results, class) = match (primary, candidate) {
        (Some(primary), Some(candidate)) => {
            let results = of_pair(&Pair {
                checks,
                ask,
                opinions,
                primary,
                candidate,
            });
            let class = classify(&results, primary, candidate);
            (results, Some(class))
        }
        (Some(side), None) | (None, Some(side)) => (of_one(checks, side), None),
        (None, None) => (Vec::new(), None),
    };
    Verdict {
        class,
        parity: class.and_then(|class| parity(class, &results)),
        checks: results,
        primary: primary.map(alone),
        candidate: candidate.map(alone),
    }
}

/// The checks that judge one side alone.
fn of_one(checks: &Checks, side: &Side<'_>) -> Vec<CheckResult> {
    let on = Check::ALL.iter().filter(|check| checks.is_on(**check));
    on.filter_map(|check| {
        let finding = side.finding(*check)?.clone();
        Some(result(
            checks,
            *check,
            Weighed::new(finding, nature(*check).severity),
        ))
    })
    .collect()
}

fn of_pair(pair: &Pair<'_>) -> Vec<CheckResult> {
    let checks = pair.checks;
    let on = Check::ALL.iter().filter(|check| checks.is_on(**check));
    let (texts, others): (Vec<Check>, Vec<Check>) =
        on.partition(|check| **check == Check::TextSimilarity);
    let judged =
        |check: Check, compared: Compared| result(checks, check, pair.weigh(check, compared));
    let mut results: Vec<CheckResult> = others
        .into_iter()
        .map(|check| judged(check, Compared::Yes))
        .collect();
    // Wording counts for something only where nothing else compared what was said: it is judged after all others.
    let compared = if checks.by_meaning() && pair.opinions.cosine.is_some() {
        Compared::Yes
    } else {
        compared(&results)
    };
    let main = main_difference(&results);
    for check in texts {
        let mut result = judged(check, compared);
        let wording = result
            .differences
            .iter()
            .any(|place| place.path == "text.wording");
        if let (CheckOutcome::Fail, true, Some(main)) = (result.outcome, wording, &main) {
            result.differences = vec![main.clone()];
        }
        results.push(result);
    }
    results.sort_by_key(|result| Check::ALL.iter().position(|check| *check == result.check));
    results
}

/// The first thing that tells two free texts apart, so that unlike wording says more than that it is unlike. One thing, of
/// few: what is like must have the same places.
fn main_difference(results: &[CheckResult]) -> Option<Difference> {
    let telling = [
        Check::Language,
        Check::Length,
        Check::Extraction,
        Check::Format,
    ];
    telling.iter().find_map(|check| {
        let mut failed = results
            .iter()
            .filter(|result| result.check == *check && result.outcome == CheckOutcome::Fail);
        failed.find_map(|result| result.differences.first().cloned())
    })
}

/// Whether a check has compared what two answers say.
fn compared(results: &[CheckResult]) -> Compared {
    let said = |result: &CheckResult| {
        let failed = result.outcome == CheckOutcome::Fail;
        match nature(result.check).compares {
            Compares::Never => false,
            Compares::Always => failed || result.outcome == CheckOutcome::Pass,
            Compares::Failing => failed,
        }
    };
    if results.iter().any(said) {
        Compared::Yes
    } else {
        Compared::No
    }
}

fn result(checks: &Checks, check: Check, weighed: Weighed) -> CheckResult {
    let Weighed {
        finding,
        severity,
        fixed,
    } = weighed;
    let chosen = checks.settings.severity.get(&check).filter(|_| !fixed);
    CheckResult {
        check,
        outcome: finding.outcome,
        score: finding.score,
        severity: chosen.copied().unwrap_or(severity),
        evidence: finding.evidence.map(std::borrow::Cow::into_owned),
        differences: finding.differences,
    }
}

fn classify(results: &[CheckResult], primary: &Side<'_>, candidate: &Side<'_>) -> VerdictClass {
    match (
        primary.state.is_transport_failure(),
        candidate.state.is_transport_failure(),
    ) {
        (true, true) => return VerdictClass::BothBad,
        (true, false) => return VerdictClass::PrimaryBad,
        (false, true) => return VerdictClass::CandidateError,
        (false, false) => {}
    }
    if let (State::Unjudged(_), _) | (_, State::Unjudged(_)) = (&primary.state, &candidate.state) {
        return VerdictClass::Incomparable;
    }
    let blockers = || {
        results
            .iter()
            .filter(|result| result.severity == Severity::Blocker)
    };
    let candidate_bad = blockers().any(|result| result.outcome == CheckOutcome::Fail);
    let primary_bad = blockers().any(|result| {
        nature(result.check).validity && primary.finding(result.check).is_some_and(Finding::failed)
    });
    match (primary_bad, candidate_bad) {
        (true, true) => return VerdictClass::BothBad,
        (true, false) => return VerdictClass::PrimaryBad,
        (false, true) => return VerdictClass::CandidateInvalid,
        (false, false) => {}
    }
    if candidate
        .recording
        .losses
        .iter()
        .any(|loss| changes_task(loss.kind))
    {
        return VerdictClass::Incomparable;
    }
    if say_the_same(&primary.state, &candidate.state) {
        VerdictClass::Equal
    } else {
        by_differences(results, primary)
    }
}

/// Whether both sides say the same, to the last byte of the content or the last bit of the vectors.
fn say_the_same(primary: &State, candidate: &State) -> bool {
    let answers = primary.answer().zip(candidate.answer());
    let vectors = primary.vectors().zip(candidate.vectors());
    answers.is_some_and(|(from, to)| from.says_the_same(to))
        || vectors.is_some_and(|(from, to)| from.rows == to.rows)
}

/// The class of a pair without blockers whose contents differ.
fn by_differences(results: &[CheckResult], primary: &Side<'_>) -> VerdictClass {
    let grave = |result: &&CheckResult| result.severity >= Severity::Major;
    // Where a check could not be judged, nothing says that the answers are alike.
    if results
        .iter()
        .filter(grave)
        .any(|result| result.outcome == CheckOutcome::Error)
    {
        return VerdictClass::Incomparable;
    }
    let shared = |result: &CheckResult| {
        nature(result.check).validity && primary.finding(result.check).is_some_and(Finding::failed)
    };
    let failed = results
        .iter()
        .filter(|result| result.outcome == CheckOutcome::Fail && !shared(result));
    match failed.map(|result| result.severity).max() {
        Some(Severity::Blocker | Severity::Major) => VerdictClass::DifferentMajor,
        Some(Severity::Minor) => VerdictClass::DifferentMinor,
        Some(Severity::Info) | None => VerdictClass::Equivalent,
    }
}

/// 0 if a blocker fails, else the mean of the scores that apply, weighed by severity (blocker 3, major 2, minor 1; what
/// is only reported does not count), but never more than what was said agrees: good form does not make up for another
/// content. None where there is no agreement to measure.
fn parity(class: VerdictClass, results: &[CheckResult]) -> Option<f64> {
    match class {
        VerdictClass::PrimaryBad | VerdictClass::BothBad | VerdictClass::Incomparable => {
            return None;
        }
        VerdictClass::CandidateInvalid | VerdictClass::CandidateError => return Some(0.0),
        VerdictClass::Equal
        | VerdictClass::Equivalent
        | VerdictClass::DifferentMinor
        | VerdictClass::DifferentMajor => {}
    }
    let (mut sum, mut weights) = (0.0, 0.0);
    for result in results {
        let applies = matches!(result.outcome, CheckOutcome::Pass | CheckOutcome::Fail);
        let weight = match result.severity {
            Severity::Info => 0.0,
            Severity::Minor => 1.0,
            Severity::Major => 2.0,
            Severity::Blocker => 3.0,
        };
        if applies {
            sum += weight * result.score;
            weights += weight;
        }
    }
    (weights > 0.0).then(|| (sum / weights).min(agreement(results)))
}

/// How far the contents agree, by the leaves of their JSON or, where nothing else compared them, by their wording.
fn agreement(results: &[CheckResult]) -> f64 {
    let failed = results.iter().filter(|result| {
        result.outcome == CheckOutcome::Fail && result.severity >= Severity::Minor
    });
    let alone = compared(results) == Compared::No;
    failed
        .filter(|result| {
            matches!(
                result.check,
                Check::JsonStructure | Check::Embeddings | Check::SemanticSimilarity
            ) || (result.check == Check::TextSimilarity && alone)
        })
        .fold(1.0, |least, result| least.min(result.score))
}
