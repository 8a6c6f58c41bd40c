//! What assertions say of answers, and what is wrong with those that cannot be read.

use std::borrow::Borrow;

use super::*;
use crossfade_compare::{CheckSettings, Checks};

mod calls;
mod form;
mod text;

const PASS: CheckOutcome = CheckOutcome::Pass;
const FAIL: CheckOutcome = CheckOutcome::Fail;
const ERROR: CheckOutcome = CheckOutcome::Error;

fn case(assertion: &Value, baseline: Option<Value>) -> Result<Case, Vec<Problem>> {
    let tool = json!({"type": "function", "function": {"name": "find", "parameters":
        {"type": "object", "properties": {"id": {"type": "integer"}, "city": {"type": "string"}}, "required": ["id"]}}});
    let mut case = json!({"id": "c", "assert": [assertion],
        "request": {"messages": [{"role": "user", "content": "Hi"}], "tools": [tool]}});
    if let Some(baseline) = baseline {
        case["baseline"] = json!({"response": baseline});
    }
    Case::read(case)
}

fn completion(message: &Value, finish: &str) -> Value {
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}})
}

fn says(text: &str) -> CaseAnswer {
    let message = json!({"role": "assistant", "content": text});
    CaseAnswer::of_response(completion(&message, "stop"))
}

fn calls(calls: &[(&str, &str)]) -> CaseAnswer {
    let calls: Vec<Value> = calls
        .iter()
        .map(|(name, arguments)| json!({"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}))
        .collect();
    let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
    CaseAnswer::of_response(completion(&message, "tool_calls"))
}

fn judged(assertion: &Value, answer: &CaseAnswer) -> AssertionResult {
    let case = case(
        assertion,
        Some(completion(
            &json!({"role": "assistant", "content": "Paris is the capital of France."}),
            "stop",
        )),
    );
    let case = case.unwrap_or_else(|problems| panic!("{assertion}: {problems:?}"));
    let checks = Checks::new(CheckSettings::default()).unwrap();
    let cosine = |wanted: &str, found: &str| {
        if found == "unknown" {
            Err("asleep".to_owned())
        } else {
            Ok(if wanted == found { 1.0 } else { 0.5 })
        }
    };
    let context = Context {
        checks: &checks,
        cost_usd: Some(0.002),
        cosine: Some(&cosine),
    };
    let mut results = judge(&case, answer, &context);
    assert_eq!(results.len(), 1);
    results.remove(0)
}

/// The assertion's outcome, and its opposite once it is turned round.
fn check(assertion: impl Borrow<Value>, answer: &CaseAnswer, expected: CheckOutcome) {
    let assertion = assertion.borrow();
    let found = judged(assertion, answer);
    assert_eq!(found.outcome, expected, "{assertion}: {}", found.reason);
    assert!(
        (0.0..=1.0).contains(&found.score),
        "{assertion}: {}",
        found.score
    );
    let mut turned = assertion.clone();
    turned["type"] = json!(format!("not-{}", assertion["type"].as_str().unwrap()));
    let opposite = match expected {
        CheckOutcome::Pass => FAIL,
        CheckOutcome::Fail => PASS,
        CheckOutcome::Na | CheckOutcome::Error => ERROR,
    };
    let found = judged(&turned, answer);
    assert_eq!(found.outcome, opposite, "{turned}: {}", found.reason);
}

fn scored(assertion: impl Borrow<Value>, answer: &CaseAnswer, expected: f64) {
    let assertion = assertion.borrow();
    let found = judged(assertion, answer).score;
    assert!((found - expected).abs() < 1e-9, "{assertion}: {found}");
}

fn refused(assertion: impl Borrow<Value>, expected: &str) {
    let assertion = assertion.borrow();
    let problems = case(assertion, None)
        .map(|_| ())
        .expect_err(&assertion.to_string());
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(
        shown.iter().any(|problem| problem.starts_with(expected)),
        "{assertion}: {shown:?}"
    );
}

#[test]
fn sets() {
    let set = |threshold: Option<f64>, parts: Value| json!({"type": "assert-set", "threshold": threshold, "assert": parts});
    let (yes, no) = (
        json!({"type": "contains", "value": "x"}),
        json!({"type": "contains", "value": "y"}),
    );
    check(set(None, json!([yes, yes])), &says("x"), PASS);
    check(set(None, json!([yes, no])), &says("x"), FAIL);
    check(set(Some(0.5), json!([yes, no])), &says("x"), PASS);
    check(set(Some(0.6), json!([yes, no])), &says("x"), FAIL);
    let mut heavy = yes.clone();
    heavy["weight"] = json!(3);
    scored(set(Some(0.6), json!([heavy, no])), &says("x"), 0.75);
    let mut idle = no.clone();
    idle["weight"] = json!(0);
    check(set(None, json!([yes, idle])), &says("x"), PASS);
    check(
        set(Some(0.1), json!([yes, {"type": "latency", "threshold": 1}])),
        &says("x"),
        ERROR,
    );
    check(
        set(None, json!([no, {"type": "latency", "threshold": 1}])),
        &says("x"),
        FAIL,
    );
    let found = judged(&set(None, json!([yes, no])), &says("x"));
    assert_eq!(
        found
            .parts
            .iter()
            .map(|part| part.outcome)
            .collect::<Vec<_>>(),
        [PASS, FAIL]
    );
    refused(set(None, json!([])), "assert[0].assert: the set is empty");
    refused(
        set(None, json!([set(None, json!([yes]))])),
        "assert[0].assert: a set has no sets in it",
    );
    refused(
        set(None, json!([{"type": "contians", "value": "x"}])),
        "assert[0].assert[0].type: \"contians\" is no assertion; did you mean \"contains\"?",
    );
}

#[test]
fn names_and_common_keys() {
    let found = judged(
        &json!({"type": "not-contains", "value": "x", "weight": 2.5, "metric": "tone"}),
        &says("y"),
    );
    assert_eq!(
        (found.name.as_str(), found.metric.as_deref(), found.weight),
        ("not-contains", Some("tone"), 2.5)
    );
    refused(
        json!({"type": "llm-rubric", "value": "x"}),
        "assert[0].type: \"llm-rubric\" is no assertion; known are equals",
    );
    refused(
        json!({"type": "equal", "value": "x"}),
        "assert[0].type: \"equal\" is no assertion; did you mean \"equals\"?",
    );
    refused(
        json!({"type": "contains", "value": "x", "wieght": 1}),
        "assert[0].wieght: unknown key; did you mean \"weight\"?",
    );
    refused(
        json!({"type": "contains", "value": "x", "weight": -1}),
        "assert[0].weight: -1 is too small",
    );
    refused(json!({"value": "x"}), "assert[0].type: it is missing");
    refused(
        json!("contains: x"),
        "assert[0]: an assertion is an object, and this is a text",
    );
    for kind in Kind::ALL {
        assert_eq!(Kind::of(kind.as_str()), Some(*kind));
    }
}

#[test]
fn nothing_passes_for_want_of_an_answer() {
    let mut failed = CaseAnswer::failed(Some(503), crossfade_exchange::Ending::Complete);
    let outcome = |kind: &str, answer: &CaseAnswer| {
        judged(&json!({"type": kind, "value": "x"}), answer).outcome
    };
    assert_eq!(outcome("contains", &failed), ERROR);
    assert_eq!(outcome("not-contains", &failed), ERROR);
    failed.status = Some(404);
    failed.response = Some(json!({"error": {"code": "DeploymentNotFound"}}));
    assert_eq!(outcome("contains", &failed), FAIL);
    assert_eq!(outcome("not-contains", &failed), FAIL);
    let set = json!({"type": "not-assert-set", "assert": [{"type": "contains", "value": "x"}]});
    assert_eq!(judged(&set, &failed).outcome, FAIL);
    assert_eq!(
        judged(&json!({"type": "not-matches-baseline"}), &failed).outcome,
        FAIL
    );
}

#[test]
fn assertions_together() {
    let result = |outcome: CheckOutcome, weight: f64| AssertionResult {
        name: "x".to_owned(),
        outcome,
        score: 0.0,
        weight,
        metric: None,
        reason: String::new(),
        parts: Vec::new(),
    };
    let check = |results: &[AssertionResult], expected: CheckOutcome| {
        assert_eq!(together(results), expected);
    };
    check(&[result(PASS, 1.0), result(PASS, 1.0)], PASS);
    check(&[result(PASS, 1.0), result(ERROR, 1.0)], ERROR);
    check(&[result(FAIL, 1.0), result(ERROR, 1.0)], FAIL);
    check(
        &[result(PASS, 1.0), result(FAIL, 0.0), result(ERROR, 0.0)],
        PASS,
    );
    check(&[], PASS);
}
