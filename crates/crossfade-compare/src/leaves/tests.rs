//! What differs, where, and how much it counts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{document::Document, settings::ValueRuleSettings};

fn rules(settings: Value) -> PathRules {
    let settings: Vec<ValueRuleSettings> = serde_json::from_value(settings).unwrap();
    PathRules::compile("json_paths", settings.iter().map(|s| (s.path.as_str(), s))).unwrap()
}

fn read(text: &str) -> Document {
    Document::parse(text).unwrap()
}

/// `equal/all score`, and `kind path` of each difference.
fn told(rules: &PathRules, a: &str, b: &str) -> (String, Vec<String>) {
    let (x, y) = (read(a), read(b));
    let mut leaves = Leaves::new(rules, Severity::Minor);
    leaves.compare(&x.root, &y.root);
    let differences = leaves.differences("$", |name| name.len() == 1);
    (
        format!("{}/{} {:.2}", leaves.equal, leaves.all, leaves.score()),
        differences
            .iter()
            .map(|difference| format!("{} {}", difference.kind, difference.path))
            .collect(),
    )
}

fn check(rules: &PathRules, a: &str, b: &str, score: &str, differences: &[&str]) {
    let (found, places) = told(rules, a, b);
    assert_eq!(
        (found.as_str(), places.as_slice()),
        (score, strings(differences).as_slice()),
        "{a} {b}"
    );
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn leaves_are_counted_over_the_union() {
    let check = |a: &str, b: &str, score: &str, differences: &[&str]| {
        check(&PathRules::default(), a, b, score, differences);
    };
    check(
        r#"{"a":1,"b":[2,3]}"#,
        r#"{ "b": [2.0, 3], "a": 1 }"#,
        "3/3 1.00",
        &[],
    );
    check(r#"{"a":1}"#, r#"{"a":2}"#, "0/1 0.00", &["value $.a"]);
    check(r#"{"a":1}"#, r#"{"a":"1"}"#, "0/1 0.00", &["type $.a"]);
    check(r#"{"a":null}"#, "{}", "1/1 1.00", &[]);
    check(r#"{"a":{"b":null}}"#, r#"{"a":{}}"#, "1/1 1.00", &[]);
    check(r#"{"a":{"b":null}}"#, "{}", "0/1 0.00", &["missing $.a.b"]);
    check("[]", r#"[{"b":null},null]"#, "0/2 0.00", &["length $"]);
    check("{}", "[]", "0/1 0.00", &["type $"]);
    check(
        r#"{"a":1,"b":{"a":1,"long":2}}"#,
        r#"{"a":1}"#,
        "1/3 0.33",
        &["missing $.b.?", "missing $.b.a"],
    );
    check(
        "[9007199254740993]",
        "[9007199254740992]",
        "0/1 0.00",
        &["value $[*]"],
    );
}

#[test]
fn lists_are_told_by_length_and_order() {
    let check = |a: &str, b: &str, score: &str, differences: &[&str]| {
        check(&PathRules::default(), a, b, score, differences);
    };
    check("[1,2,3]", "[1,2]", "2/3 0.67", &["length $"]);
    check("[1,2,3]", "[2,3]", "2/3 0.67", &["length $"]);
    check(
        "[1,9,3]",
        "[1,5,6,3]",
        "2/4 0.50",
        &["length $", "value $[*]"],
    );
    check("[1]", "[1,[2,3]]", "1/3 0.33", &["length $"]);
    check("[1,2,3]", "[3,2,1]", "1/3 0.33", &["order $"]);
    check("[1,1,2]", "[1,2,2]", "2/3 0.67", &["value $[*]"]);
    check(
        r#"[{"a":1,"b":[1,2]},{"a":2}]"#,
        r#"[{"a":2},{"b":[1,2],"a":1}]"#,
        "0/6 0.00",
        &["order $"],
    );
    check(
        r#"{"a":[{"b":1},{"b":2}]}"#,
        r#"{"a":[{"b":3},{"b":4}]}"#,
        "0/2 0.00",
        &["value $.a[*].b"],
    );
    check("[]", "[1,2]", "0/2 0.00", &["length $"]);
}

/// Rules of every kind.
fn every_rule() -> PathRules {
    rules(json!([
        {"path": "$.n", "rule": "numeric", "abs": 0.5, "weight": 3},
        {"path": "$.t", "rule": "text", "threshold": 0.4},
        {"path": "$.s", "rule": "set"},
        {"path": "$.m", "rule": "multiset"},
        {"path": "$.i", "rule": "ignore"},
        {"path": "$.i.k", "rule": "exact"},
        {"path": "$..c", "rule": "casefold"},
    ]))
}

#[test]
fn rules_hold_by_path() {
    let rules = every_rule();
    let check = |a: &str, b: &str, score: &str, differences: &[&str]| {
        check(&rules, a, b, score, differences);
    };
    check(
        r#"{"n":1,"x":1}"#,
        r#"{"n":1.5,"x":2}"#,
        "1/2 0.75",
        &["value $.x"],
    );
    check(
        r#"{"n":1,"x":1}"#,
        r#"{"n":2,"x":1}"#,
        "1/2 0.25",
        &["value $.n"],
    );
    check(
        r#"{"t":"the cat sat"}"#,
        r#"{"t":"the cat sits"}"#,
        "1/1 1.00",
        &[],
    );
    check(r#"{"s":[1,2,2]}"#, r#"{"s":[2,1]}"#, "2/2 1.00", &[]);
    check(
        r#"{"s":[1,2]}"#,
        r#"{"s":[2,3]}"#,
        "1/3 0.33",
        &["missing $.s[*]", "extra $.s[*]"],
    );
    check(r#"{"s":[[1,2]]}"#, r#"{"s":[[2,1,1]]}"#, "1/1 1.00", &[]);
    check(r#"{"s":1}"#, r#"{"s":[1]}"#, "0/1 0.00", &["type $.s"]);
    check(r#"{"m":[1,2,2]}"#, r#"{"m":[2,1,2]}"#, "3/3 1.00", &[]);
    check(
        r#"{"m":[1,2,2]}"#,
        r#"{"m":[2,1]}"#,
        "2/3 0.67",
        &["missing $.m[*]"],
    );
    check(
        r#"{"m":[{"a":1,"b":2}]}"#,
        r#"{"m":[{"b":2.0,"a":1}]}"#,
        "1/1 1.00",
        &[],
    );
    check(
        r#"{"i":{"a":1,"k":1}}"#,
        r#"{"i":{"a":2,"k":1}}"#,
        "1/1 1.00",
        &[],
    );
    check(
        r#"{"i":{"k":1}}"#,
        r#"{"i":{"k":2}}"#,
        "0/1 0.00",
        &["value $.i.k"],
    );
    check(r#"{"i":[1,2,3]}"#, r#"{"i":[]}"#, "0/0 1.00", &[]);
    check(r#"[{"c":["A"]}]"#, r#"[{"c":["a"]}]"#, "1/1 1.00", &[]);
}

#[test]
fn severity_is_that_of_the_gravest_difference() {
    let rules = rules(json!([
        {"path": "$.a", "rule": "exact"},
        {"path": "$.b", "rule": "exact", "severity": "blocker"},
        {"path": "$.c", "rule": "text"},
        {"path": "$.d", "severity": "info"},
    ]));
    let check = |a: &str, b: &str, expected: Option<(Severity, bool)>| {
        let (x, y) = (read(a), read(b));
        let mut leaves = Leaves::new(&rules, Severity::Minor);
        leaves.compare(&x.root, &y.root);
        let worst = leaves.worst.map(|holds| (holds.severity, holds.named));
        assert_eq!(worst, expected, "{a} {b}");
    };
    check(r#"{"a":1}"#, r#"{"a":1}"#, None);
    check(r#"{"x":1}"#, r#"{"x":2}"#, Some((Severity::Minor, false)));
    check(r#"{"a":1}"#, r#"{"a":2}"#, Some((Severity::Major, false)));
    check(
        r#"{"a":1,"b":1}"#,
        r#"{"a":2,"b":2}"#,
        Some((Severity::Blocker, true)),
    );
    check(
        r#"{"c":"x"}"#,
        r#"{"c":"y"}"#,
        Some((Severity::Minor, false)),
    );
    check(r#"{"d":"x"}"#, r#"{"d":"y"}"#, Some((Severity::Info, true)));
}

#[test]
fn one_place_is_left_out() {
    let check = |a: &str, b: &str, expected: &str| {
        let (x, y) = (read(a), read(b));
        let none = PathRules::default();
        let skipped = Some(vec![Step::Key("skipped")]);
        let mut leaves = Leaves::new(&none, Severity::Minor).without(skipped);
        leaves.compare(&x.root, &y.root);
        assert_eq!(leaves.evidence(|name| name == "a"), expected, "{a} {b}");
    };
    check(r#"{"skipped":1}"#, r#"{"skipped":2}"#, "0 of 0 leaves");
    check(
        r#"{"b":{"skipped":1}}"#,
        r#"{"b":{"skipped":2}}"#,
        "1 of 1 leaves, value $.?.?",
    );
    check(
        r#"{"a":[1,2,3,4,5]}"#,
        r#"{"a":[0,0,0,0,5]}"#,
        "4 of 5 leaves, value $.a[0], value $.a[1], value $.a[2]",
    );
}

#[test]
fn places_are_bounded() {
    let many = |n: usize| {
        let members: Vec<String> = (0..200).map(|place| format!("\"k{place}\":{n}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let (a, b) = (read(&many(1)), read(&many(2)));
    let none = PathRules::default();
    let mut leaves = Leaves::new(&none, Severity::Minor);
    leaves.compare(&a.root, &b.root);
    assert_eq!(leaves.all - leaves.equal, 200);
    assert_eq!(
        leaves.differences("$", |_| true).len(),
        CheckResult::MOST_DIFFERENCES
    );
}

/// Some JSON of few names and values, so that much of it is equal by chance.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0..3_i32).prop_map(Value::from),
        "[ab]".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[snmx]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn comparison_is_symmetric_and_a_value_equals_itself(a in any_json(), b in any_json()) {
        let rules = rules(json!([
            {"path": "$..s", "rule": "set"}, {"path": "$..m", "rule": "multiset", "weight": 2},
            {"path": "$.x", "rule": "ignore"}, {"path": "$..n", "rule": "numeric", "abs": 1},
        ]));
        let (a, b) = (a.to_string(), b.to_string());
        let ((there, _), (back, _)) = (told(&rules, &a, &b), told(&rules, &b, &a));
        prop_assert_eq!(&there, &back);
        let (score, differences) = told(&rules, &a, &a);
        prop_assert!(score.ends_with("1.00") && differences.is_empty(), "{} {:?}", score, differences);
        let (score, differences) = told(&rules, &a, &b);
        prop_assert_eq!(score.ends_with(" 1.00"), differences.is_empty(), "{} {:?}", score, differences);
    }
}
