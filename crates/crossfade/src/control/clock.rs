//! The controller's clock: the system's, or one that a test sets.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crossfade_rollout::RouteRollout;

/// Where the controller's times come from.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's.
    #[default]
    System,
    /// One that stands still until it is set.
    Manual(Arc<ManualClock>),
}

/// A clock that stands still until it is set. Leases are counted on a clock that never goes back, entries are dated by one
/// that may.
#[derive(Debug)]
pub struct ManualClock {
    origin: Instant,
    times: Mutex<Times>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    since_origin: Duration,
    unix_ms: u64,
}

/// How long a route's stage, or step of the ramp, has counted by the clock that never goes back. What was before this process is
/// taken from the dates, because nothing else survives a restart: a process that starts while the date is wrong counts it wrong until
/// the date is right, and a start with a date that is behind counts from the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stood {
    /// Of the stage or step that is meant, [`RouteRollout::entrances`].
    entrances: u64,
    /// Before this process, as the dates said when it started.
    before: Duration,
    since: Instant,
}

// === impl Clock ===

impl Clock {
    /// This moment, for entries: milliseconds since the Unix epoch.
    pub fn unix_ms(&self) -> u64 {
        match self {
            Self::System => {
                let now = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                whole_ms(now)
            }
            Self::Manual(manual) => manual.times().unix_ms,
        }
    }

    /// This moment, for leases.
    pub fn instant(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            Self::Manual(manual) => manual.origin + manual.times().since_origin,
        }
    }
}

// === impl Stood ===

impl Stood {
    /// As far as the dates tell at a start.
    pub(super) fn at_start(rollout: &RouteRollout, clock: &Clock) -> Self {
        let before = clock.unix_ms().saturating_sub(rollout.entered_unix_ms());
        Self {
            entrances: rollout.entrances(),
            before: Duration::from_millis(before),
            since: clock.instant(),
        }
    }

    /// Begins anew if a stage or a step has.
    pub(super) fn follow(&mut self, rollout: &RouteRollout, now: Instant) {
        if rollout.entrances() != self.entrances {
            *self = Self {
                entrances: rollout.entrances(),
                before: Duration::ZERO,
                since: now,
            };
        }
    }

    /// Until now.
    pub(super) fn so_far(self, now: Instant) -> Duration {
        self.before
            .saturating_add(now.saturating_duration_since(self.since))
    }
}

// === impl ManualClock ===

impl ManualClock {
    /// Stands at `unix_ms`, in milliseconds since the Unix epoch.
    pub fn new(unix_ms: u64) -> Self {
        Self {
            origin: Instant::now(),
            times: Mutex::new(Times {
                since_origin: Duration::ZERO,
                unix_ms,
            }),
        }
    }

    /// Goes forward.
    pub fn advance(&self, by: Duration) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.since_origin += by;
        times.unix_ms = times.unix_ms.saturating_add(whole_ms(by));
    }

    /// Sets the date alone, forward or back, as an administrator or a time server may.
    pub fn set_unix_ms(&self, unix_ms: u64) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.unix_ms = unix_ms;
    }

    fn times(&self) -> Times {
        *self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_it_is_told() {
        let manual = Arc::new(ManualClock::new(5_000));
        let clock = Clock::Manual(Arc::clone(&manual));
        let first = clock.instant();
        assert_eq!((clock.unix_ms(), clock.instant()), (5_000, first));
        manual.advance(Duration::from_millis(250));
        assert_eq!(clock.unix_ms(), 5_250);
        assert_eq!(clock.instant(), first + Duration::from_millis(250));
        manual.set_unix_ms(10);
        assert_eq!(clock.unix_ms(), 10);
        assert_eq!(clock.instant(), first + Duration::from_millis(250));
    }
}
