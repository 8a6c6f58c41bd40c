//! The suite's verdict, and why.

use std::collections::BTreeMap;

use crossfade_exchange::{Ending, Severity, Side};
use crossfade_statistics::RouteStatistics;

use super::{Judged, Judging, agreement, counts, sides};
use crate::{
    report::{
        CaseOutcome, CaseReport, DatasetReport, Measured, RepeatOutcome, RunReport, SideRate,
        SuiteVerdict, Totals,
    },
    run::{Amount, Stopped},
    sides::Answers,
};

/// Cases named in a sentence; the rest are counted.
const NAMED: usize = 5;

pub(super) fn report(
    judging: &Judging<'_>,
    answers: &Answers,
    judged: Vec<Judged<'_>>,
    statistics: &RouteStatistics,
    stopped: Stopped,
    spent: Amount,
) -> RunReport {
    let cases = judged.iter().map(|case| &case.report);
    let totals = totals(cases.clone());
    let verdict = verdict(cases.clone(), stopped);
    let mut why = why(&cases.collect::<Vec<_>>(), totals, verdict);
    why.extend(silent(answers));
    let has_pairs = judged.iter().any(|case| !case.pairs.is_empty());
    RunReport {
        format: RunReport::FORMAT,
        verdict,
        why,
        dataset: DatasetReport {
            sha256: judging.dataset.sha256.clone(),
            cases: judging.dataset.cases.len(),
            left_out: judging.left_out,
        },
        route: judging.route.to_string(),
        repeat: judging.repeat,
        totals,
        primary: sides::side(judging, Side::Primary, answers, &judged),
        candidate: sides::side(judging, Side::Candidate, answers, &judged).unwrap_or_default(),
        agreement: agreement::agreement(&judged),
        confusion: sides::confusion(judging.checks.labels(), &judged).filter(|_| has_pairs),
        stances: sides::stances(&judged),
        losses: sides::losses(answers, &judged),
        statistics: has_pairs.then(|| statistics.report()),
        spent,
        measured: Measured {
            primary: sides::measured(Side::Primary, answers, &judged),
            candidate: sides::measured(Side::Candidate, answers, &judged),
        },
        cases: judged.into_iter().map(|case| case.report).collect(),
    }
}

fn totals<'c>(cases: impl Iterator<Item = &'c CaseReport> + Clone) -> Totals {
    let mut totals = Totals::default();
    for case in cases.clone() {
        match case.outcome {
            CaseOutcome::Passed => totals.passed += 1,
            CaseOutcome::Inconclusive => totals.inconclusive += 1,
            CaseOutcome::Failed => {
                totals.failed += 1;
                totals.blockers += usize::from(case.severity == Severity::Blocker);
                totals.always_failing += usize::from(case.always_fails);
            }
        }
    }
    totals.pass_rate = mean(
        cases
            .clone()
            .map(|case| (Some(case.candidate), case.weight)),
    );
    totals.primary_pass_rate = mean(cases.map(|case| (case.primary, case.weight)));
    totals
}

/// The mean of pass rates by their cases' weights.
fn mean(rates: impl Iterator<Item = (Option<SideRate>, f64)>) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (rate, weight) in rates {
        if let Some(share) = rate.and_then(SideRate::share) {
            sum += share * weight;
            weights += weight;
        }
    }
    (weights > 0.0).then(|| sum / weights)
}

fn verdict<'c>(
    cases: impl Iterator<Item = &'c CaseReport> + Clone,
    stopped: Stopped,
) -> SuiteVerdict {
    if stopped == Stopped::Budget {
        return SuiteVerdict::BudgetSpent;
    }
    let mut counting = cases.filter(|case| counts(case.severity)).peekable();
    if counting.peek().is_none() {
        return SuiteVerdict::Inconclusive;
    }
    let mut verdict = SuiteVerdict::Pass;
    for case in counting {
        match case.outcome {
            CaseOutcome::Failed => return SuiteVerdict::Failed,
            CaseOutcome::Inconclusive => verdict = SuiteVerdict::Inconclusive,
            CaseOutcome::Passed => {}
        }
    }
    verdict
}

/// A sentence for each thing that decided or that must not be overlooked.
fn why(cases: &[&CaseReport], totals: Totals, verdict: SuiteVerdict) -> Vec<String> {
    let mut said = Vec::new();
    if verdict == SuiteVerdict::BudgetSpent {
        said.push("the run stopped before it would spend more than it may".to_owned());
    }
    if totals.blockers > 0 {
        let which = named(cases, &|case| {
            failed(case) && case.severity == Severity::Blocker
        });
        said.push(format!(
            "{} failed that must not: {which}",
            count(totals.blockers)
        ));
    }
    if totals.always_failing > 0 {
        let which = named(cases, &|case| {
            case.outcome == CaseOutcome::Failed && case.always_fails
        });
        let rate = totals.pass_rate.unwrap_or_default();
        said.push(format!(
            "{} failed every time, whatever the mean pass rate of {} says: {which}",
            count(totals.always_failing),
            percent(rate)
        ));
    }
    seldom(cases, &mut said);
    undecided(cases, totals.inconclusive, &mut said);
    shared(cases, &mut said);
    if said.is_empty() {
        said.push(if verdict == SuiteVerdict::Pass {
            match cases.len() {
                1 => "the one case reached its pass rate".to_owned(),
                many => format!("all {many} cases reached their pass rate"),
            }
        } else {
            "there is no case whose failure counts".to_owned()
        });
    }
    said
}

/// Cases that fail though some repeats pass.
fn seldom(cases: &[&CaseReport], said: &mut Vec<String>) {
    let sometimes = |case: &CaseReport| failed(case) && !case.always_fails;
    let some = cases.iter().filter(|case| sometimes(case)).count();
    if some > 0 {
        let which = named(cases, &sometimes);
        said.push(format!("{} passed too seldom: {which}", count(some)));
    }
}

/// Cases in which the primary fails as well: perhaps what is expected is wrong.
fn shared(cases: &[&CaseReport], said: &mut Vec<String>) {
    let both = |case: &CaseReport| {
        failed(case)
            && case
                .primary
                .is_some_and(|rate| rate.failed > 0 && rate.passed == 0)
    };
    let some = cases.iter().filter(|case| both(case)).count();
    if some > 0 {
        let which = named(cases, &both);
        said.push(format!(
            "in {} of these the primary fails every time too, so that what is expected may be wrong: {which}",
            count(some)
        ));
    }
}

/// Cases of which it cannot be said.
fn undecided(cases: &[&CaseReport], inconclusive: usize, said: &mut Vec<String>) {
    if inconclusive == 0 {
        return;
    }
    let open = |case: &CaseReport| case.outcome == CaseOutcome::Inconclusive;
    let answered = |case: &CaseReport| {
        let mut repeats = case.repeats.iter();
        repeats.any(|repeat| repeat.outcome != RepeatOutcome::Unanswered)
    };
    let reason = if cases.iter().any(|case| open(case) && answered(case)) {
        "could not be judged"
    } else {
        "got no answer"
    };
    let which = named(cases, &open);
    said.push(format!("{} {reason}: {which}", count(inconclusive)));
}

/// How calls ended that got no answer, by side: so that credentials that are refused do not look like a slow day.
fn silent(answers: &Answers) -> Vec<String> {
    let mut ends: BTreeMap<(Side, String), usize> = BTreeMap::new();
    for (asking, answer) in answers.iter().filter(|(_, answer)| answer.is_missing()) {
        let end = match (answer.failover, answer.status) {
            (Some(failover), _) => failover.to_string(),
            (None, Some(status)) if answer.ending == Ending::Complete => format!("status {status}"),
            (None, _) => answer.ending.to_string(),
        };
        *ends.entry((asking.side, end)).or_default() += 1;
    }
    let of_side = |side: Side| {
        let own = ends.iter().filter(|((of, _), _)| *of == side);
        let said: Vec<String> = own
            .map(|((_, end), times)| format!("{end} ({times})"))
            .collect();
        (!said.is_empty())
            .then(|| format!("calls of the {side} without an answer: {}", said.join(", ")))
    };
    Side::ALL.iter().copied().filter_map(of_side).collect()
}

fn failed(case: &CaseReport) -> bool {
    case.outcome == CaseOutcome::Failed && counts(case.severity)
}

/// The first of some cases, and how many more there are.
fn named(cases: &[&CaseReport], what: &dyn Fn(&CaseReport) -> bool) -> String {
    let ids: Vec<&str> = cases
        .iter()
        .filter(|case| what(case))
        .map(|case| case.id.as_str())
        .collect();
    let shown = ids
        .iter()
        .take(NAMED)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    match ids.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn count(cases: usize) -> String {
    if cases == 1 {
        "1 case".to_owned()
    } else {
        format!("{cases} cases")
    }
}

/// A share as it is read: never rounded to a whole that it is not.
pub(crate) fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round() / 10.0;
    if share < 1.0 && tenths >= 100.0 {
        "99.9 %".to_owned()
    } else if share > 0.0 && tenths <= 0.0 {
        "0.1 %".to_owned()
    } else {
        format!("{tenths} %")
    }
}
