//! Speaks server-sent events at the script's pace, with the faults that stand between events.

use std::{io, time::Duration};

use super::tokens;
use crate::{script::Fault, server::Stream, text};

/// A stream of events being spoken.
#[derive(Debug)]
pub(crate) struct Speaker<'r, 'n> {
    stream: Stream<'r>,
    /// The name of an error and the number of content events before it.
    broken: Option<(&'n str, usize)>,
    over: bool,
}

/// An event that no client knows, to stand between the others.
pub(crate) const UNKNOWN: &str = ": still here\n\nevent: response.unheard_of\ndata: {\"type\":\"response.unheard_of\",\"object\":\"chat.completion.unheard_of\",\"choices\":[]}\n\n";

impl<'r, 'n> Speaker<'r, 'n> {
    /// Begins to speak.
    pub(crate) async fn begin(stream: Stream<'r>, fault: &'n Fault) -> io::Result<Self> {
        let mut speaker = Self {
            stream,
            broken: fault.in_stream(),
            over: false,
        };
        if *fault == Fault::UnknownEvents {
            speaker.event(UNKNOWN).await?;
        }
        Ok(speaker)
    }

    /// Says an event that is content; it counts and keeps the pace.
    pub(crate) async fn content(&mut self, event: &str, said: &str) -> io::Result<()> {
        self.break_off(self.stream.deltas());
        if self.over {
            return Ok(());
        }
        let tokens = text::approximate(tokens(said));
        self.stream.delta(event.as_bytes(), tokens).await
    }

    /// Says an event at once.
    pub(crate) async fn event(&mut self, event: &str) -> io::Result<()> {
        if self.over {
            return Ok(());
        }
        self.stream.piece(event.as_bytes()).await
    }

    /// Waits.
    pub(crate) async fn pause(&mut self, time: Duration) -> io::Result<()> {
        self.stream.pause(time).await
    }

    /// Whether what is said from now on reaches nobody.
    pub(crate) fn is_over(&self) -> bool {
        self.over || self.stream.is_over()
    }

    /// Says that only the wire's own end follows: an error or a cut that waited for more content comes now.
    pub(crate) async fn ending(&mut self) -> io::Result<()> {
        self.break_off(usize::MAX);
        if self.over {
            return Ok(());
        }
        self.stream.ending().await
    }

    /// The name of the error that has ended the stream, if one has.
    pub(crate) fn error(&self) -> Option<&'n str> {
        self.broken.filter(|_| self.over).map(|(name, _)| name)
    }

    /// Says an event after everything is over: the one that tells of the error.
    pub(crate) async fn last_words(&mut self, event: &str) -> io::Result<()> {
        self.stream.piece(event.as_bytes()).await
    }

    /// Ends the body.
    pub(crate) async fn finish(self) -> io::Result<()> {
        self.stream.finish().await
    }

    fn break_off(&mut self, deltas: usize) {
        self.over |= self.broken.is_some_and(|(_, after)| deltas >= after);
    }
}
