//! A chat answer in a form in which several translators' can be compared: streams folded into whole answers, arguments
//! as JSON, and without what whoever answers makes up or what says nothing.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::converse::tidy;
use crate::differ::Depth;

/// How far answers are compared.
pub(super) const DEPTH: Depth = Depth {
    whole: &[
        "prompt_filter_results",
        "choices.[].content_filter_results",
        "choices.[].message.tool_calls.[].function.arguments",
    ],
    optional: &[
        "usage.prompt_tokens_details",
        "usage.completion_tokens_details",
    ],
};

/// Whoever answers makes these up.
const MADE_UP: &[&str] = &["id", "created", "model", "system_fingerprint"];

/// Brings a whole answer into comparable form.
pub(super) fn comparable(answer: &Value) -> Value {
    let mut answer = tidy(answer);
    if let Some(members) = answer.as_object_mut() {
        members.retain(|name, _| !MADE_UP.contains(&name.as_str()));
    }
    remove_silent(&mut answer);
    let choices = answer.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten() {
        remove_silent(choice);
        if let Some(message) = choice.get_mut("message") {
            remove_silent(message);
        }
        let calls = choice.pointer_mut("/message/tool_calls");
        for call in calls.and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(members) = call.as_object_mut() {
                members.remove("id");
            }
            let Some(arguments) = call.pointer_mut("/function/arguments") else {
                continue;
            };
            let text = arguments.as_str().unwrap_or_default();
            if let Ok(parsed) = serde_json::from_str::<Value>(text) {
                *arguments = parsed;
            }
        }
    }
    if let Some(usage) = answer.get_mut("usage") {
        remove_zeros(usage);
    }
    answer
}

/// Removes lists of nothing, and words of a filter that it did not run.
fn remove_silent(value: &mut Value) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, value| match name.as_str() {
            "annotations" => value != &json!([]),
            "content_filter_results" => !is_unfiltered(value),
            "prompt_filter_results" => {
                let results = value.as_array().map_or(&[][..], Vec::as_slice);
                let mut results = results.iter();
                !results.all(|one| one.get("content_filter_results").is_some_and(is_unfiltered))
            }
            _ => true,
        });
    }
}

fn is_unfiltered(results: &Value) -> bool {
    let results = results.as_object();
    results.is_some_and(|results| results.keys().all(|name| name == "error"))
}

/// Removes counts of kinds of tokens that there were none of.
fn remove_zeros(usage: &mut Value) {
    let members = usage.as_object_mut().into_iter().flatten();
    for (_, details) in members {
        if let Some(details) = details.as_object_mut() {
            details.retain(|_, count| count != &json!(0));
        }
    }
    if let Some(members) = usage.as_object_mut() {
        members.retain(|_, count| count != &json!(0) && count != &json!({}));
    }
}

/// Folds the chunks of a stream into the whole answer that they say.
pub(super) fn fold(chunks: &[Value]) -> Value {
    let mut choice = Map::new();
    let mut message = Map::new();
    let mut calls: Vec<Value> = Vec::new();
    let mut answer = Map::new();
    for chunk in chunks {
        if let Some(usage) = chunk.get("usage").filter(|usage| usage.is_object()) {
            answer.insert("usage".to_owned(), usage.clone());
        }
        let Some(piece) = chunk.pointer("/choices/0").and_then(Value::as_object) else {
            continue;
        };
        for name in ["finish_reason", "index"] {
            if let Some(value) = piece.get(name).filter(|value| !value.is_null()) {
                choice.insert(name.to_owned(), value.clone());
            }
        }
        let delta = piece.get("delta").and_then(Value::as_object);
        for (name, value) in delta.into_iter().flatten() {
            match (name.as_str(), value) {
                ("tool_calls", Value::Array(pieces)) => fold_calls(&mut calls, pieces),
                ("role", _) => {
                    message.insert(name.clone(), value.clone());
                }
                (_, Value::String(text)) => {
                    append(&mut message, name, text);
                }
                (_, Value::Null) => {}
                _ => {
                    message.insert(name.clone(), value.clone());
                }
            }
        }
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    choice.insert("message".to_owned(), Value::Object(message));
    answer.insert("choices".to_owned(), json!([choice]));
    answer.insert("object".to_owned(), json!("chat.completion"));
    Value::Object(answer)
}

/// The chunks of a stream as it stands on the wire.
pub(super) fn chunks(stream: &[u8]) -> Result<Vec<Value>> {
    let text = std::str::from_utf8(stream).context("a stream is no text")?;
    let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
    data.filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).context("a chunk is no JSON"))
        .collect()
}

pub(super) fn append(members: &mut Map<String, Value>, name: &str, text: &str) {
    let before = members
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default();
    let whole = format!("{before}{text}");
    members.insert(name.to_owned(), Value::String(whole));
}

/// Pieces belong to the call of their index; without arguments a call has none.
fn fold_calls(calls: &mut Vec<Value>, pieces: &[Value]) {
    for piece in pieces {
        let index = piece.get("index").and_then(Value::as_u64).unwrap_or(0);
        let index = usize::try_from(index).unwrap_or(usize::MAX).min(1024);
        while calls.len() <= index {
            calls.push(json!({ "function": { "arguments": "" } }));
        }
        let Some(call) = calls.get_mut(index).and_then(Value::as_object_mut) else {
            continue;
        };
        for name in ["id", "type"] {
            if let Some(value) = piece.get(name).filter(|value| value.is_string()) {
                call.insert(name.to_owned(), value.clone());
            }
        }
        if let Some(function) = call.get_mut("function").and_then(Value::as_object_mut) {
            for name in ["name", "arguments"] {
                let text = piece.pointer(&format!("/function/{name}"));
                if let Some(text) = text.and_then(Value::as_str) {
                    append(function, name, text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_fold_into_what_they_say() {
        let delta = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]});
        let call = |piece: Value| delta(json!({ "tool_calls": [piece] }));
        let stream = [
            json!({"choices": [], "usage": null}),
            delta(json!({"role": "assistant", "content": "a"})),
            delta(json!({"content": "b"})),
            call(json!({"index": 0, "id": "c", "function": {"name": "f", "arguments": "{\"x\""}})),
            call(json!({"index": 0, "function": {"arguments": ":1}"}})),
            json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
            json!({"choices": [], "usage": {"total_tokens": 3.0}}),
        ];
        let message = json!({
            "role": "assistant", "content": "ab",
            "tool_calls": [{"function": {"name": "f", "arguments": {"x": 1}}}],
        });
        assert_eq!(
            comparable(&fold(&stream)),
            json!({
                "object": "chat.completion",
                "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
                "usage": {"total_tokens": 3},
            })
        );
    }
}
