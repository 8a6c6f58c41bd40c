//! What the statistics need of a drawn answer, and the order it enters them in.

use serde::{Deserialize, Serialize};

use crate::{Group, MetricSet, RouteId, Side, Unit};

/// A drawn answer's place in the order of its route: by send time, then replica, then sequence.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
pub struct DrawKey {
    /// When the request was sent, in microseconds since the Unix epoch; never decreasing within a replica.
    pub sent_unix_micros: u64,
    /// The replica that sent it.
    pub replica: u32,
    /// The replica's own count of drawn requests on this route, from 0, without gaps.
    pub sequence: u64,
}

/// A request whose answering side was drawn by the coin: announced when it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Its place in the order.
    pub key: DrawKey,
    /// The route.
    pub route: RouteId,
    /// The attempt during which it was drawn; what a later attempt sees is dropped.
    pub attempt: u64,
    /// The side that was drawn. A fallback stays the candidate's.
    pub side: Side,
    /// The probability of `side` being the candidate when it was drawn, strictly between 0 and 1.
    pub probability: f64,
    /// The split's salt.
    pub salt: u64,
    /// The unit.
    pub unit: Unit,
    /// Which metrics apply, by the request alone.
    pub applies: MetricSet,
}

/// A drawn answer resolved in one group of metrics. The first settlement of a group counts; later ones are `late`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Which drawn answer.
    pub key: DrawKey,
    /// Which group.
    pub group: Group,
    /// The metrics of that group that were bad; empty if none, or if it could not be judged.
    pub bad: MetricSet,
}

/// What the data plane sends on the outcome queue, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OutcomeMessage {
    /// A request was drawn and sent.
    Drawn(Drawn),
    /// A group of a drawn answer is resolved.
    Settled(RouteId, Settled),
    /// Everything of this replica sent before this moment has been announced.
    Watermark {
        /// The route.
        route: RouteId,
        /// The replica.
        replica: u32,
        /// Microseconds since the Unix epoch.
        announced_unix_micros: u64,
    },
}
