//! Envelope: a well-formed chat completion. A choice with a message of the assistant, a finish reason that clients
//! know, ids, names of called tools, and the tokens used: always in one piece, in a stream if it was asked for them.

use crate::{answer::Answer, ask::Ask, finding::Finding};

/// Judges the form of a completion.
pub(crate) fn own(ask: &Ask<'_>, answer: &Answer, streamed: bool) -> Finding {
    if let Some(defect) = answer.defect {
        return Finding::fail(defect);
    }
    // Tokens known from beside the answer would help the statistics, not the caller who waits for them.
    let due = !streamed || ask.include_usage;
    if due && answer.counts.is_none() {
        Finding::fail("no_usage")
    } else {
        Finding::pass()
    }
}
