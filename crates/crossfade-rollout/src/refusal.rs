//! Why a change was refused: a closed list, each naming what is missing. Anything toward the primary is refused only
//! to somebody without the right, or without a reason.

use crate::{ActorRole, PlanError};

/// The most characters a reason may have.
pub(crate) const REASON_LIMIT: usize = 1_000;

/// Why a change was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The actor's role may not do this.
    #[error("role {has} may not do this: use a token of role {needs}")]
    Role {
        /// What the actor has.
        has: ActorRole,
        /// The least that is needed.
        needs: ActorRole,
    },
    /// No reason was given.
    #[error("reason is empty: say why, it is kept in the ledger")]
    ReasonMissing,
    /// The reason is too long.
    #[error("reason has over {REASON_LIMIT} characters: shorten it")]
    ReasonTooLong,
    /// The plan cannot decide anything.
    #[error("the route's rollout settings do not fit: {0}")]
    Plan(#[from] PlanError),
    /// The route has no owner.
    #[error(
        "route has no owner: set `owner` in the route's configuration before raising it above 0 %"
    )]
    OwnerMissing,
    /// Nothing could roll the route back.
    #[error(
        "route has no roll-back trigger: switch on a check that may roll back before raising it above 0 %"
    )]
    TriggerMissing,
    /// The route was rolled back and not resumed.
    #[error("route was rolled back: an owner must `resume` it before it can be raised")]
    RolledBack,
    /// A test demands a roll-back that is not in the ledger yet.
    #[error(
        "route is being rolled back: wait until the roll-back is recorded, then an owner may `resume` it"
    )]
    AlarmRaised,
    /// There is nothing to resume.
    #[error(
        "route is not rolled back: there is nothing to resume, use `split` to change its share"
    )]
    NotRolledBack,
    /// So large a share leaves too little to compare with, and 100 % nothing.
    #[error(
        "over 95 % the roll-back test sees too little of the primary, and at 100 % nothing: an owner may go there with `--override`"
    )]
    OverrideNeeded,
    /// The route has changed since the caller looked.
    #[error(
        "route is at revision {current}, not {given}: look at its status and send the raise again"
    )]
    Stale {
        /// The revision that the caller knew.
        given: u64,
        /// The revision that stands.
        current: u64,
    },
}
