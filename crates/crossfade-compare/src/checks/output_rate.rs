//! Output rate: tokens of output per second after the first content of a stream, `output ÷ (total − first content)`, candidate against
//! primary: score `min(1, candidate ÷ primary)`. It fails under the route's own limit; without one it is only reported.
//! An answer that is not streamed comes at once when it is done, so it has no rate: `na`; nor has a stream that came at
//! once, or whose reader did not keep up.

use crossfade_exchange::Recording;

use super::{Weighed, ratio};
use crate::side::Side;

/// A shorter time than this between first content and end measures the network, in seconds.
const SHORTEST: f64 = 0.02;

/// Compares how fast two streams came.
pub(crate) fn pair(
    primary: &Side<'_>,
    candidate: &Side<'_>,
    streamed: bool,
    least: Option<f64>,
) -> Weighed {
    let of = |side: &Side<'_>| {
        let tokens = side.usage?.output;
        rate(side.recording, tokens).filter(|_| streamed)
    };
    let (from, to) = (of(primary), of(candidate));
    let under = to.zip(least).is_some_and(|(to, least)| to < least);
    // Seconds per token: less is better, as with all that is compared by a ratio.
    let pace = |rate: Option<f64>| rate.map(|rate| 1.0 / rate);
    ratio::of(pace(from), pace(to), under)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "token counts are far below 2^52"
)]
fn rate(recording: &Recording, tokens: u64) -> Option<f64> {
    let times = &recording.timings;
    let seconds = times
        .total?
        .checked_sub(times.first_content?)?
        .as_secs_f64();
    (times.kept_up && tokens > 0 && seconds >= SHORTEST).then(|| tokens as f64 / seconds)
}
