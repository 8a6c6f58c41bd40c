//! Thousands of differing pairs as a dozen findings.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, btree_map::Entry},
    fmt::Write as _,
};

use crossfade_exchange::{Check, DifferenceKind, Severity};

use crate::{
    AcceptedFinding, Finding, FindingSignature, Rest, RouteStatistics, Signature,
    clusters::{Cluster, Group, Seen},
    confidence::Rate,
    frequent::Counted,
    places::Place,
};

/// Findings that are shown.
const MOST_FINDINGS: usize = 12;
/// Where there are more, those that are shown as they are; the others share a finding per check.
const MOST_NAMED_FINDINGS: usize = 8;
/// Signatures that are shown of a finding.
const MOST_SIGNATURES: usize = 5;
/// Accepted signatures that are shown.
const MOST_ACCEPTED: usize = 100;
/// Places named in a title.
const MOST_NAMED: usize = 3;

/// The findings that matter most, what is left, and what is accepted. `judged` is the number of pairs they are a share of.
pub(super) fn build(
    statistics: &RouteStatistics,
    judged: u64,
) -> (Vec<Finding>, Rest, Vec<AcceptedFinding>) {
    let clusters = &statistics.clusters;
    let mut findings: Vec<Finding> = clusters
        .groups()
        .iter()
        .map(|(group, counted)| finding(statistics, group, counted, judged))
        .collect();
    sort(&mut findings);
    if findings.len() > MOST_FINDINGS {
        let hidden = findings.split_off(MOST_NAMED_FINDINGS);
        findings.extend(elsewhere(statistics, &findings, hidden, judged));
    }
    let hidden = findings.split_off(findings.len().min(MOST_FINDINGS));
    let in_findings: u64 = findings.iter().map(|finding| finding.share.events).sum();
    let rest = Rest {
        findings: hidden.len() as u64,
        pairs: clusters.differing().saturating_sub(in_findings),
        replaced: clusters.signatures().replaced() + clusters.groups().replaced(),
    };
    let mut accepted: Vec<AcceptedFinding> = clusters
        .accepted()
        .iter()
        .map(|(signature, accepted)| AcceptedFinding {
            signature: *signature,
            title: title(&accepted.places, 0),
            count: accepted.count,
        })
        .collect();
    accepted.sort_by_key(|accepted| (Reverse(accepted.count), accepted.signature));
    accepted.truncate(MOST_ACCEPTED);
    (findings, rest, accepted)
}

/// What is too rare to be a finding of its own, by check and severity.
fn elsewhere(
    statistics: &RouteStatistics,
    shown: &[Finding],
    hidden: Vec<Finding>,
    judged: u64,
) -> Vec<Finding> {
    let mut merged = BTreeMap::<(Severity, Check), Finding>::new();
    for finding in hidden {
        let key = (finding.severity, finding.check);
        match merged.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert(finding);
            }
            Entry::Occupied(mut occupied) => merge(occupied.get_mut(), finding),
        }
    }
    let totals = statistics.clusters.totals();
    let mut findings: Vec<Finding> = merged
        .into_iter()
        .map(|(key, mut finding)| {
            let total = totals.get(&key).copied().unwrap_or_default();
            let of = |count: fn(&Finding) -> u64| -> u64 {
                let same = |found: &&Finding| (found.severity, found.check) == key;
                shown.iter().filter(same).map(count).sum()
            };
            let pairs = total.pairs.saturating_sub(of(|found| found.share.events));
            let noise = total.noise.saturating_sub(of(|found| found.noise.events));
            finding.share = Rate::new(pairs, judged);
            finding.noise = Rate::new(noise, statistics.noise_judged);
            finding
        })
        .collect();
    sort(&mut findings);
    findings
}

/// Takes a finding of the same check into another, which is then of no place.
fn merge(into: &mut Finding, finding: Finding) {
    into.place = String::new();
    into.title = format!("{} elsewhere", into.check);
    into.first_unix_ms = into.first_unix_ms.min(finding.first_unix_ms);
    into.last_unix_ms = into.last_unix_ms.max(finding.last_unix_ms);
    into.examples.extend(finding.examples);
    into.examples.truncate(MOST_NAMED);
    let known = into.signatures.len() + finding.signatures.len();
    into.signatures.extend(finding.signatures);
    into.signatures
        .sort_by_key(|found| (Reverse(found.count), found.signature));
    into.signatures.truncate(MOST_SIGNATURES);
    into.more_signatures += finding.more_signatures + (known - into.signatures.len()) as u64;
}

/// What matters most first.
fn sort(findings: &mut [Finding]) {
    findings.sort_by(|a, b| {
        let by_weight = weight(b).total_cmp(&weight(a));
        by_weight.then_with(|| a.title.cmp(&b.title))
    });
}

/// How much a finding matters: its share above the noise, ten times as much for each step of severity.
fn weight(finding: &Finding) -> f64 {
    let step = match finding.severity {
        Severity::Info => 0.1,
        Severity::Minor => 1.0,
        Severity::Major => 10.0,
        Severity::Blocker => 100.0,
    };
    let share = finding.share.share.unwrap_or_default();
    let noise = finding.noise.share.unwrap_or_default();
    // What is within the noise still counts for something, or the order of such findings would be arbitrary.
    step * ((share - noise).max(0.0) + share * 0.1)
}

fn finding(
    statistics: &RouteStatistics,
    group: &Group,
    counted: &Counted<Seen>,
    judged: u64,
) -> Finding {
    let clusters = &statistics.clusters;
    let mut signatures: Vec<(&Signature, &Counted<Cluster>)> = clusters
        .signatures()
        .iter()
        .filter(|(_, counted)| counted.value.group == *group)
        .collect();
    signatures.sort_by_key(|(signature, counted)| (Reverse(counted.count), **signature));
    let more = signatures.len().saturating_sub(MOST_SIGNATURES) as u64;
    let shown = signatures.iter().take(MOST_SIGNATURES);
    let count = counted.count - counted.error;
    Finding {
        title: finding_title(group, &signatures),
        check: group.check,
        severity: group.severity,
        place: group.place.clone(),
        share: Rate::new(count, judged),
        noise: Rate::new(clusters.noise(group), statistics.noise_judged),
        first_unix_ms: counted.value.first_unix_ms,
        last_unix_ms: counted.value.last_unix_ms,
        examples: counted.value.examples.clone(),
        signatures: shown
            .map(|(signature, counted)| FindingSignature {
                signature: **signature,
                title: title(&counted.value.places, counted.value.more_places),
                count: counted.count,
                error: counted.error,
                examples: examples(&counted.value.seen),
            })
            .collect(),
        more_signatures: more,
    }
}

fn examples(seen: &Seen) -> Vec<String> {
    let ids = seen.examples.iter();
    ids.map(|example| example.id.clone()).collect()
}

/// The check, where, and how: `label`, `json_structure at $.items[*].price: value`.
fn finding_title(group: &Group, signatures: &[(&Signature, &Counted<Cluster>)]) -> String {
    let mut kinds: Vec<DifferenceKind> = signatures
        .iter()
        .flat_map(|(_, counted)| &counted.value.places)
        .filter(|place| place.check == group.check)
        .filter_map(|place| place.kind)
        .collect();
    kinds.sort();
    kinds.dedup();
    let place = if group.place.is_empty() {
        let several = kinds.len() > 1 || signatures.len() > 1;
        let named = kinds.is_empty() || !several;
        (if named { "" } else { "several places" }).to_owned()
    } else {
        group.place.clone()
    };
    one_title(group.check.as_str(), &place, &kinds)
}

fn one_title(check: &str, place: &str, kinds: &[DifferenceKind]) -> String {
    let mut title = check.to_owned();
    if !place.is_empty() && place != check {
        title.push_str(" at ");
        title.push_str(place);
    }
    for (index, kind) in kinds.iter().enumerate() {
        title.push_str(if index == 0 { ": " } else { ", " });
        title.push_str(kind.as_str());
    }
    title
}

/// Every check that failed with its places, the gravest first.
fn title(places: &[Place], more: u64) -> String {
    let mut places: Vec<&Place> = places.iter().collect();
    places.sort_by_key(|place| (Reverse(place.severity), place.check));
    let named = places.iter().take(MOST_NAMED).map(|place| {
        let kinds: Vec<DifferenceKind> = place.kind.into_iter().collect();
        one_title(place.check.as_str(), &place.path, &kinds)
    });
    let mut title = named.collect::<Vec<_>>().join("; ");
    let more = more + places.len().saturating_sub(MOST_NAMED) as u64;
    if more > 0 {
        // Writing to a string cannot fail.
        let _ = write!(title, "; {more} more");
    }
    title
}
