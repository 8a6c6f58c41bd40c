//! From the findings on both sides to one verdict. What is bad on a side is decided in [`crate::side`]; here stands only
//! how the two sides make a class and a parity.

use crossfade_exchange::{
    Check, CheckOutcome, CheckResult, LossKind, Opinions, Severity, Stance, Verdict, VerdictClass,
};

use crate::{
    Checks,
    answer::Answer,
    ask::Ask,
    checks::{
        Weighed, cost, embeddings, finish_reason, first_content, json_structure, label, refusal,
        text_similarity::{self, Compared},
        tool_arguments, tool_selection,
    },
    finding::Finding,
    side::Side,
    state::State,
};

/// How much a failure of a check matters, unless the check or the settings say otherwise.
const fn default_severity(check: Check) -> Severity {
    match check {
        Check::Transport
        | Check::Envelope
        | Check::JsonParse
        | Check::JsonSchema
        | Check::RequiredFields
        | Check::Embeddings => Severity::Blocker,
        Check::ToolSelection | Check::ToolArguments | Check::Refusal | Check::Label => {
            Severity::Major
        }
        Check::FinishReason | Check::JsonStructure => Severity::Minor,
        Check::Citations | Check::Extraction | Check::Groundedness => Severity::Major,
        Check::TextSimilarity
        | Check::FirstContent
        | Check::Cost
        | Check::SemanticSimilarity
        | Check::Judge
        | Check::Length
        | Check::Language
        | Check::Format
        | Check::TotalTime
        | Check::OutputRate
        | Check::Tokens => Severity::Info,
    }
}

/// Judges what there is: a pair, or one side alone.
pub(crate) fn of(
    checks: &Checks,
    ask: &Ask<'_>,
    primary: Option<&Side<'_>>,
    candidate: Option<&Side<'_>>,
    _opinions: &Opinions,
) -> Verdict {
    let on = checks.metrics_on();
    let alone = |side: &Side<'_>| side.verdict(on, label::index(checks, side));
    let (results, class) = match (primary, candidate) {
        (Some(primary), Some(candidate)) => {
            let results = of_pair(checks, ask, primary, candidate);
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
        let finding = own(*check, side)?.clone();
        Some(result(
            checks,
            *check,
            Weighed::new(finding, default_severity(*check)),
        ))
    })
    .collect()
}

fn of_pair(
    checks: &Checks,
    ask: &Ask<'_>,
    primary: &Side<'_>,
    candidate: &Side<'_>,
) -> Vec<CheckResult> {
    let on = Check::ALL.iter().filter(|check| checks.is_on(**check));
    let (texts, others): (Vec<Check>, Vec<Check>) =
        on.partition(|check| **check == Check::TextSimilarity);
    let judged = |check: Check, compared: Compared| {
        let weighed = weigh(checks, ask, check, primary, candidate, compared);
        result(checks, check, weighed)
    };
    let mut results: Vec<CheckResult> = others
        .into_iter()
        .map(|check| judged(check, Compared::Yes))
        .collect();
    // Wording counts for something only where nothing else compared what was said: it is judged after all others.
    let compared = compared(&results);
    results.extend(texts.into_iter().map(|check| judged(check, compared)));
    results.sort_by_key(|result| Check::ALL.iter().position(|check| *check == result.check));
    results
}

/// Whether a check has compared what two answers say.
fn compared(results: &[CheckResult]) -> Compared {
    let said = |result: &CheckResult| {
        let applies = matches!(result.outcome, CheckOutcome::Pass | CheckOutcome::Fail);
        match result.check {
            Check::JsonStructure | Check::ToolArguments | Check::Label | Check::Embeddings => {
                applies
            }
            // That neither calls a tool says nothing of what they say instead.
            Check::ToolSelection => result.outcome == CheckOutcome::Fail,
            Check::Transport
            | Check::Envelope
            | Check::FinishReason
            | Check::JsonParse
            | Check::JsonSchema
            | Check::RequiredFields
            | Check::Refusal
            | Check::TextSimilarity
            | Check::FirstContent
            | Check::Cost
            | Check::Citations
            | Check::Extraction
            | Check::Groundedness
            | Check::SemanticSimilarity
            | Check::Judge
            | Check::Length
            | Check::Language
            | Check::Format
            | Check::TotalTime
            | Check::OutputRate
            | Check::Tokens => false,
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

/// What a check says of one side alone, if it judges one side alone.
fn own<'s>(check: Check, side: &'s Side<'_>) -> Option<&'s Finding> {
    match check {
        Check::Transport => Some(&side.transport),
        Check::Envelope => Some(&side.envelope),
        Check::JsonParse => Some(&side.json_parse),
        Check::JsonSchema => Some(&side.json_schema),
        Check::RequiredFields => Some(&side.required_fields),
        Check::Refusal => Some(&side.refusal),
        Check::ToolArguments => Some(&side.tool_arguments),
        Check::Cost => Some(&side.cost),
        Check::FinishReason
        | Check::JsonStructure
        | Check::ToolSelection
        | Check::Label
        | Check::TextSimilarity
        | Check::FirstContent
        | Check::Embeddings
        | Check::Citations
        | Check::Extraction
        | Check::Groundedness
        | Check::SemanticSimilarity
        | Check::Judge
        | Check::Length
        | Check::Language
        | Check::Format
        | Check::TotalTime
        | Check::OutputRate
        | Check::Tokens => None,
    }
}

/// Whether a check is about each side's own validity, so that a pair has nothing to add.
const fn is_validity(check: Check) -> bool {
    match check {
        Check::Transport
        | Check::Envelope
        | Check::JsonParse
        | Check::JsonSchema
        | Check::RequiredFields => true,
        Check::FinishReason
        | Check::JsonStructure
        | Check::ToolSelection
        | Check::ToolArguments
        | Check::Refusal
        | Check::Label
        | Check::TextSimilarity
        | Check::FirstContent
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
        | Check::TotalTime
        | Check::OutputRate
        | Check::Tokens => false,
    }
}

fn weigh(
    checks: &Checks,
    ask: &Ask<'_>,
    check: Check,
    primary: &Side<'_>,
    candidate: &Side<'_>,
    compared: Compared,
) -> Weighed {
    let na = || Weighed::new(Finding::na(), default_severity(check));
    let on_answers = |compare: &dyn Fn(&Answer, &Answer) -> Weighed| match (
        served(primary),
        served(candidate),
    ) {
        (Some(from), Some(to)) => compare(from, to),
        (None | Some(_), None) | (None, Some(_)) => na(),
    };
    match check {
        Check::Transport => validity(check, &primary.transport, &candidate.transport),
        Check::Envelope => validity(check, &primary.envelope, &candidate.envelope),
        Check::JsonParse => validity(check, &primary.json_parse, &candidate.json_parse),
        Check::JsonSchema => validity(check, &primary.json_schema, &candidate.json_schema),
        Check::RequiredFields => {
            validity(check, &primary.required_fields, &candidate.required_fields)
        }
        Check::Refusal => refusal::pair(primary, candidate),
        Check::FirstContent => {
            let limit = checks.settings.latency.first_content_ms;
            first_content::pair(primary.recording, candidate.recording, limit)
        }
        Check::Cost => cost::pair(primary, candidate),
        Check::FinishReason => match (primary.state.answer(), candidate.state.answer()) {
            (Some(from), Some(to)) => finish_reason::pair(from, to),
            (None | Some(_), None) | (None, Some(_)) => na(),
        },
        Check::JsonStructure => {
            on_answers(&|_, _| json_structure::pair(checks, ask, primary, candidate))
        }
        Check::ToolSelection => on_answers(&|from, to| tool_selection::pair(checks, ask, from, to)),
        Check::ToolArguments => {
            on_answers(&|_, _| tool_arguments::pair(checks, primary, candidate))
        }
        Check::Label => on_answers(&|_, _| label::pair(checks, primary, candidate)),
        Check::TextSimilarity => on_answers(&|from, to| {
            let threshold = checks.settings.text_similarity.threshold;
            text_similarity::pair(from, to, threshold, compared)
        }),
        Check::Embeddings => match (primary.state.vectors(), candidate.state.vectors()) {
            (Some(from), Some(to)) => embeddings::pair(from, to, &checks.settings.embeddings),
            (None | Some(_), None) | (None, Some(_)) => na(),
        },
        Check::Citations
        | Check::Extraction
        | Check::Groundedness
        | Check::SemanticSimilarity
        | Check::Judge
        | Check::Length
        | Check::Language
        | Check::Format
        | Check::TotalTime
        | Check::OutputRate
        | Check::Tokens => na(),
    }
}

/// The answer of a side that took the task up: what a refusal lacks is counted as the refusal.
fn served<'s>(side: &'s Side<'_>) -> Option<&'s Answer> {
    side.state
        .answer()
        .filter(|_| side.stance.is_some_and(|stance| stance != Stance::Full))
}

/// On a pair, a check of validity speaks of the candidate; the evidence says where the primary fails.
fn validity(check: Check, primary: &Finding, candidate: &Finding) -> Weighed {
    let why = |finding: &Finding| finding.evidence.as_deref().unwrap_or_default().to_owned();
    let finding = match (primary.failed(), candidate.failed()) {
        (true, true) => candidate
            .clone()
            .because(format!("both: {}", why(candidate))),
        (true, false) => candidate
            .clone()
            .because(format!("primary: {}", why(primary))),
        (false, _) => candidate.clone(),
    };
    Weighed::new(finding, default_severity(check))
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
        is_validity(result.check) && own(result.check, primary).is_some_and(Finding::failed)
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
        is_validity(result.check) && own(result.check, primary).is_some_and(Finding::failed)
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

/// Losses after which the candidate was asked for something else.
const fn changes_task(kind: LossKind) -> bool {
    match kind {
        // Without its stop sequence an answer goes on where the primary's ends.
        LossKind::StopDropped => true,
        LossKind::TemperatureClamped
        | LossKind::SamplingDropped
        | LossKind::SeedDropped
        | LossKind::TokenFloor
        | LossKind::SystemReordered
        | LossKind::MessagesMerged
        | LossKind::PlaceholderInserted
        | LossKind::BlankDropped
        | LossKind::NameDropped
        | LossKind::ToolNameMapped
        | LossKind::ToolIdMapped
        | LossKind::ToolDuplicateDropped
        | LossKind::ToolArgumentsWrapped
        | LossKind::ToolArgumentsSplit
        | LossKind::ToolHistoryNeutralised
        | LossKind::StrictDropped
        | LossKind::SchemaChanged
        | LossKind::ToolChoiceEmulated
        | LossKind::ParallelToolsEmulated
        | LossKind::JsonByTool
        | LossKind::JsonByInstruction
        | LossKind::ReasoningMapped
        | LossKind::ReasoningDropped
        | LossKind::RefusalAsText
        | LossKind::HintDropped
        | LossKind::MetadataChanged
        | LossKind::StopReasonUnknown
        | LossKind::BlockDropped
        | LossKind::ToolCallsTrimmed
        | LossKind::Adapted
        | LossKind::SystemInPlace
        | LossKind::DocumentRenamed
        | LossKind::UrlFetched
        | LossKind::FunctionsEmulated
        | LossKind::CustomToolEmulated
        | LossKind::CacheHintMapped
        | LossKind::BudgetClamped
        | LossKind::ThinkingMissing
        | LossKind::ServiceTierMapped
        | LossKind::Unstored
        | LossKind::ReasoningHidden
        | LossKind::JsonUnwrapped
        | LossKind::ToolCallFromText
        | LossKind::EventSkipped
        | LossKind::InputReordered
        | LossKind::TemperatureScaled
        | LossKind::TokensDecoded => false,
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
            matches!(result.check, Check::JsonStructure | Check::Embeddings)
                || (result.check == Check::TextSimilarity && alone)
        })
        .fold(1.0, |least, result| least.min(result.score))
}
