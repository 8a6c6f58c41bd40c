//! What gates say, a line each: the rollout's word where it watches one, else that of the comparison.

use crossfade_exchange::Gate;
use crossfade_rollout::{GateEvidence, GateStanding, GateState};
use crossfade_statistics::{GateState as Known, GateView};

use super::{Facts, Line, bad, good, note, open};
use crate::report::said::points;

/// The gates of a question.
pub(super) fn lines(facts: &Facts<'_>, wanted: fn(Gate) -> bool) -> Vec<Line> {
    let rollout = &facts.view.rollout;
    let watched: Vec<_> = rollout.gates.iter().zip(&rollout.standings).collect();
    let mut lines: Vec<Line> = watched
        .iter()
        .filter(|(gate, _)| wanted(gate.gate))
        .map(|(gate, standing)| watched_line(gate, standing, found(facts, gate.gate)))
        .collect();
    // What the comparison knows of gates that do not gate: to be known.
    let rest = facts.findings.into_iter().flat_map(|found| &found.gates);
    let rest = rest.filter(|gate| wanted(gate.gate) && gate.exchanges > 0);
    let rest = rest.filter(|gate| !watched.iter().any(|(other, _)| other.gate == gate.gate));
    lines.extend(rest.map(|gate| note(gate.gate.as_str(), excess(gate))));
    lines
}

fn found<'a>(facts: &Facts<'a>, gate: Gate) -> Option<&'a GateView> {
    let mut gates = facts.findings.into_iter().flat_map(|found| &found.gates);
    gates.find(|found| found.gate == gate)
}

/// A gate of the stage.
fn watched_line(gate: &GateEvidence, standing: &GateStanding, found: Option<&GateView>) -> Line {
    let what = gate.gate.as_str();
    let seen = format!(
        "mean {} against a margin of {}, evidence {:.2} of {:.0}, {} users' windows",
        points(gate.gate, gate.mean),
        points(gate.gate, gate.margin),
        gate.w,
        gate.threshold,
        gate.samples,
    );
    let fails = found.is_some_and(|found| found.state == Known::Fails);
    match standing.state {
        GateState::Silent if standing.counts => open(
            what,
            "no request of this stage says anything of it, and it is named as a success metric",
        ),
        GateState::Silent => note(what, "no request of this stage says anything of it"),
        GateState::Passed if !fails => good(what, format!("under its margin: {seen}")),
        GateState::Passed => bad(
            what,
            format!("under its margin in this stage, over it before: {seen}"),
        ),
        GateState::Worse | GateState::Open if fails => {
            bad(what, format!("over its margin: {seen}"))
        }
        GateState::Worse => open(
            what,
            format!("inconclusive: {seen}; at this mean it would not pass by going on"),
        ),
        GateState::Open => {
            let more = gate.needed.map_or_else(
                || "more are needed".to_owned(),
                |needed| format!("about {needed} more are needed"),
            );
            open(what, format!("inconclusive: {seen}; {more}"))
        }
    }
}

/// What the comparison knows of a gate.
fn excess(gate: &GateView) -> String {
    let state = match gate.state {
        Known::Passes => "under its margin",
        Known::Fails => "over its margin",
        Known::Inconclusive => "inconclusive",
    };
    format!(
        "not a gate of this route; {state}: mean {} within {} and {}, margin {}",
        points(gate.gate, gate.excess.estimate),
        points(gate.gate, gate.excess.low),
        points(gate.gate, gate.excess.high),
        points(gate.gate, gate.margin),
    )
}
