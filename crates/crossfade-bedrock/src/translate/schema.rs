//! JSON schemas in the forms the target takes: a tool's arguments, and a format that the target enforces.
//! Nothing is validated here; what cannot be expressed is said, so that the caller of this module chooses another way.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

/// Keywords that an enforced schema may not hold.
const UNENFORCED: [&str; 14] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "patternProperties",
    "propertyNames",
    "contains",
];

/// The most properties an enforced schema may hold before it is refused as too complex.
const MOST_PROPERTIES: usize = 64;
/// How deep a schema is followed.
const DEEPEST: usize = 64;
/// How deep references are followed, in values of JSON.
const DEEPEST_VISIT: usize = 256;
/// The most values that are looked at for references that lead back.
const MOST_VISITS: usize = 20_000;
/// The longest reference that is followed.
const LONGEST_TARGET: usize = 1024;

/// A tool's arguments: always an object at the root. Second: whether the schema was changed.
pub(super) fn arguments(parameters: Option<&Value>) -> Option<(Value, bool)> {
    match parameters {
        None | Some(Value::Null) => Some((json!({"type": "object", "properties": {}}), false)),
        Some(Value::Object(schema)) => match schema.get("type") {
            Some(Value::String(kind)) if kind == "object" => {
                Some((Value::Object(schema.clone()), false))
            }
            Some(Value::Array(kinds)) if kinds.iter().any(|kind| kind == "object") => {
                Some((with_object_type(schema), true))
            }
            None if schema.is_empty() => Some((json!({"type": "object", "properties": {}}), true)),
            None => Some((with_object_type(schema), true)),
            Some(_) => None,
        },
        Some(_) => None,
    }
}

fn with_object_type(schema: &Map<String, Value>) -> Value {
    let mut typed = Map::new();
    typed.insert("type".to_owned(), json!("object"));
    typed.extend(
        schema
            .iter()
            .filter(|(name, _)| *name != "type")
            .map(|(n, v)| (n.clone(), v.clone())),
    );
    Value::Object(typed)
}

/// A schema the target can enforce.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Enforced {
    /// The schema.
    pub(super) schema: Value,
    /// Whether it differs from what was given.
    pub(super) changed: bool,
}

/// The schema in the form that can be enforced: every object closed, no keyword that is refused. `None` if it cannot be
/// said that way: maps with free keys, schemas as `true`, too many properties, recursion.
pub(super) fn enforceable(schema: &Value) -> Option<Enforced> {
    let Value::Object(root) = schema else {
        return None;
    };
    if root.get("type").is_some_and(|kind| kind != "object") || is_recursive(schema) {
        return None;
    }
    let mut walk = Walk {
        changed: false,
        properties: 0,
    };
    let schema = walk.schema(schema, 0)?;
    Some(Enforced {
        schema,
        changed: walk.changed,
    })
}

struct Walk {
    changed: bool,
    properties: usize,
}

// === impl Walk ===

impl Walk {
    fn schema(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        let Value::Object(members) = schema else {
            return None;
        };
        if depth > DEEPEST {
            return None;
        }
        let mut kept = Map::new();
        for (name, value) in members {
            let value = match name.as_str() {
                name if UNENFORCED.contains(&name) => {
                    self.changed = true;
                    continue;
                }
                "minItems" if value.as_u64().is_some_and(|least| least > 1) => {
                    self.changed = true;
                    continue;
                }
                "properties" | "$defs" | "definitions" => self.named(name, value, depth)?,
                "items" | "not" => self.schema(value, depth + 1)?,
                "anyOf" | "oneOf" | "allOf" | "prefixItems" => self.list(value, depth)?,
                "additionalProperties" => match value {
                    Value::Bool(false) => value.clone(),
                    Value::Bool(true) => {
                        self.changed = true;
                        continue;
                    }
                    _ => return None,
                },
                _ => value.clone(),
            };
            kept.insert(name.clone(), value);
        }
        if is_object_schema(&kept) && !kept.contains_key("additionalProperties") {
            kept.insert("additionalProperties".to_owned(), Value::Bool(false));
            self.changed = true;
        }
        Some(Value::Object(kept))
    }

    fn named(&mut self, name: &str, value: &Value, depth: usize) -> Option<Value> {
        let Value::Object(schemas) = value else {
            return None;
        };
        if name == "properties" {
            self.properties += schemas.len();
            if self.properties > MOST_PROPERTIES {
                return None;
            }
        }
        let each = schemas
            .iter()
            .map(|(n, s)| Some((n.clone(), self.schema(s, depth + 1)?)));
        each.collect::<Option<Map<_, _>>>().map(Value::Object)
    }

    fn list(&mut self, value: &Value, depth: usize) -> Option<Value> {
        let Value::Array(schemas) = value else {
            return None;
        };
        let each = schemas.iter().map(|s| self.schema(s, depth + 1));
        each.collect::<Option<Vec<_>>>().map(Value::Array)
    }
}

fn is_object_schema(members: &Map<String, Value>) -> bool {
    match members.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => members.contains_key("properties"),
    }
}

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
fn is_recursive(root: &Value) -> bool {
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

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "cases are literals")]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_objects_edge_24() {
        let check = |given: Value, expected: Option<(Value, bool)>| {
            let given = (!given.is_null()).then_some(given);
            assert_eq!(arguments(given.as_ref()), expected, "{given:?}");
        };
        let empty = json!({"type": "object", "properties": {}});
        check(Value::Null, Some((empty.clone(), false)));
        check(json!({}), Some((empty, true)));
        check(
            json!({"type": "object"}),
            Some((json!({"type": "object"}), false)),
        );
        check(
            json!({"properties": {"a": {}}}),
            Some((json!({"type": "object", "properties": {"a": {}}}), true)),
        );
        check(
            json!({"type": ["object", "null"]}),
            Some((json!({"type": "object"}), true)),
        );
        check(json!({"type": "string"}), None);
        check(json!([]), None);
    }

    fn check(given: &Value, expected: Option<(Value, bool)>) {
        let found = enforceable(given).map(|e| (e.schema, e.changed));
        assert_eq!(found, expected, "{given}");
    }

    #[test]
    fn objects_are_closed_and_refused_keywords_go_edge_29() {
        let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
        check(&closed, Some((closed.clone(), false)));
        check(
            &json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            Some((closed.clone(), true)),
        );
        check(
            &json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "additionalProperties": false}),
            Some((
                json!({"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": false}),
                true,
            )),
        );
        check(
            &json!({"anyOf": [{"type": "object"}], "$defs": {"d": {"type": "object"}}}),
            Some((
                json!({"anyOf": [{"type": "object", "additionalProperties": false}],
                       "$defs": {"d": {"type": "object", "additionalProperties": false}}}),
                true,
            )),
        );
    }

    #[test]
    fn what_cannot_be_enforced_is_said() {
        check(&json!(true), None);
        check(&json!({"type": "array", "items": {"type": "string"}}), None);
        check(
            &json!({"type": "object", "additionalProperties": {"type": "string"}}),
            None,
        );
        let many: Map<String, Value> = (0..65).map(|i| (format!("p{i}"), json!({}))).collect();
        check(&json!({"type": "object", "properties": many}), None);
    }

    #[test]
    fn circles_end_bug_50() {
        check(
            &json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}},
                    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}}),
            None,
        );
        check(
            &json!({"type": "object", "properties": {"self": {"$ref": "#"}}}),
            None,
        );
        check(
            &json!({"type": "object", "properties": {"x": {"$ref": "https://example.com/s"}}}),
            None,
        );
    }

    fn chain(links: usize) -> Value {
        let link = |i: usize| {
            (
                format!("d{i}"),
                json!({"$ref": format!("#/$defs/d{}", i + 1)}),
            )
        };
        let mut links: Map<String, Value> = (0..links).map(link).collect();
        links.insert(format!("d{}", links.len()), json!({"type": "string"}));
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": links})
    }

    /// Each link is a call deeper: without a bound this ends the process, not the test.
    #[test]
    fn chains_of_references_do_not_take_the_stack() {
        for (links, recursive) in [(1, false), (100, false), (1_000, true), (100_000, true)] {
            assert_eq!(is_recursive(&chain(links)), recursive, "{links}");
        }
    }

    /// Two references to each next definition make a way of every path through them: a target is walked once.
    #[test]
    fn webs_of_references_are_walked_once() {
        let next = |i: usize| json!({"$ref": format!("#/$defs/d{}", i + 1)});
        let web = |i: usize| (format!("d{i}"), json!({"anyOf": [next(i), next(i)]}));
        let mut defs: Map<String, Value> = (0..60).map(web).collect();
        defs.insert("d60".to_owned(), json!({"type": "string"}));
        let schema =
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs});
        assert!(!is_recursive(&schema));
    }

    #[test]
    fn references_have_a_length() {
        let name = "n".repeat(LONGEST_TARGET);
        let schema = json!({"type": "object", "properties": {"a": {"$ref": format!("#/$defs/{name}")}},
                            "$defs": {name: {"type": "string"}}});
        check(&schema, None);
    }
}
