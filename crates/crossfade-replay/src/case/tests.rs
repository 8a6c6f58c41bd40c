//! Cases that are read, and what is wrong with those that are not.

use serde_json::json;

use super::*;

fn case() -> Value {
    json!({"id": "refund-017", "request": {"messages": [{"role": "user", "content": "Hi"}]},
        "assert": [{"type": "equals", "value": "Hello"}]})
}

fn with(key: &str, value: Value) -> Value {
    let mut case = case();
    case[key] = value;
    case
}

#[test]
fn a_case_has_defaults() {
    let read = Case::read(case()).unwrap();
    assert_eq!(read.id, "refund-017");
    assert_eq!(
        (read.severity, read.repeat, read.operation),
        (Severity::Major, None, Operation::Chat)
    );
    assert!(
        (read.weight - 1.0).abs() < f64::EPSILON && (read.min_pass_rate - 1.0).abs() < f64::EPSILON
    );
    assert!(!read.streamed());
    assert_eq!(read.path(), "/openai/v1/chat/completions");
    assert_eq!(
        read.request_bytes(),
        r#"{"messages":[{"role":"user","content":"Hi"}]}"#
    );
}

#[test]
fn a_case_says_what_it_says() {
    let mut full = case();
    full["route"] = json!("support");
    full["request"]["stream"] = json!(true);
    full["severity"] = json!("blocker");
    full["weight"] = json!(0.5);
    full["repeat"] = json!(3);
    full["min_pass_rate"] = json!(0.67);
    full["metadata"] = json!({"risk": "high"});
    full["baseline"] = json!({"response": {"id": "x"}, "model": "m", "at": "2026-01-01"});
    full["recorded"] = json!({"primary": [{"response": {}}, {"status": 429}], "candidate": []});
    let read = Case::read(full.clone()).unwrap();
    assert!(read.streamed());
    assert_eq!((read.severity, read.repeat), (Severity::Blocker, Some(3)));
    assert_eq!(read.baseline.unwrap().model.as_deref(), Some("m"));
    assert_eq!(
        (read.recorded.primary.len(), read.recorded.candidate.len()),
        (2, 0)
    );
    assert_eq!(read.metadata["risk"], "high");
    assert_eq!(Case::read(full).unwrap().written()["weight"], 0.5);
}

#[test]
fn the_operation_is_known_by_the_requests_form() {
    let check = |request: Value, operation: Option<&str>, expected: Operation| {
        let mut case = with("request", request);
        if let Some(operation) = operation {
            case["operation"] = json!(operation);
        }
        assert_eq!(Case::read(case).unwrap().operation, expected);
    };
    check(json!({"messages": [{}]}), None, Operation::Chat);
    check(json!({"input": "Hi"}), None, Operation::Responses);
    check(
        json!({"prompt": {"id": "p"}}),
        Some("responses"),
        Operation::Responses,
    );
    check(
        json!({"input": ["a"]}),
        Some("embeddings"),
        Operation::Embeddings,
    );
}

#[test]
fn a_hash_is_verified_and_written() {
    let read = Case::read(case()).unwrap();
    let line = read.line();
    let again = Case::read(serde_json::from_str(&line).unwrap()).unwrap();
    assert_eq!((&again.sha256, again.line()), (&read.sha256, line.clone()));
    let mut changed: Value = serde_json::from_str(&line).unwrap();
    changed["assert"][0]["value"] = json!("Bye");
    let problems = Case::read(changed).unwrap_err();
    assert!(
        problems[0].to_string().starts_with("sha256: "),
        "{problems:?}"
    );
    // Another order of keys and another way to write a number are the same case.
    let other: Value = serde_json::from_str(
        r#"{"assert":[{"value":"Hello","type":"equals"}],"request":{"messages":[{"content":"Hi","role":"user"}]},"id":"refund-017"}"#,
    )
    .unwrap();
    assert_eq!(Case::read(other).unwrap().sha256, read.sha256);
    assert_eq!(
        Case::read(with("weight", json!(1))).unwrap().sha256,
        Case::read(with("weight", json!(1.0))).unwrap().sha256
    );
}

fn refused(case: &Value, expected: &str) {
    let problems = Case::read(case.clone()).unwrap_err();
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let found = shown.iter().any(|problem| problem.starts_with(expected));
    assert!(found, "{case}: {shown:?}");
}

fn refused_with(key: &str, value: Value, expected: &str) {
    refused(&with(key, value), expected);
}

#[test]
fn a_wrong_id_request_or_key_is_said_with_its_place() {
    refused(&json!([]), "a case is an object, and this is a list");
    refused_with("id", json!(" "), "id: it is empty");
    refused_with("id", json!("a\nb"), "id: it has control characters");
    refused_with(
        "id",
        json!("x".repeat(300)),
        "id: it is longer than 256 bytes",
    );
    refused_with(
        "asert",
        json!([]),
        "asert: unknown key; did you mean \"assert\"?",
    );
    refused_with("request", json!("Hi"), "request: it must be an object");
    refused_with("request", json!({"messages": []}), "request.messages: ");
    refused_with("request", json!({"input": []}), "request.input: ");
    refused_with(
        "operation",
        json!("chats"),
        "operation: \"chats\" is none of chat, ",
    );
    refused_with("assert", json!([]), "assert: the case expects nothing");
    refused_with("assert", json!({}), "assert: it must be a list");
}

#[test]
fn a_wrong_setting_is_said_with_its_place() {
    refused_with(
        "severity",
        json!("grave"),
        "severity: \"grave\" is none of info, minor, ",
    );
    refused_with("weight", json!(-1), "weight: -1 is too small");
    refused_with(
        "repeat",
        json!(0),
        "repeat: it must be a whole number from 1 to 100",
    );
    refused_with(
        "min_pass_rate",
        json!(67),
        "min_pass_rate: 67 is out of range: use 0 to 1",
    );
    refused_with(
        "sha256",
        json!("0"),
        "sha256: 0 is not the hash of this case",
    );
}

#[test]
fn a_wrong_answer_is_said_with_its_place() {
    refused_with("baseline", json!({}), "baseline: it has no response");
    refused_with(
        "baseline",
        json!({"response": {}, "at": 7}),
        "baseline.at: it must be a text",
    );
    refused_with(
        "baseline",
        json!({"respnse": {}}),
        "baseline: unknown field `respnse`",
    );
    refused_with(
        "recorded",
        json!({"primary": {}}),
        "recorded.primary: it must be a list",
    );
    refused_with("recorded", json!({"primary": [7]}), "recorded.primary[0]: ");
    refused_with(
        "recorded",
        json!({"secondary": []}),
        "recorded.secondary: unknown key",
    );
}

#[test]
fn what_is_held_against_a_baseline_needs_one() {
    let matches = json!({"type": "matches-baseline"});
    for list in [
        json!([matches]),
        json!([{"type": "assert-set", "assert": [matches]}]),
    ] {
        let problem = "assert: matches-baseline needs a baseline";
        refused_with("assert", list.clone(), problem);
        let mut case = with("assert", list);
        case["baseline"] = json!({"response": {"id": "x"}});
        assert!(Case::read(case).is_ok());
    }
}

#[test]
fn a_baseline_alone_is_something_to_expect() {
    let mut case = with("baseline", json!({"response": {"id": "x"}}));
    case.as_object_mut().unwrap().remove("assert");
    assert!(Case::read(case).is_ok());
}

#[test]
fn assertions_are_bounded() {
    let many: Vec<Value> = (0..=Case::MOST_ASSERTIONS)
        .map(|_| json!({"type": "is-json"}))
        .collect();
    let problems = Case::read(with("assert", json!(many))).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "assert: more than 256 assertions; split the case"
    );
}
