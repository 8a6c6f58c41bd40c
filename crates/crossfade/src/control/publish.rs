//! What the data plane watches: one route's split, its lease, and whatever holds it down.
//!
//! A cap takes effect at once and needs no lock but this one, so that nothing which waits for a disk can delay a move
//! toward the primary. It holds until the change it stands for has been folded into the split.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crossfade_exchange::Percent;
use crossfade_rollout::{Split, Stage};
use tokio::sync::watch;

/// The sending end of one route's split.
#[derive(Debug)]
pub(super) struct Publisher {
    state: Mutex<State>,
    sender: watch::Sender<Arc<Split>>,
}

#[derive(Debug)]
struct State {
    /// What the rollout allows, without lease and caps.
    split: Split,
    lease_until: Option<Instant>,
    caps: Vec<Cap>,
    next: u64,
    drill: u64,
}

/// Something that holds the split down.
#[derive(Clone, Copy, Debug)]
struct Cap {
    id: u64,
    share: Percent,
    mirror_off: bool,
}

/// A cap in force. It has no destructor on purpose: whatever forgets it leaves the split down.
#[derive(Debug)]
#[must_use = "a cap holds until it is lifted"]
pub(super) struct CapId(u64);

// === impl Publisher ===

impl Publisher {
    /// Publishes a split without a lease.
    pub(super) fn new(split: Split) -> Self {
        let split = Split {
            lease_until: None,
            ..split
        };
        let sender = watch::Sender::new(Arc::new(split.clone()));
        let state = State {
            split,
            lease_until: None,
            caps: Vec::new(),
            next: 0,
            drill: 0,
        };
        Self {
            state: Mutex::new(state),
            sender,
        }
    }

    /// The receiving end, for the data plane.
    pub(super) fn watch(&self) -> watch::Receiver<Arc<Split>> {
        self.sender.subscribe()
    }

    /// What is published now.
    pub(super) fn published(&self) -> Arc<Split> {
        Arc::clone(&self.sender.borrow())
    }

    /// Holds the share at or under a value, at once.
    pub(super) fn cap_share(&self, share: Percent) -> CapId {
        self.add_cap(share, false)
    }

    /// Switches the mirror off, at once.
    pub(super) fn cap_mirror(&self) -> CapId {
        self.add_cap(Percent::HUNDRED, true)
    }

    /// Lifts a cap, its change being part of the split now, or void.
    pub(super) fn lift(&self, cap: &CapId) {
        let mut state = self.lock();
        state.caps.retain(|held| held.id != cap.0);
        self.publish(&state);
    }

    /// Publishes what the rollout allows now.
    pub(super) fn set(&self, split: Split) {
        let mut state = self.lock();
        state.split = split;
        self.publish(&state);
    }

    /// As [`Self::set`], with the cap that stood for the change lifted in the same step.
    pub(super) fn set_and_lift(&self, split: Split, cap: &CapId) {
        let mut state = self.lock();
        state.split = split;
        state.caps.retain(|held| held.id != cap.0);
        self.publish(&state);
    }

    /// Grants a lease.
    pub(super) fn lease(&self, until: Instant) {
        let mut state = self.lock();
        state.lease_until = Some(until);
        self.publish(&state);
    }

    /// Publishes the number of another drill, on the way that every split takes; gives it back.
    pub(super) fn drill(&self) -> u64 {
        let mut state = self.lock();
        state.drill += 1;
        self.publish(&state);
        state.drill
    }

    fn add_cap(&self, share: Percent, mirror_off: bool) -> CapId {
        let mut state = self.lock();
        let id = state.next;
        state.next += 1;
        state.caps.push(Cap {
            id,
            share,
            mirror_off,
        });
        self.publish(&state);
        CapId(id)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Called with the lock held, so that a later state is never overwritten by an earlier one.
    fn publish(&self, state: &State) {
        let mut split = Split {
            lease_until: state.lease_until,
            drill: state.drill,
            ..state.split.clone()
        };
        for cap in &state.caps {
            if cap.share < split.share {
                split.share = cap.share;
                // Under 100 % there is no stage that holds without a lease.
                if split.stage.holds_without_lease() {
                    split.stage = Stage::Ramp;
                }
            }
            // A stage can let the candidate answer at a share of 0 too.
            if cap.share.is_zero() && split.stage.lets_candidate_answer() {
                split.stage = Stage::Shadow;
            }
            split.mirror_enabled &= !cap.mirror_off;
        }
        self.sender.send_replace(Arc::new(split));
    }
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::RouteId;

    use super::*;

    fn split(percent: f64) -> Split {
        let share = Percent::new(percent).unwrap();
        Split {
            share,
            stage: Stage::Ramp,
            ..Split::initial(RouteId::new("r"))
        }
    }

    #[test]
    fn caps_hold_until_each_is_lifted() {
        let publisher = Publisher::new(split(25.0));
        let watch = publisher.watch();
        let check = |expected: f64, stage: Stage| {
            let now = watch.borrow();
            assert!(
                (now.share.percent() - expected).abs() < 1e-12,
                "{} {expected}",
                now.share
            );
            assert_eq!(now.stage, stage);
        };
        check(25.0, Stage::Ramp);
        let ten = publisher.cap_share(Percent::new(10.0).unwrap());
        check(10.0, Stage::Ramp);
        let none = publisher.cap_share(Percent::ZERO);
        check(0.0, Stage::Shadow);
        publisher.set(split(50.0));
        check(0.0, Stage::Shadow);
        publisher.lift(&none);
        check(10.0, Stage::Ramp);
        publisher.set_and_lift(split(5.0), &ten);
        check(5.0, Stage::Ramp);
    }

    #[test]
    fn a_cap_takes_back_what_a_stage_gives_beside_the_share() {
        let check = |stage: Stage, percent: f64, cap: f64, expected: (f64, Stage)| {
            let publisher = Publisher::new(Split {
                stage,
                ..split(percent)
            });
            let _held = publisher.cap_share(Percent::new(cap).unwrap());
            let now = publisher.published();
            assert_eq!(
                (now.share.percent(), now.stage),
                expected,
                "{stage} {percent} {cap}"
            );
        };
        check(Stage::Internal, 0.0, 0.0, (0.0, Stage::Shadow));
        check(Stage::Replay, 0.0, 0.0, (0.0, Stage::Replay));
        check(Stage::Slice, 1.0, 0.0, (0.0, Stage::Shadow));
        check(Stage::Window, 100.0, 50.0, (50.0, Stage::Ramp));
        check(Stage::Window, 100.0, 0.0, (0.0, Stage::Shadow));
        check(Stage::Complete, 100.0, 100.0, (100.0, Stage::Complete));
    }

    #[test]
    fn a_drill_is_published_and_moves_nothing() {
        let publisher = Publisher::new(split(25.0));
        assert_eq!((publisher.drill(), publisher.drill()), (1, 2));
        let now = publisher.published();
        assert_eq!((now.drill, now.share.percent()), (2, 25.0));
    }

    #[test]
    fn a_lease_is_kept_over_changes_and_the_mirror_obeys_its_cap() {
        let publisher = Publisher::new(split(5.0));
        assert!(publisher.published().lease_until.is_none());
        let until = Instant::now();
        publisher.lease(until);
        publisher.set(split(10.0));
        assert_eq!(publisher.published().lease_until, Some(until));
        let cap = publisher.cap_mirror();
        assert!(!publisher.published().mirror_enabled);
        publisher.lift(&cap);
        assert!(publisher.published().mirror_enabled);
    }
}
