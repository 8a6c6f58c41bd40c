//! What the admin API says of kept exchanges, reviews and rules, and what the command line reads: one form for both.

use crossfade_exchange::{
    Ending, Loss, Operation, Opinions, ReviewReason, ReviewVerdict, Role, RouteId, Usage, Verdict,
    VerdictClass,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A pair that waits for a person, or that a person has decided; without a word of what was asked and answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewLine {
    /// Its number.
    pub id: u64,
    /// The exchange's id.
    pub exchange: String,
    /// The route.
    pub route: RouteId,
    /// Why it is here.
    pub reasons: Vec<ReviewReason>,
    /// The verdict's class.
    pub class: Option<VerdictClass>,
    /// The signature of its differences, if it has one.
    pub signature: Option<String>,
    /// What differs, in short: checks and places.
    pub what: String,
    /// Exchanges that it stands for: itself, and those with the same differences that came while it was open.
    pub stands_for: u64,
    /// When it was opened, in milliseconds since the Unix epoch.
    pub opened_unix_ms: u64,
    /// `open`, `decided` or `expired`.
    pub state: String,
    /// What was decided.
    pub decision: Option<DecisionLine>,
}

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionLine {
    /// Of the pair.
    pub verdict: ReviewVerdict,
    /// In their own words.
    pub note: String,
    /// Who: the name of their token.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// Several reviews.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewList {
    /// Newest first.
    pub reviews: Vec<ReviewLine>,
}

/// One review with everything to decide it by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewPage {
    /// The review.
    pub review: ReviewLine,
    /// What the checks say.
    pub verdict: Verdict,
    /// The exchange, unless it is not kept (no key is configured, or its age or its caller has taken it).
    pub exchange: Option<ExchangePage>,
}

/// A decision that is recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecidedPage {
    /// The review, decided.
    pub review: ReviewLine,
    /// It was decided so already: nothing was recorded.
    pub unchanged: bool,
    /// The rule that was recorded with it.
    pub rule: Option<RuleLine>,
}

/// A rule by which differences of one signature do not matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleLine {
    /// The route.
    pub route: RouteId,
    /// The signature.
    pub signature: String,
    /// Who said so.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// A route's rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleList {
    /// By signature.
    pub rules: Vec<RuleLine>,
}

/// A kept exchange, without a word of what was asked and answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExchangeLine {
    /// Its id.
    pub id: String,
    /// The route.
    pub route: RouteId,
    /// What was asked for.
    pub operation: Operation,
    /// When the request was received, in milliseconds since the Unix epoch.
    pub received_unix_ms: u64,
    /// The verdict's class.
    pub class: Option<VerdictClass>,
    /// The verdict's parity.
    pub parity: Option<f64>,
    /// The signature of its differences, if it has one.
    pub signature: Option<String>,
    /// Why it was kept: `random` or `review`.
    pub why: String,
    /// Bytes of its redacted bodies.
    pub bytes: u64,
    /// Whether the bodies are still there.
    pub bodies: bool,
}

/// Several kept exchanges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExchangeList {
    /// Newest first.
    pub exchanges: Vec<ExchangeLine>,
}

/// A kept exchange with its redacted bodies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExchangePage {
    /// What it is.
    #[serde(flatten)]
    pub line: ExchangeLine,
    /// Whether the caller asked for a stream.
    pub streamed: bool,
    /// What was asked.
    pub request: BodyPage,
    /// What the primary answered.
    pub primary: Option<AnswerPage>,
    /// What the candidate answered.
    pub candidate: Option<AnswerPage>,
    /// What the checks say.
    pub verdict: Verdict,
    /// What models said of it.
    pub opinions: Opinions,
}

/// A redacted body.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BodyPage {
    /// What a person reads of it.
    pub says: String,
    /// All of it: JSON, or a text where it is none.
    pub body: Value,
}

/// What one side answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerPage {
    /// In which role.
    pub role: Role,
    /// How it ended.
    pub ending: Ending,
    /// The status code, if a head came.
    pub status: Option<u16>,
    /// Time to the first content, in seconds.
    pub first_content_seconds: Option<f64>,
    /// Time to the end, in seconds.
    pub total_seconds: Option<f64>,
    /// Tokens of the answer.
    pub usage: Option<Usage>,
    /// What the translation lost.
    pub losses: Vec<Loss>,
    /// The redacted body.
    #[serde(flatten)]
    pub body: BodyPage,
}

/// What a route's comparison has found, at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundLine {
    /// The gates, and the most frequent finding beside its noise.
    pub headline: String,
    /// Pairs that were compared.
    pub pairs: u64,
    /// Pairs whose primary was asked twice: what the noise floor stands on.
    pub noise_pairs: u64,
    /// Pairs that wait for a person.
    pub reviews_open: u64,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Kept exchanges.
    pub exchanges: u64,
}
