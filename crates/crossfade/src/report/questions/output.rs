//! What the candidate's answers are like: do they serve the process, do they keep their form, do tools stay safe.

use crossfade_exchange::{Check, Gate, Side};
use crossfade_statistics::RouteReport;

use super::{Facts, Line, bad, gates, good, note, open};
use crate::report::said::{percent, rate};

const fn is_form(gate: Gate) -> bool {
    matches!(
        gate,
        Gate::Envelope
            | Gate::JsonParse
            | Gate::JsonSchema
            | Gate::RequiredFields
            | Gate::JsonStructure
    )
}

const fn is_tool(gate: Gate) -> bool {
    matches!(gate, Gate::ToolSelection | Gate::ToolArguments)
}

const fn is_process(gate: Gate) -> bool {
    !is_form(gate) && !is_tool(gate)
}

/// Does the output still satisfy the process?
pub(super) fn process(facts: &Facts<'_>) -> Vec<Line> {
    let rollout = &facts.view.rollout;
    let mut lines = Vec::new();
    if let Some(back) = &rollout.rolled_back {
        lines.push(bad("roll-back", back.reason.clone()));
    }
    let alarm = rollout.attempt.as_ref().and_then(|attempt| attempt.alarm);
    if let Some(alarm) = rollout.failing.or(alarm) {
        lines.push(bad("alarm", alarm.to_string()));
    }
    lines.extend(gates::lines(facts, is_process));
    if rollout.gates.is_empty() {
        lines.push(open("gates", "no success metric is watched yet"));
    }
    let Some(found) = facts.findings.filter(|found| found.pairs > 0) else {
        lines.push(open("comparison", "no pair was compared yet"));
        return lines;
    };
    for class in found.classes.iter().filter(|class| class.share.events > 0) {
        let what = format!("verdict {}", class.class);
        lines.push(note(what, rate(&class.share)));
    }
    if let Some(labels) = &found.labels {
        let says = format!(
            "the sides agree in {}; the primary with itself in {}",
            rate(&labels.agreement),
            rate(&labels.noise_agreement)
        );
        lines.push(note("labels", says));
    }
    lines.extend(refusals(found));
    lines
}

fn refusals(found: &RouteReport) -> [Line; 2] {
    let refusals = &found.refusals;
    let line = |what: &str, between, noise| {
        let says = format!("{}; the primary alone {}", rate(between), rate(noise));
        note(what, says)
    };
    [
        line(
            "refuses what the primary answers",
            &refusals.answered_refused,
            &refusals.noise_answered_refused,
        ),
        line(
            "answers what the primary refuses",
            &refusals.refused_answered,
            &refusals.noise_refused_answered,
        ),
    ]
}

/// Do structured outputs validate?
pub(super) fn structured(facts: &Facts<'_>) -> Vec<Line> {
    let mut lines = gates::lines(facts, is_form);
    let Some(found) = facts.findings else {
        return lines;
    };
    for json in found.json.iter().filter(|json| json.strict.of > 0) {
        let what = match json.side {
            Side::Primary => "JSON of the primary",
            Side::Candidate => "JSON of the candidate",
        };
        let says = format!(
            "parses as it stands in {}, after a repair in {}",
            rate(&json.strict),
            rate(&json.lenient)
        );
        lines.push(note(what, says));
    }
    lines.extend(between(
        found,
        &[
            Check::JsonSchema,
            Check::RequiredFields,
            Check::JsonStructure,
        ],
    ));
    if found.judged > 0 && lines.is_empty() {
        lines.push(note("JSON", "no request asked for it"));
    }
    lines
}

/// Do tools stay safe?
pub(super) fn tools(facts: &Facts<'_>) -> Vec<Line> {
    let mut lines = gates::lines(facts, is_tool);
    let checks = [Check::ToolSelection, Check::ToolArguments];
    let found = facts.findings;
    let between = found
        .map(|found| between(found, &checks))
        .unwrap_or_default();
    let used = !between.is_empty();
    lines.extend(between);
    lines.push(note(
        "copies",
        "a tool call in a mirrored answer reaches nobody: the proxy runs no tool, and the caller sees one answer",
    ));
    let named = &facts.setup.side_effecting_tools;
    if named.is_empty() {
        let says = "none is named as side-effecting: a wrong call of one counts like any other";
        lines.push(if used {
            open(
                "side effects",
                format!("{says}; name them in the route's checks"),
            )
        } else {
            note("side effects", says)
        });
    } else {
        let says = format!("{} are named: {}", named.len(), named.join(", "));
        lines.push(if used {
            good("side effects", says)
        } else {
            note("side effects", says)
        });
    }
    lines
}

/// How often checks fail between the sides, and between the primary and itself.
fn between(found: &RouteReport, checks: &[Check]) -> Vec<Line> {
    let wanted = found
        .checks
        .iter()
        .filter(|check| checks.contains(&check.check));
    let line = |check: &crossfade_statistics::CheckReport| {
        let noise = check.noise.share.map_or_else(
            || "not known, as it was not asked twice".to_owned(),
            percent,
        );
        let says = format!(
            "fails between the sides in {}; between the primary and itself {noise}",
            rate(&check.disagreement)
        );
        note(format!("check {}", check.check), says)
    };
    wanted
        .filter(|check| check.disagreement.of > 0)
        .map(line)
        .collect()
}
