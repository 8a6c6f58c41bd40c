//! Label: both answers hold the same label of the route's closed list, or numbers within its distance. 1 if they do, else 0;
//! a label is read by its normal form ([`crate::label`]). Where the primary holds none there is nothing to agree with. A cell
//! of the confusion matrix that the route names risky is a blocker. The difference names the cell by the list's own names,
//! so that each cell is a finding of its own; a number is never told.

use crossfade_exchange::{Difference, DifferenceKind, Severity};

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
        Label::Number(_) | Label::OffList | Label::Missing => None,
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
    match from {
        Label::Known(_) | Label::Number(_) => {}
        Label::OffList | Label::Missing => {
            return plain(Finding::na_because("primary has no label"));
        }
    }
    if rule.same(from, to) {
        return plain(Finding::pass());
    }
    // A label that is missing because the JSON does not parse is counted there.
    if to == Label::Missing && candidate.json_parse.failed() {
        return plain(Finding::na());
    }
    let cell = format!("{} -> {}", rule.name(from), rule.name(to));
    let place = Difference {
        path: format!("{}: {cell}", rule.text()),
        kind: if to == Label::Missing {
            DifferenceKind::Missing
        } else {
            DifferenceKind::Value
        },
    };
    let finding = Finding::fail(cell).with_places(vec![place]);
    if rule.is_risky(from, to) {
        Weighed::blocker(finding)
    } else {
        plain(finding)
    }
}
