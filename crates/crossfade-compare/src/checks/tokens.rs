//! Tokens: those of the answer, reasoning included, candidate against primary: score `min(1, primary ÷ candidate)`. It fails over
//! the route's own limit; without one it is only reported. Each provider counts by its own vocabulary, so that equal texts
//! need not have equal counts.

use super::{Weighed, ratio};
use crate::side::Side;

/// Compares how many tokens two answers took.
pub(crate) fn pair(primary: &Side<'_>, candidate: &Side<'_>, limit: Option<u64>) -> Weighed {
    let of = |side: &Side<'_>| side.usage.map(|usage| usage.output);
    let (from, to) = (of(primary), of(candidate));
    let over = to.zip(limit).is_some_and(|(to, limit)| to > limit);
    ratio::of(from.map(real), to.map(real), over)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "token counts are far below 2^52"
)]
fn real(tokens: u64) -> f64 {
    tokens as f64
}
