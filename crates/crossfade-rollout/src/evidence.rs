//! What the statistics had seen when something was decided: counts and sums, kept with the ledger entry.

use crossfade_exchange::{Group, Metric};
use serde::{Deserialize, Serialize};

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

/// What one metric's test knows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricEvidence {
    /// Which metric.
    pub metric: Metric,
    /// Its part of α.
    pub share: f64,
    /// W: the evidence that the candidate is worse. 1 at the start.
    pub w: f64,
    /// What was seen of the primary.
    pub primary: SideCounts,
    /// What was seen of the candidate.
    pub candidate: SideCounts,
}

/// A group's weighted sum, which is what triggers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupEvidence {
    /// Which group.
    pub group: Group,
    /// Σ share · W over the group's metrics.
    pub sum: f64,
    /// What the sum must reach for a roll-back.
    pub threshold: f64,
}

/// Everything the statistics knew at one moment of an attempt. Empty outside attempts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Decided outcomes of the attempt that had been applied: the place in the outcome log.
    pub decided: u64,
    /// Each metric that can roll back.
    pub metrics: Vec<MetricEvidence>,
    /// Each group that has such a metric.
    pub groups: Vec<GroupEvidence>,
}
