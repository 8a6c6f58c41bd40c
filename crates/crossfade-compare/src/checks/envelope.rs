//! Envelope: a well-formed answer. Of a chat completion a choice with a message of the assistant, a finish reason that
//! clients know, ids, names of called tools, and the tokens used: always in one piece, in a stream if it was asked for
//! them. Of a response the same, its status in place of the reason. Of embeddings a vector for each text, in order, all of
//! one length, and the tokens.

use crate::{answer::Answer, ask::Ask, finding::Finding, vectors::Vectors};

/// Judges the form of embeddings against what was asked for.
pub(crate) fn of_vectors(ask: &Ask<'_>, vectors: &Vectors) -> Finding {
    if let Some(defect) = vectors.defect {
        return Finding::fail(defect);
    }
    if ask
        .inputs
        .is_some_and(|inputs| inputs != vectors.rows.len())
    {
        return Finding::fail("wrong_count");
    }
    if ask
        .dimensions
        .is_some_and(|asked| asked != vectors.dimensions())
    {
        return Finding::fail("wrong_dimensions");
    }
    if vectors.counts.is_none() {
        return Finding::fail("no_usage");
    }
    Finding::pass()
}

/// Judges the form of a completion or a response.
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
