//! The checks' names, and what a comparison says.

use serde::{Deserialize, Serialize};

use crate::{MetricSet, Side, Usage};

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
        /// The same sources are cited, and they stand in the request.
        Citations = "citations",
        /// The same numbers, dates, amounts, ids and addresses stand in free text.
        Extraction = "extraction",
        /// The share of the answer's numbers, names and quotations that the request holds.
        Groundedness = "groundedness",
        /// How near two texts are by the embeddings of a model.
        SemanticSimilarity = "semantic_similarity",
        /// Which answer a third model prefers, asked in both orders.
        Judge = "judge",
        /// The ratio of the lengths of two texts.
        Length = "length",
        /// The same natural language.
        Language = "language",
        /// The same shape of markdown: headings, lists, tables, code.
        Format = "format",
        /// Time to the end of the answer.
        TotalTime = "total_time",
        /// Tokens of output per second after the first content.
        OutputRate = "output_rate",
        /// Tokens that the answer took.
        Tokens = "tokens",
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

closed_enum! {
    /// How two answers differ at one place.
    pub enum DifferenceKind {
        /// The primary has it, the candidate does not.
        Missing = "missing",
        /// The candidate has it, the primary does not.
        Extra = "extra",
        /// Values of different types.
        Type = "type",
        /// Different values of one type.
        Value = "value",
        /// The same elements in another order.
        Order = "order",
        /// Lists of different lengths.
        Length = "length",
    }
}

closed_enum! {
    /// In which form JSON was written.
    pub enum JsonForm {
        /// It parses as it stands.
        Strict = "strict",
        /// It parses after repairs that applications commonly make: a fence stripped, a raw line break escaped.
        Lenient = "lenient",
        /// It does not parse.
        Invalid = "invalid",
    }
}

closed_enum! {
    /// What an answer does with the request.
    pub enum Stance {
        /// It takes the task up.
        Comply = "comply",
        /// It refuses some of it.
        Partial = "partial",
        /// It refuses.
        Full = "full",
    }
}

closed_enum! {
    /// Which of two answers is better, in the opinion of a model or a person.
    pub enum Preference {
        /// The candidate's.
        Candidate = "candidate",
        /// They are as good as each other, or the one asked contradicts itself.
        Same = "same",
        /// The primary's.
        Primary = "primary",
    }
}

/// One place at which two answers differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Difference {
    /// Where: a path such as `$.items[*].price`. Names that neither the route's settings nor the request's own schema or
    /// tools declare stand as `?`, because a model may have put anything there.
    pub path: String,
    /// How.
    pub kind: DifferenceKind,
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
    /// The places that differ, at most [`CheckResult::MOST_DIFFERENCES`]; empty where a check has no places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

impl CheckResult {
    /// Places kept per check; further ones are left out.
    pub const MOST_DIFFERENCES: usize = 32;
}

/// What was asked of others about a pair, apart from the pure checks: a model of embeddings, a judging model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Opinions {
    /// The cosine of the two answers' embeddings, -1..=1.
    pub cosine: Option<f64>,
    /// The judge's preference.
    pub judge: Option<Preference>,
}

/// What was found of one side alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SideVerdict {
    /// Bad events of the content group; `None` if nothing could be judged.
    pub bad: Option<MetricSet>,
    /// In which form its JSON was written, where JSON was asked for and the answer is no refusal or tool call.
    pub json: Option<JsonForm>,
    /// What it does with the request.
    pub stance: Option<Stance>,
    /// Its label as an index into the route's closed list of labels, where the route has one and the answer names one.
    pub label: Option<u16>,
    /// Tokens of the answer.
    pub usage: Option<Usage>,
    /// What the answer cost in USD, where a price is configured.
    pub cost_usd: Option<f64>,
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
    /// The primary alone, if it was recorded.
    pub primary: Option<SideVerdict>,
    /// The candidate alone, if it was recorded.
    pub candidate: Option<SideVerdict>,
}

impl Verdict {
    /// What was found of one side alone.
    pub const fn side(&self, side: Side) -> Option<&SideVerdict> {
        match side {
            Side::Primary => self.primary.as_ref(),
            Side::Candidate => self.candidate.as_ref(),
        }
    }

    /// The bad events of one side alone; `None` if it was not recorded or nothing could be judged.
    pub fn bad(&self, side: Side) -> Option<MetricSet> {
        self.side(side)?.bad
    }

    /// The result of one check, if it ran.
    pub fn check(&self, check: Check) -> Option<&CheckResult> {
        self.checks.iter().find(|result| result.check == check)
    }
}
