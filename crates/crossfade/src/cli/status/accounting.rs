//! Where a route's requests went: the accounting identity with its numbers.

use std::{collections::BTreeMap, fmt::Write as _};

use crossfade_exchange::SkipReason;
use serde::Deserialize;

use super::count;

/// Kinds of loss that are named, the most frequent ones.
const LOSSES: usize = 8;

/// Counts by names that are only shown, so they stay text here.
#[derive(Debug, Deserialize)]
pub(super) struct Accounting {
    pub(super) seen: u64,
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

/// The accounting identity with all that there is to it.
pub(super) fn everything(out: &mut String, counts: &Accounting) {
    let skipped = identity(out, counts);
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

/// The accounting identity with its numbers; gives back what was skipped, by reason.
fn identity<'a>(out: &mut String, counts: &'a Accounting) -> BTreeMap<&'a str, u64> {
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
    skipped
}

/// What coverage leaves out of what was eligible and selected: nobody could have compared it.
pub(super) fn left_out(counts: &Accounting) -> String {
    let of = |reason: &SkipReason| -> u64 {
        let by_size = counts.skipped.values();
        by_size.filter_map(|by| by.get(reason.as_str())).sum()
    };
    let parts: Vec<String> = SkipReason::ALL
        .iter()
        .filter(|reason| !reason.lowers_coverage() && **reason != SkipReason::SampledOut)
        .map(|reason| (reason, of(reason)))
        .filter(|(_, number)| *number > 0)
        .map(|(reason, number)| format!("{reason} {}", count(number)))
        .collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(", without {}", parts.join(" and "))
    }
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
