//! What the ledger holds: every change of a split, with who, why and the evidence. Not how it is written or chained.

use std::{fmt, time::Duration};

use crossfade_exchange::{Percent, RouteId, closed_enum};
use serde::{Deserialize, Serialize};

use crate::{Alarm, AttemptFacts, Evidence, GateRules, Stage, micros};

closed_enum! {
    /// What somebody may do. Ordered: a later one of the first three may do more.
    pub enum ActorRole {
        /// May look.
        Viewer = "viewer",
        /// May move a share within what the plan allows, and roll back.
        Operator = "operator",
        /// May also resume after a roll-back, and go beyond the plan.
        Owner = "owner",
        /// A sequential test: may only roll back.
        Engine = "engine",
        /// The controller itself: records that it started.
        Controller = "controller",
    }
}

impl ActorRole {
    /// The roles that a person's token can have.
    pub const TOKEN_ROLES: [Self; 3] = [Self::Viewer, Self::Operator, Self::Owner];

    /// Whether this role may do what `needed` may, both being people's roles.
    pub fn covers(self, needed: Self) -> bool {
        match self {
            Self::Viewer | Self::Operator | Self::Owner => needed <= self,
            Self::Engine | Self::Controller => false,
        }
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The token's configured name, or the engine's.
    pub name: String,
    /// With which right.
    pub role: ActorRole,
}

impl Actor {
    /// Somebody with a token.
    pub fn new(name: impl Into<String>, role: ActorRole) -> Self {
        Self {
            name: name.into(),
            role,
        }
    }

    /// The sequential test that raised `alarm`.
    pub fn engine(alarm: &Alarm) -> Self {
        Self::new(alarm.engine.as_str(), ActorRole::Engine)
    }

    /// The controller.
    pub fn controller() -> Self {
        Self::new("controller", ActorRole::Controller)
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.role)
    }
}

/// Why a roll-back happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Cause {
    /// Somebody asked for it.
    Manual,
    /// A sequential test demanded it.
    Alarm(Alarm),
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Change {
    /// A controller started. Durable before it grants a lease.
    Started,
    /// A share was set.
    Split {
        /// The share before.
        from: Percent,
        /// The share from now on.
        to: Percent,
        /// The salt from now on.
        salt: u64,
        /// The attempt it belongs to; `None` where no attempt runs (0 to 0).
        attempt: Option<u64>,
        /// Set when this change begins the attempt: all that it freezes.
        new_attempt: Option<Box<AttemptFacts>>,
        /// Whether an owner went beyond what the evidence has reached in this attempt.
        #[serde(rename = "override")]
        override_: bool,
        /// The stage from now on. `None` in old ledgers: `shadow` at 0 %, `ramp` above.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<Stage>,
    },
    /// Counting begins in stage `shadow`, with everything frozen that it needs: at the first start, after a roll-back was
    /// resumed, and once more when the primary's typical times are known.
    Observe {
        /// What is frozen.
        facts: Box<AttemptFacts>,
    },
    /// The configuration has changed what the gates' evidence means: they begin anew, and sign-offs of another fingerprint
    /// are void.
    GatesRestarted {
        /// What gates from now on.
        rules: Box<GateRules>,
    },
    /// A stage, or a step of the ramp, was left for the next.
    Advance {
        /// The stage before.
        from: Stage,
        /// The stage from now on.
        to: Stage,
        /// The share before.
        share_from: Percent,
        /// The share from now on.
        share_to: Percent,
        /// The salt from now on.
        salt: u64,
        /// Set when this change begins the attempt: all that it freezes.
        new_attempt: Option<Box<AttemptFacts>>,
        /// The entry of the owner's sign-off that it stands on; `None` where none is asked for (from `replay`).
        signoff: Option<u64>,
        /// What the plan asked for.
        required: Requirements,
    },
    /// Nothing advances until it is resumed.
    Hold,
    /// What was held may advance again.
    Release,
    /// The owner has seen a report, and agrees that the stage may be left.
    Signoff {
        /// The stage that may be left.
        stage: Stage,
        /// The hash of the report that was seen.
        report: String,
        /// The fingerprint of the configuration that it was of: under another one the sign-off is void.
        fingerprint: String,
    },
    /// A golden set was run against the candidate.
    Replayed {
        /// What came of it.
        result: ReplayResult,
        /// The fingerprint of the configuration at that time.
        fingerprint: String,
    },
    /// The way back was tried without going it.
    Drilled {
        /// What came of it.
        result: DrillResult,
    },
    /// The route went back to the primary and stays there until it is resumed.
    Rollback {
        /// The share before.
        from: Percent,
        /// Why.
        cause: Cause,
    },
    /// A rolled-back route may be raised again, and one that failed in stage `shadow` is watched anew; the next raise begins
    /// a new attempt.
    Resume,
    /// Mirroring was switched for all routes.
    MirrorSwitched {
        /// Whether copies may be sent from now on.
        enabled: bool,
    },
}

/// What a plan asked of a stage that was left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Requirements {
    /// The least time in the stage.
    #[serde(rename = "minimum_time_micros", with = "micros")]
    pub minimum_time: Duration,
    /// The least number of units.
    pub minimum_units: u64,
    /// The least coverage in every size class, 0..=1.
    pub coverage: f64,
    /// Since when the stage or the step counts, in milliseconds since the Unix epoch: its entry, or a later new beginning of
    /// the gates.
    pub entered_unix_ms: u64,
    /// The share that is mirrored back, without which the candidate may not answer everything.
    #[serde(default = "none")]
    pub reverse_share: Percent,
}

const fn none() -> Percent {
    Percent::ZERO
}

/// What came of running a golden set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayResult {
    /// SHA-256 of the dataset, in hexadecimal.
    pub dataset_sha256: String,
    /// Cases run.
    pub cases: u64,
    /// Of them, passed.
    pub passed: u64,
    /// The exit code of the run: 0 passed, 100 failed.
    pub exit_code: u8,
}

/// What came of a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillResult {
    /// From the command to the point where sides are decided, in microseconds.
    pub decided_after_micros: u64,
    /// How long it took to make an entry durable, in microseconds.
    pub durable_after_micros: u64,
    /// What would keep a roll-back from working, or its record from being kept; empty: nothing.
    pub problems: Vec<String>,
}

impl ReplayResult {
    /// Whether the golden set was met.
    pub const fn is_passed(&self) -> bool {
        self.exit_code == 0
    }
}

impl Change {
    /// Whether this only moves toward the primary: it takes effect at once, and is recorded afterwards. Everything
    /// else must be durable before it takes effect.
    pub fn is_toward_primary(&self) -> bool {
        match self {
            Self::Split { from, to, .. } => to <= from,
            Self::Rollback { .. } | Self::Hold => true,
            Self::MirrorSwitched { enabled } => !enabled,
            Self::Started
            | Self::Resume
            | Self::Observe { .. }
            | Self::GatesRestarted { .. }
            | Self::Advance { .. }
            | Self::Release
            | Self::Signoff { .. }
            | Self::Replayed { .. }
            | Self::Drilled { .. } => false,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started => f.write_str("controller started"),
            Self::Split {
                from,
                to,
                override_,
                ..
            } => {
                let note = if *override_ { ", by override" } else { "" };
                write!(f, "split from {from} to {to}{note}")
            }
            Self::Observe { .. } => f.write_str("watching began"),
            Self::GatesRestarted { .. } => {
                f.write_str("gates began anew: the configuration changed")
            }
            Self::Advance {
                from,
                to,
                share_from,
                share_to,
                ..
            } => write!(
                f,
                "advanced from {from} ({share_from}) to {to} ({share_to})"
            ),
            Self::Hold => f.write_str("held"),
            Self::Release => f.write_str("hold lifted"),
            Self::Signoff { stage, report, .. } => {
                write!(f, "{stage} signed off (report {report})")
            }
            Self::Replayed { result, .. } => write!(
                f,
                "golden set replayed: {} of {} cases passed",
                result.passed, result.cases
            ),
            Self::Drilled { result } => write!(
                f,
                "roll-back drilled: {} µs to the deciding point, {} problems",
                result.decided_after_micros,
                result.problems.len()
            ),
            Self::Rollback {
                from,
                cause: Cause::Manual,
            } => write!(f, "rolled back from {from}"),
            Self::Rollback {
                from,
                cause: Cause::Alarm(alarm),
            } => {
                write!(f, "rolled back from {from} by engine {}", alarm.engine)
            }
            Self::Resume => f.write_str("resumed"),
            Self::MirrorSwitched { enabled } => {
                write!(
                    f,
                    "mirroring switched {}",
                    if *enabled { "on" } else { "off" }
                )
            }
        }
    }
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the ledger, from 0 without gaps.
    pub sequence: u64,
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Which route; `None` for what concerns all of them.
    pub route: Option<RouteId>,
    /// Who.
    pub actor: Actor,
    /// Why, in the actor's words.
    pub reason: String,
    /// What.
    pub change: Change,
    /// What the statistics knew.
    pub evidence: Evidence,
}

impl Entry {
    /// A controller's first entry.
    pub fn started(sequence: u64, at_unix_ms: u64, reason: impl Into<String>) -> Self {
        Self {
            sequence,
            at_unix_ms,
            route: None,
            actor: Actor::controller(),
            reason: reason.into(),
            change: Change::Started,
            evidence: Evidence::default(),
        }
    }
}

#[cfg(test)]
mod tests;
