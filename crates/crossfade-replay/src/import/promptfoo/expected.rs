//! A row of a CSV file of tests: its columns are variables, and `__expected` columns are assertions in one cell, such as
//! `contains: Paris` or `similar(0.8): Paris`.

use serde_json::{Map, Value, json};

use super::tests_of::Test;
use crate::assertion::Kind;

/// The test of a row, and what of it is not understood.
pub(super) fn test_of_row(row: Map<String, Value>) -> (Test, Vec<String>) {
    let mut test = Test::default();
    let mut problems = Vec::new();
    let mut metric = None;
    for (name, cell) in row {
        let held = cell.as_str().unwrap_or_default().to_owned();
        let Some(special) = name.strip_prefix("__") else {
            test.variables.insert(name, cell);
            continue;
        };
        if held.trim().is_empty() {
            continue;
        }
        let base = special.trim_end_matches(|letter: char| letter.is_ascii_digit());
        match base {
            "expected" => test.assertions.push(assertion(&held)),
            // Who answers is the route's to say.
            "provider" => {}
            "prefix" => test.prefix = Some(held),
            "suffix" => test.suffix = Some(held),
            "description" => test.description = Some(held),
            "metric" => metric = Some(held),
            "threshold" => match held.trim().parse() {
                Ok(threshold) => test.threshold = Some(threshold),
                Err(_) => problems.push(format!("threshold {held}")),
            },
            _other => match special.strip_prefix("metadata:") {
                Some(key) => {
                    test.metadata
                        .insert(key.trim_end_matches("[]").to_owned(), Value::String(held));
                }
                None => problems.push(format!("column `{name}`")),
            },
        }
    }
    if let Some(metric) = metric {
        for assertion in test.assertions.iter_mut().filter_map(Value::as_object_mut) {
            assertion.insert("metric".to_owned(), json!(metric));
        }
    }
    (test, problems)
}

/// An assertion written in one cell. A cell that names no type is the text that the answer equals.
pub(super) fn assertion(cell: &str) -> Value {
    let cell = cell.trim();
    let (head, value) = match cell.split_once(':') {
        Some((head, value)) => (head.trim(), Some(value.trim())),
        None => (cell, None),
    };
    let (name, threshold) = match head.strip_suffix(')').and_then(|head| head.split_once('(')) {
        Some((name, threshold)) => (name, threshold.trim().parse::<f64>().ok()),
        None => (head, None),
    };
    let base = name.strip_prefix("not-").unwrap_or(name);
    // Short names for code and graders, which are named as unsupported later.
    let code = match base {
        "fn" | "eval" => Some("javascript"),
        "grade" => Some("llm-rubric"),
        "javascript" | "python" | "llm-rubric" | "factuality" | "file" => Some(base),
        _other => None,
    };
    if let Some(code) = code {
        return json!({"type": code});
    }
    let Some(kind) = Kind::of(base) else {
        // What looks like a type and is none may be a text with a colon in it.
        return json!({"type": "equals", "value": cell});
    };
    let takes_value = !matches!(
        kind,
        Kind::IsJson
            | Kind::ContainsJson
            | Kind::IsRefusal
            | Kind::Latency
            | Kind::Cost
            | Kind::IsValidOpenaiToolsCall
            | Kind::IsValidOpenaiFunctionCall
            | Kind::IsValidFunctionCall
    );
    if value.is_none() && takes_value {
        return json!({"type": "equals", "value": cell});
    }
    let mut assertion = json!({"type": name});
    if let Value::Object(members) = &mut assertion {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            members.insert("value".to_owned(), json!(value));
        }
        if let Some(threshold) = threshold {
            members.insert("threshold".to_owned(), json!(threshold));
        }
    }
    assertion
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_an_assertion() {
        let check = |cell: &str, expected: Value| assert_eq!(assertion(cell), expected, "{cell}");
        check("Paris", json!({"type": "equals", "value": "Paris"}));
        check(
            "Note: this",
            json!({"type": "equals", "value": "Note: this"}),
        );
        check(
            "contains: Paris",
            json!({"type": "contains", "value": "Paris"}),
        );
        check(
            "not-icontains:as an AI",
            json!({"type": "not-icontains", "value": "as an AI"}),
        );
        check(
            "contains-any: a, b",
            json!({"type": "contains-any", "value": "a, b"}),
        );
        check(
            "similar(0.8): Paris",
            json!({"type": "similar", "value": "Paris", "threshold": 0.8}),
        );
        check("is-json", json!({"type": "is-json"}));
        check(
            "latency(900)",
            json!({"type": "latency", "threshold": 900.0}),
        );
        check("contains", json!({"type": "equals", "value": "contains"}));
        check("fn: output.length > 3", json!({"type": "javascript"}));
        check("python: x", json!({"type": "python"}));
        check("grade: is kind", json!({"type": "llm-rubric"}));
    }

    #[test]
    fn columns_are_variables_or_special() {
        let row = json!({"city": "Rome", "__expected1": "contains: a", "__expected2": "is-json", "__metric": "m", "__prefix": "P ",
            "__threshold": "0.5", "__metadata:team": "x", "__provider": "y", "__config:x": "z", "__description": "d", "__suffix": ""});
        let Value::Object(row) = row else { panic!() };
        let (test, problems) = test_of_row(row);
        assert_eq!(test.variables.len(), 1);
        assert_eq!(test.assertions.len(), 2);
        assert_eq!(test.assertions[0]["metric"], "m");
        assert_eq!(
            (test.threshold, test.prefix.as_deref(), test.suffix),
            (Some(0.5), Some("P "), None)
        );
        assert_eq!(test.metadata["team"], "x");
        assert_eq!(problems, ["column `__config:x`"]);
    }
}
