//! What one check says of one side or of a pair, before it is given a severity. Not a verdict.

use std::borrow::Cow;

use crossfade_exchange::{CheckOutcome, CheckResult, Difference, DifferenceKind};

/// A check's word on one side or on a pair.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finding {
    /// What it says.
    pub(crate) outcome: CheckOutcome,
    /// Agreement or quality, 0..=1.
    pub(crate) score: f64,
    /// A fixed phrase or a path; never the caller's or the model's text.
    pub(crate) evidence: Option<Cow<'static, str>>,
    /// The places that differ, bounded; empty where the check has no places.
    pub(crate) differences: Vec<Difference>,
}

// === impl Finding ===

impl Finding {
    /// As it should be.
    pub(crate) const fn pass() -> Self {
        Self {
            outcome: CheckOutcome::Pass,
            score: 1.0,
            evidence: None,
            differences: Vec::new(),
        }
    }

    /// Does not apply.
    pub(crate) const fn na() -> Self {
        Self {
            outcome: CheckOutcome::Na,
            score: 0.0,
            evidence: None,
            differences: Vec::new(),
        }
    }

    /// Does not apply, and why.
    pub(crate) fn na_because(evidence: &'static str) -> Self {
        Self {
            evidence: Some(evidence.into()),
            ..Self::na()
        }
    }

    /// Could not be judged.
    pub(crate) fn error(evidence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            outcome: CheckOutcome::Error,
            score: 0.0,
            evidence: Some(evidence.into()),
            differences: Vec::new(),
        }
    }

    /// Not as it should be at all.
    pub(crate) fn fail(evidence: impl Into<Cow<'static, str>>) -> Self {
        Self::fail_with(0.0, evidence)
    }

    /// Not as it should be, with what is left of the score.
    pub(crate) fn fail_with(score: f64, evidence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            outcome: CheckOutcome::Fail,
            score: clamp(score),
            evidence: Some(evidence.into()),
            differences: Vec::new(),
        }
    }

    /// The same with another score.
    pub(crate) fn scored(self, score: f64) -> Self {
        Self {
            score: clamp(score),
            ..self
        }
    }

    /// The same with evidence.
    pub(crate) fn because(self, evidence: impl Into<Cow<'static, str>>) -> Self {
        Self {
            evidence: Some(evidence.into()),
            ..self
        }
    }

    /// The same with one more place that differs; places beyond the bound are left out.
    pub(crate) fn at(mut self, path: impl Into<String>, kind: DifferenceKind) -> Self {
        if self.differences.len() < CheckResult::MOST_DIFFERENCES {
            let path = path.into();
            self.differences.push(Difference { path, kind });
        }
        self
    }

    /// The same with the places that differ.
    pub(crate) fn with_places(self, differences: Vec<Difference>) -> Self {
        Self {
            differences,
            ..self
        }
    }

    /// Whether it says fail.
    pub(crate) fn failed(&self) -> bool {
        self.outcome == CheckOutcome::Fail
    }
}

/// Into 0..=1; what is not a number is 0.
fn clamp(score: f64) -> f64 {
    if score.is_nan() {
        0.0
    } else {
        score.clamp(0.0, 1.0)
    }
}

/// `part / whole` as a score; nothing out of nothing is everything.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of fields and tokens are far below 2^52"
)]
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        1.0
    } else {
        part as f64 / whole as f64
    }
}
