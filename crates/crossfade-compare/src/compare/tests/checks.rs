//! What the checks of pairs say.

use crossfade_exchange::{CheckOutcome, CheckResult, Severity, VerdictClass as Class};
use serde_json::{Value, json};

use super::{
    super::*,
    build::{body, calls, exchange, recorded, said},
};

pub(super) fn checks(settings: Value) -> Checks {
    Checks::new(serde_json::from_value(settings).unwrap()).unwrap()
}

pub(super) fn compare(checks: &Checks, request: &Value, primary: &str, candidate: &str) -> Verdict {
    checks.compare(&exchange(
        request,
        Some(recorded(200, primary)),
        Some(recorded(200, candidate)),
    ))
}

pub(super) fn result(verdict: &Verdict, check: Check) -> &CheckResult {
    verdict
        .checks
        .iter()
        .find(|result| result.check == check)
        .unwrap()
}

/// `outcome severity score evidence` of one check.
pub(super) fn told(result: &CheckResult) -> String {
    let CheckResult {
        outcome,
        severity,
        score,
        evidence,
        ..
    } = result;
    let evidence = evidence.as_deref().unwrap_or("-");
    format!("{outcome} {severity} {score:.2} {evidence}")
}

#[test]
fn finish_reasons_are_compared_by_class() {
    let checks = checks(json!({}));
    let check = |primary: &str, candidate: &str, expected: &str| {
        let answer = |finish: &str| said(&json!({"role": "assistant", "content": "x"}), finish);
        let verdict = compare(&checks, &json!({}), &answer(primary), &answer(candidate));
        assert_eq!(told(result(&verdict, Check::FinishReason)), expected);
    };
    check("stop", "stop", "pass minor 1.00 -");
    check("stop", "length", "fail major 0.00 stop -> length");
    check(
        "content_filter",
        "stop",
        "fail major 0.00 content_filter -> stop",
    );
    check("stop", "other", "na minor 0.00 -");
    let forced = calls(&[("f", "{}")]).replace(
        "\"finish_reason\":\"tool_calls\"",
        "\"finish_reason\":\"stop\"",
    );
    let verdict = compare(&checks, &json!({}), &calls(&[("f", "{}")]), &forced);
    assert_eq!(
        told(result(&verdict, Check::FinishReason)),
        "pass minor 1.00 -"
    );
    let verdict = compare(&checks, &json!({}), &calls(&[("f", "{}")]), &body("x"));
    assert_eq!(
        told(result(&verdict, Check::FinishReason)),
        "fail minor 0.00 tool_calls -> stop"
    );
}

/// What the check of JSON says of a pair of texts, and the pair's class.
fn parsed(checks: &Checks, primary: &str, candidate: &str, expected: &str, class: Class) {
    let verdict = compare(checks, &json!({}), &body(primary), &body(candidate));
    assert_eq!(told(result(&verdict, Check::JsonParse)), expected);
    assert_eq!(verdict.class, Some(class), "{primary} {candidate}");
}

const FENCED: &str = "```json\n{\"a\":1}\n```";

#[test]
fn json_is_judged_on_both_sides() {
    let strict = checks(json!({"json": true}));
    parsed(
        &strict,
        "{\"a\":1}",
        "{ \"a\": 1 }",
        "pass blocker 1.00 -",
        Class::Equivalent,
    );
    parsed(
        &strict,
        "{\"a\":1}",
        FENCED,
        "fail blocker 0.50 fenced",
        Class::CandidateInvalid,
    );
    parsed(
        &strict,
        FENCED,
        "{\"a\":1}",
        "pass blocker 1.00 primary: fenced",
        Class::PrimaryBad,
    );
    parsed(
        &strict,
        FENCED,
        FENCED,
        "fail blocker 0.50 both: fenced",
        Class::BothBad,
    );
    parsed(
        &strict,
        "{\"a\":1}",
        "no",
        "fail blocker 0.00 no_json",
        Class::CandidateInvalid,
    );
}

#[test]
fn settings_say_how_much_json_matters() {
    let lenient = checks(json!({"json": true, "lenient_json": true}));
    parsed(
        &lenient,
        "{\"a\":1}",
        FENCED,
        "pass blocker 1.00 fenced",
        Class::Equivalent,
    );
    let minor = checks(json!({"json": true, "severity": {"json_parse": "minor"}}));
    parsed(
        &minor,
        "{\"a\":1}",
        FENCED,
        "fail minor 0.50 fenced",
        Class::DifferentMinor,
    );
    parsed(
        &minor,
        FENCED,
        "no",
        "fail minor 0.00 both: no_json",
        Class::DifferentMinor,
    );
    let unasked = checks(json!({}));
    parsed(
        &unasked,
        "{\"a\":1}",
        "no",
        "na blocker 0.00 -",
        Class::DifferentMinor,
    );
}

#[test]
fn schemas_come_from_the_request_before_the_route() {
    let checks = checks(json!({"schema": {"type": "object"}}));
    let check = |format: Value, text: &str, expected: &str| {
        let request = json!({"response_format": format});
        let verdict = compare(&checks, &request, &body("{}"), &body(text));
        assert_eq!(
            told(result(&verdict, Check::JsonSchema)),
            expected,
            "{request}"
        );
    };
    let schema = |schema: Value| json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    let list = json!({"type": "array", "items": {"type": "integer"}});
    check(
        schema(list.clone()),
        "[1]",
        "pass blocker 1.00 primary: $: type",
    );
    check(
        schema(list),
        "[1,\"x\"]",
        "fail blocker 0.00 both: $[1]: type",
    );
    check(
        json!({"type": "json_object"}),
        "{\"a\":1}",
        "pass blocker 1.00 -",
    );
    check(json!({"type": "text"}), "[]", "na blocker 0.00 -");
    check(
        schema(json!({"type": "dict"})),
        "{}",
        "error blocker 0.00 schema_invalid",
    );
}

fn tools() -> Value {
    let tool = |name: &str| {
        json!({"type": "function", "function": {"name": name, "parameters": {
            "type": "object", "properties": {"id": {"type": "integer"}, "note": {"type": "string"}}, "required": ["id"],
        }}})
    };
    json!({"tools": [tool("look_up"), tool("refund_order")]})
}

#[test]
fn tools_are_compared_as_multisets() {
    let checks = checks(json!({"side_effecting_tools": ["refund_order"]}));
    let look = ("look_up", "{\"id\":1}");
    let refund = ("refund_order", "{\"id\":1}");
    let check = |primary: &str, candidate: &str, expected: &str| {
        let verdict = compare(&checks, &tools(), primary, candidate);
        assert_eq!(told(result(&verdict, Check::ToolSelection)), expected);
    };
    check(
        &calls(&[look, refund]),
        &calls(&[refund, look]),
        "pass major 1.00 -",
    );
    check(&body("x"), &body("y"), "pass major 1.00 -");
    check(
        &calls(&[look]),
        &body("y"),
        "fail major 0.00 tools[0] 1 -> 0",
    );
    check(
        &calls(&[look]),
        &calls(&[look, look]),
        "fail major 0.67 tools[0] 1 -> 2",
    );
    check(
        &calls(&[look]),
        &calls(&[look, refund]),
        "fail blocker 0.67 refund_order 0 -> 1",
    );
    check(
        &calls(&[look]),
        &calls(&[("secret", "{}")]),
        "fail major 0.00 tools[0] 1 -> 0, undeclared tool 0 -> 1",
    );
    let verdict = compare(&checks, &json!({}), &body("x"), &body("y"));
    assert_eq!(
        told(result(&verdict, Check::ToolSelection)),
        "na major 0.00 -"
    );
}

#[test]
fn arguments_are_judged_by_the_tools_schema_and_by_each_other() {
    let checks = checks(json!({"tool_arguments": {"casefold": ["look_up.note"]}}));
    let check = |primary: &str, candidate: &str, expected: &str| {
        let answer = |arguments: &str| calls(&[("look_up", arguments)]);
        let verdict = compare(&checks, &tools(), &answer(primary), &answer(candidate));
        assert_eq!(
            told(result(&verdict, Check::ToolArguments)),
            expected,
            "{candidate}"
        );
    };
    check("{\"id\":1}", "{ \"id\": 1 }", "pass major 1.00 -");
    check(
        "{\"id\":1,\"note\":\"A b\"}",
        "{\"note\":\"a  B\",\"id\":1}",
        "pass major 1.00 -",
    );
    check(
        "{\"id\":1}",
        "{\"id\":2}",
        "fail major 0.00 tools[0]: 1 of 1 leaves, value $.id",
    );
    check(
        "{\"id\":1}",
        "{\"id\":\"1\"}",
        "fail major 0.00 tools[0]: $.id: type",
    );
    check("{\"id\":1}", "{}", "fail major 0.00 tools[0]: $: required");
    check(
        "{\"id\":1}",
        "{\"id\":1,\"secret\":2}",
        "fail major 0.00 tools[0]: unknown parameter",
    );
    check(
        "{\"id\":1}",
        "{\"id\":",
        "fail major 0.00 tools[0]: not a json object",
    );
    check("{}", "{}", "pass major 1.00 -");
    let verdict = compare(&checks, &tools(), &body("x"), &body("y"));
    assert_eq!(
        told(result(&verdict, Check::ToolArguments)),
        "na major 0.00 -"
    );
}

#[test]
fn stances_are_compared_with_their_direction() {
    let checks = checks(json!({"refusal": {"phrases": ["Computer says no"]}}));
    let check = |primary: &str, candidate: &str, expected: &str| {
        let verdict = compare(&checks, &json!({}), primary, candidate);
        assert_eq!(told(result(&verdict, Check::Refusal)), expected);
    };
    let comply = body("It is done.");
    let full = body("Computer says no.");
    let partial = body("I can't give you all of it. Here is the first part: a.");
    let field = said(
        &json!({"role": "assistant", "content": null, "refusal": "no"}),
        "stop",
    );
    let filter = said(
        &json!({"role": "assistant", "content": "It is"}),
        "content_filter",
    );
    check(&comply, &comply, "pass major 1.00 -");
    check(&full, &field, "pass major 1.00 -");
    check(&comply, &full, "fail blocker 0.00 comply -> full");
    check(&comply, &field, "fail blocker 0.00 comply -> full");
    check(&comply, &filter, "fail blocker 0.00 comply -> full");
    check(&comply, &partial, "fail major 0.50 comply -> partial");
    check(&full, &comply, "fail major 0.00 full -> comply");
    check(&filter, &comply, "fail blocker 0.00 filtered -> comply");
}

#[test]
fn labels_are_compared_and_risky_cells_block() {
    let settings = json!({"label": {"path": "$.class", "values": ["refund", "complaint", "other"], "risky": [["refund", "complaint"]]},
        "severity": {"label": "minor"}});
    let checks = checks(settings);
    let check = |primary: &str, candidate: &str, expected: &str, class: Class| {
        let verdict = compare(&checks, &json!({}), &body(primary), &body(candidate));
        assert_eq!(
            told(result(&verdict, Check::Label)),
            expected,
            "{primary} {candidate}"
        );
        assert_eq!(verdict.class, Some(class), "{primary} {candidate}");
    };
    let label = |label: &str| format!("{{\"class\":\"{label}\"}}");
    check(
        &label("refund"),
        &label("Refund"),
        "pass minor 1.00 -",
        Class::Equivalent,
    );
    check(
        &label("refund"),
        &label("other"),
        "fail minor 0.00 refund -> other",
        Class::DifferentMinor,
    );
    check(
        &label("refund"),
        &label("complaint"),
        "fail blocker 0.00 refund -> complaint",
        Class::CandidateInvalid,
    );
    check(
        &label("refund"),
        &label("secret"),
        "fail minor 0.00 refund -> (off list)",
        Class::DifferentMinor,
    );
    check(
        &label("refund"),
        "It is a refund.",
        "fail minor 0.00 refund -> (missing)",
        Class::DifferentMinor,
    );
    check(
        &label("secret"),
        &label("refund"),
        "na minor 0.00 primary has no label",
        Class::DifferentMajor,
    );
}

#[test]
fn parity_weighs_by_severity_and_a_blocker_is_zero() {
    let checks = checks(
        json!({"json": true, "label": {"path": "$.c", "values": ["a", "b", "d"], "risky": [["a", "b"]]}}),
    );
    let check = |candidate: &str, expected: f64| {
        let verdict = compare(
            &checks,
            &json!({}),
            &body("{\"c\":\"a\"}"),
            &body(candidate),
        );
        assert!(
            (verdict.parity.unwrap() - expected).abs() < 1e-12,
            "{candidate}: {:?}",
            verdict.parity
        );
    };
    check("{\"c\":\"a\"}", 1.0);
    check("{\"c\":\"b\"}", 0.0);
    check("no", 0.0);
    // Transport, envelope, JSON at 3, refusal and label at 2, finish reason at 1.
    check("{\"c\":\"d\"}", 12.0 / 14.0);
    let off = self::checks(json!({"off": ["label", "refusal"]}));
    let verdict = compare(&off, &json!({}), &body("x"), &body("y"));
    assert!(
        verdict
            .checks
            .iter()
            .all(|r| ![Check::Label, Check::Refusal].contains(&r.check))
    );
    assert!(
        verdict
            .checks
            .iter()
            .all(|r| r.severity != Severity::Info || r.outcome != CheckOutcome::Fail)
    );
}
