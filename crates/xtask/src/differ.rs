//! Where two values differ, as paths of fields.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Keys of a list that was turned into a map begin so: `{get_weather}`.
pub(crate) const KEYED: char = '{';

/// One place at which they differ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// The keys and indexes that lead there.
    pub(crate) at: Vec<String>,
    /// The same without which one: `messages.[].content`, `toolConfig.tools.{}.description`.
    pub(crate) path: String,
    pub(crate) ours: Option<Value>,
    pub(crate) theirs: Option<Value>,
}

/// How far a comparison goes down.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// Fields that are compared as one value.
    pub(crate) whole: &'static [&'static str],
    /// Objects that count as empty where they are missing, so that what is in the other is named by its own path.
    pub(crate) optional: &'static [&'static str],
}

/// All differences, in the order of their paths.
pub(crate) fn differences(ours: &Value, theirs: &Value, depth: Depth) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(Some(ours), Some(theirs), &mut Vec::new(), depth, &mut found);
    found
}

fn walk(
    ours: Option<&Value>,
    theirs: Option<&Value>,
    at: &mut Vec<String>,
    depth: Depth,
    found: &mut Vec<Difference>,
) {
    if ours == theirs {
        return;
    }
    let path = generic(at);
    let empty = Map::new();
    let members = match (ours, theirs) {
        _ if depth.whole.contains(&path.as_str()) => None,
        (Some(Value::Object(ours)), Some(Value::Object(theirs))) => Some((ours, theirs)),
        (Some(Value::Object(ours)), None) if depth.optional.contains(&path.as_str()) => {
            Some((ours, &empty))
        }
        (None, Some(Value::Object(theirs))) if depth.optional.contains(&path.as_str()) => {
            Some((&empty, theirs))
        }
        (Some(Value::Array(ours)), Some(Value::Array(theirs))) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                at.push(index.to_string());
                walk(Some(ours), Some(theirs), at, depth, found);
                at.pop();
            }
            return;
        }
        _ => None,
    };
    let Some((a, b)) = members else {
        found.push(Difference {
            at: at.clone(),
            path,
            ours: ours.cloned(),
            theirs: theirs.cloned(),
        });
        return;
    };
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys {
        at.push(key.clone());
        walk(a.get(key), b.get(key), at, depth, found);
        at.pop();
    }
}

/// A path without which one of several.
fn generic(at: &[String]) -> String {
    let pieces = at.iter().map(|piece| {
        if piece.starts_with("{+") {
            "{+}"
        } else if piece.starts_with(KEYED) {
            "{}"
        } else if piece.bytes().all(|byte| byte.is_ascii_digit()) {
            "[]"
        } else {
            piece
        }
    });
    pieces.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differences_are_named_by_path() {
        fn check(ours: &Value, theirs: &Value, expected: &[&str]) {
            let depth = Depth {
                whole: &["w"],
                optional: &["o"],
            };
            let found = differences(ours, theirs, depth);
            let paths: Vec<&str> = found.iter().map(|found| found.path.as_str()).collect();
            assert_eq!(paths, expected, "{ours} and {theirs}");
        }
        check(&json!({"a": 1}), &json!({"a": 1}), &[]);
        check(&json!({"a": 1}), &json!({"b": 1}), &["a", "b"]);
        check(&json!({"a": {"b": 1}}), &json!({"a": {"b": 2}}), &["a.b"]);
        check(&json!({"a": {"b": 1}}), &json!({}), &["a"]);
        check(&json!({"o": {"b": 1}}), &json!({}), &["o.b"]);
        check(&json!({}), &json!({"o": {"b": 1}}), &["o.b"]);
        check(&json!({"w": {"b": 1}}), &json!({"w": {}}), &["w"]);
        check(&json!({"a": [1, 2]}), &json!({"a": [1, 3]}), &["a.[]"]);
        check(&json!({"a": [1, 2]}), &json!({"a": [1]}), &["a"]);
        check(
            &json!({"t": {"{x}": 1, "{+}": 1}}),
            &json!({"t": {}}),
            &["t.{+}", "t.{}"],
        );
    }
}
