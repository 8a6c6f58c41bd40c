//! What the controller begins by itself: counting in stage `shadow`, and the gates under a changed configuration.

use super::{Command, ProposeContext, need_role};
use crate::{
    Actor, ActorRole, AttemptFacts, Change, Phase, Refusal, RouteRollout, Stage, tick::knows_better,
};

impl RouteRollout {
    pub(super) fn observe(
        &self,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Change, Refusal> {
        need_role(actor, ActorRole::Controller)?;
        if self.rolled_back().is_some() {
            return Err(Refusal::RolledBack);
        }
        if self.alarm().is_some() {
            return Err(Refusal::AlarmRaised);
        }
        let attempt = self.attempt().map(|facts| facts.phase);
        if self.stage() != Stage::Shadow || attempt == Some(Phase::Attempt) {
            return Err(Refusal::NotWatched);
        }
        self.plan().check()?;
        let facts = Box::new(self.facts(Phase::Shadow, context));
        Ok(Change::Observe { facts })
    }

    pub(super) fn restart_gates(&self, actor: &Actor) -> Result<Change, Refusal> {
        need_role(actor, ActorRole::Controller)?;
        if self.attempt().is_none() {
            return Err(Refusal::NotWatched);
        }
        self.plan().check()?;
        let rules = Box::new(self.plan().gates.clone());
        Ok(Change::GatesRestarted { rules })
    }

    /// What is frozen by whatever begins to be counted now.
    pub(super) fn facts(&self, phase: Phase, context: &ProposeContext) -> AttemptFacts {
        let id = self.last_attempt() + 1;
        AttemptFacts::freeze(id, phase, self.plan(), context.baseline.as_ref())
    }

    /// Why the controller begins it.
    pub(super) fn why_watched(&self, command: &Command, context: &ProposeContext) -> &'static str {
        let fingerprint = &self.plan().gates.fingerprint;
        match self.attempt() {
            None => "nothing was counted",
            Some(facts) if facts.gates.fingerprint != *fingerprint => {
                "the configuration has changed what the evidence means"
            }
            Some(facts) if *command == Command::Observe => {
                if knows_better(facts, context) {
                    "the primary's typical times are known now"
                } else {
                    "the outcome log has reached its bound"
                }
            }
            Some(_) => "the gates were to begin anew",
        }
    }
}
