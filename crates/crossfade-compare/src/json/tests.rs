//! What is read, after which repairs, and why the rest is not.

use serde_json::json;

use super::*;

#[test]
fn text_is_read_strictly_then_leniently() {
    let check = |text: &str, expected: Json| assert_eq!(Json::read(text), expected, "{text}");
    let read = |value: Value| Document::parse(&value.to_string()).unwrap();
    let strict = |value| Json::Strict(read(value));
    check("{\"a\":1}", strict(json!({"a": 1})));
    check(" \n[1, 2]\t", strict(json!([1, 2])));
    check("42", strict(json!(42)));
    let lenient = |value, repair: &str| Json::Lenient(read(value), repair.to_owned());
    check(
        "```json\n{\"a\":1}\n```",
        lenient(json!({"a": 1}), "fenced"),
    );
    check(
        "```\n{\"a\":1}\n```\nDone.",
        lenient(json!({"a": 1}), "fenced"),
    );
    check("```json {\"a\":1}```", lenient(json!({"a": 1}), "fenced"));
    check(
        "Here:\n```json\n{\"a\":1}",
        lenient(json!({"a": 1}), "fenced"),
    );
    check(
        "```json\n{\"a\":\"``` x\"}\n```",
        lenient(json!({"a": "``` x"}), "fenced"),
    );
    check(
        "```json\n{\"a\":1}\n``` and ```\nx\n```",
        lenient(json!({"a": 1}), "fenced"),
    );
}

#[test]
fn what_is_around_or_inside_is_repaired() {
    let check = |text: &str, expected: Json| assert_eq!(Json::read(text), expected, "{text}");
    let lenient = |value: Value, repair: &str| {
        let document = Document::parse(&value.to_string()).unwrap();
        Json::Lenient(document, repair.to_owned())
    };
    check(
        "Sure! {\"a\":1} as asked.",
        lenient(json!({"a": 1}), "surrounded"),
    );
    check(
        "{\"a\":\"x\ny\"}",
        lenient(json!({"a": "x\ny"}), "raw_newline"),
    );
    check(
        "```\n{\"a\":\"x\ny\"}\n```",
        lenient(json!({"a": "x\ny"}), "fenced+raw_newline"),
    );
    check(
        "{\"a\":[1,2,],}",
        lenient(json!({"a": [1, 2]}), "trailing_comma"),
    );
    check(
        "{\"a\":\"x\ny,]\",}",
        lenient(json!({"a": "x\ny,]"}), "raw_newline+trailing_comma"),
    );
    check(
        "{\"a\": 1, // one\n \"b\": 2, /* two */ }",
        lenient(json!({"a": 1, "b": 2}), "trailing_comma+comment"),
    );
    check(
        "{\"a\": \"http://x /* y */\",}",
        lenient(json!({"a": "http://x /* y */"}), "trailing_comma"),
    );
    check(
        "Put {x} in {\"a\": 1}.",
        lenient(json!({"a": 1}), "surrounded"),
    );
    check(
        "As in [1]: {\"a\": {\"b\": 1}} (see {x}).",
        lenient(json!({"a": {"b": 1}}), "surrounded"),
    );
    check(
        "It is {\"a\": \"x\ny\"} so.",
        lenient(json!({"a": "x\ny"}), "surrounded+raw_newline"),
    );
    check(
        "\u{feff}{\"a\":1,}",
        lenient(json!({"a": 1}), "byte_order_mark+trailing_comma"),
    );
    check(
        "\u{feff}{\"a\":1}",
        lenient(json!({"a": 1}), "byte_order_mark"),
    );
}

#[test]
fn text_that_is_no_json_says_why() {
    let check = |text: &str, expected: Json| assert_eq!(Json::read(text), expected, "{text}");
    check("", Json::No("empty"));
    check("  \n", Json::No("empty"));
    check("I cannot.", Json::No("no_json"));
    check("{\"a\": {\"b\": 1", Json::No("cut_off"));
    check("{'a': 1}", Json::No("not_json"));
    check("{\"a\": None}", Json::No("not_json"));
    check("{\"a\": \"f(\"x\") is [] or [1]\"}", Json::No("not_json"));
    check("{\"a\": NaN}", Json::No("not_a_number"));
    check("{\"a\": -Infinity, \"b\": 1}", Json::No("not_a_number"));
    check("{\"a\": NaNs}", Json::No("not_json"));
    check("{\"a\": \"x\\\ny\"}", Json::No("not_json"));
    check("{a: 1}", Json::No("not_json"));
    check("{\"a\": \"it\\'s\"}", Json::No("not_json"));
    check("{\"a\": 1 \"b\": 2}", Json::No("not_json"));
    check(&"[".repeat(400), Json::TooDeep);
    check(
        &format!("{}{}", "[".repeat(400), "]".repeat(400)),
        Json::TooDeep,
    );
}
