//! What an actor asks for, what may be answered, and the change that would be recorded. Proposing changes nothing:
//! the change takes effect when its entry is applied.

mod moves;
mod watch;

use std::time::Duration;

use crossfade_exchange::{Percent, RouteId};

use crate::{
    Actor, ActorRole, Alarm, Baseline, Cause, Change, DrillResult, Entry, Evidence, Refusal,
    ReplayResult, RouteRollout, Stage, refusal::REASON_LIMIT,
};

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Set the share.
    Split {
        /// The share to set.
        to: Percent,
        /// Whether the actor means to go beyond what the evidence has reached.
        override_: bool,
    },
    /// Go back to the primary, and stay.
    Rollback,
    /// The same, demanded by a sequential test. Of the test alone.
    Alarm(Alarm),
    /// Allow raises again after a roll-back, watch anew what failed in stage `shadow`, or lift a hold: the first of these
    /// that there is.
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
    /// Begin counting in stage `shadow`, or begin it anew. Of the controller.
    Observe,
    /// Begin the gates anew under the plan's rules. Of the controller.
    RestartGates,
}

/// What comes with a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProposeContext {
    /// Why, in the actor's words. An alarm brings its own.
    pub reason: String,
    /// The revision that the actor knew, if it said so. Only what moves toward the candidate looks at it: roll-back, hold and a
    /// lower share never do.
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
    /// How long the stage, or the step of the ramp, has counted by a clock that never goes back, where that is known: the less of
    /// this and what the dates say counts.
    pub in_stage: Option<Duration>,
    /// Whether the local kill switch is on. Then nothing is raised, by whomever.
    pub killed: bool,
    /// What only stage `complete` asks for.
    pub closing: Closing,
    /// What room the running attempt's outcome log has left.
    pub log: LogRoom,
}

/// What room is left to the outcome log of what runs now, under the bound that the configuration sets. Only a shadow watch
/// looks at it: an attempt's log is what takes it back, and goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogRoom {
    /// It is within the bound.
    #[default]
    Left,
    /// It has reached the bound.
    Spent,
    /// It has reached twice the bound.
    Overdrawn,
}

impl ProposeContext {
    /// Nothing but the time: enough to be told what is missing.
    pub fn at(now_unix_ms: u64) -> Self {
        Self {
            now_unix_ms,
            ..Self::default()
        }
    }
}

/// What must hold before a route is `complete`, beside what every stage asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closing {
    /// Reviews of the route that wait for a person.
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
    /// What recording `command` would change, or why it is refused; an advance with the first of its
    /// [obstacles](Self::obstacles_to_advance).
    ///
    /// The order of the log and the ledger is part of what can be computed again: hold one lock from here until
    /// [`RouteRollout::apply_entry`], so that no outcome is applied in between.
    pub fn propose(
        &self,
        command: &Command,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Proposal, Refusal> {
        let change = self.change(command, actor, context)?;
        let reason = match command {
            Command::Alarm(alarm) => alarm.to_string(),
            Command::Observe | Command::RestartGates if context.reason.trim().is_empty() => {
                self.why_watched(command, context).to_owned()
            }
            Command::Split { .. }
            | Command::Rollback
            | Command::Resume
            | Command::Advance
            | Command::Hold
            | Command::Signoff { .. }
            | Command::Replayed(_)
            | Command::Drilled(_)
            | Command::Observe
            | Command::RestartGates => context.reason.clone(),
        };
        Ok(Proposal {
            change,
            reason,
            evidence: self.evidence(),
        })
    }

    fn change(
        &self,
        command: &Command,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Change, Refusal> {
        let from = self.share();
        match command {
            &Command::Split { to, override_ } if to > from => {
                self.raise(to, override_, actor, context)
            }
            &Command::Split { to, .. } => self.lower(to, actor, context),
            Command::Advance => self.advance(actor, context),
            Command::Rollback => {
                need(actor, ActorRole::Operator)?;
                check_reason(&context.reason)?;
                let cause = Cause::Manual;
                Ok(Change::Rollback { from, cause })
            }
            &Command::Alarm(alarm) => {
                need_role(actor, ActorRole::Engine)?;
                let cause = Cause::Alarm(alarm);
                Ok(Change::Rollback { from, cause })
            }
            Command::Hold => {
                need(actor, ActorRole::Operator)?;
                check_reason(&context.reason)?;
                Ok(Change::Hold)
            }
            Command::Resume => self.resume(actor, context),
            Command::Signoff { report } => self.sign(report, actor, context),
            Command::Replayed(result) => {
                need(actor, ActorRole::Operator)?;
                check_reason(&context.reason)?;
                Ok(Change::Replayed {
                    result: result.clone(),
                    fingerprint: self.plan().gates.fingerprint.clone(),
                })
            }
            Command::Drilled(result) => {
                need(actor, ActorRole::Operator)?;
                check_reason(&context.reason)?;
                let result = result.clone();
                Ok(Change::Drilled { result })
            }
            Command::Observe => self.observe(actor, context),
            Command::RestartGates => self.restart_gates(actor),
        }
    }

    /// A roll-back or a failure is an owner's to forgive; a hold is lifted by whoever may hold.
    fn resume(&self, actor: &Actor, context: &ProposeContext) -> Result<Change, Refusal> {
        let (needs, change) = if self.rolled_back().is_some() || self.failing().is_some() {
            (ActorRole::Owner, Some(Change::Resume))
        } else if self.held().is_some() {
            (ActorRole::Operator, Some(Change::Release))
        } else {
            (ActorRole::Operator, None)
        };
        need(actor, needs)?;
        check_reason(&context.reason)?;
        let change = change.ok_or(Refusal::NotRolledBack)?;
        self.check_revision(context)?;
        Ok(change)
    }

    fn sign(
        &self,
        report: &str,
        actor: &Actor,
        context: &ProposeContext,
    ) -> Result<Change, Refusal> {
        need(actor, ActorRole::Owner)?;
        check_reason(&context.reason)?;
        self.check_revision(context)?;
        let stage = self.stage();
        if matches!(stage, Stage::Replay | Stage::Complete) {
            return Err(Refusal::NothingToSign { stage });
        }
        if let Some(first) = self.makes_void().into_iter().next() {
            return Err(first);
        }
        if !context.reports.iter().any(|known| known == report) {
            return Err(Refusal::ReportUnknown {
                report: report.chars().take(REPORT_SHOWN).collect(),
            });
        }
        Ok(Change::Signoff {
            stage,
            report: report.to_owned(),
            fingerprint: self.plan().gates.fingerprint.clone(),
        })
    }

    fn check_revision(&self, context: &ProposeContext) -> Result<(), Refusal> {
        let current = self.revision();
        match context.if_match {
            Some(given) if given != current => Err(Refusal::Stale { given, current }),
            Some(_) | None => Ok(()),
        }
    }
}

/// How much of an unknown report's name is shown again.
const REPORT_SHOWN: usize = 80;

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

/// Of the machines' roles each has its own commands.
fn need_role(actor: &Actor, needs: ActorRole) -> Result<(), Refusal> {
    let has = actor.role;
    if has == needs {
        Ok(())
    } else {
        Err(Refusal::Role { has, needs })
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
