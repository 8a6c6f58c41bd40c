//! First content: the time to the first content, candidate against primary: score `min(1, primary ÷ candidate)`. It
//! fails over the route's own limit; without one it is only reported. (Whether an answer is *slow* for the roll-back is
//! decided by the data plane against τ, not here.)

use std::time::Duration;

use crossfade_exchange::Recording;

use super::{Weighed, ratio};

/// Compares when two answers began.
pub(crate) fn pair(primary: &Recording, candidate: &Recording, limit_ms: Option<u64>) -> Weighed {
    let (from, to) = (
        primary.timings.first_content,
        candidate.timings.first_content,
    );
    let over = to
        .zip(limit_ms)
        .is_some_and(|(to, limit)| to > Duration::from_millis(limit));
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    ratio::of(seconds(from), seconds(to), over)
}
