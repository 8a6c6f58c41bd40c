//! Label: both answers hold the same label of the route's closed list. Where the primary holds none there is nothing
//! to agree with. A cell of the confusion matrix that the route names risky is a blocker.

use crossfade_exchange::Severity;

use super::Weighed;
use crate::{
    Checks,
    finding::Finding,
    json::Json,
    label::{Label, LabelRule},
    side::Side,
};

/// The place of a side's label in the route's list, if the route has one and the answer names one.
pub(crate) fn index(checks: &Checks, side: &Side<'_>) -> Option<u16> {
    match find(checks.label.as_ref()?, side)? {
        Label::Known(place) => u16::try_from(place).ok(),
        Label::OffList | Label::Missing => None,
    }
}

fn find(rule: &LabelRule, side: &Side<'_>) -> Option<Label> {
    let answer = side.state.answer()?;
    Some(rule.find(&answer.text, side.json.as_ref().and_then(Json::value)))
}

/// Compares the labels of two answers.
pub(crate) fn pair(checks: &Checks, primary: &Side<'_>, candidate: &Side<'_>) -> Weighed {
    let plain = |finding| Weighed::new(finding, Severity::Major);
    let Some(rule) = &checks.label else {
        return plain(Finding::na());
    };
    let (Some(from), Some(to)) = (find(rule, primary), find(rule, candidate)) else {
        return plain(Finding::na());
    };
    let Label::Known(known) = from else {
        return plain(Finding::na_because("primary has no label"));
    };
    if from == to {
        return plain(Finding::pass());
    }
    // A label that is missing because the JSON does not parse is counted there.
    if to == Label::Missing && candidate.json_parse.failed() {
        return plain(Finding::na());
    }
    let finding = Finding::fail(format!("{} -> {}", rule.name(from), rule.name(to)));
    if rule.is_risky(known, to) {
        Weighed::blocker(finding)
    } else {
        plain(finding)
    }
}
