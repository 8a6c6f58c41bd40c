//! One route with everything that is known of it.

use std::fmt::Write as _;

use crossfade_exchange::Metric;
use crossfade_rollout::{Cause, Freeze, LastChange, RouteStatus};

use crate::{report::micros, review::FoundLine, text::plain};

use super::{Route, ago, count, evidence, words::size};

/// What the metric `transport` counts.
pub(super) const TRANSPORT: &str =
    "transport is bad: no answer, 408, 429 or 5xx, or silent for longer than";

/// Name, stage, share, lease, revision.
pub(super) fn headline(route: &Route) -> String {
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
    if rollout.held.is_some() {
        line.push_str("   held");
    }
    line
}

/// All of it.
pub(super) fn show(out: &mut String, route: &Route, now_ms: u64) {
    let rollout = &route.view.rollout;
    let owner = rollout.owner.as_deref().unwrap_or("nobody");
    let _ = writeln!(out, "{}   owner {}", headline(route), plain(owner));
    trouble(out, route, now_ms);
    if let Some(change) = &rollout.last_change {
        let _ = writeln!(out, "  change    {}", changed(change, now_ms));
    }
    next(out, rollout);
    evidence::gates(out, rollout);
    evidence::alarms(out, rollout);
    silence(out, rollout);
    seen(out, rollout);
    way_back(out, rollout, now_ms);
    signed(out, rollout, now_ms);
    counts(out, route);
    if let Some(money) = &route.money {
        super::money::show(out, money);
    }
    if let Some(log) = &route.view.outcome_log {
        let _ = writeln!(
            out,
            "  log       {} running, {} of attempts that have ended; at {} the oldest of these go",
            size(log.running_bytes),
            size(log.ended_bytes),
            size(log.bound_bytes)
        );
    }
    found(out, route);
}

/// What keeps the route from going on, or has sent it back.
fn trouble(out: &mut String, route: &Route, now_ms: u64) {
    let rollout = &route.view.rollout;
    if let Some(back) = &rollout.rolled_back {
        let _ = writeln!(
            out,
            "  ROLLED BACK {} by {}: {}",
            ago(back.at_unix_ms, now_ms),
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
    if let Some(alarm) = &rollout.failing {
        let name = plain(rollout.route.as_str());
        let _ = writeln!(out, "  FAILING: {alarm}");
        let _ = writeln!(
            out,
            "            nothing advances until an owner resumes: crossfade resume {name} --reason …"
        );
    } else if let Some(alarm) = rollout.attempt.as_ref().and_then(|attempt| attempt.alarm) {
        let _ = writeln!(out, "  ROLLING BACK: {alarm}");
    }
    if let Some(freeze) = &rollout.freeze {
        let _ = writeln!(out, "  FROZEN: {}", frozen(freeze, now_ms));
    }
    if let Some(held) = &rollout.held {
        let _ = writeln!(
            out,
            "  HELD {} by {}: {}",
            ago(held.at_unix_ms, now_ms),
            plain(&held.actor.to_string()),
            plain(&held.reason)
        );
    }
    for note in &route.view.notes {
        let _ = writeln!(out, "  note      {}", plain(note));
    }
}

pub(super) fn frozen(freeze: &Freeze, now_ms: u64) -> String {
    match freeze {
        Freeze::PrimaryTrouble { last_unix_ms } => format!(
            "the primary fails more than usual, last sign {}; the ramp goes on after 15 quiet minutes",
            ago(*last_unix_ms, now_ms)
        ),
        Freeze::Assignment => {
            "an answer was not on the side that its unit draws: the assignment is broken".to_owned()
        }
        Freeze::SampleRatio => {
            "the sides' shares of the units do not fit the split: answers of one side get lost"
                .to_owned()
        }
    }
}

pub(super) fn changed(change: &LastChange, now_ms: u64) -> String {
    format!(
        "{}, {}, by {}: {}",
        plain(&change.what),
        ago(change.at_unix_ms, now_ms),
        plain(&change.actor.to_string()),
        plain(&change.reason)
    )
}

/// What happens next, and everything that it waits for.
fn next(out: &mut String, rollout: &RouteStatus) {
    let waits = match &rollout.next {
        Some(next) => {
            let how = if next.automatic {
                "by itself"
            } else {
                "by `crossfade advance`"
            };
            let when = if next.waits_for.is_empty() {
                ", now"
            } else {
                ", after:"
            };
            let _ = writeln!(
                out,
                "  next      {} {}, {how}{when}",
                next.stage, next.share
            );
            &next.waits_for
        }
        None if rollout.missing.is_empty() => return,
        None => {
            out.push_str("  for more  this is missing:\n");
            &rollout.missing
        }
    };
    for wait in waits {
        let _ = writeln!(out, "            {}", plain(wait));
    }
}

/// What an answer's silence means.
fn silence(out: &mut String, rollout: &RouteStatus) {
    let Some(attempt) = &rollout.attempt else {
        return;
    };
    let mut metrics = rollout.metrics.iter();
    if metrics.any(|metric| metric.metric == Metric::Transport) {
        let _ = writeln!(
            out,
            "    {TRANSPORT} A = {} s",
            attempt.facts.arrival_age.as_secs_f64()
        );
    }
}

/// Units, and what was compared of each size.
#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn seen(out: &mut String, rollout: &RouteStatus) {
    if rollout.units == 0 && rollout.coverage.is_empty() {
        return;
    }
    let sizes: Vec<String> = rollout
        .coverage
        .iter()
        .filter(|size| size.selected > 0)
        .map(|size| {
            let share = size.compared as f64 / size.selected as f64 * 100.0;
            format!("{} {share:.1} % of {}", size.size, count(size.selected))
        })
        .collect();
    let together: Vec<String> = rollout
        .coverage_groups
        .iter()
        .filter(|group| group.sizes.len() > 1)
        .map(|group| {
            let (names, share) = (group.names(), group.ratio() * 100.0);
            format!(
                "; together {names} {share:.1} % of {}",
                count(group.selected)
            )
        })
        .collect();
    let compared = if sizes.is_empty() {
        "nothing compared yet".to_owned()
    } else {
        format!("compared {}{}", sizes.join(", "), together.concat())
    };
    let _ = writeln!(
        out,
        "  stage     {} users; {compared}",
        count(rollout.units)
    );
}

/// When the way back was last tried.
fn way_back(out: &mut String, rollout: &RouteStatus, now_ms: u64) {
    let name = plain(rollout.route.as_str());
    let _ = match &rollout.last_drill {
        None => writeln!(
            out,
            "  way back  not drilled yet: crossfade rollback {name} --drill --reason …"
        ),
        Some((at, drill)) => {
            let problems = if drill.problems.is_empty() {
                String::new()
            } else {
                format!(", PROBLEMS: {}", plain(&drill.problems.join("; ")))
            };
            writeln!(
                out,
                "  way back  drilled {}: {} to the deciding point, {} to the disk{problems}",
                ago(*at, now_ms),
                micros(drill.decided_after_micros),
                micros(drill.durable_after_micros)
            )
        }
    };
}

/// The golden set and the sign-off.
fn signed(out: &mut String, rollout: &RouteStatus, now_ms: u64) {
    if let Some(result) = &rollout.replayed {
        let digest: String = result.dataset_sha256.chars().take(12).collect();
        let _ = writeln!(
            out,
            "  golden    {} of {} cases passed, exit code {}, data set {}…",
            count(result.passed),
            count(result.cases),
            result.exit_code,
            plain(&digest)
        );
    }
    if let Some(signed) = &rollout.signoff {
        let _ = writeln!(out, "  sign-off  {}", changed(signed, now_ms));
    }
}

/// The accounting, whether it adds up, and what of it was compared.
fn counts(out: &mut String, route: &Route) {
    let Some(counts) = &route.accounting else {
        return;
    };
    super::accounting::everything(out, counts);
    if route.identity_holds == Some(false) {
        out.push_str("  THE COUNTS DO NOT ADD UP: please report this\n");
    }
    if let Some(coverage) = route.coverage {
        let _ = writeln!(
            out,
            "  coverage  {:.1} % of what was eligible and selected{}",
            coverage * 100.0,
            super::accounting::left_out(counts)
        );
    }
}

/// What the comparison has found, on how much, and what waits for a person.
fn found(out: &mut String, route: &Route) {
    let Some(found) = route.found.as_ref().filter(|found| found.pairs > 0) else {
        return;
    };
    let _ = writeln!(
        out,
        "  findings  all pairs: {}; {}",
        plain(&found.headline),
        noise(found)
    );
    if found.reviews_open > 0 {
        let name = plain(route.view.rollout.route.as_str());
        let _ = writeln!(
            out,
            "  reviews   {} open: crossfade reviews --route {name}",
            count(found.reviews_open)
        );
    }
}

/// What the noise floor stands on.
pub(super) fn noise(found: &FoundLine) -> String {
    match found.noise_pairs {
        0 => "no noise floor yet".to_owned(),
        pairs => format!("noise floor from {}", count(pairs)),
    }
}
