//! Whether what two answers say is compared: JSON by its leaves, free text by its wording if nothing else compares it.

use crossfade_exchange::VerdictClass as Class;
use serde_json::{Value, json};

use super::{
    super::*,
    build::body,
    checks::{checks, compare, result, told},
};

/// What a check says of two texts, then the class and the parity. Neither text is bad.
fn said(checks: &Checks, request: &Value, check: Check, texts: [&str; 2]) -> String {
    let [primary, candidate] = texts;
    let verdict = compare(checks, request, &body(primary), &body(candidate));
    assert_eq!(
        verdict.bad(Which::Candidate),
        Some(MetricSet::EMPTY),
        "{candidate}"
    );
    let (class, parity) = (verdict.class.unwrap(), verdict.parity.unwrap());
    format!("{}; {class} {parity:.2}", told(result(&verdict, check)))
}

#[test]
fn wording_is_reported_unless_nothing_else_compares_it() {
    let check = |settings: Value, primary: &str, candidate: &str, expected: &str| {
        let texts = [primary, candidate];
        let found = said(&checks(settings), &json!({}), Check::TextSimilarity, texts);
        assert_eq!(found, expected, "{candidate}");
    };
    let (a, b) = ("alpha beta", "beta alpha");
    check(json!({}), a, b, "pass info 0.55 -; equivalent 1.00");
    let other = "fail minor 0.00 under_floor; different_minor 0.00";
    check(json!({}), a, "xyz", other);
    let info = json!({"severity": {"text_similarity": "info"}});
    let reported = "fail info 0.00 under_floor; equivalent 1.00";
    check(info, a, "xyz", reported);
    let threshold = json!({"text_similarity": {"threshold": 0.7}});
    let under = "fail minor 0.55 under_threshold; different_minor 0.55";
    check(threshold, a, b, under);
    let label = json!({"label": {"pattern": "[0-9]", "values": ["1", "2"]}});
    let (a, b) = ("1 alpha beta gamma", "x y z u v w q r s t o p 1");
    check(label, a, b, "pass info 0.12 -; equivalent 1.00");
    check(
        json!({}),
        a,
        b,
        "fail minor 0.12 under_floor; different_minor 0.12",
    );
}

#[test]
fn json_is_compared_leaf_by_leaf() {
    let plain = checks(json!({}));
    let check = |request: &Value, primary: &str, candidate: &str, expected: &str| {
        let found = said(&plain, request, Check::JsonStructure, [primary, candidate]);
        assert_eq!(found, expected, "{primary} {candidate}");
    };
    let object = json!({"response_format": {"type": "json_object"}});
    let schema = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {
        "type": "object", "properties": {"total": {"type": "number"}}}}}});
    let same = "pass major 1.00 -; equivalent 1.00";
    let total = "{\"total\":12.5}";
    let other = "{\"total\":99999}";
    let differs = "fail major 0.00 1 of 1 leaves, value $.?; different_major 0.00";
    check(&object, total, other, differs);
    let named = "fail major 0.00 1 of 1 leaves, value $.total; different_major 0.00";
    check(&schema, total, other, named);
    check(&object, total, "{\n \"total\": 1.25e1 }", same);
    let (a, b) = ("{\"x\":1,\"y\":\"s\"}", "{\"y\":\"t\",\"x\":1}");
    let half = "fail major 0.50 1 of 2 leaves, value $.?; different_major 0.50";
    check(&object, a, b, half);
    check(&object, a, "{\"y\":\"s\", \"x\":1}", same);
    // Prose and order matter less where nobody named them; a name of two words is data.
    let prose = "fail minor 0.00 1 of 1 leaves, value $.?; different_minor 0.00";
    let late = "{\"note\":\"It will come on Monday.\"}";
    check(
        &object,
        late,
        "{\"note\":\"You have it on Monday.\"}",
        prose,
    );
    check(&object, late, "{\"note\":\"late\"}", differs);
    let name = "{\"name\":\"Ann Lee\"}";
    check(&object, name, "{\"name\":\"Ann Law\"}", differs);
    let order = "fail minor 0.00 2 of 2 leaves, order $.?; different_minor 0.00";
    check(&object, "{\"x\":[1,2]}", "{\"x\":[2,1]}", order);
    // Asked for or not, what both write as JSON is compared as JSON.
    check(&json!({}), a, b, half);
    check(&json!({}), "[1, 2]", "```json\n[1,2]\n```", same);
    let text = "na major 0.00 -; equivalent 1.00";
    check(&json!({}), "see [1] there", "see [1] here", text);
    check(
        &json!({}),
        "42 as it is",
        "42",
        "na major 0.00 -; equivalent 1.00",
    );
}

#[test]
fn leaves_are_left_to_the_label_and_to_the_settings() {
    let object = json!({"response_format": {"type": "json_object"}});
    let check = |settings: Value, primary: &str, candidate: &str, expected: &str| {
        let texts = [primary, candidate];
        let found = said(&checks(settings), &object, Check::JsonStructure, texts);
        assert_eq!(found, expected, "{primary} {candidate}");
    };
    let label = || json!({"label": {"path": "$.class", "values": ["a", "b"]}});
    let (a, b) = ("{\"class\":\"a\"}", "{\"class\":\"A\"}");
    let nothing = "na major 0.00 nothing beside the label; equivalent 1.00";
    check(label(), a, b, nothing);
    let value = "1 of 1 leaves, value $.?";
    check(
        json!({}),
        a,
        b,
        &format!("fail major 0.00 {value}; different_major 0.00"),
    );
    let one = "{\"class\":\"a\",\"n\":1}";
    check(
        label(),
        one,
        "{\"class\":\"A\",\"n\":1.0}",
        "pass major 1.00 -; equivalent 1.00",
    );
    let two = format!("fail major 0.00 {value}; different_major 0.00");
    check(label(), one, "{\"class\":\"A\",\"n\":2}", &two);
    // A label that the primary lacks is not judged, so its place is compared.
    let unlabelled = "fail major 0.00 1 of 1 leaves, value $.class; different_major 0.00";
    check(label(), "{\"class\":\"x\"}", a, unlabelled);
    let severity = |severity: &str| json!({"severity": {"json_structure": severity}});
    check(
        severity("major"),
        a,
        b,
        &format!("fail major 0.00 {value}; different_major 0.00"),
    );
    check(
        severity("info"),
        a,
        b,
        &format!("fail info 0.00 {value}; equivalent 1.00"),
    );
}

#[test]
fn strict_json_is_what_the_grammar_says() {
    let object = json!({"response_format": {"type": "json_object"}});
    let checks = checks(json!({}));
    let check = |candidate: &str, expected: &str, class| {
        let verdict = compare(&checks, &object, &body("{\"a\":1}"), &body(candidate));
        assert_eq!(
            told(result(&verdict, Check::JsonParse)),
            expected,
            "{candidate}"
        );
        assert_eq!(verdict.class, Some(class), "{candidate}");
    };
    check(
        "{\"a\":2,\"a\":1}",
        "pass blocker 1.00 duplicate_key",
        Class::Equivalent,
    );
    check(
        "{\"a\":1e999}",
        "pass blocker 1.00 -",
        Class::DifferentMajor,
    );
    check(
        "{\"a\":\"\\ud800\"}",
        "pass blocker 1.00 -",
        Class::DifferentMajor,
    );
    check(
        "{\"a\":1,}",
        "fail blocker 0.50 trailing_comma",
        Class::CandidateInvalid,
    );
    check(
        "{\"a\":NaN}",
        "fail blocker 0.00 not_a_number",
        Class::CandidateInvalid,
    );
}

#[test]
fn json_that_only_refuses_is_a_refusal() {
    let object = json!({"response_format": {"type": "json_object"}});
    let checks = checks(json!({}));
    let check = |request: &Value, candidate: &str, expected: &str| {
        let verdict = compare(
            &checks,
            request,
            &body("{\"reply\":\"It is done.\"}"),
            &body(candidate),
        );
        assert_eq!(
            told(result(&verdict, Check::Refusal)),
            expected,
            "{candidate}"
        );
    };
    let full = |text: &str| check(&object, text, "fail blocker 0.00 comply -> full");
    let comply = |text: &str| check(&object, text, "pass major 1.00 -");
    full("{\"error\":\"I cannot help with that\"}");
    full(
        "{\"error\":{\"code\":400,\"message\":\"I cannot help with that.\"},\"success\":false,\"data\":null}",
    );
    full(
        "{\"items\":[],\"note\":\"\",\"reply\":\"I'm sorry, but I can't assist with that request.\"}",
    );
    full("[\"I must respectfully refuse.\"]");
    full("{\"status\":\"refused\",\"reason\":\"policy\",\"reply\":\"抱歉，我无法提供帮助。\"}");
    comply("{\"reply\":\"I cannot help with that\",\"category\":\"billing\"}");
    comply("{\"reply\":\"I cannot help with that\",\"escalate\":true}");
    comply("{\"reply\":\"I cannot help with that\",\"next\":\"Call the bank tomorrow.\"}");
    comply("{\"error\":\"The order is unknown.\"}");
    comply("{\"code\":7}");
    comply("{}");
    // What was not asked for in JSON is read as text.
    check(
        &json!({}),
        "{\"error\":\"I cannot help with that\"}",
        "pass major 1.00 -",
    );
}
