//! From answers to a report. Pure: the same data set, answers and settings give the same report, but for the times that the
//! answers themselves bring.
//!
//! A repeat passes if every assertion of its case does. A case passes if the share of its repeats that pass reaches its
//! `min_pass_rate` however the repeats without a judgement would have come out; it fails if the share cannot be reached any
//! more; else it is inconclusive. A share over the whole suite decides nothing: it would hide a case that always fails.

mod agreement;
mod details;
mod sides;
pub(crate) mod suite;

use std::collections::BTreeMap;

use crossfade_compare::Checks;
use crossfade_exchange::{
    AnswerReason, Assignment, Check, CheckOutcome, Exchange, Recording, Role, RouteId, Severity,
    Side, SizeClass, Verdict, VerdictClass,
};
use crossfade_statistics::{Observation, RouteStatistics, StatisticsSettings};

use crate::{
    answer::CaseAnswer,
    assertion::{self, AssertionResult, Context, Cosine},
    case::Case,
    dataset::Dataset,
    meaning,
    report::{
        AssertionReport, CaseOutcome, CaseReport, CheckReport, RepeatOutcome, RepeatReport,
        RunReport, SideRate,
    },
    run::{Amount, Stopped, repeats},
    sides::{Answers, Asking, Sides},
};

/// What answers are judged by.
pub struct Judging<'a> {
    /// The data set.
    pub dataset: &'a Dataset,
    /// Cases of the file that belong to another route, and were left out of `dataset`.
    pub left_out: usize,
    /// The route's name.
    pub route: &'a RouteId,
    /// Its checks.
    pub checks: &'a Checks,
    /// Who answered.
    pub sides: &'a Sides,
    /// How often each case is asked, where the case does not say.
    pub repeat: u32,
    /// How near texts are in meaning: what `similar` needs, and what a route's pairs are judged by that has a threshold for
    /// it. Without it such assertions are errors, and pairs are judged by their wording.
    pub cosine: Option<Cosine<'a>>,
}

/// One case with its answers and the verdicts on them.
pub(crate) struct Judged<'a> {
    pub(crate) case: &'a Case,
    pub(crate) report: CaseReport,
    /// Each repeat's pair.
    pub(crate) pairs: Vec<Verdict>,
    /// The primary's repeats against each other, in a ring.
    pub(crate) noise: Vec<Verdict>,
    /// The candidate's.
    pub(crate) candidate_noise: Vec<Verdict>,
    /// Each answer's own verdict.
    pub(crate) alone: BTreeMap<(Side, u32), Verdict>,
}

// === impl Judging ===

impl std::fmt::Debug for Judging<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judging")
            .field("route", &self.route)
            .field("repeat", &self.repeat)
            .finish_non_exhaustive()
    }
}

impl Judging<'_> {
    /// Judges everything.
    pub fn report(&self, answers: &Answers, stopped: Stopped, spent: Amount) -> RunReport {
        let cases = self.dataset.cases.iter().enumerate();
        let judged: Vec<Judged<'_>> = cases
            .map(|(index, case)| self.case(index, case, answers))
            .collect();
        let statistics = self.statistics(&judged, answers);
        suite::report(self, answers, judged, &statistics, stopped, spent)
    }

    fn case<'c>(&self, index: usize, case: &'c Case, answers: &Answers) -> Judged<'c> {
        let repeats = repeats(case, self.repeat);
        let find = |side, repeat| {
            answers.get(&Asking {
                case: index,
                repeat,
                side,
            })
        };
        let alone = self.alone(case, repeats, &find);
        let mut pairs = Vec::new();
        let mut reports = Vec::new();
        for repeat in 0..repeats {
            let answer = find(Side::Candidate, repeat);
            let pair = find(Side::Primary, repeat)
                .zip(answer)
                .map(|(from, to)| self.pair(case, [from, to], [Side::Primary, Side::Candidate]));
            let cost = |side| {
                alone
                    .get(&(side, repeat))
                    .and_then(|own| own.side(side)?.cost_usd)
            };
            let assertions = |side| {
                let answer: &CaseAnswer = find(side, repeat)?;
                (!answer.is_missing()).then(|| self.assertions(case, answer, cost(side)))
            };
            reports.push(repeat_report(
                repeat,
                assertions(Side::Candidate),
                assertions(Side::Primary).as_deref(),
                pair.as_ref(),
            ));
            pairs.extend(pair);
        }
        let ring = |side| {
            let own: Vec<&CaseAnswer> = (0..repeats).filter_map(|at| find(side, at)).collect();
            self.ring(case, side, &own)
        };
        Judged {
            report: case_report(case, reports),
            noise: ring(Side::Primary),
            candidate_noise: ring(Side::Candidate),
            case,
            pairs,
            alone,
        }
    }

    /// Each answer's own verdict.
    fn alone<'f>(
        &self,
        case: &Case,
        repeats: u32,
        find: &dyn Fn(Side, u32) -> Option<&'f CaseAnswer>,
    ) -> BTreeMap<(Side, u32), Verdict> {
        let mut alone = BTreeMap::new();
        for side in Side::ALL.iter().copied() {
            for repeat in 0..repeats {
                if let Some(answer) = find(side, repeat) {
                    let recording = answer.recording(side, Role::Answering);
                    let verdict = self.checks.compare(&exchange(case, side, recording));
                    alone.insert((side, repeat), verdict);
                }
            }
        }
        alone
    }

    /// A side's answers, each against the next; the last against the first where there are more than two.
    fn ring(&self, case: &Case, side: Side, own: &[&CaseAnswer]) -> Vec<Verdict> {
        let ends = match own.len() {
            0 | 1 => 0,
            2 => 1,
            more => more,
        };
        let pairs = own.iter().zip(own.iter().cycle().skip(1)).take(ends);
        pairs
            .map(|(first, second)| self.pair(case, [*first, *second], [side, side]))
            .collect()
    }

    fn pair(&self, case: &Case, answers: [&CaseAnswer; 2], sides: [Side; 2]) -> Verdict {
        let opinions = meaning::opinions(case, answers, self.checks, self.cosine);
        self.checks
            .compare_with(&pair(case, answers, sides), &opinions)
    }

    fn assertions(
        &self,
        case: &Case,
        answer: &CaseAnswer,
        cost_usd: Option<f64>,
    ) -> Vec<AssertionResult> {
        let context = Context {
            checks: self.checks,
            cost_usd,
            cosine: self.cosine,
        };
        assertion::judge(case, answer, &context)
    }

    /// The route's statistics. A case is one sample, whatever its repeats: they are not independent of each other.
    fn statistics(&self, judged: &[Judged<'_>], answers: &Answers) -> RouteStatistics {
        let settings = StatisticsSettings {
            labels: self.checks.labels().to_vec(),
            ..StatisticsSettings::default()
        };
        let mut statistics = RouteStatistics::new(settings);
        for (index, judged) in judged.iter().enumerate() {
            let find = |side| {
                answers.get(&Asking {
                    case: index,
                    repeat: 0,
                    side,
                })
            };
            let both = find(Side::Primary).zip(find(Side::Candidate));
            let (Some((from, to)), Some(verdict)) = (both, judged.pairs.first()) else {
                continue;
            };
            let verdict = untimed(verdict);
            let noise = judged.noise.first().map(untimed);
            let candidate = judged.candidate_noise.first().map(untimed);
            let exchange = pair(judged.case, [from, to], [Side::Primary, Side::Candidate]);
            let mut observation = Observation::new(&exchange, &verdict).with_repeats(
                crossfade_statistics::Telling::First,
                noise.as_ref(),
                candidate.as_ref(),
            );
            // Times are reported apart: they differ between two runs that say the same.
            observation.seconds = [None, None];
            observation.first_content_seconds = [None, None];
            let _observed = statistics.observe(&observation);
        }
        statistics
    }
}

/// A verdict without what only times can tell.
fn untimed(verdict: &Verdict) -> Verdict {
    let mut verdict = verdict.clone();
    verdict.checks.retain(|result| !is_timing(result.check));
    verdict
}

/// Whether a check is about times, which differ between two runs that are answered the same.
pub(crate) const fn is_timing(check: Check) -> bool {
    match check {
        Check::FirstContent | Check::TotalTime | Check::OutputRate => true,
        Check::Transport
        | Check::Envelope
        | Check::FinishReason
        | Check::JsonParse
        | Check::JsonSchema
        | Check::RequiredFields
        | Check::JsonStructure
        | Check::ToolSelection
        | Check::ToolArguments
        | Check::Refusal
        | Check::Label
        | Check::TextSimilarity
        | Check::Cost
        | Check::Embeddings
        | Check::Citations
        | Check::Extraction
        | Check::Groundedness
        | Check::SemanticSimilarity
        | Check::Judge
        | Check::Length
        | Check::Language
        | Check::Format
        | Check::Tokens => false,
    }
}

/// An exchange with one side's answer.
pub(crate) fn exchange(case: &Case, side: Side, recording: Recording) -> Exchange {
    let request = case.request_bytes();
    let (primary, candidate) = match side {
        Side::Primary => (Some(recording), None),
        Side::Candidate => (None, Some(recording)),
    };
    Exchange {
        id: case.id.clone(),
        route: RouteId::new(case.route.as_deref().unwrap_or(RouteId::UNROUTED)),
        received_unix_ms: 0,
        operation: case.operation,
        path: String::new(),
        size: SizeClass::of(request.len()),
        request,
        streamed: case.streamed(),
        assignment: Assignment {
            answer: side,
            shadow: None,
            probability: 0.0,
            salt: 0,
            drawn: false,
            inclusion: 1.0,
            reason: AnswerReason::Named,
        },
        draw: None,
        mirrored: None,
        primary,
        candidate,
        secondary: None,
        candidate_again: None,
        // Each case stands for itself.
        caller: crossfade_exchange::Caller::default(),
    }
}

/// An exchange of two answers, the first in the primary's place and the second in the candidate's, whoever gave them.
fn pair(case: &Case, answers: [&CaseAnswer; 2], sides: [Side; 2]) -> Exchange {
    let ([from, to], [from_side, to_side]) = (answers, sides);
    let mut both = exchange(
        case,
        Side::Primary,
        from.recording(from_side, Role::Answering),
    );
    both.candidate = Some(to.recording(to_side, Role::Shadow));
    both
}

fn repeat_report(
    repeat: u32,
    candidate: Option<Vec<AssertionResult>>,
    primary: Option<&[AssertionResult]>,
    pair: Option<&Verdict>,
) -> RepeatReport {
    let failed_checks = pair.into_iter().flat_map(|verdict| &verdict.checks);
    let failed_checks = failed_checks
        .filter(|result| result.outcome == CheckOutcome::Fail && !is_timing(result.check))
        .map(|result| CheckReport {
            check: result.check,
            severity: result.severity,
            score: result.score,
            evidence: result.evidence.clone(),
            differences: result.differences.clone(),
        });
    RepeatReport {
        repeat,
        outcome: candidate
            .as_deref()
            .map_or(RepeatOutcome::Unanswered, outcome),
        primary: primary.map(outcome),
        assertions: candidate
            .into_iter()
            .flatten()
            .map(AssertionReport::from)
            .collect(),
        class: pair.and_then(|verdict| verdict.class),
        parity: pair.and_then(|verdict| verdict.parity),
        failed_checks: failed_checks.collect(),
    }
}

/// A failed assertion decides; one that could not be judged leaves open what the others say. Those without weight say nothing.
fn outcome(results: &[AssertionResult]) -> RepeatOutcome {
    let counts = results.iter().any(|result| result.weight > 0.0);
    match assertion::together(results) {
        CheckOutcome::Fail => RepeatOutcome::Failed,
        CheckOutcome::Pass if counts => RepeatOutcome::Passed,
        CheckOutcome::Pass | CheckOutcome::Na | CheckOutcome::Error => RepeatOutcome::Unjudged,
    }
}

fn case_report(case: &Case, repeats: Vec<RepeatReport>) -> CaseReport {
    let rate = rate(repeats.iter().map(|repeat| Some(repeat.outcome)));
    let primary = rate_of_some(repeats.iter().map(|repeat| repeat.primary));
    let total = rate.passed + rate.failed + rate.open;
    let outcome = decide(rate, case.min_pass_rate);
    let risk = case
        .metadata
        .get("risk")
        .and_then(serde_json::Value::as_str);
    CaseReport {
        id: case.id.clone(),
        severity: case.severity,
        weight: case.weight,
        risk: risk.map(str::to_owned),
        outcome,
        always_fails: rate.failed == total && total > 0,
        pass_rate: rate.share(),
        min_pass_rate: case.min_pass_rate,
        candidate: rate,
        primary,
        worst: repeats
            .iter()
            .filter_map(|repeat| repeat.class)
            .max_by_key(|class| badness(*class)),
        repeats,
    }
}

fn rate(outcomes: impl Iterator<Item = Option<RepeatOutcome>>) -> SideRate {
    rate_of_some(outcomes).unwrap_or_default()
}

fn rate_of_some(outcomes: impl Iterator<Item = Option<RepeatOutcome>>) -> Option<SideRate> {
    let mut rate: Option<SideRate> = None;
    for outcome in outcomes.flatten() {
        let rate = rate.get_or_insert_default();
        match outcome {
            RepeatOutcome::Passed => rate.passed += 1,
            RepeatOutcome::Failed => rate.failed += 1,
            RepeatOutcome::Unjudged | RepeatOutcome::Unanswered => rate.open += 1,
        }
    }
    rate
}

/// Whether the rate is reached in the worst case, out of reach in the best, or neither.
fn decide(rate: SideRate, min: f64) -> CaseOutcome {
    // A rate such as 2/3 written as 0.67 means two of three.
    const ROUNDED: f64 = 0.005;
    let total = f64::from(rate.passed + rate.failed + rate.open);
    let reached = |passed: u32| f64::from(passed) >= (min - ROUNDED) * total;
    if total > 0.0 && reached(rate.passed) && rate.passed + rate.failed > 0 {
        CaseOutcome::Passed
    } else if total > 0.0 && !reached(rate.passed + rate.open) {
        CaseOutcome::Failed
    } else {
        CaseOutcome::Inconclusive
    }
}

/// How bad a class is for the candidate, worst last.
pub(crate) const fn badness(class: VerdictClass) -> u8 {
    match class {
        VerdictClass::Equal => 0,
        VerdictClass::Equivalent => 1,
        VerdictClass::PrimaryBad => 2,
        VerdictClass::BothBad => 3,
        VerdictClass::Incomparable => 4,
        VerdictClass::DifferentMinor => 5,
        VerdictClass::DifferentMajor => 6,
        VerdictClass::CandidateError => 7,
        VerdictClass::CandidateInvalid => 8,
    }
}

/// Whether a failed case fails the suite: what is only for information does not.
pub(crate) const fn counts(severity: Severity) -> bool {
    match severity {
        Severity::Info => false,
        Severity::Minor | Severity::Major | Severity::Blocker => true,
    }
}

#[cfg(test)]
mod tests;
