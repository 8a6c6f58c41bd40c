//! What the statistics need of an answer that the coin drew, and of a request whose two answers are compared; and the order
//! in which both enter them.

use serde::{Deserialize, Serialize};

use crate::{Group, MetricSet, RouteId, Side, Unit};

/// A place in the order of a route's outcomes: by send time, then replica, then sequence.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default,
)]
pub struct OutcomeKey {
    /// When the request was sent, in microseconds since the Unix epoch; never decreasing within a replica.
    pub sent_unix_micros: u64,
    /// The replica that sent it.
    pub replica: u32,
    /// The replica's own count of announcements on this route, from 0, without gaps.
    pub sequence: u64,
}

/// A request whose answering side was drawn by the coin: announced when it is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// Its place in the order.
    pub key: OutcomeKey,
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

/// An eligible request that the mirror's hash selected, so that both its answers should become known: announced when it is
/// sent. A request that was drawn too is announced twice, with two keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mirrored {
    /// Its place in the order.
    pub key: OutcomeKey,
    /// The route.
    pub route: RouteId,
    /// The attempt, or the shadow watch before it, during which it was sent.
    pub attempt: u64,
    /// The side that was to answer the caller; the other one gets the copy.
    pub answer: Side,
    /// The unit.
    pub unit: Unit,
    /// Which metrics apply, by the request alone.
    pub applies: MetricSet,
}

/// What is announced is resolved in one group of metrics. The first settlement of a group counts; later ones are `late`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Which announcement.
    pub key: OutcomeKey,
    /// Which group.
    pub group: Group,
    /// How.
    pub settlement: Settlement,
}

/// How an announcement is resolved in one group. Sets hold metrics of that group only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// Of a drawn answer: the metrics that were bad; empty if none, or if it could not be judged.
    Answer(MetricSet),
    /// Of a mirrored request, both of whose sides are known: what was bad of each. What could not be judged is not bad.
    Pair {
        /// Of the primary.
        primary: MetricSet,
        /// Of the candidate.
        candidate: MetricSet,
    },
    /// Of a mirrored request: the primary failed it (408, 429, 5xx, time-out), so that the candidate was not asked.
    PrimaryFailed,
    /// Of a mirrored request: the candidate's breaker was open, so that it was not asked.
    BreakerOpen {
        /// What was bad of the primary.
        primary: MetricSet,
    },
    /// Of a mirrored request: it was not compared for a reason that says nothing of either side (a bound, the caller went
    /// away, the mirror was switched off). It enters no statistics.
    Void,
}

/// What the data plane sends on the outcome queue, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OutcomeMessage {
    /// A request was drawn and sent.
    Drawn(Drawn),
    /// A request was selected for mirroring and sent.
    Mirrored(Mirrored),
    /// A group of an announcement is resolved.
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

// === impl Settlement ===

impl Settlement {
    /// What was bad of a drawn answer; `None` of a mirrored request.
    pub const fn answer(self) -> Option<MetricSet> {
        match self {
            Self::Answer(bad) => Some(bad),
            Self::Pair { .. } | Self::PrimaryFailed | Self::BreakerOpen { .. } | Self::Void => None,
        }
    }

    /// Whether any side was bad.
    pub const fn is_bad(&self) -> bool {
        match self {
            Self::Answer(bad) => !bad.is_empty(),
            Self::Pair { primary, candidate } => !primary.is_empty() || !candidate.is_empty(),
            Self::PrimaryFailed | Self::BreakerOpen { .. } => true,
            Self::Void => false,
        }
    }
}
