//! What the point where sides are decided says to a drill of the way back. No request is sent, and nothing is counted.

use std::sync::Arc;

use crossfade_exchange::{Percent, RouteId, Side, Unit};
use crossfade_rollout::{DecideFacts, Split, Stage, decide};

use crate::plane::ProxyHandle;

/// Units that are tried.
const UNITS: u128 = 64;

/// What is decided now, as a drill asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrillProbe {
    /// The number of the drill that has reached the data plane last.
    pub drill: u64,
    /// Who would answer after a roll-back: the candidate, if it would answer anybody.
    pub answer: Side,
}

impl ProxyHandle {
    /// Decides on the split that requests are decided on at this moment, with the share and the stage that a roll-back leaves, for
    /// callers to whom the candidate is most open: admitted, internal, with a valid lease. `None` for an unknown route.
    pub fn drill(&self, route: &RouteId) -> Option<DrillProbe> {
        let route = self.0.routes.all().find(|known| known.id() == route)?;
        let now: Arc<Split> = Arc::clone(&route.split.borrow());
        let drill = now.drill;
        let rolled_back = Split {
            share: Percent::ZERO,
            stage: Stage::Shadow,
            ..Split::clone(&now)
        };
        let answers = (0..UNITS).map(|unit| {
            let facts = DecideFacts {
                unit: Unit(unit),
                eligible: true,
                mirror_only: false,
                admitted: true,
                lease_valid: true,
                breaker_open: false,
                killed: false,
                named: None,
                internal: true,
                outcomes_room: true,
            };
            decide(&rolled_back, &route.settings.mirror, &facts).answer
        });
        let candidate = answers.into_iter().any(|side| side == Side::Candidate);
        let answer = if candidate {
            Side::Candidate
        } else {
            Side::Primary
        };
        Some(DrillProbe { drill, answer })
    }
}
