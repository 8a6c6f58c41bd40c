//! What properties are tried on: any JSON, conversations, parts, whole requests and what may be done to them, models.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::capabilities::{
    Choice, ImageFormat, Member, Overrides, Reasoning, Sampling, Set, Stop, Structured,
};

/// Any JSON, a few levels deep, with words that the wire knows among its strings.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("user"),
        Just("assistant"),
        Just("tool"),
        Just("text"),
        Just("function"),
        Just("none"),
        Just(""),
        Just(" "),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (0.0..3.0f64).prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("role"),
        Just("content"),
        Just("type"),
        Just("text"),
        Just("tool_calls"),
        Just("tool_call_id"),
        Just("function"),
        Just("name"),
        Just("arguments"),
        Just("id"),
        Just("refusal"),
        Just("x"),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((key.clone(), inner), 0..6).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(k, v)| (k.to_owned(), v))
                        .collect(),
                )
            }),
        ]
    })
}

/// A message that is well-formed by itself; calls get their results.
pub(super) fn messages() -> impl Strategy<Value = Vec<Value>> {
    turns(prop_oneof![3 => plain(), 1 => calls(), 1 => older()])
}

/// The same with pictures, documents and marks, which not every model takes.
pub(super) fn messages_with_parts() -> impl Strategy<Value = Vec<Value>> {
    let parts = proptest::collection::vec(part(), 0..4)
        .prop_map(|parts| vec![json!({"role": "user", "content": parts})]);
    turns(prop_oneof![3 => plain(), 1 => calls(), 1 => older(), 1 => parts])
}

fn turns(turn: impl Strategy<Value = Vec<Value>>) -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(turn, 1..8).prop_map(|turns| turns.concat())
}

fn text() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just(""),
        Just(" \n"),
        Just("a"),
        Just("b "),
        Just("{\"x\":1}")
    ]
}

fn plain() -> impl Strategy<Value = Vec<Value>> {
    let role = prop_oneof![
        Just("system"),
        Just("developer"),
        Just("user"),
        Just("assistant")
    ];
    (role, text()).prop_map(|(role, text)| vec![json!({"role": role, "content": text})])
}

fn calls() -> impl Strategy<Value = Vec<Value>> {
    let arguments = prop_oneof![
        Just(""),
        Just("{}"),
        Just("{\"a\":1}{\"b\":2}"),
        Just("[1]"),
        Just("{\"a\"")
    ];
    proptest::collection::vec((arguments, text()), 1..4).prop_map(|calls| {
        let id = |i: usize| format!("call|{i}");
        let each = calls.iter().enumerate();
        let made: Vec<Value> = each
            .clone()
            .map(|(i, (arguments, _))| {
                json!({"id": id(i), "type": "function", "function": {"name": "a tool", "arguments": arguments}})
            })
            .collect();
        let mut turn = vec![json!({"role": "assistant", "content": null, "tool_calls": made})];
        turn.extend(each.rev().map(|(i, (_, said))| json!({"role": "tool", "tool_call_id": id(i), "content": said})));
        turn
    })
}

fn older() -> impl Strategy<Value = Vec<Value>> {
    (prop_oneof![Just("f"), Just("g")], any::<bool>()).prop_map(|(name, answered)| {
        let mut turn = vec![json!({"role": "assistant", "content": null, "function_call": {"name": name, "arguments": "{}"}})];
        turn.extend(answered.then(|| json!({"role": "function", "name": "f", "content": "r"})));
        turn
    })
}

/// A part of a user's message.
pub(super) fn part() -> impl Strategy<Value = Value> {
    let mark = json!({"mode": "explicit", "ttl": "12h"});
    let name = prop_oneof![
        Just(Value::Null),
        Just(json!("a.pdf")),
        Just(json!("  b/c  .pdf")),
        Just(json!("."))
    ];
    prop_oneof![
        Just(json!({"type": "text", "text": "a", "prompt_cache_breakpoint": mark})),
        Just(json!({"type": "text", "text": " ", "prompt_cache_breakpoint": mark})),
        Just(json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}})),
        name.prop_map(
            move |name| json!({"type": "file", "prompt_cache_breakpoint": mark,
            "file": {"file_data": "JVBERi0xLjcK", "filename": name}})
        ),
    ]
}

/// What a model takes is any choice of the table's columns.
pub(super) fn capabilities() -> impl Strategy<Value = Overrides> {
    let bools = proptest::collection::vec(any::<bool>(), 14);
    let choice = prop_oneof![Just(Choice::None), Just(Choice::Any), Just(Choice::All)];
    let reasoning = prop_oneof![
        Just(Reasoning::Budget),
        Just(Reasoning::Adaptive),
        Just(Reasoning::Nested)
    ];
    (bools, choice, reasoning, 0..5_u32).prop_map(|(b, choice, reasoning, points)| Overrides {
        structured: Some(if b[0] {
            Structured::Native
        } else {
            Structured::Tool
        }),
        strict: Some(b[1]),
        inline_refs: Some(b[2]),
        choice: Some(choice),
        parallel_switch: Some(b[3]),
        system: Some(b[4]),
        leading_user: Some(b[5]),
        prefill: Some(b[6]),
        result_alone: Some(b[7]),
        result_json: Some(b[8]),
        result_images: Some(b[9]),
        sampling: Some(if b[10] { Sampling::One } else { Sampling::None }),
        stop: Some(if b[11] { Stop::Visible } else { Stop::Any }),
        reasoning: Some(reasoning),
        images: Some(Set::of(ImageFormat::ALL)),
        documents: Some(5),
        cache_points: Some(points),
        cache_hour: Some(b[12]),
        text_calls: Some(b[13]),
        ..Overrides::default()
    })
}

pub(super) fn models() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("anthropic.claude-sonnet-4-6"),
        Just("anthropic.claude-3-haiku-20240307-v1:0"),
        Just("amazon.nova-pro-v1:0"),
        Just("meta.llama3-3-70b-instruct-v1:0"),
        Just("mistral.mistral-large-2407-v1:0"),
        Just("openai.gpt-oss-120b-1:0"),
        Just("unheard.of"),
    ]
}

/// A request that has something of everything that is translated.
pub(super) fn full() -> Value {
    let schema = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d"}, "b": {"type": ["string", "null"]}},
        "required": ["a"], "additionalProperties": false, "$defs": {"d": {"type": "array", "minItems": 2, "items": {"type": "string"}}}});
    let png = "data:image/png;base64,iVBORw0KGgo=";
    json!({
        "model": "d", "stream": true, "stream_options": {"include_usage": true},
        "temperature": 0.5, "top_p": 0.9, "max_completion_tokens": 4000, "stop": ["END", " "], "seed": 1, "n": 1,
        "user": "u", "store": false, "metadata": {"team": "a b"}, "reasoning_effort": "medium", "service_tier": "auto",
        "parallel_tool_calls": false, "tool_choice": {"type": "allowed_tools", "allowed_tools":
            {"mode": "required", "tools": [{"type": "function", "function": {"name": "a tool"}}]}},
        "tools": [
            {"type": "function", "function": {"name": "a tool", "description": "d", "strict": true, "parameters": &schema}},
            {"type": "function", "function": {"name": "g"}},
            {"type": "custom", "custom": {"name": "free", "format": {"type": "text"}}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "o", "strict": true, "schema": &schema}},
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "name": "n", "content": [
                {"type": "text", "text": "Hi", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
                {"type": "image_url", "image_url": {"url": png, "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjcK"}}]},
            {"role": "assistant", "content": "Well", "refusal": null, "tool_calls": [
                {"id": "c|1", "type": "function", "function": {"name": "a tool", "arguments": "{}{}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "[1]"}},
                {"id": "c3", "type": "custom", "custom": {"name": "free", "input": "as it comes"}}]},
            {"role": "tool", "tool_call_id": "c3", "content": ""},
            {"role": "tool", "tool_call_id": "c2", "content": "two"},
            {"role": "tool", "tool_call_id": "c|1", "content": [{"type": "text", "text": "{\"one\":1}"}]},
            {"role": "developer", "content": "Be brief."},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}], "annotations": [], "context": {}},
            {"role": "user", "content": "Go on"}],
    })
}

/// What is done to some value of a request.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Replace(Value),
    Remove,
    Repeat,
    Swap,
    Add(Value),
}

pub(super) fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any_json().prop_map(Change::Replace),
        Just(Change::Remove),
        Just(Change::Repeat),
        Just(Change::Swap),
        any_json().prop_map(Change::Add),
    ]
}

/// Changes the value that is reached by these turns, each taken among what there is.
pub(super) fn apply(at: &mut Value, way: &[prop::sample::Index], change: &Change) {
    let length = match at {
        Value::Array(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    };
    let Some((turn, rest)) = way.split_first().filter(|_| length > 0) else {
        if let Change::Replace(value) | Change::Add(value) = change {
            *at = value.clone();
        }
        return;
    };
    let turn = turn.index(length);
    match at {
        Value::Array(items) if rest.is_empty() => match change {
            Change::Replace(value) => items[turn] = value.clone(),
            Change::Remove => drop(items.remove(turn)),
            Change::Repeat => items.insert(turn, items[turn].clone()),
            Change::Swap => items.swap(0, turn),
            Change::Add(value) => items.insert(turn, value.clone()),
        },
        Value::Object(members) if rest.is_empty() => {
            let key = members.keys().nth(turn).unwrap().clone();
            match change {
                Change::Replace(value) => drop(members.insert(key, value.clone())),
                Change::Remove => drop(members.shift_remove(&key)),
                Change::Repeat | Change::Swap => {
                    let value = members[&key].clone();
                    members.insert(SECRET.to_owned(), value);
                }
                Change::Add(value) => drop(members.insert(SECRET.to_owned(), value.clone())),
            }
        }
        Value::Array(items) => apply(&mut items[turn], rest, change),
        Value::Object(members) => {
            let value = members.values_mut().nth(turn).unwrap();
            apply(value, rest, change);
        }
        _ => unreachable!("nothing else has a length"),
    }
}

/// Fields that change what a translation does.
pub(super) const FIELDS: &[(&str, &str)] = &[
    (
        "tools",
        r##"[{"type": "function", "function": {"name": "a tool", "strict": true, "parameters": {"type": "object", "properties": {"x": {"$ref": "#/$defs/d"}}, "$defs": {"d": {"type": "string"}}}}}, {"type": "custom", "custom": {"name": "free"}}]"##,
    ),
    ("functions", r#"[{"name": "f"}, {"name": "g"}]"#),
    ("function_call", r#"{"name": "f"}"#),
    ("tool_choice", r#""required""#),
    ("parallel_tool_calls", "false"),
    (
        "response_format",
        r#"{"type": "json_schema", "json_schema": {"name": "o", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}}"#,
    ),
    ("reasoning_effort", r#""high""#),
    ("max_tokens", "1500"),
    ("temperature", "0.2"),
    ("stop", r#"["END", " "]"#),
    ("service_tier", r#""flex""#),
    ("metadata", r#"{"a": "b"}"#),
];

/// A key and a text of the caller's that must not be seen where it does not belong.
pub(super) const SECRET: &str = "hunter2";
