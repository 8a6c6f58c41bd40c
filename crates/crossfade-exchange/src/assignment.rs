//! What was decided for one request, with everything needed to recompute it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Side;

/// What is assigned as a whole: a keyed hash of a conversation, a user, a credential or a request.
/// Irreversible without the data directory's key, so it may be logged to the outcome log.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unit(pub u128);

impl fmt::Debug for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unit({:032x})", self.0)
    }
}

closed_enum! {
    /// Why this side answers.
    pub enum AnswerReason {
        /// The coin: the unit's hash under the split's salt against the share, 0 < w < 1.
        Drawn = "drawn",
        /// The share is 0 or 100 %, so nothing was drawn.
        Share = "share",
        /// The request is not eligible.
        Ineligible = "ineligible",
        /// Azure has not accepted this caller's credential lately.
        NotAdmitted = "not_admitted",
        /// The split's lease ran out.
        LeaseExpired = "lease_expired",
        /// The candidate's breaker is open.
        Breaker = "breaker",
        /// The local kill switch is on.
        Killed = "killed",
        /// An internal caller named the side.
        Named = "named",
        /// An internal caller, in a stage that lets the candidate answer.
        Internal = "internal",
        /// The outcome path has no room to account for another drawn answer.
        OutcomesFull = "outcomes_full",
        /// The request may be mirrored, and only the primary may answer it.
        MirrorOnly = "mirror_only",
    }
}

/// Who answers one request, who shadows it, and how that was drawn. Made by `decide`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// The side whose answer the caller gets.
    pub answer: Side,
    /// The side that gets a copy, if any.
    pub shadow: Option<Side>,
    /// The probability with which `answer` could have been the candidate when this was drawn
    /// (`w`, 0..=1).
    pub probability: f64,
    /// The split's salt at that moment.
    pub salt: u64,
    /// Whether the coin decided, so that the answer enters the sequential test.
    pub drawn: bool,
    /// The probability with which this request was selected for mirroring (0..=1).
    pub inclusion: f64,
    /// Why `answer` answers.
    pub reason: AnswerReason,
}
