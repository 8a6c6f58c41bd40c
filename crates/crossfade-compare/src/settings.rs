//! What an operator may say about a route's checks. Parsed here, compiled in [`crate::Checks::new`]; it reads no
//! files and no environment.

use std::collections::BTreeMap;

use crossfade_exchange::{Check, Severity};
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod ranges;
mod text;

pub use text::{
    CitationSettings, ExtractionSettings, FactKind, GroundednessSettings, LatencySettings,
    LengthSettings, SemanticSimilaritySettings, TextSimilaritySettings,
};

/// The checks of one route: `[routes.NAME.checks]`. Everything has a default that judges nothing the route did not
/// ask for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckSettings {
    /// Checks that are switched off, with the metrics they feed. `transport` and `envelope` cannot be.
    pub off: Vec<Check>,
    /// How much a failure of a check matters here, where the default does not fit. Risky label cells and
    /// side-effecting tools stay blockers whatever stands here.
    pub severity: BTreeMap<Check, Severity>,
    /// Every answer of this route must be JSON, even if the request does not say so.
    pub json: bool,
    /// Whether JSON that parses only after a repair (a code fence stripped, a raw line break escaped) passes: for
    /// applications that repair it themselves.
    pub lenient_json: bool,
    /// The JSON schema of the answers, used where JSON is asked for and the request brings no schema of its own.
    pub schema: Option<Value>,
    /// Paths that must be present and not null where JSON is asked for: `$.class`, `$.items[*].price`.
    pub required_fields: Vec<String>,
    /// How the values of two JSON answers are compared, by path; elsewhere exactly.
    pub json_paths: Vec<ValueRuleSettings>,
    /// Where the answer's label stands, if it has one.
    pub label: Option<LabelSettings>,
    /// Tools whose call changes the world: calling one on one side only is a blocker.
    pub side_effecting_tools: Vec<String>,
    /// How tool arguments may differ.
    pub tool_arguments: ToolArgumentSettings,
    /// How refusals are recognised.
    pub refusal: RefusalSettings,
    /// What is expected of free text.
    pub text_similarity: TextSimilaritySettings,
    /// What is expected of the nearness of two texts by the embeddings of a model.
    pub semantic_similarity: SemanticSimilaritySettings,
    /// Answers are to be taken from what the request brings: numbers, names and quotations must stand there, and what is
    /// cited too.
    pub retrieval: bool,
    /// How much of an answer has to stand in its request, where `retrieval` is set.
    pub groundedness: GroundednessSettings,
    /// Which citations two answers have to share. Without it, and without `retrieval`, none are looked for.
    pub citations: Option<CitationSettings>,
    /// Which facts of free text two answers have to share. Without it differences are only reported.
    pub extraction: Option<ExtractionSettings>,
    /// How far two texts may differ in length before that is reported.
    pub length: LengthSettings,
    /// What is expected of times.
    pub latency: LatencySettings,
    /// The most tokens that one answer of the candidate may take. Without it the ratio is only reported.
    pub max_output_tokens: Option<u64>,
    /// What is expected of embeddings.
    pub embeddings: EmbeddingSettings,
    /// The most that one answer may cost, in USD. Without it nothing is over cost.
    pub max_cost_usd: Option<f64>,
    /// The candidate's price.
    pub price: Option<Price>,
    /// The primary's price.
    pub primary_price: Option<Price>,
}

/// A label at a path or matched by a pattern, out of a closed list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelSettings {
    /// The path of the label in a JSON answer; either this or `pattern`.
    #[serde(default)]
    pub path: Option<String>,
    /// A regular expression over the text; its first group, or the whole match, is the label.
    #[serde(default)]
    pub pattern: Option<String>,
    /// The closed list of labels; either this or `number`. Letter case, surrounding punctuation, `_`, `-` and repeated
    /// spaces do not matter.
    #[serde(default)]
    pub values: Vec<String>,
    /// The label is a number, the last one that stands there; units and currencies are not read.
    #[serde(default)]
    pub number: Option<NumberSettings>,
    /// Cells of the confusion matrix that are blockers: the primary's label, then the candidate's; `*` is any.
    #[serde(default)]
    pub risky: Vec<(String, String)>,
}

/// How near two numbers must be: the larger of both distances counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NumberSettings {
    /// A distance, 0 or more.
    pub abs: f64,
    /// A distance as a share of the larger one, 0 or more.
    pub rel: f64,
}

// === impl NumberSettings ===

impl NumberSettings {
    /// Whether two numbers are that near. The last digits of a float are not held against it: 0.3 is within 0.1 of 0.2.
    pub(crate) fn near(&self, a: f64, b: f64) -> bool {
        let largest = a.abs().max(b.abs());
        let within = self.abs.max(self.rel * largest);
        (a - b).abs() <= largest.mul_add(4.0 * f64::EPSILON, within)
    }
}

/// How tool arguments may differ. Each entry is `tool.parameter`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolArgumentSettings {
    /// Parameters whose values are not compared (free text such as a search query).
    pub ignore: Vec<String>,
    /// Parameters whose strings are compared without letter case and with spaces collapsed.
    pub casefold: Vec<String>,
    /// Rules of comparison, whose paths are `tool.parameter` or go on from there: `book.seats[*].row`.
    pub rules: Vec<ValueRuleSettings>,
}

/// How the values at a path are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueRuleSettings {
    /// Where: `$.items[*].price`, `$.meta.*`, `$..price` at any depth. The most specific path wins.
    pub path: String,
    /// How.
    #[serde(default)]
    pub rule: ValueRule,
    /// For `numeric`: the distance up to which two numbers are equal, 0 or more; 0 if absent.
    #[serde(default)]
    pub abs: Option<f64>,
    /// For `numeric`: the same as a share of the larger one, 0 or more; 0 if absent. The larger of both distances counts.
    #[serde(default)]
    pub rel: Option<f64>,
    /// For `text`: the similarity from which two texts are alike, 0..=1; 0.5 if absent.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// How much each leaf under the path counts in the score, over 0 and up to 1000.
    #[serde(default = "one")]
    pub weight: f64,
    /// How much a difference there matters; `major` if absent, of `text` `minor`.
    #[serde(default)]
    pub severity: Option<Severity>,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueRule {
    /// As they are: numbers by value, texts by their characters, lists by place.
    #[default]
    Exact,
    /// Numbers, and texts that hold nothing but a number, within `abs` or `rel`.
    Numeric,
    /// Lists without order and without regard to how often an element stands in them.
    Set,
    /// Lists without order.
    Multiset,
    /// Texts without letter case and with spaces collapsed.
    Casefold,
    /// Texts by their letters and digits alone, without letter case.
    Words,
    /// Texts by their similarity.
    Text,
    /// Not at all.
    Ignore,
}

const fn one() -> f64 {
    1.0
}

/// Refusals beyond those that are recognised by themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RefusalSettings {
    /// How a sentence starts that refuses, in any language.
    pub phrases: Vec<String>,
}

/// What is expected of embeddings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddingSettings {
    /// How far the two models must order the same neighbours, 0..=1: the rank correlation of the cosines within a request.
    /// Without it only next to no agreement is a small difference.
    pub neighbours: Option<f64>,
    /// The candidate's vectors may be longer or shorter than the primary's: for indexes that were rebuilt.
    pub any_dimensions: bool,
}

/// USD per million tokens, by class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Prompt tokens outside the cache.
    pub input: f64,
    /// Prompt tokens read from the cache; `input` if absent.
    #[serde(default)]
    pub cached: Option<f64>,
    /// Prompt tokens written to the cache; `input` if absent.
    #[serde(default)]
    pub cache_write: Option<f64>,
    /// Completion tokens, reasoning included.
    pub output: f64,
}

// === impl ValueRuleSettings ===

impl ValueRuleSettings {
    /// Exact comparison at a path.
    pub fn at(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            rule: ValueRule::Exact,
            abs: None,
            rel: None,
            threshold: None,
            weight: one(),
            severity: None,
        }
    }
}

/// Settings that cannot be compiled. The message names the key and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A path that is not understood.
    #[error("{key}: {path:?} is not a path: {why}; write it like $.class or $.items[*].price")]
    Path {
        /// The key.
        key: &'static str,
        /// What was written.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A schema that does not compile.
    #[error("schema: {0}")]
    Schema(#[source] crate::schema::SchemaError),
    /// A pattern that does not compile.
    #[error("label.pattern: not a regular expression that is matched in linear time")]
    Pattern(#[source] regex::Error),
    /// A label with neither or both of path and pattern.
    #[error("label: give either path or pattern")]
    LabelSource,
    /// A label that is both of a list and a number.
    #[error("label: give either values or number; only labels of a list have risky cells")]
    LabelKind,
    /// A label without a list.
    #[error("label.values: give at least two different labels")]
    LabelValues,
    /// A risky cell that names no label of the list.
    #[error("label.risky: {0:?} is not in label.values; name one of them or \"*\"")]
    RiskyLabel(String),
    /// A check that cannot be switched off.
    #[error(
        "off: {0} cannot be switched off, the other checks stand on it; lower its severity instead"
    )]
    AlwaysOn(Check),
    /// A number out of its range.
    #[error("{key}: {value} is out of range; use {range}")]
    Range {
        /// The key.
        key: &'static str,
        /// What was written.
        value: f64,
        /// What would be right.
        range: &'static str,
    },
    /// A rule of comparison that cannot be used.
    #[error("{key}: {path:?}: {why}")]
    ValueRule {
        /// The key.
        key: &'static str,
        /// The rule's path.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// An entry of `tool_arguments` without a tool or a parameter.
    #[error("tool_arguments: {0:?} names no parameter; write it as tool.parameter")]
    Parameter(String),
    /// A refusal phrase that would match every sentence.
    #[error("refusal.phrases: {0:?} holds no word")]
    EmptyPhrase(String),
    /// A pattern of citations that does not compile.
    #[error("citations.patterns: {0:?} is not a regular expression that is matched in linear time")]
    Citation(String, #[source] regex::Error),
    /// A limit on cost without a price.
    #[error("max_cost_usd: set the candidate's price too, or nothing can be judged")]
    NoPrice,
}
