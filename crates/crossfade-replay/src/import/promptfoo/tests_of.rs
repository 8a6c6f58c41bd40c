//! The tests of a configuration or of a file: variables, assertions, threshold. A file of tests is YAML, JSON, JSON Lines or
//! CSV.

use std::path::Path;

use serde_json::{Map, Value};

use super::{
    super::files::{self, Kind, Root},
    expected,
};

/// The most cases that one test's lists of values make.
const MOST_EXPANDED: usize = 1000;

/// A test, or what all tests have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Test {
    pub(super) description: Option<String>,
    pub(super) variables: Map<String, Value>,
    pub(super) assertions: Vec<Value>,
    pub(super) threshold: Option<f64>,
    pub(super) metadata: Map<String, Value>,
    pub(super) prefix: Option<String>,
    pub(super) suffix: Option<String>,
    as_they_are: bool,
    without_default: bool,
}

/// Tests with their places, what is not understood of each, and what could not be read at all.
#[derive(Debug, Default)]
pub(super) struct Tests {
    pub(super) tests: Vec<(String, Test, Vec<String>)>,
    pub(super) problems: Vec<(String, String)>,
}

// === impl Tests ===

impl Tests {
    /// The value of `tests`: a list of tests and files, or a file.
    pub(super) fn of_value(root: &Root, value: &Value) -> Self {
        let mut tests = Self::default();
        match value {
            Value::Array(list) => {
                for (place, test) in list.iter().enumerate() {
                    tests.push(root, test, format!("tests[{place}]"));
                }
            }
            other => tests.push(root, other, "tests".to_owned()),
        }
        tests
    }

    /// A list of tests.
    pub(super) fn of_list(list: Vec<Value>) -> Self {
        let mut tests = Self::default();
        for (place, test) in list.into_iter().enumerate() {
            tests.push_test(&test, format!("[{place}]"));
        }
        tests
    }

    /// A file of tests.
    pub(super) fn of_file(content: &str, path: &Path) -> Self {
        let mut tests = Self::default();
        tests.extend(content, Kind::of(path), "");
        tests
    }

    fn push(&mut self, root: &Root, value: &Value, place: String) {
        match value {
            Value::String(reference) => self.push_file(root, reference, place),
            Value::Object(members)
                if members.contains_key("path") && !members.contains_key("vars") =>
            {
                self.problems
                    .push((place, "tests that code makes".to_owned()));
            }
            other => self.push_test(other, place),
        }
    }

    fn push_test(&mut self, value: &Value, place: String) {
        let (test, problems) = Test::read(value);
        self.tests.push((place, test, problems));
    }

    fn push_file(&mut self, root: &Root, reference: &str, place: String) {
        if reference.contains('*') || reference.contains("://") && !reference.starts_with("file://")
        {
            self.problems
                .push((place, format!("tests from {reference}")));
            return;
        }
        let read = root
            .find(reference)
            .and_then(|path| Ok((Kind::of(&path), root.text(reference)?)));
        match read {
            Ok((kind, content)) => self.extend(&content, kind, reference),
            Err(what) => self.problems.push((place, what)),
        }
    }

    fn extend(&mut self, content: &str, kind: Kind, name: &str) {
        let place = |line: &dyn std::fmt::Display| format!("{name}[{line}]");
        match kind {
            Kind::Csv => match files::csv_rows(content) {
                Ok(rows) => {
                    for (line, row) in rows {
                        let (test, problems) = expected::test_of_row(row);
                        self.tests.push((place(&line), test, problems));
                    }
                }
                Err(what) => self.problems.push((name.to_owned(), what)),
            },
            Kind::JsonLines => {
                for (line, value) in files::json_lines(content) {
                    match value {
                        Ok(value) => self.push_test(&value, place(&line)),
                        Err(what) => self.problems.push((place(&line), what)),
                    }
                }
            }
            Kind::Yaml | Kind::Json => match files::yaml(content) {
                Ok(Value::Array(list)) => {
                    for (index, test) in list.iter().enumerate() {
                        self.push_test(test, place(&index));
                    }
                }
                Ok(one @ Value::Object(_)) => self.push_test(&one, name.to_owned()),
                Ok(_) => self
                    .problems
                    .push((name.to_owned(), "it holds no tests".to_owned())),
                Err(what) => self.problems.push((name.to_owned(), what)),
            },
            Kind::Text | Kind::Other => {
                let what = format!("tests from {name}, which is code or no file of tests");
                self.problems.push((name.to_owned(), what));
            }
        }
    }
}

// === impl Test ===

impl Test {
    /// Reads `defaultTest`, which may be a file.
    pub(super) fn read_reference(root: &Root, value: &Value) -> (Self, Vec<String>) {
        match value {
            Value::String(reference) => match root.value(reference) {
                Ok(value) => Self::read(&value),
                Err(what) => (Self::default(), vec![what]),
            },
            other => Self::read(other),
        }
    }

    /// Reads a test; what is not understood is named.
    pub(super) fn read(value: &Value) -> (Self, Vec<String>) {
        let mut test = Self::default();
        let mut problems = Vec::new();
        let Value::Object(members) = value else {
            return (test, vec!["a test that is no object".to_owned()]);
        };
        for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
            match (key.as_str(), value) {
                ("description", Value::String(said)) => test.description = Some(said.clone()),
                ("vars", Value::Object(variables)) => test.variables.clone_from(variables),
                ("vars", Value::String(reference)) => {
                    problems.push(format!("variables from {reference}"));
                }
                ("assert", Value::Array(list)) => test.assertions.clone_from(list),
                ("threshold", Value::Number(number)) => test.threshold = number.as_f64(),
                ("metadata", Value::Object(metadata)) => test.metadata.clone_from(metadata),
                ("options", Value::Object(options)) => test.read_options(options, &mut problems),
                (other, _) => problems.push(format!("`{other}` of a test")),
            }
        }
        (test, problems)
    }

    fn read_options(&mut self, options: &Map<String, Value>, problems: &mut Vec<String>) {
        for (key, value) in options.iter().filter(|(_, value)| !value.is_null()) {
            match (key.as_str(), value) {
                ("prefix", Value::String(text)) => self.prefix = Some(text.clone()),
                ("suffix", Value::String(text)) => self.suffix = Some(text.clone()),
                ("disableVarExpansion", Value::Bool(on)) => self.as_they_are = *on,
                ("disableDefaultAsserts", Value::Bool(on)) => self.without_default = *on,
                // Who grades, and how, matters only to types that are not imported.
                ("provider" | "rubricPrompt" | "runSerially" | "storeOutputAs", _) => {}
                (other, _) => problems.push(format!("`options.{other}` of a test")),
            }
        }
    }

    /// The test with what all tests have in common; its own values count first, the common assertions come first.
    pub(super) fn with_default(mut self, default: &Self) -> Self {
        let mut variables = default.variables.clone();
        variables.extend(self.variables);
        let mut metadata = default.metadata.clone();
        metadata.extend(self.metadata);
        if !self.without_default {
            let own = std::mem::replace(&mut self.assertions, default.assertions.clone());
            self.assertions.extend(own);
        }
        Self {
            variables,
            metadata,
            threshold: self.threshold.or(default.threshold),
            prefix: self.prefix.or_else(|| default.prefix.clone()),
            suffix: self.suffix.or_else(|| default.suffix.clone()),
            as_they_are: self.as_they_are || default.as_they_are,
            ..self
        }
    }

    /// The variables of each case, and how many cases more there would be: a list of values makes a case for each of them,
    /// and several lists every combination.
    pub(super) fn expanded(&self) -> (Vec<Map<String, Value>>, usize) {
        let mut all = vec![Map::new()];
        let mut wanted = 1_usize;
        for (name, value) in &self.variables {
            let values = match value {
                Value::Array(list) if !self.as_they_are && !list.is_empty() => list.as_slice(),
                one => std::slice::from_ref(one),
            };
            wanted = wanted.saturating_mul(values.len());
            let every = all.iter().flat_map(|before: &Map<String, Value>| {
                values.iter().map(move |value| {
                    let mut variables = before.clone();
                    variables.insert(name.clone(), value.clone());
                    variables
                })
            });
            all = every.take(MOST_EXPANDED).collect();
        }
        let more = wanted - all.len();
        (all, more)
    }
}
