//! JSON schemas in the forms the target takes: a tool's arguments, and a format that the target enforces.
//! Nothing is validated here; what cannot be expressed is said, so that the caller of this module chooses another way.

mod circles;
mod enforce;
mod inline;
mod patterns;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::capabilities::Capabilities;

pub(super) use enforce::{Limits, enforceable};

/// What a target makes of the schema of a tool's arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// It follows no references.
    inline_refs: bool,
    /// It takes patterns that look around.
    lookaround: bool,
}

// === impl Target ===

impl Target {
    pub(super) const fn of(capabilities: &Capabilities) -> Self {
        Self {
            inline_refs: capabilities.inline_refs,
            lookaround: capabilities.lookaround,
        }
    }
}

/// A tool's arguments: always an object at the root. Second: whether the schema was changed.
pub(super) fn arguments(parameters: Option<&Value>, target: Target) -> Option<(Value, bool)> {
    let (mut schema, mut changed) = rooted(parameters)?;
    if target.inline_refs && inline::has_refs(&schema) {
        schema = inline::inlined(&schema);
        changed = true;
    }
    if !target.lookaround {
        changed |= patterns::drop_lookaround(&mut schema);
    }
    Some((schema, changed))
}

fn rooted(parameters: Option<&Value>) -> Option<(Value, bool)> {
    let empty = || json!({"type": "object", "properties": {}});
    match parameters {
        None | Some(Value::Null) => Some((empty(), false)),
        Some(Value::Object(schema)) => match schema.get("type") {
            Some(Value::String(kind)) if kind == "object" => {
                Some((Value::Object(schema.clone()), false))
            }
            Some(Value::Array(kinds)) if kinds.iter().any(|kind| kind == "object") => {
                Some((with_object_type(schema), true))
            }
            Some(Value::String(kind)) if !is_json_type(kind) => {
                Some((with_object_type(schema), true))
            }
            None | Some(Value::Null) if schema.is_empty() => Some((empty(), true)),
            None | Some(Value::Null) => Some((with_object_type(schema), true)),
            Some(_) => None,
        },
        Some(_) => None,
    }
}

/// Other words stand there by mistake: a tool's kind, or a name of some language's own.
fn is_json_type(kind: &str) -> bool {
    matches!(
        kind,
        "object" | "array" | "string" | "number" | "integer" | "boolean" | "null"
    )
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
