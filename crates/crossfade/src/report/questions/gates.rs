//! What gates say, a line each: the rollout's word where it watches one, else that of the comparison.

use crossfade_exchange::Gate;
use crossfade_rollout::GateEvidence;
use crossfade_statistics::{GateState, GateView};

use super::{Facts, Line, bad, good, note, open};
use crate::report::said::points;

/// The gates of a question.
pub(super) fn lines(facts: &Facts<'_>, wanted: fn(Gate) -> bool) -> Vec<Line> {
    let watched = &facts.view.rollout.gates;
    let mut lines: Vec<Line> = watched
        .iter()
        .filter(|gate| wanted(gate.gate))
        .map(|gate| watched_line(gate, found(facts, gate.gate)))
        .collect();
    // What the comparison knows of gates that do not gate: to be known.
    let rest = facts.findings.into_iter().flat_map(|found| &found.gates);
    let rest = rest.filter(|gate| wanted(gate.gate) && gate.exchanges > 0);
    let rest = rest.filter(|gate| !watched.iter().any(|other| other.gate == gate.gate));
    lines.extend(rest.map(|gate| note(gate.gate.as_str(), excess(gate))));
    lines
}

fn found<'a>(facts: &Facts<'a>, gate: Gate) -> Option<&'a GateView> {
    let gates = facts.findings.into_iter().flat_map(|found| &found.gates);
    gates.into_iter().find(|found| found.gate == gate)
}

/// A gate of the stage.
fn watched_line(gate: &GateEvidence, found: Option<&GateView>) -> Line {
    let what = gate.gate.as_str();
    if gate.requests == 0 && gate.w < gate.threshold {
        let says = "no request of this stage says anything of it";
        return if gate.named {
            open(what, format!("{says}, and it must pass"))
        } else {
            note(what, says)
        };
    }
    let seen = format!(
        "mean {} against a margin of {}, evidence {:.2} of {:.0}, {} users' windows",
        points(gate.gate, gate.mean),
        points(gate.gate, gate.margin),
        gate.w,
        gate.threshold,
        gate.samples,
    );
    if found.is_some_and(|found| found.state == GateState::Fails) {
        return bad(what, format!("over its margin: {seen}"));
    }
    if gate.w >= gate.threshold {
        return good(what, format!("under its margin: {seen}"));
    }
    let more = match gate.needed {
        Some(needed) => format!("about {needed} more are needed"),
        None => "at this mean it would not pass".to_owned(),
    };
    open(what, format!("inconclusive: {seen}; {more}"))
}

/// What the comparison knows of a gate.
fn excess(gate: &GateView) -> String {
    let state = match gate.state {
        GateState::Passes => "under its margin",
        GateState::Fails => "over its margin",
        GateState::Inconclusive => "inconclusive",
    };
    format!(
        "not a gate of this route; {state}: mean {} within {} and {}, margin {}",
        points(gate.gate, gate.excess.estimate),
        points(gate.gate, gate.excess.low),
        points(gate.gate, gate.excess.high),
        points(gate.gate, gate.margin),
    )
}
