//! Tool selection: the multisets of called tools agree: F1 = 2·|P ∩ C| ÷ (|P| + |C|), pass if 1. Calling against not
//! calling is F1 = 0. A tool that changes the world, called by one side only, is a blocker. The evidence names tools by
//! their place in the request, and by name only those that the route's own settings name.

use std::collections::BTreeMap;

use crossfade_exchange::Severity;

use super::Weighed;
use crate::{
    Checks,
    answer::{Answer, Call},
    ask::Ask,
    finding::{Finding, share},
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
    let effect = |name: &str| {
        checks
            .settings
            .side_effecting_tools
            .iter()
            .any(|tool| tool == name)
    };
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
    let finding = Finding::fail_with(score, named.join(", "));
    if differing().any(|(name, _)| effect(name)) {
        Weighed::blocker(finding)
    } else {
        Weighed::new(finding, Severity::Major)
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
