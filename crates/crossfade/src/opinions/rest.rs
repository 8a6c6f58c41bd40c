//! Leaving a model alone whose calls all fail: pairs do not wait for a deadline each, and an endpoint that is overloaded is not
//! asked on and on. The moment is always an argument, so that tests need no clock.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crossfade_judge::CallError;

/// Calls that fail one after the other before a model is left alone.
const FAILURES: u32 = 8;
/// How long it is; then one more failure is enough.
const REST: Duration = Duration::from_secs(30);

/// What one model's last calls came to.
#[derive(Debug, Default)]
pub(crate) struct Rest(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    until: Option<Instant>,
}

// === impl Rest ===

impl Rest {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Two numbers that a panic left are two numbers.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is to be left alone now.
    pub(super) fn rests(&self, now: Instant) -> bool {
        let until = self.lock().until;
        until.is_some_and(|until| now < until)
    }

    /// It answered.
    pub(super) fn answered(&self) {
        *self.lock() = State::default();
    }

    /// A call failed. Whether it is left alone from now on, for the first time since it answered.
    pub(super) fn failed(&self, error: CallError, now: Instant) -> bool {
        if !is_the_models(error) {
            return false;
        }
        let mut state = self.lock();
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            state.until = now.checked_add(REST);
        }
        state.failures == FAILURES
    }
}

/// Whether another question would have fared alike: a text can be too long, or such that a filter refuses it.
const fn is_the_models(error: CallError) -> bool {
    match error {
        CallError::Status(400 | 413 | 422) => false,
        CallError::Status(_)
        | CallError::Path
        | CallError::Deadline
        | CallError::Transport
        | CallError::Malformed => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_rests_after_failures_in_a_row_and_is_tried_again() {
        let (rest, start) = (Rest::default(), Instant::now());
        let fails = |error, at| rest.failed(error, start + at);
        let rests = |at| rest.rests(start + at);
        let zero = Duration::ZERO;
        for _ in 1..FAILURES {
            assert!(!fails(CallError::Deadline, zero));
        }
        rest.answered();
        for _ in 1..FAILURES {
            assert!(!fails(CallError::Status(429), zero));
            assert!(!fails(CallError::Status(400), zero), "the text's own");
        }
        assert!(!rests(zero));
        assert!(fails(CallError::Transport, zero), "said once");
        assert!(rests(zero) && !rests(REST));
        assert!(!fails(CallError::Status(503), REST));
        assert!(rests(REST), "one more is enough");
        rest.answered();
        assert!(!fails(CallError::Deadline, REST) && !rests(REST));
    }
}
