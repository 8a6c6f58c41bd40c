//! The candidate's breaker: over half of the last 20 calls failed → open for 30 s, then one probe.
//!
//! The moment is always an argument, so that tests need no clock.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const WINDOW: u32 = 20;
const OPEN_FOR: Duration = Duration::from_secs(30);

/// What the breaker says of the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Calls go through.
    Closed,
    /// One call may go through, to see whether the candidate is back.
    HalfOpen,
    /// No call goes through.
    Open,
}

#[derive(Debug, Default)]
struct State {
    /// The last results, newest lowest; a set bit is a failure.
    failures: u32,
    seen: u32,
    open_since: Option<Instant>,
    probe_since: Option<Instant>,
}

/// One route's breaker.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: Mutex<State>,
}

impl Breaker {
    /// What a call at this moment would meet. Changes nothing.
    pub(crate) fn gate(&self, now: Instant) -> Gate {
        let state = self.lock();
        let Some(since) = state.open_since else {
            return Gate::Closed;
        };
        // A probe that never came back must not keep the breaker open for ever.
        let waiting_from = state.probe_since.unwrap_or(since);
        if now.saturating_duration_since(waiting_from) >= OPEN_FOR {
            Gate::HalfOpen
        } else {
            Gate::Open
        }
    }

    /// Whether it is open, be it that the next call may try.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.gate(now) != Gate::Closed
    }

    /// A call is about to be made; while half open, this is the probe.
    pub(crate) fn begin(&self, now: Instant) {
        let mut state = self.lock();
        if state.open_since.is_some() {
            state.probe_since = Some(now);
        }
    }

    /// A call came back.
    pub(crate) fn record(&self, failed: bool, now: Instant) {
        let mut state = self.lock();
        if state.open_since.is_some() {
            if failed {
                state.open_since = Some(now);
                state.probe_since = None;
            } else {
                *state = State::default();
            }
            return;
        }
        state.failures = ((state.failures << 1) | u32::from(failed)) & ((1 << WINDOW) - 1);
        state.seen = (state.seen + 1).min(WINDOW);
        if state.seen == WINDOW && state.failures.count_ones() > WINDOW / 2 {
            state.open_since = Some(now);
            state.probe_since = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_over_half_and_closes_by_a_probe() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for n in 0..WINDOW {
            assert_eq!(breaker.gate(start), Gate::Closed, "{n}");
            breaker.record(n % 2 == 0, start);
        }
        assert_eq!(
            breaker.gate(start),
            Gate::Closed,
            "exactly half is not over half"
        );
        breaker.record(true, start);
        breaker.record(true, start);
        assert_eq!(breaker.gate(start), Gate::Open);
        let later = start + OPEN_FOR;
        assert_eq!(breaker.gate(later), Gate::HalfOpen);
        assert!(breaker.is_open(start) && breaker.is_open(later));
        breaker.begin(later);
        assert_eq!(breaker.gate(later), Gate::Open, "one probe only");
        breaker.record(true, later);
        assert_eq!(breaker.gate(later + OPEN_FOR.mul_f64(0.9)), Gate::Open);
        breaker.begin(later + OPEN_FOR);
        breaker.record(false, later + OPEN_FOR);
        assert_eq!(breaker.gate(later + OPEN_FOR), Gate::Closed);
        assert!(!breaker.is_open(later + OPEN_FOR));
    }

    #[test]
    fn a_lost_probe_is_followed_by_another() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..WINDOW {
            breaker.record(true, start);
        }
        breaker.begin(start + OPEN_FOR);
        assert_eq!(breaker.gate(start + OPEN_FOR * 2), Gate::HalfOpen);
    }
}
