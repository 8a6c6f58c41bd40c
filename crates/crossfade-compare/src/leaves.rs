//! Two values compared leaf by leaf, over the union of their leaf paths: members by name, elements by place, numbers by
//! value, unless a rule for the path says otherwise. A member that is null equals one that is missing, where the object it
//! belongs to stands on both sides. It says how many leaves agree, by weight,
//! and where others differ; what that means is a check's to say.
//!
//! Lists of different lengths are laid side by side from both ends as far as their elements are equal, so that one
//! element more is one difference. A list that holds the same elements in another order is told as such. The cost is linear
//! in the size of the values: rules are matched on the way down, and orders are looked for only [`DEEPEST_ORDER`] lists deep.

use std::{collections::BTreeSet, fmt::Write as _};

use crossfade_exchange::{CheckResult, Difference, DifferenceKind, Severity};

use crate::{
    document::Node,
    rules::{Holds, Matched, PathRules, Rule},
    schema::UNNAMED,
};

mod lists;
mod value;

/// One step into a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

/// What is known of a place before its leaves are looked at.
#[derive(Clone, Copy, Debug)]
struct Around {
    holds: Holds,
    /// Where the patterns of the rules stand, in the stack of states.
    from: usize,
    to: usize,
    /// Lists around it.
    lists: usize,
    /// Whether only one side has what is around it.
    alone: bool,
    /// Whether differences were told of something around it, and are only counted here.
    told: bool,
}

/// Leaves of two values that were compared, and those of them that agree.
#[derive(Debug)]
pub(crate) struct Leaves<'v> {
    rules: &'v PathRules,
    /// Where no rule begins.
    default: Holds,
    /// How much other prose and another order matter where no rule begins, if less than other differences.
    lenient: Option<Severity>,
    pub(crate) equal: usize,
    pub(crate) all: usize,
    weight: f64,
    agreed: f64,
    /// The gravest severity of what was compared, and of what differs.
    pub(crate) gravest: Option<Severity>,
    pub(crate) worst: Option<Holds>,
    /// The first places that differ, as they are, at most [`MOST_NAMED`].
    first: Vec<(DifferenceKind, Vec<Step<'v>>)>,
    /// Different places that differ, elements as any element, at most [`CheckResult::MOST_DIFFERENCES`].
    places: Vec<(DifferenceKind, Vec<Step<'v>>)>,
    /// The place that is left out.
    skipped: Option<Vec<Step<'v>>>,
    at: Vec<Step<'v>>,
    states: Vec<Matched>,
}

/// Differences whose places stand in evidence.
const MOST_NAMED: usize = 3;
/// Lists within lists in which an order is looked for.
const DEEPEST_ORDER: usize = 4;
/// Words from which a text is prose, and letters from which it is, for writing without spaces. Shorter ones are taken for
/// data: names, codes, addresses.
const PROSE_WORDS: usize = 4;
const PROSE_LETTERS: usize = 40;
/// How any element's place is kept.
const ANY: Step<'static> = Step::Index(usize::MAX);

// === impl Leaves ===

impl<'v> Leaves<'v> {
    /// None yet. Where no rule begins values are compared exactly, and a difference matters as much as `severity`.
    pub(crate) const fn new(rules: &'v PathRules, severity: Severity) -> Self {
        Self {
            rules,
            default: Holds {
                rule: Rule::Exact,
                weight: 1.0,
                severity,
                named: false,
            },
            lenient: None,
            equal: 0,
            all: 0,
            weight: 0.0,
            agreed: 0.0,
            gravest: None,
            worst: None,
            first: Vec::new(),
            places: Vec::new(),
            skipped: None,
            at: Vec::new(),
            states: Vec::new(),
        }
    }

    /// The same, with another severity where no rule begins for two texts that are both prose, and for the same elements in
    /// another order: nobody said that they matter, and models seldom agree on them.
    pub(crate) fn lenient_with(self, severity: Severity) -> Self {
        Self {
            lenient: Some(severity),
            ..self
        }
    }

    /// The same, with one place left out.
    pub(crate) fn without(self, skipped: Option<Vec<Step<'v>>>) -> Self {
        Self { skipped, ..self }
    }

    /// Compares two whole values.
    pub(crate) fn compare(&mut self, a: &'v Node, b: &'v Node) {
        self.states.clear();
        self.rules.begin(&mut self.states);
        let to = self.states.len();
        let around = Around {
            holds: self.default,
            from: 0,
            to,
            lists: 0,
            alone: false,
            told: false,
        };
        self.visit(around, Some(a), Some(b));
    }

    /// The share of the leaves that agree, by weight; of none, everything.
    pub(crate) fn score(&self) -> f64 {
        if self.weight > 0.0 {
            (self.agreed / self.weight).clamp(0.0, 1.0)
        } else {
            1.0
        }
    }

    /// Compares two values at the current place, of which either may be missing.
    fn visit(&mut self, mut around: Around, a: Option<&'v Node>, b: Option<&'v Node>) {
        if self.skipped.as_ref() == Some(&self.at) {
            return;
        }
        let states = self.states.get(around.from..around.to);
        if let Some(holds) = states.and_then(|states| self.rules.begins(states)) {
            around.holds = holds;
        }
        // Under what is ignored only a rule that has begun to match could still want something.
        if around.holds.rule == Rule::Ignore && around.from == around.to {
            return;
        }
        match (a, b) {
            (Some(Node::Object(a)), Some(Node::Object(b))) if !(a.is_empty() && b.is_empty()) => {
                let names: BTreeSet<&'v String> = a.keys().chain(b.keys()).collect();
                for name in names {
                    self.below(around, Step::Key(name), a.get(name), b.get(name));
                }
            }
            (Some(Node::Array(a)), Some(Node::Array(b))) if !(a.is_empty() && b.is_empty()) => {
                self.lists(around, a, b);
            }
            // Of a whole branch that only one side has, every leaf is missing on the other.
            (Some(Node::Object(a)), None) if !a.is_empty() => {
                around.alone = true;
                for (name, node) in a {
                    self.below(around, Step::Key(name), Some(node), None);
                }
            }
            (None, Some(Node::Object(b))) if !b.is_empty() => {
                around.alone = true;
                for (name, node) in b {
                    self.below(around, Step::Key(name), None, Some(node));
                }
            }
            (Some(Node::Array(a)), None) if !a.is_empty() => {
                around.alone = true;
                for (place, node) in a.iter().enumerate() {
                    self.below(around, Step::Index(place), Some(node), None);
                }
            }
            (None, Some(Node::Array(b))) if !b.is_empty() => {
                around.alone = true;
                for (place, node) in b.iter().enumerate() {
                    self.below(around, Step::Index(place), None, Some(node));
                }
            }
            (a, b) => self.leaf(around, a, b),
        }
    }

    fn below(&mut self, around: Around, step: Step<'v>, a: Option<&'v Node>, b: Option<&'v Node>) {
        let from = self.states.len();
        self.rules
            .step(&mut self.states, around.from, around.to, &step);
        let to = self.states.len();
        self.at.push(step);
        self.visit(Around { from, to, ..around }, a, b);
        self.at.pop();
        self.states.truncate(from);
    }

    /// The same with the lesser severity, unless a rule says how much a difference matters.
    fn milder(&self, holds: Holds) -> Holds {
        match self.lenient {
            Some(severity) if !holds.named => Holds { severity, ..holds },
            Some(_) | None => holds,
        }
    }

    fn leaf(&mut self, mut around: Around, a: Option<&Node>, b: Option<&Node>) {
        if is_prose(a) && is_prose(b) {
            around.holds = self.milder(around.holds);
        }
        let mut compared = value::compare(around.holds.rule, a, b);
        if around.alone && compared == value::Compared::Equal {
            let kind = if a.is_some() {
                DifferenceKind::Missing
            } else {
                DifferenceKind::Extra
            };
            compared = value::Compared::Different(kind, 0.0);
        }
        match compared {
            value::Compared::Nothing => {}
            value::Compared::Equal => self.count(around, 1, 1, 1.0),
            value::Compared::Different(kind, alike) => {
                self.count(around, 1, 0, alike);
                self.differs(around, kind);
            }
        }
    }

    /// Counts leaves of one weight: how many, how many of them agree, and how far on the whole.
    fn count(&mut self, around: Around, all: usize, equal: usize, agreed: f64) {
        self.all += all;
        self.equal += equal;
        self.weight += around.holds.weight * crate::finding::share(all, 1);
        self.agreed += around.holds.weight * agreed;
        self.gravest = self.gravest.max(Some(around.holds.severity));
    }

    /// Notes that the current place differs.
    fn differs(&mut self, around: Around, kind: DifferenceKind) {
        let graver = |worst: Holds| {
            (around.holds.severity, around.holds.named) > (worst.severity, worst.named)
        };
        if self.worst.is_none_or(graver) {
            self.worst = Some(around.holds);
        }
        if around.told {
            return;
        }
        if self.first.len() < MOST_NAMED {
            self.first.push((kind, self.at.clone()));
        }
        if self.places.len() < CheckResult::MOST_DIFFERENCES {
            let any = |step: &Step<'v>| match step {
                Step::Key(name) => Step::Key(name),
                Step::Index(_) => ANY,
            };
            let place = (kind, self.at.iter().map(any).collect());
            if !self.places.contains(&place) {
                self.places.push(place);
            }
        }
    }

    /// How many leaves differ, and the kinds and places of the first: names only where `known` lets them.
    pub(crate) fn evidence(&self, known: impl Fn(&str) -> bool) -> String {
        let mut text = format!("{} of {} leaves", self.all - self.equal, self.all);
        for (kind, place) in &self.first {
            let _ = write!(text, ", {kind} {}", written("$", place, &known));
        }
        text
    }

    /// The places that differ, under a root of that name.
    pub(crate) fn differences(&self, root: &str, known: impl Fn(&str) -> bool) -> Vec<Difference> {
        let differences: BTreeSet<Difference> = self
            .places
            .iter()
            .map(|(kind, place)| Difference {
                path: written(root, place, &known),
                kind: *kind,
            })
            .collect();
        differences.into_iter().collect()
    }
}

fn written(root: &str, place: &[Step<'_>], known: &impl Fn(&str) -> bool) -> String {
    let mut text = root.to_owned();
    for step in place {
        // Writing to a string cannot fail.
        let _ = match step {
            Step::Key(name) if known(name) => write!(text, ".{name}"),
            Step::Key(_) => write!(text, ".{UNNAMED}"),
            step if *step == ANY => write!(text, "[*]"),
            Step::Index(place) => write!(text, "[{place}]"),
        };
    }
    text
}

/// Whether a value is a text of several words.
fn is_prose(node: Option<&Node>) -> bool {
    let Some(Node::String(text)) = node else {
        return false;
    };
    text.split_whitespace().nth(PROSE_WORDS - 1).is_some()
        || text.chars().nth(PROSE_LETTERS - 1).is_some()
}

#[cfg(test)]
mod tests;
