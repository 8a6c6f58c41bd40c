//! What the page shows of single cases: the prompt, and both answers as the checks read them, shortened.

use crossfade_compare::read_json;
use crossfade_exchange::{JsonForm, Role, Side, VerdictClass};
use serde_json::Value;

use super::{Judging, badness};
use crate::{
    case::Case,
    report::{
        CaseOutcome, CaseReport, Detail, Details, RepeatOutcome, RepeatReport, RunReport, rank,
    },
    sides::{Answers, Asking},
};

/// Cases that are shown.
const MOST_CASES: usize = 60;
/// Characters of a prompt.
const MOST_PROMPT: usize = 4000;
/// Characters of an answer.
const MOST_ANSWER: usize = 8000;

/// The cases worth a look, the most important first: those that did not pass, then those whose pair differs most.
pub(super) fn details(judging: &Judging<'_>, answers: &Answers, report: &RunReport) -> Details {
    let mut telling: Vec<(usize, &CaseReport)> = report
        .cases
        .iter()
        .enumerate()
        .filter(|(_, case)| is_telling(case))
        .collect();
    telling.sort_by_key(|(_, case)| {
        let worst = case.worst.map_or(0, badness);
        (rank(case), std::cmp::Reverse(worst))
    });
    let more = telling.len().saturating_sub(MOST_CASES);
    let shown = telling.into_iter().take(MOST_CASES);
    let shown = shown.filter_map(|(index, found)| {
        let case = judging.dataset.cases.get(index)?;
        let repeat = most_telling(&found.repeats)?.repeat;
        let said = |side| {
            let asking = Asking {
                case: index,
                repeat,
                side,
            };
            let answer = answers.get(&asking)?;
            let recording = answer.recording(side, Role::Answering);
            let read = judging
                .checks
                .read(case.operation, &case.request_bytes(), &recording);
            Some(shortened(&words(read), MOST_ANSWER))
        };
        Some(Detail {
            case: index,
            repeat,
            prompt: shortened(&prompt(case), MOST_PROMPT),
            primary: said(Side::Primary),
            candidate: said(Side::Candidate),
        })
    });
    Details {
        shown: shown.collect(),
        more,
    }
}

fn is_telling(case: &CaseReport) -> bool {
    let differs = |class| match class {
        VerdictClass::Equal | VerdictClass::Equivalent => false,
        VerdictClass::DifferentMinor
        | VerdictClass::DifferentMajor
        | VerdictClass::CandidateInvalid
        | VerdictClass::CandidateError
        | VerdictClass::PrimaryBad
        | VerdictClass::BothBad
        | VerdictClass::Incomparable => true,
    };
    case.outcome != CaseOutcome::Passed || case.worst.is_some_and(differs)
}

/// The first repeat that failed, else the first that was not judged, else the one that differs most.
fn most_telling(repeats: &[RepeatReport]) -> Option<&RepeatReport> {
    let rank = |repeat: &RepeatReport| match repeat.outcome {
        RepeatOutcome::Failed => 3,
        RepeatOutcome::Unjudged => 2,
        RepeatOutcome::Unanswered => 1,
        RepeatOutcome::Passed => 0,
    };
    // Of equals the first: `max_by_key` would give the last.
    repeats
        .iter()
        .rev()
        .max_by_key(|repeat| (rank(repeat), repeat.class.map_or(0, badness)))
}

/// An answer as text: its words or its refusal, then its calls. JSON is laid out, so that places can be found.
fn words(read: Result<crossfade_compare::ReadAnswer, String>) -> String {
    let answer = match read {
        Ok(answer) => answer,
        Err(why) => return format!("(no answer to read: {why})"),
    };
    let mut parts = Vec::new();
    if !answer.text.is_empty() {
        parts.push(laid_out(&answer.text));
    }
    if let Some(refusal) = &answer.refusal {
        parts.push(format!("(refusal) {refusal}"));
    }
    for call in &answer.calls {
        parts.push(format!("{}({})", call.name, laid_out(&call.arguments)));
    }
    if parts.is_empty() {
        format!("(empty, finish reason {})", answer.finish)
    } else {
        parts.join("\n\n")
    }
}

/// JSON of some size on several lines; anything else as it is.
fn laid_out(text: &str) -> String {
    let read = read_json(text);
    match (read.form, read.value) {
        (JsonForm::Strict, Some(value @ (Value::Object(_) | Value::Array(_)))) => {
            format!("{value:#}")
        }
        (JsonForm::Strict | JsonForm::Lenient | JsonForm::Invalid, _) => text.to_owned(),
    }
}

/// What the case asks: the turns of a conversation, or the input.
fn prompt(case: &Case) -> String {
    let turns = case
        .request
        .get("messages")
        .or_else(|| case.request.get("input"));
    match turns {
        Some(Value::Array(turns)) => turns.iter().map(turn).collect::<Vec<_>>().join("\n\n"),
        Some(other) => text_of(other),
        None => text_of(&case.request),
    }
}

fn turn(turn: &Value) -> String {
    let role = turn.get("role").and_then(Value::as_str);
    let content = turn.get("content").filter(|content| !content.is_null());
    match (role, content) {
        (Some(role), Some(content)) => format!("{role}: {}", text_of(content)),
        (Some(_) | None, _) => text_of(turn),
    }
}

/// Text, the texts of parts, or JSON.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().map(|part| {
                let text = part.get("text").and_then(Value::as_str);
                text.map_or_else(|| part.to_string(), str::to_owned)
            });
            texts.collect::<Vec<_>>().join("\n")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((at, _)) => {
            let (head, rest) = text.split_at(at);
            format!("{head}\n… and {} bytes more", rest.len())
        }
    }
}

impl Judging<'_> {
    /// What the page shows of single cases.
    pub fn details(&self, answers: &Answers, report: &RunReport) -> Details {
        details(self, answers, report)
    }
}
