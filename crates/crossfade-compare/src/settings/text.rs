//! What an operator may say about the checks of free text, time and tokens.

use serde::{Deserialize, Serialize};

/// What is expected of free text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextSimilaritySettings {
    /// Similarity under which the check fails, 0..=1. Without it the score is only reported.
    pub threshold: Option<f64>,
}

/// What is expected of the nearness of two texts by the embeddings of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SemanticSimilaritySettings {
    /// Cosine under which the check fails, 0..=1: which one fits depends on the model of the embeddings. With it the check
    /// takes the place of the wording; without it the cosine is only reported.
    pub threshold: Option<f64>,
}

/// Which citations two answers have to share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CitationSettings {
    /// Regular expressions that find citations; the first group, or the whole match, is what is cited. Without any: web
    /// addresses, `[1]`, `[doc3]`, `【…】` and `[^note]`.
    pub patterns: Vec<String>,
    /// F1 of the two sets of what is cited under which the check fails, 0..=1; all of them if absent.
    pub threshold: Option<f64>,
}

/// Which facts of free text two answers have to share.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExtractionSettings {
    /// The kinds of facts that count; all of them if empty.
    pub kinds: Vec<FactKind>,
    /// F1 of the two multisets of facts under which the check fails, 0..=1; all of them if absent.
    pub threshold: Option<f64>,
}

/// A kind of fact that is found in free text without knowing its meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// Numbers without a unit.
    Numbers,
    /// Shares in percent.
    Percentages,
    /// Sums of money with their currency.
    Amounts,
    /// Days of the calendar.
    Dates,
    /// Codes of letters and digits: orders, tickets, invoices.
    Ids,
    /// E-mail addresses.
    Emails,
    /// Web addresses.
    Links,
}

// === impl FactKind ===

impl FactKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Numbers,
        Self::Percentages,
        Self::Amounts,
        Self::Dates,
        Self::Ids,
        Self::Emails,
        Self::Links,
    ];

    /// Its name in settings and evidence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Numbers => "numbers",
            Self::Percentages => "percentages",
            Self::Amounts => "amounts",
            Self::Dates => "dates",
            Self::Ids => "ids",
            Self::Emails => "emails",
            Self::Links => "links",
        }
    }
}

/// How much of an answer has to stand in its request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroundednessSettings {
    /// Share of the answer's numbers, names and quotations found in the request under which the check fails, 0..=1; half of
    /// them if absent.
    pub threshold: Option<f64>,
}

/// How far two texts may differ in length.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LengthSettings {
    /// How many times as long the longer text may be, 1 or more; 1.25 if absent.
    pub ratio: Option<f64>,
}

/// What is expected of times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LatencySettings {
    /// The candidate's first content must come within this many milliseconds. Without it the ratio is only reported.
    pub first_content_ms: Option<u64>,
    /// The candidate's answer must end within this many milliseconds. Without it the ratio is only reported.
    pub total_ms: Option<u64>,
    /// The candidate's stream must bring this many tokens per second after its first content. Without it the ratio is only
    /// reported.
    pub tokens_per_second: Option<f64>,
}
