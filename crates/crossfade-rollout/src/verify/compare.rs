//! Finds where two pieces of evidence part. Compares the forms that the ledger holds, in which numbers are exact.

use serde::Serialize;
use serde_json::Value;

use crate::{Alarm, Evidence};

/// The first place where what is recorded is not what was computed, in words; `None` if there is none.
pub(super) fn difference(computed: &Evidence, recorded: &Evidence) -> Option<String> {
    first(computed, recorded)
}

/// As [`difference`], of alarms.
pub(super) fn alarm_difference(computed: &Alarm, recorded: &Alarm) -> Option<String> {
    first(computed, recorded)
}

fn first<T: Serialize>(computed: &T, recorded: &T) -> Option<String> {
    match (
        serde_json::to_value(computed),
        serde_json::to_value(recorded),
    ) {
        (Ok(computed), Ok(recorded)) => walk("", &computed, &recorded),
        (Err(error), _) | (_, Err(error)) => Some(format!("it has no JSON form: {error}")),
    }
}

fn walk(path: &str, computed: &Value, recorded: &Value) -> Option<String> {
    match (computed, recorded) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            let mut pairs = a.iter().zip(b.values());
            pairs.find_map(|((name, a), b)| walk(&join(path, name), a, b))
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(index, (a, b))| walk(&join(path, &label(a, index)), a, b))
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{path} is {b}, computed {a}")),
    }
}

/// A list's part is known by what it is about.
fn label(value: &Value, index: usize) -> String {
    ["metric", "gate", "size", "group"]
        .iter()
        .find_map(|name| value.get(name)?.as_str())
        .map_or_else(|| index.to_string(), str::to_owned)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
