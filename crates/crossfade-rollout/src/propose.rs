//! What an actor asks for, what may be answered, and the change that would be recorded. Proposing changes nothing:
//! the change takes effect when its entry is applied.

use crossfade_exchange::{Percent, RouteId};

use crate::{
    Actor, ActorRole, Alarm, AttemptFacts, Baseline, Cause, Change, DrillResult, Entry, Evidence,
    Phase, Refusal, ReplayResult, RouteRollout, refusal::REASON_LIMIT,
};

/// The largest share, in percent, at which the primary still answers enough for the test on the split to see a difference within some
/// hundreds of answers. Beyond it the test goes blind by and by, and at 100 % it is silent.
const MOST_SEEN: f64 = 95.0;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Set the share.
    Split {
        /// The share to set.
        to: Percent,
        /// Whether the actor means to go beyond what the plan allows.
        override_: bool,
    },
    /// Go back to the primary, and stay.
    Rollback,
    /// The same, demanded by a sequential test.
    Alarm(Alarm),
    /// Allow raises again after a roll-back, or lift a hold.
    Resume,
    /// Leave the stage, or the step of the ramp, for the next.
    Advance,
    /// Let nothing advance until it is resumed.
    Hold,
    /// Agree that the stage may be left, having seen a report.
    Signoff {
        /// The hash of the report, one of [`ProposeContext::reports`].
        report: String,
    },
    /// Record what came of running a golden set.
    Replayed(ReplayResult),
    /// Record what came of trying the way back.
    Drilled(DrillResult),
    /// Begin counting in the shadow stage. Of the controller.
    Observe,
    /// Begin the gates anew under the plan's rules. Of the controller.
    RestartGates,
}

/// What comes with a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProposeContext {
    /// Why, in the actor's words. An alarm brings its own.
    pub reason: String,
    /// The revision that the actor knew, if it said so. Only raises look at it.
    pub if_match: Option<u64>,
    /// A fresh random number, the salt if one is needed.
    pub new_salt: u64,
    /// What the data plane knows of the primary now.
    pub baseline: Option<Baseline>,
    /// This moment, in milliseconds since the Unix epoch.
    pub now_unix_ms: u64,
    /// When the oldest request was sent that is not decided yet, in microseconds since the Unix epoch.
    pub oldest_unresolved_unix_micros: Option<u64>,
    /// The hashes of the reports of this route that were made lately, in its present stage and under its present
    /// configuration.
    pub reports: Vec<String>,
    /// What only stage `complete` asks for.
    pub closing: Closing,
}

/// What must hold before a route is `complete`, beside what every stage asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// Reviews of the route that are open.
    pub open_reviews: u64,
    /// What the verification of the ledger found wrong; `None`: it was verified.
    pub ledger_problem: Option<String>,
}

/// A change that may be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The change. [`Change::is_toward_primary`] says whether it must be durable before it takes effect.
    pub change: Change,
    /// The reason to record.
    pub reason: String,
    /// What the statistics know at this moment.
    pub evidence: Evidence,
}

impl Proposal {
    /// The ledger entry of this change.
    pub fn into_entry(self, sequence: u64, at_unix_ms: u64, route: RouteId, actor: Actor) -> Entry {
        let Self {
            change,
            reason,
            evidence,
        } = self;
        Entry {
            sequence,
            at_unix_ms,
            route: Some(route),
            actor,
            reason,
            change,
            evidence,
        }
    }
}

/// Whether mirroring may be switched, for all routes: by an operator or owner, with a reason.
pub fn propose_mirror(enabled: bool, actor: &Actor, reason: &str) -> Result<Change, Refusal> {
    need(actor, ActorRole::Operator)?;
    check_reason(reason)?;
    Ok(Change::MirrorSwitched { enabled })
}

impl RouteRollout {
    /// What recording `command` would change, or why it is refused.
    ///
    /// The order of the log and the ledger is part of what can be computed again: hold one lock from here until
    /// [`RouteRollout::apply_entry`], so that no outcome is applied in between.
    pub fn propose(
        &self,
        command: &Command,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Proposal, Refusal> {
        let (change, reason) = match command {
            &Command::Split { to, override_ } => {
                let change = if to > self.share() {
                    self.raise(to, override_, actor, context)?
                } else {
                    self.lower(to, actor, context)?
                };
                (change, context.reason.clone())
            }
            Command::Rollback => {
                need_to_primary(actor)?;
                check_reason(&context.reason)?;
                let change = Change::Rollback {
                    from: self.share(),
                    cause: Cause::Manual,
                };
                (change, context.reason.clone())
            }
            &Command::Alarm(alarm) => {
                need_to_primary(actor)?;
                let reason = alarm.to_string();
                (
                    Change::Rollback {
                        from: self.share(),
                        cause: Cause::Alarm(alarm),
                    },
                    reason,
                )
            }
            Command::Resume => {
                need(actor, ActorRole::Owner)?;
                check_reason(&context.reason)?;
                if self.rolled_back().is_none() {
                    return Err(Refusal::NotRolledBack);
                }
                (Change::Resume, context.reason.clone())
            }
            Command::Advance
            | Command::Hold
            | Command::Signoff { .. }
            | Command::Replayed(_)
            | Command::Drilled(_)
            | Command::Observe
            | Command::RestartGates => return Err(Refusal::NotRolledBack),
        };
        Ok(Proposal {
            change,
            reason,
            evidence: self.evidence(),
        })
    }

    /// Everything that stands between this route and a larger share, whoever asks; first what must be mended first.
    /// A raise is refused with the first of them, and `status` prints them all.
    pub fn obstacles(&self) -> Vec<Refusal> {
        let plan = self.plan();
        let mut obstacles = Vec::new();
        if self.alarm().is_some() {
            obstacles.push(Refusal::AlarmRaised);
        }
        if self.rolled_back().is_some() {
            obstacles.push(Refusal::RolledBack);
        }
        if plan.owner.is_none() {
            obstacles.push(Refusal::OwnerMissing);
        }
        if let Err(error) = plan.check() {
            obstacles.push(Refusal::Plan(error));
        }
        let metrics = self.attempt().map_or_else(|| plan.metrics(), |a| a.metrics);
        if metrics.is_empty() {
            obstacles.push(Refusal::TriggerMissing);
        }
        obstacles
    }

    fn raise(
        &self,
        to: Percent,
        override_: bool,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Change, Refusal> {
        need(actor, ActorRole::Operator)?;
        check_reason(&context.reason)?;
        if let Some(given) = context.if_match
            && given != self.revision()
        {
            return Err(Refusal::Stale {
                given,
                current: self.revision(),
            });
        }
        if let Some(first) = self.obstacles().into_iter().next() {
            return Err(first);
        }
        if to.percent() > MOST_SEEN {
            if !override_ {
                return Err(Refusal::OverrideNeeded);
            }
            need(actor, ActorRole::Owner)?;
        }
        let new_attempt = self.attempt().is_none().then(|| {
            let id = self.last_attempt() + 1;
            Box::new(AttemptFacts::freeze(
                id,
                Phase::Attempt,
                self.plan(),
                context.baseline.as_ref(),
            ))
        });
        // Within an attempt, a short-lived unit that is still running must not change sides.
        let keeps_salt = new_attempt.is_none() && !self.plan().long_lived_units;
        Ok(Change::Split {
            from: self.share(),
            to,
            salt: if keeps_salt {
                self.salt()
            } else {
                context.new_salt
            },
            attempt: new_attempt
                .as_ref()
                .map(|a| a.id)
                .or(self.attempt().map(|a| a.id)),
            new_attempt,
            override_: to.is_whole(),
        })
    }

    fn lower(
        &self,
        to: Percent,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Change, Refusal> {
        need_to_primary(actor)?;
        check_reason(&context.reason)?;
        let changes = to < self.share();
        let new_salt = changes && self.plan().long_lived_units;
        Ok(Change::Split {
            from: self.share(),
            to,
            salt: if new_salt {
                context.new_salt
            } else {
                self.salt()
            },
            attempt: self.attempt().map(|a| a.id),
            new_attempt: None,
            override_: false,
        })
    }
}

fn need(actor: &Actor, needs: ActorRole) -> Result<(), Refusal> {
    if actor.role.covers(needs) {
        Ok(())
    } else {
        Err(Refusal::Role {
            has: actor.role,
            needs,
        })
    }
}

fn need_to_primary(actor: &Actor) -> Result<(), Refusal> {
    if actor.role.may_move_to_primary() {
        Ok(())
    } else {
        Err(Refusal::Role {
            has: actor.role,
            needs: ActorRole::Operator,
        })
    }
}

fn check_reason(reason: &str) -> Result<(), Refusal> {
    if reason.trim().is_empty() {
        Err(Refusal::ReasonMissing)
    } else if reason.chars().count() > REASON_LIMIT {
        Err(Refusal::ReasonTooLong)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
