//! What the controller should ask for by itself now. Asking is as bound by [`RouteRollout::propose`] as anybody's.

use crate::{
    AttemptFacts, BASELINE_ANSWERS, Baseline, Command, LogRoom, Phase, ProposeContext, Refusal,
    RouteRollout, Stage,
};

impl RouteRollout {
    /// What is due now, if anything: to begin counting, to begin the gates anew because the configuration changed, or to take
    /// the next step of an automatic ramp. Roll-backs are not among them: [`RouteRollout::apply`] and
    /// [`RouteRollout::alarm`] demand those.
    ///
    /// Recording what it returns makes it return something else; cheap outside of an automatic ramp.
    pub fn tick(&self, context: &ProposeContext) -> Option<Command> {
        if self.rolled_back().is_some() || self.alarm().is_some() || self.plan().check().is_err() {
            return None;
        }
        let Some(facts) = self.attempt() else {
            // A route that is complete is not watched, nor one that mirrors nothing yet.
            return (self.stage() == Stage::Shadow).then_some(Command::Observe);
        };
        let outdated = facts.gates.fingerprint != self.plan().gates.fingerprint;
        match facts.phase {
            Phase::Shadow if outdated => Some(Command::Observe),
            Phase::Shadow => {
                let is_due = knows_better(facts, context) || self.outgrew_its_log(context);
                // What failed stays so until somebody looks.
                (is_due && self.failing().is_none()).then_some(Command::Observe)
            }
            Phase::Attempt if outdated => Some(Command::RestartGates),
            Phase::Attempt => (self.next_is_automatic()
                && self.obstacles_to_advance(context).is_empty())
            .then_some(Command::Advance),
        }
    }

    /// Whether the shadow watch should begin anew because its log is full. Not before the stage's least time, or with much
    /// traffic it could never be left; and where only a person's word is missing, or nothing, not before twice the bound.
    fn outgrew_its_log(&self, context: &ProposeContext) -> bool {
        match context.log {
            LogRoom::Left => false,
            room @ (LogRoom::Spent | LogRoom::Overdrawn) => {
                is_outgrown(room, &self.obstacles_to_advance(context))
            }
        }
    }

    /// Whether the controller takes the next step by itself: from one step of the ramp to the next, where the plan says so.
    pub(crate) fn next_is_automatic(&self) -> bool {
        let next = self.next_step().map(|(stage, _)| stage);
        self.plan().automatic_ramp && self.stage() == Stage::Ramp && next == Some(Stage::Ramp)
    }
}

/// Whether the primary's typical times are known now, and were not when counting began.
pub(crate) fn knows_better(facts: &AttemptFacts, context: &ProposeContext) -> bool {
    let known = |baseline: &Baseline| baseline.answers >= BASELINE_ANSWERS;
    facts.baseline_answers < BASELINE_ANSWERS && context.baseline.as_ref().is_some_and(known)
}

fn is_outgrown(room: LogRoom, obstacles: &[Refusal]) -> bool {
    let too_young = |refusal: &Refusal| matches!(refusal, Refusal::MinimumTime { .. });
    let of_a_person = |refusal: &Refusal| {
        matches!(
            refusal,
            Refusal::SignoffMissing { .. } | Refusal::SignoffExpired { .. }
        )
    };
    !obstacles.iter().any(too_young)
        && match room {
            LogRoom::Left => false,
            LogRoom::Spent => !obstacles.iter().all(of_a_person),
            LogRoom::Overdrawn => true,
        }
}

#[cfg(test)]
mod tests;
