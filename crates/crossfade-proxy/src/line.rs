//! What one route has announced on the outcome queue: numbered when it is sent, and held until it is resolved.
//!
//! Before anything is announced, room for all three of its messages is reserved on the queue, so that what was announced can always be
//! resolved. Drawn answers and mirrored requests are numbered by one count, and wait apart: mirrored requests never take the room that
//! a drawn answer needs.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{self, OwnedPermit};

use crossfade_exchange::{OutcomeKey, OutcomeMessage, RouteId};

use crate::{
    draw::Draw,
    pair::Pair,
    route::{Now, lock},
};

/// Drawn answers that may wait to be resolved, per route; as many mirrored requests.
const PENDING: usize = 65_536;
/// A stream without a byte for this long is silent.
pub(crate) const SILENT: Duration = Duration::from_secs(30);

/// Room on the outcome queue for one message.
pub(crate) type Permit = OwnedPermit<OutcomeMessage>;

/// Room on the outcome queue for one announcement and what resolves it in both groups.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) announce: Permit,
    pub(crate) arrival: Permit,
    pub(crate) content: Permit,
}

/// What waits to be resolved.
pub(crate) enum Waiting {
    /// A drawn answer.
    Draw(Arc<Draw>),
    /// A mirrored request.
    Pair(Arc<Pair>),
}

/// The announcements of one route.
#[derive(Debug)]
pub(crate) struct Line {
    route: RouteId,
    replica: u32,
    outcomes: mpsc::Sender<OutcomeMessage>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sequence: u64,
    last_micros: u64,
    draws: VecDeque<Arc<Draw>>,
    pairs: VecDeque<Arc<Pair>>,
}

// === impl Line ===

impl Line {
    pub(crate) fn new(
        route: RouteId,
        replica: u32,
        outcomes: mpsc::Sender<OutcomeMessage>,
    ) -> Self {
        Self {
            route,
            replica,
            outcomes,
            state: Mutex::default(),
        }
    }

    /// Room for one more drawn answer, if there is any.
    pub(crate) fn room_for_draw(&self) -> Option<Room> {
        if lock(&self.state).draws.len() >= PENDING {
            return None;
        }
        self.reserve()
    }

    /// Room for one more mirrored request, if there is any: half of the queue is kept for drawn answers.
    pub(crate) fn room_for_pair(&self) -> Option<Room> {
        if lock(&self.state).pairs.len() >= PENDING
            || self.outcomes.capacity() < self.outcomes.max_capacity() / 2
        {
            return None;
        }
        self.reserve()
    }

    fn reserve(&self) -> Option<Room> {
        let permit = || self.outcomes.clone().try_reserve_owned().ok();
        Some(Room {
            announce: permit()?,
            arrival: permit()?,
            content: permit()?,
        })
    }

    /// Announces at the moment of sending. Number, time and message are one step, so that the queue holds announcements in send order.
    pub(crate) fn announce<T>(
        &self,
        permit: Permit,
        now: Now,
        make: impl FnOnce(OutcomeKey, &RouteId) -> (OutcomeMessage, Waiting, T),
    ) -> T {
        let mut state = lock(&self.state);
        let key = OutcomeKey {
            sent_unix_micros: state.moment(now),
            replica: self.replica,
            sequence: state.sequence,
        };
        state.sequence += 1;
        let (message, waiting, announced) = make(key, &self.route);
        permit.send(message);
        match waiting {
            Waiting::Draw(draw) => state.draws.push_back(draw),
            Waiting::Pair(pair) => state.pairs.push_back(pair),
        }
        announced
    }

    /// Resolves what has reached its age and forgets what is resolved. Called a few times a second.
    pub(crate) fn age(&self, now: Instant) {
        let mut state = lock(&self.state);
        state.draws.retain(|draw| {
            draw.age(now);
            !draw.is_resolved()
        });
        state.pairs.retain(|pair| {
            pair.age(now);
            !pair.is_resolved()
        });
    }

    /// Tells the worker that everything sent up to now has been announced.
    pub(crate) fn watermark(&self, now: Now) {
        let mut state = lock(&self.state);
        let announced_unix_micros = state.moment(now);
        // A full queue means that announcements are under way anyway; the next second brings another watermark.
        drop(self.outcomes.try_send(OutcomeMessage::Watermark {
            route: self.route.clone(),
            replica: self.replica,
            announced_unix_micros,
        }));
    }

    /// Forgets everything that waits, as if every path had.
    #[cfg(test)]
    pub(crate) fn forget(&self) {
        let (draws, pairs) = {
            let mut state = lock(&self.state);
            (
                std::mem::take(&mut state.draws),
                std::mem::take(&mut state.pairs),
            )
        };
        drop((draws, pairs));
    }
}

// === impl State ===

impl State {
    /// Now in microseconds, never before anything that was announced.
    fn moment(&mut self, now: Now) -> u64 {
        let micros = u64::try_from(now.unix.as_micros()).unwrap_or(u64::MAX);
        self.last_micros = self.last_micros.max(micros);
        self.last_micros
    }
}
