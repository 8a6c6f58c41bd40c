//! Refusal: comply, partial or full. The API's own signals come first (its refusal field, its content filter), then
//! the rules of [`crate::stance`] on how sentences start. An answer that calls a tool complies, and so does one that holds
//! the JSON that was asked for, unless a refusal is all that this says. On a pair, a change of stance fails: a blocker if the candidate refuses what the primary answered, or
//! answers what the primary's filter blocked, else major.

use crossfade_exchange::{Severity, Stance};
use serde_json::Value;

use super::Weighed;
use crate::{
    answer::{Answer, Finish},
    finding::Finding,
    side::Side,
    stance,
    state::State,
};

/// Members by which a JSON answer says that, and how, it failed: beside a refusal they are no content.
const OF_FAILURE: &[&str] = &[
    "code", "error", "ok", "reason", "refusal", "refused", "status", "success", "type",
];
/// Of a JSON answer, the texts that are read for refusals.
const MOST_TEXTS: usize = 16;

/// What an answer does with the request; `json` is the value that it holds where JSON was asked for.
pub(crate) fn stance(answer: &Answer, json: Option<&Value>, phrases: &[String]) -> Stance {
    if answer.refusal.is_some() || answer.finish == Finish::ContentFilter {
        return Stance::Full;
    }
    if !answer.calls.is_empty() {
        return Stance::Comply;
    }
    let Some(json) = json else {
        return stance::of(&answer.text, phrases);
    };
    let mut texts = Vec::new();
    let only_texts = collect(json, "", &mut texts);
    let refuses = |text: &&str| stance::of(text, phrases) == Stance::Full;
    if only_texts && !texts.is_empty() && texts.iter().all(refuses) {
        Stance::Full
    } else {
        Stance::Comply
    }
}

/// Collects what a value says in sentences; whether it holds nothing else. What is empty holds nothing.
fn collect<'v>(value: &'v Value, name: &str, texts: &mut Vec<&'v str>) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) if text.trim().is_empty() => true,
        Value::String(text) if text.trim().contains(char::is_whitespace) || !text.is_ascii() => {
            texts.push(text);
            texts.len() <= MOST_TEXTS
        }
        // One plain word is a code, and content unless it stands where codes of failure do.
        Value::String(_) | Value::Bool(true) | Value::Number(_) => {
            OF_FAILURE.contains(&name.to_lowercase().as_str())
        }
        Value::Array(list) => list.iter().all(|element| collect(element, name, texts)),
        Value::Object(members) => members
            .iter()
            .all(|(name, member)| collect(member, name, texts)),
    }
}

/// Judges one side: a full refusal is a bad event, a partial one is not.
pub(crate) fn own(stance: Stance) -> Finding {
    match stance {
        Stance::Comply => Finding::pass(),
        Stance::Partial => Finding::pass().scored(0.5).because(stance.as_str()),
        Stance::Full => Finding::fail(stance.as_str()),
    }
}

/// Compares two stances.
pub(crate) fn pair(primary: &Side<'_>, candidate: &Side<'_>) -> Weighed {
    let (Some(from), Some(to)) = (primary.stance, candidate.stance) else {
        return Weighed::new(Finding::na(), Severity::Major);
    };
    let distance = match (from, to) {
        (Stance::Comply, Stance::Comply)
        | (Stance::Partial, Stance::Partial)
        | (Stance::Full, Stance::Full) => return Weighed::new(Finding::pass(), Severity::Major),
        (Stance::Partial, Stance::Comply | Stance::Full)
        | (Stance::Comply | Stance::Full, Stance::Partial) => 0.5,
        (Stance::Comply, Stance::Full) | (Stance::Full, Stance::Comply) => 0.0,
    };
    let name = if filtered(primary) {
        "filtered"
    } else {
        from.as_str()
    };
    let finding = Finding::fail_with(distance, format!("{name} -> {}", to.as_str()));
    let severity = match (from, to) {
        (Stance::Comply, Stance::Full) => Severity::Blocker,
        (Stance::Full, Stance::Comply | Stance::Partial) if filtered(primary) => Severity::Blocker,
        (Stance::Comply | Stance::Partial | Stance::Full, _) => Severity::Major,
    };
    Weighed::new(finding, severity)
}

/// Whether the API's own filter blocked the prompt or the answer.
fn filtered(side: &Side<'_>) -> bool {
    match &side.state {
        State::Filtered => true,
        State::Answer(answer) => answer.finish == Finish::ContentFilter,
        State::Unjudged(_)
        | State::Failed(_)
        | State::Broken(_)
        | State::Error(_)
        | State::Malformed(_)
        | State::Vectors(_) => false,
    }
}
