//! What is known of a route, for whoever reads it: the admin API, the command line, the reports of a replay.

mod build;
mod findings;
mod text;

pub(crate) use build::build;

use crossfade_exchange::{
    Check, DifferenceKind, JsonForm, LossKind, Preference, ReviewVerdict, Severity, Side, Stance,
    VerdictClass,
};
use serde::{Deserialize, Serialize};

use crate::{
    GateView, Signature,
    confidence::{Interval, Rate},
};

/// Everything known of a route's comparisons. All shares are 0..=1, all times of day milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteReport {
    /// What matters, in one line.
    pub headline: String,
    /// When the first exchange was received.
    pub since_unix_ms: Option<u64>,
    /// When the last one was.
    pub until_unix_ms: Option<u64>,
    /// Pairs that were compared.
    pub pairs: u64,
    /// Of these, the ones that say something of the candidate: all but `primary_bad`, `both_bad` and `incomparable`.
    pub judged: u64,
    /// Exchanges of which only one side answered.
    pub unpaired: u64,
    /// Requests that the primary was asked twice.
    pub noise_pairs: u64,
    /// Requests that the candidate was asked twice.
    pub candidate_noise_pairs: u64,
    /// Every class that was seen, as a share of all pairs.
    pub classes: Vec<ClassReport>,
    /// Parity of the judged pairs.
    pub parity: Option<ScoreReport>,
    /// The mean parity with its bounds; `None` without a judged pair.
    pub parity_mean: Option<Interval>,
    /// Every check that was judged, with its rates of failure.
    pub checks: Vec<CheckReport>,
    /// Every gate of which something is known.
    pub gates: Vec<GateView>,
    /// Kinds of difference, the ones that matter most first; at most twelve.
    pub findings: Vec<Finding>,
    /// What is not among `findings`.
    pub rest: Rest,
    /// Differences that do not matter, as a person has said.
    pub accepted: Vec<AcceptedFinding>,
    /// Who refuses what the other answers.
    pub refusals: RefusalReport,
    /// Answers of routes that ask for JSON, per side.
    pub json: Vec<JsonReport>,
    /// Which label becomes which; `None` for a route without labels.
    pub labels: Option<LabelReport>,
    /// Times, tokens and cost per side.
    pub sides: Vec<SideStatistics>,
    /// Pairs whose translation lost nothing.
    pub lossless: Rate,
    /// What translation lost, the most frequent first.
    pub losses: Vec<LossReport>,
    /// What differs most between candidate and primary above the noise, by check and place, also by checks that are only
    /// reported (length, language, form); at most twenty.
    pub paths: Vec<PathReport>,
    /// Places of JSON and of tools' arguments at which the primary disagrees with itself: proposed to be ignored or compared
    /// less strictly. Only a change of the configuration does that.
    pub noisy_paths: Vec<PathReport>,
    /// What people said.
    pub reviews: ReviewReport,
    /// How many samples the gates have.
    pub units: UnitReport,
}

/// How many pairs have a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// The class.
    pub class: VerdictClass,
    /// Its share of all pairs.
    pub share: Rate,
}

/// Scores, 0..=1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreReport {
    /// How many.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// The value that one in twenty stays under.
    pub p5: f64,
    /// The median.
    pub p50: f64,
    /// Their distribution.
    pub bins: Vec<Bin>,
}

/// A part of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// From this value on.
    pub from: f64,
    /// Up to this value.
    pub to: f64,
    /// So many.
    pub count: u64,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Which.
    pub check: Check,
    /// `D`: failures between candidate and primary, of the pairs it applies to.
    pub disagreement: Rate,
    /// `N`: failures between the primary and itself.
    pub noise: Rate,
    /// `C`: failures between the candidate and itself.
    pub candidate_noise: Rate,
    /// Judged pairs that it does not apply to.
    pub na: u64,
    /// Judged pairs that it could not judge.
    pub errors: u64,
    /// Its scores on pairs.
    pub scores: Option<ScoreReport>,
    /// Its scores between the primary and itself.
    pub noise_scores: Option<ScoreReport>,
}

/// Differences that are alike: the same gravest check, at places that start alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What differs and where, for a person.
    pub title: String,
    /// The gravest check that failed.
    pub check: Check,
    /// How grave.
    pub severity: Severity,
    /// What its places start with; empty if they have nothing in common.
    pub place: String,
    /// How many of the judged pairs, and which share.
    pub share: Rate,
    /// The same between the primary and itself.
    pub noise: Rate,
    /// When it was first seen.
    pub first_unix_ms: u64,
    /// When it was last seen.
    pub last_unix_ms: u64,
    /// Examples; at most three.
    pub examples: Vec<Example>,
    /// Its most frequent signatures; at most five.
    pub signatures: Vec<FindingSignature>,
    /// How many more signatures of it are known.
    pub more_signatures: u64,
}

/// An exchange that shows a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The exchange's id.
    pub id: String,
    /// Its signature.
    pub signature: Signature,
}

/// One signature of a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingSignature {
    /// Which.
    pub signature: Signature,
    /// What differs and where, for a person.
    pub title: String,
    /// At most so often.
    pub count: u64,
    /// `count` may be too high by so much.
    pub error: u64,
    /// Examples; at most three.
    pub examples: Vec<String>,
}

/// Findings that are not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// How many findings.
    pub findings: u64,
    /// How many pairs they hold.
    pub pairs: u64,
    /// How often a rare signature lost its place to another, so that its counts are not kept.
    pub replaced: u64,
}

/// Differences that do not matter, as a person has said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AcceptedFinding {
    /// Their signature.
    pub signature: Signature,
    /// What differs and where; empty if it was accepted before it was seen.
    pub title: String,
    /// How often they were seen.
    pub count: u64,
}

/// Who refuses what the other answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefusalReport {
    /// Every cell that is not empty.
    pub cells: Vec<StanceCell>,
    /// The primary answers, the candidate refuses.
    pub answered_refused: Rate,
    /// The primary refuses, the candidate answers: lost safety.
    pub refused_answered: Rate,
    /// The primary answers, and refuses when it is asked again.
    pub noise_answered_refused: Rate,
    /// The primary refuses, and answers when it is asked again.
    pub noise_refused_answered: Rate,
}

/// Pairs of two stances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StanceCell {
    /// The primary's.
    pub primary: Stance,
    /// The candidate's.
    pub candidate: Stance,
    /// How many pairs.
    pub count: u64,
}

/// One side's JSON, where JSON is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JsonReport {
    /// Whose.
    pub side: Side,
    /// Answers that parse as they stand.
    pub strict: Rate,
    /// Answers that parse as they stand or after a repair.
    pub lenient: Rate,
    /// Answers per form.
    pub forms: Vec<(JsonForm, u64)>,
}

/// Which label becomes which.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelReport {
    /// The route's labels, in order.
    pub labels: Vec<String>,
    /// Every cell that is not empty.
    pub cells: Vec<LabelCell>,
    /// Pairs of a cell that is not kept, because too many different ones were seen.
    pub beyond: u64,
    /// Pairs with the same label.
    pub agreement: Rate,
    /// The same between the primary and itself.
    pub noise_agreement: Rate,
}

/// Pairs of two labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelCell {
    /// The primary's, as an index into the labels; `None` if it gave none.
    pub primary: Option<u16>,
    /// The candidate's likewise.
    pub candidate: Option<u16>,
    /// How many pairs of candidate and primary.
    pub pairs: u64,
    /// How many pairs of the primary and itself.
    pub noise: u64,
}

/// One side's times, tokens and cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SideStatistics {
    /// Whose.
    pub side: Side,
    /// Answers that could be judged.
    pub judged: u64,
    /// Bad events, by metric, of those seen.
    pub bad: Vec<(crossfade_exchange::Metric, u64)>,
    /// Seconds until the end of an answer.
    pub seconds: Option<Quantiles>,
    /// Seconds until the first content.
    pub first_content_seconds: Option<Quantiles>,
    /// Prompt tokens.
    pub input_tokens: Option<Quantiles>,
    /// Completion tokens.
    pub output_tokens: Option<Quantiles>,
    /// Cost of an answer in USD.
    pub cost_usd: Option<Quantiles>,
}

/// A distribution of numbers that are not negative; quantiles are right to 4.5 %.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// Their mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// What nine in ten are at most.
    pub p90: f64,
    /// What 95 in 100 are at most.
    pub p95: f64,
    /// What 99 in 100 are at most.
    pub p99: f64,
    /// Their distribution.
    pub bins: Vec<Bin>,
}

/// One kind of loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossReport {
    /// Which.
    pub loss: LossKind,
    /// Its share of all pairs.
    pub share: Rate,
    /// The checks that failed with it or without it.
    pub checks: Vec<LossCheck>,
}

/// A check's failures with a loss and without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossCheck {
    /// Which check.
    pub check: Check,
    /// Failures among pairs with the loss.
    pub with: Rate,
    /// Failures among pairs without it.
    pub without: Rate,
    /// Whether the bounds of the two rates lie apart, the one with the loss above: the loss is likely to matter.
    pub worse: bool,
}

/// One place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathReport {
    /// The check that found it.
    pub check: Check,
    /// Where; the check's own phrase if it names no places.
    pub path: String,
    /// How candidate and primary differ there, the most frequent way first; empty if the check does not say.
    pub kinds: Vec<DifferenceKind>,
    /// How often candidate and primary differ there, of the pairs that the check judged.
    pub pairs: Rate,
    /// How often the primary differs from itself there.
    pub noise: Rate,
}

/// What people said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewReport {
    /// Reviews by what was said, of those seen.
    pub verdicts: Vec<(ReviewVerdict, u64)>,
    /// How good each check is, by what people said.
    pub checks: Vec<ReviewedCheck>,
    /// Of the pairs with differences that people decided: the candidate was worse.
    pub differing_worse: Rate,
    /// Of the pairs that were drawn at random among those the checks took for the same, and decided: the candidate was
    /// worse. What the checks miss.
    pub missed: Rate,
    /// The same share with each review weighted by how many exchanges it stands for, which is right also where the chance of
    /// being drawn was changed; `None` until one was reviewed.
    pub missed_weighted: Option<f64>,
    /// About what part of the pairs whose candidate is worse the checks find, by both shares; `None` until both are known.
    /// It takes the reviewed pairs with differences for typical of them all, though people see rare kinds more often.
    pub found: Option<Interval>,
    /// How far the judging model agrees with people.
    pub judge: JudgeReport,
}

/// How good a check is, by what people said. "Both wrong" is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewedCheck {
    /// Which.
    pub check: Check,
    /// Where it failed: reviews by what was said.
    pub failed: Vec<(ReviewVerdict, u64)>,
    /// Where it passed.
    pub passed: Vec<(ReviewVerdict, u64)>,
    /// Of the reviewed pairs where it failed: the candidate was worse.
    pub precision: Rate,
    /// Of the reviewed pairs whose candidate was worse: it failed. Pairs come to review mostly because some check failed, so
    /// that this flatters them all alike; `found` does not.
    pub recall: Rate,
}

/// How far a judging model agrees with people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JudgeReport {
    /// What it preferred, with what people said: those seen.
    pub cells: Vec<(Preference, ReviewVerdict, u64)>,
    /// Pairs where it preferred what the person preferred; "acceptable" is "same", "both wrong" is left out.
    pub agreement: Rate,
    /// The share it would have reached by always giving people's commonest answer.
    pub commonest: Option<f64>,
    /// Whether it may gate: people decided at least 50 of its pairs, and the lower bound of its agreement is at least 0.7
    /// and above `commonest`. Two people seldom agree on more than eight in ten such pairs, so that no judge can be asked for
    /// more; and one that says the same of every pair has learned nothing.
    pub may_gate: bool,
}

/// How many samples the gates have: one is a user's exchanges within ten minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitReport {
    /// Users' windows that have ended and count.
    pub closed: u64,
    /// Windows that are open and do not count yet.
    pub open: u64,
    /// Windows that ended before their time, because too many users asked at once.
    pub closed_early: u64,
}

// === impl RouteReport ===

impl RouteReport {
    /// The report for a terminal: the line that matters, then classes, gates, findings, what else
    /// differs: at most 60 lines of at most 110
    /// characters. Names of checks, places and labels only.
    pub fn text(&self) -> String {
        text::render(self)
    }
}
