//! Regular expressions within schemas: which of them ask for more than an automaton can do.

use serde_json::Value;

/// How deep a schema is looked through; what lies deeper is left as it is.
const DEEPEST: usize = 128;

/// Drops patterns that look around. Returns whether there were any.
pub(super) fn drop_lookaround(schema: &mut Value) -> bool {
    drop_in(schema, DEEPEST)
}

fn drop_in(value: &mut Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Object(members) => {
            let looks = members
                .get("pattern")
                .and_then(Value::as_str)
                .is_some_and(looks_around);
            if looks {
                members.shift_remove("pattern");
            }
            let mut any = looks;
            for each in members.values_mut() {
                any |= drop_in(each, left);
            }
            any
        }
        Value::Array(items) => {
            let mut any = false;
            for each in items {
                any |= drop_in(each, left);
            }
            any
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Whether a pattern looks ahead or behind.
fn looks_around(pattern: &str) -> bool {
    ["(?=", "(?!", "(?<=", "(?<!"]
        .iter()
        .any(|group| pattern.contains(group))
}

/// Whether a pattern is of the simple kind that an enforced schema may hold: no looking around, no reference to what was
/// matched before, no word borders.
pub(super) fn is_simple(pattern: &str) -> bool {
    let mut escaped = false;
    for c in pattern.chars() {
        if escaped && (matches!(c, 'b' | 'B' | 'k') || matches!(c, '1'..='9')) {
            return false;
        }
        escaped = c == '\\' && !escaped;
    }
    !looks_around(pattern)
}
