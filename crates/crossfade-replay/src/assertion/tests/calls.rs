//! Assertions on calls of tools.

use super::*;

#[test]
fn valid_calls() {
    for name in [
        "is-valid-openai-tools-call",
        "is-valid-openai-function-call",
        "is-valid-function-call",
    ] {
        let valid = json!({"type": name});
        check(valid.clone(), &calls(&[("find", "{\"id\":1}")]), PASS);
        check(
            valid.clone(),
            &calls(&[("find", "{\"id\":1}"), ("find", "{}")]),
            FAIL,
        );
        check(valid.clone(), &calls(&[("lose", "{}")]), FAIL);
        check(valid, &says("I would call find."), FAIL);
    }
    refused(
        json!({"type": "is-valid-openai-tools-call", "value": 1}),
        "assert[0].value: unknown key",
    );
}

#[test]
fn tool_call_f1() {
    let two = json!({"type": "tool-call-f1", "value": ["find", "book"], "threshold": 0.6});
    check(
        two.clone(),
        &calls(&[("book", "{}"), ("find", "{}"), ("find", "{}")]),
        PASS,
    );
    check(two.clone(), &calls(&[("find", "{}")]), PASS);
    scored(two.clone(), &calls(&[("find", "{}")]), 2.0 / 3.0);
    check(two, &says("none"), FAIL);
    check(
        json!({"type": "tool-call-f1", "value": "find, book"}),
        &calls(&[("find", "{}")]),
        FAIL,
    );
    refused(
        json!({"type": "tool-call-f1", "value": []}),
        "assert[0].value: ",
    );
    refused(
        json!({"type": "tool-call-f1", "value": "a", "threshold": 2}),
        "assert[0].threshold: 2 is out of range",
    );
}

#[test]
fn tool_arguments() {
    let wanted =
        json!({"type": "tool-args", "tool": "find", "value": {"id": 1, "city": "São Paulo"}});
    check(
        wanted.clone(),
        &calls(&[("find", "{\"city\":\"São Paulo\",\"id\":1.0}")]),
        PASS,
    );
    check(
        wanted.clone(),
        &calls(&[
            ("find", "{\"id\":2}"),
            ("find", "{\"id\":1,\"city\":\"São Paulo\"}"),
        ]),
        PASS,
    );
    check(wanted.clone(), &calls(&[("find", "{\"id\":1}")]), FAIL);
    check(wanted.clone(), &calls(&[("find", "not json")]), FAIL);
    check(wanted.clone(), &calls(&[("book", "{\"id\":1}")]), FAIL);
    scored(
        wanted,
        &calls(&[("find", "{\"id\":1,\"city\":\"são paulo\"}")]),
        0.5,
    );
    let loose = json!({"type": "tool-args", "tool": "find", "value": {"city": "São  Paulo"}, "any_case": true, "ignore": ["id"]});
    check(
        loose,
        &calls(&[("find", "{\"id\":7,\"city\":\"são paulo\"}")]),
        PASS,
    );
    check(
        json!({"type": "tool-args", "tool": "find", "value": {}}),
        &calls(&[("find", "")]),
        PASS,
    );
    refused(
        json!({"type": "tool-args", "value": {}}),
        "assert[0].tool: it is missing",
    );
    refused(
        json!({"type": "tool-args", "tool": "find", "value": "x"}),
        "assert[0].value: it must be an object",
    );
}

#[test]
fn calls_alone_are_read_as_their_json() {
    let answer = calls(&[("find", "{\"id\":1}")]);
    check(json!({"type": "is-json"}), &answer, PASS);
    check(
        json!({"type": "contains", "value": "\"find\""}),
        &answer,
        PASS,
    );
    check(json!({"type": "contains", "value": "book"}), &answer, FAIL);
}
