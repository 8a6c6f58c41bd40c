//! A token bucket: the most mirrors a second, with one second's worth of burst.

use std::{sync::Mutex, time::Instant};

use crate::route::lock;

/// A bucket that fills by the second.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: f64,
    state: Mutex<(f64, Instant)>,
}

impl Rate {
    pub(crate) fn new(per_second: f64, now: Instant) -> Self {
        Self {
            per_second,
            state: Mutex::new((per_second.max(1.0), now)),
        }
    }

    /// Takes one token, if there is one.
    pub(crate) fn try_take(&self, now: Instant) -> bool {
        let mut state = lock(&self.state);
        let (tokens, filled) = *state;
        let gained = now.saturating_duration_since(filled).as_secs_f64() * self.per_second;
        let tokens = (tokens + gained).min(self.per_second.max(1.0));
        let taken = tokens >= 1.0;
        *state = (if taken { tokens - 1.0 } else { tokens }, now);
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let start = Instant::now();
        let rate = Rate::new(2.0, start);
        let taken = |after: u64| rate.try_take(start + Duration::from_millis(after));
        assert_eq!([taken(0), taken(0), taken(0)], [true, true, false]);
        assert_eq!([taken(400), taken(500), taken(600)], [false, true, false]);
        let slow = Rate::new(0.5, start);
        assert!(slow.try_take(start) && !slow.try_take(start + Duration::from_secs(1)));
        assert!(slow.try_take(start + Duration::from_secs(2)));
    }
}
