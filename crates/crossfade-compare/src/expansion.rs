//! How large a schema becomes when every reference is written out: the bound that keeps one validation from costing
//! exponential time through definitions that each refer twice to the next.

use std::collections::HashMap;

use serde_json::Value;

/// The most parts a schema may have with its references written out: some ten milliseconds of validation at worst,
/// and more than any schema that people write.
const MOST_PARTS: u64 = 4_000_000;

/// Whether the schema, with its local references written out, has a bounded number of parts. A reference back into
/// what is being written out counts as one part: validation follows it only as far as the answer nests.
pub(crate) fn is_bounded(schema: &Value) -> bool {
    let mut known = HashMap::new();
    parts(schema, schema, &mut known, 0) <= MOST_PARTS
}

/// The depth of references at which counting gives up; real schemas stay far below it.
const DEEPEST: u32 = 400;

fn parts<'s>(
    root: &'s Value,
    part: &'s Value,
    known: &mut HashMap<&'s str, Option<u64>>,
    depth: u32,
) -> u64 {
    if depth > DEEPEST {
        return MOST_PARTS + 1;
    }
    match part {
        Value::Object(object) => {
            let own = object.values().fold(1, |sum: u64, inner| {
                sum.saturating_add(parts(root, inner, known, depth + 1))
            });
            match object.get("$ref").and_then(Value::as_str) {
                Some(target) => own.saturating_add(referred(root, target, known, depth)),
                None => own,
            }
        }
        Value::Array(list) => list.iter().fold(1, |sum: u64, inner| {
            sum.saturating_add(parts(root, inner, known, depth + 1))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

fn referred<'s>(
    root: &'s Value,
    target: &'s str,
    known: &mut HashMap<&'s str, Option<u64>>,
    depth: u32,
) -> u64 {
    match known.get(target) {
        Some(Some(size)) => *size,
        // Being written out right now: a circle.
        Some(None) => 1,
        None => {
            known.insert(target, None);
            let pointed = target
                .strip_prefix('#')
                .and_then(|pointer| root.pointer(pointer));
            let size = pointed.map_or(1, |part| parts(root, part, known, depth + 1));
            known.insert(target, Some(size));
            size
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_that_multiply_are_noticed() {
        let chain = |links: usize| {
            let mut definitions = serde_json::Map::new();
            for n in 0..links {
                let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
                definitions.insert(format!("d{n}"), json!({"allOf": [next, next]}));
            }
            definitions.insert(format!("d{links}"), json!({"type": "string"}));
            json!({"$ref": "#/$defs/d0", "$defs": definitions})
        };
        assert!(is_bounded(&chain(8)));
        assert!(!is_bounded(&chain(40)));
        assert!(is_bounded(
            &json!({"properties": {"child": {"$ref": "#"}, "other": {"$ref": "#"}}})
        ));
        assert!(is_bounded(&json!({"$ref": "#/nowhere"})));
        assert!(is_bounded(&json!(true)));
    }
}
