//! From an exchange as it was recorded to one that may be kept: codings undone, streams put together, detectors over
//! everything. What cannot be read is not kept, because nobody could say what it holds.

use bytes::Bytes;
use crossfade_compare::whole;
use crossfade_exchange::{Exchange, Operation, Recording};
use crossfade_redact::Redactor;

/// The exchange with everything taken out that the route's detectors find.
pub(super) fn redacted(mut exchange: Exchange, redactor: &Redactor) -> Exchange {
    let mut session = redactor.session();
    exchange.request = session
        .redact_body(&exchange.request, Some("application/json"))
        .into();
    let operation = exchange.operation;
    for recording in [
        &mut exchange.primary,
        &mut exchange.candidate,
        &mut exchange.secondary,
        &mut exchange.candidate_again,
    ]
    .into_iter()
    .flatten()
    {
        let plain = read(recording, operation);
        let redacted = session.redact_body(&plain, recording.content_type.as_deref());
        recording.body = redacted.into();
    }
    exchange
}

/// Makes a recording's body one plain document, and says so in its head; nothing if it cannot be read.
fn read(recording: &mut Recording, operation: Operation) -> Bytes {
    let whole = whole(recording, operation);
    recording.content_encoding = None;
    match whole {
        Some(whole) => {
            recording.content_type = whole.content_type;
            whole.body
        }
        None => {
            recording.truncated = true;
            Bytes::new()
        }
    }
}
