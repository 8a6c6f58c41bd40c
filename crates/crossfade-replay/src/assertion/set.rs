//! Several assertions that count as one: all must pass or, with a threshold, the mean of their scores by weight must reach
//! it.

use crossfade_exchange::CheckOutcome;

use super::{Assertion, AssertionResult, Judged, Kind, Seen, together};
use crate::object::Object;

/// Several assertions.
#[derive(Debug)]
pub(super) struct Set {
    parts: Vec<Assertion>,
    threshold: Option<f64>,
}

// === impl Set ===

impl Set {
    pub(super) fn read(object: &mut Object<'_>) -> Option<Self> {
        let threshold = object.number("threshold", 0.0..=1.0);
        let Some(list) = object.list("assert") else {
            if !object.has_problem("assert") {
                object.wrong("assert", "it is missing; give a list of assertions");
            }
            return None;
        };
        if list.is_empty() {
            object.wrong("assert", "the set is empty");
            return None;
        }
        let place = object.place("assert");
        let parts = Assertion::read_all(list, &place, object.problems());
        if parts.iter().any(|part| part.kind() == Kind::AssertSet) {
            object.wrong("assert", "a set has no sets in it");
            return None;
        }
        Some(Self { parts, threshold })
    }

    pub(super) fn parts(&self) -> &[Assertion] {
        &self.parts
    }

    pub(super) fn judge(&self, seen: &Seen<'_>) -> Judged {
        let parts: Vec<AssertionResult> = self.parts.iter().map(|part| part.judge(seen)).collect();
        let weights: f64 = parts.iter().map(|part| part.weight).sum();
        let sum: f64 = parts.iter().map(|part| part.weight * part.score).sum();
        let score = if weights > 0.0 { sum / weights } else { 0.0 };
        let failed = parts
            .iter()
            .filter(|part| part.outcome == CheckOutcome::Fail)
            .count();
        let all = together(&parts);
        // Without an answer there is nothing to turn round, and what could not be judged could have tipped the scale.
        if let Some(error) = parts
            .iter()
            .find(|part| part.outcome == CheckOutcome::Error && part.weight > 0.0)
            && (all == CheckOutcome::Error || self.threshold.is_some())
        {
            return Judged::Error(format!("{}: {}", error.name, error.reason));
        }
        if let Err(why) = &seen.read {
            return Judged::NoAnswer(format!("not an answer: {why}"));
        }
        let (pass, wanted) = match self.threshold {
            Some(threshold) => (
                score >= threshold,
                format!("score {score:.2} of {threshold:.2}"),
            ),
            None => (all == CheckOutcome::Pass, "all must pass".to_owned()),
        };
        Judged::Found {
            pass,
            score,
            reason: format!("{wanted}: {failed} of {} failed", parts.len()),
            parts,
        }
    }
}
