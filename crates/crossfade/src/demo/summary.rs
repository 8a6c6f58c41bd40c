//! The facts on one screen. Every figure was measured; nothing is judged here.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use crossfade_exchange::Check;

use crate::cli::status::count;

use super::{
    exposition::Exposition,
    facts::{Facts, Family},
    phase::Phase,
    tally::{Answers, Row},
    world::{FAMILY, ROUTE},
};

/// How wide the screen is taken to be.
const WIDTH: usize = 100;
/// Where a line's text begins.
const INDENT: usize = 13;

/// The summary.
pub(super) fn text(facts: &Facts, failures: &[String]) -> String {
    let mut out = String::new();
    let headline = match failures.len() {
        0 => "the candidate got worse quietly, and Crossfade took its traffic back by itself",
        _ => "THE STORY DID NOT HAPPEN",
    };
    let _ = writeln!(out, "\nCrossfade demo: {headline}\n");
    for failure in failures {
        line(&mut out, "FAILED", failure);
    }
    callers(&mut out, facts);
    phases(&mut out, facts);
    compared(&mut out, facts);
    checks(&mut out, facts);
    rollback(&mut out, facts);
    family(&mut out, facts);
    books(&mut out, facts);
    out
}

fn callers(out: &mut String, facts: &Facts) {
    let (total, latency) = (facts.seen.total(), facts.seen.latency);
    let mut text = format!(
        "{} requests through the proxy, {} errors; until the end of an answer: p50 {}, p95 {}, p99 {}",
        count(total.requests),
        count(total.errors),
        ms(latency.p50.as_secs_f64()),
        ms(latency.p95.as_secs_f64()),
        ms(latency.p99.as_secs_f64()),
    );
    if !facts.seen.errors.is_empty() {
        let _ = write!(text, "; errors: {}", list(&facts.seen.errors));
    }
    line(out, "callers", &text);
    if let Some(overhead) = facts.overhead {
        let text = format!(
            "{} added to a direct answer's {} (median of {} pairs; 95 % interval {} to {})",
            ms(overhead.added),
            ms(overhead.direct),
            overhead.pairs,
            ms(overhead.interval.0),
            ms(overhead.interval.1),
        );
        line(out, "overhead", &text);
    }
}

fn phases(out: &mut String, facts: &Facts) {
    let _ = writeln!(
        out,
        "\n  {:<9} {:>6} {:>9} {:>8}   {:<22} answered by Bedrock",
        "part", "time", "requests", "errors", "answered by Azure"
    );
    for (phase, row) in &facts.seen.rows {
        let lasted = facts.seen.lasted.get(phase).copied().unwrap_or_default();
        let _ = writeln!(
            out,
            "  {:<9} {:>4} s {:>9} {:>8}   {:<22} {}",
            phase.name(),
            lasted.as_secs_f64().round(),
            count(row.requests),
            count(row.errors),
            answers(row.primary),
            answers(row.candidate),
        );
    }
    out.push('\n');
}

/// How many, and how many of them bad.
fn answers(answers: Answers) -> String {
    match answers {
        Answers { all: 0, .. } => "-".to_owned(),
        Answers { all, bad } => format!("{}, {} bad ({})", count(all), count(bad), share(bad, all)),
    }
}

fn compared(out: &mut String, facts: &Facts) {
    let counts = &facts.route.accounting;
    let coverage = facts.route.coverage.unwrap_or_default() * 100.0;
    let pairs = format!(
        "{} pairs, {coverage:.1} % of what was eligible and selected",
        count(counts.compared())
    );
    line(out, "compared", &pairs);
    let route = [("route", ROUTE)];
    line(
        out,
        "verdicts",
        &list(
            &facts
                .scrape
                .by("crossfade_exchanges_total", &route, "verdict"),
        ),
    );
    if let Some(found) = &facts.route.found {
        let open = count(found.reviews_open);
        let text = format!("{}; {open} reviews open", found.headline);
        line(out, "findings", &text);
    }
    let losses = facts.scrape.by("crossfade_losses_total", &route, "loss");
    if !losses.is_empty() {
        line(out, "losses", &list(&losses));
    }
}

/// What each check that ran has found, before the fault and after it.
fn checks(out: &mut String, facts: &Facts) {
    let outcome = |scrape: &Exposition, outcome| {
        scrape.by(
            "crossfade_check_total",
            &[
                ("route", ROUTE),
                ("outcome", outcome),
                ("pairing", "candidate"),
            ],
            "check",
        )
    };
    let now = |name| outcome(&facts.scrape, name);
    let until = facts
        .fault
        .as_ref()
        .map_or(&facts.scrape, |fault| &fault.scrape);
    let before = |name| outcome(until, name);
    let (passed, failed) = (now("pass"), now("fail"));
    let (passed_before, failed_before) = (before("pass"), before("fail"));
    let _ = writeln!(
        out,
        "\n  {:<17} {:>24}   {:>24}",
        "failed checks", "before the fault", "after it"
    );
    let mut clean = Vec::new();
    for check in Check::ALL.iter().map(|check| check.as_str()) {
        let of = |counts: &BTreeMap<String, u64>| counts.get(check).copied().unwrap_or(0);
        let (pass, fail) = (of(&passed), of(&failed));
        if pass + fail == 0 {
            continue;
        }
        if fail == 0 {
            clean.push(check);
            continue;
        }
        let (old_pass, old_fail) = (of(&passed_before), of(&failed_before));
        let new_fail = fail.saturating_sub(old_fail);
        let new_pass = pass.saturating_sub(old_pass);
        let _ = writeln!(
            out,
            "  {check:<17} {:>24}   {:>24}",
            of_all(old_fail, old_pass + old_fail),
            of_all(new_fail, new_pass + new_fail),
        );
    }
    if !clean.is_empty() {
        let _ = writeln!(out, "  found nothing: {}", clean.join(", "));
    }
    out.push('\n');
}

fn of_all(part: u64, all: u64) -> String {
    if all == 0 {
        return "-".to_owned();
    }
    format!(
        "{} of {} ({:>6})",
        count(part),
        count(all),
        share(part, all)
    )
}

fn rollback(out: &mut String, facts: &Facts) {
    let Some(back) = facts.rolled_back() else {
        return;
    };
    if let Some(delay) = facts.delay() {
        let text = format!(
            "{} after the fault began, by {}: {}",
            seconds(delay),
            back.actor,
            back.reason
        );
        line(out, "roll-back", &text);
        let Row { candidate, .. } = facts.seen.row(Phase::Degraded);
        let before = facts.seen.healthy().candidate;
        let flaws: BTreeMap<String, u64> = facts
            .seen
            .flaws
            .iter()
            .map(|(flaw, n)| (flaw.as_str().to_owned(), *n))
            .collect();
        let text = format!(
            "{} bad among the {} answers that callers got from the faulty candidate ({}); {} of {} when it was healthy",
            count(candidate.bad),
            count(candidate.all),
            if flaws.is_empty() {
                "none".to_owned()
            } else {
                list(&flaws)
            },
            count(before.bad),
            count(before.all),
        );
        line(out, "reached", &text);
        let after = facts.seen.row(Phase::After);
        let text = format!(
            "{} requests sent after the roll-back, {} answered by Bedrock",
            count(after.requests),
            count(after.candidate.all)
        );
        line(out, "since", &text);
    } else {
        line(
            out,
            "roll-back",
            &format!("by {}: {}", back.actor, back.reason),
        );
    }
}

/// The other route, in one sentence.
fn family(out: &mut String, facts: &Facts) {
    let Family { seen, route } = &facts.family;
    let total = seen.total();
    let verdicts = facts
        .scrape
        .by("crossfade_exchanges_total", &[("route", FAMILY)], "verdict");
    let mut text = format!(
        "a GPT moved to the same family on Bedrock (openai-responses), ramped to {} meanwhile: {} requests, {} errors; \
         Bedrock answered {}; {} pairs: {}",
        route.rollout.share,
        count(total.requests),
        count(total.errors),
        answers(total.candidate),
        count(route.accounting.compared()),
        list(&verdicts),
    );
    let losses = facts
        .scrape
        .by("crossfade_losses_total", &[("route", FAMILY)], "loss");
    if !losses.is_empty() {
        let _ = write!(text, "; losses: {}", list(&losses));
    }
    line(out, FAMILY, &text);
}

fn books(out: &mut String, facts: &Facts) {
    if let Some(attempt) = &facts.attempt {
        let text = format!(
            "slower than {} streamed or {} whole, from {} answers of Azure before the attempt",
            ms(attempt.slow_streamed.as_secs_f64()),
            ms(attempt.slow_plain.as_secs_f64()),
            count(attempt.baseline_answers),
        );
        line(out, "slow means", &text);
    }
    let counts = &facts.route.accounting;
    let skipped = counts.skipped();
    let text = format!(
        "{} seen = {} ineligible + {} eligible; {} eligible = {} compared + {} skipped + {} in flight",
        count(counts.seen),
        count(counts.ineligible()),
        count(counts.eligible()),
        count(counts.eligible()),
        count(counts.compared()),
        count(skipped.values().sum()),
        count(counts.mirror_in_flight),
    );
    line(out, "identity", &text);
    if !skipped.is_empty() {
        line(out, "skipped", &list(&skipped));
    }
    let entries = facts.history.entries.len() as u64;
    let text = match &facts.chain {
        Ok(head) => {
            let head = head.get(..12).unwrap_or(head);
            format!(
                "{} entries, chain verified from the file, head {head}…",
                count(entries)
            )
        }
        Err(problem) => problem.clone(),
    };
    line(out, "ledger", &text);
}

/// A name and its text, broken between words where it is long.
fn line(out: &mut String, name: &str, text: &str) {
    let mut column = INDENT;
    let _ = write!(out, "  {name:<width$}", width = INDENT - 2);
    let mut before = None;
    for word in words(text) {
        let length = word.chars().count();
        if before.is_some() && column + 1 + length > WIDTH {
            let _ = write!(out, "\n{:INDENT$}", "");
            column = INDENT;
        } else if before.is_some() {
            out.push(' ');
            column += 1;
        }
        out.push_str(&word);
        column += length;
        before = Some(word);
    }
    out.push('\n');
}

/// The words of a text, where a number with its groups of digits and its unit is one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in text.split(' ') {
        let goes_on = part.starts_with(|c: char| c.is_ascii_digit() || c == '%')
            || matches!(part.trim_end_matches([',', ';', ')']), "ms" | "s");
        match words.last_mut() {
            Some(word) if goes_on && word.ends_with(|c: char| c.is_ascii_digit()) => {
                word.push(' ');
                word.push_str(part);
            }
            _ => words.push(part.to_owned()),
        }
    }
    words
}

/// Counts by name, the largest first.
fn list(counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().collect();
    sorted.sort_by_key(|(_, number)| std::cmp::Reverse(**number));
    let shown: Vec<String> = sorted
        .into_iter()
        .map(|(name, number)| format!("{name} {}", count(*number)))
        .collect();
    if shown.is_empty() {
        "none".to_owned()
    } else {
        shown.join(", ")
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a demo")]
fn share(part: u64, all: u64) -> String {
    format!("{:.1} %", part as f64 * 100.0 / all as f64)
}

fn ms(seconds: f64) -> String {
    let ms = seconds * 1000.0;
    if ms.abs() < 10.0 {
        format!("{ms:.2} ms")
    } else {
        format!("{ms:.0} ms")
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests;
