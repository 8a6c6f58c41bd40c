//! Whom to forget: what a caller asked before they were forgotten may still be under way, minutes later, and is not to be kept.

use std::collections::VecDeque;

use crossfade_exchange::{Caller, Exchange};

/// Callers that are remembered to be forgotten; the first of more is no longer. Far more than come while anything is under way.
const MOST: usize = 10_000;

/// Callers, and when each was forgotten.
#[derive(Debug, Default)]
pub(super) struct Forgotten(VecDeque<(Caller, u64)>);

// === impl Forgotten ===

impl Forgotten {
    /// Nothing that this caller asked until now is to be kept.
    pub(super) fn note(&mut self, caller: Caller, now_unix_ms: u64) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back((caller, now_unix_ms));
    }

    /// Whether an exchange is of somebody who was forgotten after they asked.
    pub(super) fn covers(&self, exchange: &Exchange) -> bool {
        let mut all = self.0.iter();
        all.any(|(caller, at)| exchange.received_unix_ms <= *at && caller.means(&exchange.caller))
    }
}

#[cfg(test)]
mod tests {
    use crossfade_exchange::Unit;

    use super::*;
    use crate::review::testing::judged;

    #[test]
    fn what_was_asked_before_is_covered_and_the_list_is_bounded() {
        let credential = |number| Caller {
            credential: Some(Unit(number)),
            user: None,
        };
        let mut exchange = judged("e1", "{}", "{}").exchange;
        let mut forgotten = Forgotten::default();
        forgotten.note(credential(1), 1_000);
        for (asked, of, expected) in [
            (1_000, credential(1), true),
            (1_001, credential(1), false),
            (999, credential(2), false),
            (999, Caller::default(), false),
        ] {
            (exchange.received_unix_ms, exchange.caller) = (asked, of);
            assert_eq!(forgotten.covers(&exchange), expected, "{asked} {of:?}");
        }
        for number in 0..MOST {
            forgotten.note(credential(number as u128 + 10), 1_000);
        }
        assert_eq!(forgotten.0.len(), MOST);
        (exchange.received_unix_ms, exchange.caller) = (1, credential(1));
        assert!(!forgotten.covers(&exchange));
    }
}
