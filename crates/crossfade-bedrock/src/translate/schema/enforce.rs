//! Schemas in the form that the target enforces: every object closed, no keyword that is refused.

use serde_json::{Map, Value};

use super::{circles::is_recursive, patterns};
use crate::capabilities::Capabilities;

/// Keywords that an enforced schema may not hold.
const UNENFORCED: [&str; 24] = [
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
    "minContains",
    "maxContains",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "unevaluatedProperties",
    "unevaluatedItems",
];
/// Formats of text that are enforced.
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];
/// How deep a schema is followed.
const DEEPEST: usize = 64;

/// How much an enforced schema may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Limits {
    properties: u32,
    optional: u32,
    unions: u32,
}

/// A schema the target can enforce.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Enforced {
    /// The schema.
    pub(in super::super) schema: Value,
    /// Whether it differs from what was given.
    pub(in super::super) changed: bool,
}

// === impl Limits ===

impl Limits {
    pub(in super::super) const fn of(capabilities: &Capabilities) -> Self {
        Self {
            properties: capabilities.schema_properties,
            optional: capabilities.schema_optional,
            unions: capabilities.schema_unions,
        }
    }
}

/// The schema in the form that can be enforced. `None` if it cannot be said that way: maps with free keys, schemas as
/// `true`, too much in it, recursion.
pub(in super::super) fn enforceable(schema: &Value, limits: Limits) -> Option<Enforced> {
    let Value::Object(root) = schema else {
        return None;
    };
    if root.get("type").is_some_and(|kind| kind != "object") || is_recursive(schema) {
        return None;
    }
    let mut walk = Walk {
        changed: false,
        left: limits,
    };
    let schema = walk.schema(schema, 0)?;
    Some(Enforced {
        schema,
        changed: walk.changed,
    })
}

struct Walk {
    changed: bool,
    /// What the schema may still hold.
    left: Limits,
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
        self.count(members)?;
        let mut kept = Map::new();
        for (name, value) in members {
            let value = match name.as_str() {
                name if is_refused(name, value) => {
                    self.changed = true;
                    continue;
                }
                "properties" | "$defs" | "definitions" => self.named(value, depth)?,
                "items" => self.schema(value, depth + 1)?,
                // That exactly one may hold is what cannot be said.
                "oneOf" if !members.contains_key("anyOf") => {
                    self.changed = true;
                    kept.insert("anyOf".to_owned(), self.list(value, depth)?);
                    continue;
                }
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
            // Closed, a map with free keys could hold nothing.
            if !["properties", "$ref", "anyOf", "allOf"]
                .iter()
                .any(|name| kept.contains_key(*name))
            {
                return None;
            }
            kept.insert("additionalProperties".to_owned(), Value::Bool(false));
            self.changed = true;
        }
        Some(Value::Object(kept))
    }

    /// Takes what this schema holds from what may be held.
    fn count(&mut self, members: &Map<String, Value>) -> Option<()> {
        let properties = members.get("properties").and_then(Value::as_object);
        let required = members.get("required").and_then(Value::as_array);
        let properties = properties.map_or(0, Map::len);
        let optional = properties.saturating_sub(required.map_or(0, Vec::len));
        let kinds = members.get("type").and_then(Value::as_array);
        let is_union = kinds.is_some_and(|kinds| kinds.len() > 1)
            || members.contains_key("anyOf")
            || members.contains_key("oneOf");
        self.left = Limits {
            properties: less(self.left.properties, properties)?,
            optional: less(self.left.optional, optional)?,
            unions: less(self.left.unions, usize::from(is_union))?,
        };
        Some(())
    }

    fn named(&mut self, value: &Value, depth: usize) -> Option<Value> {
        let Value::Object(schemas) = value else {
            return None;
        };
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

fn less(left: u32, by: usize) -> Option<u32> {
    left.checked_sub(u32::try_from(by).ok()?)
}

fn is_refused(name: &str, value: &Value) -> bool {
    match name {
        "minItems" => value.as_u64().is_some_and(|least| least > 1),
        "format" => value.as_str().is_some_and(|word| !FORMATS.contains(&word)),
        "pattern" => value
            .as_str()
            .is_some_and(|text| !patterns::is_simple(text)),
        name => UNENFORCED.contains(&name),
    }
}

fn is_object_schema(members: &Map<String, Value>) -> bool {
    match members.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => members.contains_key("properties"),
    }
}
