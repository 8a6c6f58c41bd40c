//! One request with the recordings of its answers.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{Assignment, Operation, OutcomeKey, Recording, RouteId, Side, SizeClass, Unit};

/// One request with what each side answered. At least one recording is present.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// The proxy's own id of the request (UUID, hyphenated).
    pub id: String,
    /// The route.
    pub route: RouteId,
    /// When the request was received, in milliseconds since the Unix epoch.
    pub received_unix_ms: u64,
    /// What was asked for; kept exchanges from before there was more than one are of chat.
    #[serde(default = "chat")]
    pub operation: Operation,
    /// The request's path as it came, without the query string.
    pub path: String,
    /// The request's body.
    pub request: Bytes,
    /// The body's size class.
    pub size: SizeClass,
    /// Whether the caller asked for a stream.
    pub streamed: bool,
    /// Who answered, and how that was drawn.
    pub assignment: Assignment,
    /// Its place in the order of drawn answers, if the coin decided.
    pub draw: Option<OutcomeKey>,
    /// What was announced of it, if it was announced as a mirrored request.
    #[serde(default)]
    pub mirrored: Option<Announcement>,
    /// What the primary answered.
    pub primary: Option<Recording>,
    /// What the candidate answered.
    pub candidate: Option<Recording>,
    /// What the primary answered when it was asked the same once more: the secondary, for the noise floor.
    #[serde(default)]
    pub secondary: Option<Recording>,
    /// What the candidate answered when it was asked the same once more.
    #[serde(default)]
    pub candidate_again: Option<Recording>,
    /// Who asked, so that what is kept of a caller can be deleted.
    #[serde(default)]
    pub caller: Caller,
}

/// What was announced of a mirrored request: enough to say later what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Its place in the order.
    pub key: OutcomeKey,
    /// The attempt, or the shadow watch, during which it was sent.
    pub attempt: u64,
    /// The unit: what the mirror's users and the gates' samples are counted by.
    pub unit: Unit,
}

/// Who asked: keyed hashes under the data directory's key, each salted with what it is the hash of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Caller {
    /// Of the credential (the key or the token as it was sent).
    pub credential: Option<Unit>,
    /// Of the request's own `user` or `safety_identifier`.
    pub user: Option<Unit>,
}

impl Caller {
    /// Whether somebody is meant by this: by the credential or by the user, whichever is named.
    pub fn means(&self, other: &Self) -> bool {
        let same = |wanted, found| matches!((wanted, found), (Some(w), Some(f)) if w == f);
        same(self.credential, other.credential) || same(self.user, other.user)
    }
}

const fn chat() -> Operation {
    Operation::Chat
}

impl Exchange {
    /// The recording of a side.
    pub fn recording(&self, side: Side) -> Option<&Recording> {
        match side {
            Side::Primary => self.primary.as_ref(),
            Side::Candidate => self.candidate.as_ref(),
        }
    }

    /// What a side answered when it was asked the same once more.
    pub fn repeat(&self, side: Side) -> Option<&Recording> {
        match side {
            Side::Primary => self.secondary.as_ref(),
            Side::Candidate => self.candidate_again.as_ref(),
        }
    }

    /// Whether both sides answered, so that they can be compared.
    pub fn is_pair(&self) -> bool {
        self.primary.is_some() && self.candidate.is_some()
    }

    /// Bytes held by the request and the captured bodies.
    pub fn held_bytes(&self) -> usize {
        let body = |r: &Option<Recording>| r.as_ref().map_or(0, |r| r.body.len());
        self.request.len()
            + body(&self.primary)
            + body(&self.candidate)
            + body(&self.secondary)
            + body(&self.candidate_again)
    }
}
