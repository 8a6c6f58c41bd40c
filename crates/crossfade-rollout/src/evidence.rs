//! What the statistics had seen when something was decided: counts and sums, kept with the ledger entry.

use crossfade_exchange::{Gate, Group, Metric, SizeClass};
use serde::{Deserialize, Serialize};

use crate::Engine;

/// What one metric has seen of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideCounts {
    /// Drawn answers to which the metric applies.
    pub answers: u64,
    /// Of them, the bad ones.
    pub bad: u64,
    /// Of the bad ones, those that were their unit's first under the salt: what the test counts.
    pub counted: u64,
}

/// What one metric has seen of mirrored pairs: what engine P counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCounts {
    /// Pairs that engine P counted: the first of each unit in ten minutes to which the metric applies.
    pub pairs: u64,
    /// Of them, those where the primary was bad.
    pub primary_bad: u64,
    /// Of them, those where the candidate was bad.
    pub candidate_bad: u64,
}

/// What one metric's tests know.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricEvidence {
    /// Which metric.
    pub metric: Metric,
    /// Its part of α.
    pub share: f64,
    /// W of engine R: the evidence on the live split that the candidate is worse. 1 at the start.
    pub w: f64,
    /// W of engine P: the same on mirrored pairs.
    #[serde(default = "nothing_known")]
    pub w_pairs: f64,
    /// What was seen of the primary.
    pub primary: SideCounts,
    /// What was seen of the candidate.
    pub candidate: SideCounts,
    /// What was seen of pairs.
    #[serde(default)]
    pub pairs: PairCounts,
}

/// W before the first outcome; also of ledgers that are older than the test.
const fn nothing_known() -> f64 {
    1.0
}

/// A group's weighted sum, which is what triggers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupEvidence {
    /// Which test.
    pub engine: Engine,
    /// Which group.
    pub group: Group,
    /// Σ share · W over the group's metrics.
    pub sum: f64,
    /// What the sum must reach for a roll-back.
    pub threshold: f64,
}

/// What one gate of the stage knows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateEvidence {
    /// Which.
    pub gate: Gate,
    /// By how much the candidate may be worse.
    pub margin: f64,
    /// Whether it must pass even if no request says anything of it.
    pub named: bool,
    /// Samples: units in ten minutes whose window has ended.
    pub samples: u64,
    /// Requests that say something of it, those of open windows too.
    pub requests: u64,
    /// Mean of the samples, −1..=1; 0 without any.
    pub mean: f64,
    /// W: the evidence that the mean is under the margin. 1 at the start.
    pub w: f64,
    /// What W must reach, at the moment of advancing.
    pub threshold: f64,
    /// About so many more samples until it passes, at the mean so far; `None` if it has passed, or would not by going on so.
    pub needed: Option<u64>,
}

/// How many requests of a size the stage has seen compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SizeCoverage {
    /// The size class.
    pub size: SizeClass,
    /// Eligible and selected by the mirror.
    pub selected: u64,
    /// Of them, compared.
    pub compared: u64,
}

/// Why the ramp stands still by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Freeze {
    /// The primary itself fails more than it usually does; ends 15 minutes after the last sign of it.
    PrimaryTrouble {
        /// When the last sign of it was seen, in milliseconds since the Unix epoch.
        last_unix_ms: u64,
    },
    /// An answer was not on the side that its unit, salt and share draw: the assignment is broken.
    Assignment,
    /// The sides' shares of the drawn units do not fit the split: answers of one side get lost.
    SampleRatio,
}

/// Everything the statistics knew at one moment of an attempt or a shadow watch. Empty outside.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Outcomes of the attempt that had been applied: the place in the outcome log.
    pub decided: u64,
    /// BLAKE3 over these records as they stand in the log, in hexadecimal; empty before the first.
    pub outcomes: String,
    /// Each metric that can roll back.
    pub metrics: Vec<MetricEvidence>,
    /// Each engine and group that has such a metric.
    pub groups: Vec<GroupEvidence>,
    /// Each gate of the stage.
    pub gates: Vec<GateEvidence>,
    /// Distinct units that the stage has seen, counted up to 65 536.
    pub units: u64,
    /// What the stage has compared, by size.
    pub coverage: Vec<SizeCoverage>,
    /// Why the ramp stands still by itself.
    pub freeze: Option<Freeze>,
    /// Windows of units that ended before their time, because more were open than are kept: their units may have given two
    /// samples within the time that should give one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub closed_early: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that the serializer calls"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
