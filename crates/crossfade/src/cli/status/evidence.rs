//! What the tests know: the gates that an advance waits for, and the alarms that would send the route back.

use std::fmt::Write as _;

use crossfade_rollout::{
    Engine, GateEvidence, GateStanding, GateState, MetricStatus, Phase, RouteStatus,
};

use super::{
    count,
    words::{about, bar},
};

/// A gate with how it stands.
type Stood<'a> = (&'a GateEvidence, &'a GateStanding);

/// The gates of the stage: those that do not pass yet, the furthest first; then those that do.
pub(super) fn gates(out: &mut String, rollout: &RouteStatus) {
    let all: Vec<Stood<'_>> = rollout.gates.iter().zip(&rollout.standings).collect();
    if all.is_empty() {
        return;
    }
    let of = |wanted: fn(&GateStanding) -> bool| -> Vec<Stood<'_>> {
        let fitting = all.iter().filter(|(_, standing)| wanted(standing));
        fitting.copied().collect()
    };
    let passed = of(|standing| standing.counts && standing.state == GateState::Passed);
    let unasked = of(|standing| !standing.counts);
    let mut open = of(|standing| standing.counts && standing.state != GateState::Passed);
    open.sort_by(|(_, a), (_, b)| a.gate_ratio.total_cmp(&b.gate_ratio));
    let _ = writeln!(
        out,
        "  gates     {} of {} pass; 1.00 passes",
        passed.len(),
        passed.len() + open.len()
    );
    for gate in open.iter().chain(&passed) {
        gate_line(out, *gate);
    }
    names(out, "not asked", &unasked);
}

fn names(out: &mut String, what: &str, gates: &[Stood<'_>]) {
    if !gates.is_empty() {
        let names: Vec<&str> = gates.iter().map(|(gate, _)| gate.gate.as_str()).collect();
        let _ = writeln!(out, "    {what}: {}", names.join(", "));
    }
}

/// What a gate still needs, in a few words.
pub(super) fn needs(gate: &GateEvidence, standing: &GateStanding) -> String {
    match (standing.state, gate.needed) {
        (GateState::Passed, _) => "passed".to_owned(),
        (GateState::Worse, _) => "not at this mean".to_owned(),
        (GateState::Silent, _) => "no request says anything".to_owned(),
        (GateState::Open, None) => "more".to_owned(),
        (GateState::Open, Some(needed)) => match standing.needed_seconds {
            Some(seconds) => format!("{} more, {}", count(needed), about(seconds)),
            None => format!("{} more", count(needed)),
        },
    }
}

fn gate_line(out: &mut String, (gate, standing): Stood<'_>) {
    let more = needs(gate, standing);
    let _ = writeln!(
        out,
        "    {:<19} {} {:>+6.2} of {:.2} %, {} seen, {more}",
        gate.gate.as_str(),
        bar(standing.gate_ratio),
        gate.mean * 100.0,
        gate.margin * 100.0,
        count(gate.samples),
    );
}

/// The groups whose sum would send the route back, with their metrics.
pub(super) fn alarms(out: &mut String, rollout: &RouteStatus) {
    let Some(attempt) = &rollout.attempt else {
        return;
    };
    let (name, alarm) = match attempt.facts.phase {
        Phase::Shadow => ("watch", "marks the route failing"),
        Phase::Attempt => ("attempt", "is a roll-back"),
    };
    let _ = writeln!(
        out,
        "  {name:<9} {}: {} outcomes decided; 1.00 {alarm}, below 0 speaks for the candidate",
        attempt.facts.id,
        count(attempt.decided)
    );
    let mut quiet = Vec::new();
    for group in &rollout.groups {
        let name = format!("{} {}", group.engine, group.group);
        let of = rollout
            .metrics
            .iter()
            .filter(|metric| metric.group == group.group);
        let seen: Vec<&MetricStatus> = of
            .filter(|metric| has_evidence(metric, group.engine))
            .collect();
        if seen.is_empty() {
            quiet.push(name);
            continue;
        }
        let _ = writeln!(out, "  {name:<17} {}", bar(group.alarm_ratio));
        metrics(out, group.engine, &seen);
    }
    if !quiet.is_empty() {
        let _ = writeln!(out, "  quiet     no evidence yet: {}", quiet.join(", "));
    }
}

fn metrics(out: &mut String, engine: Engine, seen: &[&MetricStatus]) {
    for metric in seen {
        let _ = writeln!(
            out,
            "    {:<15} {}   {}",
            metric.metric.as_str(),
            bar(metric_ratio(metric, engine)),
            bad(metric, engine),
        );
    }
}

pub(super) const fn has_evidence(metric: &MetricStatus, engine: Engine) -> bool {
    match engine {
        Engine::R => metric.primary.answers + metric.candidate.answers > 0,
        Engine::P => metric.pairs.pairs > 0,
    }
}

pub(super) const fn metric_ratio(metric: &MetricStatus, engine: Engine) -> f64 {
    match engine {
        Engine::R => metric.evidence_ratio,
        Engine::P => metric.pairs_ratio,
    }
}

/// What was bad of what was seen.
fn bad(metric: &MetricStatus, engine: Engine) -> String {
    match engine {
        Engine::R => format!(
            "bad: primary {} of {}, candidate {} of {}",
            count(metric.primary.bad),
            count(metric.primary.answers),
            count(metric.candidate.bad),
            count(metric.candidate.answers),
        ),
        Engine::P => format!(
            "bad: primary {}, candidate {} of {} pairs",
            count(metric.pairs.primary_bad),
            count(metric.pairs.candidate_bad),
            count(metric.pairs.pairs),
        ),
    }
}
