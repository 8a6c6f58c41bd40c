//! Where an answer's pieces come from.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    answer::FaultKind,
    answer::{Frame, events},
    compatible,
    converse::Response,
    embeddings::Invoked,
    sdk::{Events, Failure},
};

/// An answer's pieces as they come. Dropping it drops the provider's stream.
#[derive(Debug)]
pub(super) enum Frames {
    /// From Converse, as a stream.
    Converse(Events),
    /// From an OpenAI-compatible endpoint, as a stream.
    Compatible(compatible::Frames),
    /// All of it is there.
    Ready(VecDeque<Frame>),
}

// === impl Frames ===

impl Frames {
    /// A whole answer of Converse.
    pub(super) fn of_response(response: Response) -> Result<Self, Failure> {
        let events = events(response).map_err(FaultKind::from)?;
        Ok(Self::Ready(
            events.into_iter().map(Frame::Converse).collect(),
        ))
    }

    /// A whole answer of an OpenAI-compatible endpoint.
    pub(super) fn of_body(body: Bytes) -> Self {
        Self::Ready(VecDeque::from([Frame::Body(body)]))
    }

    /// The answers to calls in a model's own form.
    pub(super) fn of_calls(answers: Vec<Invoked>) -> Self {
        Self::Ready(answers.into_iter().map(Frame::Invoked).collect())
    }

    /// The next piece; `None` at the end of the bytes, which is not yet the end of the message.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>, Failure> {
        match self {
            Self::Converse(events) => Ok(events.next().await?.map(Frame::Converse)),
            Self::Compatible(frames) => Ok(frames.next().await?.map(Frame::Sse)),
            Self::Ready(frames) => Ok(frames.pop_front()),
        }
    }
}
