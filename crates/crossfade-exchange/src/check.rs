//! The checks' names, and what a comparison says.

use serde::{Deserialize, Serialize};

use crate::{MetricSet, Usage};

closed_enum! {
    /// What is checked.
    pub enum Check {
        /// Status class, time-out, connection, a stream that ended as the protocol says.
        Transport = "transport",
        /// A well-formed chat completion, response or list of embeddings, usage present.
        Envelope = "envelope",
        /// The same class of finish reason.
        FinishReason = "finish_reason",
        /// The content parses as JSON where JSON was asked for.
        JsonParse = "json_parse",
        /// The content validates against the schema that was asked for.
        JsonSchema = "json_schema",
        /// The share of required fields that are present and not null.
        RequiredFields = "required_fields",
        /// Two JSON answers hold the same leaves.
        JsonStructure = "json_structure",
        /// The same tools are called.
        ToolSelection = "tool_selection",
        /// The same calls have arguments that fit the tool's schema and each other.
        ToolArguments = "tool_arguments",
        /// Comply, partial refusal or full refusal.
        Refusal = "refusal",
        /// The label at the configured path or pattern.
        Label = "label",
        /// How alike two texts are; reported only.
        TextSimilarity = "text_similarity",
        /// Time to the first content.
        FirstContent = "first_content",
        /// What the answer cost.
        Cost = "cost",
        /// Two lists of embeddings have the same form, and hold the same texts for neighbours.
        Embeddings = "embeddings",
    }
}

closed_enum! {
    /// What a check says. `na` is never a pass.
    pub enum CheckOutcome {
        /// As it should be.
        Pass = "pass",
        /// Not as it should be.
        Fail = "fail",
        /// Does not apply to this exchange.
        Na = "na",
        /// Could not be judged.
        Error = "error",
    }
}

closed_enum! {
    /// How much a failed check matters. Ordered: a later one is worse.
    pub enum Severity {
        /// Reported only.
        Info = "info",
        /// A small difference.
        Minor = "minor",
        /// A large difference.
        Major = "major",
        /// Cannot be averaged away.
        Blocker = "blocker",
    }
}

closed_enum! {
    /// The verdict of one exchange.
    pub enum VerdictClass {
        /// The same bytes of content.
        Equal = "equal",
        /// Different, and every check passes.
        Equivalent = "equivalent",
        /// A minor check fails.
        DifferentMinor = "different_minor",
        /// A major check fails.
        DifferentMajor = "different_major",
        /// The candidate's answer breaks a blocker that the primary's keeps.
        CandidateInvalid = "candidate_invalid",
        /// The candidate gave no answer.
        CandidateError = "candidate_error",
        /// Only the primary's answer is bad.
        PrimaryBad = "primary_bad",
        /// Both answers are bad: never the candidate's fault.
        BothBad = "both_bad",
        /// Cannot be compared: truncated, aborted, or changed by a translation loss.
        Incomparable = "incomparable",
    }
}

/// One check's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Which check.
    pub check: Check,
    /// What it says.
    pub outcome: CheckOutcome,
    /// Agreement, 0..=1.
    pub score: f64,
    /// How much a failure matters here.
    pub severity: Severity,
    /// Where the difference is: a JSON path or a fixed phrase, never the caller's or the model's text.
    pub evidence: Option<String>,
}

/// The comparison of one exchange, check by check. With one recording only, each side's own checks are judged and
/// `class` is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The class, if both sides answered.
    pub class: Option<VerdictClass>,
    /// 0 if a blocker fails, else the weighted mean of the scores that apply; `None` without a pair.
    pub parity: Option<f64>,
    /// Every check that ran.
    pub checks: Vec<CheckResult>,
    /// Bad events of the content group on the primary, if it was recorded and could be judged.
    pub primary_bad: Option<MetricSet>,
    /// Bad events of the content group on the candidate.
    pub candidate_bad: Option<MetricSet>,
    /// Tokens of the primary's answer.
    pub primary_usage: Option<Usage>,
    /// Tokens of the candidate's answer.
    pub candidate_usage: Option<Usage>,
    /// Cost of the primary's answer in USD, where a price is configured.
    pub primary_cost_usd: Option<f64>,
    /// Cost of the candidate's answer in USD, where a price is configured.
    pub candidate_cost_usd: Option<f64>,
}
