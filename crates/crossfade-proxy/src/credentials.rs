//! Credentials that Azure accepted lately, per deployment, as keyed hashes.
//!
//! Bounded: two generations of half the bound each. When the younger is full, the older is forgotten, which only means that
//! those callers' next request is answered by Azure again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

const BOUND: usize = 65_536;
const ACCEPTED_FOR: Duration = Duration::from_secs(15 * 60);

/// A keyed hash of a caller's credential and a deployment.
pub(crate) type Caller = u128;

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Caller, Instant>,
    old: HashMap<Caller, Instant>,
}

/// Who may be answered by the candidate.
#[derive(Debug, Default)]
pub(crate) struct AcceptedCredentials {
    generations: Mutex<Generations>,
}

impl AcceptedCredentials {
    /// Azure answered this caller with 2xx.
    pub(crate) fn accept(&self, caller: Caller, now: Instant) {
        let mut generations = self.lock();
        if generations.young.len() >= BOUND / 2 && !generations.young.contains_key(&caller) {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(caller, now);
    }

    /// Azure answered this caller with 401 or 403.
    pub(crate) fn refuse(&self, caller: Caller) {
        let mut generations = self.lock();
        generations.young.remove(&caller);
        generations.old.remove(&caller);
    }

    /// Whether Azure accepted this caller within the last 15 minutes.
    pub(crate) fn accepted(&self, caller: Caller, now: Instant) -> bool {
        let generations = self.lock();
        let last = generations
            .young
            .get(&caller)
            .or_else(|| generations.old.get(&caller));
        last.is_some_and(|at| now.saturating_duration_since(*at) < ACCEPTED_FOR)
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptance_ends_by_time_by_refusal_and_by_the_bound() {
        let (accepted, start) = (AcceptedCredentials::default(), Instant::now());
        assert!(!accepted.accepted(1, start));
        accepted.accept(1, start);
        assert!(accepted.accepted(1, start + ACCEPTED_FOR.mul_f64(0.9)));
        assert!(!accepted.accepted(1, start + ACCEPTED_FOR));
        accepted.accept(1, start + ACCEPTED_FOR);
        assert!(accepted.accepted(1, start + ACCEPTED_FOR));
        accepted.refuse(1);
        assert!(!accepted.accepted(1, start + ACCEPTED_FOR));
        for caller in 0..2 * BOUND as u128 {
            accepted.accept(caller, start);
        }
        {
            let generations = accepted.lock();
            let held = generations.young.len() + generations.old.len();
            assert!(held <= BOUND, "{held}");
        }
        assert!(!accepted.accepted(0, start) && accepted.accepted(2 * BOUND as u128 - 1, start));
    }
}
