//! Rules by path, places that differ, and what could not be judged, over whole exchanges of both APIs.

use crossfade_exchange::{CheckOutcome, Operation};
use serde_json::{Value, json};

use super::{
    super::*,
    build::{body, calls, exchange, recorded, said},
    checks::{checks, compare, result, told},
};

/// `told` of one check, and `kind path` of each place.
fn places(verdict: &Verdict, check: Check) -> (String, Vec<String>) {
    let result = result(verdict, check);
    let places = result.differences.iter();
    let places = places.map(|place| format!("{} {}", place.kind, place.path));
    (told(result), places.collect())
}

fn expect((found, at): &(String, Vec<String>), told: &str, places: &[&str]) {
    assert_eq!(found, told);
    assert_eq!(at, places, "{told}");
}

#[test]
fn json_is_compared_by_the_rules_of_its_paths() {
    let checks = checks(json!({"json": true, "json_paths": [
        {"path": "$.price", "rule": "numeric", "abs": 0.01, "weight": 3, "severity": "blocker"},
        {"path": "$.note", "rule": "text", "threshold": 0.4},
        {"path": "$.tags", "rule": "set"},
        {"path": "$..id", "rule": "ignore"},
    ]}));
    let check = |primary: Value, candidate: Value, expected: &str, at: &[&str], class: &str| {
        let (from, to) = (body(&primary.to_string()), body(&candidate.to_string()));
        let verdict = compare(&checks, &json!({}), &from, &to);
        expect(&places(&verdict, Check::JsonStructure), expected, at);
        assert_eq!(verdict.class.map_or("", |class| class.as_str()), class);
    };
    check(
        json!({"id": 1, "price": 9.99, "tags": ["a", "b"], "note": "sent to you today"}),
        json!({"note": "sent to you on this day", "tags": ["b", "a", "a"], "price": 10.0, "id": 2}),
        "pass blocker 1.00 -",
        &[],
        "equivalent",
    );
    check(
        json!({"price": 9.99, "secret": 1}),
        json!({"price": 19.99, "secret": 1}),
        "fail blocker 0.25 1 of 2 leaves, value $.price",
        &["value $.price"],
        "candidate_invalid",
    );
    check(
        json!({"price": 1, "secret": 1}),
        json!({"price": 1, "secret": 2}),
        "fail major 0.75 1 of 2 leaves, value $.?",
        &["value $.?"],
        "different_major",
    );
    check(
        json!({"tags": ["a"]}),
        json!({"tags": ["b"]}),
        "fail major 0.00 2 of 2 leaves, missing $.tags[*], extra $.tags[*]",
        &["missing $.tags[*]", "extra $.tags[*]"],
        "different_major",
    );
}

#[test]
fn missing_fields_and_labels_have_places() {
    let checks = checks(json!({
        "required_fields": ["$.class", "$.items[*].price"],
        "label": {"path": "$.class", "values": ["refund", "other"]},
    }));
    let format = json!({"response_format": {"type": "json_object"}});
    let from = json!({"class": "refund", "items": [{"price": 1}]});
    let check = |candidate: Value, check: Check, expected: &str, at: &[&str]| {
        let (from, to) = (body(&from.to_string()), body(&candidate.to_string()));
        expect(
            &places(&compare(&checks, &format, &from, &to), check),
            expected,
            at,
        );
    };
    check(
        json!({"items": [{}, {"price": 2}]}),
        Check::RequiredFields,
        "fail blocker 0.25 $.class: missing",
        &["missing $.class", "missing $.items[*].price"],
    );
    check(
        json!({"class": "other", "items": []}),
        Check::Label,
        "fail major 0.00 refund -> other",
        &["value $.class: refund -> other"],
    );
    check(
        json!({"items": []}),
        Check::Label,
        "fail major 0.00 refund -> (missing)",
        &["missing $.class: refund -> (missing)"],
    );
}

#[test]
fn numbers_are_labels_of_their_own_kind() {
    let checks = checks(json!({"label": {"pattern": "(?i)answer: (.*)", "number": {"rel": 0.01}}}));
    let check = |primary: &str, candidate: &str, expected: &str| {
        let verdict = compare(&checks, &json!({}), &body(primary), &body(candidate));
        assert_eq!(
            told(result(&verdict, Check::Label)),
            expected,
            "{candidate}"
        );
        let labels =
            [&verdict.primary, &verdict.candidate].map(|side| side.as_ref().unwrap().label);
        assert_eq!(labels, [None, None], "a number has no place in a list");
    };
    check(
        "Answer: $1,000",
        "It is so.\nAnswer: 1005 dollars",
        "pass major 1.00 -",
    );
    check(
        "Answer: 18",
        "Answer: 19",
        "fail major 0.00 (number) -> (number)",
    );
    check(
        "Answer: 18",
        "Answer: none",
        "fail major 0.00 (number) -> (no number)",
    );
    check(
        "Answer: 18",
        "I do not know.",
        "fail major 0.00 (number) -> (missing)",
    );
    check(
        "Answer: none",
        "Answer: 18",
        "na major 0.00 primary has no label",
    );
}

fn book(parameters: &Value) -> Value {
    json!({"tools": [{"type": "function", "function": {"name": "book", "parameters": parameters}}]})
}

#[test]
fn arguments_have_places_under_their_tool() {
    let checks = checks(json!({"tool_arguments": {"rules": [
        {"path": "book.price", "rule": "numeric", "abs": 1},
        {"path": "book.seats", "rule": "set", "severity": "blocker"},
    ]}}));
    let request = book(&json!({"type": "object", "properties": {
        "city": {"type": "string"}, "price": {"type": "number"}, "seats": {"type": "array"}, "more": {"type": "object"}}}));
    let check = |primary: &str, candidate: &str, expected: &str, at: &[&str]| {
        let answer = |arguments: &str| calls(&[("book", arguments)]);
        let verdict = compare(&checks, &request, &answer(primary), &answer(candidate));
        expect(&places(&verdict, Check::ToolArguments), expected, at);
    };
    check(
        r#"{"price":10,"seats":[1,2]}"#,
        r#"{"seats":[2,1],"price":10.5}"#,
        "pass major 1.00 -",
        &[],
    );
    check(
        r#"{"city":"a","more":{"secret":[1]}}"#,
        r#"{"city":"b","more":{"secret":[2]}}"#,
        "fail major 0.00 tools[0]: 2 of 2 leaves, value $.city, value $.more.?[0]",
        &["value book.city", "value book.more.?[*]"],
    );
    check(
        r#"{"seats":[1]}"#,
        r#"{"seats":[2]}"#,
        "fail blocker 0.00 tools[0]: 2 of 2 leaves, missing $.seats[*], extra $.seats[*]",
        &["missing book.seats[*]", "extra book.seats[*]"],
    );
    check(
        r#"{"city":"a"}"#,
        r#"{"city":1}"#,
        "fail major 0.00 tools[0]: $.city: type",
        &["type book.city"],
    );
    check(
        r#"{"city":"a"}"#,
        r#"{"city":"a","secret":1}"#,
        "fail major 0.00 tools[0]: unknown parameter",
        &["extra book.?"],
    );
}

#[test]
fn tools_are_named_where_they_are_declared() {
    let request = book(&json!({"type": "object"}));
    let called = calls(&[("book", "{}"), ("secret", "{}")]);
    let verdict = compare(&checks(json!({})), &request, &body("x"), &called);
    expect(
        &places(&verdict, Check::ToolSelection),
        "fail major 0.00 tools[0] 0 -> 1, undeclared tool 0 -> 1",
        &["extra ?", "extra book"],
    );
}

#[test]
fn what_cannot_be_judged_is_an_error() {
    let plain = checks(json!({}));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let verdict = compare(
        &checks(json!({"json": true})),
        &json!({}),
        &body("[]"),
        &body(&deep),
    );
    assert_eq!(
        told(result(&verdict, Check::JsonParse)),
        "error blocker 0.00 too_deep"
    );
    let called = calls(&[("book", "{\"a\":1}")]);
    let request = book(&json!({"type": "dict", "properties": {"a": {}}}));
    let other = calls(&[("book", "{ \"a\": 1 }")]);
    let verdict = compare(&plain, &request, &called, &other);
    // Of the arguments themselves nothing is known, but they are the same.
    assert_eq!(
        result(&verdict, Check::ToolArguments).outcome,
        CheckOutcome::Pass
    );
    let alone = exchange(&request, None, Some(recorded(200, &called)));
    let verdict = plain.compare(&alone);
    assert_eq!(
        told(result(&verdict, Check::ToolArguments)),
        "error major 0.00 tools[0]: schema_invalid"
    );
}

#[test]
fn text_beside_calls_is_compared_too() {
    let request = book(&json!({"type": "object"}));
    let mixed = |text: &str, city: &str| {
        said(
            &json!({"role": "assistant", "content": text, "refusal": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "book", "arguments": json!({"city": city}).to_string()}}]}),
            "tool_calls",
        )
    };
    let checks = checks(json!({"label": {"pattern": "^(yes|no)", "values": ["yes", "no"]}}));
    let verdict = compare(
        &checks,
        &request,
        &mixed("yes, I book", "a"),
        &mixed("no, I book", "a"),
    );
    assert_eq!(
        told(result(&verdict, Check::Label)),
        "fail major 0.00 yes -> no"
    );
    assert_eq!(
        result(&verdict, Check::ToolArguments).outcome,
        CheckOutcome::Pass
    );
}

#[test]
fn responses_are_compared_by_the_same_rules() {
    let answer = |text: &str, arguments: &str| {
        json!({
            "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "m",
            "output": [
                {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                 "content": [{"type": "output_text", "text": text, "annotations": []}]},
                {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "book", "arguments": arguments, "status": "completed"},
            ],
            "usage": {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2},
        })
        .to_string()
    };
    let request = json!({"input": "q", "tools": [{"type": "function", "name": "book", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}}}]});
    let checks = checks(json!({
        "label": {"pattern": "^(yes|no)", "values": ["yes", "no"]},
        "tool_arguments": {"rules": [{"path": "book.city", "rule": "words"}]},
    }));
    let check = |primary: &str, candidate: &str, label: &str, arguments: &str| {
        let exchange = Exchange {
            operation: Operation::Responses,
            ..exchange(
                &request,
                Some(recorded(200, primary)),
                Some(recorded(200, candidate)),
            )
        };
        let verdict = checks.compare(&exchange);
        assert_eq!(told(result(&verdict, Check::Label)), label);
        assert_eq!(told(result(&verdict, Check::ToolArguments)), arguments);
    };
    let one = answer("yes", r#"{"city":"New York"}"#);
    check(
        &one,
        &answer("Yes.", r#"{"city":"new-york"}"#),
        "fail major 0.00 yes -> (missing)",
        "pass major 1.00 -",
    );
    check(
        &one,
        &answer("no", r#"{"city":"York"}"#),
        "fail major 0.00 yes -> no",
        "fail major 0.00 tools[0]: 1 of 1 leaves, value $.city",
    );
}
