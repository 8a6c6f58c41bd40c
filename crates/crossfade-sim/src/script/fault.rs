//! What goes wrong with one request.

use std::time::Duration;

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The request is read and never answered; the connection stays open.
    Hang,
    /// The connection is accepted and never read. It counts as a request; on a connection that is open already it is
    /// a [`Fault::Hang`].
    NoRead,
    /// The request is read, then the connection is reset.
    Reset,
    /// The answer comes one byte at a time.
    SlowDrip {
        /// Time between two bytes.
        interval: Duration,
    },
    /// The service's own error body under this status (429 and 503 of Azure carry `retry-after`).
    Status {
        /// The status code.
        status: u16,
        /// `retry-after` in seconds, if any.
        retry_after: Option<u64>,
    },
    /// Bedrock only: a modelled exception by its shape name (`ThrottlingException`) instead of an answer.
    Exception {
        /// The shape's name in the service model.
        name: String,
    },
    /// An error in the middle of a stream, after a number of content deltas: Converse's modelled exception, or the error
    /// event of server-sent events.
    ExceptionInStream {
        /// The event's member name (`throttlingException`). In a Responses stream `response.failed` ends the response
        /// itself, and any other name is a bare `error` event.
        name: String,
        /// Deltas before it.
        after: usize,
    },
    /// Status 200 and the right content type, and a stream that ends in good order before its first event. A body that
    /// is not streamed is empty.
    NoEvents,
    /// Events of kinds that nobody knows stand between the others of a stream.
    UnknownEvents,
    /// The reason why the answer ends is this word, which no vocabulary has.
    UnknownFinish {
        /// The word.
        word: String,
    },
    /// Status 200 and the right content type, and bytes that are no answer.
    Garbage,
    /// The stream or body stops half-way and the connection is closed without a reset, against what its framing said.
    Truncate {
        /// Content deltas before the end (a body that is not streamed is cut in half).
        after: usize,
    },
    /// The stream stops half-way, and HTTP ends it in good order: only the wire's own end (`[DONE]`, `messageStop`) is
    /// missing. A body that is not streamed is cut as by [`Fault::Truncate`].
    EndEarly {
        /// Content deltas before the end.
        after: usize,
    },
    /// A stream says all that it has to say, the wire's own end (`[DONE]`) too, and HTTP never tells of the end: the connection stays
    /// open. A body that is not streamed is whole.
    Linger,
    /// The stream falls silent for good after a number of content deltas.
    Stall {
        /// Deltas before the silence.
        after: usize,
    },
    /// An answer of this many bytes of text.
    Huge {
        /// Bytes of content.
        bytes: usize,
    },
}

impl Fault {
    /// The name of an error in the middle of a stream, and the number of content deltas before it.
    pub(crate) fn in_stream(&self) -> Option<(&str, usize)> {
        match self {
            Self::ExceptionInStream { name, after } => Some((name, *after)),
            _ => None,
        }
    }

    /// The word that stands for the reason of the end, in the place of this one.
    pub(crate) fn finish<'w>(&'w self, word: &'w str) -> &'w str {
        match self {
            Self::UnknownFinish { word } => word,
            _ => word,
        }
    }
}
