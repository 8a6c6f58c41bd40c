//! A report for a terminal.

use std::fmt::Write as _;

use crossfade_exchange::{Severity, VerdictClass};

use crate::{Finding, GateState, GateView, PathReport, RouteReport, confidence::Rate};

/// The longest line, in characters.
const WIDTH: usize = 110;
/// Findings in the text.
const MOST_FINDINGS: usize = 12;
/// Places in the text.
const MOST_PATHS: usize = 6;
/// Losses in the text.
const MOST_LOSSES: usize = 5;
/// Noisy places in the text.
const MOST_NOISY: usize = 5;

/// What matters, in one line.
pub(super) fn headline(report: &RouteReport) -> String {
    if report.pairs == 0 {
        return "nothing compared yet".to_owned();
    }
    let of = |state: GateState| report.gates.iter().filter(move |gate| gate.state == state);
    let failing: Vec<&str> = of(GateState::Fails)
        .map(|gate| gate.gate.as_str())
        .collect();
    let (passing, unknown) = (
        of(GateState::Passes).count(),
        of(GateState::Inconclusive).count(),
    );
    let worst = report.findings.first();
    let top = worst.map_or_else(String::new, |finding| {
        let noise = finding.noise.share;
        let noise = noise.map_or_else(String::new, |noise| format!(", noise {}", percent(noise)));
        format!(
            "; most: {} ({}{noise})",
            finding.title,
            share(&finding.share)
        )
    });
    let state = if failing.is_empty() {
        format!("nothing above its margin ({passing} within, {unknown} not yet known)")
    } else {
        format!("{} above the margin", failing.join(", "))
    };
    format!("{state}{top}; {} pairs", report.pairs)
}

pub(super) fn render(report: &RouteReport) -> String {
    let mut text = String::new();
    line(&mut text, &report.headline);
    if report.pairs == 0 {
        return text;
    }
    classes(&mut text, report);
    gates(&mut text, report);
    findings(&mut text, report);
    paths(&mut text, report);
    losses(&mut text, report);
    noisy(&mut text, report);
    reviews(&mut text, report);
    text
}

/// A line, cut to the width.
fn line(text: &mut String, content: &str) {
    let cut: String = content.chars().take(WIDTH).collect();
    text.push_str(cut.trim_end());
    text.push('\n');
}

fn classes(text: &mut String, report: &RouteReport) {
    let mut worse: Vec<String> = Vec::new();
    let mut apart: Vec<String> = Vec::new();
    for class in &report.classes {
        let written = format!("{} {}", class.class, share(&class.share));
        match class.class {
            VerdictClass::Equal
            | VerdictClass::Equivalent
            | VerdictClass::DifferentMinor
            | VerdictClass::DifferentMajor
            | VerdictClass::CandidateInvalid
            | VerdictClass::CandidateError => worse.push(written),
            VerdictClass::PrimaryBad | VerdictClass::BothBad | VerdictClass::Incomparable => {
                apart.push(written);
            }
        }
    }
    text.push('\n');
    line(text, &worse.join(" · "));
    if let Some(parity) = &report.parity_mean {
        let written = format!(
            "parity {:.3} ({:.3}..{:.3})",
            parity.estimate, parity.low, parity.high
        );
        line(text, &written);
    }
    if !apart.is_empty() {
        line(text, &format!("not the candidate's: {}", apart.join(" · ")));
    }
}

fn gates(text: &mut String, report: &RouteReport) {
    if report.gates.is_empty() {
        return;
    }
    text.push('\n');
    line(
        text,
        "over every pair since counting began; a stage's own gates count from its beginning: see the route's status",
    );
    line(
        text,
        &format!(
            "{:<20} {:>9} {:>9} {:>9}  {:>24} {:>7}  {}",
            "difference",
            "candidate",
            "primary",
            "again",
            "excess (95 %, any time)",
            "margin",
            "state"
        ),
    );
    // That nothing is bad on either side is no news.
    let quiet = |gate: &GateView| {
        gate.state != GateState::Fails && gate.candidate == Some(0.0) && gate.primary == Some(0.0)
    };
    for state in [GateState::Fails, GateState::Inconclusive, GateState::Passes] {
        let of = |gate: &&GateView| gate.state == state && !quiet(gate);
        for gate in report.gates.iter().filter(of) {
            line(text, &gate_line(gate));
        }
    }
    for (state, written) in [
        (
            GateState::Inconclusive,
            "not yet known, none on either side:",
        ),
        (GateState::Passes, "within, none on either side:"),
    ] {
        let of = |gate: &&GateView| gate.state == state && quiet(gate);
        let names = report.gates.iter().filter(of);
        list(text, written, names.map(|gate| gate.gate.as_str()));
    }
    if report.noise_pairs == 0 {
        line(
            text,
            "the primary was never asked twice: nothing is known above the noise",
        );
    }
}

/// Names on as many lines as they take; nothing without any.
fn list<'n>(text: &mut String, intro: &str, names: impl Iterator<Item = &'n str>) {
    let mut written = intro.to_owned();
    let mut any = false;
    for name in names {
        if any {
            written.push(',');
        }
        if written.len() + name.len() + 2 > WIDTH {
            line(text, &written);
            "   ".clone_into(&mut written);
        }
        written.push(' ');
        written.push_str(name);
        any = true;
    }
    if any {
        line(text, &written);
    }
}

fn gate_line(gate: &GateView) -> String {
    let part = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    // A user's ten minutes are one sample: until the first are over nothing can be said, however many pairs there are.
    let none = gate.units == 0;
    let excess = if none {
        "-".to_owned()
    } else {
        format!(
            "{:+.2} ({:+.2}..{:+.2})",
            gate.excess.estimate * 100.0,
            gate.excess.low * 100.0,
            gate.excess.high * 100.0
        )
    };
    let state = match gate.state {
        GateState::Passes => "within".to_owned(),
        GateState::Fails => "ABOVE".to_owned(),
        GateState::Inconclusive if none => "no user's ten minutes are over".to_owned(),
        GateState::Inconclusive => gate.needed.map_or_else(
            || "not yet known".to_owned(),
            |needed| format!("about {needed} more needed"),
        ),
    };
    format!(
        "{:<20} {:>9} {:>9} {:>9}  {excess:>24} {:>7}  {state}",
        gate.gate.as_str(),
        part(gate.candidate),
        part(gate.primary),
        part(gate.candidate_noise),
        percent(gate.margin),
    )
}

fn findings(text: &mut String, report: &RouteReport) {
    let accepted: u64 = report.accepted.iter().map(|accepted| accepted.count).sum();
    if report.findings.is_empty() && accepted == 0 {
        return;
    }
    text.push('\n');
    for finding in report.findings.iter().take(MOST_FINDINGS) {
        line(text, &finding_line(finding));
    }
    let rest = &report.rest;
    if rest.pairs > 0 {
        let more = format!("{:<7} {:>6} of rarer kinds", "", rest.pairs);
        line(text, &more);
    }
    if accepted > 0 {
        line(
            text,
            &format!("{:<7} {accepted:>6} accepted as no difference", ""),
        );
    }
}

fn finding_line(finding: &Finding) -> String {
    let noise = match finding.noise.share {
        Some(noise) => format!("{:>8}", percent(noise)),
        None => format!("{:>8}", "-"),
    };
    let mark = match finding.severity {
        Severity::Blocker => "BLOCKER",
        Severity::Major => "major",
        Severity::Minor => "minor",
        Severity::Info => "info",
    };
    format!(
        "{mark:<7} {:>6} {:>8} noise {noise}  {}",
        finding.share.events,
        share(&finding.share),
        finding.title
    )
}

fn paths(text: &mut String, report: &RouteReport) {
    if report.paths.is_empty() {
        return;
    }
    text.push('\n');
    for path in report.paths.iter().take(MOST_PATHS) {
        let noise = path.noise.share.map_or_else(|| "-".to_owned(), percent);
        let written = format!(
            "differs {:>6} {:>8} noise {noise:>8}  {}",
            path.pairs.events,
            share(&path.pairs),
            named(path)
        );
        line(text, &written);
    }
}

/// A check and its place.
fn named(path: &PathReport) -> String {
    if path.path.is_empty() {
        path.check.to_string()
    } else {
        format!("{}: {}", path.check, path.path)
    }
}

fn losses(text: &mut String, report: &RouteReport) {
    if report.losses.is_empty() {
        return;
    }
    text.push('\n');
    for loss in report.losses.iter().take(MOST_LOSSES) {
        let worse: Vec<&str> = loss
            .checks
            .iter()
            .filter(|check| check.worse)
            .map(|check| check.check.as_str())
            .collect();
        let mut written = format!("lost: {} in {} of pairs", loss.loss, share(&loss.share));
        if !worse.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(written, "; worse with it: {}", worse.join(", "));
        }
        line(text, &written);
    }
}

fn noisy(text: &mut String, report: &RouteReport) {
    if report.noisy_paths.is_empty() {
        return;
    }
    text.push('\n');
    for path in report.noisy_paths.iter().take(MOST_NOISY) {
        let written = format!(
            "noisy: {}: the primary differs from itself in {}",
            named(path),
            share(&path.noise)
        );
        line(text, &written);
    }
}

fn reviews(text: &mut String, report: &RouteReport) {
    let reviews = &report.reviews;
    let total: u64 = reviews.verdicts.iter().map(|(_, count)| count).sum();
    if total == 0 {
        return;
    }
    text.push('\n');
    let said: Vec<String> = reviews
        .verdicts
        .iter()
        .map(|(verdict, count)| format!("{verdict} {count}"))
        .collect();
    line(text, &format!("{total} reviewed: {}", said.join(" · ")));
    if let Some(missed) = reviews.missed.share {
        let written = format!(
            "missed by the checks: {} of {} drawn at random ({}..{})",
            percent(missed),
            reviews.missed.of,
            percent(reviews.missed.low),
            percent(reviews.missed.high)
        );
        line(text, &written);
    }
}

fn share(rate: &Rate) -> String {
    rate.share.map_or_else(|| "-".to_owned(), percent)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
