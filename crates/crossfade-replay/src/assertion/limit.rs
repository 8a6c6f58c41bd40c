//! Assertions on time and money.

use super::{Judged, Kind, Seen};
use crate::object::Object;

/// What may not be exceeded.
#[derive(Debug)]
pub(super) enum Limit {
    /// Milliseconds to the end of the answer.
    Latency(f64),
    /// USD.
    Cost(f64),
}

// === impl Limit ===

impl Limit {
    pub(super) fn read(of: Kind, object: &mut Object<'_>) -> Option<Self> {
        let limit = object.number("threshold", 0.0..=f64::MAX);
        if limit.is_none() && !object.has_problem("threshold") {
            object.wrong("threshold", "it is missing; give the most that is allowed");
        }
        limit.map(if of == Kind::Latency {
            Self::Latency
        } else {
            Self::Cost
        })
    }

    pub(super) fn judge(&self, seen: &Seen<'_>) -> Judged {
        if let Err(why) = &seen.read
            && seen.answer.is_missing()
        {
            return Judged::Error(format!("no answer: {why}"));
        }
        match self {
            Self::Latency(most) => match seen.answer.total_ms {
                Some(took) => {
                    Judged::plain(took <= *most, format!("took {took:.0} ms of {most:.0} ms"))
                }
                None => Judged::Error("the answer's time is not known".to_owned()),
            },
            Self::Cost(most) => match seen.context.cost_usd {
                Some(cost) => {
                    Judged::plain(cost <= *most, format!("cost {cost:.6} of {most:.6} USD"))
                }
                None => Judged::Error(
                    "the answer's cost is not known: give the route prices".to_owned(),
                ),
            },
        }
    }
}
