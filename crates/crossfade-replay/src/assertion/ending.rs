//! Assertions on how an answer ends and what it does with the request: finish reason, refusal.

use crossfade_compare::ReadAnswer;
use crossfade_exchange::Stance;

use super::{Judged, Kind};
use crate::object::Object;

/// The reasons that can be expected.
const REASONS: &[&str] = &["stop", "length", "tool_calls", "content_filter"];

/// What is expected of the end.
#[derive(Debug)]
pub(super) enum Ending {
    Reason(&'static str),
    Refusal,
}

// === impl Ending ===

impl Ending {
    pub(super) fn read(of: Kind, object: &mut Object<'_>) -> Option<Self> {
        if of == Kind::IsRefusal {
            return Some(Self::Refusal);
        }
        let reason = object.word("value", REASONS, |reason| reason);
        if reason.is_none() && !object.has_problem("value") {
            object.wrong(
                "value",
                format!("it is missing; give one of {}", REASONS.join(", ")),
            );
        }
        reason.map(Self::Reason)
    }

    pub(super) fn judge(&self, read: &ReadAnswer) -> Judged {
        match self {
            Self::Reason(wanted) => {
                let reason = format!("expected {wanted}, found {}", read.finish);
                Judged::plain(read.finish == *wanted, reason)
            }
            // An empty answer refuses as well: nobody is served by it.
            Self::Refusal
                if read.text.trim().is_empty()
                    && read.refusal.is_none()
                    && read.calls.is_empty() =>
            {
                Judged::plain(true, "an empty answer")
            }
            Self::Refusal => {
                let score = match read.stance {
                    Stance::Full => 1.0,
                    Stance::Partial => 0.5,
                    Stance::Comply => 0.0,
                };
                Judged::scored(
                    read.stance == Stance::Full,
                    score,
                    format!("its stance: {}", read.stance),
                )
            }
        }
    }
}
