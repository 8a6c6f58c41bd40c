//! What the controller should ask for by itself now. Asking is as bound by [`RouteRollout::propose`] as anybody's.

use crate::{BASELINE_ANSWERS, Command, Phase, ProposeContext, RouteRollout, Stage};

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
                let known = context
                    .baseline
                    .is_some_and(|baseline| baseline.answers >= BASELINE_ANSWERS);
                let is_better = known && facts.baseline_answers < BASELINE_ANSWERS;
                // What failed stays so until somebody looks.
                (is_better && self.failing().is_none()).then_some(Command::Observe)
            }
            Phase::Attempt if outdated => Some(Command::RestartGates),
            Phase::Attempt => (self.next_is_automatic()
                && self.obstacles_to_advance(context).is_empty())
            .then_some(Command::Advance),
        }
    }

    /// Whether the controller takes the next step by itself: from one step of the ramp to the next, where the plan says so.
    pub(crate) fn next_is_automatic(&self) -> bool {
        let next = self.next_step().map(|(stage, _)| stage);
        self.plan().automatic_ramp && self.stage() == Stage::Ramp && next == Some(Stage::Ramp)
    }
}

#[cfg(test)]
mod tests;
