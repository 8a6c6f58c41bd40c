//! Assertions on the text as it stands: equal, contains, pattern, beginning.

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::{Judged, Kind};
use crate::{
    canonical::canonical,
    object::{Object, kind, shown},
};

/// The largest compiled pattern, in bytes.
const LARGEST_PATTERN: usize = 1 << 20;

/// What is expected of a text.
#[derive(Debug)]
pub(super) enum Text {
    Equals(String),
    EqualsJson(Value),
    Contains {
        wanted: Vec<String>,
        all: bool,
        any_case: bool,
    },
    Fuzzy(Vec<String>),
    Regex(Regex),
    StartsWith(String),
}

// === impl Text ===

impl Text {
    pub(super) fn read(of: Kind, object: &mut Object<'_>) -> Option<Self> {
        let contains = |wanted: Vec<String>, all: bool, any_case: bool| Self::Contains {
            wanted,
            all,
            any_case,
        };
        match of {
            Kind::Contains => Some(contains(vec![word(object)?], true, false)),
            Kind::Icontains => Some(contains(vec![word(object)?], true, true)),
            Kind::ContainsAny => Some(contains(words(object)?, false, false)),
            Kind::ContainsAll => Some(contains(words(object)?, true, false)),
            Kind::IcontainsAny => Some(contains(words(object)?, false, true)),
            Kind::IcontainsAll => Some(contains(words(object)?, true, true)),
            Kind::FuzzyMatch => Some(Self::Fuzzy(words(object)?)),
            Kind::Regex => {
                let written = text(object)?;
                pattern(object, "value", &written).map(Self::Regex)
            }
            Kind::StartsWith => text(object).map(Self::StartsWith),
            // Every other type is read elsewhere.
            _other => Some(match object.required("value", "what the answer must be")? {
                Value::String(text) => Self::Equals(text),
                scalar @ (Value::Bool(_) | Value::Number(_) | Value::Null) => {
                    Self::Equals(scalar.to_string())
                }
                json @ (Value::Array(_) | Value::Object(_)) => Self::EqualsJson(json),
            }),
        }
    }

    pub(super) fn judge(&self, text: &str) -> Judged {
        match self {
            Self::Equals(wanted) => {
                Judged::plain(text == wanted, format!("expected {}", shown(wanted)))
            }
            Self::EqualsJson(wanted) => {
                let same = serde_json::from_str::<Value>(text)
                    .is_ok_and(|found| canonical(&found) == canonical(wanted));
                Judged::plain(same, "expected other JSON")
            }
            Self::Contains {
                wanted,
                all,
                any_case,
            } => contains(text, wanted, *all, *any_case),
            Self::Fuzzy(wanted) => {
                let found = bare(text);
                let pass = wanted.iter().any(|wanted| fuzzy(&found, &bare(wanted)));
                Judged::plain(
                    pass,
                    format!(
                        "one of {} texts in the answer, or the answer in it",
                        wanted.len()
                    ),
                )
            }
            Self::Regex(pattern) => Judged::plain(
                pattern.is_match(text),
                format!("pattern {}", shown(pattern.as_str())),
            ),
            Self::StartsWith(wanted) => Judged::plain(
                text.starts_with(wanted),
                format!("beginning {}", shown(wanted)),
            ),
        }
    }
}

fn contains(text: &str, wanted: &[String], all: bool, any_case: bool) -> Judged {
    let folded = any_case.then(|| text.to_lowercase());
    let has = |word: &&String| match &folded {
        Some(text) => text.contains(&word.to_lowercase()),
        None => text.contains(word.as_str()),
    };
    let (there, missing): (Vec<&String>, Vec<&String>) = wanted.iter().partition(has);
    let pass = if all {
        missing.is_empty()
    } else {
        !there.is_empty()
    };
    let list = |words: &[&String]| {
        let words: Vec<String> = words.iter().take(5).map(|word| shown(word)).collect();
        if words.is_empty() {
            "nothing".to_owned()
        } else {
            words.join(", ")
        }
    };
    Judged::plain(
        pass,
        format!("found {}; missing {}", list(&there), list(&missing)),
    )
}

/// Lower case, without ASCII punctuation and English articles, with single spaces.
fn bare(text: &str) -> String {
    let letters = text.chars().filter(|letter| !letter.is_ascii_punctuation());
    let lower: String = letters.flat_map(char::to_lowercase).collect();
    let words = lower
        .split_whitespace()
        .filter(|word| !matches!(*word, "a" | "an" | "the"));
    words.collect::<Vec<_>>().join(" ")
}

/// Whether one stands in the other; of nothing, only nothing is like it.
fn fuzzy(one: &str, other: &str) -> bool {
    if one.is_empty() || other.is_empty() {
        one == other
    } else {
        one.contains(other) || other.contains(one)
    }
}

/// A pattern within bounds; it runs in linear time, so it has no look-around and no back-references.
pub(super) fn pattern(object: &mut Object<'_>, key: &str, written: &str) -> Option<Regex> {
    let compiled = RegexBuilder::new(written)
        .size_limit(LARGEST_PATTERN)
        .dfa_size_limit(LARGEST_PATTERN)
        .build();
    match compiled {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default();
            let why = last.trim_start_matches("error: ");
            object.wrong(key, format!("{} is no pattern: {why}", shown(written)));
            None
        }
    }
}

/// A text that says something.
pub(super) fn text(object: &mut Object<'_>) -> Option<String> {
    match object.required("value", "a text")? {
        Value::String(text) if !text.is_empty() => Some(text),
        Value::String(_) => {
            object.wrong("value", "it is empty");
            None
        }
        other => {
            object.wrong(
                "value",
                format!("it must be a text, and is {}", kind(&other)),
            );
            None
        }
    }
}

/// A text or a number.
fn word(object: &mut Object<'_>) -> Option<String> {
    let value = object.required("value", "a text")?;
    let word = as_word(&value);
    if word.is_none() {
        object.wrong(
            "value",
            format!(
                "it must be a text that is not empty, and is {}",
                kind(&value)
            ),
        );
    }
    word
}

/// A list of texts and numbers, or a text of them with commas between.
pub(super) fn words(object: &mut Object<'_>) -> Option<Vec<String>> {
    let value = object.required("value", "a list of texts")?;
    let words: Option<Vec<String>> = match &value {
        Value::Array(list) => list.iter().map(as_word).collect(),
        Value::String(text) => Some(by_commas(text)),
        Value::Number(number) => Some(vec![number.to_string()]),
        Value::Null | Value::Bool(_) | Value::Object(_) => None,
    };
    let words = words.filter(|words| !words.is_empty());
    if words.is_none() {
        object.wrong(
            "value",
            "it must be a list of texts, not empty, or texts with commas between",
        );
    }
    words
}

fn as_word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _other => None,
    }
}

/// Values with commas between; one in double quotes may have commas in it.
fn by_commas(text: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let fields = reader.records().filter_map(Result::ok);
    let words = fields.flat_map(|record| record.iter().map(str::to_owned).collect::<Vec<_>>());
    words.filter(|word| !word.is_empty()).collect()
}
