//! What the ledger holds: every change of a split, with who, why and the evidence. Not how it is written or chained.

use std::fmt;

use crossfade_exchange::{Percent, RouteId, closed_enum};
use serde::{Deserialize, Serialize};

use crate::{Alarm, AttemptFacts, Evidence};

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

    /// Whether this role may move traffic toward the primary.
    pub fn may_move_to_primary(self) -> bool {
        match self {
            Self::Operator | Self::Owner | Self::Engine => true,
            Self::Viewer | Self::Controller => false,
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
        /// Whether an owner went beyond what the plan allows.
        #[serde(rename = "override")]
        override_: bool,
    },
    /// The route went back to the primary and stays there until it is resumed.
    Rollback {
        /// The share before.
        from: Percent,
        /// Why.
        cause: Cause,
    },
    /// A rolled-back route may be raised again; the next raise begins a new attempt.
    Resume,
    /// Mirroring was switched for all routes.
    MirrorSwitched {
        /// Whether copies may be sent from now on.
        enabled: bool,
    },
}

impl Change {
    /// Whether this only moves toward the primary: it takes effect at once, and is recorded afterwards. Everything
    /// else must be durable before it takes effect.
    pub fn is_toward_primary(&self) -> bool {
        match self {
            Self::Split { from, to, .. } => to <= from,
            Self::Rollback { .. } => true,
            Self::MirrorSwitched { enabled } => !enabled,
            Self::Started | Self::Resume => false,
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
