//! A streamed answer's events as they come. Dropping it drops the connection.

use std::collections::VecDeque;

use crossfade_openai::sse::{Decoder, End, Event};
use http_body_util::BodyExt;
use hyper::body::Incoming;

use crate::{answer::FaultKind, sdk::Failure};

/// The most bytes of one stream, framing and padding included.
const LARGEST_STREAM: usize = 256 << 20;

/// A stream's events.
#[derive(Debug)]
pub(crate) struct Frames {
    body: Option<Incoming>,
    decoder: Decoder,
    ready: VecDeque<Event>,
    read: usize,
}

// === impl Frames ===

impl Frames {
    pub(super) fn new(body: Incoming) -> Self {
        Self {
            body: Some(body),
            decoder: Decoder::new(),
            ready: VecDeque::new(),
            read: 0,
        }
    }

    /// The next event; `None` at the end of the bytes, which is not yet the end of the answer.
    pub(crate) async fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(body) = &mut self.body else {
                return Ok(None);
            };
            match body.frame().await {
                Some(Ok(frame)) => {
                    let bytes = frame.into_data().unwrap_or_default();
                    self.read = self.read.saturating_add(bytes.len());
                    self.ready.extend(self.decoder.feed(&bytes));
                    if self.decoder.error().is_some() || self.read > LARGEST_STREAM {
                        self.body = None;
                        return Err(FaultKind::Garbage.into());
                    }
                }
                Some(Err(_)) => {
                    self.body = None;
                    return Err(FaultKind::Broken.into());
                }
                None => {
                    self.body = None;
                    return match std::mem::take(&mut self.decoder).finish() {
                        Ok(End::Clean) => Ok(None),
                        Ok(End::WithinEvent) => Err(FaultKind::Broken.into()),
                        Err(_) => Err(FaultKind::Garbage.into()),
                    };
                }
            }
        }
    }
}
