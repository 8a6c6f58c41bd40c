//! Two values compared leaf by leaf, over the union of their leaf paths: members by name, elements by place, numbers by
//! value. A missing leaf equals null. It says how many leaves agree and where others differ; what that means is a
//! check's to say.

use std::{collections::BTreeSet, fmt::Write as _};

use crate::document::Node;

/// How leaves are compared.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// As they are.
    Exact,
    /// Strings without letter case and with spaces collapsed.
    Casefold,
    /// Not at all.
    Ignore,
}

/// How two leaves differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only the first has it.
    Missing,
    /// Only the second has it.
    Extra,
    /// They are of different types.
    Type,
    /// They are of one type.
    Value,
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

/// Leaves of two values that were compared, and those of them that are equal.
#[derive(Debug, Default)]
pub(crate) struct Leaves<'v> {
    pub(crate) equal: usize,
    pub(crate) all: usize,
    /// The first leaves that differ, at most [`MOST_NAMED`].
    pub(crate) differences: Vec<(Kind, Vec<Step<'v>>)>,
    /// The place that is left out.
    skipped: Option<Vec<Step<'v>>>,
    at: Vec<Step<'v>>,
}

/// Differences whose places are kept.
const MOST_NAMED: usize = 3;

// === impl Leaves ===

impl<'v> Leaves<'v> {
    /// None yet; the place `skipped` will be left out.
    pub(crate) fn without(skipped: Option<Vec<Step<'v>>>) -> Self {
        Self {
            skipped,
            ..Self::default()
        }
    }

    /// Compares two values, of which either may be missing.
    pub(crate) fn compare(&mut self, rule: Rule, a: Option<&'v Node>, b: Option<&'v Node>) {
        if rule == Rule::Ignore || self.skipped.as_ref() == Some(&self.at) {
            return;
        }
        match (a, b) {
            (Some(Node::Object(a)), Some(Node::Object(b))) if !(a.is_empty() && b.is_empty()) => {
                let names: BTreeSet<&'v String> = a.keys().chain(b.keys()).collect();
                for name in names {
                    self.below(Step::Key(name), rule, a.get(name), b.get(name));
                }
            }
            (Some(Node::Array(a)), Some(Node::Array(b))) if !(a.is_empty() && b.is_empty()) => {
                for place in 0..a.len().max(b.len()) {
                    self.below(Step::Index(place), rule, a.get(place), b.get(place));
                }
            }
            // Of a whole branch that only one side has, every leaf is missing on the other.
            (Some(Node::Object(a)), None) if !a.is_empty() => {
                for (name, node) in a {
                    self.below(Step::Key(name), rule, Some(node), None);
                }
            }
            (None, Some(Node::Object(b))) if !b.is_empty() => {
                for (name, node) in b {
                    self.below(Step::Key(name), rule, None, Some(node));
                }
            }
            (Some(Node::Array(a)), None) if !a.is_empty() => {
                for (place, node) in a.iter().enumerate() {
                    self.below(Step::Index(place), rule, Some(node), None);
                }
            }
            (None, Some(Node::Array(b))) if !b.is_empty() => {
                for (place, node) in b.iter().enumerate() {
                    self.below(Step::Index(place), rule, None, Some(node));
                }
            }
            (a, b) => self.leaf(rule, a, b),
        }
    }

    fn below(&mut self, step: Step<'v>, rule: Rule, a: Option<&'v Node>, b: Option<&'v Node>) {
        self.at.push(step);
        self.compare(rule, a, b);
        self.at.pop();
    }

    fn leaf(&mut self, rule: Rule, a: Option<&Node>, b: Option<&Node>) {
        self.all += 1;
        match difference(rule, a, b) {
            None => self.equal += 1,
            Some(kind) if self.differences.len() < MOST_NAMED => {
                self.differences.push((kind, self.at.clone()));
            }
            Some(_) => {}
        }
    }

    /// How many leaves differ, and the kinds and places of the first: names only where `known` lets them.
    pub(crate) fn evidence(&self, known: impl Fn(&str) -> bool) -> String {
        let mut text = format!("{} of {} leaves", self.all - self.equal, self.all);
        for (kind, place) in &self.differences {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {} $", kind.as_str());
            for step in place {
                let _ = match step {
                    Step::Key(name) if known(name) => write!(text, ".{name}"),
                    Step::Key(_) => write!(text, "[*]"),
                    Step::Index(place) => write!(text, "[{place}]"),
                };
            }
        }
        text
    }
}

// === impl Kind ===

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Type => "type",
            Self::Value => "value",
        }
    }
}

fn difference(rule: Rule, a: Option<&Node>, b: Option<&Node>) -> Option<Kind> {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (Some(Node::Null), None) | (None, Some(Node::Null) | None) => return None,
        (Some(_), None) => return Some(Kind::Missing),
        (None, Some(_)) => return Some(Kind::Extra),
    };
    let equal = match (a, b) {
        (Node::String(a), Node::String(b)) if rule == Rule::Casefold => folded(a) == folded(b),
        (a, b) => a == b,
    };
    if equal {
        None
    } else if std::mem::discriminant(a) == std::mem::discriminant(b) {
        Some(Kind::Value)
    } else {
        Some(Kind::Type)
    }
}

fn folded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    #[test]
    fn leaves_are_counted_over_the_union() {
        let check = |a: &str, b: &str, equal: usize, evidence: &str| {
            let (x, y) = (Document::parse(a).unwrap(), Document::parse(b).unwrap());
            let mut leaves = Leaves::without(Some(vec![Step::Key("skipped")]));
            leaves.compare(Rule::Exact, Some(&x.root), Some(&y.root));
            let found = leaves.evidence(|name| name == "a");
            assert_eq!((leaves.equal, found.as_str()), (equal, evidence), "{a} {b}");
        };
        check(
            "{\"a\":1,\"b\":[2,3]}",
            "{ \"b\": [2.0, 3], \"a\": 1 }",
            3,
            "0 of 3 leaves",
        );
        check("{\"a\":1}", "{\"a\":2}", 0, "1 of 1 leaves, value $.a");
        check("{\"a\":1}", "{\"a\":\"1\"}", 0, "1 of 1 leaves, type $.a");
        check(
            "{\"a\":1,\"b\":{\"a\":1,\"c\":2}}",
            "{\"a\":1}",
            1,
            "2 of 3 leaves, missing $[*].a, missing $[*][*]",
        );
        check(
            "[1]",
            "[1,[2,3]]",
            1,
            "2 of 3 leaves, extra $[1][0], extra $[1][1]",
        );
        check("{\"a\":null}", "{}", 1, "0 of 1 leaves");
        check("{}", "[]", 0, "1 of 1 leaves, type $");
        check("{\"skipped\":1}", "{\"skipped\":2}", 0, "0 of 0 leaves");
        check(
            "{\"b\":{\"skipped\":1}}",
            "{\"b\":{\"skipped\":2}}",
            0,
            "1 of 1 leaves, value $[*][*]",
        );
        check(
            "[1,2,3,4,5]",
            "[]",
            0,
            "5 of 5 leaves, missing $[0], missing $[1], missing $[2]",
        );
        check(
            "[9007199254740993]",
            "[9007199254740992]",
            0,
            "1 of 1 leaves, value $[0]",
        );
    }
}
