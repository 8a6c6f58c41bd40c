//! A model against itself and against a planted shift: what the statistics say of recorded runs.
//!
//! Of three runs of one model the first stands for the primary, the second for the primary asked again, the third for the
//! candidate: no gate may fire. Where a prompt was run twice only, half of the prompts give the noise and half the pairs. Then
//! five percentage points of the candidate's answers are spoilt: the gate that should see it must fire. For that the
//! recorded rows are drawn again and again where they are too few, with the roles of the runs drawn too, so that without
//! the spoilt answers the mean difference is exactly none; and the same draws without them must fire nothing.

use std::path::Path;

use anyhow::Result;
use crossfade_exchange::{Check, CheckOutcome, Verdict};
use crossfade_statistics::{
    Gate, GateState, Observation, RouteReport, RouteStatistics, StatisticsSettings, Telling,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

use super::table::{Goal, Table};

mod plant;
mod runs;
mod variants;

use plant::Plant;
use runs::{Runs, Sample};

/// Samples that the rows are drawn up to, for a planted shift.
const DRAWN: usize = 8_000;
/// Of so many samples one is spoilt.
const SPOILT_ONE_IN: usize = 20;
const SEED: u64 = 20;

/// Measures the section.
pub(super) fn section(data: &Path, table: &mut Table) -> Result<()> {
    let stability = runs::stability(data)?;
    itself(table, "llm_stability", &stability);
    shifted(table, "llm_stability", &stability, &[Plant::Label]);
    let sense = runs::numersense(data)?;
    itself(table, "numersense", &sense);
    let plants = [Plant::Label, Plant::BrokenJson];
    shifted(table, "numersense", &sense, &plants);
    let calls = runs::calls(data)?;
    itself(table, "bfcl", &calls);
    let plants = [Plant::OtherTool, Plant::OtherArgument];
    shifted(table, "bfcl", &calls, &plants);
    variants::measure(data, table)
}

/// Every model's second run, each a route of its own: which gates fire.
fn itself(table: &mut Table, name: &str, models: &[Runs]) {
    for runs in models {
        let report = observe(runs, &runs.samples, None);
        let what = format!("{name} {}: ", runs.model);
        table.count(format!("{what}samples"), runs.samples.len());
        for check in [Check::Label, Check::ToolArguments] {
            let found = report.checks.iter().find(|found| found.check == check);
            let shares = found.and_then(|f| Some((f.disagreement.share?, f.noise.share?)));
            if let Some((d, n)) = shares {
                table.number(format!("{what}{check} D"), d, Goal::None);
                table.number(format!("{what}{check} N"), n, Goal::None);
            }
        }
        let fired = fired(&report);
        table.none(format!("{what}gates that fire"), fired.len());
    }
}

/// All models' rows as one route, drawn again: with five points planted a gate fires, without them none.
fn shifted(table: &mut Table, name: &str, models: &[Runs], plants: &[Plant]) {
    let all = runs::pooled(models);
    let mut random = StdRng::seed_from_u64(SEED);
    let drawn: Vec<Sample> = (0..DRAWN)
        .filter_map(|_| {
            let row = all.samples.get(random.random_range(0..all.samples.len()))?;
            Some(row.with_roles(random.random_range(0..6)))
        })
        .collect();
    let rows = all.samples.len();
    let what = format!("{name}, {rows} rows drawn to {DRAWN}: ");
    let still = fired(&observe(&all, &drawn, None));
    table.none(format!("{what}gates that fire unspoilt"), still.len());
    for plant in plants {
        let gate = plant.gate();
        let report = observe(&all, &drawn, Some(*plant));
        let view = report.gates.iter().find(|view| view.gate == gate);
        let excess = view.map_or(f64::NAN, |view| view.excess.estimate);
        let spoilt = plant.what();
        table.number(
            format!("{what}{gate} excess with {spoilt}"),
            excess,
            Goal::None,
        );
        let fires = fired(&report).contains(&gate);
        table.holds(format!("{what}{gate} fires with {spoilt}"), fires);
    }
}

/// The gates whose mean is over the margin for certain.
fn fired(report: &RouteReport) -> Vec<Gate> {
    let failing = report.gates.iter();
    failing
        .filter(|view| view.state == GateState::Fails)
        .map(|view| view.gate)
        .collect()
}

/// What the statistics make of samples, with one in twenty spoilt where a shift is planted.
fn observe(runs: &Runs, samples: &[Sample], plant: Option<Plant>) -> RouteReport {
    let mut statistics = RouteStatistics::new(StatisticsSettings::default());
    let (mut judged, mut spoilt) = (0, 0);
    for (at, sample) in (0..).zip(samples) {
        let mut verdict = runs.verdict(sample.pair, None);
        let noise = runs.verdict(sample.noise, None);
        if let Some(plant) = plant
            && let Some(agreed) = agrees(&verdict, plant.check())
        {
            judged += 1;
            // Only an answer that agrees can be made to differ: a share of all is spoilt, not of those that agree.
            if agreed && spoilt * SPOILT_ONE_IN < judged {
                let changed = runs.verdict(sample.pair, Some(plant));
                if agrees(&changed, plant.check()) == Some(false) {
                    spoilt += 1;
                    verdict = changed;
                }
            }
        }
        let exchange = runs.exchange(sample.pair, at);
        let observation =
            Observation::new(&exchange, &verdict).with_repeats(Telling::First, Some(&noise), None);
        statistics.observe(&observation);
    }
    statistics.report()
}

/// Whether a pair passes a check; `None` where that is not judged.
fn agrees(verdict: &Verdict, check: Check) -> Option<bool> {
    match verdict.check(check)?.outcome {
        CheckOutcome::Pass => Some(true),
        CheckOutcome::Fail => Some(false),
        CheckOutcome::Na | CheckOutcome::Error => None,
    }
}

#[cfg(test)]
mod tests {
    use crossfade_compare::{Advance, feeds};
    use crossfade_exchange::Metric;

    use super::*;

    /// What feeds an advance has a gate, by its own name or by the names of its bad events.
    #[test]
    fn what_feeds_an_advance_has_a_gate() {
        let has = |name: &str| Gate::ALL.iter().any(|gate| gate.as_str() == name);
        for check in Check::ALL.iter().copied() {
            let fed = feeds(check);
            // The limit of what is slow is frozen with an attempt: that gate is the rollout's.
            let mut events = fed
                .rollback
                .iter()
                .map(Metric::as_str)
                .filter(|name| *name != "slow");
            let gated = match fed.advance {
                Advance::BadEvents => events.all(has),
                Advance::BadEventsAndFlips => {
                    events.all(has) && has("answered_refused") && has("refused_answered")
                }
                Advance::Disagreement => has(check.as_str()),
                Advance::Reported => !has(check.as_str()),
            };
            assert!(gated, "{check}");
        }
    }
}
