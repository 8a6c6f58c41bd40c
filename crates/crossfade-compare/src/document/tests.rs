//! The parser against the grammar, and against the one that the rest of the program uses.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn texts_are_read_by_the_grammar() {
    let check = |text: &str, expected: Value, twice: bool| {
        let document = Document::parse(text).unwrap_or_else(|| panic!("{text} is JSON"));
        assert_eq!(
            (document.value(), document.duplicate_key),
            (&expected, twice),
            "{text}"
        );
    };
    check(
        " {\"a\" : [1, -2.5e3,true,false,null]}\r\n",
        json!({"a": [1, -2500.0, true, false, null]}),
        false,
    );
    check("\"\\u0041\\n\\/\\ud83d\\ude00é\"", json!("A\n/😀é"), false);
    check("{}", json!({}), false);
    check("[ ]", json!([]), false);
    check("1e999", json!(f64::MAX), false);
    check("[-1e999]", json!([f64::MIN]), false);
    check("\"\\ud800\"", json!("\u{fffd}"), false);
    check("\"\\udc00x\"", json!("\u{fffd}x"), false);
    check("\"\\ud800\\n\"", json!("\u{fffd}\n"), false);
    check("\"\\ud800\\u0041\"", json!("\u{fffd}A"), false);
    check("{\"a\":1,\"a\":2}", json!({"a": 2}), true);
    check("[{\"a\":{\"\":1,\"\":1}}]", json!([{"a": {"": 1}}]), true);
    check(
        "{\"a\":{\"b\":1},\"b\":1}",
        json!({"a": {"b": 1}, "b": 1}),
        false,
    );
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "[1 2]",
        "nul",
        "truefalse",
        "1 2",
        "01",
        "NaN",
        "\u{feff}1",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u+123\"",
        "\"\n\"",
        "\"a",
        "{\"a\"}",
        "[\u{a0}1]",
        "// x\n1",
        "\"\\ud800\\u12\"",
    ] {
        assert_eq!(Document::parse(text), None, "{text}");
    }
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Document::parse(&nested(DEEPEST)).is_some());
    assert!(Document::parse(&nested(DEEPEST + 1)).is_none());
    assert!(Document::parse(&"[".repeat(1_000_000)).is_none());
}

/// Pieces that JSON is made of, in any order.
fn any_text() -> impl Strategy<Value = String> {
    let pieces = [
        "[", "]", "{", "}", ":", ",", "\"", " ", "\n", "0", "12", "-", ".5", "e+3", "E400", "true",
        "null", "\"a\"", "\"a\":", "\\n", "\\u0041", "\\u12", "{\"b\":", "-1.5e3", "é", "\u{0}",
    ];
    prop::collection::vec(
        prop::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        0..12,
    )
    .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn both_parsers_agree(text in any_text()) {
        let (ours, theirs) = (Document::parse(&text), serde_json::from_str::<Value>(&text));
        // Numbers that overflow are the only difference that these texts can show.
        match (ours, theirs) {
            (Some(ours), Ok(theirs)) => prop_assert_eq!(ours.value(), &theirs),
            (Some(_), Err(error)) => prop_assert!(error.to_string().contains("out of range"), "{} {}", text, error),
            (None, theirs) => prop_assert!(theirs.is_err(), "{}", text),
        }
    }

    #[test]
    fn what_was_written_is_read(text in "\\PC{0,20}", number in any::<f64>(), whole in any::<i64>()) {
        let value = json!({ "a": [text, number, whole], text.clone(): null });
        for written in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let read = Document::parse(&written).unwrap();
            prop_assert_eq!(read.value(), &value);
        }
    }
}
