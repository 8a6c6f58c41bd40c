//! What tells a process to stop: an interrupt from the terminal, or the wish of whoever started it.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Both signals, as far as they can be heard.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

// === impl Signals ===

impl Signals {
    /// Listens from now on: what is told before the first [`Signals::told`] is heard by it. Until this is called the system's default
    /// ends the process, so it comes before anything says that the process runs.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
