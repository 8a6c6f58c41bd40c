//! Total time: the time to the end of the answer, candidate against primary: score `min(1, primary ÷ candidate)`. It fails
//! over the route's own limit; without one it is only reported. A body whose reader did not keep up measures the reader: `na`.

use std::time::Duration;

use crossfade_exchange::Recording;

use super::{Weighed, ratio};

/// Compares when two answers ended.
pub(crate) fn pair(primary: &Recording, candidate: &Recording, limit_ms: Option<u64>) -> Weighed {
    let (from, to) = (total(primary), total(candidate));
    let over = to
        .zip(limit_ms)
        .is_some_and(|(to, limit)| to > Duration::from_millis(limit));
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    ratio::of(seconds(from), seconds(to), over)
}

fn total(recording: &Recording) -> Option<Duration> {
    recording
        .timings
        .total
        .filter(|_| recording.timings.kept_up)
}
