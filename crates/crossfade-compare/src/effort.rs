//! How much work one validation would be: a walk over schema and value that takes the steps a validator takes and stops
//! at a bound. A schema whose references come back to itself twice is small, and costs twice as much with every level that
//! an answer nests; who sends the request writes the one and has the other written. No validation.

use std::{borrow::Cow, collections::HashMap};

use serde_json::{Map, Value};

/// Steps of one validation, at most: some tenths of a second.
const MOST_STEPS: u64 = 2_000_000;
/// Steps up to which the places of violations are looked for, which costs memory for every branch that fails.
const FEW_STEPS: u64 = 50_000;
/// Schemas applied within one another: a validator needs as much of a thread's stack. An answer nests at most some hundred
/// times; more is a circle, or made to be deep.
const DEEPEST: u32 = 600;

/// Schemas with a name that are kept, and the longest of the pointers to them, in bytes.
const MOST_NAMED: usize = 1_000;
const LONGEST_POINTER: usize = 1_024;

/// How much a validation costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effort {
    /// Little.
    Little,
    /// So much that only whether the value is valid is asked.
    Much,
    /// Too much, or without end.
    TooMuch,
}

/// A schema with the places that its references name.
#[derive(Debug)]
pub(crate) struct Estimate {
    schema: Value,
    named: Named,
}

/// Schemas that have a name.
#[derive(Debug)]
struct Named {
    /// By anchor, and by the last part of an id: the pointers of the schemas that have it.
    places: HashMap<String, Vec<String>>,
    count: usize,
    /// Whether all of them are known.
    whole: bool,
}

/// A walk under way.
struct Walk<'s> {
    estimate: &'s Estimate,
    left: u64,
}

/// The bound was met.
struct Stop;

// === impl Estimate ===

impl Estimate {
    /// Of a schema.
    pub(crate) fn of(schema: Value) -> Self {
        let mut named = Named {
            places: HashMap::new(),
            count: 0,
            whole: true,
        };
        named.collect(&schema, &mut Vec::new());
        Self { schema, named }
    }

    /// What the validation of a value costs.
    pub(crate) fn effort(&self, value: &Value) -> Effort {
        let mut walk = Walk {
            estimate: self,
            left: MOST_STEPS,
        };
        match walk.visit(&self.schema, value, 0) {
            Err(Stop) => Effort::TooMuch,
            Ok(()) if MOST_STEPS - walk.left > FEW_STEPS => Effort::Much,
            Ok(()) => Effort::Little,
        }
    }

    /// The schemas that a reference may mean. What stands in no part of this one is a published meta-schema, for nothing else
    /// compiles, and costs in proportion to the value.
    fn targets(&self, reference: &str) -> Vec<&Value> {
        let (document, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let documents = if document.is_empty() {
            vec![&self.schema]
        } else {
            self.named(last_part(document))
        };
        if fragment.is_empty() || documents.is_empty() {
            return documents;
        }
        let plain = fragment.replace("%24", "$").replace("%25", "%");
        let pointed = documents.iter().filter_map(|part| part.pointer(&plain));
        let pointed: Vec<&Value> = pointed.collect();
        if pointed.is_empty() {
            self.named(&plain)
        } else {
            pointed
        }
    }

    fn named(&self, name: &str) -> Vec<&Value> {
        let known = self.named.places.get(name);
        let pointers = known.map(Vec::as_slice).unwrap_or_default();
        let parts: Vec<&Value> = pointers
            .iter()
            .filter_map(|at| self.schema.pointer(at))
            .collect();
        if parts.is_empty() && !self.named.whole {
            // It may be anything, and nothing costs more than the whole.
            return vec![&self.schema];
        }
        parts
    }
}

// === impl Named ===

impl Named {
    /// Collects anchors and ids; `at` is where the part stands.
    fn collect<'s>(&mut self, part: &'s Value, at: &mut Vec<Cow<'s, str>>) {
        match part {
            Value::Object(object) => {
                for key in ["$anchor", "$dynamicAnchor", "$id", "id"] {
                    if let Some(Value::String(name)) = object.get(key) {
                        self.add(last_part(name.trim_start_matches('#')), at);
                    }
                }
                for (key, inner) in object {
                    at.push(key.as_str().into());
                    self.collect(inner, at);
                    at.pop();
                }
            }
            Value::Array(list) => {
                for (place, inner) in list.iter().enumerate() {
                    at.push(place.to_string().into());
                    self.collect(inner, at);
                    at.pop();
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn add(&mut self, name: &str, at: &[Cow<'_, str>]) {
        let bytes: usize = at.iter().map(|step| step.len() + 1).sum();
        if self.count >= MOST_NAMED || bytes > LONGEST_POINTER {
            self.whole = false;
            return;
        }
        self.count += 1;
        let mut pointer = String::with_capacity(bytes);
        for step in at {
            pointer.push('/');
            pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
        }
        let places = self.places.entry(name.to_owned()).or_default();
        places.push(pointer);
    }
}

/// Of an address, what follows its last slash or colon.
fn last_part(address: &str) -> &str {
    let address = address.trim_end_matches('#');
    address.rsplit(['/', ':']).next().unwrap_or(address)
}

// === impl Walk ===

impl Walk<'_> {
    fn spend(&mut self, steps: usize) -> Result<(), Stop> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(steps).ok_or(Stop)?;
        Ok(())
    }

    /// Applies a schema to a value, inside `around` others.
    fn visit(&mut self, schema: &Value, value: &Value, around: u32) -> Result<(), Stop> {
        self.spend(1)?;
        let Value::Object(keywords) = schema else {
            return Ok(());
        };
        if around > DEEPEST {
            return Err(Stop);
        }
        for (keyword, part) in keywords {
            match (keyword.as_str(), part) {
                ("allOf" | "anyOf" | "oneOf", Value::Array(parts)) => {
                    for part in parts {
                        self.visit(part, value, around + 1)?;
                    }
                }
                ("not" | "if" | "then" | "else", part) => self.visit(part, value, around + 1)?,
                ("$ref" | "$dynamicRef" | "$recursiveRef", Value::String(reference)) => {
                    for target in self.estimate.targets(reference) {
                        self.visit(target, value, around + 1)?;
                    }
                }
                ("dependentSchemas" | "dependencies", Value::Object(parts)) => {
                    for (name, part) in parts {
                        if value.get(name).is_some() {
                            self.visit(part, value, around + 1)?;
                        }
                    }
                }
                ("enum", Value::Array(values)) => self.spend(values.len() / 16)?,
                (keyword, part) => match value {
                    Value::Object(members) => {
                        self.members(keywords, (keyword, part), members, around)?;
                    }
                    Value::Array(list) => {
                        self.elements((keyword, part), list, around)?;
                    }
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                },
            }
        }
        Ok(())
    }

    fn members(
        &mut self,
        keywords: &Map<String, Value>,
        keyword: (&str, &Value),
        members: &Map<String, Value>,
        around: u32,
    ) -> Result<(), Stop> {
        match keyword {
            ("properties", Value::Object(parts)) => {
                for (name, part) in parts {
                    if let Some(member) = members.get(name) {
                        self.visit(part, member, around + 1)?;
                    }
                }
            }
            ("patternProperties", Value::Object(parts)) => {
                for part in parts.values() {
                    for member in members.values() {
                        self.visit(part, member, around + 1)?;
                    }
                }
            }
            ("additionalProperties" | "unevaluatedProperties", part) => {
                let declared = keywords.get("properties");
                for (name, member) in members {
                    if declared.and_then(|declared| declared.get(name)).is_none() {
                        self.visit(part, member, around + 1)?;
                    }
                }
            }
            ("propertyNames", _) => self.spend(members.len())?,
            _ => {}
        }
        Ok(())
    }

    fn elements(
        &mut self,
        keyword: (&str, &Value),
        list: &[Value],
        around: u32,
    ) -> Result<(), Stop> {
        match keyword {
            ("items" | "prefixItems", Value::Array(parts)) => {
                for (part, element) in parts.iter().zip(list) {
                    self.visit(part, element, around + 1)?;
                }
            }
            ("items" | "additionalItems" | "unevaluatedItems" | "contains", part) => {
                for element in list {
                    self.visit(part, element, around + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A value within so many lists.
    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!(1), |inner, _| json!([inner]))
    }

    fn check(schema: Value, value: &Value, expected: Effort) {
        let shown = schema.to_string();
        assert_eq!(Estimate::of(schema).effort(value), expected, "{shown}");
    }

    #[test]
    fn references_that_come_back_twice_cost_with_depth() {
        let twice = |reference: &str| {
            let part = json!({"type": "array", "items": {"$ref": reference}});
            json!({"anyOf": [part, part, {"type": "string"}]})
        };
        check(twice("#"), &nested(3), Effort::Little);
        check(twice("#"), &nested(16), Effort::Much);
        check(twice("#"), &nested(60), Effort::TooMuch);
        let within =
            |reference: &str, inner: Value| json!({"$defs": {"x": inner}, "$ref": reference});
        check(
            within("#/$defs/x", twice("#/$defs/x")),
            &nested(60),
            Effort::TooMuch,
        );
        for (key, name, reference) in [
            ("$anchor", "x", "#x"),
            ("$dynamicAnchor", "x", "#x"),
            ("$id", "http://a/x", "http://a/x"),
            ("$id", "x", "x"),
            // Beyond what is kept.
            ("$anchor", "y", "#y"),
        ] {
            let mut inner = twice(reference);
            inner[key] = json!(name);
            let mut schema = within(reference, inner);
            if name == "y" {
                let names = (0..MOST_NAMED).map(|n| json!({"$anchor": format!("a{n}")}));
                schema["$defs"]["a"] = names.collect();
            }
            check(schema, &nested(60), Effort::TooMuch);
        }
    }

    #[test]
    fn what_people_write_costs_little() {
        let tree = json!({
            "type": "object",
            "properties": {"value": {"type": "integer"}, "left": {"$ref": "#"}, "right": {"$ref": "#"}},
        });
        let deep = (0..100).fold(
            json!({"value": 1}),
            |inner, _| json!({"value": 1, "left": inner}),
        );
        check(tree, &deep, Effort::Little);
        check(json!(true), &deep, Effort::Little);
        let published = json!({"$ref": "http://json-schema.org/draft-07/schema#"});
        check(published, &deep, Effort::Little);
    }

    #[test]
    fn circles_without_a_step_down_are_noticed() {
        check(json!({"$ref": "#"}), &json!(1), Effort::TooMuch);
        let circle = json!({
            "$ref": "#/$defs/a",
            "$defs": {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}},
        });
        check(circle, &json!(1), Effort::TooMuch);
    }

    #[test]
    fn many_elements_times_many_parts_are_counted() {
        let parts: Vec<Value> = (0..1000).map(|n| json!({"minimum": n})).collect();
        let list: Vec<u32> = (0..3000).collect();
        check(
            json!({"items": {"allOf": parts}}),
            &json!(list),
            Effort::TooMuch,
        );
    }
}
