//! What holds for every request: translation never panics, and what it gives keeps the target's rules.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{super::*, able, eligibility, rules::broken};

/// Any JSON, a few levels deep, with words that the wire knows among its strings.
fn any_json() -> impl Strategy<Value = Value> {
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
fn messages() -> impl Strategy<Value = Vec<Value>> {
    let text = prop_oneof![
        Just(""),
        Just(" \n"),
        Just("a"),
        Just("b "),
        Just("{\"x\":1}")
    ];
    let arguments = prop_oneof![
        Just(""),
        Just("{}"),
        Just("{\"a\":1}{\"b\":2}"),
        Just("[1]"),
        Just("{\"a\"")
    ];
    let plain = (
        prop_oneof![
            Just("system"),
            Just("developer"),
            Just("user"),
            Just("assistant")
        ],
        text.clone(),
    )
        .prop_map(|(role, text)| vec![json!({"role": role, "content": text})]);
    let calls = proptest::collection::vec((arguments, text), 1..4).prop_map(|calls| {
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
    });
    proptest::collection::vec(prop_oneof![3 => plain, 1 => calls], 1..8)
        .prop_map(|turns| turns.concat())
}

fn models() -> impl Strategy<Value = &'static str> {
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

/// Every rule of the target's holds.
fn keeps_the_rules(request: &Value) -> Result<(), TestCaseError> {
    prop_assert_eq!(broken(request), None, "{}", request);
    Ok(())
}

/// A request that has something of everything that is translated.
fn full() -> Value {
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
            {"type": "function", "function": {"name": "g"}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "o", "strict": true, "schema": &schema}},
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
            {"role": "user", "name": "n", "content": [
                {"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": png, "detail": "low"}}]},
            {"role": "assistant", "content": "Well", "refusal": null, "tool_calls": [
                {"id": "c|1", "type": "function", "function": {"name": "a tool", "arguments": "{}{}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "[1]"}}]},
            {"role": "tool", "tool_call_id": "c2", "content": "two"},
            {"role": "tool", "tool_call_id": "c|1", "content": [{"type": "text", "text": "{\"one\":1}"}]},
            {"role": "developer", "content": "Be brief."},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No"}], "annotations": [], "context": {}},
            {"role": "user", "content": "Go on"}],
    })
}

/// What is done to some value of a request.
#[derive(Clone, Debug)]
enum Change {
    Replace(Value),
    Remove,
    Repeat,
    Swap,
    Add(Value),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any_json().prop_map(Change::Replace),
        Just(Change::Remove),
        Just(Change::Repeat),
        Just(Change::Swap),
        any_json().prop_map(Change::Add),
    ]
}

/// Changes the value that is reached by these turns, each taken among what there is.
fn apply(at: &mut Value, way: &[prop::sample::Index], change: &Change) {
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

/// A key and a text of the caller's that must not be seen where it does not belong.
const SECRET: &str = "hunter2";

#[test]
fn the_full_request_is_taken() {
    for settings in [
        CandidateSettings::new("anthropic.claude-sonnet-4-6"),
        able(),
    ] {
        let body = serde_json::to_vec(&full()).unwrap();
        let translation = translate(&body, &settings).unwrap();
        keeps_the_rules(&serde_json::to_value(translation.request).unwrap()).unwrap();
    }
}

proptest! {
    #[test]
    fn arbitrary_fields_never_panic(
        messages in proptest::collection::vec(any_json(), 0..4),
        fields in proptest::collection::vec((0..chat::Request::FIELDS.len(), any_json()), 0..4),
    ) {
        let mut request = Map::new();
        for (field, value) in fields {
            request.insert(chat::Request::FIELDS[field].to_owned(), value);
        }
        request.insert("messages".to_owned(), Value::Array(messages));
        let body = serde_json::to_vec(&request).unwrap();
        let refused = translate(&body, &able()).map(|translation| serde_json::to_value(translation.request).unwrap());
        match refused {
            Ok(request) => keeps_the_rules(&request)?,
            Err(refused) => prop_assert!(!refused.field.is_empty()),
        }
    }

    #[test]
    fn conversations_keep_the_target_s_rules(
        messages in messages(),
        model in models(),
        tools in any::<bool>(),
        schema in any::<bool>(),
    ) {
        let mut request = json!({ "messages": messages });
        if tools {
            request["tools"] = json!([{"type": "function", "function": {"name": "a tool"}}]);
        }
        if schema {
            request["response_format"] = json!({"type": "json_schema", "json_schema":
                {"name": "o", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}}});
        }
        let body = serde_json::to_vec(&request).unwrap();
        let settings = CandidateSettings::new(model);
        let translation = translate(&body, &settings).unwrap();
        prop_assert_eq!(&translation, &translate(&body, &settings).unwrap(), "the same every time");
        prop_assert_eq!(eligibility(&body, &settings), Ok(()));
        let translated = serde_json::to_value(&translation.request).unwrap();
        keeps_the_rules(&translated)?;
        let capabilities = settings.resolved_capabilities();
        let turns = &translation.request.messages;
        if capabilities.leading_user {
            prop_assert_eq!(turns.first().map(|turn| turn.role), Some(converse::Speaker::User));
        }
        if !capabilities.prefill {
            prop_assert_eq!(turns.last().map(|turn| turn.role), Some(converse::Speaker::User));
        }
    }

    #[test]
    fn requests_that_were_tampered_with(
        changes in proptest::collection::vec((proptest::collection::vec(any::<prop::sample::Index>(), 1..7), change()), 0..6),
        model in models(),
    ) {
        let mut request = full();
        for (way, change) in &changes {
            apply(&mut request, way, change);
        }
        let body = serde_json::to_vec(&request).unwrap();
        for settings in [CandidateSettings::new(model), able()] {
            match translate(&body, &settings) {
                Ok(translation) => {
                    for loss in &translation.losses {
                        prop_assert!(!loss.field.contains(SECRET), "{}", loss.field);
                    }
                    keeps_the_rules(&serde_json::to_value(translation.request).unwrap())?;
                }
                Err(refused) => {
                    prop_assert!(!refused.field.is_empty());
                    prop_assert!(!refused.to_string().contains(SECRET), "{refused}");
                }
            }
        }
    }
}
