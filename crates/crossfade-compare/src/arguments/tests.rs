//! How far arguments agree, and which call answers which.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn call(arguments: &str) -> Call {
    Call {
        name: "f".into(),
        arguments: arguments.into(),
        free_text: false,
    }
}

fn rules(settings: Value) -> ArgumentRules {
    ArgumentRules::compile(&serde_json::from_value(settings).unwrap()).unwrap()
}

#[test]
fn arguments_agree_by_their_leaves() {
    let rules = rules(json!({
        "ignore": ["f.query"],
        "casefold": ["f.city", "g.name"],
        "rules": [
            {"path": "f.price", "rule": "numeric", "rel": 0.1},
            {"path": "f.seats[*].tags", "rule": "set"},
            {"path": "f.note", "rule": "text", "threshold": 0.3},
            {"path": "f.code", "rule": "words"},
        ],
    }));
    let check = |a: &str, b: &str, expected: f64| {
        let (x, y) = (call(a), call(b));
        let (x, y) = (Read::of(&x), Read::of(&y));
        let (there, back) = (agreement(&rules, &x, &y), agreement(&rules, &y, &x));
        assert!((there - expected).abs() < 1e-12, "{a} {b}: {there}");
        assert!((there - back).abs() < 1e-12, "{a} {b} is not symmetric");
    };
    check("{}", "{}", 1.0);
    check("", "{}", 1.0);
    check(r#"{"a":1,"b":2}"#, r#"{ "b": 2.0, "a": 1 }"#, 1.0);
    check(r#"{"a":1,"b":2}"#, r#"{"a":1,"b":3}"#, 0.5);
    check(r#"{"a":1}"#, r#"{"a":1,"b":null}"#, 1.0);
    check(r#"{"a":1}"#, r#"{"a":1,"b":0}"#, 0.5);
    check(r#"{"a":[1,2,3,4]}"#, r#"{"a":[1,2,3]}"#, 0.75);
    check(
        r#"{"a":{"x":1,"y":[true]}}"#,
        r#"{"a":{"x":1,"y":[false]}}"#,
        0.5,
    );
    check(r#"{"a":[]}"#, r#"{"a":[]}"#, 1.0);
    check(r#"{"city":"São  Paulo"}"#, r#"{"city":"são paulo"}"#, 1.0);
    check(r#"{"name":"A"}"#, r#"{"name":"a"}"#, 0.0);
    check(r#"{"a":1,"query":"x"}"#, r#"{"a":1,"query":"y"}"#, 1.0);
    check(r#"{"price":100}"#, r#"{"price":109}"#, 1.0);
    check(
        r#"{"seats":[{"tags":["a","b"]}]}"#,
        r#"{"seats":[{"tags":["b","a"]}]}"#,
        1.0,
    );
    check(
        r#"{"note":"a table for two"}"#,
        r#"{"note":"a table for 2"}"#,
        1.0,
    );
    check(r#"{"code":"AB-12"}"#, r#"{"code":"ab 12"}"#, 1.0);
    check(
        r#"{"id":9007199254740993}"#,
        r#"{"id":9007199254740992}"#,
        0.0,
    );
    check(
        r#"{"id":9007199254740993}"#,
        r#"{ "id": 9007199254740993 }"#,
        1.0,
    );
    check(r#"{"id":1e999}"#, r#"{"id":1e998}"#, 0.0);
    check(r#"{"a":{"x":1,"y":2}}"#, "{}", 0.0);
    check("not json", "{}", 0.0);
    check("[1]", "[1]", 1.0);
}

#[test]
fn free_text_agrees_by_its_wording() {
    let text = |arguments: &str| Call {
        free_text: true,
        ..call(arguments)
    };
    let none = ArgumentRules::default();
    let agree = |a: &str, b: &str| {
        let (x, y) = (text(a), text(b));
        agreement(&none, &Read::of(&x), &Read::of(&y))
    };
    assert!(agree("SELECT 1 ", "SELECT 1\n") >= 1.0);
    let near = agree("SELECT a FROM t", "SELECT b FROM t");
    assert!((0.3..1.0).contains(&near), "{near}");
}

#[test]
fn a_tools_name_may_hold_dots() {
    let rules = rules(json!({"ignore": ["spotify.play.artist"]}));
    let named = |name: &str, arguments: &str| Call {
        name: name.into(),
        ..call(arguments)
    };
    let agree = |name: &str, a: &str, b: &str| {
        let (x, y) = (named(name, a), named(name, b));
        agreement(&rules, &Read::of(&x), &Read::of(&y)) >= 1.0
    };
    assert!(agree("spotify.play", r#"{"artist":1}"#, r#"{"artist":2}"#));
    assert!(agree(
        "spotify",
        r#"{"play":{"artist":1}}"#,
        r#"{"play":{"artist":2}}"#
    ));
    assert!(!agree("play", r#"{"artist":1}"#, r#"{"artist":2}"#));
}

#[test]
fn entries_name_a_tool_and_a_parameter() {
    for bad in ["query", ".query", "tool.", "", "tool.a[", "tool..a.b["] {
        let settings = json!({ "ignore": [bad] });
        let settings = serde_json::from_value(settings).unwrap();
        assert!(ArgumentRules::compile(&settings).is_err(), "{bad}");
    }
}

/// Which calls are matched, with the sum of their agreement.
fn assigned(a: &[String], b: &[String]) -> (Vec<(usize, usize)>, f64) {
    let calls = |texts: &[String]| -> Vec<Call> { texts.iter().map(|text| call(text)).collect() };
    let (a, b) = (calls(a), calls(b));
    let read = |calls: &'_ [Call]| -> usize { calls.len() };
    assert!(read(&a) <= MOST_CALLS && read(&b) <= MOST_CALLS);
    let (from, to): (Vec<Read<'_>>, Vec<Read<'_>>) = (
        a.iter().map(Read::of).collect(),
        b.iter().map(Read::of).collect(),
    );
    let matched = assign(&ArgumentRules::default(), &from, &to);
    let sum = matched.iter().map(|(_, _, score)| score).sum();
    (matched.iter().map(|(r, c, _)| (*r, *c)).collect(), sum)
}

#[test]
fn calls_are_matched_whatever_their_order() {
    let check = |a: &[&str], b: &[&str], expected: &[(usize, usize)]| {
        let texts =
            |list: &[&str]| -> Vec<String> { list.iter().map(|t| (*t).to_owned()).collect() };
        let (found, _) = assigned(&texts(a), &texts(b));
        assert_eq!(found, expected, "{a:?} {b:?}");
    };
    let (one, two) = (r#"{"a":1}"#, r#"{"a":2}"#);
    check(&[one, two], &[two, one], &[(0, 1), (1, 0)]);
    check(&[one, two], &[two], &[(1, 0)]);
    check(&[one], &[two], &[(0, 0)]);
    check(&[one], &[one, one, two], &[(0, 0)]);
    check(&[], &[two], &[]);
    // Matching the best pair first would leave 0.5 + 0.5 = 1 on the table: (0, 0) 0.75, (1, 1) 0.
    check(
        &[
            r#"{"a":1,"b":1,"c":1,"d":1}"#,
            r#"{"a":1,"b":1,"c":1,"d":9}"#,
        ],
        &[
            r#"{"a":1,"b":1,"c":1,"d":2}"#,
            r#"{"a":1,"b":1,"x":1,"d":1}"#,
        ],
        &[(0, 1), (1, 0)],
    );
}

#[test]
fn many_large_calls_are_matched_by_what_is_equal_and_then_in_order() {
    let large = |n: usize| format!(r#"{{"a":"{}"}}"#, format!("w{n} ").repeat(8_000));
    let from: Vec<String> = [0, 1, 2, 3, 4, 5, 6, 7].map(large).into();
    let to: Vec<String> = [7, 8, 9, 4, 0].map(large).into();
    let (found, sum) = assigned(&from, &to);
    assert_eq!(found, [(0, 4), (1, 1), (2, 2), (4, 3), (7, 0)]);
    assert!((sum - 3.0).abs() < 1e-12, "{sum}");
}

proptest! {
    #[test]
    fn the_assignment_is_the_best_one(
        a in prop::collection::vec((0..2_u8, 0..2_u8, 0..2_u8), 0..5),
        b in prop::collection::vec((0..2_u8, 0..2_u8, 0..2_u8), 0..5),
    ) {
        let texts = |list: &[(u8, u8, u8)]| -> Vec<String> {
            list.iter().map(|(x, y, z)| json!({"x": x, "y": y, "z": z}).to_string()).collect()
        };
        let (a, b) = (texts(&a), texts(&b));
        let (matched, sum) = assigned(&a, &b);
        prop_assert_eq!(matched.len(), a.len().min(b.len()));
        prop_assert!((sum - largest(&a, &b)).abs() < 1e-9);
        let (_, back) = assigned(&b, &a);
        prop_assert!((sum - back).abs() < 1e-9);
    }

    #[test]
    fn many_calls_are_matched_too(seed in 0..50_u32) {
        let texts = |shift: u32| -> Vec<String> {
            (0..30).map(|n| json!({"n": (n * 7 + shift) % 30}).to_string()).collect()
        };
        let (matched, sum) = assigned(&texts(0), &texts(seed));
        prop_assert_eq!(matched.len(), 30);
        prop_assert!((sum - 30.0).abs() < 1e-9);
    }
}

/// The largest sum over all ways to match, tried one by one.
fn largest(a: &[String], b: &[String]) -> f64 {
    let Some((first, rest)) = a.split_first() else {
        return 0.0;
    };
    let alone = largest(rest, b);
    let with = b.iter().enumerate().map(|(place, other)| {
        let mut left = b.to_vec();
        left.remove(place);
        let (x, y) = (call(first), call(other));
        agreement(&ArgumentRules::default(), &Read::of(&x), &Read::of(&y)) + largest(rest, &left)
    });
    with.fold(alone, f64::max)
}
