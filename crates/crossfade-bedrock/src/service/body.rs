//! The body of a streamed answer: pulls the provider's events as the caller reads, and ends well-formed whatever happens.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use crossfade_exchange::{BoxError, Failover, LateFacts, SideBody};
use futures_util::{StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::timeout;

use super::frames::Frames;
use crate::answer::{Fault, FaultKind, Progress, Writer};

/// A stream whose first content is known.
pub(super) struct Begun {
    /// Everything up to and with the first content.
    pub(super) first: Bytes,
    /// What is still to come; `None` if nothing is.
    pub(super) frames: Option<Frames>,
    pub(super) writer: Box<dyn Writer>,
}

struct Live {
    first: Option<Bytes>,
    frames: Option<Frames>,
    writer: Box<dyn Writer>,
    idle: Duration,
    late: Arc<OnceLock<LateFacts>>,
}

/// The body, and in `late` what its end will tell.
pub(super) fn body(begun: Begun, idle: Duration, late: Arc<OnceLock<LateFacts>>) -> SideBody {
    let Begun {
        first,
        frames,
        writer,
    } = begun;
    let mut live = Live {
        first: Some(first),
        frames,
        writer,
        idle,
        late,
    };
    if live.frames.is_none() {
        live.tell(None);
    }
    let pieces = stream::unfold(live, async |mut live| {
        let piece = live.next().await?;
        Some((piece, live))
    });
    StreamBody::new(pieces.map(|piece| Ok::<_, BoxError>(Frame::data(piece)))).boxed_unsync()
}

// === impl Live ===

impl Live {
    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let frames = self.frames.as_mut()?;
            let step = match timeout(self.idle, frames.next()).await {
                Err(_) => Err(FaultKind::Silent.into()),
                Ok(Err(failure)) => Err(failure.fault),
                Ok(Ok(Some(frame))) => self
                    .writer
                    .push(frame)
                    .map_err(|error| FaultKind::from(error).into()),
                Ok(Ok(None)) => self
                    .writer
                    .finish()
                    .map(|()| Progress::Complete)
                    .map_err(|error| FaultKind::from(error).into()),
            };
            match step {
                Ok(Progress::Waiting | Progress::Speaking) => {}
                Ok(Progress::Complete) => {
                    self.frames = None;
                    self.tell(None);
                }
                Err(fault) => return Some(self.fail(fault)),
            }
            if let Some(bytes) = self.writer.take() {
                return Some(bytes);
            }
        }
    }

    /// The failure as the stream's last event: clients raise it. No end mark follows.
    fn fail(&mut self, fault: Fault) -> Bytes {
        self.frames = None;
        let problem = fault.problem();
        self.tell(Some(problem.failover.unwrap_or(Failover::Server)));
        let rest = self.writer.take().unwrap_or_default();
        [rest, self.writer.fail(&problem.error)].concat().into()
    }

    fn tell(&mut self, failed: Option<Failover>) {
        let facts = self.writer.facts();
        // A second word would be a mistake here; the first one counts.
        drop(self.late.set(LateFacts {
            usage: facts.usage,
            failed,
            losses: facts.losses,
        }));
    }
}
