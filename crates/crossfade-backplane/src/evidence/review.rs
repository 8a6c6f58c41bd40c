//! What waits for a person, what the person said, and the differences that people accepted. Names, numbers and places
//! only: nothing of a prompt or an answer, except what a person writes into a note.

use crossfade_exchange::{Announcement, Caller, ReviewReason, ReviewVerdict, RouteId, Verdict};
use serde::{Deserialize, Serialize};

/// One pair that waits for a person, or did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// Its number; the queue gives it.
    pub id: u64,
    /// The exchange's id, to look both answers up in the evidence store.
    pub exchange: String,
    /// The route.
    pub route: RouteId,
    /// Why it is here, the strongest first.
    pub reasons: Vec<ReviewReason>,
    /// The signature of its differences, if it has any.
    pub signature: Option<String>,
    /// Exchanges that this item stands for: itself, and those of its signature that came while it was open.
    pub stands_for: u64,
    /// What the checks say: classes, scores and places.
    pub verdict: Verdict,
    /// Who asked, so that it can be deleted.
    pub caller: Caller,
    /// When it was opened, in milliseconds since the Unix epoch.
    pub opened_unix_ms: u64,
    /// What became of it.
    pub state: ReviewState,
    /// What the test on what people say needs of it, if it was drawn for that test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
}

/// A pair that was drawn, before anything was known of it, for the test on what people say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// What was announced of it: its place in the order, the attempt and the unit.
    pub announced: Announcement,
    /// What is said by then counts, in milliseconds since the Unix epoch; what is said later does not.
    pub decide_by_unix_ms: u64,
}

/// A drawn pair, with what people had said of it when its time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sampled {
    /// It.
    pub sample: Sample,
    /// What was said in time; `None` if nobody did.
    pub said: Option<ReviewVerdict>,
}

/// What became of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum ReviewState {
    /// It waits.
    Open,
    /// A person decided.
    Decided {
        /// What.
        verdict: ReviewVerdict,
        /// In their own words; may be empty.
        note: String,
        /// Who.
        by: String,
        /// When, in milliseconds since the Unix epoch.
        at_unix_ms: u64,
    },
    /// Nobody looked in time.
    Expired {
        /// When, in milliseconds since the Unix epoch.
        at_unix_ms: u64,
    },
}

/// Differences that somebody accepted: exchanges of this signature are no longer queued for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferenceRule {
    /// The route.
    pub route: RouteId,
    /// The signature.
    pub signature: String,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

// === impl ReviewItem ===

impl ReviewItem {
    /// Whether it waits.
    pub fn is_open(&self) -> bool {
        self.state == ReviewState::Open
    }

    /// Whether its place is kept until its time is over: whether a drawn pair is decided must not hang on how urgent it is.
    pub(super) fn is_kept(&self, now_unix_ms: u64) -> bool {
        let sample = self.sample.as_ref();
        sample.is_some_and(|sample| now_unix_ms < sample.decide_by_unix_ms)
    }

    /// What there is to say of it when its time is over, if it was drawn.
    pub(super) fn sampled(&self) -> Option<Sampled> {
        let sample = self.sample?;
        let said = match &self.state {
            ReviewState::Decided {
                verdict,
                at_unix_ms,
                ..
            } if *at_unix_ms <= sample.decide_by_unix_ms => Some(*verdict),
            ReviewState::Decided { .. } | ReviewState::Open | ReviewState::Expired { .. } => None,
        };
        Some(Sampled { sample, said })
    }

    /// How urgent it is: the place of its strongest reason in the list of reasons; lower is more urgent. While its place is kept a
    /// drawn pair stands with all that are drawn, whatever else there is to look at: the other reasons look at which side differs, so
    /// that of pairs put in front for them more would be decided in time where the candidate is worse than where the primary is.
    pub(super) fn urgency(&self, now_unix_ms: u64) -> usize {
        if self.is_kept(now_unix_ms) {
            return urgency(ReviewReason::Drawn);
        }
        let reasons = self.reasons.iter().map(|reason| urgency(*reason));
        reasons.min().unwrap_or(usize::MAX)
    }
}

/// A person's own question comes first; the others stand in the order of their list.
fn urgency(reason: ReviewReason) -> usize {
    match reason {
        ReviewReason::Requested => 0,
        other => other.index() + 1,
    }
}
