//! What a recorder tells the statistics of the answer it records: as a drawn answer, as one side of a mirrored request, or as both.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossfade_exchange::Side;

use crate::{draw::Draw, pair::Pair};

/// Who wants to know of an answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    pub(crate) draw: Option<Arc<Draw>>,
    pub(crate) pair: Option<(Arc<Pair>, Side)>,
}

// === impl Watch ===

impl Watch {
    /// As one side of a mirrored request only.
    pub(crate) fn of_pair(pair: Option<&Arc<Pair>>, side: Side) -> Self {
        Self {
            draw: None,
            pair: pair.map(|pair| (Arc::clone(pair), side)),
        }
    }

    /// The first content came this long after the request was sent.
    pub(crate) fn first_content(&self, after: Duration) {
        if let Some(draw) = &self.draw {
            draw.first_content(after);
        }
        if let Some((pair, side)) = &self.pair {
            pair.first_content(*side, after);
        }
    }

    /// Bytes came.
    pub(crate) fn byte(&self, now: Instant) {
        if let Some(draw) = &self.draw {
            draw.byte(now);
        }
        if let Some((pair, side)) = &self.pair {
            pair.byte(*side, now);
        }
    }

    /// The answer is whole, and its content is still to be judged.
    pub(crate) fn ended(&self, first_content: Duration) {
        self.first_content(first_content);
        if let Some((pair, side)) = &self.pair {
            pair.ended(*side);
        }
    }

    /// There was no answer.
    pub(crate) fn failed(&self) {
        if let Some(draw) = &self.draw {
            draw.failed();
        }
        if let Some((pair, side)) = &self.pair {
            pair.failed(*side);
        }
    }

    /// What came is no answer.
    pub(crate) fn garbled(&self, after: Duration) {
        if let Some(draw) = &self.draw {
            draw.garbled(after);
        }
        if let Some((pair, side)) = &self.pair {
            pair.garbled(*side, after);
        }
    }

    /// The answer broke off after its head.
    pub(crate) fn broke(&self) {
        if let Some(draw) = &self.draw {
            draw.broke();
        }
        if let Some((pair, side)) = &self.pair {
            pair.broke(*side);
        }
    }

    /// The caller went away, this long after the request was sent.
    pub(crate) fn aborted(&self, after: Duration, p99: Option<(Duration, Duration)>) {
        if let Some(draw) = &self.draw {
            draw.aborted(after, p99);
        }
        if let Some((pair, side)) = &self.pair {
            pair.aborted(*side, Instant::now(), p99);
        }
    }

    /// The mirror was cut short while this side was the shadow.
    pub(crate) fn cut(&self) {
        if let Some((pair, side)) = &self.pair {
            pair.cut(*side, Instant::now());
        }
    }
}
