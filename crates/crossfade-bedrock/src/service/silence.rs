//! One clock for the time without a sign of life, from the request on and through a retry.
//!
//! A sign of life is an event of the answer, one of mere reasoning included. The head of a response is none: a provider
//! sends it before its model has done anything.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, timeout_at};

use crate::answer::FaultKind;

/// A silence that lasts, and how long it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Silence {
    since: Instant,
    limit: Duration,
}

// === impl Silence ===

impl Silence {
    /// Nothing was heard since then.
    pub(super) const fn since(since: Instant, limit: Duration) -> Self {
        Self { since, limit }
    }

    /// Something was heard: the next silence begins.
    pub(super) fn ended(&mut self) {
        self.since = Instant::now();
    }

    /// From here on it may last as long as this.
    pub(super) const fn allow(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Waits for what may end the silence, at most as long as it may last. That it came in time does not end it: the
    /// caller of this knows what it was.
    pub(super) async fn bound<F: Future>(&self, awaited: F) -> Result<F::Output, FaultKind> {
        match self.since.checked_add(self.limit) {
            None => Ok(awaited.await),
            Some(end) => timeout_at(end, awaited)
                .await
                .map_err(|_| FaultKind::Silent),
        }
    }
}
