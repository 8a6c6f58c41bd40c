//! Why a translation may differ from another's: a written policy about one field, with a check that holds it to what
//! the policy says. What no policy explains is a finding.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::differ::Difference;

/// A policy about one field.
pub(crate) struct Reason {
    /// Its name, by which its rows are counted.
    pub(crate) name: &'static str,
    /// The one field that it is about.
    pub(crate) path: &'static str,
    /// The policy.
    pub(crate) why: &'static str,
    /// Whether a difference at that field is the one that the policy speaks of.
    pub(crate) holds: fn(&Difference, &Context<'_>) -> bool,
}

/// What a policy may look at beside the difference itself.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// What was translated.
    pub(crate) source: &'a Value,
}

/// How a row compares with what every peer makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Equal to all of them.
    Equal,
    /// Equal to one of them; where another differs from that one, with a reason.
    EqualToOne,
    /// Different from all of them, with a reason at each field.
    Explained,
    /// Different somewhere without a reason.
    Unexplained,
}

/// A row's standing and what led to it.
#[derive(Debug)]
pub(crate) struct Judgement {
    pub(crate) standing: Standing,
    /// Names of the policies that it needed.
    pub(crate) reasons: BTreeSet<&'static str>,
    /// What nothing explains, and whose translation it differs from.
    pub(crate) unexplained: Vec<(String, Difference)>,
}

/// Judges the differences to each peer.
pub(crate) fn judge(
    table: &'static [Reason],
    source: &Value,
    peers: Vec<(&str, Vec<Difference>)>,
) -> Judgement {
    let mut reasons = BTreeSet::new();
    let mut unexplained = Vec::new();
    let equal = peers.iter().filter(|(_, found)| found.is_empty()).count();
    let all = peers.len();
    let context = Context { source };
    for (peer, found) in peers {
        for difference in found {
            let reason = table.iter().find(|reason| {
                reason.path == difference.path && (reason.holds)(&difference, &context)
            });
            match reason {
                Some(reason) => {
                    reasons.insert(reason.name);
                }
                None => unexplained.push((peer.to_owned(), difference)),
            }
        }
    }
    let standing = match (unexplained.is_empty(), equal) {
        (false, _) => Standing::Unexplained,
        (true, equal) if equal == all => Standing::Equal,
        (true, 0) => Standing::Explained,
        (true, _) => Standing::EqualToOne,
    };
    Judgement {
        standing,
        reasons,
        unexplained,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &[Reason] = &[Reason {
        name: "ours_is_one",
        path: "a",
        why: "for the test",
        holds: |difference, _| difference.ours == Some(json!(1)),
    }];

    #[test]
    fn rows_stand_by_their_worst_difference() {
        fn check(peers: &[&[(&str, i32)]], expected: Standing) {
            let peers = peers.iter().map(|found| {
                let found = found.iter().map(|(path, ours)| Difference {
                    at: vec![(*path).to_owned()],
                    path: (*path).to_owned(),
                    ours: Some(json!(ours)),
                    theirs: None,
                });
                ("peer", found.collect())
            });
            let judgement = judge(TABLE, &json!({}), peers.collect());
            assert_eq!(judgement.standing, expected);
            let unexplained = expected == Standing::Unexplained;
            assert_eq!(!judgement.unexplained.is_empty(), unexplained);
        }
        check(&[&[], &[]], Standing::Equal);
        check(&[&[], &[("a", 1)]], Standing::EqualToOne);
        check(&[&[("a", 1)], &[("a", 1)]], Standing::Explained);
        check(&[&[("a", 2)]], Standing::Unexplained);
        check(&[&[("a", 1), ("b", 1)]], Standing::Unexplained);
        check(&[&[], &[("b", 1)]], Standing::Unexplained);
    }
}
