//! Rules of comparison by path, compiled: which of them holds at a place, as a walk over two values goes down. The most
//! specific one wins: the one whose pattern ends deepest; of two that end at the same place the one with more names and
//! numbers in it; of two such the later one. A rule holds for everything under its place, until another one begins.
//!
//! A pattern is a path as elsewhere ([`crate::path`]), with two steps more: `.*` is any member, and `..name` is a member of
//! that name at any depth. A pattern is matched while the walk goes down and never searched for, so a place costs at most
//! [`MOST_RULES`] × [`MOST_STEPS`] steps however deep it lies.

use crossfade_exchange::Severity;

use crate::{
    leaves::Step,
    path::{self, Part},
    settings::{NumberSettings, SettingsError, ValueRule, ValueRuleSettings},
};

/// Rules of one route or one tool, at most.
pub(crate) const MOST_RULES: usize = 64;
/// Steps of one pattern, at most.
pub(crate) const MOST_STEPS: usize = 32;
/// Similarity that a text must have where its rule states none.
const LIKE: f64 = 0.5;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// As they are: numbers by value, texts by their characters, lists by place.
    Exact,
    /// Texts without letter case and with spaces collapsed.
    Casefold,
    /// Texts by their letters and digits alone, without letter case.
    Words,
    /// Numbers, and texts that hold nothing but a number, within the larger of a distance and a share.
    Numeric(NumberSettings),
    /// Texts by their similarity.
    Text { threshold: f64 },
    /// Lists without order and without regard to how often an element stands in them.
    Set,
    /// Lists without order.
    Multiset,
    /// Not at all.
    Ignore,
}

/// What holds at a place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Holds {
    pub(crate) rule: Rule,
    /// How much a leaf counts.
    pub(crate) weight: f64,
    /// How much a difference matters.
    pub(crate) severity: Severity,
    /// Whether the settings themselves say so.
    pub(crate) named: bool,
}

/// Compiled rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct PathRules {
    rules: Vec<PathRule>,
}

#[derive(Clone, Debug)]
struct PathRule {
    pattern: Vec<Part>,
    /// Names and numbers in the pattern.
    literal: usize,
    holds: Holds,
}

/// How far a rule's pattern has been matched: the rule's place, and the next step's.
pub(crate) type Matched = (usize, usize);

// === impl Rule ===

impl Rule {
    /// Compiles what an operator wrote.
    pub(crate) fn compile(
        key: &'static str,
        settings: &ValueRuleSettings,
    ) -> Result<Self, SettingsError> {
        let refuse = |why| SettingsError::ValueRule {
            key,
            path: settings.path.clone(),
            why,
        };
        let at_least_none = |value: Option<f64>| value.is_none_or(|v| v.is_finite() && v >= 0.0);
        if !at_least_none(settings.abs) || !at_least_none(settings.rel) {
            return Err(refuse("abs and rel are numbers, 0 or more"));
        }
        let is_share = |value: f64| (0.0..=1.0).contains(&value);
        if !settings.threshold.is_none_or(is_share) {
            return Err(refuse("threshold is a number from 0 to 1"));
        }
        if settings.rule != ValueRule::Numeric && (settings.abs.is_some() || settings.rel.is_some())
        {
            return Err(refuse("abs and rel are for rule = \"numeric\""));
        }
        if settings.rule != ValueRule::Text && settings.threshold.is_some() {
            return Err(refuse("threshold is for rule = \"text\""));
        }
        Ok(match settings.rule {
            ValueRule::Exact => Self::Exact,
            ValueRule::Casefold => Self::Casefold,
            ValueRule::Words => Self::Words,
            ValueRule::Numeric => Self::Numeric(NumberSettings {
                abs: settings.abs.unwrap_or(0.0),
                rel: settings.rel.unwrap_or(0.0),
            }),
            ValueRule::Text => Self::Text {
                threshold: settings.threshold.unwrap_or(LIKE),
            },
            ValueRule::Set => Self::Set,
            ValueRule::Multiset => Self::Multiset,
            ValueRule::Ignore => Self::Ignore,
        })
    }
}

// === impl PathRules ===

impl PathRules {
    /// Compiles the rules of one key. `pattern` gives the pattern of a rule's path.
    pub(crate) fn compile<'s>(
        key: &'static str,
        settings: impl IntoIterator<Item = (&'s str, &'s ValueRuleSettings)>,
    ) -> Result<Self, SettingsError> {
        let mut rules = Self::default();
        for (path, settings) in settings {
            let pattern = path::pattern(path).map_err(|why| SettingsError::Path {
                key,
                path: settings.path.clone(),
                why,
            })?;
            rules.push(key, pattern, settings)?;
        }
        Ok(rules)
    }

    fn push(
        &mut self,
        key: &'static str,
        pattern: Vec<Part>,
        settings: &ValueRuleSettings,
    ) -> Result<(), SettingsError> {
        let refuse = |why| SettingsError::ValueRule {
            key,
            path: settings.path.clone(),
            why,
        };
        if pattern.len() > MOST_STEPS {
            return Err(refuse("a path has at most 32 steps"));
        }
        if self.rules.len() >= MOST_RULES {
            return Err(refuse("there are more than 64 of them"));
        }
        if !(settings.weight.is_finite() && settings.weight > 0.0 && settings.weight <= 1000.0) {
            return Err(refuse(
                "weight is a number over 0 and up to 1000; use rule = \"ignore\" for none",
            ));
        }
        let rule = Rule::compile(key, settings)?;
        // Wording is never more than a small difference by itself.
        let severity = match rule {
            Rule::Text { .. } => Severity::Minor,
            Rule::Exact
            | Rule::Casefold
            | Rule::Words
            | Rule::Numeric(_)
            | Rule::Set
            | Rule::Multiset
            | Rule::Ignore => Severity::Major,
        };
        let literal = |part: &&Part| matches!(part, Part::Key(_) | Part::Index(_));
        self.rules.push(PathRule {
            literal: pattern.iter().filter(literal).count(),
            pattern,
            holds: Holds {
                rule,
                weight: settings.weight,
                severity: settings.severity.unwrap_or(severity),
                named: settings.severity.is_some(),
            },
        });
        Ok(())
    }

    /// Whether a pattern names a member so.
    pub(crate) fn names(&self, name: &str) -> bool {
        let mut parts = self.rules.iter().flat_map(|rule| &rule.pattern);
        parts.any(|part| matches!(part, Part::Key(key) if key == name))
    }

    /// Where every pattern stands at the root.
    pub(crate) fn begin(&self, states: &mut Vec<Matched>) {
        let from = states.len();
        for rule in 0..self.rules.len() {
            self.add(states, from, (rule, 0));
        }
    }

    /// Where the patterns of `states[from..to]` stand one step further, pushed to the end.
    pub(crate) fn step(&self, states: &mut Vec<Matched>, from: usize, to: usize, step: &Step<'_>) {
        let begin = states.len();
        for place in from..to {
            let Some((rule, next)) = states.get(place).copied() else {
                continue;
            };
            match (self.part(rule, next), step) {
                (Some(Part::Key(key)), Step::Key(name)) if key == name => {
                    self.add(states, begin, (rule, next + 1));
                }
                (Some(Part::Index(index)), Step::Index(at)) if index == at => {
                    self.add(states, begin, (rule, next + 1));
                }
                (Some(Part::All), Step::Index(_)) | (Some(Part::AnyMember), Step::Key(_)) => {
                    self.add(states, begin, (rule, next + 1));
                }
                (Some(Part::AnyDepth), _) => self.add(states, begin, (rule, next)),
                (Some(Part::Key(_) | Part::Index(_) | Part::All | Part::AnyMember) | None, _) => {}
            }
        }
    }

    /// The rule that begins at a place where the patterns stand so.
    pub(crate) fn begins(&self, states: &[Matched]) -> Option<Holds> {
        let ended = states.iter().filter_map(|(place, next)| {
            let rule = self.rules.get(*place)?;
            (*next == rule.pattern.len()).then_some((rule.literal, *place, rule.holds))
        });
        let best = ended.max_by_key(|(literal, place, _)| (*literal, *place));
        best.map(|(_, _, holds)| holds)
    }

    fn part(&self, rule: usize, next: usize) -> Option<&Part> {
        self.rules.get(rule)?.pattern.get(next)
    }

    /// Adds a state that is not there yet, and those that it implies: any depth may be none.
    fn add(&self, states: &mut Vec<Matched>, from: usize, state: Matched) {
        let known = states.get(from..).is_some_and(|own| own.contains(&state));
        if known {
            return;
        }
        states.push(state);
        let (rule, next) = state;
        if matches!(self.part(rule, next), Some(Part::AnyDepth)) {
            self.add(states, from, (rule, next + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(path: &str, weight: f64) -> ValueRuleSettings {
        ValueRuleSettings {
            weight,
            ..ValueRuleSettings::at(path)
        }
    }

    #[test]
    fn the_most_specific_rule_holds() {
        let settings = [
            rule("$", 1.0),
            rule("$..price", 2.0),
            rule("$.items[*].price", 3.0),
            rule("$.items[0].price", 4.0),
            rule("$.*.note", 5.0),
            rule("$.items", 6.0),
            rule("$.items", 7.0),
            rule("$..a..b", 8.0),
        ];
        let rules = PathRules::compile("json_paths", settings.iter().map(|s| (s.path.as_str(), s)))
            .unwrap();
        let check = |steps: &[Step<'_>], expected: Option<f64>| {
            let mut states = Vec::new();
            rules.begin(&mut states);
            let mut from = 0;
            for step in steps {
                let to = states.len();
                rules.step(&mut states, from, to, step);
                from = to;
            }
            let found = rules.begins(&states[from..]).map(|holds| holds.weight);
            assert_eq!(found, expected, "{steps:?}");
        };
        let (key, index) = (|name| Step::Key(name), Step::Index);
        check(&[], Some(1.0));
        check(&[key("price")], Some(2.0));
        check(&[key("a"), index(3), key("price")], Some(2.0));
        check(&[key("items"), index(1), key("price")], Some(3.0));
        check(&[key("items"), index(0), key("price")], Some(4.0));
        check(&[key("x"), key("note")], Some(5.0));
        check(&[index(0), key("note")], None);
        check(&[key("items")], Some(7.0));
        check(&[key("items"), index(0)], None);
        check(&[key("a"), key("b")], Some(8.0));
        check(
            &[key("x"), key("a"), index(0), key("y"), key("b")],
            Some(8.0),
        );
        check(&[key("b"), key("a")], None);
    }

    #[test]
    fn unusable_rules_are_refused_with_a_reason() {
        let check = |settings: ValueRuleSettings, message: &str| {
            let compiled = PathRules::compile("json_paths", [(settings.path.as_str(), &settings)]);
            let error = compiled.unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        };
        let with = |change: fn(&mut ValueRuleSettings)| {
            let mut settings = ValueRuleSettings::at("$.a");
            change(&mut settings);
            settings
        };
        check(rule("a", 1.0), "does not start with $");
        check(rule("$....a", 1.0), "a name is missing");
        check(rule("$.a..", 1.0), "a name is missing");
        check(rule("$.a", 0.0), "weight");
        check(rule("$.a", f64::NAN), "weight");
        check(with(|s| s.abs = Some(1.0)), "numeric");
        check(with(|s| s.threshold = Some(0.5)), "text");
        check(with(|s| s.rel = Some(-1.0)), "0 or more");
        check(
            with(|s| {
                s.rule = ValueRule::Text;
                s.threshold = Some(2.0);
            }),
            "from 0 to 1",
        );
        check(rule(&format!("${}", ".a".repeat(40)), 1.0), "32 steps");
        let many = vec![rule("$.a", 1.0); MOST_RULES + 1];
        let many = PathRules::compile("json_paths", many.iter().map(|s| (s.path.as_str(), s)));
        assert!(many.unwrap_err().to_string().contains("more than 64"));
    }
}
