//! References replaced by what they name, for targets that follow none. A reference that leads back to itself, leads
//! nowhere, or would make the schema grow beyond a bound, becomes what is known without it.

use serde_json::{Map, Value};

/// How deep a schema is followed, references included.
const DEEPEST: usize = 64;
/// How much may be copied in place of references, in values and bytes of text.
const MOST_COPIED: usize = 256 * 1024;
/// Members that hold values, not schemas: a `$ref` in them is the caller's data.
const DATA: [&str; 5] = ["const", "enum", "default", "examples", "example"];
/// Members that hold schemas by names of the caller's.
const NAMED: [&str; 5] = [
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
];

/// Whether a reference stands anywhere in the schema, not too deep.
pub(super) fn has_refs(schema: &Value) -> bool {
    has_refs_in(schema, DEEPEST * 2)
}

fn has_refs_in(value: &Value, left: usize) -> bool {
    let Some(left) = left.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Object(members) => {
            members.get("$ref").is_some_and(Value::is_string)
                || members.values().any(|each| has_refs_in(each, left))
        }
        Value::Array(items) => items.iter().any(|each| has_refs_in(each, left)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The schema without references and without the definitions that they named.
pub(super) fn inlined(root: &Value) -> Value {
    let mut walk = Walk {
        root,
        open: Vec::new(),
        left: MOST_COPIED,
    };
    let mut schema = walk.schema(root, DEEPEST);
    if let Value::Object(members) = &mut schema {
        members.shift_remove("$defs");
        members.shift_remove("definitions");
    }
    schema
}

struct Walk<'a> {
    root: &'a Value,
    /// References on the way here.
    open: Vec<&'a str>,
    /// What may still be copied in place of references.
    left: usize,
}

// === impl Walk ===

impl<'a> Walk<'a> {
    fn schema(&mut self, at: &'a Value, depth: usize) -> Value {
        match at {
            Value::Object(members) => self.members(members, depth),
            Value::Array(items) => {
                // A list within a list is no schema's, but it is as deep as the caller makes it.
                let lists = items.iter().any(Value::is_array);
                let Some(depth) = depth.checked_sub(usize::from(lists)) else {
                    return Value::Array(Vec::new());
                };
                let items = items.iter().map(|item| self.schema(item, depth));
                Value::Array(items.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => at.clone(),
        }
    }

    fn members(&mut self, members: &'a Map<String, Value>, depth: usize) -> Value {
        let Some(depth) = depth.checked_sub(1) else {
            return Value::Object(Map::new());
        };
        let mut kept = match members.get("$ref") {
            Some(Value::String(target)) => self.target(target, depth),
            _ => Map::new(),
        };
        for (name, value) in members {
            if !self.copy(name.len() + size(value)) {
                break;
            }
            let value = match name.as_str() {
                "$ref" if value.is_string() => continue,
                // Nothing names them any more; what is under the root's is left to the caller of this.
                "$defs" | "definitions" if self.open.is_empty() => continue,
                name if DATA.contains(&name) => value.clone(),
                name if NAMED.contains(&name) => self.named(value, depth),
                _ => self.schema(value, depth),
            };
            kept.insert(name.clone(), value);
        }
        Value::Object(kept)
    }

    fn named(&mut self, at: &'a Value, depth: usize) -> Value {
        let Value::Object(schemas) = at else {
            return at.clone();
        };
        let each = schemas
            .iter()
            .map(|(name, schema)| (name.clone(), self.schema(schema, depth)));
        Value::Object(each.collect())
    }

    /// What a reference names.
    fn target(&mut self, target: &'a str, depth: usize) -> Map<String, Value> {
        let path = target.strip_prefix('#');
        let found = path.and_then(|path| self.root.pointer(path));
        let Some(found @ Value::Object(members)) = found else {
            return Map::new();
        };
        if self.open.contains(&target) || depth == 0 || self.left == 0 {
            let kind = members
                .get("type")
                .map(|kind| ("type".to_owned(), kind.clone()));
            return kind.into_iter().collect();
        }
        self.open.push(target);
        let schema = self.schema(found, depth);
        self.open.pop();
        match schema {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    /// Whether this much may be copied; only what stands in the place of a reference counts.
    fn copy(&mut self, size: usize) -> bool {
        if self.open.is_empty() {
            return true;
        }
        let left = self.left.checked_sub(size);
        self.left = left.unwrap_or(0);
        left.is_some()
    }
}

/// What copying a value costs, but for what it holds, which is counted when it is walked. Data is not walked.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 1,
        Value::Array(items) => items.iter().map(size).sum::<usize>() + 1,
        Value::Object(members) => members.len() + 1,
        Value::Null | Value::Bool(_) | Value::Number(_) => 1,
    }
}
