//! From an exchange to a verdict: pure checks on what both sides answered.
//!
//! [`Checks::new`] compiles a route's settings once; [`Checks::compare`] judges each exchange by them. Nothing here does
//! IO, awaits, reads a clock or panics on what a model wrote. Evidence names places and fixed phrases, never a prompt's,
//! an answer's or an argument's text.

mod answer;
mod arguments;
mod ask;
mod checks;
mod compare;
mod context;
mod decode;
mod document;
mod effort;
mod expansion;
mod facts;
mod feeds;
mod finding;
mod frame;
mod json;
mod label;
mod leaves;
mod loss;
mod multiset;
mod nature;
mod pair;
mod path;
mod reading;
mod rules;
mod schema;
mod settings;
mod shape;
mod side;
mod similarity;
mod stance;
mod state;
mod vectors;
mod verdict;
mod whole;

pub use compare::Checks;
pub use facts::{Fact, facts};
pub use feeds::{Advance, Feeds, feeds, feeds_table};
pub use reading::{
    AnswerSchema, BadCalls, JsonPath, ReadAnswer, ReadCall, ReadJson, normal_label, read_json,
};
pub use schema::SchemaError;
pub use settings::{
    CheckSettings, CitationSettings, EmbeddingSettings, ExtractionSettings, FactKind,
    GroundednessSettings, LabelSettings, LatencySettings, LengthSettings, NumberSettings, Price,
    RefusalSettings, SemanticSimilaritySettings, SettingsError, TextSimilaritySettings,
    ToolArgumentSettings, ValueRule, ValueRuleSettings,
};
pub use whole::{Whole, whole};
