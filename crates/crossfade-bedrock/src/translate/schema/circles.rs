//! Whether a schema's references lead back to where they stand. Every target is walked once, and all work is bounded.

use std::collections::HashSet;

use serde_json::Value;

/// How deep references are followed, in values of JSON.
const DEEPEST_VISIT: usize = 256;
/// The most values that are looked at for references that lead back.
const MOST_VISITS: usize = 20_000;
/// The longest reference that is followed.
pub(super) const LONGEST_TARGET: usize = 1024;

/// A walk along a schema's references. Every target is walked once, and the way down is bounded across references: a
/// chain of them is as deep as the caller makes it, and this runs on the stack.
struct Circles<'a> {
    root: &'a Value,
    /// Targets on the way here.
    open: HashSet<&'a str>,
    /// Targets from which no way leads back.
    closed: HashSet<&'a str>,
    /// Values that may still be looked at, against targets that lie within each other.
    budget: usize,
}

/// Whether a `$ref` leads, through other definitions or not, back to where it stands; also if it leads nowhere, or if
/// that takes too much work to tell.
pub(super) fn is_recursive(root: &Value) -> bool {
    let mut circles = Circles {
        root,
        open: HashSet::from(["#"]),
        closed: HashSet::new(),
        budget: MOST_VISITS,
    };
    circles.any_from(root, 0)
}

// === impl Circles ===

impl<'a> Circles<'a> {
    fn any_from(&mut self, at: &'a Value, depth: usize) -> bool {
        let Some(left) = self.budget.checked_sub(1) else {
            return true;
        };
        self.budget = left;
        if depth > DEEPEST_VISIT {
            return true;
        }
        match at {
            Value::Object(members) => members
                .iter()
                .any(|(name, value)| self.any_by(name, value, depth + 1)),
            Value::Array(items) => items.iter().any(|item| self.any_from(item, depth + 1)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }

    fn any_by(&mut self, name: &str, value: &'a Value, depth: usize) -> bool {
        match (name, value) {
            ("$ref", Value::String(target)) => self.any_along(target, depth),
            ("$defs" | "definitions", _) => false,
            (_, value) => self.any_from(value, depth),
        }
    }

    fn any_along(&mut self, target: &'a str, depth: usize) -> bool {
        if target.len() > LONGEST_TARGET {
            return true;
        }
        if self.closed.contains(target) {
            return false;
        }
        let found = target
            .strip_prefix('#')
            .and_then(|path| self.root.pointer(path));
        let Some(found) = found else {
            return true;
        };
        if !self.open.insert(target) {
            return true;
        }
        let recursive = self.any_from(found, depth);
        self.open.remove(target);
        self.closed.insert(target);
        recursive
    }
}
