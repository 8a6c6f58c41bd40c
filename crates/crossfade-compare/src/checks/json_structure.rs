//! JSON structure: two JSON answers hold the same leaves, over the union of their leaf paths. The order of names, white
//! space and how a number is written do not matter. It applies where JSON was asked for, and where both texts are an object
//! or a list all the same. A place that the label check judges is left to it. What does not parse is counted there.

use crossfade_exchange::{Check, CheckOutcome, Severity};

use super::{Weighed, json_schema, label};
use crate::{
    Checks,
    answer::Answer,
    ask::Ask,
    document::Document,
    finding::{Finding, share},
    json::Json,
    label::LabelRule,
    leaves::{Leaves, Rule},
    side::Side,
};

/// Compares the JSON of two answers.
pub(crate) fn pair(
    checks: &Checks,
    ask: &Ask<'_>,
    primary: &Side<'_>,
    candidate: &Side<'_>,
) -> Weighed {
    Weighed::new(compare(checks, ask, primary, candidate), Severity::Minor)
}

fn compare(checks: &Checks, ask: &Ask<'_>, primary: &Side<'_>, candidate: &Side<'_>) -> Finding {
    let asked = checks.wants_json(ask);
    let (Some(from), Some(to)) = (document(primary, asked), document(candidate, asked)) else {
        return Finding::na();
    };
    let rule = checks
        .label
        .as_ref()
        .filter(|_| judges_label(checks, primary, candidate));
    let mut leaves = Leaves::without(rule.and_then(|rule| rule.place(from.value())));
    leaves.compare(Rule::Exact, Some(&from.root), Some(&to.root));
    if leaves.all == 0 {
        return Finding::na_because("nothing beside the label");
    }
    if leaves.equal == leaves.all {
        return Finding::pass();
    }
    let schema = json_schema::of(checks, ask).and_then(Result::ok);
    let known = |name: &str| {
        schema.as_ref().is_some_and(|schema| schema.declares(name))
            || checks.required.iter().any(|path| path.names(name))
            || checks.label.as_ref().is_some_and(|rule| rule.names(name))
    };
    Finding::fail_with(share(leaves.equal, leaves.all), leaves.evidence(known))
}

/// Whether the label check has something to say of this pair.
fn judges_label(checks: &Checks, primary: &Side<'_>, candidate: &Side<'_>) -> bool {
    let needs_json = checks.label.as_ref().is_some_and(LabelRule::needs_json);
    needs_json
        && checks.is_on(Check::Label)
        && matches!(
            label::pair(checks, primary, candidate).finding.outcome,
            CheckOutcome::Pass | CheckOutcome::Fail
        )
}

/// A side's JSON, if that is what its text is.
fn document<'s>(side: &'s Side<'_>, asked: bool) -> Option<&'s Document> {
    let answer = side.state.answer()?;
    let json = side.json.as_ref()?;
    let usable = if asked {
        answer.calls.is_empty() && !side.json_parse.failed()
    } else {
        is_nothing_else(answer, json)
    };
    json.document().filter(|_| usable)
}

/// Whether an answer that was not asked for JSON is an object or a list, and nothing besides.
fn is_nothing_else(answer: &Answer, json: &Json) -> bool {
    let text = answer.text.trim();
    let whole = match json {
        Json::Strict(_) => true,
        Json::Lenient(..) => text.starts_with("```") && text.ends_with("```"),
        Json::No(_) | Json::TooDeep => false,
    };
    let container = json
        .document()
        .is_some_and(|document| document.root.is_container());
    whole && container && answer.calls.is_empty()
}

/// Whether a text may be JSON, by how it starts: what is not worth reading as such otherwise.
pub(crate) fn may_be_json(text: &str) -> bool {
    let text = text.trim_start();
    ["{", "[", "```"]
        .iter()
        .any(|start| text.starts_with(start))
}
