//! A route's label, compiled: where it stands in an answer, and the closed list it is taken from, or how near two numbers
//! must be.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use crate::{
    leaves::Step,
    path::Path,
    settings::{LabelSettings, NumberSettings, SettingsError},
};

mod number;

/// The largest compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 1024 * 1024;
/// Of a text, the bytes that a pattern is matched against.
const MOST_BYTES: usize = 256 * 1024;

/// A compiled label.
#[derive(Debug)]
pub(crate) struct LabelRule {
    source: Source,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// One of a closed list.
    List {
        /// The labels as configured, by their normal form.
        values: HashMap<String, usize>,
        names: Vec<String>,
        /// Pairs of places in `names`, the primary's first; `None` is any label.
        risky: Vec<(Option<usize>, Option<usize>)>,
    },
    /// A number.
    Number(NumberSettings),
}

#[derive(Debug)]
enum Source {
    Path(Path),
    Pattern(Regex),
}

/// What stands where the label should.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Label {
    /// A label of the list, by its place.
    Known(usize),
    /// A number, where the label is one.
    Number(f64),
    /// Something that is not of the list, or no number.
    OffList,
    /// Nothing.
    Missing,
}

// === impl LabelRule ===

impl LabelRule {
    /// Compiles the settings.
    pub(crate) fn compile(settings: &LabelSettings) -> Result<Self, SettingsError> {
        let source = match (&settings.path, &settings.pattern) {
            (Some(path), None) => {
                Source::Path(Path::parse(path).map_err(|why| SettingsError::Path {
                    key: "label.path",
                    path: path.clone(),
                    why,
                })?)
            }
            (None, Some(pattern)) => Source::Pattern(
                RegexBuilder::new(pattern)
                    .size_limit(LARGEST_PATTERN)
                    .dfa_size_limit(LARGEST_PATTERN)
                    .build()
                    .map_err(SettingsError::Pattern)?,
            ),
            (Some(_), Some(_)) | (None, None) => return Err(SettingsError::LabelSource),
        };
        let kind = match settings.number {
            Some(number) => Kind::number(settings, number)?,
            None => Kind::list(settings)?,
        };
        Ok(Self { source, kind })
    }

    /// Whether the label is taken from JSON.
    pub(crate) const fn needs_json(&self) -> bool {
        matches!(self.source, Source::Path(_))
    }

    /// Where the label stands in a JSON answer, if it is taken from JSON.
    pub(crate) fn place(&self, json: &Value) -> Option<Vec<Step<'_>>> {
        match &self.source {
            Source::Path(path) => path.first_place(json),
            Source::Pattern(_) => None,
        }
    }

    /// Whether the path of the label names a member so.
    pub(crate) fn names(&self, name: &str) -> bool {
        match &self.source {
            Source::Path(path) => path.names(name),
            Source::Pattern(_) => false,
        }
    }

    /// The label of an answer, from its text or from the JSON that the text holds.
    pub(crate) fn find(&self, text: &str, json: Option<&Value>) -> Label {
        match &self.source {
            Source::Path(path) => match json.and_then(|json| path.first(json)) {
                None | Some(Value::Null) => Label::Missing,
                Some(Value::String(label)) => self.kind.read(label),
                Some(label @ (Value::Bool(_) | Value::Number(_))) => {
                    self.kind.read(&label.to_string())
                }
                Some(Value::Array(_) | Value::Object(_)) => Label::OffList,
            },
            Source::Pattern(pattern) => {
                let end = text.floor_char_boundary(MOST_BYTES);
                let text = text.split_at_checked(end).map_or(text, |(text, _)| text);
                let Some(found) = pattern.captures(text) else {
                    return Label::Missing;
                };
                found
                    .get(1)
                    .or_else(|| found.get(0))
                    .map_or(Label::Missing, |m| self.kind.read(m.as_str()))
            }
        }
    }

    /// Whether two labels are the same one.
    pub(crate) fn same(&self, primary: Label, candidate: Label) -> bool {
        match (&self.kind, primary, candidate) {
            (Kind::Number(number), Label::Number(from), Label::Number(to)) => number.near(from, to),
            (Kind::List { .. } | Kind::Number(_), from, to) => from == to,
        }
    }

    /// A label's name as configured, for evidence. Numbers are the model's own words, and have none.
    pub(crate) fn name(&self, label: Label) -> &str {
        match (&self.kind, label) {
            (Kind::List { names, .. }, Label::Known(place)) => {
                names.get(place).map_or("", String::as_str)
            }
            (Kind::Number(_), Label::Known(_)) => "",
            (_, Label::Number(_)) => "(number)",
            (Kind::List { .. }, Label::OffList) => "(off list)",
            (Kind::Number(_), Label::OffList) => "(no number)",
            (_, Label::Missing) => "(missing)",
        }
    }

    /// Where the label stands, for differences.
    pub(crate) fn text(&self) -> &str {
        match &self.source {
            Source::Path(path) => path.text(),
            Source::Pattern(_) => "label",
        }
    }

    /// Whether this cell of the confusion matrix is a blocker.
    pub(crate) fn is_risky(&self, primary: Label, candidate: Label) -> bool {
        let (Kind::List { risky, .. }, Label::Known(primary)) = (&self.kind, primary) else {
            return false;
        };
        risky.iter().any(|(from, to)| {
            from.is_none_or(|from| from == primary)
                && match (to, candidate) {
                    (None, _) => true,
                    (Some(to), Label::Known(candidate)) => *to == candidate,
                    (Some(_), Label::Number(_) | Label::OffList | Label::Missing) => false,
                }
        })
    }
}

// === impl Kind ===

impl Kind {
    fn list(settings: &LabelSettings) -> Result<Self, SettingsError> {
        let mut values = HashMap::new();
        for (place, value) in settings.values.iter().enumerate() {
            values.insert(normal(value), place);
        }
        if values.len() < 2 || values.len() != settings.values.len() || values.contains_key("") {
            return Err(SettingsError::LabelValues);
        }
        let cell = |label: &String| match values.get(&normal(label)) {
            Some(place) => Ok(Some(*place)),
            None if label == "*" => Ok(None),
            None => Err(SettingsError::RiskyLabel(label.clone())),
        };
        let risky = settings
            .risky
            .iter()
            .map(|(primary, candidate)| Ok((cell(primary)?, cell(candidate)?)))
            .collect::<Result<_, SettingsError>>()?;
        Ok(Self::List {
            values,
            names: settings.values.clone(),
            risky,
        })
    }

    fn number(settings: &LabelSettings, number: NumberSettings) -> Result<Self, SettingsError> {
        if !settings.values.is_empty() || !settings.risky.is_empty() {
            return Err(SettingsError::LabelKind);
        }
        for (key, value) in [
            ("label.number.abs", number.abs),
            ("label.number.rel", number.rel),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(SettingsError::Range {
                    key,
                    value,
                    range: "a number, 0 or more",
                });
            }
        }
        Ok(Self::Number(number))
    }

    fn read(&self, label: &str) -> Label {
        match self {
            Self::List { values, .. } => values
                .get(&normal(label))
                .map_or(Label::OffList, |place| Label::Known(*place)),
            Self::Number(_) => number::last(label).map_or(Label::OffList, Label::Number),
        }
    }
}

/// Lower case; outer punctuation off; `_`, `-` and white space as single spaces.
pub(crate) fn normal(label: &str) -> String {
    let trimmed = label.trim_matches(|c: char| !c.is_alphanumeric());
    let spaced = trimmed.split(|c: char| c.is_whitespace() || c == '_' || c == '-');
    let words: Vec<&str> = spaced.filter(|word| !word.is_empty()).collect();
    words.join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(path: Option<&str>, pattern: Option<&str>) -> LabelSettings {
        LabelSettings {
            path: path.map(str::to_owned),
            pattern: pattern.map(str::to_owned),
            number: None,
            values: vec!["Refund".into(), "complaint".into(), "other_matter".into()],
            risky: vec![
                ("refund".into(), "complaint".into()),
                ("complaint".into(), "*".into()),
            ],
        }
    }

    #[test]
    fn labels_are_found_and_normalised() {
        let by_path = LabelRule::compile(&settings(Some("$.class"), None)).unwrap();
        let check = |json: Value, expected: Label| {
            assert_eq!(by_path.find("", Some(&json)), expected, "{json}");
        };
        check(json!({"class": "refund"}), Label::Known(0));
        check(json!({"class": " **REFUND**. "}), Label::Known(0));
        check(json!({"class": "Other-matter"}), Label::Known(2));
        check(json!({"class": "refunds"}), Label::OffList);
        check(json!({"class": ["refund"]}), Label::OffList);
        check(json!({"class": 7}), Label::OffList);
        check(json!({"class": null}), Label::Missing);
        check(json!({}), Label::Missing);
        assert_eq!(by_path.find("refund", None), Label::Missing);

        let by_pattern = LabelRule::compile(&settings(None, Some(r"(?i)label:\s*(\S+)"))).unwrap();
        assert_eq!(
            by_pattern.find("It is so.\nLabel: refund.", None),
            Label::Known(0)
        );
        assert_eq!(by_pattern.find("Label: nothing", None), Label::OffList);
        assert_eq!(by_pattern.find("refund", None), Label::Missing);
    }

    #[test]
    fn numbers_are_read_and_compared_within_a_distance() {
        let number = |abs: f64, rel: f64| {
            let settings = LabelSettings {
                number: Some(NumberSettings { abs, rel }),
                values: Vec::new(),
                risky: Vec::new(),
                ..settings(Some("$.answer"), None)
            };
            LabelRule::compile(&settings).unwrap()
        };
        let check = |rule: &LabelRule, a: Value, b: Value, same: bool| {
            let find = |answer: &Value| rule.find("", Some(&json!({ "answer": answer })));
            assert_eq!(rule.same(find(&a), find(&b)), same, "{a} {b}");
            assert_eq!(rule.same(find(&b), find(&a)), same, "{b} {a}");
        };
        let exact = number(0.0, 0.0);
        check(&exact, json!("$18"), json!(18), true);
        check(&exact, json!("1,800"), json!("1800.0"), true);
        check(&exact, json!("18"), json!("19"), false);
        check(&exact, json!("18"), json!("eighteen"), false);
        check(&number(0.5, 0.0), json!("18"), json!("18.5"), true);
        check(&number(0.0, 0.1), json!(100), json!(112), false);
        check(&number(0.0, 0.1), json!(100), json!(110), true);
        assert_eq!(
            exact.find("", Some(&json!({"answer": "none"}))),
            Label::OffList
        );
        assert_eq!(exact.find("", Some(&json!({}))), Label::Missing);
    }

    #[test]
    fn risky_cells_have_a_direction() {
        let rule = LabelRule::compile(&settings(Some("$.class"), None)).unwrap();
        let check = |primary: usize, candidate: Label, risky: bool| {
            assert_eq!(
                rule.is_risky(Label::Known(primary), candidate),
                risky,
                "{primary} {candidate:?}"
            );
        };
        check(0, Label::Known(1), true);
        check(0, Label::Known(2), false);
        check(0, Label::Missing, false);
        check(1, Label::Known(0), true);
        check(1, Label::OffList, true);
        check(2, Label::Known(0), false);
    }

    #[test]
    fn unusable_settings_are_refused() {
        let check = |settings: LabelSettings, message: &str| {
            let error = LabelRule::compile(&settings).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        };
        check(settings(None, None), "label: ");
        check(settings(Some("$.a"), Some("a")), "label: ");
        check(settings(Some("class"), None), "label.path: ");
        check(settings(None, Some("(")), "label.pattern: ");
        let few = LabelSettings {
            values: vec!["a".into(), "A".into()],
            ..settings(Some("$"), None)
        };
        check(few, "label.values: ");
        let number = |abs| Some(NumberSettings { abs, rel: 0.0 });
        check(
            LabelSettings {
                number: number(0.0),
                ..settings(Some("$"), None)
            },
            "label: give either values or number",
        );
        check(
            LabelSettings {
                number: number(-1.0),
                values: Vec::new(),
                risky: Vec::new(),
                ..settings(Some("$"), None)
            },
            "label.number.abs: ",
        );
        let risky = vec![("refund".into(), "secret".into())];
        check(
            LabelSettings {
                risky,
                ..settings(Some("$"), None)
            },
            "label.risky: ",
        );
    }
}
