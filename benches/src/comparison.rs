//! What a comparison costs by what is compared and its size: the checks alone, over pairs made here, as the worker calls them.

use std::{collections::BTreeMap, hint::black_box};

use bytes::Bytes;
use serde_json::json;

use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::{Exchange, Verdict, closed_enum};

use crate::{frozen::steep, samples};

closed_enum! {
    /// One comparison.
    pub enum Case {
        /// Two texts of 1 KiB that differ in a tenth of their words.
        Text1K = "text-1k",
        /// The same, larger.
        Text32K = "text-32k",
        /// The same, about as large as an answer may be.
        Text1M = "text-1m",
        /// JSON of 8 KiB with the request's schema, a value in ten different.
        Json8K = "json-8k",
        /// The same, larger.
        Json32K = "json-32k",
        /// The same, about as large as an answer may be.
        Json1M = "json-1m",
        /// Ten tool calls.
        Tools10 = "tools-10",
        /// Text of 8 KiB with every check set: a label, citations, facts, and what stands in a context of 8 KiB.
        Every8K = "every-8k",
    }
}

/// How much more a byte of the largest may cost than one of the middle size: what is not linear costs thirty times more.
pub const MOST_GROWTH: f64 = 1.5;

/// Pairs of a middle size and the largest that must grow with the size and no faster.
pub const LINEAR: &[(Case, Case)] = &[(Case::Text32K, Case::Text1M), (Case::Json32K, Case::Json1M)];

/// What is compared, ready to be.
#[derive(Debug)]
pub struct Work {
    checks: Checks,
    exchange: Exchange,
}

// === impl Case ===

impl Case {
    /// What is compared.
    ///
    /// # Errors
    /// When the settings of the checks are refused.
    pub fn work(self) -> anyhow::Result<Work> {
        let (settings, exchange) = match self {
            Self::Text1K | Self::Text32K | Self::Text1M => {
                (CheckSettings::default(), texts(self.bytes()))
            }
            Self::Json8K | Self::Json32K | Self::Json1M => {
                (CheckSettings::default(), values(self.bytes()))
            }
            Self::Tools10 => (
                CheckSettings::default(),
                samples::exchange(
                    samples::tool_request(),
                    samples::tool_calls(),
                    samples::tool_calls(),
                ),
            ),
            Self::Every8K => (every_check()?, grounded(self.bytes())),
        };
        let checks = Checks::new(settings)?;
        Ok(Work { checks, exchange })
    }

    /// Bytes of one answer's text; of tool calls, how many there are.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Text1K => 1 << 10,
            Self::Json8K | Self::Every8K => 8 << 10,
            Self::Text32K | Self::Json32K => 32 << 10,
            Self::Text1M | Self::Json1M => 1 << 20,
            Self::Tools10 => 10,
        }
    }
}

// === impl Work ===

impl Work {
    /// The verdict.
    pub fn compare(&self) -> Verdict {
        self.checks.compare(&self.exchange)
    }
}

/// Pairs whose larger one costs more for its size than it should, and by which factor.
pub fn not_linear(counts: &BTreeMap<Case, u64>) -> Vec<(Case, f64)> {
    steep(counts, LINEAR, |case| case.bytes() as u64, MOST_GROWTH)
}

/// Plays a case this many times.
///
/// # Errors
/// When the settings of its checks are refused.
pub fn play(case: Case, times: u64) -> anyhow::Result<()> {
    let work = case.work()?;
    // Schemas are compiled once and kept.
    black_box(work.compare());
    counted(&work, times);
    Ok(())
}

/// What callgrind counts: it looks for this function by its name.
#[inline(never)]
fn counted(work: &Work, times: u64) {
    for _ in 0..times {
        black_box(black_box(work).compare());
    }
}

fn texts(bytes: usize) -> Exchange {
    let of = |changed| samples::completion(&samples::prose(bytes, changed));
    samples::exchange(samples::request(1 << 10, false), of(None), of(Some(10)))
}

fn values(bytes: usize) -> Exchange {
    let of = |changed| samples::completion(&samples::varied_json(bytes, changed));
    samples::exchange(samples::json_request(), of(None), of(Some(10)))
}

/// An answer out of its context, and another one.
fn grounded(bytes: usize) -> Exchange {
    let context = samples::prose(bytes, None);
    let body = json!({"messages": [
        {"role": "system", "content": context},
        {"role": "user", "content": "What happened to parcel 4711 of 12.50 EUR on 2026-03-01 [1]?"},
    ]});
    let of = |changed| {
        let text = samples::prose(bytes, changed);
        samples::completion(&format!(
            "{text}\nLabel: sent. Parcel 4711 of 12.50 EUR, see [1] and https://example.com/2 of 2026-03-01."
        ))
    };
    samples::exchange(Bytes::from(body.to_string()), of(None), of(Some(10)))
}

fn every_check() -> anyhow::Result<CheckSettings> {
    let settings = serde_json::from_value(json!({
        "retrieval": true,
        "citations": {},
        "extraction": {},
        "label": {"pattern": "Label: (\\w+)", "values": ["sent", "lost", "delivered"], "risky": [["sent", "lost"]]},
        "text_similarity": {"threshold": 0.5},
        "max_output_tokens": 10_000,
        "max_cost_usd": 1.0,
        "price": {"input": 3.0, "output": 15.0},
        "primary_price": {"input": 2.0, "output": 8.0},
    }))?;
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::{Check, CheckOutcome};

    use super::*;

    #[test]
    fn every_case_compares_a_pair_that_differs_in_part() {
        for case in Case::ALL {
            let verdict = case.work().unwrap().compare();
            assert!(verdict.class.is_some(), "{case}: {verdict:?}");
            let applies = |check| {
                let outcome = verdict.check(check).map(|result| result.outcome);
                matches!(outcome, Some(CheckOutcome::Pass | CheckOutcome::Fail))
            };
            let wanted: &[Check] = match case {
                Case::Text1K | Case::Text32K | Case::Text1M => &[Check::TextSimilarity],
                Case::Json8K | Case::Json32K | Case::Json1M => {
                    &[Check::JsonParse, Check::JsonSchema, Check::JsonStructure]
                }
                Case::Tools10 => &[Check::ToolSelection, Check::ToolArguments],
                Case::Every8K => &[
                    Check::TextSimilarity,
                    Check::Label,
                    Check::Citations,
                    Check::Extraction,
                    Check::Groundedness,
                ],
            };
            for check in wanted {
                assert!(applies(*check), "{case}: {check} {verdict:?}");
            }
        }
    }
}
