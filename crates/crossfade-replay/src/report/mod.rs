//! What a run found: the types that `report.json` holds, and the forms they are shown in.
//!
//! Everything but [`Measured`] is the same whenever the same answers are judged by the same settings. Prompts and answers are
//! no part of it; they are shown by the page alone, which takes them beside it.

mod html;
mod junit;
mod markdown;
#[cfg(test)]
mod samples;

use std::collections::BTreeMap;

use crossfade_exchange::{
    Check, CheckOutcome, Difference, JsonForm, LossKind, Severity, Stance, VerdictClass,
    closed_enum,
};
use crossfade_statistics::{RouteReport, confidence::Interval};
use serde::{Deserialize, Serialize};

use crate::{assertion::AssertionResult, run::Amount};

pub(crate) use html::rank;
pub use html::{Detail, Details, Escaped, STYLE, html};
pub use junit::junit;
pub use markdown::markdown;

closed_enum! {
    /// What becomes of a suite.
    pub enum SuiteVerdict {
        /// Every case that counts passes.
        Pass = "pass",
        /// A case that counts fails.
        Failed = "failed",
        /// Nothing fails, and not everything could be judged.
        Inconclusive = "inconclusive",
        /// It stopped because it may spend no more.
        BudgetSpent = "budget_spent",
    }
}

closed_enum! {
    /// What becomes of a case.
    pub enum CaseOutcome {
        /// Its pass rate is reached.
        Passed = "passed",
        /// Its pass rate cannot be reached.
        Failed = "failed",
        /// Too few repeats could be judged to say.
        Inconclusive = "inconclusive",
    }
}

closed_enum! {
    /// What becomes of one repeat of a case.
    pub enum RepeatOutcome {
        /// Every assertion passes.
        Passed = "passed",
        /// An assertion fails.
        Failed = "failed",
        /// An assertion could not be judged, and none fails.
        Unjudged = "unjudged",
        /// There is no answer.
        Unanswered = "unanswered",
    }
}

/// What a run found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The form of this report.
    pub format: u32,
    /// What becomes of the suite.
    pub verdict: SuiteVerdict,
    /// Why, a sentence each, the most important first.
    pub why: Vec<String>,
    /// What was asked.
    pub dataset: DatasetReport,
    /// The route whose settings were used.
    pub route: String,
    /// How often cases are asked that do not say it themselves.
    pub repeat: u32,
    /// How many cases came out how.
    pub totals: Totals,
    /// The primary, if it is part of the run.
    pub primary: Option<SideReport>,
    /// The candidate.
    pub candidate: SideReport,
    /// How far the sides agree, check by check, against what they agree with themselves.
    pub agreement: Vec<CheckAgreement>,
    /// Labels of the primary against those of the candidate, where the route has labels.
    pub confusion: Option<Confusion>,
    /// What each side does with the requests, the primary against the candidate.
    pub stances: Vec<StanceCell>,
    /// What the candidate's translation lost.
    pub losses: Vec<LossReport>,
    /// The route's statistics over the first pair of each case.
    pub statistics: Option<RouteReport>,
    /// Each case.
    pub cases: Vec<CaseReport>,
    /// What was spent on live sides.
    pub spent: Amount,
    /// Times, which differ from run to run.
    pub measured: Measured,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetReport {
    /// Its digest.
    pub sha256: String,
    /// Cases that were asked.
    pub cases: usize,
    /// Cases of the file that belong to another route.
    pub left_out: usize,
}

/// How many cases came out how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// They pass.
    pub passed: usize,
    /// They fail.
    pub failed: usize,
    /// Of those, the ones of severity blocker.
    pub blockers: usize,
    /// Of those that fail, the ones in which no repeat passes.
    pub always_failing: usize,
    /// It could not be said.
    pub inconclusive: usize,
    /// The mean of the cases' pass rates by their weights, 0..=1: for reading, it decides nothing.
    pub pass_rate: Option<f64>,
    /// The same of the primary.
    pub primary_pass_rate: Option<f64>,
}

/// One side over the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SideReport {
    /// What was asked, without any secret.
    pub source: String,
    /// Answers there are.
    pub answers: usize,
    /// Askings without an answer.
    pub missing: usize,
    /// Tokens of all answers.
    pub tokens: u64,
    /// What all answers cost in USD, if there is a price.
    pub cost_usd: Option<f64>,
    /// In which form JSON was written, where it was asked for.
    pub json: BTreeMap<JsonForm, u64>,
}

/// How far the sides agree by one check. Shares are of cases; a case with repeats counts by its mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckAgreement {
    /// Which check.
    pub check: Check,
    /// Cases to which it applies.
    pub cases: u64,
    /// Disagreement of the candidate with the primary (D), 0..=1.
    pub candidate: Interval,
    /// Disagreement of the primary with itself (N), if it was asked more than once.
    pub noise: Option<Interval>,
    /// Disagreement of the candidate with itself (C), if it was asked more than once.
    pub candidate_noise: Option<Interval>,
    /// D − N over the cases that have both, -1..=1.
    pub over_noise: Option<Interval>,
}

/// Labels against labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The route's list.
    pub labels: Vec<String>,
    /// Counts by the primary's label, then the candidate's; the last row and column are answers without a label.
    pub cells: Vec<Vec<u64>>,
}

/// How many pairs have these two stances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StanceCell {
    /// The primary's.
    pub primary: Stance,
    /// The candidate's.
    pub candidate: Stance,
    /// Pairs.
    pub pairs: u64,
}

/// A loss and how often it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossReport {
    /// Which.
    pub kind: LossKind,
    /// Answers of the candidate with it.
    pub answers: u64,
    /// Cases with it that fail.
    pub failed_cases: u64,
    /// Cases with it.
    pub cases: u64,
}

/// How the repeats of a case came out on one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideRate {
    /// They pass.
    pub passed: u32,
    /// They fail.
    pub failed: u32,
    /// They have no answer or no judgement.
    pub open: u32,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseReport {
    /// Its id.
    pub id: String,
    /// How much its failure matters.
    pub severity: Severity,
    /// Its weight in the pass rate.
    pub weight: f64,
    /// Its risk, by its own metadata.
    pub risk: Option<String>,
    /// What becomes of it.
    pub outcome: CaseOutcome,
    /// Whether no repeat passes.
    pub always_fails: bool,
    /// The share of judged repeats that pass, 0..=1.
    pub pass_rate: Option<f64>,
    /// The share that it has to reach, 0..=1.
    pub min_pass_rate: f64,
    /// The candidate's repeats.
    pub candidate: SideRate,
    /// The primary's repeats by the same assertions, if it is part of the run.
    pub primary: Option<SideRate>,
    /// The worst class of its pairs.
    pub worst: Option<VerdictClass>,
    /// Each repeat.
    pub repeats: Vec<RepeatReport>,
}

/// One repeat of a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RepeatReport {
    /// Which, from 0.
    pub repeat: u32,
    /// What becomes of it.
    pub outcome: RepeatOutcome,
    /// What becomes of the primary's answer by the same assertions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<RepeatOutcome>,
    /// Each assertion.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assertions: Vec<AssertionReport>,
    /// The class of the pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<VerdictClass>,
    /// The parity of the pair, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parity: Option<f64>,
    /// Checks of the pair that fail, those on times apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_checks: Vec<CheckReport>,
}

/// One assertion on one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssertionReport {
    /// Its name.
    pub name: String,
    /// What it says.
    pub outcome: CheckOutcome,
    /// Its score, 0..=1.
    pub score: f64,
    /// How much it counts; one of weight 0 is reported only.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: f64,
    /// The metric it counts for, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// Why; empty where it passes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// One check on a pair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Which.
    pub check: Check,
    /// How much its failure matters.
    pub severity: Severity,
    /// Agreement, 0..=1.
    pub score: f64,
    /// Where the difference is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// The places that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// Times and costs of single answers, in the order of the cases.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The primary's.
    pub primary: SideMeasured,
    /// The candidate's.
    pub candidate: SideMeasured,
}

/// Times and costs of one side's answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SideMeasured {
    /// Milliseconds until the first content.
    pub first_content_ms: Vec<f64>,
    /// Milliseconds until the end.
    pub total_ms: Vec<f64>,
    /// What an answer cost, in USD.
    pub cost_usd: Vec<f64>,
}

// === impl SuiteVerdict ===

impl SuiteVerdict {
    /// The exit code of a run that ends like this.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Failed => 100,
            Self::Inconclusive => 3,
            Self::BudgetSpent => 4,
        }
    }
}

// === impl SideRate ===

impl SideRate {
    /// The share of judged repeats that pass, 0..=1.
    pub fn share(self) -> Option<f64> {
        let judged = self.passed + self.failed;
        (judged > 0).then(|| f64::from(self.passed) / f64::from(judged))
    }
}

// === impl AssertionReport ===

const fn one() -> f64 {
    1.0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    clippy::float_cmp,
    reason = "the shape that serde's skip_serializing_if wants; what was written as 1"
)]
fn is_one(weight: &f64) -> bool {
    *weight == 1.0
}

impl From<AssertionResult> for AssertionReport {
    fn from(result: AssertionResult) -> Self {
        let passes = result.outcome == CheckOutcome::Pass;
        Self {
            name: result.name,
            outcome: result.outcome,
            score: result.score,
            weight: result.weight,
            metric: result.metric,
            reason: if passes { String::new() } else { result.reason },
        }
    }
}

// === impl RunReport ===

impl RunReport {
    /// The form that this program writes.
    pub const FORMAT: u32 = 1;

    /// As `report.json` holds it.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
