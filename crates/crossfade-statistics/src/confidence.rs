//! Bounds that hold at every moment at once, so that a report may be looked at after each exchange.
//!
//! A bound for a fixed number of samples is wrong far more often than it says if one looks until it pleases. These are
//! confidence sequences: the chance that the true value is *ever* outside is at most [`ALPHA`] (Robbins 1970; Howard,
//! Ramdas, Sekhon and others 2021). Two of them: [`rate`] for events, from counts alone, and [`MeanSequence`] for means of
//! bounded numbers.

mod mean;
mod rate;

pub use mean::{MeanSequence, Range};
pub use rate::{Rate, rate};

use serde::{Deserialize, Serialize};

/// The chance that a sequence of bounds ever misses the true value.
pub const ALPHA: f64 = 0.05;

/// An estimate with its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The estimate: the mean so far.
    pub estimate: f64,
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// Halvings of a search for a bound: beyond the resolution of a double on [-1, 1].
const HALVINGS: u32 = 60;

/// The point between `inside` (where `holds`) and `outside` (where it does not) at which `holds` ends.
fn boundary(mut inside: f64, mut outside: f64, holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(inside, outside);
        if holds(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    // The outer end: a bound may be too wide by the resolution, never too narrow.
    outside
}

#[cfg(test)]
mod tests;
