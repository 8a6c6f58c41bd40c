//! What the configuration says about a route's rollout. Not what an attempt froze of it.

use std::{collections::BTreeMap, time::Duration};

use crossfade_exchange::{Gate, Metric, MetricSet, Percent, RouteId};
use serde::{Deserialize, Serialize};

use crate::{Stage, micros};

/// The most different units that a stage tells apart, at eight bytes and some; a plan that asks for more can never be
/// satisfied.
pub const MOST_UNITS: usize = 1 << 16;

/// The primary's typical times, learned by the data plane from all its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// How many answers the rest comes from.
    pub answers: u64,
    /// 95th percentile of the time to the first content of streamed answers; `None` unless it comes from enough of them.
    pub first_content_p95_streamed: Option<Duration>,
    /// The same of answers that are not streamed, by their own number.
    pub first_content_p95_plain: Option<Duration>,
    /// 99.9th percentile of the time to the first content of all answers.
    pub first_content_p999: Option<Duration>,
    /// 99.9th percentile of the total time of all answers.
    pub total_p999: Option<Duration>,
}

/// A route's configured rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct RoutePlan {
    /// The route.
    pub route: RouteId,
    /// Who answers for it; without one the share stays 0.
    pub owner: Option<String>,
    /// The metrics whose checks are on. [`Metric::Cost`] counts only with a `cost_limit_usd`; [`Metric::Review`] has no check, and is
    /// on where the route names it.
    pub metrics_on: MetricSet,
    /// Each metric's part of α, for all that are on, adding to 1; `None`: equal parts.
    pub shares: Option<BTreeMap<Metric, f64>>,
    /// The probability of a false roll-back over a whole attempt.
    pub alpha: f64,
    /// τ until a thousand answers of the primary are known.
    pub slow_after: Duration,
    /// How long the candidate may stay silent before the primary answers; the least A of the arrival group.
    pub fallback_after: Duration,
    /// A of the content group until a thousand answers of the primary are known; kept within 30 to 120 s.
    pub content_after: Duration,
    /// Whether units are users or credentials, which come back for weeks: then each change of the share draws anew.
    /// A conversation or a request is short-lived and keeps its side.
    pub long_lived_units: bool,
    /// What one answer may cost in USD before it is a bad event; `None`: cost is not a trigger.
    pub cost_limit_usd: Option<f64>,
    /// The stages that the route goes through, in the order of [`Stage::ALL`]; `shadow` is always among them.
    pub stages: Vec<Stage>,
    /// The share of stage `slice`.
    pub slice: Percent,
    /// The shares of stage `ramp`, each larger than the one before.
    pub ramp: Vec<Percent>,
    /// What gates an advance.
    pub gates: GateRules,
    /// The least time in a stage (in a ramp: at each step) before it may be left, by stage; 0 where absent.
    pub minimum_time: BTreeMap<Stage, Duration>,
    /// The least number of units that a stage must have seen.
    pub minimum_units: u64,
    /// The least coverage in every eligible size class, 0..=1.
    pub coverage: f64,
    /// Whether the controller takes the steps of the ramp by itself once they may be taken.
    pub automatic_ramp: bool,
    /// The share of the requests answered by the candidate that is mirrored back to the primary; without it 100 % and stage
    /// `window` are refused.
    pub reverse_share: Percent,
    /// Whether the route names internal callers.
    pub has_internal_callers: bool,
}

/// What gates an advance, and of which configuration the evidence must be. Frozen with an attempt, and again when it changes:
/// then the gates begin anew.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateRules {
    /// A hash of everything that makes evidence comparable and a sign-off meaningful: candidate, adaptation, checks, rollout
    /// settings.
    pub fingerprint: String,
    /// By how much the candidate may be worse, for each success metric, above 0 and below 1. None at all: nothing can advance.
    pub margins: BTreeMap<Gate, f64>,
    /// Of them, those that the route names: they must pass even if no request says anything of them. Of the others, one
    /// that no request of the stage applies to does not count.
    pub named: Vec<Gate>,
    /// The probability that a gate passes at its margin.
    pub alpha: f64,
    /// What one unit asks within this time is one sample.
    #[serde(rename = "unit_window_micros", with = "micros")]
    pub unit_window: Duration,
}

impl Default for GateRules {
    /// No gates, `α_g` = 5 %, ten minutes.
    fn default() -> Self {
        Self {
            fingerprint: String::new(),
            margins: BTreeMap::new(),
            named: Vec::new(),
            alpha: 0.05,
            unit_window: Duration::from_secs(600),
        }
    }
}

impl GateRules {
    /// Every gate that needs no second answer of the primary, unnamed, at its usual margin.
    pub fn of_bad_events() -> Self {
        let gates = Gate::ALL.iter().filter(|gate| !gate.needs_repeats());
        Self {
            margins: gates.map(|gate| (*gate, gate.margin())).collect(),
            ..Self::default()
        }
    }

    fn check(&self) -> Result<(), PlanError> {
        let mut margins = self.margins.iter();
        if let Some((gate, margin)) = margins.find(|(_, m)| !(**m > 0.0 && **m < 1.0)) {
            return Err(PlanError::Margin(*gate, *margin));
        }
        let unset = |gate: &&Gate| !self.margins.contains_key(gate);
        if let Some(gate) = self.named.iter().find(unset) {
            return Err(PlanError::Named(*gate));
        }
        if !(self.alpha >= 1e-12 && self.alpha < 1.0) {
            return Err(PlanError::GateAlpha(self.alpha));
        }
        if self.unit_window.is_zero() {
            return Err(PlanError::UnitWindow);
        }
        Ok(())
    }
}

/// A day in every stage that somebody is answered by the candidate or may soon be, a week in `window`.
fn default_minimum_time() -> BTreeMap<Stage, Duration> {
    let day = Duration::from_secs(24 * 60 * 60);
    [
        (Stage::Shadow, day),
        (Stage::Internal, day),
        (Stage::Slice, day),
        (Stage::Ramp, day),
        (Stage::Window, 7 * day),
    ]
    .into()
}

fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap_or(Percent::ZERO)
}

/// A plan that cannot decide anything.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlanError {
    /// α is no probability, or one that no evidence could ever reach.
    #[error("alpha {0} is out of range: use a probability from 1e-12 to below 1, such as 0.01")]
    Alpha(f64),
    /// A share is missing, extra or not positive.
    #[error(
        "the share of metric {0} does not fit: give every metric that is on a share above 0, and no other"
    )]
    Share(Metric),
    /// The shares do not add to 1.
    #[error("the metrics' shares add to {0}: they must add to 1")]
    Sum(f64),
    /// The stages are no way through the rollout.
    #[error(
        "the stages do not fit: list each once, in the order replay, shadow, internal, slice, ramp, window, complete; shadow is always needed, and window before complete"
    )]
    Stages,
    /// The share of stage `slice` is no first step.
    #[error("slice is {0}: it must be above 0 % and below 100 %")]
    Slice(Percent),
    /// The ramp does not rise.
    #[error(
        "the ramp's step of {0} does not rise: each must be larger than the one before, and than slice"
    )]
    Ramp(Percent),
    /// A ramp without steps.
    #[error("the ramp has no steps: list its shares, or leave stage ramp out")]
    RampEmpty,
    /// A margin allows nothing, or everything.
    #[error("the margin of gate {0} is {1}: it must be above 0 and below 1, such as 0.01")]
    Margin(Gate, f64),
    /// A gate that must pass has no margin.
    #[error("gate {0} is named and has no margin: give it one")]
    Named(Gate),
    /// α of the gates is no probability, or one that no evidence could ever reach.
    #[error(
        "the gates' alpha {0} is out of range: use a probability from 1e-12 to below 1, such as 0.05"
    )]
    GateAlpha(f64),
    /// No time makes one sample.
    #[error("unit_window is 0: use a time such as 10m")]
    UnitWindow,
    /// Coverage is no share.
    #[error("coverage {0} is out of range: use a number from 0 to 1, such as 0.9")]
    Coverage(f64),
}

impl RoutePlan {
    /// The defaults: no owner, every metric on but cost and reviews, equal shares, α = 1 %, short-lived units; every gate on bad events,
    /// unnamed, at its usual margin.
    pub fn new(route: RouteId) -> Self {
        Self {
            route,
            owner: None,
            metrics_on: MetricSet::of_checks(),
            shares: None,
            alpha: 0.01,
            slow_after: Duration::from_secs(5),
            fallback_after: Duration::from_secs(10),
            content_after: Duration::from_secs(60),
            long_lived_units: false,
            cost_limit_usd: None,
            stages: vec![
                Stage::Shadow,
                Stage::Slice,
                Stage::Ramp,
                Stage::Window,
                Stage::Complete,
            ],
            slice: percent(1.0),
            ramp: [5.0, 10.0, 25.0, 50.0, 100.0].map(percent).to_vec(),
            gates: GateRules::of_bad_events(),
            minimum_time: default_minimum_time(),
            minimum_units: 50,
            coverage: 0.9,
            automatic_ramp: true,
            reverse_share: Percent::ZERO,
            has_internal_callers: false,
        }
    }

    /// The metrics that can roll an attempt back.
    pub fn metrics(&self) -> MetricSet {
        let mut metrics = self.metrics_on;
        if self.cost_limit_usd.is_none() {
            metrics.remove(Metric::Cost);
        }
        metrics
    }

    /// Checks what a type cannot: α, shares that cover exactly the metrics that are on, stages in their order, a ramp that rises,
    /// gates that can pass and can fail.
    pub fn check(&self) -> Result<(), PlanError> {
        if !(self.alpha >= 1e-12 && self.alpha < 1.0) {
            return Err(PlanError::Alpha(self.alpha));
        }
        self.check_shares()?;
        self.check_stages()?;
        self.gates.check()?;
        if (0.0..=1.0).contains(&self.coverage) {
            Ok(())
        } else {
            Err(PlanError::Coverage(self.coverage))
        }
    }

    fn check_stages(&self) -> Result<(), PlanError> {
        let has = |stage| self.stages.contains(&stage);
        let in_order = self.stages.is_sorted_by(|earlier, later| earlier < later);
        if !in_order || !has(Stage::Shadow) || (has(Stage::Complete) && !has(Stage::Window)) {
            return Err(PlanError::Stages);
        }
        if has(Stage::Slice) && (self.slice.is_zero() || self.slice.is_whole()) {
            return Err(PlanError::Slice(self.slice));
        }
        if !has(Stage::Ramp) {
            return Ok(());
        }
        if self.ramp.is_empty() {
            return Err(PlanError::RampEmpty);
        }
        let mut before = if has(Stage::Slice) {
            self.slice
        } else {
            Percent::ZERO
        };
        for step in &self.ramp {
            if *step <= before {
                return Err(PlanError::Ramp(*step));
            }
            before = *step;
        }
        Ok(())
    }

    fn check_shares(&self) -> Result<(), PlanError> {
        let Some(shares) = &self.shares else {
            return Ok(());
        };
        let on = self.metrics();
        if let Some(missing) = on.iter().find(|m| !shares.contains_key(m)) {
            return Err(PlanError::Share(missing));
        }
        let odd = shares
            .iter()
            .find(|(m, s)| !on.contains(**m) || !s.is_finite() || **s <= 0.0);
        if let Some((metric, _)) = odd {
            return Err(PlanError::Share(*metric));
        }
        let sum: f64 = shares.values().sum();
        if (sum - 1.0).abs() > 1e-6 {
            Err(PlanError::Sum(sum))
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
