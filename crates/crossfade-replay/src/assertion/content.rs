//! Assertions on what a text says: the sources it cites, the numbers it names.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

use super::{Judged, Kind, text};
use crate::object::{Object, shown};

/// Citations and numbers of a text that count.
const MOST: usize = 10_000;

/// What is expected to be said.
#[derive(Debug)]
pub(super) enum Content {
    Citations {
        pattern: Regex,
        wanted: BTreeSet<String>,
        threshold: f64,
    },
    Numbers {
        wanted: Vec<f64>,
        tolerance: f64,
        threshold: f64,
    },
}

// === impl Content ===

impl Content {
    pub(super) fn read(of: Kind, object: &mut Object<'_>) -> Option<Self> {
        let threshold = object.number("threshold", 0.0..=1.0).unwrap_or(1.0);
        if of == Kind::Citations {
            let pattern = object.string("pattern");
            if pattern.is_none() && !object.has_problem("pattern") {
                object.wrong("pattern", "it is missing; give a pattern whose first group is the source, such as \\[(\\d+)\\]");
            }
            let pattern = pattern.and_then(|written| text::pattern(object, "pattern", &written));
            let wanted = text::words(object)?.into_iter().collect();
            return Some(Self::Citations {
                pattern: pattern?,
                wanted,
                threshold,
            });
        }
        let tolerance = object.number("tolerance", 0.0..=f64::MAX).unwrap_or(0.0);
        let list = match object.required("value", "a list of numbers")? {
            Value::Array(list) => list,
            one => vec![one],
        };
        let wanted: Option<Vec<f64>> = list.iter().map(as_number).collect();
        let wanted = wanted.filter(|wanted| !wanted.is_empty());
        if wanted.is_none() {
            object.wrong(
                "value",
                "it must be a number or a list of numbers, not empty",
            );
        }
        Some(Self::Numbers {
            wanted: wanted?,
            tolerance,
            threshold,
        })
    }

    pub(super) fn judge(&self, text: &str) -> Judged {
        match self {
            Self::Citations {
                pattern,
                wanted,
                threshold,
            } => citations(text, pattern, wanted, *threshold),
            Self::Numbers {
                wanted,
                tolerance,
                threshold,
            } => {
                let found = numbers(text);
                let near = |wanted: &&f64| {
                    found
                        .iter()
                        .any(|found| (found - **wanted).abs() <= *tolerance)
                };
                let there = wanted.iter().filter(near).count();
                let score = real(there) / real(wanted.len());
                Judged::scored(
                    score >= *threshold,
                    score,
                    format!("{there} of {} numbers", wanted.len()),
                )
            }
        }
    }
}

fn citations(text: &str, pattern: &Regex, wanted: &BTreeSet<String>, threshold: f64) -> Judged {
    let cited: BTreeSet<&str> = pattern
        .captures_iter(text)
        .take(MOST)
        .filter_map(|found| found.get(1).or_else(|| found.get(0)))
        .map(|source| source.as_str().trim())
        .collect();
    let shared = wanted
        .iter()
        .filter(|source| cited.contains(source.as_str()))
        .count();
    let score = f1(shared, wanted.len(), cited.len());
    let missing = wanted
        .iter()
        .find(|source| !cited.contains(source.as_str()));
    let missing = missing.map_or(String::new(), |source| {
        format!(", missing {}", shown(source))
    });
    let reason = format!(
        "{shared} of {} expected sources among {} cited{missing}",
        wanted.len(),
        cited.len()
    );
    Judged::scored(score >= threshold, score, reason)
}

/// F1 of two sets by what they share; two empty ones agree.
pub(super) fn f1(shared: usize, wanted: usize, found: usize) -> f64 {
    if wanted + found == 0 {
        return 1.0;
    }
    2.0 * real(shared) / real(wanted + found)
}

/// The numbers of a text: with or without a sign, groups of three digits with commas, a fraction, an exponent. Digits within
/// words (`v2`, `a-1b`) are none.
pub(super) fn numbers(text: &str) -> Vec<f64> {
    static NUMBER: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let number = r"(?:^|[^\w.,])([-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?)(%|[^\W\d_]*)";
        Regex::new(number).ok()
    });
    let Some(pattern) = NUMBER.as_ref() else {
        return Vec::new();
    };
    pattern
        .captures_iter(text)
        .take(MOST)
        .filter_map(|found| parse(found.get(1)?.as_str()))
        .collect()
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => parse(text.trim()),
        _other => None,
    }
}

fn parse(text: &str) -> Option<f64> {
    let plain = text.replace(',', "").replace('−', "-");
    plain
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
}

#[expect(clippy::cast_precision_loss, reason = "counts within one answer")]
fn real(count: usize) -> f64 {
    count as f64
}
