//! Changes of share and stage.

use crossfade_exchange::Percent;

use super::{ProposeContext, check_reason, need};
use crate::{
    Actor, ActorRole, AttemptFacts, Change, Phase, Refusal, Requirements, RouteRollout, Stage,
};

impl RouteRollout {
    /// Any operator may set what the evidence has reached in this attempt; beyond it goes only an owner who says so.
    pub(super) fn raise(
        &self,
        to: Percent,
        override_: bool,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Change, Refusal> {
        need(actor, ActorRole::Operator)?;
        check_reason(&context.reason)?;
        self.check_revision(context)?;
        if let Some(first) = self.obstacles(context).into_iter().next() {
            return Err(first);
        }
        let reached = self.reached();
        let (beyond, freeze) = (to > reached, self.evidence().freeze);
        if !override_ {
            if beyond {
                return Err(Refusal::OverrideNeeded { reached });
            }
            if let Some(freeze) = freeze {
                return Err(Refusal::Frozen(freeze));
            }
        }
        let against_the_plan = beyond || freeze.is_some();
        if against_the_plan {
            need(actor, ActorRole::Owner)?;
        }
        let new_attempt = self.new_attempt(context);
        Ok(Change::Split {
            from: self.share(),
            to,
            salt: self.salt_for(to, new_attempt.is_some(), context),
            attempt: new_attempt
                .as_ref()
                .map(|a| a.id)
                .or(self.attempt().map(|a| a.id)),
            new_attempt,
            override_: against_the_plan,
            stage: Some(self.stage_of(to)),
        })
    }

    /// Whether setting the share to `to` takes anything from the candidate: in stage `internal` its share is 0, and it answers
    /// somebody.
    pub fn is_above(&self, to: Percent) -> bool {
        to < self.share() || (to.is_zero() && self.stage().lets_candidate_answer())
    }

    /// A lower share is always allowed. A route that was complete is in an attempt again, so that it is watched.
    pub(super) fn lower(
        &self,
        to: Percent,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Change, Refusal> {
        // What is not configured any more is the controller's to set to 0.
        if !(to.is_zero() && actor.role == ActorRole::Controller) {
            need(actor, ActorRole::Operator)?;
        }
        check_reason(&context.reason)?;
        let changes = self.is_above(to);
        let new_attempt = if changes && !to.is_zero() {
            self.new_attempt(context)
        } else {
            None
        };
        Ok(Change::Split {
            from: self.share(),
            to,
            salt: self.salt_for(to, new_attempt.is_some(), context),
            attempt: new_attempt
                .as_ref()
                .map(|a| a.id)
                .or(self.attempt().map(|a| a.id)),
            new_attempt,
            override_: false,
            stage: Some(if changes {
                self.stage_of(to)
            } else {
                self.stage()
            }),
        })
    }

    /// The next stage, or the next step of the ramp, once nothing stands in the way.
    pub(super) fn advance(
        &self,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Change, Refusal> {
        let by_itself = actor.role == ActorRole::Controller && self.next_is_automatic();
        if !by_itself {
            need(actor, ActorRole::Operator)?;
        }
        check_reason(&context.reason)?;
        self.check_revision(context)?;
        if let Some(first) = self.obstacles_to_advance(context).into_iter().next() {
            return Err(first);
        }
        let from = self.stage();
        let (to, share_to) = self.next_step().ok_or(Refusal::LastStage { stage: from })?;
        Ok(self.advanced(to, share_to, context))
    }

    /// The change that an advance to `to` is; whether it may be is not asked here.
    pub(crate) fn advanced(
        &self,
        to: Stage,
        share_to: Percent,
        context: &ProposeContext,
    ) -> Change {
        let from = self.stage();
        let new_attempt = if to.lets_candidate_answer() {
            self.new_attempt(context)
        } else {
            None
        };
        let signoff = self.signoff().filter(|_| from != Stage::Replay);
        Change::Advance {
            from,
            to,
            share_from: self.share(),
            share_to,
            salt: self.salt_for(share_to, new_attempt.is_some(), context),
            new_attempt,
            signoff: signoff.map(|signoff| signoff.sequence),
            required: self.requirements(),
        }
    }

    /// What the present stage asks for. Stage `replay` asks for its golden set alone.
    pub(crate) fn requirements(&self) -> Requirements {
        let (plan, entered_unix_ms) = (self.plan(), self.entered_unix_ms());
        let counts = self.stage() != Stage::Replay;
        Requirements {
            minimum_time: if counts {
                self.minimum_time()
            } else {
                std::time::Duration::ZERO
            },
            minimum_units: if counts { plan.minimum_units } else { 0 },
            coverage: if counts { plan.coverage } else { 0.0 },
            entered_unix_ms,
            reverse_share: plan.reverse_share,
        }
    }

    /// What an attempt that begins now freezes; `None` if one runs.
    fn new_attempt(&self, context: &ProposeContext) -> Option<Box<AttemptFacts>> {
        let runs = self
            .attempt()
            .is_some_and(|facts| facts.phase == Phase::Attempt);
        (!runs).then(|| {
            Box::new(AttemptFacts {
                shadow_bad_rate: self.shadow_bad_rate(),
                ..self.facts(Phase::Attempt, context)
            })
        })
    }

    /// Which stage a share set by hand is.
    fn stage_of(&self, share: Percent) -> Stage {
        if share.is_zero() {
            self.stage().min(Stage::Shadow)
        } else if share <= self.plan().slice {
            Stage::Slice
        } else {
            Stage::Ramp
        }
    }

    /// Units that come back for weeks are drawn anew with each change of the share. A short-lived unit that is still running
    /// must not change sides within an attempt.
    fn salt_for(&self, share: Percent, begins: bool, context: &ProposeContext) -> u64 {
        let moves = share < self.share() || share > self.share();
        if begins || (moves && self.plan().long_lived_units) {
            context.new_salt
        } else {
            self.salt()
        }
    }
}
