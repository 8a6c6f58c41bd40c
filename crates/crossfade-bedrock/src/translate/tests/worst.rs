//! The worst that a body of the largest kind can ask for. A request is translated before the primary is asked, so work
//! must grow with the body and no faster, and so must what is sent; what recurses on the caller's word ends the process.

use std::time::Duration;

use crossfade_exchange::Operation;

use super::*;
use crate::settings::Api;

/// The bytes of a large body.
const LARGE: usize = 2 << 20;
/// How many times as long as merely reading the body its translation may take: it takes up to four, and a list of these
/// lengths that is searched in a loop makes that twelve to sixty.
const LIMIT: f64 = 10.0;
/// The same for the ways by another wire, which write and read the body once more.
const LIMIT_OF_WAYS: f64 = 30.0;
/// How often a time is taken before it counts.
const TRIES: usize = 5;
/// Bodies below this are too small for their time to say anything.
const TELLING: usize = LARGE / 4;

/// As many items as make a large body.
fn items(item: impl Fn(usize) -> Value) -> Vec<Value> {
    let mut items = Vec::new();
    let mut bytes = 0;
    while bytes < LARGE {
        let item = item(items.len());
        bytes += item.to_string().len() + 1;
        items.push(item);
    }
    items
}

/// A request of a user message and these after it.
fn after_hi(messages: impl IntoIterator<Item = Value>) -> Value {
    let first = json!({"role": "user", "content": "Hi"});
    chat(std::iter::once(first).chain(messages).collect())
}

#[track_caller]
fn check(request: &Value, field: Option<&str>) {
    check_for(&able(), request, field);
}

/// Translates, and compares the time with that of reading the body, on the same machine at the same moment.
#[track_caller]
fn check_for(settings: &CandidateSettings, request: &Value, field: Option<&str>) {
    let body = body(request);
    let mut least = f64::MAX;
    for _ in 0..TRIES {
        let reading = time(|| serde_json::from_slice::<Value>(&body)).1;
        let (translated, translating) = time(|| translate(&body, settings));
        least = least.min(translating.as_secs_f64() / reading.as_secs_f64());
        let refused = translated.as_ref().err().map(|error| error.field.as_str());
        assert_eq!(refused, field);
        if let Ok(translation) = translated {
            let sent = serde_json::to_vec(&translation.request).unwrap().len();
            assert!(sent < 20 * body.len(), "{sent} of {}", body.len());
        }
        if least < LIMIT || body.len() < TELLING {
            return;
        }
    }
    panic!("{least} times as long as reading {} bytes", body.len());
}

/// How long this thread works on it, whatever else the machine does meanwhile.
fn time<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let worked = || -> Duration {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        now.try_into().unwrap()
    };
    let before = worked();
    let done = work();
    (done, worked().checked_sub(before).unwrap())
}

#[test]
fn more_tools_than_the_primary_takes() {
    let many = |n: usize| -> Vec<Value> { (0..n).map(|i| tool(&format!("t{i}"))).collect() };
    check(&hi(json!({"tools": many(128)})), None);
    check(&hi(json!({"tools": many(129)})), Some("tools"));
    let all = items(|i| tool(&format!("t{i}")));
    check(&hi(json!({ "tools": all })), Some("tools"));
    let allowed = |allowed: &[Value]| json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": allowed}});
    let fields = json!({"tools": many(128), "tool_choice": allowed(&many(128))});
    check(&hi(fields), None);
    let fields = json!({"tools": many(128), "tool_choice": allowed(&all)});
    check(&hi(fields), Some("tool_choice.allowed_tools.tools"));
}

#[test]
fn the_answer_s_own_tool_finds_a_free_name() {
    let name = |n: usize| match n {
        0 => "answer_as_json".to_owned(),
        n => format!("answer_as_json_{}", n + 1),
    };
    let tools: Vec<Value> = (0..128).map(|n| tool(&name(n))).collect();
    let request = hi(
        json!({"tools": tools, "response_format": {"type": "json_schema",
        "json_schema": {"name": "o", "schema": {"type": "object"}}}}),
    );
    let settings = with(|c| c.structured = Some(Structured::Tool));
    let reply = translate(&body(&request), &settings).unwrap().reply;
    assert_eq!(reply.json_tool, Some(name(128)));
}

#[test]
fn many_messages() {
    for role in ["system", "user", "assistant"] {
        check(
            &after_hi(items(|_| json!({"role": role, "content": "a"}))),
            None,
        );
    }
    let blank = items(|_| json!({"role": "user", "content": " "}));
    check(&after_hi(blank), None);
    let parts = items(|_| json!({"type": "text", "text": "a"}));
    check(&after_hi([json!({"role": "user", "content": parts})]), None);
    let turns = items(
        |i| json!({"role": if i % 2 == 0 { "user" } else { "assistant" }, "content": "a", "name": "n"}),
    );
    check(&after_hi(turns), None);
}

/// A user's messages after results join the results' turn, or stand alone.
#[test]
fn many_messages_after_results() {
    let results = || {
        [
            json!({"role": "assistant", "tool_calls": [call("c", "f", "")]}),
            json!({"role": "tool", "tool_call_id": "c", "content": "r"}),
        ]
    };
    let spoken = items(|_| json!({"role": "user", "content": "a"}));
    let mut request = after_hi(results().into_iter().chain(spoken));
    request["tools"] = json!([tool("f")]);
    check(&request, None);
    check_for(&with(|c| c.result_alone = Some(true)), &request, None);
}

#[test]
fn many_calls_and_results() {
    for id in [
        "c",
        "a|b",
        "a long id that does not fit because of its blanks",
    ] {
        let calls = items(|i| call(&format!("{id}{i}"), "f", "{}"));
        let result =
            |i: usize| json!({"role": "tool", "tool_call_id": format!("{id}{i}"), "content": "r"});
        let results = (0..calls.len()).rev().map(result);
        let turn = json!({"role": "assistant", "tool_calls": calls});
        let mut request = after_hi(std::iter::once(turn).chain(results));
        check(&request, None);
        request["tools"] = json!([tool("f")]);
        check(&request, None);
    }
    let same = items(|_| call("c", "f", "{}"));
    let turn = json!({"role": "assistant", "tool_calls": same});
    let results = items(|_| json!({"role": "tool", "tool_call_id": "c", "content": "r"}));
    check(
        &after_hi(std::iter::once(turn.clone()).chain(results)),
        None,
    );
    check(&after_hi([turn]), Some("messages[1].tool_calls"));
}

/// Each part of a split call repeats the result.
#[test]
fn arguments_that_would_multiply_a_result() {
    let arguments = "{}".repeat(LARGE / 4);
    let result = json!({"role": "tool", "tool_call_id": "c", "content": "r".repeat(LARGE / 2)});
    for arguments in [arguments.as_str(), "{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}"] {
        let turn = json!({"role": "assistant", "tool_calls": [call("c", "f", arguments)]});
        let mut request = after_hi([turn, result.clone()]);
        request["tools"] = json!([tool("f")]);
        check(&request, None);
        check_for(&with(|c| c.result_json = Some(true)), &request, None);
    }
}

#[test]
fn large_schemas() {
    let properties = |n: usize, of: &dyn Fn(usize) -> Value| -> Value {
        (0..n).map(|i| (format!("p{i}"), of(i))).collect()
    };
    let wide = properties(60_000, &|_| json!({"type": "string"}));
    let web = properties(
        2_000,
        &|i| json!({"anyOf": [{"$ref": format!("#/$defs/p{}", i + 1)}, {"$ref": format!("#/$defs/p{}", i + 2)}]}),
    );
    let chain = properties(40_000, &|i| json!({"$ref": format!("#/$defs/p{}", i + 1)}));
    let mut nested = json!({});
    for _ in 0..50 {
        nested = json!({"properties": {"a": nested, "b": {"$ref": "#/properties/a"}}});
    }
    let long = "n".repeat(LARGE / 2);
    let refs: Vec<Value> = (0..10_000).map(|_| json!({"$ref": "#/$defs/a"})).collect();
    for schema in [
        json!({"type": "object", "properties": wide}),
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/p0"}}, "$defs": web}),
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/p0"}}, "$defs": chain}),
        nested,
        json!({"type": "object", "anyOf": refs, "$defs": {"a": {"$ref": format!("#/$defs/{long}")}}}),
    ] {
        let format =
            json!({"type": "json_schema", "json_schema": {"name": "o", "schema": &schema}});
        check(&hi(json!({ "response_format": format })), None);
        let strict = json!({"type": "function", "function":
            {"name": "f", "strict": true, "parameters": &schema}});
        check(&hi(json!({ "tools": [strict] })), None);
    }
}

#[test]
fn other_lists() {
    let stops: Vec<Value> = items(|_| json!("a"));
    check(&hi(json!({ "stop": stops })), Some("stop"));
    let pairs: Value = (0..100_000)
        .map(|i| (format!("k{i}"), json!("v")))
        .collect();
    check(&hi(json!({ "metadata": pairs })), None);
    let unknown: serde_json::Map<String, Value> = (0..100_000)
        .map(|i| (format!("k{i}"), Value::Null))
        .collect();
    check(&hi(Value::Object(unknown)), None);
    let annotations = items(|_| json!({}));
    let turn = json!({"role": "assistant", "content": "a", "annotations": annotations});
    check(&after_hi([turn]), None);
}

/// An id that was made to look like the form of another's must not be sent twice.
#[test]
fn ids_that_only_look_different() {
    let (fitted, _) = names::tool_use_id("a|b");
    for (first, arguments, second) in [("a|b", "{}", fitted.as_str()), ("a", "{}{}", "a_1")] {
        let calls = json!([call(first, "f", arguments), call(second, "f", "{}")]);
        let request = after_hi([json!({"role": "assistant", "tool_calls": calls})]);
        check(&request, Some("messages[1].tool_calls[1].id"));
    }
}

/// Whichever way a request goes, judging it takes time that grows with the body and no faster.
#[track_caller]
fn check_ways(operation: Operation, request: &Value) {
    for api in [Api::Converse, Api::OpenaiChat, Api::OpenaiResponses] {
        let mut settings = able();
        settings.api = api;
        let body = body(request);
        let least = (0..TRIES).map(|_| {
            let reading = time(|| serde_json::from_slice::<Value>(&body)).1;
            let (judged, judging) = time(|| crate::eligibility(operation, &body, &settings));
            judged.unwrap();
            judging.as_secs_f64() / reading.as_secs_f64()
        });
        assert!(
            least.into_iter().any(|each| each < LIMIT_OF_WAYS),
            "{api:?}"
        );
    }
}

#[test]
fn many_losses_on_any_way() {
    let marked = items(|_| json!({"type": "text", "text": "a", "prompt_cache_breakpoint": {}}));
    check_ways(
        Operation::Chat,
        &after_hi([json!({"role": "user", "content": marked})]),
    );
    let marked =
        items(|_| json!({"type": "input_text", "text": "a", "prompt_cache_breakpoint": {}}));
    let message = json!([{"role": "user", "content": marked}]);
    check_ways(
        Operation::Responses,
        &json!({"input": message, "store": false}),
    );
    let phases = items(|_| json!({"role": "user", "content": "a", "phase": "x"}));
    check_ways(
        Operation::Responses,
        &json!({"input": phases, "store": false}),
    );
}

#[test]
fn many_required_properties_on_any_way() {
    let names: Vec<Value> = items(|i| json!(format!("p{i}")));
    let properties: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| (name.as_str().unwrap().to_owned(), json!({})))
        .collect();
    let schema = json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false});
    let tools = json!([{"type": "function", "name": "f", "parameters": schema}]);
    check_ways(
        Operation::Responses,
        &json!({"input": "a", "tools": tools, "store": false}),
    );
}
