//! What a route's owner may say about its statistics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Gate;

/// How one route's verdicts are counted. Statistics that were kept under other settings are not comparable: start anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StatisticsSettings {
    /// The route's closed list of labels, in the order by which verdicts name them; those beyond the first 256 are counted
    /// as no label.
    pub labels: Vec<String>,
    /// By how much the candidate may be worse, per gate, where the default of [`Gate::margin`] does not fit.
    pub margins: BTreeMap<Gate, f64>,
    /// Exchanges of one user within this time are one sample of a gate: their mean. In milliseconds.
    pub unit_window_ms: u64,
    /// A place at which the primary disagrees with itself more often than this is proposed as noisy, 0..=1.
    pub noisy_path_rate: f64,
}

// === impl StatisticsSettings ===

impl Default for StatisticsSettings {
    /// No labels, the default margins, ten minutes, one in twenty.
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            margins: BTreeMap::new(),
            unit_window_ms: 10 * 60 * 1_000,
            noisy_path_rate: 0.05,
        }
    }
}
