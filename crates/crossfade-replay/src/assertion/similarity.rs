//! Assertions on how like an expected text the answer is: edit distance, shared words, cosine of embeddings.

use std::collections::HashMap;

use serde_json::Value;

use super::{Context, Judged, Kind, text};
use crate::object::{Object, kind};

/// The longest text whose edit distance is computed, in letters: its cost grows with the product of both lengths.
const MOST_LETTERS: usize = 10_000;
/// Of each text, the words that count.
const MOST_WORDS: usize = 20_000;
/// promptfoo's thresholds where a case has none.
const DISTANCE: f64 = 5.0;
const SHARE: f64 = 0.75;

/// What the answer is to be like.
#[derive(Debug)]
pub(super) enum Similarity {
    Levenshtein {
        wanted: String,
        most: f64,
    },
    Rouge {
        wanted: String,
        length: usize,
        threshold: f64,
    },
    Cosine {
        wanted: Vec<String>,
        threshold: f64,
    },
}

// === impl Similarity ===

impl Similarity {
    pub(super) fn read(of: Kind, object: &mut Object<'_>) -> Option<Self> {
        match of {
            Kind::Levenshtein => {
                let most = object
                    .number("threshold", 0.0..=f64::MAX)
                    .unwrap_or(DISTANCE);
                let wanted = text::text(object)?;
                if wanted.chars().count() > MOST_LETTERS {
                    object.wrong(
                        "value",
                        format!("it is longer than {MOST_LETTERS} letters; use rouge-n"),
                    );
                    return None;
                }
                Some(Self::Levenshtein { wanted, most })
            }
            Kind::RougeN => {
                let threshold = object.number("threshold", 0.0..=1.0).unwrap_or(SHARE);
                let length = object.whole("n", 1..=9).unwrap_or(1);
                let wanted = text::text(object)?;
                Some(Self::Rouge {
                    wanted,
                    length: usize::try_from(length).unwrap_or(1),
                    threshold,
                })
            }
            // Every other type is read elsewhere.
            _other => {
                let threshold = object.number("threshold", 0.0..=1.0).unwrap_or(SHARE);
                let value = object
                    .required("value", "a text, or a list of texts of which one is enough")?;
                let wanted = texts(&value);
                if wanted.is_none() {
                    object.wrong(
                        "value",
                        format!(
                            "it must be a text or a list of texts, and is {}",
                            kind(&value)
                        ),
                    );
                }
                Some(Self::Cosine {
                    wanted: wanted?,
                    threshold,
                })
            }
        }
    }

    /// The texts whose embeddings are needed.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let wanted: &[String] = match self {
            Self::Cosine { wanted, .. } => wanted,
            Self::Levenshtein { .. } | Self::Rouge { .. } => &[],
        };
        wanted.iter().map(String::as_str)
    }

    pub(super) fn judge(&self, text: &str, context: &Context<'_>) -> Judged {
        match self {
            Self::Levenshtein { wanted, most } => levenshtein(text, wanted, *most),
            Self::Rouge {
                wanted,
                length,
                threshold,
            } => {
                let score = rouge_n(wanted, text, *length);
                let reason = format!("ROUGE-{length} is {score:.3} of {threshold:.3}");
                Judged::scored(score >= *threshold, score, reason)
            }
            Self::Cosine { wanted, threshold } => cosine(text, wanted, *threshold, context),
        }
    }
}

fn levenshtein(text: &str, wanted: &str, most: f64) -> Judged {
    let (found, expected) = (text.chars().count(), wanted.chars().count());
    if found > MOST_LETTERS {
        return Judged::Error(format!(
            "the answer is longer than {MOST_LETTERS} letters; use rouge-n"
        ));
    }
    let distance = real(strsim::levenshtein(text, wanted));
    let longer = real(found.max(expected).max(1));
    let reason = format!("{distance} edits of {most}");
    Judged::scored(distance <= most, 1.0 - distance / longer, reason)
}

fn cosine(text: &str, wanted: &[String], threshold: f64, context: &Context<'_>) -> Judged {
    let Some(cosine) = context.cosine else {
        return Judged::Error(
            "no model of embeddings is configured, which `similar` needs: set [similarity] path, azure or bedrock"
                .to_owned(),
        );
    };
    let mut best = -1.0_f64;
    for expected in wanted {
        match cosine(expected, text) {
            Ok(near) => best = best.max(near),
            Err(why) => return Judged::Error(format!("no embeddings: {why}")),
        }
    }
    let reason = format!("cosine is {best:.3} of {threshold:.3}");
    Judged::scored(best >= threshold, best.clamp(0.0, 1.0), reason)
}

/// ROUGE-N: F1 of the runs of n words (letters and digits, lower case) that both texts have, as multisets. Lin 2004,
/// "ROUGE: a package for automatic evaluation of summaries". Two texts too short for a run share nothing.
pub(super) fn rouge_n(reference: &str, candidate: &str, length: usize) -> f64 {
    let (reference, candidate) = (words(reference), words(candidate));
    let runs = |words: &[String]| words.len().saturating_sub(length - 1);
    let (wanted, given) = (runs(&reference), runs(&candidate));
    if wanted == 0 || given == 0 {
        return 0.0;
    }
    let mut counts: HashMap<&[String], usize> = HashMap::with_capacity(wanted);
    for run in reference.windows(length) {
        *counts.entry(run).or_default() += 1;
    }
    let mut shared = 0;
    for run in candidate.windows(length) {
        if let Some(count) = counts.get_mut(run).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    2.0 * real(shared) / (real(wanted) + real(given))
}

fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .map(str::to_lowercase)
        .collect()
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(vec![text.clone()]),
        Value::Array(list) if !list.is_empty() => list
            .iter()
            .map(|text| {
                text.as_str()
                    .filter(|text| !text.trim().is_empty())
                    .map(str::to_owned)
            })
            .collect(),
        _other => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts within one answer")]
fn real(count: usize) -> f64 {
    count as f64
}
