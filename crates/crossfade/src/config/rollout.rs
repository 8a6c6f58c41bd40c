//! `[routes.NAME.rollout]`: through which stages a route goes, on what evidence, and what takes it back. What the evidence says
//! is the rollout's part.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crossfade_bedrock::Api;
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::{Gate, Metric, MetricSet, Percent};
use crossfade_rollout::{MOST_UNITS, Stage};

use super::{build::Findings, units::Span};

mod gates;

use gates::Judges;

/// The chance of a false roll-back in one attempt, unless the route says otherwise.
const ALPHA: f64 = 0.01;
/// The chance that a gate passes at its margin, likewise.
const GATE_ALPHA: f64 = 0.05;
/// Below this no evidence could ever suffice; the rollout's plan has the same bound.
const LEAST_ALPHA: f64 = 1e-12;
/// Beyond these the word "evidence" would not be deserved.
const MOST_ALPHA: f64 = 0.1;
const MOST_GATE_ALPHA: f64 = 0.2;
/// The most steps that a ramp may have.
const MOST_STEPS: usize = 20;

/// Through which stages a route goes, on what evidence, and what takes it back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rollout {
    /// The chance of a false roll-back in one attempt.
    pub alpha: f64,
    /// The bad events that may roll back; none: the route may shadow and no more.
    pub metrics: MetricSet,
    /// Each metric's part of `alpha`, adding to 1; `None` means equal parts.
    pub shares: Option<BTreeMap<Metric, f64>>,
    /// The stages, in their order.
    pub stages: Vec<Stage>,
    /// The share of stage `slice`.
    pub slice: Percent,
    /// The shares of stage `ramp`, rising.
    pub ramp: Vec<Percent>,
    /// By how much the candidate may be worse, for each success metric; none: the route may shadow and no more.
    pub margins: BTreeMap<Gate, f64>,
    /// Of them, those that the route names.
    pub named: Vec<Gate>,
    /// The chance that a gate passes at its margin.
    pub gate_alpha: f64,
    /// What one unit asks within this time is one sample.
    pub unit_window: Duration,
    /// The least time in a stage.
    pub minimum_time: BTreeMap<Stage, Duration>,
    /// The least number of units in a stage.
    pub minimum_units: u64,
    /// The least coverage of every size class.
    pub coverage: Percent,
    /// Whether the steps of the ramp are taken by themselves.
    pub automatic_ramp: bool,
}

/// `[routes.NAME.rollout]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawRollout {
    /// The stages that the route goes through, in their order: replay, shadow, internal, slice, ramp, window, complete. Absent: shadow, slice and ramp; internal if callers are named; window and complete if the ramp ends at 100.
    #[cfg_attr(test, schemars(schema_with = "super::schema::stages"))]
    pub(crate) stages: Option<Vec<Stage>>,
    /// The share of stage `slice`, in percent.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) slice: Percent,
    /// The shares of stage `ramp`, in percent, each larger than the one before.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percents"))]
    pub(crate) ramp: Vec<Percent>,
    /// Whether the steps of the ramp are taken by themselves once the evidence allows it; entering and leaving the ramp never is.
    pub(crate) automatic_ramp: bool,
    /// The success metrics, each with the margin by which the candidate may be worse; absent: all that can be judged, with their usual margins.
    #[cfg_attr(test, schemars(schema_with = "super::schema::success"))]
    pub(crate) success: Option<BTreeMap<Gate, f64>>,
    /// The chance that is accepted for a gate to pass at its margin.
    pub(crate) gate_alpha: f64,
    /// What one unit asks within this time is one sample of a gate.
    pub(crate) unit_window: Span,
    /// The least number of units that a stage must have seen.
    pub(crate) minimum_units: u64,
    /// The least share of what was to be compared that must have been, in every size class, in percent.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) coverage: Percent,
    /// The least time in each stage, and at each step of the ramp.
    pub(crate) minimum_time: RawMinimumTime,
    /// The chance of a false roll-back that is accepted for a whole attempt.
    pub(crate) alpha: f64,
    /// The bad events that may roll back; all that a check can judge if absent. `review`, what people say of pairs drawn for them, only if named here.
    #[cfg_attr(test, schemars(schema_with = "super::schema::metrics"))]
    pub(crate) metrics: Option<Vec<Metric>>,
    /// How `alpha` is divided among them, by metric, in any unit; equally if absent.
    #[cfg_attr(test, schemars(schema_with = "super::schema::shares"))]
    pub(crate) shares: BTreeMap<Metric, f64>,
    /// An answer over this cost in USD is a bad event; off if absent.
    pub(crate) cost_limit_usd: Option<f64>,
}

/// `[routes.NAME.rollout] minimum_time`
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawMinimumTime {
    /// In stage `shadow`.
    pub(crate) shadow: Span,
    /// In stage `internal`.
    pub(crate) internal: Span,
    /// In stage `slice`.
    pub(crate) slice: Span,
    /// At each step of stage `ramp`.
    pub(crate) ramp: Span,
    /// In stage `window`.
    pub(crate) window: Span,
}

/// What a route's rollout is built beside.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact of the route"
)]
pub(super) struct Beside<'a> {
    /// Its checks, compiled, and as they are written.
    pub(super) checks: &'a Checks,
    pub(super) settings: &'a CheckSettings,
    /// Whether it has an owner, internal callers, requests that can be drawn.
    pub(super) owned: bool,
    pub(super) has_internal: bool,
    pub(super) splits: bool,
    /// How its candidate is asked.
    pub(super) api: Api,
    /// How often the primary is asked twice.
    pub(super) ask_primary_twice: Percent,
    /// Whether embeddings of its texts are made.
    pub(super) has_similarity: bool,
}

// === defaults ===

impl Default for RawRollout {
    fn default() -> Self {
        Self {
            stages: None,
            slice: percent(1.0),
            ramp: [5.0, 10.0, 25.0, 50.0, 100.0].map(percent).to_vec(),
            automatic_ramp: true,
            success: None,
            gate_alpha: GATE_ALPHA,
            unit_window: Span::from_secs(600),
            minimum_units: 50,
            coverage: percent(90.0),
            minimum_time: RawMinimumTime::default(),
            alpha: ALPHA,
            metrics: None,
            shares: BTreeMap::new(),
            cost_limit_usd: None,
        }
    }
}

impl Default for RawMinimumTime {
    fn default() -> Self {
        const DAY: u64 = 24 * 60 * 60;
        let day = Span::from_secs(DAY);
        Self {
            shadow: day,
            internal: day,
            slice: day,
            ramp: day,
            window: Span::from_secs(7 * DAY),
        }
    }
}

fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap_or(Percent::ZERO)
}

// === building ===

/// Checks and converts one route's rollout.
pub(super) fn build_rollout(
    name: &str,
    raw: &RawRollout,
    beside: Beside<'_>,
    at: &mut Findings<'_>,
) -> Rollout {
    let here = |key: &'static str| ["routes", name, "rollout", key];
    if !(LEAST_ALPHA..=MOST_ALPHA).contains(&raw.alpha) {
        let message = "use a probability from 1e-12 to 0.1, such as 0.01";
        at.wrong(&here("alpha"), message);
    }
    if !(LEAST_ALPHA..=MOST_GATE_ALPHA).contains(&raw.gate_alpha) {
        let message = "use a probability from 1e-12 to 0.2, such as 0.05";
        at.wrong(&here("gate_alpha"), message);
    }
    if raw.minimum_units == 0 {
        at.wrong(&here("minimum_units"), "use a number of at least 1");
    } else if raw.minimum_units > MOST_UNITS as u64 {
        let message = format!("use at most {MOST_UNITS}: more are not told apart");
        at.wrong(&here("minimum_units"), message);
    }
    if raw.coverage.is_zero() {
        let message = "use a share over 0, in percent, such as 90: with 0 a stage is left though nothing of a size was compared";
        at.wrong(&here("coverage"), message);
    }
    let metrics = triggers(name, raw, beside.checks.metrics_on(), at);
    let judges = Judges::of(beside);
    let (margins, named) = gates::margins(name, raw.success.as_ref(), &judges, at);
    check_ramp(name, raw, at);
    let lacks = lacking(beside, metrics.is_empty(), margins.is_empty());
    let times = &raw.minimum_time;
    Rollout {
        alpha: raw.alpha,
        metrics,
        shares: normalised(&raw.shares),
        stages: stages(name, raw, beside, &lacks, at),
        slice: raw.slice,
        ramp: raw.ramp.clone(),
        margins,
        named,
        gate_alpha: raw.gate_alpha,
        unit_window: at.some_time(&here("unit_window"), raw.unit_window),
        minimum_time: [
            (Stage::Shadow, times.shadow.0),
            (Stage::Internal, times.internal.0),
            (Stage::Slice, times.slice.0),
            (Stage::Ramp, times.ramp.0),
            (Stage::Window, times.window.0),
        ]
        .into(),
        minimum_units: raw.minimum_units,
        coverage: raw.coverage,
        automatic_ramp: raw.automatic_ramp,
    }
}

/// What keeps a route in stage `shadow`, each with what would mend it.
fn lacking(beside: Beside<'_>, no_trigger: bool, no_success: bool) -> Vec<&'static str> {
    [
        (!beside.owned, "an owner: set owner on the route"),
        (no_success, "a success metric: name one under success"),
        (no_trigger, "a roll-back trigger: name one under metrics"),
        (
            !beside.splits,
            "vectors that the candidate may answer with: set candidate.index_rebuilt",
        ),
    ]
    .into_iter()
    .filter_map(|(lacks, what)| lacks.then_some(what))
    .collect()
}

fn stages(
    name: &str,
    raw: &RawRollout,
    beside: Beside<'_>,
    lacks: &[&str],
    at: &mut Findings<'_>,
) -> Vec<Stage> {
    let path = ["routes", name, "rollout", "stages"];
    let ends_whole = raw.ramp.last() == Some(&Percent::HUNDRED);
    let Some(stages) = &raw.stages else {
        let usual = |stage: &Stage| match stage {
            Stage::Replay => false,
            Stage::Internal => beside.has_internal,
            // From a ramp that ends below it nothing leaps to 100 %.
            Stage::Window | Stage::Complete => ends_whole,
            Stage::Shadow | Stage::Slice | Stage::Ramp => true,
        };
        return Stage::ALL.iter().copied().filter(usual).collect();
    };
    let has = |stage: Stage| stages.contains(&stage);
    if !stages.is_sorted_by(|one, next| one < next) {
        let message = "not in their order, or one twice: use replay, shadow, internal, slice, ramp, window, complete, without those that the route does not go through";
        at.wrong(&path, message);
    }
    if !has(Stage::Shadow) {
        at.wrong(
            &path,
            "without shadow: nothing moves that was not compared; add it",
        );
    }
    if has(Stage::Internal) && !beside.has_internal {
        let message =
            "internal, and no caller is named: add some under internal, or remove the stage";
        at.wrong(&path, message);
    }
    if has(Stage::Window) && !(has(Stage::Ramp) && ends_whole) {
        let message = "window follows 100 %: add ramp, with 100 as its last step";
        at.wrong(&path, message);
    }
    if has(Stage::Complete) && !has(Stage::Window) {
        at.wrong(
            &path,
            "complete follows window: add window, or remove complete",
        );
    }
    if stages.iter().any(|stage| stage.lets_candidate_answer()) {
        for what in lacks {
            let message = format!("more than replay and shadow needs {what}; or ask for no more");
            at.wrong(&path, message);
        }
    }
    stages.clone()
}

/// The steps rise, from over the slice.
fn check_ramp(name: &str, raw: &RawRollout, at: &mut Findings<'_>) {
    let here = |key: &'static str| ["routes", name, "rollout", key];
    if raw.slice.is_zero() || raw.slice.is_whole() {
        at.wrong(
            &here("slice"),
            "use a share over 0 and under 100, in percent",
        );
    }
    if raw.ramp.is_empty() || raw.ramp.len() > MOST_STEPS {
        let message = format!("use from 1 to {MOST_STEPS} shares, in percent");
        at.wrong(&here("ramp"), message);
    } else if !raw.ramp.is_sorted_by(|one, next| one < next) {
        let message = "each share must be larger than the one before";
        at.wrong(&here("ramp"), message);
    } else if raw.ramp.first() <= Some(&raw.slice) {
        let message = "the first share must be larger than slice";
        at.wrong(&here("ramp"), message);
    }
}

/// What may roll back.
fn triggers(name: &str, raw: &RawRollout, judged: MetricSet, at: &mut Findings<'_>) -> MetricSet {
    let here = |key: &'static str| ["routes", name, "rollout", key];
    let metrics: MetricSet = match &raw.metrics {
        Some(metrics) => {
            at.distinct(&here("metrics"), metrics);
            metrics.iter().copied().collect()
        }
        None => judged,
    };
    // People can look at any pair.
    let judged = judged.or(MetricSet::EMPTY.with(Metric::Review));
    for metric in metrics.iter().filter(|metric| !judged.contains(*metric)) {
        let message = format!(
            "\"{metric}\" is not judged: {}",
            gates::why_no_metric(metric)
        );
        at.wrong(&here("metrics"), message);
    }
    for (metric, share) in &raw.shares {
        let path = ["routes", name, "rollout", "shares", metric.as_str()];
        if !metrics.contains(*metric) {
            let message = "this metric is not on: add it to metrics, or remove the share";
            at.wrong(&path, message);
        }
        at.positive(&path, Some(*share));
    }
    if !raw.shares.is_empty() {
        let without = |metric: &Metric| !raw.shares.contains_key(metric);
        for metric in metrics.iter().filter(without) {
            let message = format!("gives {metric} nothing: add a share for it, or remove all");
            at.wrong(&here("shares"), message);
        }
    }
    metrics
}

/// Shares in any unit become parts that add to 1.
fn normalised(shares: &BTreeMap<Metric, f64>) -> Option<BTreeMap<Metric, f64>> {
    let sum: f64 = shares.values().sum();
    (!shares.is_empty()).then(|| {
        shares
            .iter()
            .map(|(metric, share)| (*metric, share / sum))
            .collect()
    })
}
