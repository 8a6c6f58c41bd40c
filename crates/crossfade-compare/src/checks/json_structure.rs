//! JSON structure: the share of leaves that agree, by weight, over the union of the leaf paths of two JSON answers: Σ w·s ÷
//! Σ w, where s is 1 for leaves that the rule of their path calls equal, the similarity for texts under their threshold, else
//! 0; it passes if all agree. Where the route names no rule, leaves are equal as RFC 8259 means them: the order of names,
//! white space and how a number is written do not matter, and a member that is null equals one that is missing. What is
//! missing, extra, of another type or value, in another order or of another length is told by place.
//!
//! It applies where JSON was asked for, and where both texts are an object or a list all the same. A place that the label
//! check judges is left to it. What does not parse is counted there. Where no rule speaks of it a difference is
//! major, but for two texts of several words and for another order, which are minor: nobody said that they matter. Else it is
//! as grave as its rule says. The rules are the operator's: [`crate::rules`].

use crossfade_exchange::{Check, CheckOutcome, Severity};

use super::{Weighed, json_schema, label};
use crate::{
    Checks, answer::Answer, ask::Ask, document::Document, finding::Finding, json::Json,
    label::LabelRule, leaves::Leaves, side::Side,
};

/// How much a difference matters of which no rule speaks.
const UNNAMED: Severity = Severity::Major;
/// The same for prose, and for the order of elements.
const UNNAMED_PROSE: Severity = Severity::Minor;

/// Compares the JSON of two answers.
pub(crate) fn pair(
    checks: &Checks,
    ask: &Ask<'_>,
    primary: &Side<'_>,
    candidate: &Side<'_>,
) -> Weighed {
    let plain = |finding| Weighed::new(finding, UNNAMED);
    let asked = checks.wants_json(ask);
    let (Some(from), Some(to)) = (document(primary, asked), document(candidate, asked)) else {
        return plain(Finding::na());
    };
    let rule = checks
        .label
        .as_ref()
        .filter(|_| judges_label(checks, primary, candidate));
    let skipped = rule.and_then(|rule| rule.place(from.value()));
    let mut leaves = Leaves::new(&checks.json_rules, UNNAMED)
        .lenient_with(UNNAMED_PROSE)
        .without(skipped);
    leaves.compare(&from.root, &to.root);
    let Some(worst) = leaves.worst else {
        let finding = if leaves.all == 0 {
            Finding::na_because("nothing beside the label")
        } else {
            Finding::pass()
        };
        return Weighed::new(finding, leaves.gravest.unwrap_or(UNNAMED));
    };
    let schema = json_schema::of(checks, ask).and_then(Result::ok);
    let known = |name: &str| {
        schema.as_ref().is_some_and(|schema| schema.declares(name))
            || checks.json_rules.names(name)
            || checks.required.iter().any(|path| path.names(name))
            || checks.label.as_ref().is_some_and(|rule| rule.names(name))
    };
    let finding = Finding::fail_with(leaves.score(), leaves.evidence(known));
    Weighed {
        finding: finding.with_places(leaves.differences("$", known)),
        severity: worst.severity,
        fixed: worst.named,
    }
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
