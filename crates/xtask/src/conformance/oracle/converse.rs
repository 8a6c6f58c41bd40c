//! A Converse request in a form in which two translators' can be compared: what says nothing is left out, and lists
//! whose order says nothing are turned into maps.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::differ::Depth;

/// How far requests are compared. A schema, a tool's input and a tool's result are each one field.
pub(super) const DEPTH: Depth = Depth {
    whole: &[
        "toolConfig.tools.{}.inputSchema",
        "toolConfig.tools.{+}.inputSchema",
        "toolConfig.toolChoice",
        "messages.[].content.[].toolUse.input",
        "messages.[].content.[].toolResult.content",
        "additionalModelRequestFields",
        "requestMetadata",
        "outputConfig",
    ],
    optional: &["toolConfig", "toolConfig.tools", "inferenceConfig"],
};

/// Members that say nothing when they are empty.
const SILENT: &[&str] = &[
    "system",
    "inferenceConfig",
    "additionalModelRequestFields",
    "requestMetadata",
    "toolConfig",
];

/// The name of whatever tool the caller did not define.
const ADDED: &str = "{+}";

/// Brings a body into comparable form. `caller` is the request it was made of, by which tools that were added are told.
pub(super) fn comparable(body: &Value, caller: &Value) -> Value {
    let mut body = tidy(body);
    if let Some(members) = body.as_object_mut() {
        members.retain(|name, value| !(SILENT.contains(&name.as_str()) && is_empty(value)));
        if let Some(system) = members.get_mut("system") {
            *system = joined(system);
        }
        if let Some(messages) = members.get_mut("messages").and_then(Value::as_array_mut) {
            messages.iter_mut().for_each(merge_texts);
        }
        if let Some(tools) = members.get_mut("toolConfig").and_then(Value::as_object_mut) {
            key_tools(tools, &names(caller));
        }
    }
    body
}

/// Without nulls, and with whole numbers written one way; what the caller wrote stays as it is.
pub(super) fn tidy(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !value.is_null());
            let members = members.map(|(name, value)| match name.as_str() {
                "inputSchema" | "input" => (name.clone(), value.clone()),
                _ => (name.clone(), tidy(value)),
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => items.iter().map(tidy).collect(),
        Value::Number(number) => whole(number),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// A whole number without a fraction of nothing.
pub(super) fn whole(number: &serde_json::Number) -> Value {
    let text = number.to_string();
    let text = text.strip_suffix(".0").unwrap_or(&text);
    serde_json::from_str(text).unwrap_or_else(|_| Value::Number(number.clone()))
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// The system prompt as one text: where it is split says nothing.
fn joined(system: &Value) -> Value {
    let blocks = system.as_array().map_or(&[][..], Vec::as_slice);
    let texts: Option<Vec<&str>> = blocks
        .iter()
        .map(|block| block.get("text").and_then(Value::as_str))
        .collect();
    texts.map_or_else(|| system.clone(), |texts| Value::String(texts.join("\n")))
}

/// Texts beside each other as one.
fn merge_texts(message: &mut Value) {
    let Some(blocks) = message.get_mut("content").and_then(Value::as_array_mut) else {
        return;
    };
    let mut merged: Vec<Value> = Vec::new();
    for block in blocks.drain(..) {
        let text = block.get("text").and_then(Value::as_str);
        let before = merged
            .last_mut()
            .and_then(|last| last.get_mut("text"))
            .filter(|last| last.is_string());
        match (before, text) {
            (Some(before), Some(text)) => {
                let both = format!("{}\n{text}", before.as_str().unwrap_or_default());
                *before = Value::String(both);
            }
            _ => merged.push(block),
        }
    }
    *blocks = merged;
}

/// Tools by name; those that the caller did not define under a name that is the same for every translator.
fn key_tools(config: &mut Map<String, Value>, callers: &BTreeSet<String>) {
    let choice = config.get("toolChoice");
    if choice.is_some_and(|choice| choice.get("auto").is_some()) {
        config.remove("toolChoice");
    }
    let chosen = config
        .get_mut("toolChoice")
        .and_then(|choice| choice.pointer_mut("/tool/name"));
    if let Some(name) = chosen {
        let known = name.as_str().is_some_and(|name| callers.contains(name));
        if !known {
            *name = json!(ADDED);
        }
    }
    let Some(tools) = config.get("tools").and_then(Value::as_array) else {
        return;
    };
    let mut keyed = Map::new();
    for (index, tool) in tools.iter().enumerate() {
        let mut tool = tool.get("toolSpec").unwrap_or(tool).clone();
        let name = tool
            .as_object_mut()
            .and_then(|members| members.remove("name"));
        let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
        let mut key = if callers.contains(name) {
            format!("{{{name}}}")
        } else {
            ADDED.to_owned()
        };
        if keyed.contains_key(&key) {
            key.push_str(&index.to_string());
        }
        keyed.insert(key, tool);
    }
    config.insert("tools".to_owned(), Value::Object(keyed));
}

/// The names of the caller's tools.
fn names(caller: &Value) -> BTreeSet<String> {
    let list = |name: &str| {
        caller
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let tools = list("tools").filter_map(|tool| {
        let defined = tool.get("function").or_else(|| tool.get("custom"));
        defined.unwrap_or(tool).get("name")
    });
    let functions = list("functions").filter_map(|function| function.get("name"));
    let names = tools.chain(functions).filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_left_out() {
        fn check(body: &Value, expected: &Value) {
            let caller = json!({"tools": [{"type": "function", "function": {"name": "f"}}]});
            assert_eq!(&comparable(body, &caller), expected, "{body}");
        }
        check(&json!({"system": [], "inferenceConfig": {}}), &json!({}));
        check(
            &json!({"a": null, "b": {"c": 1.0}}),
            &json!({"b": {"c": 1}}),
        );
        check(
            &json!({"system": [{"text": "a"}, {"text": "b"}]}),
            &json!({"system": "a\nb"}),
        );
        check(
            &json!({"messages": [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]}),
            &json!({"messages": [{"role": "user", "content": [{"text": "a\nb"}]}]}),
        );
        let tools = json!([{"toolSpec": {"name": "f"}}, {"toolSpec": {"name": "own"}}]);
        check(
            &json!({"toolConfig": {"tools": tools, "toolChoice": {"auto": {}}}}),
            &json!({"toolConfig": {"tools": {"{f}": {}, "{+}": {}}}}),
        );
        check(
            &json!({"toolConfig": {"toolChoice": {"tool": {"name": "own"}}}}),
            &json!({"toolConfig": {"toolChoice": {"tool": {"name": "{+}"}}}}),
        );
    }
}
