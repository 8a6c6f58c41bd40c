//! Where an answer's pieces come from.

use std::collections::VecDeque;

use crate::{
    answer::FaultKind,
    answer::{Frame, events},
    converse::Response,
    sdk::{Events, Failure},
};

/// An answer's pieces as they come. Dropping it drops the provider's stream.
#[derive(Debug)]
pub(super) enum Frames {
    /// From Converse, as a stream.
    Converse(Events),
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

    /// The next piece; `None` at the end of the bytes, which is not yet the end of the message.
    pub(super) async fn next(&mut self) -> Result<Option<Frame>, Failure> {
        match self {
            Self::Converse(events) => Ok(events.next().await?.map(Frame::Converse)),
            Self::Ready(frames) => Ok(frames.pop_front()),
        }
    }
}
