//! `status`: everything about every route on one screen. Only shows; every number is the server's.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;
use serde_json::Value;

use crossfade_exchange::Metric;
use crossfade_rollout::{Cause, MetricStatus, RouteStatus};

use crate::{
    control::{LedgerState, RouteView},
    review::FoundLine,
    text::plain,
};

use super::{
    admin::{Admin, Ask},
    args::{Output, StatusArgs},
    failure::Failure,
    print,
};

/// What the metric `transport` counts.
const TRANSPORT: &str = "transport is bad: no answer, 408, 429 or 5xx, or silent for longer than";
/// Kinds of loss that are named, the most frequent ones.
const LOSSES: usize = 8;
/// Cells of an evidence bar.
const BAR: usize = 20;

/// What the admin API says about the process, as far as it is shown.
#[derive(Debug, Deserialize)]
struct Status {
    #[serde(default)]
    version: String,
    mirror_enabled: bool,
    ledger: LedgerState,
    routes: Vec<Route>,
    #[serde(default)]
    unrouted: Option<Accounting>,
}

#[derive(Debug, Deserialize)]
struct Route {
    #[serde(flatten)]
    view: RouteView,
    #[serde(default)]
    accounting: Option<Accounting>,
    #[serde(default)]
    identity_holds: Option<bool>,
    #[serde(default)]
    coverage: Option<f64>,
    #[serde(default)]
    found: Option<FoundLine>,
}

/// Counts by names that are only shown, so they stay text here.
#[derive(Debug, Deserialize)]
struct Accounting {
    seen: u64,
    finished: u64,
    in_flight: u64,
    ineligible: BTreeMap<String, u64>,
    eligible: BTreeMap<String, u64>,
    compared: BTreeMap<String, u64>,
    skipped: BTreeMap<String, BTreeMap<String, u64>>,
    mirror_in_flight: u64,
    #[serde(default)]
    mirror_only: BTreeMap<String, u64>,
    #[serde(default)]
    asked: u64,
    #[serde(default)]
    losses: BTreeMap<String, u64>,
}

/// `status`
pub(super) fn run(args: &StatusArgs) -> Result<(), Failure> {
    let mut answer = Admin::new(&args.admin)?.ask(Ask::get("/api/v1/status".to_owned()))?;
    if let Some(route) = &args.route {
        keep_route(&mut answer, route)?;
    }
    match args.admin.output {
        Output::Json => print::json(&answer),
        Output::Text => {
            let status = Status::deserialize(&answer).map_err(|error| foreign(&error))?;
            print::data(&text(&status, now_ms()));
        }
    }
    Ok(())
}

/// What a change led to, in one line.
pub(super) fn one_line(answer: &Value, route: &str) -> String {
    let routes = answer.get("routes").cloned().unwrap_or_default();
    let routes: Vec<Route> = serde_json::from_value(routes).unwrap_or_default();
    match routes
        .iter()
        .find(|shown| shown.view.rollout.route.as_str() == route)
    {
        Some(shown) => headline(shown),
        None => format!("{route}: done"),
    }
}

/// What a newer or older server says may not fit this program.
pub(super) fn foreign(error: &serde_json::Error) -> Failure {
    let what = format!("the admin API's answer is not understood: {error}");
    Failure::new(
        what,
        "use the program of the server's version, or --output json",
    )
}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn keep_route(answer: &mut Value, route: &str) -> Result<(), Failure> {
    let name = |shown: &Value| {
        shown
            .pointer("/rollout/route")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let Some(routes) = answer.get_mut("routes").and_then(Value::as_array_mut) else {
        return Ok(());
    };
    let known: Vec<String> = routes.iter().map(name).collect();
    routes.retain(|shown| name(shown) == route);
    if routes.is_empty() {
        let what = format!("there is no route {route:?}");
        let remedy = match known.as_slice() {
            [] => "configure one under [routes]".to_owned(),
            known => format!("use a name from `crossfade status`: {}", known.join(", ")),
        };
        return Err(Failure::new(what, remedy));
    }
    Ok(())
}

fn text(status: &Status, now_ms: u64) -> String {
    let mut out = String::new();
    let ledger = &status.ledger;
    let mirroring = if status.mirror_enabled { "on" } else { "off" };
    let _ = write!(
        out,
        "crossfade {}   mirroring {mirroring}   ledger {} entries",
        status.version,
        count(ledger.entries)
    );
    if ledger.writable {
        out.push('\n');
    } else {
        let why = ledger.problem.as_deref().unwrap_or("cannot be written");
        let _ = writeln!(
            out,
            ", NOT WRITABLE: {why}; nothing can be raised, and leases run out"
        );
    }
    if ledger.unrecorded > 0 {
        let _ = match ledger.unrecorded {
            1 => writeln!(
                out,
                "1 change toward the primary is in effect and waits for the ledger"
            ),
            many => writeln!(
                out,
                "{many} changes toward the primary are in effect and wait for the ledger"
            ),
        };
    }
    for orphan in &ledger.orphans {
        let _ = writeln!(
            out,
            "{} had {} % and is not configured any more: this start has set it to 0 %, where it begins if it comes back",
            plain(orphan.route.as_str()),
            orphan.percent
        );
    }
    for route in &status.routes {
        out.push('\n');
        show_route(&mut out, route, now_ms);
    }
    if let Some(unrouted) = status.unrouted.as_ref().filter(|counts| counts.seen > 0) {
        out.push_str("\nwithout a route\n");
        show_accounting(&mut out, unrouted);
    }
    out
}

/// Name, stage, share, lease, revision.
fn headline(route: &Route) -> String {
    let rollout = &route.view.rollout;
    let mut line = format!("{}   {} {}", rollout.route, rollout.stage, rollout.share);
    if (route.view.effective_percent - rollout.share.percent()).abs() > 1e-9 {
        let _ = write!(line, " (effective {} %)", route.view.effective_percent);
    }
    if let Some(seconds) = route.view.lease_seconds {
        let _ = write!(line, "   lease {seconds:.0} s");
    } else if !rollout.share.is_zero() {
        line.push_str("   no lease");
    }
    let _ = write!(line, "   revision {}", rollout.revision);
    if rollout.rolled_back.is_some() {
        line.push_str("   rolled back");
    }
    line
}

fn show_route(out: &mut String, route: &Route, now_ms: u64) {
    let rollout = &route.view.rollout;
    let owner = rollout.owner.as_deref().unwrap_or("nobody");
    let _ = writeln!(out, "{}   owner {owner}", headline(route));
    if let Some(back) = &rollout.rolled_back {
        let when = ago(back.at_unix_ms, now_ms);
        let _ = writeln!(
            out,
            "  ROLLED BACK {when} by {}: {}",
            plain(&back.actor.to_string()),
            plain(&back.reason)
        );
        if matches!(&back.cause, Cause::Alarm(alarm) if alarm.metric == Metric::Transport) {
            let _ = writeln!(out, "              {TRANSPORT} the age A");
        }
    }
    if let Some(barred) = &route.view.barred {
        let _ = writeln!(out, "  HELD BACK: {}", plain(barred));
    }
    for note in &route.view.notes {
        let _ = writeln!(out, "  note      {}", plain(note));
    }
    if let Some(change) = &rollout.last_change {
        let when = ago(change.at_unix_ms, now_ms);
        let _ = writeln!(
            out,
            "  change    {}, {when}, by {}: {}",
            change.what,
            plain(&change.actor.to_string()),
            plain(&change.reason)
        );
    }
    show_attempt(out, rollout);
    show_counts(out, route);
    show_found(out, route);
    for (index, missing) in rollout.missing.iter().enumerate() {
        let label = if index == 0 { "for more" } else { "" };
        let _ = writeln!(out, "  {label:<9} {}", plain(missing));
    }
}

/// The running attempt's evidence.
fn show_attempt(out: &mut String, rollout: &RouteStatus) {
    if let Some(attempt) = &rollout.attempt {
        let _ = writeln!(
            out,
            "  attempt   {}: {} outcomes decided; 1.00 is a roll-back, below 0 speaks for the candidate",
            attempt.facts.id,
            count(attempt.decided)
        );
        for group in &rollout.groups {
            let name = format!("{} {}", group.engine, group.group);
            let mut metrics = rollout.metrics.iter();
            let seen = metrics.any(|metric| metric.group == group.group && has_evidence(metric));
            let _ = writeln!(out, "  {:<17} {}", name, evidence(seen, group.alarm_ratio));
        }
        for metric in &rollout.metrics {
            show_metric(out, metric);
        }
        if rollout
            .metrics
            .iter()
            .any(|metric| metric.metric == Metric::Transport)
        {
            let _ = writeln!(
                out,
                "    {TRANSPORT} A = {} s",
                attempt.facts.arrival_age.as_secs_f64()
            );
        }
    }
}

/// The accounting, whether it adds up, and what of it was compared.
fn show_counts(out: &mut String, route: &Route) {
    if let Some(counts) = &route.accounting {
        show_accounting(out, counts);
        if route.identity_holds == Some(false) {
            out.push_str("  THE COUNTS DO NOT ADD UP: please report this\n");
        }
        if let Some(coverage) = route.coverage {
            let _ = writeln!(
                out,
                "  coverage  {:.1} % of what was eligible and selected",
                coverage * 100.0
            );
        }
    }
}

/// What the comparison has found, on how much, and what waits for a person.
fn show_found(out: &mut String, route: &Route) {
    let Some(found) = route.found.as_ref().filter(|found| found.pairs > 0) else {
        return;
    };
    let noise = match found.noise_pairs {
        0 => "no noise floor yet".to_owned(),
        pairs => format!("noise floor from {}", count(pairs)),
    };
    let _ = writeln!(out, "  findings  {}; {noise}", plain(&found.headline));
    if found.reviews_open > 0 {
        let name = plain(route.view.rollout.route.as_str());
        let _ = writeln!(
            out,
            "  reviews   {} open: crossfade reviews --route {name}",
            count(found.reviews_open)
        );
    }
}

fn show_metric(out: &mut String, metric: &MetricStatus) {
    let _ = writeln!(
        out,
        "    {:<15} {}   bad: primary {} of {}, candidate {} of {}",
        metric.metric.as_str(),
        evidence(has_evidence(metric), metric.evidence_ratio),
        count(metric.primary.bad),
        count(metric.primary.answers),
        count(metric.candidate.bad),
        count(metric.candidate.answers),
    );
}

fn has_evidence(metric: &MetricStatus) -> bool {
    metric.primary.answers + metric.candidate.answers > 0
}

/// A bar, where there is anything to show.
fn evidence(seen: bool, ratio: f64) -> String {
    if seen {
        bar(ratio)
    } else {
        format!("{:<27}", "no evidence yet")
    }
}

/// The accounting identity, with its numbers.
fn show_accounting(out: &mut String, counts: &Accounting) {
    let ineligible: u64 = counts.ineligible.values().sum();
    let eligible: u64 = counts.eligible.values().sum();
    let compared: u64 = counts.compared.values().sum();
    let mut skipped: BTreeMap<&str, u64> = BTreeMap::new();
    for (reason, number) in counts.skipped.values().flatten() {
        *skipped.entry(reason.as_str()).or_default() += number;
    }
    let all_skipped: u64 = skipped.values().sum();
    let _ = writeln!(
        out,
        "  requests  {} seen ({} finished + {} in flight) = {} ineligible + {} eligible",
        count(counts.seen),
        count(counts.finished),
        count(counts.in_flight),
        count(ineligible),
        count(eligible),
    );
    let _ = writeln!(
        out,
        "  eligible  {} = {} compared + {} skipped + {} in flight",
        count(eligible),
        count(compared),
        count(all_skipped),
        count(counts.mirror_in_flight),
    );
    reasons(
        out,
        "ineligible",
        counts
            .ineligible
            .iter()
            .map(|(reason, n)| (reason.as_str(), *n)),
    );
    reasons(out, "skipped", skipped.into_iter());
    reasons(
        out,
        "mirrored only",
        counts
            .mirror_only
            .iter()
            .map(|(reason, n)| (reason.as_str(), *n)),
    );
    show_losses(out, counts);
}

/// What the translation lost, the most frequent kinds first, with their share of what the candidate was asked.
#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn show_losses(out: &mut String, counts: &Accounting) {
    let mut losses: Vec<(&str, u64)> = counts
        .losses
        .iter()
        .map(|(kind, number)| (kind.as_str(), *number))
        .filter(|(_, number)| *number > 0)
        .collect();
    if losses.is_empty() || counts.asked == 0 {
        return;
    }
    losses.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let share = |number: u64| number as f64 / counts.asked as f64 * 100.0;
    let mut shown: Vec<String> = losses
        .iter()
        .take(LOSSES)
        .map(|(kind, number)| format!("{kind} {} ({:.1} %)", count(*number), share(*number)))
        .collect();
    if losses.len() > LOSSES {
        shown.push(format!("and {} more", losses.len() - LOSSES));
    }
    let _ = writeln!(
        out,
        "  losses    of {} asked of the candidate: {}",
        count(counts.asked),
        shown.join(", ")
    );
}

fn reasons<'a>(out: &mut String, what: &str, counts: impl Iterator<Item = (&'a str, u64)>) {
    let mut shown: Vec<(&str, u64)> = counts.filter(|(_, number)| *number > 0).collect();
    if shown.is_empty() {
        return;
    }
    shown.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let shown: Vec<String> = shown
        .iter()
        .map(|(reason, number)| format!("{reason} {}", count(*number)))
        .collect();
    let _ = writeln!(out, "    {what}: {}", shown.join(", "));
}

/// A ratio from 0 to 1 as a bar with its number; what is below 0 is an empty bar.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a few cells, kept within the bar"
)]
fn bar(ratio: f64) -> String {
    let filled = ((ratio.clamp(0.0, 1.0) * BAR as f64).round() as usize).min(BAR);
    // What rounds to nothing has no sign.
    let shown = if ratio.abs() < 0.005 { 0.0 } else { ratio };
    format!(
        "[{}{}] {shown:>5.2}",
        "#".repeat(filled),
        ".".repeat(BAR - filled)
    )
}

/// A number with its thousands apart.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// How long ago a moment was.
pub(super) fn ago(at_ms: u64, now_ms: u64) -> String {
    let seconds = now_ms.saturating_sub(at_ms) / 1000;
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        7200..=172_799 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
