//! What the tests know: the gates that an advance waits for, and the alarms that would send the route back.

use std::fmt::Write as _;

use crossfade_rollout::{
    Engine, GateEvidence, GateStanding, GateState, MetricStatus, Phase, RouteStatus,
};

use super::{
    Span, count,
    words::{about, bar},
};

/// Gates that are shown where several routes share the screen.
const GATES: usize = 4;

/// A gate with how it stands.
type Stood<'a> = (&'a GateEvidence, &'a GateStanding);

/// The gates of the stage: those that do not pass yet, the furthest first; the others by name.
pub(super) fn gates(out: &mut String, rollout: &RouteStatus, span: Span) {
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
    let shown = match span {
        Span::Whole => open.len(),
        Span::Brief => GATES,
    };
    for gate in open.iter().take(shown) {
        gate_line(out, *gate);
    }
    if open.len() > shown {
        let _ = writeln!(
            out,
            "    and {} more: crossfade status {}",
            open.len() - shown,
            rollout.route
        );
    }
    match span {
        Span::Whole => passed.iter().for_each(|gate| gate_line(out, *gate)),
        Span::Brief => names(out, "passed", &passed),
    }
    names(out, "not asked", &unasked);
}

fn names(out: &mut String, what: &str, gates: &[Stood<'_>]) {
    if !gates.is_empty() {
        let names: Vec<&str> = gates.iter().map(|(gate, _)| gate.gate.as_str()).collect();
        let _ = writeln!(out, "    {what}: {}", names.join(", "));
    }
}

fn gate_line(out: &mut String, (gate, standing): Stood<'_>) {
    let more = match (standing.state, gate.needed) {
        (GateState::Passed, _) => "passed".to_owned(),
        (GateState::Worse, _) => "not at this mean".to_owned(),
        (GateState::Silent, _) => "no request says anything".to_owned(),
        (GateState::Open, None) => "more".to_owned(),
        (GateState::Open, Some(needed)) => match standing.needed_seconds {
            Some(seconds) => format!("{} more, {}", count(needed), about(seconds)),
            None => format!("{} more", count(needed)),
        },
    };
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

/// The groups whose sum would send the route back, and the metric nearest to it; or every metric.
pub(super) fn alarms(out: &mut String, rollout: &RouteStatus, span: Span) {
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
        let nearest = seen
            .iter()
            .max_by(|a, b| metric_ratio(a, group.engine).total_cmp(&metric_ratio(b, group.engine)));
        let Some(metric) = nearest else {
            quiet.push(name);
            continue;
        };
        let bar = bar(group.alarm_ratio);
        match span {
            Span::Brief => {
                let says = bad(metric, group.engine);
                let _ = writeln!(out, "  {name:<9} {bar}  {} {says}", metric.metric);
            }
            Span::Whole => {
                let _ = writeln!(out, "  {name:<17} {bar}");
                metrics(out, group.engine, &seen);
            }
        }
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

const fn has_evidence(metric: &MetricStatus, engine: Engine) -> bool {
    match engine {
        Engine::R => metric.primary.answers + metric.candidate.answers > 0,
        Engine::P => metric.pairs.pairs > 0,
    }
}

const fn metric_ratio(metric: &MetricStatus, engine: Engine) -> f64 {
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
