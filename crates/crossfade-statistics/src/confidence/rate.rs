//! The rate of events: Robbins' mixture of likelihood ratios over a beta prior.

use serde::{Deserialize, Serialize};

use super::{ALPHA, Interval, boundary};

/// Both parameters of the beta prior: Jeffreys', a little heavier towards 0 and 1, where rates of failures are.
const PRIOR: f64 = 0.5;

/// Events among cases, with bounds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Events.
    pub events: u64,
    /// Cases.
    pub of: u64,
    /// Events per case; `None` without a case.
    pub share: Option<f64>,
    /// The lower bound of the rate.
    pub low: f64,
    /// The upper bound of the rate.
    pub high: f64,
}

// === impl Rate ===

impl Rate {
    /// With bounds as [`rate`] gives them. More events than cases are read as all of them.
    pub fn new(events: u64, of: u64) -> Self {
        let events = events.min(of);
        let Interval {
            estimate,
            low,
            high,
        } = rate(events, of);
        Self {
            events,
            of,
            share: (of > 0).then_some(estimate),
            low,
            high,
        }
    }
}

/// The rate of `events` among `of` cases, with bounds that hold after every case at once with a chance of at least
/// 1 − [`ALPHA`].
///
/// The bounds are the rates `p` with `M(p) < 1/α`, where `M(p) = B(½+s, ½+f) / B(½, ½) / (pˢ·(1−p)ᶠ)` for `s` events and
/// `f` other cases: a mixture of likelihood ratios, whose mean is 1 at the true rate whenever one looks (Robbins 1970;
/// Howard et al. 2021, section 3.4).
///
/// Assumed: each case has the same chance of an event whatever came before. Cases of one user close together are not like
/// that; where that matters, [`super::MeanSequence`] over means per user is the honest one, and gates use it.
pub fn rate(events: u64, of: u64) -> Interval {
    let events = events.min(of);
    if of == 0 {
        return Interval {
            estimate: 0.0,
            low: 0.0,
            high: 1.0,
        };
    }
    let estimate = as_f64(events) / as_f64(of);
    let inside = |p: f64| holds(events, of, p);
    Interval {
        estimate,
        low: if events == 0 {
            0.0
        } else {
            boundary(estimate, 0.0, inside)
        },
        high: if events == of {
            1.0
        } else {
            boundary(estimate, 1.0, inside)
        },
    }
}

/// Whether a rate is not excluded by what was seen.
pub(super) fn holds(events: u64, of: u64, p: f64) -> bool {
    let (yes, no) = (as_f64(events), as_f64(of - events.min(of)));
    let mixture = ln_beta(PRIOR + yes, PRIOR + no) - ln_beta(PRIOR, PRIOR);
    let likelihood = term(yes, p) + term(no, 1.0 - p);
    mixture - likelihood < (1.0 / ALPHA).ln()
}

/// `count · ln(p)`, which is 0 for no cases even where `p` is 0.
fn term(count: f64, p: f64) -> f64 {
    if count > 0.0 { count * p.ln() } else { 0.0 }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of exchanges stay far below 2^52"
)]
pub(super) const fn as_f64(count: u64) -> f64 {
    count as f64
}
