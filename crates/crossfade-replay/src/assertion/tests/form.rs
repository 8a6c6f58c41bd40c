//! Assertions on the form of an answer, its end, its price and its baseline.

use super::*;

#[test]
fn json_alone_and_within() {
    let schema = json!({"type": "object", "required": ["a"]});
    check(json!({"type": "is-json"}), &says("{\"a\":1}"), PASS);
    check(
        json!({"type": "is-json"}),
        &says("```json\n{\"a\":1}\n```"),
        FAIL,
    );
    check(json!({"type": "is-json"}), &says("no"), FAIL);
    check(
        json!({"type": "is-json", "value": schema}),
        &says("{\"a\":1}"),
        PASS,
    );
    check(
        json!({"type": "is-json", "value": schema}),
        &says("{\"b\":1}"),
        FAIL,
    );
    check(
        json!({"type": "contains-json"}),
        &says("Here [1]: {\"b\":{\"c\":1}} done"),
        PASS,
    );
    check(
        json!({"type": "contains-json"}),
        &says("see [1] and {x}"),
        FAIL,
    );
    check(
        json!({"type": "contains-json", "value": schema}),
        &says("{x {\"b\":1} then {\"a\":1}"),
        PASS,
    );
    check(
        json!({"type": "contains-json", "value": schema}),
        &says("only {\"b\":1}"),
        FAIL,
    );
    check(
        json!({"type": "contains-json", "value": {"type": "array"}}),
        &says("[1, 2]"),
        PASS,
    );
    refused(
        json!({"type": "is-json", "value": {"type": 7}}),
        "assert[0].value: ",
    );
    refused(
        json!({"type": "is-json", "value": "{}"}),
        "assert[0].value: it must be a JSON schema, and is a text",
    );
}

#[test]
fn labels() {
    let by_path = json!({"type": "label", "path": "$.class", "value": "Other matter"});
    check(by_path.clone(), &says("{\"class\":\"other_matter\"}"), PASS);
    check(
        by_path.clone(),
        &says("```json\n{\"class\":\" OTHER-matter. \"}\n```"),
        PASS,
    );
    check(by_path.clone(), &says("{\"class\":\"refund\"}"), FAIL);
    check(by_path, &says("refund"), FAIL);
    check(
        json!({"type": "label", "path": "$.ok", "value": true}),
        &says("{\"ok\":true}"),
        PASS,
    );
    check(
        json!({"type": "label", "pattern": "(?i)label: (\\w+)", "value": "refund"}),
        &says("So. Label: Refund."),
        PASS,
    );
    refused(
        json!({"type": "label", "value": "a"}),
        "assert[0].path: give either path or pattern",
    );
    refused(
        json!({"type": "label", "path": "class", "value": "a"}),
        "assert[0].path: \"class\" is no path: ",
    );
    refused(
        json!({"type": "label", "path": "$.a", "value": "?"}),
        "assert[0].value: it must be a label",
    );
}

#[test]
fn required_fields() {
    let fields = json!({"type": "required-fields", "value": ["$.a", "$.b[*].c"]});
    check(fields.clone(), &says("{\"a\":0,\"b\":[{\"c\":1}]}"), PASS);
    check(
        fields.clone(),
        &says("{\"a\":null,\"b\":[{\"c\":1}]}"),
        FAIL,
    );
    check(fields.clone(), &says("none"), FAIL);
    scored(fields, &says("{\"a\":1,\"b\":[{\"c\":1},{}]}"), 0.75);
    check(
        json!({"type": "required-fields", "value": ["$.a", "$.b"], "threshold": 0.5}),
        &says("{\"a\":1}"),
        PASS,
    );
    refused(
        json!({"type": "required-fields", "value": ["a"]}),
        "assert[0].value: \"a\" is no path",
    );
}

#[test]
fn endings() {
    check(
        json!({"type": "finish-reason", "value": "stop"}),
        &says("x"),
        PASS,
    );
    check(
        json!({"type": "finish-reason", "value": "tool_calls"}),
        &calls(&[("find", "{}")]),
        PASS,
    );
    check(
        json!({"type": "finish-reason", "value": "length"}),
        &says("x"),
        FAIL,
    );
    refused(
        json!({"type": "finish-reason", "value": "end"}),
        "assert[0].value: \"end\" is none of stop, length",
    );
    refused(
        json!({"type": "finish-reason"}),
        "assert[0].value: it is missing",
    );
    check(
        json!({"type": "is-refusal"}),
        &says("I'm sorry, but I can't help with that."),
        PASS,
    );
    check(
        json!({"type": "is-refusal"}),
        &says("I'm sorry to hear that. Here is your refund."),
        FAIL,
    );
    let filtered = json!({"error": {"code": "content_filter", "message": "m"}});
    let mut answer = CaseAnswer::of_response(filtered);
    answer.status = Some(400);
    check(json!({"type": "is-refusal"}), &answer, PASS);
    check(
        json!({"type": "finish-reason", "value": "content_filter"}),
        &answer,
        PASS,
    );
    let field = json!({"role": "assistant", "content": null, "refusal": "No, thanks."});
    let field = CaseAnswer::of_response(completion(&field, "stop"));
    check(json!({"type": "is-refusal"}), &field, PASS);
    check(json!({"type": "starts-with", "value": "No"}), &field, PASS);
}

#[test]
fn limits() {
    let mut timed = says("x");
    timed.total_ms = Some(1500.0);
    check(json!({"type": "latency", "threshold": 2000}), &timed, PASS);
    check(json!({"type": "latency", "threshold": 1000}), &timed, FAIL);
    check(
        json!({"type": "latency", "threshold": 1000}),
        &says("x"),
        ERROR,
    );
    check(json!({"type": "cost", "threshold": 0.01}), &timed, PASS);
    check(json!({"type": "cost", "threshold": 0.001}), &timed, FAIL);
    refused(
        json!({"type": "latency"}),
        "assert[0].threshold: it is missing",
    );
    refused(
        json!({"type": "cost", "threshold": -1}),
        "assert[0].threshold: -1 is too small",
    );
    let case = case(&json!({"type": "cost", "threshold": 1}), None).unwrap();
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let without = Context {
        checks: &checks,
        cost_usd: None,
        cosine: None,
    };
    assert_eq!(judge(&case, &timed, &without)[0].outcome, ERROR);
}

#[test]
fn baselines() {
    let same = json!({"type": "matches-baseline"});
    check(same.clone(), &says("Paris is the capital of France."), PASS);
    check(
        json!({"type": "matches-baseline", "value": "equal"}),
        &says("Paris."),
        FAIL,
    );
    check(
        json!({"type": "matches-baseline", "checks": ["refusal"]}),
        &says("Anything at all."),
        PASS,
    );
    // A refusal of what the baseline answers is a blocker: it fails, turned round or not.
    for kind in ["matches-baseline", "not-matches-baseline"] {
        let found = judged(
            &json!({"type": kind, "checks": ["refusal"]}),
            &says("I'm sorry, but I can't help with that."),
        );
        assert_eq!(found.outcome, FAIL, "{kind}: {}", found.reason);
    }
    refused(
        json!({"type": "matches-baseline", "value": "alike"}),
        "assert[0].value: \"alike\" is none of equal, ",
    );
    refused(
        json!({"type": "matches-baseline", "checks": ["refusals"]}),
        "assert[0].checks: ",
    );
    assert!(case(&same, None).is_err(), "there is nothing to match");
}

#[test]
fn a_stream_matches_a_baseline_that_came_whole() {
    let mut answer = CaseAnswer::of_response(json!(null));
    answer.response = None;
    answer.content_type = Some("text/event-stream".to_owned());
    answer.body = Some(
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":\
         {\"role\":\"assistant\",\"content\":\"Paris is the capital of France.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
            .to_owned(),
    );
    check(json!({"type": "matches-baseline"}), &answer, PASS);
    check(json!({"type": "contains", "value": "Paris"}), &answer, PASS);
}

#[test]
fn a_case_without_assertions_expects_its_baseline() {
    let mut written = case(
        &json!({"type": "is-json"}),
        Some(completion(
            &json!({"role": "assistant", "content": "Yes."}),
            "stop",
        )),
    )
    .unwrap()
    .written()
    .clone();
    written.as_object_mut().unwrap().remove("assert");
    let case = Case::read(written).unwrap();
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let context = Context {
        checks: &checks,
        cost_usd: None,
        cosine: None,
    };
    let results = judge(&case, &says("Yes."), &context);
    assert_eq!(
        (results[0].name.as_str(), results[0].outcome),
        ("matches-baseline", PASS)
    );
}
