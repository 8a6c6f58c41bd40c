//! Schemas as data: what each edge case becomes.

#![expect(clippy::needless_pass_by_value, reason = "cases are literals")]
use super::{
    circles::{LONGEST_TARGET, is_recursive},
    *,
};

/// Takes references and every pattern.
const FREE: Target = Target {
    inline_refs: false,
    lookaround: true,
};
/// Follows no references and looks nowhere around.
const NARROW: Target = Target {
    inline_refs: true,
    lookaround: false,
};

fn limits() -> Limits {
    Limits::of(&Capabilities::of("unheard.of"))
}

#[test]
fn arguments_are_objects_edge_24() {
    let check = |given: Value, expected: Option<(Value, bool)>| {
        let given = (!given.is_null()).then_some(given);
        assert_eq!(arguments(given.as_ref(), FREE), expected, "{given:?}");
    };
    let empty = json!({"type": "object", "properties": {}});
    check(Value::Null, Some((empty.clone(), false)));
    check(json!({}), Some((empty, true)));
    check(
        json!({"type": "object"}),
        Some((json!({"type": "object"}), false)),
    );
    check(
        json!({"properties": {"a": {}}}),
        Some((json!({"type": "object", "properties": {"a": {}}}), true)),
    );
    check(
        json!({"type": ["object", "null"]}),
        Some((json!({"type": "object"}), true)),
    );
    check(
        json!({"type": "custom", "properties": {}}),
        Some((json!({"type": "object", "properties": {}}), true)),
    );
    check(json!({"type": "string"}), None);
    check(json!([]), None);
}

#[track_caller]
fn check_narrow(given: Value, expected: Value, changed: bool) {
    assert_eq!(
        arguments(Some(&given), NARROW),
        Some((expected, changed)),
        "{given}"
    );
}

#[test]
fn references_are_replaced_by_what_they_name_edge_24() {
    check_narrow(
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d", "description": "mine"}, "b": {"$ref": "#/$defs/d"}},
               "required": ["a"], "additionalProperties": false, "$defs": {"d": {"type": "string", "description": "its"}}}),
        json!({"type": "object", "properties": {"a": {"type": "string", "description": "mine"},
               "b": {"type": "string", "description": "its"}}, "required": ["a"], "additionalProperties": false}),
        true,
    );
    // Names that only look like keywords, and data, stay.
    let same = json!({"type": "object", "properties": {"$ref": {"type": "string"}, "$defs": {"enum": [{"x": 1}]}}});
    check_narrow(same.clone(), same, false);
    check_narrow(
        json!({"type": "object", "properties": {"x": {"$ref": "https://example.com/s"}}}),
        json!({"type": "object", "properties": {"x": {}}}),
        true,
    );
}

#[test]
fn circles_of_references_are_cut_bug_50() {
    check_narrow(
        json!({"type": "object", "properties": {"root": {"$ref": "#/$defs/node"}},
               "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}}),
        json!({"type": "object", "properties": {"root": {"type": "object", "properties": {"next": {"type": "object"}}}}}),
        true,
    );
    check_narrow(
        json!({"type": "object", "properties": {"self": {"$ref": "#"}}}),
        json!({"type": "object", "properties": {"self": {"type": "object", "properties": {"self": {"type": "object"}}}}}),
        true,
    );
}

/// Each definition names the next one twice: written out, there would be two to the sixtieth of the last.
#[test]
fn what_is_written_out_is_bounded_bug_50() {
    let next = |i: usize| json!({"$ref": format!("#/$defs/d{}", i + 1)});
    let mut defs: Map<String, Value> = (0..60)
        .map(|i| (format!("d{i}"), json!({"anyOf": [next(i), next(i)]})))
        .collect();
    defs.insert(
        "d60".to_owned(),
        json!({"type": "string", "description": "x".repeat(1000)}),
    );
    let schema =
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs});
    let (found, changed) = arguments(Some(&schema), NARROW).unwrap();
    assert!(changed && found.to_string().len() < 2 << 20);
    assert!(!inline::has_refs(&found));
}

#[test]
fn patterns_that_look_around_go_edge_24() {
    let with = |pattern: &str| json!({"type": "object", "properties": {"a": {"type": "string", "pattern": pattern}}});
    let without = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    for pattern in ["^(?=.*x).*$", "a(?!b)", "(?<=a)b", "(?<!a)b"] {
        check_narrow(with(pattern), without.clone(), true);
    }
    check_narrow(with("^[a-z]+$"), with("^[a-z]+$"), false);
    let named = json!({"type": "object", "properties": {"pattern": {"type": "string"}}});
    check_narrow(named.clone(), named, false);
}

fn check(given: &Value, expected: Option<(Value, bool)>) {
    let found = enforceable(given, limits()).map(|e| (e.schema, e.changed));
    assert_eq!(found, expected, "{given}");
}

#[test]
fn objects_are_closed_and_refused_keywords_go_edge_29() {
    let closed = json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
    check(&closed, Some((closed.clone(), false)));
    check(
        &json!({"type": "object", "properties": {"a": {"type": "string"}}}),
        Some((closed.clone(), true)),
    );
    check(
        &json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "additionalProperties": false}),
        Some((
            json!({"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": false}),
            true,
        )),
    );
    let open = json!({"type": "object", "properties": {}});
    let shut = json!({"type": "object", "properties": {}, "additionalProperties": false});
    check(
        &json!({"anyOf": [open], "$defs": {"d": open}}),
        Some((json!({"anyOf": [shut], "$defs": {"d": shut}}), true)),
    );
}

/// Closed, they would force the answer to be empty.
#[test]
fn maps_with_free_keys_are_not_closed() {
    for map in [
        json!({"type": "object"}),
        json!({"type": ["object", "null"]}),
        json!({"type": "object", "additionalProperties": true}),
        json!({"type": "object", "patternProperties": {"^x-": {"type": "string"}}}),
    ] {
        check(&map, None);
        check(
            &json!({"type": "object", "properties": {"a": {"type": "array", "items": map}}}),
            None,
        );
    }
}

/// Lists within lists, behind each of many references, make a schema that is far deeper than its text.
#[test]
fn lists_behind_references_do_not_take_the_stack() {
    let link = |i: usize| {
        let next = json!({"$ref": format!("#/$defs/d{}", i + 1)});
        let lists = (0..100).fold(next, |inner, _| json!([inner]));
        (format!("d{i}"), json!({ "anyOf": lists }))
    };
    let defs: Map<String, Value> = (0..60).map(link).collect();
    let schema =
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs});
    let (inlined, _) = arguments(Some(&schema), NARROW).unwrap();
    let text = inlined.to_string();
    assert!(
        serde_json::from_str::<Value>(&text).is_ok(),
        "too deep to be read"
    );
}

#[test]
fn keywords_are_dropped_or_said_otherwise_edge_29() {
    let closed = |property: Value| json!({"type": "object", "properties": {"a": property}, "required": ["a"], "additionalProperties": false});
    let check_one = |given: Value, expected: Value| {
        let changed = given != expected;
        check(&closed(given), Some((closed(expected), changed)));
    };
    let text = json!({"type": "string"});
    check_one(
        json!({"type": "string", "maxLength": 3, "minLength": 1}),
        text.clone(),
    );
    check_one(json!({"type": "string", "format": "phone"}), text.clone());
    check_one(
        json!({"type": "string", "format": "date-time"}),
        json!({"type": "string", "format": "date-time"}),
    );
    check_one(
        json!({"type": "string", "pattern": "\\bword\\b"}),
        text.clone(),
    );
    check_one(json!({"type": "string", "pattern": "(a)\\1"}), text.clone());
    check_one(
        json!({"type": "string", "pattern": "^a\\\\b$"}),
        json!({"type": "string", "pattern": "^a\\\\b$"}),
    );
    check_one(
        json!({"type": "string", "not": {"const": "x"}}),
        text.clone(),
    );
    check_one(
        json!({"oneOf": [text, {"type": "null"}]}),
        json!({"anyOf": [text, {"type": "null"}]}),
    );
    check_one(
        json!({"type": "array", "items": text, "minItems": 1}),
        json!({"type": "array", "items": text, "minItems": 1}),
    );
    check_one(
        json!({"type": "array", "items": text, "minItems": 2}),
        json!({"type": "array", "items": text}),
    );
}

#[test]
fn limits_of_an_enforced_schema_are_the_model_s_edge_29() {
    let properties = |n: usize| {
        (0..n)
            .map(|i| (format!("p{i}"), json!({})))
            .collect::<Map<_, _>>()
    };
    let required = |n: usize| (0..n).map(|i| json!(format!("p{i}"))).collect::<Vec<_>>();
    let of = |n: usize, required_n: usize| json!({"type": "object", "properties": properties(n), "required": required(required_n)});
    let check = |schema: Value, taken: bool| {
        assert_eq!(enforceable(&schema, limits()).is_some(), taken, "{schema}");
    };
    check(of(64, 64), true);
    check(of(65, 65), false);
    check(of(24, 0), true);
    check(of(25, 0), false);
    let unions = |n: usize| {
        json!({"type": "object", "required": required(n),
        "properties": (0..n).map(|i| (format!("p{i}"), json!({"type": ["string", "null"]}))).collect::<Map<_, _>>()})
    };
    check(unions(16), true);
    check(unions(17), false);
}

#[test]
fn what_cannot_be_enforced_is_said() {
    check(&json!(true), None);
    check(&json!({"type": "array", "items": {"type": "string"}}), None);
    check(
        &json!({"type": "object", "additionalProperties": {"type": "string"}}),
        None,
    );
    let many: Map<String, Value> = (0..65).map(|i| (format!("p{i}"), json!({}))).collect();
    check(&json!({"type": "object", "properties": many}), None);
}

#[test]
fn circles_end_bug_50() {
    check(
        &json!({"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}},
                "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}}),
        None,
    );
    check(
        &json!({"type": "object", "properties": {"self": {"$ref": "#"}}}),
        None,
    );
    check(
        &json!({"type": "object", "properties": {"x": {"$ref": "https://example.com/s"}}}),
        None,
    );
}

fn chain(links: usize) -> Value {
    let link = |i: usize| {
        (
            format!("d{i}"),
            json!({"$ref": format!("#/$defs/d{}", i + 1)}),
        )
    };
    let mut links: Map<String, Value> = (0..links).map(link).collect();
    links.insert(format!("d{}", links.len()), json!({"type": "string"}));
    json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": links})
}

/// Each link is a call deeper: without a bound this ends the process, not the test.
#[test]
fn chains_of_references_do_not_take_the_stack() {
    for (links, recursive) in [(1, false), (100, false), (1_000, true), (100_000, true)] {
        assert_eq!(is_recursive(&chain(links)), recursive, "{links}");
    }
}

/// Two references to each next definition make a way of every path through them: a target is walked once.
#[test]
fn webs_of_references_are_walked_once() {
    let next = |i: usize| json!({"$ref": format!("#/$defs/d{}", i + 1)});
    let web = |i: usize| (format!("d{i}"), json!({"anyOf": [next(i), next(i)]}));
    let mut defs: Map<String, Value> = (0..60).map(web).collect();
    defs.insert("d60".to_owned(), json!({"type": "string"}));
    let schema =
        json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": defs});
    assert!(!is_recursive(&schema));
}

#[test]
fn references_have_a_length() {
    let name = "n".repeat(LONGEST_TARGET);
    let schema = json!({"type": "object", "properties": {"a": {"$ref": format!("#/$defs/{name}")}},
                        "$defs": {name: {"type": "string"}}});
    check(&schema, None);
}
