//! The calls of one request, some at a time. A call that was answered is not made again when the others are.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

/// How many calls of one request are under way at once; the others wait.
const AT_ONCE: usize = 8;

/// One call's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invoked {
    /// The body.
    pub(crate) body: Bytes,
    /// Tokens of the input, by the answer's head.
    pub(crate) tokens: Option<u64>,
}

/// Calls, and the answers that have come. As many as the primary's own limit of texts at most.
#[derive(Debug)]
pub(crate) struct Invocations {
    calls: Vec<Bytes>,
    answers: Mutex<Vec<Option<Invoked>>>,
}

// === impl Invocations ===

impl Invocations {
    /// None of these was made yet.
    pub(crate) fn new(calls: Vec<Bytes>) -> Self {
        let answers = Mutex::new(vec![None; calls.len()]);
        Self { calls, answers }
    }

    /// The calls' bodies, in their order.
    pub(crate) fn into_bodies(self) -> Vec<Bytes> {
        self.calls
    }

    /// Makes those calls that have no answer; gives all answers in the calls' order.
    ///
    /// # Errors
    /// The first failure. The answers until then are kept, and calls that were under way are dropped.
    pub(crate) async fn make<F, E>(&self, call: impl Fn(Bytes) -> F) -> Result<Vec<Invoked>, E>
    where
        F: Future<Output = Result<Invoked, E>>,
    {
        let open: Vec<usize> = {
            let answers = self.answers();
            let places = answers.iter().enumerate();
            places
                .filter(|(_, answer)| answer.is_none())
                .map(|(place, _)| place)
                .collect()
        };
        let calls = open.into_iter().filter_map(|place| {
            let answer = call(self.calls.get(place)?.clone());
            Some(async move { answer.await.map(|answer| self.put(place, answer)) })
        });
        stream::iter(calls)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        Ok(self.answers().iter_mut().filter_map(Option::take).collect())
    }

    fn put(&self, place: usize, answer: Invoked) {
        if let Some(held) = self.answers().get_mut(place) {
            *held = Some(answer);
        }
    }

    fn answers(&self) -> std::sync::MutexGuard<'_, Vec<Option<Invoked>>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
