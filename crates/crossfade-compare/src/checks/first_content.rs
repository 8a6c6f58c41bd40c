//! First content: the time to the first content, candidate against primary: score `min(1, primary ÷ candidate)`. It
//! fails over the route's own limit; without one it is only reported. (Whether an answer is *slow* for the roll-back is
//! decided by the data plane against τ, not here.)

use std::time::Duration;

use crossfade_exchange::{Recording, Severity};

use super::Weighed;
use crate::finding::Finding;

/// Compares when two answers began.
pub(crate) fn pair(primary: &Recording, candidate: &Recording, limit_ms: Option<u64>) -> Weighed {
    let times = primary
        .timings
        .first_content
        .zip(candidate.timings.first_content);
    let finding = times.map_or_else(Finding::na, |(from, to)| {
        let score = if to.is_zero() {
            1.0
        } else {
            from.as_secs_f64() / to.as_secs_f64()
        };
        if limit_ms.is_some_and(|limit| to > Duration::from_millis(limit)) {
            Finding::fail_with(score, "over_limit")
        } else {
            Finding::pass().scored(score)
        }
    });
    Weighed::new(finding, Severity::Info)
}
