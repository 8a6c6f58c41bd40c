//! Through which stages a route may go, what is missing for more, and how long that is likely to take. For planning: nothing is
//! decided on it.

use serde::Serialize;

use crossfade_exchange::{Gate, Percent};
use crossfade_rollout::{RoutePlan, Stage, expected_samples, usual_rate};

use crate::config::{Config, Mirror, Route, Span, TokenRole};

pub(super) const DAY: f64 = 86_400.0;
/// The rates, in requests a second, for which is told what depends on them where the route's own is not given.
pub(super) const RATES: [f64; 3] = [0.1, 1.0, 10.0];
/// So many units of the candidate the test on the split wants to see.
const SEEING: f64 = 200.0;

/// How long a route's stages are likely to take at one rate.
#[derive(Debug, Serialize)]
pub(super) struct Forecast {
    /// The rate, in requests a second.
    requests_per_second: f64,
    /// Each stage, and each step of the ramp.
    stages: Vec<StageForecast>,
    /// All of them; absent if one of them never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<f64>,
}

/// How long one stage, or one step of the ramp, is likely to take.
#[derive(Debug, Serialize)]
struct StageForecast {
    stage: Stage,
    share: Percent,
    /// In nine of ten cases no more than so many days if the candidate is as good as the primary; absent: it never ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<f64>,
    /// The gate that takes longest, where it takes longer than the least time.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<Gate>,
}

/// What the route may do, and what it may not, stage by stage.
pub(super) fn say(
    config: &Config,
    route: &Route,
    plan: &RoutePlan,
    may: &mut Vec<String>,
    may_not: &mut Vec<String>,
) {
    let role = |least| config.admin.tokens.iter().any(|token| token.role >= least);
    let missing = [
        (route.owner.is_none(), "it has no owner; set owner"),
        (
            plan.gates.margins.is_empty(),
            "it has no success metric; name one under rollout.success",
        ),
        (
            plan.metrics().is_empty(),
            "it has no roll-back trigger; name one under rollout.metrics",
        ),
        (
            !role(TokenRole::Operator),
            "no token may advance it; add one of role operator under [[admin.tokens]]",
        ),
        (
            !role(TokenRole::Owner),
            "no token may sign off; add one of role owner under [[admin.tokens]]",
        ),
    ];
    let beyond = plan
        .stages
        .iter()
        .any(|stage| stage.lets_candidate_answer());
    if !beyond {
        may_not.push("advance beyond shadow: rollout.stages asks for no more".to_owned());
        return;
    }
    let mut ready = true;
    for (_, what) in missing.iter().filter(|(lacks, _)| *lacks) {
        may_not.push(format!("advance beyond shadow: {what}"));
        ready = false;
    }
    if let (true, Some(owner)) = (ready, &route.owner) {
        may.push(format!(
            "advance through {}; {owner} answers for it",
            path(plan)
        ));
        if plan.automatic_ramp && plan.stages.contains(&Stage::Ramp) {
            may.push(
                "take the steps of the ramp by itself, once the evidence allows it".to_owned(),
            );
        }
    }
    let whole = plan.stages.contains(&Stage::Window) || plan.ramp.contains(&Percent::HUNDRED);
    if whole && plan.reverse_share.is_zero() {
        may_not.push(
            "reach 100 %: nothing would compare the candidate any more; set mirror.reverse_share"
                .to_owned(),
        );
    }
    if !plan.gates.margins.is_empty() {
        let margin = |(gate, margin): (&Gate, &f64)| format!("{gate} {}", points(*margin));
        let margins: Vec<String> = plan.gates.margins.iter().map(margin).collect();
        may.push(format!(
            "advance where the candidate is worse by less than these percentage points: {}; at a margin a gate passes in at most {} of stages",
            margins.join(", "),
            super::show_chance(plan.gates.alpha)
        ));
    }
}

/// The stages in words.
fn path(plan: &RoutePlan) -> String {
    let stage = |stage: &Stage| match stage {
        Stage::Slice => format!("slice ({})", plan.slice),
        Stage::Ramp => {
            let steps: Vec<String> = plan.ramp.iter().map(Percent::to_string).collect();
            format!("ramp ({})", steps.join(", "))
        }
        Stage::Replay | Stage::Shadow | Stage::Internal | Stage::Window | Stage::Complete => {
            stage.to_string()
        }
    };
    let stages: Vec<String> = plan.stages.iter().map(stage).collect();
    stages.join(", ")
}

/// A margin in percentage points, without what the multiplication adds.
fn points(margin: f64) -> String {
    let shown = format!("{:.4}", margin * 100.0);
    shown.trim_end_matches('0').trim_end_matches('.').to_owned()
}

// === times ===

/// How long the stages take, at the rate that is given, or else at some.
pub(super) fn forecasts(mirror: &Mirror, plan: &RoutePlan, rate: Option<f64>) -> Vec<Forecast> {
    let beyond = plan
        .stages
        .iter()
        .any(|stage| stage.lets_candidate_answer());
    if plan.gates.margins.is_empty() || !mirror.enabled || mirror.share.is_zero() || !beyond {
        return Vec::new();
    }
    let rates = rate.map_or(RATES.to_vec(), |rate| vec![rate]);
    rates
        .into_iter()
        .map(|rate| forecast(mirror, plan, rate))
        .collect()
}

/// Days that stage shadow is likely to take; absent: it never ends, or there is nothing to wait for.
pub(super) fn shadow_days(mirror: &Mirror, plan: &RoutePlan, rate: f64) -> Option<f64> {
    forecasts(mirror, plan, Some(rate))
        .into_iter()
        .flat_map(|forecast| forecast.stages)
        .find(|stage| stage.stage == Stage::Shadow)?
        .days
}

fn forecast(mirror: &Mirror, plan: &RoutePlan, rate: f64) -> Forecast {
    let stages: Vec<StageForecast> = steps(plan)
        .into_iter()
        .map(|(stage, share)| {
            let pairs = pairs(mirror, share, rate);
            let least = least(plan, stage).as_secs_f64() / DAY;
            let slowest = slowest(mirror, plan, pairs);
            let (days, waits_for) = match slowest {
                None => (None, None),
                Some((_, days)) if days <= least => (Some(least), None),
                Some((gate, days)) => (Some(days), Some(gate)),
            };
            StageForecast {
                stage,
                share,
                days,
                waits_for,
            }
        })
        .collect();
    Forecast {
        requests_per_second: rate,
        days: stages.iter().map(|stage| stage.days).sum(),
        stages,
    }
}

/// The stages that gates must pass, each with its share.
fn steps(plan: &RoutePlan) -> Vec<(Stage, Percent)> {
    let mut steps = Vec::new();
    for stage in plan.stages.iter().copied() {
        match stage {
            Stage::Shadow | Stage::Internal => steps.push((stage, Percent::ZERO)),
            Stage::Slice => steps.push((stage, plan.slice)),
            Stage::Ramp => steps.extend(plan.ramp.iter().map(|share| (stage, *share))),
            Stage::Window => steps.push((stage, Percent::HUNDRED)),
            // Replay sees golden sets alone, and nothing is left to wait for after the last stage.
            Stage::Replay | Stage::Complete => {}
        }
    }
    steps
}

fn least(plan: &RoutePlan, stage: Stage) -> std::time::Duration {
    plan.minimum_time.get(&stage).copied().unwrap_or_default()
}

/// Pairs a second at this share: copies to the candidate, and the other way.
pub(super) fn pairs(mirror: &Mirror, share: Percent, rate: f64) -> f64 {
    let split = share.ratio();
    let mirrored = mirror.share.ratio() * (1.0 - split) + mirror.reverse_share.ratio() * split;
    (rate * mirrored).min(mirror.rate.unwrap_or(f64::INFINITY))
}

/// The gate that takes longest, with its days; `None` if one never passes.
fn slowest(mirror: &Mirror, plan: &RoutePlan, pairs: f64) -> Option<(Gate, f64)> {
    let mut slowest: Option<(Gate, f64)> = None;
    for (gate, margin) in &plan.gates.margins {
        let asked = if gate.needs_repeats() {
            mirror.ask_primary_twice.ratio()
        } else {
            1.0
        };
        let days = requests(*gate, *margin, plan.gates.alpha, asked)? / pairs / DAY;
        if !days.is_finite() {
            return None;
        }
        if slowest.is_none_or(|(_, most)| days > most) {
            slowest = Some((*gate, days));
        }
    }
    slowest
}

/// How many compared requests a gate takes in nine of ten cases.
fn requests(gate: Gate, margin: f64, alpha: f64, asked: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let samples = expected_samples(margin, usual_rate(gate), alpha)?.p90 as f64;
    Some(samples / asked)
}

// === impl Forecast ===

impl Forecast {
    /// In one line.
    pub(super) fn line(&self) -> String {
        let stage = |stage: &StageForecast| {
            let name = match stage.stage {
                Stage::Slice | Stage::Ramp => format!("{} {}", stage.stage, stage.share),
                Stage::Replay
                | Stage::Shadow
                | Stage::Internal
                | Stage::Window
                | Stage::Complete => stage.stage.to_string(),
            };
            match (stage.days, stage.waits_for) {
                (None, _) => format!("{name} never"),
                (Some(days), None) => format!("{name} {}", show_days(days)),
                (Some(days), Some(gate)) => format!("{name} {} ({gate})", show_days(days)),
            }
        };
        let stages: Vec<String> = self.stages.iter().map(stage).collect();
        let all = match self.days {
            Some(days) => format!("{} in all", show_days(days)),
            None => "it does not end".to_owned(),
        };
        format!(
            "{} requests/s: {}; {all}",
            self.requests_per_second,
            stages.join(", ")
        )
    }
}

pub(super) fn show_days(days: f64) -> String {
    if days < 1.0 / 24.0 {
        format!("{:.0} min", (days * 24.0 * 60.0).ceil())
    } else if days < 1.0 {
        format!("{:.1} h", days * 24.0)
    } else if days < 10.0 {
        format!("{days:.1} d")
    } else {
        format!("{days:.0} d")
    }
}

// === warnings ===

/// What the stages make one think of.
pub(super) fn warnings(
    mirror: &Mirror,
    plan: &RoutePlan,
    rate: Option<f64>,
    warnings: &mut Vec<String>,
) {
    let id = &plan.route;
    if plan.stages.contains(&Stage::Window) && plan.reverse_share.is_zero() {
        warnings.push(format!(
            "route {id}: mirror.reverse_share is 0: once the candidate answers everything, nothing compares it any more, so 100 % and stage window are refused"
        ));
    }
    let hasty: Vec<&str> = plan
        .stages
        .iter()
        .filter(|stage| {
            plan.minimum_time
                .get(stage)
                .is_some_and(std::time::Duration::is_zero)
        })
        .map(|stage| stage.as_str())
        .collect();
    if !hasty.is_empty() {
        warnings.push(format!(
            "route {id}: rollout.minimum_time is 0 in {}: what happens at another hour of the day is not waited for",
            hasty.join(", ")
        ));
    }
    let Some(rate) = rate else { return };
    for (stage, share) in steps(plan) {
        let seen = rate * share.ratio() * least(plan, stage).as_secs_f64();
        match stage {
            Stage::Slice | Stage::Ramp if seen < SEEING => warnings.push(format!(
                "route {id}: at {share} and {rate} requests/s the candidate answers about {seen:.0} in {}: with under {SEEING} units the test on the split is nearly blind, and that on pairs must carry it",
                Span(least(plan, stage))
            )),
            Stage::Replay
            | Stage::Shadow
            | Stage::Internal
            | Stage::Slice
            | Stage::Ramp
            | Stage::Window
            | Stage::Complete => {}
        }
    }
    rarely_asked(mirror, plan, rate, warnings);
}

/// Gates above the noise that take longer than the least time in shadow, with what would make them fit.
fn rarely_asked(mirror: &Mirror, plan: &RoutePlan, rate: f64, warnings: &mut Vec<String>) {
    let asked = mirror.ask_primary_twice.ratio();
    let available = pairs(mirror, Percent::ZERO, rate) * least(plan, Stage::Shadow).as_secs_f64();
    let slow = |(gate, margin): (&Gate, &f64)| {
        let once = requests(*gate, *margin, plan.gates.alpha, 1.0)?;
        let late = gate.needs_repeats() && once / asked > available;
        late.then_some((*gate, once / available))
    };
    let worst = plan
        .gates
        .margins
        .iter()
        .filter_map(slow)
        .max_by(|one, other| one.1.total_cmp(&other.1));
    let Some((gate, share)) = worst else { return };
    let remedy = if share <= 1.0 {
        format!(
            "set mirror.ask_primary_twice to about {:.0}, or a larger margin under rollout.success",
            (share * 100.0).ceil()
        )
    } else {
        "even asked twice always, so set a larger margin under rollout.success, or more time"
            .to_owned()
    };
    warnings.push(format!(
        "route {}: at {rate} requests/s gate {gate} takes longer than stage shadow's least time: {remedy}",
        plan.route
    ));
}

#[cfg(test)]
mod tests;
