//! What the rollout allows at this moment: the one value that `decide` reads and `status` prints.

use std::time::Instant;

use crossfade_exchange::{Percent, RouteId, closed_enum};

use crate::AttemptFacts;

closed_enum! {
    /// How far a route has come.
    pub enum Stage {
        /// Nobody is answered by the candidate and nothing is mirrored: golden sets only.
        Replay = "replay",
        /// The primary answers everything, the candidate is compared.
        Shadow = "shadow",
        /// The candidate answers callers that the route names.
        Internal = "internal",
        /// The candidate answers a first small share.
        Slice = "slice",
        /// The candidate answers a growing share.
        Ramp = "ramp",
        /// The candidate answers everything, and a share is mirrored back to the primary.
        Window = "window",
        /// The move is over.
        Complete = "complete",
    }
}

impl Stage {
    /// Whether the split holds without a lease: by then the other side may no longer carry the load.
    pub const fn holds_without_lease(self) -> bool {
        match self {
            Self::Window | Self::Complete => true,
            Self::Replay | Self::Shadow | Self::Internal | Self::Slice | Self::Ramp => false,
        }
    }

    /// Whether some caller may be answered by the candidate at all, so that a ledger entry has allowed it.
    pub const fn lets_candidate_answer(self) -> bool {
        match self {
            Self::Replay | Self::Shadow => false,
            Self::Internal | Self::Slice | Self::Ramp | Self::Window | Self::Complete => true,
        }
    }
}

/// The share of a route's traffic that the candidate answers, and what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The route.
    pub route: RouteId,
    /// Grows by one with each change of the route that the ledger records.
    pub revision: u64,
    /// The share.
    pub share: Percent,
    /// What the units are drawn with: the same unit under the same salt and share always gets the same side.
    pub salt: u64,
    /// How far the route has come.
    pub stage: Stage,
    /// The running attempt, or the shadow watch before it, with all that was frozen when it began; `None` before counting
    /// has begun and after a roll-back. A share of 0 does not end an attempt.
    pub attempt: Option<AttemptFacts>,
    /// Whether copies may be sent at all.
    pub mirror_enabled: bool,
    /// Until when the share counts. `None`: no lease was granted, so the share is an effective 0. Set by whoever
    /// publishes the split, renewed while outcomes and ledger can be written.
    pub lease_until: Option<Instant>,
    /// The number of the last drill of the way back, 0 before the first. It changes nothing: whoever decides sides shows by it
    /// that what is published has reached it.
    pub drill: u64,
}

impl Split {
    /// What stands before anything is known of a route: the primary answers, copies may be sent.
    pub fn initial(route: RouteId) -> Self {
        Self {
            route,
            revision: 0,
            share: Percent::ZERO,
            salt: 0,
            stage: Stage::Shadow,
            attempt: None,
            mirror_enabled: true,
            lease_until: None,
            drill: 0,
        }
    }

    /// Whether the share counts at `now`. In `window` and `complete` it holds without a lease.
    pub fn lease_valid(&self, now: Instant) -> bool {
        self.stage.holds_without_lease() || self.lease_until.is_some_and(|until| now < until)
    }

    /// Whether the coin decides: 0 < w < 1.
    pub fn is_drawn(&self) -> bool {
        !self.share.is_zero() && !self.share.is_whole()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lease_counts_until_it_ends_and_late_stages_need_none() {
        let now = Instant::now();
        let later = now + Duration::from_secs(60);
        let check = |stage, lease_until, expected| {
            let split = Split {
                stage,
                lease_until,
                ..Split::initial(RouteId::new("r"))
            };
            assert_eq!(split.lease_valid(now), expected, "{stage} {lease_until:?}");
        };
        check(Stage::Ramp, None, false);
        check(Stage::Ramp, Some(later), true);
        check(Stage::Ramp, Some(now), false);
        check(Stage::Slice, None, false);
        check(Stage::Internal, None, false);
        check(Stage::Window, None, true);
        check(Stage::Complete, None, true);
    }
}
