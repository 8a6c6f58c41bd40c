//! Tool calls that a model writes as the JSON text of its answer, in the forms that such models are known to use.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fences::LONGEST_BLANK;

/// What some models put before a call.
const TAG: &str = "<|python_tag|>";

/// Whether a text that begins like this may turn out to be calls.
pub(super) fn may_be(text: &str) -> bool {
    let length = text.len();
    let text = text.trim_start();
    let starts_like_one =
        text.starts_with(['{', '[']) || TAG.starts_with(text) || text.starts_with(TAG);
    starts_like_one && length - text.len() <= LONGEST_BLANK
}

/// The calls, if the text is nothing else: the name of each, which must be one of these, and its arguments as JSON text.
pub(super) fn read(text: &str, names: &BTreeSet<String>) -> Option<Vec<(String, String)>> {
    let text = text.trim();
    let text = text.strip_prefix(TAG).unwrap_or(text);
    let value: Value = serde_json::from_str(text).ok()?;
    match value {
        Value::Object(object) => Some(vec![call(&object, names)?]),
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .map(|item| call(item.as_object()?, names))
            .collect(),
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            None
        }
    }
}

fn call(object: &Map<String, Value>, names: &BTreeSet<String>) -> Option<(String, String)> {
    let object = match object.get("function") {
        Some(Value::Object(function)) => function,
        _ => object,
    };
    let name = object.get("name")?.as_str()?;
    let arguments = ["parameters", "arguments", "input"]
        .iter()
        .find_map(|member| object.get(*member));
    let arguments = match arguments {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(object @ Value::Object(_)) => object.to_string(),
        Some(Value::String(text)) => {
            serde_json::from_str::<Map<String, Value>>(text).ok()?;
            text.clone()
        }
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_)) => return None,
    };
    names.contains(name).then(|| (name.to_owned(), arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_a_call_edge_28() {
        let names = BTreeSet::from(["rain".to_owned(), "now".to_owned()]);
        let check = |text: &str, expected: &[(&str, &str)]| {
            let found = read(text, &names).unwrap_or_default();
            let found: Vec<(&str, &str)> = found
                .iter()
                .map(|(n, a)| (n.as_str(), a.as_str()))
                .collect();
            assert_eq!(found, expected, "{text}");
            assert!(found.is_empty() || may_be(text), "{text}");
        };
        let rain = ("rain", r#"{"city":"Oslo"}"#);
        check(r#"{"name":"rain","parameters":{"city":"Oslo"}}"#, &[rain]);
        check(
            r#" {"type":"function","name":"rain","arguments":{"city":"Oslo"}}"#,
            &[rain],
        );
        check(
            r#"{"function":{"name":"rain","arguments":"{\"city\":\"Oslo\"}"}}"#,
            &[rain],
        );
        check(r#"<|python_tag|>{"name":"now"}"#, &[("now", "{}")]);
        check(
            r#"[{"name":"rain","input":{"city":"Oslo"}},{"name":"now"}]"#,
            &[rain, ("now", "{}")],
        );
        check(r#"[{"name":"rain"},{"name":"other"}]"#, &[]);
        check(r#"{"name":"other","parameters":{}}"#, &[]);
        check(r#"{"name":"rain","parameters":[1]}"#, &[]);
        check(r#"{"name":"rain"} and more"#, &[]);
        check("[]", &[]);
        check("It rains.", &[]);
        let blank = " ".repeat(LONGEST_BLANK);
        let endless = " ".repeat(LONGEST_BLANK + 1);
        for (text, expected) in [
            (blank.as_str(), true),
            (endless.as_str(), false),
            ("", true),
            (" {", true),
            ("<|py", true),
            ("It", false),
            ("\"", false),
        ] {
            assert_eq!(may_be(text), expected, "{text}");
        }
    }
}
