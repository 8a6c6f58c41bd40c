//! What schemas accept, refuse and reveal.

use crossfade_exchange::CheckOutcome;
use serde_json::json;

use super::*;

#[test]
fn violations_name_the_place_by_declared_names_only() {
    let schema = json!({
        "type": "object",
        "properties": {
            "class": {"enum": ["a", "b"]},
            "at": {"type": "string", "format": "date"},
            "items": {"type": "array", "items": {"type": "object", "properties": {"price": {"type": "number"}}}},
            "free": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "required": ["class"],
        "additionalProperties": false,
    });
    let schema = Schema::compile(&schema.to_string()).unwrap();
    let check = |value: Value, evidence: Option<&str>| {
        let finding = schema.check(&value);
        assert_eq!(finding.evidence.as_deref(), evidence, "{value}");
        assert_eq!(finding.failed(), evidence.is_some());
    };
    check(json!({"class": "a"}), None);
    check(json!({"class": "secret"}), Some("$.class: enum"));
    check(json!({}), Some("$: required"));
    check(
        json!({"class": "a", "secret": 1}),
        Some("$: additionalProperties"),
    );
    check(
        json!({"class": "a", "items": [{}, {"price": "x"}]}),
        Some("$.items[1].price: type"),
    );
    check(
        json!({"class": "a", "free": {"secret": 1}}),
        Some("$.free.?: type"),
    );
    check(json!({"class": "a", "at": "2026-01-31"}), None);
    check(json!({"class": "a", "at": "secret"}), Some("$.at: format"));
    check(json!("secret"), Some("$: type"));
}

#[test]
fn schemas_that_reach_out_or_cost_too_much_are_refused() {
    let check = |schema: Value, expected: Option<SchemaError>| {
        assert_eq!(
            Schema::compile(&schema.to_string()).err(),
            expected,
            "{schema}"
        );
    };
    check(json!(true), None);
    check(
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}),
        None,
    );
    check(
        json!({"$ref": "https://example.com/a.json"}),
        Some(SchemaError::RemoteReference),
    );
    check(
        json!({"$ref": "file:///etc/hostname"}),
        Some(SchemaError::RemoteReference),
    );
    check(
        json!({"$schema": "https://example.com/meta.json"}),
        Some(SchemaError::UnknownDialect),
    );
    check(
        json!({"$ref": "#/$defs/gone"}),
        Some(SchemaError::UnresolvedReference),
    );
    check(json!({"type": "dict"}), Some(SchemaError::Invalid));
    check(json!({"pattern": "(?=a)b"}), Some(SchemaError::Pattern));
    check(json!({"pattern": "(a)\\1"}), Some(SchemaError::Pattern));
    check(json!({"pattern": "("}), Some(SchemaError::Pattern));
    check(
        json!({"pattern": "(a{1000}){1000}"}),
        Some(SchemaError::Pattern),
    );
    check(
        json!({"description": "x".repeat(LARGEST)}),
        Some(SchemaError::TooLarge),
    );
    assert_eq!(Schema::compile("{").err(), Some(SchemaError::NotJson));
}

#[test]
fn formats_are_asserted_whatever_the_dialect() {
    let check = |format: &str, good: &str, bad: &str| {
        for dialect in [
            json!("http://json-schema.org/draft-04/schema#"),
            json!("http://json-schema.org/draft-07/schema#"),
            json!("https://json-schema.org/draft/2020-12/schema"),
        ] {
            let schema = json!({"$schema": dialect, "format": format});
            let schema = Schema::compile(&schema.to_string()).unwrap();
            assert!(!schema.check(&json!(good)).failed(), "{dialect} {good}");
            assert!(schema.check(&json!(bad)).failed(), "{dialect} {bad}");
            assert!(!schema.check(&json!(1)).failed(), "{dialect}");
        }
    };
    check("uuid", "123e4567-e89b-12d3-a456-426655440000", "123e4567");
    check("duration", "P1DT2H", "one day");
    check("date", "2026-02-28", "2026-02-30");
    check("iri", "https://example.com/ü", "no iri");
    check("json-pointer", "/a/0", "a");
    check("email", "a@example.com", "a");
}

#[test]
fn violations_are_told_apart_by_place_and_kind() {
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "integer"}, "list": {"items": {"type": "string"}, "maxItems": 2}},
        "required": ["n", "gone"],
        "additionalProperties": false,
    });
    let schema = Schema::compile(&schema.to_string()).unwrap();
    let check = |value: Value, expected: &[(&str, DifferenceKind)]| {
        let found = schema.check(&value).differences;
        let found: Vec<(&str, DifferenceKind)> = found
            .iter()
            .map(|difference| (difference.path.as_str(), difference.kind))
            .collect();
        assert_eq!(found, expected, "{value}");
    };
    check(json!({"n": 1, "gone": 1}), &[("$", DifferenceKind::Extra)]);
    check(
        json!({"n": "x"}),
        &[
            ("$.gone", DifferenceKind::Missing),
            ("$.n", DifferenceKind::Type),
        ],
    );
    check(
        json!({"n": 1, "list": [1, 2, 3]}),
        &[
            ("$.gone", DifferenceKind::Missing),
            ("$.list", DifferenceKind::Extra),
            ("$.list[*]", DifferenceKind::Type),
        ],
    );
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let tree = json!({
        "type": "object",
        "properties": {"child": {"$ref": "#"}, "value": {"type": "integer"}},
        "required": ["value"],
    });
    let schema = Schema::compile(&tree.to_string()).unwrap();
    assert!(
        !schema
            .check(&json!({"value": 1, "child": {"value": 2}}))
            .failed()
    );
    assert!(
        schema
            .check(&json!({"value": 1, "child": {"child": {"value": 1}}}))
            .failed()
    );
    let circle = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
    let schema = Schema::compile(&circle.to_string()).unwrap();
    assert_eq!(schema.check(&json!(1)).outcome, CheckOutcome::Error);
}

#[test]
fn validation_is_bounded_whatever_the_schema() {
    let nested = (0..100).fold(json!(1), |inner, _| json!([inner]));
    // Two ways down at every level: 2^100 steps.
    let twice = json!({"type": "array", "items": {"$ref": "#"}});
    let doubling = json!({"anyOf": [twice, twice, {"type": "string"}]});
    // Far more schemas within one another than a thread's stack has room for.
    let mut definitions = json!({"d60": {"items": {"$ref": "#/$defs/d0"}}});
    for n in 0..60 {
        definitions[format!("d{n}")] = json!({"allOf": [{"$ref": format!("#/$defs/d{}", n + 1)}]});
    }
    let deep = json!({"$ref": "#/$defs/d0", "$defs": definitions});
    for schema in [doubling, deep] {
        let schema = Schema::compile(&schema.to_string()).unwrap();
        assert_eq!(
            schema.check(&nested),
            Finding::error("too_much_work_for_this_value")
        );
        assert_eq!(schema.check(&json!("text")).outcome, CheckOutcome::Pass);
    }
}

#[test]
fn a_deep_schema_fits_a_worker_threads_stack() {
    let mut schema = json!({"type": "integer"});
    let mut value = json!(1);
    for _ in 0..60 {
        schema = json!({"properties": {"a": schema}, "required": ["a"]});
        value = json!({"a": value});
    }
    let text = schema.to_string();
    let outcome = std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(move || Schema::compile(&text).unwrap().check(&value).outcome)
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(outcome, CheckOutcome::Pass);
}

#[test]
fn the_cache_keeps_what_is_used_and_stays_bounded() {
    let cache = SchemaCache::default();
    let text = |n: usize| json!({"minimum": n}).to_string();
    let first = cache.get(&text(0)).unwrap();
    for n in 1..MOST_KEPT * 2 {
        cache.get(&text(n)).unwrap();
        assert!(Arc::ptr_eq(&first, &cache.get(&text(0)).unwrap()), "{n}");
    }
    assert_eq!(cache.lock().entries.len(), MOST_KEPT);
    assert_eq!(cache.get("{").err(), Some(SchemaError::NotJson));
    assert_eq!(cache.get("{").err(), Some(SchemaError::NotJson));
    for n in 0..40 {
        let large = json!({"minimum": n, "description": "x".repeat(LARGEST - 100)});
        cache.get(&large.to_string()).unwrap();
        assert!(cache.lock().text_bytes <= MOST_TEXT);
    }
}
