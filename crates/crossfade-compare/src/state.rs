//! What became of one side, from its recording: an answer, vectors, an error, a failure, or nothing that can be judged. The
//! first place where bytes become meaning; it decides nothing about good and bad.

use std::borrow::Cow;

use crossfade_exchange::{Ending, Operation, Recording};
use crossfade_openai::{
    assemble::{AssembleError, assemble, assemble_response},
    chat::{Completion, TokenCounts},
    embeddings::Embeddings,
    error,
    responses::{Response, Status},
};

use crate::{
    answer::Answer,
    decode::{self, DecodeError},
    vectors::Vectors,
};

/// What became of one side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// It says nothing about the side: cut off by the client or by us, or not kept in full.
    Unjudged(&'static str),
    /// The transport failed before any content.
    Failed(Cow<'static, str>),
    /// The stream broke, or ended otherwise than its protocol says.
    Broken(&'static str),
    /// The API's own filter refused the prompt.
    Filtered,
    /// Another error that is an answer: a 4xx, or what has no place here.
    Error(String),
    /// It says that it is an answer and is none.
    Malformed(&'static str),
    /// A completion or a response.
    Answer(Box<Answer>),
    /// Embeddings.
    Vectors(Box<Vectors>),
}

/// What kind of answer was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Of which operation.
    pub(crate) operation: Operation,
    /// Whether as a stream. Embeddings never are one.
    pub(crate) streamed: bool,
}

/// Codes of errors that may stand in evidence: a closed set, because a body's own words may not.
const CODES: &[&str] = &[
    "context_length_exceeded",
    "unsupported_parameter",
    "unsupported_value",
    "invalid_value",
    "unknown_parameter",
    "invalid_request_error",
    "OperationNotSupported",
    "DeploymentNotFound",
    "PermissionDenied",
];

// === impl State ===

impl State {
    /// Reads a recording.
    pub(crate) fn of(recording: &Recording, wanted: Wanted) -> Self {
        let succeeded = recording
            .status
            .is_some_and(|status| (200..300).contains(&status));
        if recording.transport_bad() {
            let begun = succeeded && recording.timings.first_content.is_some();
            return if begun {
                Self::Broken("broken_stream")
            } else {
                Self::Failed(failure(recording))
            };
        }
        match recording.ending {
            Ending::ClientAbort => return Self::Unjudged("client_abort"),
            Ending::Deadline => return Self::Unjudged("deadline"),
            Ending::Complete | Ending::Broken | Ending::TimedOut | Ending::Failed => {}
        }
        if recording.truncated {
            return Self::Unjudged("truncated");
        }
        let body = match decode::decode(&recording.body, recording.content_encoding.as_deref()) {
            Ok(body) => body,
            Err(DecodeError::TooLarge) => return Self::Unjudged("too_large"),
            Err(DecodeError::Unknown) => return Self::Unjudged("unknown_encoding"),
            Err(DecodeError::Corrupt) => return Self::Malformed("corrupt_encoding"),
        };
        if succeeded {
            Self::of_success(recording, &body, wanted)
        } else {
            Self::of_error(recording.status, &body)
        }
    }

    fn of_success(recording: &Recording, body: &[u8], wanted: Wanted) -> Self {
        let streamed = is_stream(recording, body);
        match (wanted.operation, wanted.streamed) {
            (Operation::Chat | Operation::Responses, true) if !streamed => {
                Self::Malformed("not_a_stream")
            }
            (Operation::Chat, true) => match assemble(body) {
                Ok(completion) => Self::answered(Answer::of(completion)),
                Err(error) => Self::of_stream_error(&error),
            },
            (Operation::Responses, true) => match assemble_response(body) {
                Ok(response) => Self::answered(Answer::of_response(response)),
                Err(error) => Self::of_stream_error(&error),
            },
            (Operation::Embeddings, _) | (_, false) if streamed => Self::Malformed("not_json"),
            (Operation::Chat, false) => match Completion::from_slice(body) {
                Ok(completion) => Self::answered(Answer::of(completion)),
                Err(error) => Self::of_parse_error(&error, "not_a_completion"),
            },
            (Operation::Responses, false) => match Response::from_slice(body) {
                // A failure in the form of an answer.
                Ok(response) if response.status() == Some(Status::Failed) => {
                    Self::Error("response_failed".to_owned())
                }
                Ok(response) => Self::answered(Answer::of_response(response)),
                Err(error) => Self::of_parse_error(&error, "not_a_response"),
            },
            (Operation::Embeddings, _) => match Embeddings::from_slice(body) {
                Ok(embeddings) => Self::Vectors(Box::new(Vectors::of(&embeddings))),
                Err(error) => Self::of_parse_error(&error, "not_embeddings"),
            },
        }
    }

    fn answered(answer: Answer) -> Self {
        Self::Answer(Box::new(answer))
    }

    fn of_parse_error(error: &serde_json::Error, otherwise: &'static str) -> Self {
        Self::Malformed(if error.is_data() {
            otherwise
        } else {
            "not_json"
        })
    }

    /// A stream that says of itself that it is not whole is broken; one that says what is no chunk is malformed.
    fn of_stream_error(error: &AssembleError) -> Self {
        match error {
            AssembleError::Failed { code } if code.as_deref() == Some("content_filter") => {
                Self::Filtered
            }
            AssembleError::Failed { .. } => Self::Broken("error_event"),
            AssembleError::Unfinished => Self::Broken("no_finish_reason"),
            AssembleError::NotDone => Self::Broken("no_end_mark"),
            AssembleError::NotAChunk => Self::Malformed("not_a_chunk"),
            AssembleError::Empty => Self::Malformed("no_choices"),
            AssembleError::TooLarge(_) => Self::Malformed("event_too_large"),
        }
    }

    fn of_error(status: Option<u16>, body: &[u8]) -> Self {
        let status = status.unwrap_or_default();
        let detail = error::parse(body).unwrap_or_default();
        let inner = detail
            .innererror
            .as_ref()
            .and_then(|inner| inner.get("code")?.as_str());
        let filtered = detail.code.as_deref() == Some("content_filter")
            || inner == Some("ResponsibleAIPolicyViolation");
        if status == 400 && filtered {
            return Self::Filtered;
        }
        let known = |code: &Option<String>| {
            CODES
                .iter()
                .copied()
                .find(|known| code.as_deref() == Some(*known))
        };
        match known(&detail.code).or_else(|| known(&detail.kind)) {
            Some(code) => Self::Error(format!("http_{status} {code}")),
            None => Self::Error(format!("http_{status}")),
        }
    }

    /// The completion or response, if there is one.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Unjudged(_)
            | Self::Failed(_)
            | Self::Broken(_)
            | Self::Filtered
            | Self::Error(_)
            | Self::Malformed(_)
            | Self::Vectors(_) => None,
        }
    }

    /// The embeddings, if there are any.
    pub(crate) fn vectors(&self) -> Option<&Vectors> {
        match self {
            Self::Vectors(vectors) => Some(vectors),
            Self::Unjudged(_)
            | Self::Failed(_)
            | Self::Broken(_)
            | Self::Filtered
            | Self::Error(_)
            | Self::Malformed(_)
            | Self::Answer(_) => None,
        }
    }

    /// Tokens, if the answer says them.
    pub(crate) fn counts(&self) -> Option<TokenCounts> {
        let answered = self.answer().and_then(|answer| answer.counts);
        answered.or_else(|| self.vectors().and_then(|vectors| vectors.counts))
    }

    /// Whether the side gave no answer at all, or only the beginning of one.
    pub(crate) const fn is_transport_failure(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::Broken(_))
    }
}

fn failure(recording: &Recording) -> Cow<'static, str> {
    if let Some(failover) = recording.failover {
        return failover.as_str().into();
    }
    match (recording.ending, recording.status) {
        (Ending::Complete, Some(status)) => format!("http_{status}").into(),
        (ending, _) => ending.as_str().into(),
    }
}

/// By the content type; without one, by the first byte.
pub(crate) fn is_stream(recording: &Recording, body: &[u8]) -> bool {
    match recording.content_type.as_deref() {
        Some(kind) => kind
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("text/event-stream"),
        None => body
            .iter()
            .find(|byte| !byte.is_ascii_whitespace())
            .is_some_and(|b| *b != b'{'),
    }
}
