//! What changed for the owner: what is asked now, what is lost, what was accepted, what it costs and how long it takes.

use std::fmt::Write as _;

use crossfade_exchange::Side;
use crossfade_statistics::{Quantiles, RouteReport, SideStatistics};

use super::{Facts, Line, good, note, open};
use crate::{
    money::{Bill, Budget, Forecast, Window},
    report::said::{dollars, moment, percent, rate},
};

/// Kinds that are named of each sort; the rest are counted.
const MOST: usize = 12;

/// What changed for the owner?
pub(super) fn owner(facts: &Facts<'_>) -> Vec<Line> {
    let rollout = &facts.view.rollout;
    let mut lines = vec![match &rollout.owner {
        Some(owner) => good("owner", owner.clone()),
        None => open("owner", "nobody: set `owner` in the route's configuration"),
    }];
    lines.push(match &rollout.signoff {
        Some(signed) => good(
            "sign-off",
            format!(
                "{}, {}, by {}: {}",
                moment(signed.at_unix_ms),
                signed.what,
                signed.actor,
                signed.reason
            ),
        ),
        None => open(
            "sign-off",
            format!(
                "nobody has signed off stage {} under this configuration",
                rollout.stage
            ),
        ),
    });
    lines.push(match facts.open_reviews {
        0 => good("reviews", "none is open"),
        some => open("reviews", format!("{some} are open: `crossfade reviews`")),
    });
    lines.push(note("candidate", facts.setup.candidate.clone()));
    let adapted = &facts.setup.adaptation;
    if adapted.is_empty() {
        lines.push(note(
            "adaptation",
            "none: the candidate is asked what the caller asked",
        ));
    }
    lines.extend(adapted.iter().map(|said| note("adaptation", said.clone())));
    lines.extend(kept(facts));
    if let Some(found) = facts.findings {
        lines.extend(losses(found));
        lines.extend(deltas(found));
    }
    lines.extend(money(facts));
    lines.extend(accepted(facts));
    lines
}

/// What was spent in this attempt, and the bill if one side answered all. The hours and days that budgets run over begin
/// anew by the clock alone, so they are no part of a report.
fn money(facts: &Facts<'_>) -> Vec<Line> {
    let Some(money) = facts.money else {
        return Vec::new();
    };
    let attempt = |budget: &&Budget| budget.window == Window::Attempt;
    let mut lines = Vec::new();
    if let Some(spent) = money.budgets.iter().find(attempt) {
        let of = spent
            .cap_usd
            .map_or_else(String::new, |cap| format!(" of at most {}", dollars(cap)));
        let says = if spent.shadow_usd > 0.0 || spent.served_usd > 0.0 {
            format!(
                "since this attempt began: {}{of} on copies and repeats, {} on the candidate's answers to callers",
                dollars(spent.shadow_usd),
                dollars(spent.served_usd)
            )
        } else {
            "nothing since this attempt began, or no prices are configured".to_owned()
        };
        lines.push(note("spent", says));
    }
    lines.push(note("bill at 100 %", bills(money.forecast.as_ref())));
    lines
}

/// Both sides' bills, and how they compare.
fn bills(forecast: Option<&Forecast>) -> String {
    let Some(forecast) = forecast else {
        return "not known before the rate has been measured for a minute".to_owned();
    };
    let bill = |side: Side, bill: Option<&Bill>| match bill {
        Some(bill) => format!(
            "{side} about {} a day, {} in thirty days",
            dollars(bill.day_usd),
            dollars(bill.thirty_days_usd)
        ),
        None => format!("{side} not known, without a price or with too few calls"),
    };
    let (primary, candidate) = (forecast.primary.as_ref(), forecast.candidate.as_ref());
    let mut says = format!(
        "{}; {}",
        bill(Side::Primary, primary),
        bill(Side::Candidate, candidate)
    );
    if let (Some(primary), Some(candidate)) = (primary, candidate)
        && primary.mean_usd > 0.0
    {
        let change = (candidate.mean_usd / primary.mean_usd - 1.0) * 100.0;
        let _ = write!(says, "; a call changes by {change:+.0} %");
    }
    says
}

/// What stays with the primary whatever the share.
fn kept(facts: &Facts<'_>) -> Vec<Line> {
    let Some(counts) = facts.accounting else {
        return Vec::new();
    };
    let only = counts
        .mirror_only
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count));
    let never = counts
        .ineligible
        .iter()
        .map(|(reason, count)| (reason.as_str(), *count));
    let mut kept: Vec<(&str, u64)> = only.chain(never).filter(|(_, count)| *count > 0).collect();
    kept.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
    let named: Vec<String> = kept
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    vec![if named.is_empty() {
        note("stays with the primary", "nothing so far")
    } else {
        note(
            "stays with the primary",
            format!("of {} requests: {}", counts.seen, named.join(", ")),
        )
    }]
}

fn losses(found: &RouteReport) -> Vec<Line> {
    let mut lines: Vec<Line> = found
        .losses
        .iter()
        .filter(|loss| loss.share.events > 0)
        .take(MOST)
        .map(|loss| {
            let worse: Vec<&str> = loss
                .checks
                .iter()
                .filter(|check| check.worse)
                .map(|check| check.check.as_str())
                .collect();
            let mut says = format!("in {}", rate(&loss.share));
            if !worse.is_empty() {
                says.push_str("; it goes with failures of ");
                says.push_str(&worse.join(", "));
            }
            note(format!("loss {}", loss.loss), says)
        })
        .collect();
    if lines.is_empty() && found.pairs > 0 {
        lines.push(note("losses", "translation lost nothing"));
    }
    lines
}

/// What is compared, where it stands, and its unit.
type Delta = (
    &'static str,
    fn(&SideStatistics) -> Option<&Quantiles>,
    &'static str,
);

/// Times, tokens and cost, the candidate's beside the primary's.
fn deltas(found: &RouteReport) -> Vec<Line> {
    let side = |wanted: Side| found.sides.iter().find(|side| side.side == wanted);
    let (Some(primary), Some(candidate)) = (side(Side::Primary), side(Side::Candidate)) else {
        return Vec::new();
    };
    let pick: [Delta; 4] = [
        (
            "first content",
            |side| side.first_content_seconds.as_ref(),
            " s",
        ),
        ("total time", |side| side.seconds.as_ref(), " s"),
        ("output tokens", |side| side.output_tokens.as_ref(), ""),
        ("cost of an answer", |side| side.cost_usd.as_ref(), " USD"),
    ];
    let line = |(what, of, unit): Delta| {
        let (p, c) = (of(primary)?, of(candidate)?);
        let change = if p.mean > 0.0 {
            format!("; the mean changes by {}", percent(c.mean / p.mean - 1.0))
        } else {
            String::new()
        };
        let shown = |q: &Quantiles| {
            format!(
                "mean {:.4}{unit}, p50 {:.4}, p95 {:.4}",
                q.mean, q.p50, q.p95
            )
        };
        Some(note(
            what,
            format!("primary {}; candidate {}{change}", shown(p), shown(c)),
        ))
    };
    pick.into_iter().filter_map(line).collect()
}

/// Differences that do not matter, by whose word.
fn accepted(facts: &Facts<'_>) -> Vec<Line> {
    let rules = facts.rules;
    let mut lines: Vec<Line> = rules
        .iter()
        .take(MOST)
        .map(|rule| {
            let says = format!(
                "{}, by {}: {}",
                moment(rule.at_unix_ms),
                rule.by,
                rule.reason
            );
            note(format!("accepted difference {}", rule.signature), says)
        })
        .collect();
    if rules.len() > MOST {
        let more = rules.len() - MOST;
        lines.push(note(
            "accepted differences",
            format!("and {more} more: `crossfade rules`"),
        ));
    }
    lines
}
