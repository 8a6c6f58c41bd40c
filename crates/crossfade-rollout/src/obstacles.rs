//! What stands between a route and a larger share, or its next stage: everything at once, each with its numbers. What moves it
//! there is proposed elsewhere.

use std::time::Duration;

use crossfade_exchange::Percent;

use crate::{
    Evidence, GateEvidence, GateState, Phase, ProposeContext, Refusal, RoutePlan, RouteRollout,
    Stage, coverage::shortfalls,
};

impl RoutePlan {
    /// What the route lacks to go beyond stage `shadow`: an owner, a success metric, a roll-back trigger, settings that fit.
    /// Empty: nothing.
    pub fn missing(&self) -> Vec<Refusal> {
        let mut missing = Vec::new();
        if self.owner.is_none() {
            missing.push(Refusal::OwnerMissing);
        }
        if self.gates.margins.is_empty() {
            missing.push(Refusal::SuccessMetricMissing);
        }
        if self.metrics().is_empty() {
            missing.push(Refusal::TriggerMissing);
        }
        if let Err(error) = self.check() {
            missing.push(Refusal::Plan(error));
        }
        missing
    }

    /// Whether the route goes through `stage`: if it is listed; `internal` also if internal callers are named; `shadow` always.
    pub fn has_stage(&self, stage: Stage) -> bool {
        match stage {
            Stage::Shadow => true,
            Stage::Internal => self.has_internal_callers || self.stages.contains(&stage),
            Stage::Replay | Stage::Slice | Stage::Ramp | Stage::Window | Stage::Complete => {
                self.stages.contains(&stage)
            }
        }
    }

    /// Where a route begins.
    pub fn first_stage(&self) -> Stage {
        if self.has_stage(Stage::Replay) {
            Stage::Replay
        } else {
            Stage::Shadow
        }
    }
}

impl RouteRollout {
    /// Everything that stands between this route and a larger share, whoever asks and however; first what must be mended
    /// first. No override passes it.
    pub fn obstacles(&self, context: &ProposeContext) -> Vec<Refusal> {
        let mut obstacles = self.standstill(context);
        obstacles.extend(self.plan().missing());
        obstacles.extend(self.replay_obstacle());
        obstacles
    }

    /// Everything that keeps the route in its stage, or at its step of the ramp; first what must be mended first. Empty: it
    /// may advance.
    pub fn obstacles_to_advance(&self, context: &ProposeContext) -> Vec<Refusal> {
        self.obstacles_by(&self.evidence(), context)
    }

    /// The same, where the statistics know `evidence`.
    pub(crate) fn obstacles_by(
        &self,
        evidence: &Evidence,
        context: &ProposeContext,
    ) -> Vec<Refusal> {
        let stage = self.stage();
        let Some((next, share)) = self.next_step() else {
            return vec![Refusal::LastStage { stage }];
        };
        if stage == Stage::Replay {
            let mut obstacles = self.standstill(context);
            obstacles.extend(self.replay_obstacle());
            return obstacles;
        }
        let mut obstacles = self.obstacles(context);
        if share.is_whole() && self.plan().reverse_share.is_zero() {
            obstacles.push(Refusal::ReverseMissing);
        }
        // What has passed before stays passed: without this a step could be taken that nobody watches.
        if !self.mirror_enabled() {
            obstacles.push(Refusal::MirrorOff);
        }
        if next == Stage::Ramp {
            obstacles.extend(evidence.freeze.map(Refusal::Frozen));
        }
        obstacles.extend(self.watching());
        obstacles.extend(self.time_obstacle(context));
        let had = self.seconds_in_stage(context);
        open_gates(evidence, had, &mut obstacles);
        self.units(evidence, had, &mut obstacles);
        self.coverage(evidence, &mut obstacles);
        obstacles.extend(self.unresolved(context));
        if stage == Stage::Window {
            closing(context, &mut obstacles);
        }
        obstacles.extend(self.signoff_obstacle());
        obstacles
    }

    /// What nothing passes, up to the next decision of somebody.
    fn standstill(&self, context: &ProposeContext) -> Vec<Refusal> {
        let mut obstacles = self.against_it();
        obstacles.extend(self.held().map(|held| Refusal::Held {
            by: held.actor.to_string(),
            reason: held.reason.clone(),
        }));
        if context.killed {
            obstacles.push(Refusal::KillSwitch);
        }
        obstacles
    }

    /// What was found against the candidate, or decided against it, and not forgiven.
    fn against_it(&self) -> Vec<Refusal> {
        let mut against = Vec::new();
        if self.alarm().is_some() {
            against.push(Refusal::AlarmRaised);
        }
        if self.rolled_back().is_some() {
            against.push(Refusal::RolledBack);
        }
        against.extend(
            self.failing()
                .map(|alarm| Refusal::Failing { alarm: *alarm }),
        );
        against
    }

    /// What would make a sign-off void before anything could stand on it: counting begins, or begins anew, after it.
    pub(crate) fn makes_void(&self) -> Vec<Refusal> {
        let mut voids = self.against_it();
        voids.extend(self.watching());
        voids
    }

    /// Stage `replay` is not left without a golden set that passed under the present configuration.
    fn replay_obstacle(&self) -> Option<Refusal> {
        if self.stage() != Stage::Replay {
            return None;
        }
        match self.replayed() {
            None => Some(Refusal::ReplayMissing),
            Some((result, _)) if !result.is_passed() => Some(Refusal::ReplayFailed {
                passed: result.passed,
                cases: result.cases,
            }),
            Some((_, fingerprint)) if *fingerprint != self.plan().gates.fingerprint => {
                Some(Refusal::ReplayOutdated)
            }
            Some(_) => None,
        }
    }

    /// Whether what is counted is of this configuration, and is counted at all.
    fn watching(&self) -> Vec<Refusal> {
        let Some(facts) = self.attempt() else {
            return vec![Refusal::NotWatched];
        };
        let mut obstacles = Vec::new();
        if facts.phase == Phase::Shadow && self.stage() != Stage::Shadow {
            obstacles.push(Refusal::NotWatched);
        }
        if facts.gates.fingerprint != self.plan().gates.fingerprint {
            obstacles.push(Refusal::GatesOutdated);
        }
        obstacles
    }

    fn time_obstacle(&self, context: &ProposeContext) -> Option<Refusal> {
        let (needed, had) = (self.minimum_time(), self.time_in_stage(context));
        (had < needed).then(|| Refusal::MinimumTime {
            stage: self.stage(),
            needed,
            had,
        })
    }

    fn units(&self, evidence: &Evidence, had: f64, obstacles: &mut Vec<Refusal>) {
        let (seen, needed) = (evidence.units, self.plan().minimum_units);
        if seen < needed {
            obstacles.push(Refusal::Units {
                seen,
                needed,
                seconds: at_rate(seen, needed - seen, had),
            });
        }
    }

    fn coverage(&self, evidence: &Evidence, obstacles: &mut Vec<Refusal>) {
        if evidence.coverage.iter().all(|size| size.selected == 0) {
            obstacles.push(Refusal::NothingCompared);
        }
        let least = self.plan().coverage;
        let short = shortfalls(&evidence.coverage, least);
        obstacles.extend(
            short
                .into_iter()
                .map(|short| Refusal::Coverage { short, least }),
        );
    }

    fn unresolved(&self, context: &ProposeContext) -> Option<Refusal> {
        let limit = self.attempt()?.content_age;
        let sent = context.oldest_unresolved_unix_micros?;
        let now = context.now_unix_ms.saturating_mul(1_000);
        let age = Duration::from_micros(now.saturating_sub(sent));
        (age > limit).then_some(Refusal::Unresolved { age, limit })
    }

    fn signoff_obstacle(&self) -> Option<Refusal> {
        let stage = self.stage();
        match self.signoff() {
            Some(signoff) if signoff.counts(stage, &self.plan().gates.fingerprint) => None,
            Some(signoff) if signoff.stage == stage => Some(Refusal::SignoffExpired {
                report: signoff.report.clone(),
            }),
            Some(_) | None => Some(Refusal::SignoffMissing { stage }),
        }
    }

    /// The least time that the plan asks of the present stage.
    pub(crate) fn minimum_time(&self) -> Duration {
        let times = &self.plan().minimum_time;
        times.get(&self.stage()).copied().unwrap_or_default()
    }

    /// How long the stage, or the step, has counted: a date that jumped forward is not believed where a clock that never goes
    /// back says less.
    pub(crate) fn time_in_stage(&self, context: &ProposeContext) -> Duration {
        let dated = context.now_unix_ms.saturating_sub(self.entered_unix_ms());
        let dated = Duration::from_millis(dated);
        context.in_stage.map_or(dated, |counted| counted.min(dated))
    }

    pub(crate) fn seconds_in_stage(&self, context: &ProposeContext) -> f64 {
        self.time_in_stage(context).as_secs_f64()
    }

    /// The stage and share that an advance leads to, by the plan's stages; `None` after the last.
    pub fn next_step(&self) -> Option<(Stage, Percent)> {
        let (plan, share) = (self.plan(), self.share());
        let after = Stage::ALL.iter().filter(|stage| **stage >= self.stage());
        after
            .filter(|stage| plan.has_stage(**stage))
            .find_map(|&stage| {
                let goal = match stage {
                    Stage::Replay | Stage::Shadow | Stage::Internal => Some(Percent::ZERO),
                    Stage::Slice => Some(plan.slice),
                    Stage::Ramp => plan.ramp.iter().copied().find(|step| *step > share),
                    Stage::Window | Stage::Complete => Some(Percent::HUNDRED),
                }?;
                let is_ahead = stage > self.stage() || stage == Stage::Ramp;
                // A stage whose share has been left behind is passed over: an advance never lowers.
                (is_ahead && goal >= share).then_some((stage, goal))
            })
    }
}

/// The gates of the stage that do not pass.
fn open_gates(evidence: &Evidence, had: f64, obstacles: &mut Vec<Refusal>) {
    if !evidence.gates.iter().any(counts) {
        obstacles.push(Refusal::NoGateApplies);
    }
    for gate in evidence.gates.iter().filter(|gate| counts(gate)) {
        match gate_state(gate) {
            GateState::Passed => {}
            GateState::Silent => obstacles.push(Refusal::GateSilent { gate: gate.gate }),
            GateState::Open => obstacles.push(Refusal::GateOpen {
                gate: gate.gate,
                samples: gate.samples,
                needed: gate.needed,
                seconds: gate
                    .needed
                    .and_then(|more| at_rate(gate.samples, more, had)),
            }),
            GateState::Worse => obstacles.push(Refusal::GateWorse {
                gate: gate.gate,
                samples: gate.samples,
                mean: gate.mean,
                margin: gate.margin,
            }),
        }
    }
}

/// What only stage `complete` asks for.
fn closing(context: &ProposeContext, obstacles: &mut Vec<Refusal>) {
    let open = context.closing.open_reviews;
    if open > 0 {
        obstacles.push(Refusal::ReviewsOpen { open });
    }
    if let Some(problem) = &context.closing.ledger_problem {
        obstacles.push(Refusal::LedgerProblem {
            problem: problem.clone(),
        });
    }
}

/// Whether a gate has a say in the stage: it is named, or some request says something of it.
pub(crate) fn counts(gate: &GateEvidence) -> bool {
    gate.named || gate.requests > 0
}

/// How a gate stands.
pub(crate) fn gate_state(gate: &GateEvidence) -> GateState {
    if gate.w >= gate.threshold {
        GateState::Passed
    } else if gate.requests == 0 {
        GateState::Silent
    } else if gate.samples == 0 || gate.needed.is_some() {
        GateState::Open
    } else {
        GateState::Worse
    }
}

/// In how many seconds `more` will come, where `so_far` came in `had` seconds.
pub(crate) fn at_rate(so_far: u64, more: u64, had: f64) -> Option<u64> {
    if so_far == 0 || had <= 0.0 {
        return None;
    }
    let seconds = ratio(more, so_far) * had;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "positive, and a cast saturates; for people only"
    )]
    let whole = seconds.ceil() as u64;
    Some(whole)
}

fn ratio(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    let ratio = part as f64 / whole as f64;
    ratio
}

#[cfg(test)]
mod tests;
