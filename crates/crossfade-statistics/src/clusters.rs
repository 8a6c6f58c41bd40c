//! Like differences counted together: by signature, and signatures by their gravest check and where it failed.

use std::collections::BTreeMap;

use crossfade_exchange::{Check, Severity};
use serde::{Deserialize, Serialize};

use crate::{
    Example, Signature,
    frequent::{Counted, Frequent, as_list},
    places::Place,
};

/// Signatures that are told apart; rarer ones are replaced, and a count says how wrong it may be.
const MOST_SIGNATURES: usize = 1_024;
/// Groups of signatures that are told apart.
const MOST_GROUPS: usize = 256;
/// Signatures that may be accepted.
const MOST_ACCEPTED: usize = 4_096;
/// Places kept of a signature.
const MOST_PLACES: usize = 8;
/// Examples kept of a signature and of a group.
const MOST_EXAMPLES: usize = 3;
/// The longest id that is kept, in bytes.
const ID_BYTES: usize = 64;

/// What is known of a route's differences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Clusters {
    signatures: Frequent<Signature, Cluster>,
    groups: Frequent<Group, Seen>,
    /// The same groups, between the primary and itself.
    noise: Frequent<Group, ()>,
    accepted: BTreeMap<Signature, Accepted>,
    /// Of all groups, also of those that lost their place.
    #[serde(with = "as_list")]
    totals: BTreeMap<(Severity, Check), Total>,
    /// Pairs with a signature that is not accepted.
    differing: u64,
}

/// The groups of one check and severity together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Total {
    /// Between candidate and primary.
    pub(crate) pairs: u64,
    /// Between the primary and itself.
    pub(crate) noise: u64,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub(crate) group: Group,
    /// The first places of it.
    pub(crate) places: Vec<Place>,
    /// How many places are not kept.
    pub(crate) more_places: u64,
    pub(crate) seen: Seen,
}

/// When something was seen, and where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) first_unix_ms: u64,
    pub(crate) last_unix_ms: u64,
    pub(crate) examples: Vec<Example>,
}

/// What signatures have in common that read as one finding: the gravest check that failed, and the start of where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) severity: Severity,
    pub(crate) check: Check,
    /// Empty if the check names no place, or places that have nothing in common.
    pub(crate) place: String,
}

/// A signature that does not matter, as a person has said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) count: u64,
    pub(crate) places: Vec<Place>,
}

// === impl Group ===

impl Group {
    /// Of the places of one verdict; `None` without any.
    pub(crate) fn of(places: &[Place]) -> Option<Self> {
        let worst = |a: &&Place, b: &&Place| {
            let grave = a.severity.cmp(&b.severity);
            // Of equally grave ones the first check: they stand in the order in which one explains the other.
            grave.then(b.check.cmp(&a.check))
        };
        let (check, severity) = places
            .iter()
            .max_by(worst)
            .map(|place| (place.check, place.severity))?;
        let mut starts = places
            .iter()
            .filter(|place| place.check == check)
            .map(|place| match (place.kind, check) {
                // Cells of a matrix are one finding; the signatures tell them apart.
                (None, Check::Label | Check::ToolSelection) => "",
                (Some(_), Check::Label) => place.path.split(": ").next().unwrap_or_default(),
                (Some(_) | None, _) => start(&place.path),
            });
        let first = starts.next().unwrap_or_default();
        let place = starts.fold(first, common);
        Some(Self {
            severity,
            check,
            place: place.trim_end_matches(['.', '$']).to_owned(),
        })
    }
}

/// The first two names of a path; the whole of a phrase.
fn start(path: &str) -> &str {
    let names = if path.starts_with('$') { 3 } else { 2 };
    let end = path.match_indices('.').nth(names - 1);
    let end = end.map_or(path.len(), |(index, _)| index);
    path.get(..end).unwrap_or(path)
}

/// What two paths start with, in whole names.
fn common<'p>(one: &'p str, other: &str) -> &'p str {
    if one == other {
        return one;
    }
    let names = one.split('.').zip(other.split('.'));
    let shared: usize = names
        .take_while(|(one, other)| one == other)
        .map(|(name, _)| name.len() + 1)
        .sum();
    one.get(..shared.saturating_sub(1)).unwrap_or_default()
}

// === impl Seen ===

impl Seen {
    fn new(at_unix_ms: u64) -> Self {
        Self {
            first_unix_ms: at_unix_ms,
            last_unix_ms: at_unix_ms,
            examples: Vec::new(),
        }
    }

    fn again(&mut self, id: &str, signature: Signature, at_unix_ms: u64) {
        self.first_unix_ms = self.first_unix_ms.min(at_unix_ms);
        self.last_unix_ms = self.last_unix_ms.max(at_unix_ms);
        if self.examples.len() < MOST_EXAMPLES {
            let end = id.floor_char_boundary(ID_BYTES);
            self.examples.push(Example {
                id: id.get(..end).unwrap_or_default().to_owned(),
                signature,
            });
        }
    }
}

// === impl Clusters ===

impl Default for Clusters {
    fn default() -> Self {
        Self {
            signatures: Frequent::new(MOST_SIGNATURES),
            groups: Frequent::new(MOST_GROUPS),
            noise: Frequent::new(MOST_GROUPS),
            accepted: BTreeMap::new(),
            totals: BTreeMap::new(),
            differing: 0,
        }
    }
}

impl Clusters {
    /// Counts a pair's signature; says how often it was seen, and whether it is accepted.
    pub(crate) fn add(
        &mut self,
        signature: Signature,
        places: &[Place],
        id: &str,
        at_unix_ms: u64,
    ) -> (u64, bool) {
        if let Some(accepted) = self.accepted.get_mut(&signature) {
            accepted.count += 1;
            if accepted.places.is_empty() {
                accepted.places = places.iter().take(MOST_PLACES).cloned().collect();
            }
            return (accepted.count, true);
        }
        let Some(group) = Group::of(places) else {
            return (0, false);
        };
        self.differing += 1;
        self.total(&group).pairs += 1;
        if let Some(counted) = self.groups.add(&group, || Seen::new(at_unix_ms)) {
            counted.value.again(id, signature, at_unix_ms);
        }
        let cluster = || Cluster {
            group,
            places: places.iter().take(MOST_PLACES).cloned().collect(),
            more_places: places.len().saturating_sub(MOST_PLACES) as u64,
            seen: Seen::new(at_unix_ms),
        };
        let Some(counted) = self.signatures.add(&signature, cluster) else {
            return (0, false);
        };
        counted.value.seen.again(id, signature, at_unix_ms);
        (counted.count - counted.error, false)
    }

    /// Counts the differences of the primary with itself.
    pub(crate) fn add_noise(&mut self, places: &[Place]) {
        if let Some(group) = Group::of(places) {
            self.total(&group).noise += 1;
            self.noise.add(&group, || ());
        }
    }

    /// From now on differences of this signature do not matter, nor do those that were seen. Whether there was room for it.
    pub(crate) fn accept(&mut self, signature: Signature) -> bool {
        if self.accepted.contains_key(&signature) {
            return true;
        }
        if self.accepted.len() >= MOST_ACCEPTED {
            return false;
        }
        let mut accepted = Accepted::default();
        if let Some(Counted {
            count,
            error,
            value,
        }) = self.signatures.remove(&signature)
        {
            accepted.count = count - error;
            accepted.places = value.places;
            self.differing = self.differing.saturating_sub(accepted.count);
            let total = self.total(&value.group);
            total.pairs = total.pairs.saturating_sub(accepted.count);
            if let Some(group) = self.groups.get_mut(&value.group) {
                group.count = group.count.saturating_sub(accepted.count);
                group
                    .value
                    .examples
                    .retain(|example| example.signature != signature);
                if group.count == 0 {
                    self.groups.remove(&value.group);
                }
            }
        }
        self.accepted.insert(signature, accepted);
        true
    }

    /// From now on differences of this signature matter again; what was counted as accepted is not counted anew.
    pub(crate) fn withdraw(&mut self, signature: Signature) {
        self.accepted.remove(&signature);
    }

    fn total(&mut self, group: &Group) -> &mut Total {
        self.totals
            .entry((group.severity, group.check))
            .or_default()
    }

    pub(crate) const fn totals(&self) -> &BTreeMap<(Severity, Check), Total> {
        &self.totals
    }

    pub(crate) fn signatures(&self) -> &Frequent<Signature, Cluster> {
        &self.signatures
    }

    pub(crate) fn groups(&self) -> &Frequent<Group, Seen> {
        &self.groups
    }

    /// How often the primary differs so from itself.
    pub(crate) fn noise(&self, group: &Group) -> u64 {
        self.noise.get(group).map_or(0, |counted| counted.count)
    }

    pub(crate) const fn accepted(&self) -> &BTreeMap<Signature, Accepted> {
        &self.accepted
    }

    /// Pairs with a signature that is not accepted.
    pub(crate) const fn differing(&self) -> u64 {
        self.differing
    }
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::DifferenceKind;

    use super::*;

    fn place(check: Check, severity: Severity, path: &str) -> Place {
        Place {
            check,
            path: path.into(),
            kind: path.starts_with('$').then_some(DifferenceKind::Value),
            severity,
        }
    }

    fn check(places: &[(Check, Severity, &str)], expected: (Check, &str)) {
        let places: Vec<Place> = places
            .iter()
            .map(|(check, severity, path)| place(*check, *severity, path))
            .collect();
        let group = Group::of(&places).unwrap();
        assert_eq!((group.check, group.place.as_str()), expected);
    }

    #[test]
    fn groups_are_the_gravest_check_and_what_its_places_share() {
        use Check::{JsonParse, JsonStructure as Json, Label, ToolArguments as Tool};
        use Severity::{Blocker, Major, Minor};
        check(&[(Json, Minor, "$.a.b.c.d")], (Json, "$.a.b"));
        check(
            &[(Json, Minor, "$.a.b"), (Json, Minor, "$.a.c")],
            (Json, "$.a"),
        );
        check(&[(Json, Minor, "$.a.b"), (Json, Minor, "$.ab")], (Json, ""));
        check(&[(Json, Minor, "$.a"), (Label, Major, "")], (Label, ""));
        check(
            &[(Tool, Major, "f.x.y"), (Tool, Major, "f.x.z")],
            (Tool, "f.x"),
        );
        check(
            &[(Label, Blocker, ""), (JsonParse, Blocker, "bare")],
            (JsonParse, "bare"),
        );
        assert_eq!(Group::of(&[]), None);
    }

    #[test]
    fn an_accepted_signature_leaves_the_findings() {
        let mut clusters = Clusters::default();
        let (one, other) = (
            vec![place(Check::Label, Severity::Major, "")],
            vec![place(Check::JsonStructure, Severity::Minor, "$.a")],
        );
        let of = |places: &[Place]| Signature::of_places(places).unwrap();
        for (round, places) in [&one, &one, &other].into_iter().enumerate() {
            let id = format!("id-{round}");
            clusters.add(of(places), places, &id, 5);
        }
        assert_eq!(clusters.differing(), 3);
        assert!(clusters.accept(of(&one)));
        assert_eq!(clusters.differing(), 1);
        assert_eq!(clusters.groups().iter().count(), 1);
        assert_eq!(clusters.add(of(&one), &one, "id-3", 9), (3, true));
        clusters.withdraw(of(&one));
        assert_eq!(clusters.add(of(&one), &one, "id-4", 9), (1, false));
    }
}
