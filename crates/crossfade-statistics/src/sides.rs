//! What each side's answers are like, each side alone.

use crossfade_exchange::{JsonForm, Metric, MetricSet, SideVerdict};
use serde::{Deserialize, Serialize};

use crate::histogram::{Histogram, Scale};

/// One side's answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SideTally {
    pub(crate) seconds: Histogram,
    pub(crate) first_content_seconds: Histogram,
    pub(crate) input_tokens: Histogram,
    pub(crate) output_tokens: Histogram,
    pub(crate) cost_usd: Histogram,
    json: [u64; 3],
    bad: Vec<u64>,
    judged: u64,
}

// === impl SideTally ===

impl Default for SideTally {
    fn default() -> Self {
        let positive = || Histogram::new(Scale::Positive);
        Self {
            seconds: positive(),
            first_content_seconds: positive(),
            input_tokens: positive(),
            output_tokens: positive(),
            cost_usd: positive(),
            json: [0; 3],
            bad: Vec::new(),
            judged: 0,
        }
    }
}

impl SideTally {
    pub(crate) fn add(
        &mut self,
        verdict: &SideVerdict,
        seconds: Option<f64>,
        first_content_seconds: Option<f64>,
    ) {
        if let Some(seconds) = seconds {
            self.seconds.add(seconds);
        }
        if let Some(seconds) = first_content_seconds {
            self.first_content_seconds.add(seconds);
        }
        if let Some(usage) = verdict.usage {
            #[expect(clippy::cast_precision_loss, reason = "tokens stay far below 2^52")]
            let (input, output) = (usage.prompt() as f64, usage.output as f64);
            self.input_tokens.add(input);
            self.output_tokens.add(output);
        }
        if let Some(usd) = verdict.cost_usd {
            self.cost_usd.add(usd);
        }
        if let Some(count) = verdict
            .json
            .and_then(|form| self.json.get_mut(form.index()))
        {
            *count += 1;
        }
        if let Some(bad) = verdict.bad {
            self.judged += 1;
            self.add_bad(bad);
        }
    }

    fn add_bad(&mut self, bad: MetricSet) {
        self.bad.resize(Metric::ALL.len(), 0);
        for metric in bad.iter() {
            if let Some(count) = self.bad.get_mut(metric.index()) {
                *count += 1;
            }
        }
    }

    /// Answers by the form of their JSON.
    pub(crate) fn json(&self, form: JsonForm) -> u64 {
        self.json.get(form.index()).copied().unwrap_or_default()
    }

    /// Answers with a bad event.
    pub(crate) fn bad(&self, metric: Metric) -> u64 {
        self.bad.get(metric.index()).copied().unwrap_or_default()
    }

    /// Answers that could be judged.
    pub(crate) const fn judged(&self) -> u64 {
        self.judged
    }
}
