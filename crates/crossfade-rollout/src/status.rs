//! What a person is told of a route. The share and the stage are those of the split that `decide` reads; ratios in
//! logarithms are made here, for show only.

use crossfade_exchange::{Gate, Group, Metric, Percent, RouteId, closed_enum};
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Alarm, AttemptFacts, Cause, CoverageGroup, DrillResult, Engine, Entry, Evidence, Freeze,
    GateEvidence, GroupEvidence, MetricEvidence, PairCounts, ProposeContext, Refusal, ReplayResult,
    RouteRollout, SideCounts, Signoff, SizeCoverage, Split, Stage, coverage_groups,
    obstacles::{at_rate, counts, gate_state},
};

/// The roll-back a route stands in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolledBack {
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Who.
    pub actor: Actor,
    /// Why, in words.
    pub reason: String,
    /// Why, as data.
    pub cause: Cause,
    /// What the statistics knew.
    pub evidence: Evidence,
}

/// The last recorded change of a route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastChange {
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// What, in words.
    pub what: String,
}

/// One metric of the running attempt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricStatus {
    /// Which metric.
    pub metric: Metric,
    /// Its group.
    pub group: Group,
    /// Its part of α.
    pub share: f64,
    /// W of engine R.
    pub w: f64,
    /// ln W over the logarithm of the W at which this metric alone would roll back: 1 is a roll-back, below 0 speaks
    /// for the candidate.
    pub evidence_ratio: f64,
    /// W of engine P.
    #[serde(default = "one")]
    pub w_pairs: f64,
    /// The same ratio of engine P.
    #[serde(default)]
    pub pairs_ratio: f64,
    /// What was seen of the primary.
    pub primary: SideCounts,
    /// What was seen of the candidate.
    pub candidate: SideCounts,
    /// What was seen of pairs.
    #[serde(default)]
    pub pairs: PairCounts,
}

const fn one() -> f64 {
    1.0
}

closed_enum! {
    /// How a gate stands.
    pub enum GateState {
        /// It passes as things are.
        Passed = "passed",
        /// Too little is known.
        Open = "open",
        /// It does not pass by going on as before.
        Worse = "worse",
        /// No request of the stage says anything of it: it counts only if it is named.
        Silent = "silent",
    }
}

/// How one gate of the stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateStanding {
    /// Which.
    pub gate: Gate,
    /// How it stands.
    pub state: GateState,
    /// Whether the stage waits for it: it is named, or some request says something of it.
    pub counts: bool,
    /// ln W over the logarithm of what W must reach: 1 is a pass, below 0 speaks against the candidate.
    pub gate_ratio: f64,
    /// In how many seconds the samples that are needed will have come, at the rate so far.
    pub needed_seconds: Option<u64>,
}

/// One group of the running attempt.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Which test.
    pub engine: Engine,
    /// Which group.
    pub group: Group,
    /// The weighted sum.
    pub sum: f64,
    /// What it must reach.
    pub threshold: f64,
    /// The logarithm of the sum over that of the threshold: 1 is a roll-back.
    pub alarm_ratio: f64,
}

/// The running attempt, or the shadow watch before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptStatus {
    /// What it froze.
    pub facts: AttemptFacts,
    /// Outcomes applied.
    pub decided: u64,
    /// The alarm, if a roll-back is due, or if the candidate fails in stage `shadow`.
    pub alarm: Option<Alarm>,
}

/// What happens next with a route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Next {
    /// The stage that would be entered.
    pub stage: Stage,
    /// The share that it would have.
    pub share: Percent,
    /// Whether the controller goes there by itself once nothing is in the way; else somebody must `advance`.
    pub automatic: bool,
    /// What is in the way, in words, first what must be mended first; empty: nothing.
    pub waits_for: Vec<String>,
}

/// Everything about one route's rollout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteStatus {
    /// The route.
    pub route: RouteId,
    /// How far it has come.
    pub stage: Stage,
    /// Since when the stage, or the step of the ramp, counts, in milliseconds since the Unix epoch; 0: from the beginning.
    #[serde(default)]
    pub entered_unix_ms: u64,
    /// The candidate's share.
    pub share: Percent,
    /// Up to this share any operator may raise.
    #[serde(default = "zero")]
    pub reached: Percent,
    /// For `If-Match`.
    pub revision: u64,
    /// Who answers for the route.
    pub owner: Option<String>,
    /// Whether copies may be sent.
    pub mirror_enabled: bool,
    /// The running attempt.
    pub attempt: Option<AttemptStatus>,
    /// The roll-back it stands in.
    pub rolled_back: Option<RolledBack>,
    /// What the shadow watch has found against the candidate.
    #[serde(default)]
    pub failing: Option<Alarm>,
    /// The running attempt's metrics.
    pub metrics: Vec<MetricStatus>,
    /// Its groups.
    pub groups: Vec<GroupStatus>,
    /// The gates of the stage.
    #[serde(default)]
    pub gates: Vec<GateEvidence>,
    /// How each of them stands, in the same order.
    #[serde(default)]
    pub standings: Vec<GateStanding>,
    /// Distinct units that the stage has seen.
    #[serde(default)]
    pub units: u64,
    /// What the stage has compared, by size.
    #[serde(default)]
    pub coverage: Vec<SizeCoverage>,
    /// The same as it is judged: sizes with few requests together with their neighbours.
    #[serde(default)]
    pub coverage_groups: Vec<CoverageGroup>,
    /// Why the ramp stands still by itself.
    pub freeze: Option<Freeze>,
    /// Who let nothing advance, and why.
    pub held: Option<LastChange>,
    /// The sign-off that is good for the present stage and configuration.
    pub signoff: Option<LastChange>,
    /// What happens next, and why not yet.
    pub next: Option<Next>,
    /// The last drill, and when it was, in milliseconds since the Unix epoch.
    pub last_drill: Option<(u64, DrillResult)>,
    /// The last run of a golden set, if it was of the present configuration.
    pub replayed: Option<ReplayResult>,
    /// What no raise passes, by whomever; empty: nothing.
    pub missing: Vec<String>,
    /// The last recorded change.
    pub last_change: Option<LastChange>,
    /// Outcomes that belonged to no running attempt.
    pub ignored: u64,
}

impl LastChange {
    /// What is shown of an entry.
    pub fn of(entry: &Entry) -> Self {
        Self {
            at_unix_ms: entry.at_unix_ms,
            actor: entry.actor.clone(),
            reason: entry.reason.clone(),
            what: entry.change.to_string(),
        }
    }
}

impl From<&Signoff> for LastChange {
    fn from(signoff: &Signoff) -> Self {
        Self {
            at_unix_ms: signoff.at_unix_ms,
            actor: signoff.actor.clone(),
            reason: signoff.reason.clone(),
            what: format!("{} signed off (report {})", signoff.stage, signoff.report),
        }
    }
}

impl RouteRollout {
    /// What a person is told at `context.now_unix_ms`. Of the context it reads what an advance would.
    pub fn status(&self, context: &ProposeContext) -> RouteStatus {
        let Split {
            route,
            revision,
            share,
            stage,
            mirror_enabled,
            attempt,
            ..
        } = self.split();
        let evidence = self.evidence();
        let next = self.next(&evidence, context);
        let had = self.seconds_in_stage(context);
        let Evidence {
            decided,
            metrics,
            groups,
            gates,
            units,
            coverage,
            freeze,
            ..
        } = evidence;
        let threshold = attempt.as_ref();
        let threshold = threshold.map_or(f64::INFINITY, AttemptFacts::threshold);
        RouteStatus {
            route,
            stage,
            entered_unix_ms: self.entered_unix_ms(),
            share,
            reached: self.reached(),
            revision,
            owner: self.plan().owner.clone(),
            mirror_enabled,
            attempt: attempt.map(|facts| AttemptStatus {
                facts,
                decided,
                alarm: self.alarm().or(self.failing()).copied(),
            }),
            rolled_back: self.rolled_back().cloned(),
            failing: self.failing().copied(),
            metrics: each(&metrics, |metric| MetricStatus::of(metric, threshold)),
            groups: each(&groups, GroupStatus::of),
            standings: each(&gates, |gate| GateStanding::of(gate, had)),
            gates,
            units,
            coverage_groups: coverage_groups(&coverage),
            coverage,
            freeze,
            held: self.held().cloned(),
            signoff: self.signed(),
            next,
            last_drill: self.last_drill().cloned(),
            replayed: self.replayed_now(),
            missing: words(&self.obstacles(context)),
            last_change: self.last_change().cloned(),
            ignored: self.ignored(),
        }
    }

    /// The sign-off that is good now.
    fn signed(&self) -> Option<LastChange> {
        let fingerprint = &self.plan().gates.fingerprint;
        let good = |signoff: &&Signoff| signoff.counts(self.stage(), fingerprint);
        self.signoff().filter(good).map(LastChange::from)
    }

    /// The golden set's result, if it is of the present configuration.
    fn replayed_now(&self) -> Option<ReplayResult> {
        let (result, fingerprint) = self.replayed()?;
        (*fingerprint == self.plan().gates.fingerprint).then(|| result.clone())
    }

    fn next(&self, evidence: &Evidence, context: &ProposeContext) -> Option<Next> {
        let (stage, share) = self.next_step()?;
        Some(Next {
            stage,
            share,
            automatic: self.next_is_automatic(),
            waits_for: words(&self.obstacles_by(evidence, context)),
        })
    }
}

fn each<T, U>(of: &[T], shown: impl Fn(&T) -> U) -> Vec<U> {
    of.iter().map(shown).collect()
}

fn words(refusals: &[Refusal]) -> Vec<String> {
    refusals.iter().map(Refusal::to_string).collect()
}

const fn zero() -> Percent {
    Percent::ZERO
}

impl GateStanding {
    fn of(gate: &GateEvidence, seconds_in_stage: f64) -> Self {
        let needed = |more| at_rate(gate.samples, more, seconds_in_stage);
        Self {
            gate: gate.gate,
            state: gate_state(gate),
            counts: counts(gate),
            gate_ratio: log_ratio(gate.w, gate.threshold),
            needed_seconds: gate.needed.and_then(needed),
        }
    }
}

impl MetricStatus {
    fn of(evidence: &MetricEvidence, threshold: f64) -> Self {
        let MetricEvidence {
            metric,
            share,
            w,
            w_pairs,
            primary,
            candidate,
            pairs,
        } = *evidence;
        let group = metric.group();
        let evidence_ratio = log_ratio(w, threshold / share);
        let pairs_ratio = log_ratio(w_pairs, threshold / share);
        Self {
            metric,
            group,
            share,
            w,
            evidence_ratio,
            w_pairs,
            pairs_ratio,
            primary,
            candidate,
            pairs,
        }
    }
}

impl GroupStatus {
    fn of(evidence: &GroupEvidence) -> Self {
        let GroupEvidence {
            engine,
            group,
            sum,
            threshold,
        } = *evidence;
        let alarm_ratio = log_ratio(sum, threshold);
        Self {
            engine,
            group,
            sum,
            threshold,
            alarm_ratio,
        }
    }
}

fn log_ratio(value: f64, of: f64) -> f64 {
    value.max(f64::MIN_POSITIVE).ln() / of.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_zero_at_the_start_and_one_at_a_roll_back() {
        let check = |value: f64, of: f64, expected: f64| {
            assert!(
                (log_ratio(value, of) - expected).abs() < 1e-12,
                "{value} {of}"
            );
        };
        check(1.0, 200.0, 0.0);
        check(200.0, 200.0, 1.0);
        check(200_f64.sqrt(), 200.0, 0.5);
        check(1.0 / 200.0, 200.0, -1.0);
        check(1.0, f64::INFINITY, 0.0);
    }
}
