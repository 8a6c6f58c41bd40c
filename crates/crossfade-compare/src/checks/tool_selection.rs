//! Tool selection: the multisets of called tools agree: F1 = 2·|P ∩ C| ÷ (|P| + |C|) (van Rijsbergen, with multiset
//! intersection), pass if 1. Calling against not calling is F1 = 0. A tool that changes the world, called more often by one
//! side, is a blocker. The evidence names tools by their place in the request, and by name those that the route's own
//! settings name; the differences name every tool that the request or the settings declare, and call others `?`. That the
//! candidate calls a tool less often is `missing`, more often `extra`.

use std::collections::{BTreeMap, BTreeSet};

use crossfade_exchange::{CheckResult, Difference, DifferenceKind, Severity};

use super::Weighed;
use crate::{
    Checks,
    answer::{Answer, Call},
    ask::Ask,
    finding::{Finding, share},
    schema::UNNAMED,
};

/// Names in evidence, at most.
const MOST_NAMED: usize = 4;

/// Compares which tools two answers call.
pub(crate) fn pair(
    checks: &Checks,
    ask: &Ask<'_>,
    primary: &Answer,
    candidate: &Answer,
) -> Weighed {
    if ask.tools.is_empty() && primary.calls.is_empty() && candidate.calls.is_empty() {
        return Weighed::new(Finding::na(), Severity::Major);
    }
    let counts = count(&primary.calls, &candidate.calls);
    let common: usize = counts.values().map(|(p, c)| (*p).min(*c)).sum();
    let score = share(2 * common, primary.calls.len() + candidate.calls.len());
    if counts.values().all(|(p, c)| p == c) {
        return Weighed::new(Finding::pass(), Severity::Major);
    }
    let differing = || counts.iter().filter(|(_, (p, c))| p != c);
    let effect = |name: &str| has_effect(checks, name);
    let named: Vec<String> = differing()
        .take(MOST_NAMED)
        .map(|(name, (p, c))| {
            let known = if effect(name) {
                Some((*name).to_owned())
            } else {
                place(ask, name)
            };
            format!(
                "{} {p} -> {c}",
                known.unwrap_or_else(|| "undeclared tool".to_owned())
            )
        })
        .collect();
    let places: BTreeSet<Difference> = differing()
        .map(|(called, (p, c))| Difference {
            path: name(checks, ask, called).to_owned(),
            kind: if p > c {
                DifferenceKind::Missing
            } else {
                DifferenceKind::Extra
            },
        })
        .take(CheckResult::MOST_DIFFERENCES)
        .collect();
    let finding =
        Finding::fail_with(score, named.join(", ")).with_places(places.into_iter().collect());
    if differing().any(|(name, _)| effect(name)) {
        Weighed::blocker(finding)
    } else {
        Weighed::new(finding, Severity::Major)
    }
}

/// Whether the route says that a tool changes the world.
fn has_effect(checks: &Checks, name: &str) -> bool {
    let mut tools = checks.settings.side_effecting_tools.iter();
    tools.any(|tool| tool == name)
}

/// A tool's name in the place of a difference: its own where the request or the settings declare it.
pub(crate) fn name<'n>(checks: &Checks, ask: &Ask<'_>, name: &'n str) -> &'n str {
    if has_effect(checks, name) || ask.tool(name).is_some() {
        name
    } else {
        UNNAMED
    }
}

/// How often each tool is called on either side.
fn count<'c>(primary: &'c [Call], candidate: &'c [Call]) -> BTreeMap<&'c str, (usize, usize)> {
    let mut counts = BTreeMap::<&str, (usize, usize)>::new();
    for call in primary {
        counts.entry(&call.name).or_default().0 += 1;
    }
    for call in candidate {
        counts.entry(&call.name).or_default().1 += 1;
    }
    counts
}

/// A tool's place in the request, for evidence.
pub(crate) fn place(ask: &Ask<'_>, name: &str) -> Option<String> {
    ask.tool(name).map(|(place, _)| format!("tools[{place}]"))
}
