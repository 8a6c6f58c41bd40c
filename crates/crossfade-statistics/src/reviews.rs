//! What people said of pairs, against what the checks and a judging model had said.

use std::collections::BTreeMap;

use crossfade_exchange::{
    Check, CheckOutcome, Preference, ReviewReason, ReviewVerdict, VerdictClass,
};
use serde::{Deserialize, Serialize};

use crate::Reviewed;

/// Reviews by what the person said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said([u64; 5]);

/// What people said where a check passed and where it failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CheckReviews {
    pub(crate) passed: Said,
    pub(crate) failed: Said,
}

/// What people said of pairs that were drawn at random from those that the checks took for the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Drawn {
    pub(crate) said: Said,
    /// How many exchanges the reviewed ones stand for.
    pub(crate) weight: f64,
    /// How many of these, those whose candidate was worse stand for.
    pub(crate) weight_worse: f64,
}

/// Everything that people said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reviews {
    pub(crate) said: Said,
    pub(crate) by_check: BTreeMap<Check, CheckReviews>,
    /// Of pairs with differences.
    pub(crate) differing: Said,
    pub(crate) drawn: Drawn,
    /// By what the judge preferred.
    pub(crate) judge: BTreeMap<Preference, Said>,
}

/// The smallest chance of being drawn that counts as it is: one review never stands for more than 100 000.
const LEAST_INCLUSION: f64 = 1e-5;

// === impl Said ===

impl Said {
    fn add(&mut self, human: ReviewVerdict) {
        if let Some(count) = self.0.get_mut(human.index()) {
            *count += 1;
        }
    }

    pub(crate) fn count(&self, human: ReviewVerdict) -> u64 {
        self.0.get(human.index()).copied().unwrap_or_default()
    }

    /// Reviews that say which answer is better, or that neither is. That both are wrong says nothing of the difference.
    pub(crate) fn decided(&self) -> u64 {
        self.total() - self.count(ReviewVerdict::BothWrong)
    }

    pub(crate) fn worse(&self) -> u64 {
        self.count(ReviewVerdict::CandidateWorse)
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

// === impl Reviews ===

impl Reviews {
    pub(crate) fn add(&mut self, reviewed: &Reviewed<'_>) {
        self.said.add(reviewed.human);
        for result in &reviewed.verdict.checks {
            let failed = match result.outcome {
                CheckOutcome::Pass => false,
                CheckOutcome::Fail => true,
                CheckOutcome::Na | CheckOutcome::Error => continue,
            };
            let check = self.by_check.entry(result.check).or_default();
            let said = if failed {
                &mut check.failed
            } else {
                &mut check.passed
            };
            said.add(reviewed.human);
        }
        match reviewed.verdict.class {
            Some(VerdictClass::Equal | VerdictClass::Equivalent) => self.add_drawn(reviewed),
            Some(
                VerdictClass::DifferentMinor
                | VerdictClass::DifferentMajor
                | VerdictClass::CandidateInvalid
                | VerdictClass::CandidateError,
            ) => self.differing.add(reviewed.human),
            Some(VerdictClass::PrimaryBad | VerdictClass::BothBad | VerdictClass::Incomparable)
            | None => {}
        }
        // Of equal answers no judge is asked: that they are the same is no merit of a judge's.
        let asked = reviewed.verdict.class != Some(VerdictClass::Equal);
        if let Some(preference) = reviewed.judge.filter(|_| asked) {
            self.judge
                .entry(preference)
                .or_default()
                .add(reviewed.human);
        }
    }

    fn add_drawn(&mut self, reviewed: &Reviewed<'_>) {
        if !reviewed.reasons.contains(&ReviewReason::RandomAgreement) {
            return;
        }
        self.drawn.said.add(reviewed.human);
        if reviewed.human == ReviewVerdict::BothWrong {
            return;
        }
        let weight = 1.0 / reviewed.inclusion.clamp(LEAST_INCLUSION, 1.0);
        self.drawn.weight += weight;
        if reviewed.human == ReviewVerdict::CandidateWorse {
            self.drawn.weight_worse += weight;
        }
    }

    /// Reviews where the judge preferred what the person preferred, among those that the person decided; and how often
    /// the commonest of the three answers of the person would have been right.
    pub(crate) fn judge_agreement(&self) -> (u64, u64, u64) {
        let mut by_human = BTreeMap::<Preference, u64>::new();
        let (mut agreed, mut of) = (0, 0);
        for (judged, said) in &self.judge {
            for human in ReviewVerdict::ALL.iter().copied() {
                let Some(preferred) = preference(human) else {
                    continue;
                };
                let count = said.count(human);
                *by_human.entry(preferred).or_default() += count;
                of += count;
                agreed += if preferred == *judged { count } else { 0 };
            }
        }
        (agreed, of, by_human.values().copied().max().unwrap_or(0))
    }
}

/// Which answer a person prefers.
const fn preference(human: ReviewVerdict) -> Option<Preference> {
    match human {
        ReviewVerdict::CandidateBetter => Some(Preference::Candidate),
        ReviewVerdict::CandidateWorse => Some(Preference::Primary),
        ReviewVerdict::Same | ReviewVerdict::Acceptable => Some(Preference::Same),
        ReviewVerdict::BothWrong => None,
    }
}
