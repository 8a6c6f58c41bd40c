//! Embeddings by an endpoint: texts wait until there are enough of them or the oldest has waited long enough, then go
//! together in one call. What waits is bounded, and so are the calls under way.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use crate::{
    Asked, CallError,
    call::call,
    embedder::{EmbedError, Vector},
};

/// How an endpoint is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointSettings {
    /// The path of the embeddings operation, with its query string.
    pub path: String,
    /// The `model` in the body, where the path does not name the deployment.
    pub model: Option<String>,
    /// The length that vectors shall have; the model's own if absent.
    pub dimensions: Option<u32>,
    /// Texts in one call.
    pub batch: usize,
    /// How long a text waits for others.
    pub wait: Duration,
    /// Calls under way.
    pub concurrency: usize,
    /// Texts that may wait; a further one is refused.
    pub queue: usize,
    /// How long a call may take.
    pub deadline: Duration,
    /// Characters of a text that are sent: the rest is cut off, so that no text is over the model's limit.
    pub longest_text: usize,
}

/// Where texts wait.
#[derive(Clone, Debug)]
pub(crate) struct Queue {
    waiting: mpsc::Sender<Waiting>,
}

/// What makes the calls: a task of the caller's runs it.
#[derive(Debug)]
pub struct Batcher {
    waiting: mpsc::Receiver<Waiting>,
    caller: Caller,
}

#[derive(Clone, Debug)]
struct Caller {
    service: Asked,
    settings: Arc<EndpointSettings>,
}

#[derive(Debug)]
struct Waiting {
    text: String,
    answer: oneshot::Sender<Result<Vector, EmbedError>>,
}

/// A batch that is not full yet.
#[derive(Debug, Default)]
struct Gathering {
    batch: Vec<Waiting>,
    until: Option<Instant>,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Embedding>,
}

#[derive(Deserialize)]
struct Embedding {
    index: usize,
    embedding: Vec<f32>,
}

// === impl EndpointSettings ===

impl EndpointSettings {
    /// The usual bounds for a path.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            model: None,
            dimensions: None,
            batch: 64,
            wait: Duration::from_millis(50),
            concurrency: 4,
            queue: 4_096,
            deadline: Duration::from_secs(30),
            // 8 191 tokens is what common models take, and a character may be a token.
            longest_text: 8_000,
        }
    }
}

// === impl Queue ===

impl Queue {
    pub(crate) async fn embed(&self, text: &str) -> Result<Vector, EmbedError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            text: text.to_owned(),
            answer,
        };
        self.waiting
            .try_send(waiting)
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => EmbedError::Full,
                mpsc::error::TrySendError::Closed(_) => EmbedError::Closed,
            })?;
        answered.await.map_err(|_| EmbedError::Closed)?
    }
}

// === impl Batcher ===

impl Batcher {
    pub(crate) fn new(service: Asked, settings: EndpointSettings) -> (Queue, Self) {
        let (waiting, receiver) = mpsc::channel(settings.queue.max(1));
        let caller = Caller {
            service,
            settings: Arc::new(settings),
        };
        let batcher = Self {
            waiting: receiver,
            caller,
        };
        (Queue { waiting }, batcher)
    }

    /// Makes calls until every [`crate::Embedder`] of it is gone.
    pub async fn run(self) {
        let Self {
            mut waiting,
            caller,
        } = self;
        let settings = Arc::clone(&caller.settings);
        let mut under_way = FuturesUnordered::new();
        let mut gathering = Gathering::default();
        loop {
            let room = under_way.len() < settings.concurrency.max(1);
            tokio::select! {
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
                more = gathering.fill(&mut waiting, settings.batch.max(1), settings.wait), if room => {
                    if !more {
                        break;
                    }
                    let batch = std::mem::take(&mut gathering.batch);
                    under_way.push(caller.clone().embed(batch).boxed());
                }
            }
        }
        while under_way.next().await.is_some() {}
    }
}

// === impl Gathering ===

impl Gathering {
    /// Waits for the next batch: what waits already, and what comes while the first of it waits; `false` if nothing will come
    /// any more. If this is dropped, what was gathered stays for the next time.
    async fn fill(
        &mut self,
        waiting: &mut mpsc::Receiver<Waiting>,
        full: usize,
        wait: Duration,
    ) -> bool {
        loop {
            let next = match self.until.filter(|_| !self.batch.is_empty()) {
                None => match waiting.recv().await {
                    Some(first) => {
                        self.until = Some(Instant::now() + wait);
                        Some(first)
                    }
                    None => return false,
                },
                Some(until) => tokio::time::timeout_at(until, waiting.recv())
                    .await
                    .unwrap_or(None),
            };
            let Some(next) = next else { return true };
            self.batch.push(next);
            if self.batch.len() >= full {
                return true;
            }
        }
    }
}

// === impl Caller ===

impl Caller {
    async fn embed(self, mut batch: Vec<Waiting>) {
        // Whoever no longer waits is not paid for.
        batch.retain(|waiting| !waiting.answer.is_closed());
        // A text that the model does not take is not to cost those that went with it: each half is asked for again.
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let texts: Vec<&str> = part.iter().map(|waiting| waiting.text.as_str()).collect();
            match self.vectors(&texts).await {
                Ok(vectors) => {
                    for (waiting, vector) in part.into_iter().zip(vectors) {
                        drop(waiting.answer.send(Ok(vector)));
                    }
                }
                Err(CallError::Status(400 | 413 | 422)) if part.len() > 1 => {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
                Err(error) => {
                    for waiting in part {
                        drop(waiting.answer.send(Err(error.into())));
                    }
                }
            }
        }
    }

    async fn vectors(&self, texts: &[&str]) -> Result<Vec<Vector>, CallError> {
        let settings = &self.settings;
        let mut body = json!({ "input": texts });
        if let Some(body) = body.as_object_mut() {
            let model = settings
                .model
                .as_deref()
                .map(|model| ("model", json!(model)));
            let dimensions = settings
                .dimensions
                .map(|count| ("dimensions", json!(count)));
            for (key, value) in model.into_iter().chain(dimensions) {
                body.insert(key.to_owned(), value);
            }
        }
        let body = Bytes::from(body.to_string());
        let service = self.service.clone();
        let answer: Answer = call(service, &settings.path, body, settings.deadline).await?;
        let mut vectors: Vec<Option<Vector>> = vec![None; texts.len()];
        for Embedding { index, embedding } in answer.data {
            let place = vectors.get_mut(index).ok_or(CallError::Malformed)?;
            *place = Some(embedding.into());
        }
        vectors
            .into_iter()
            .collect::<Option<Vec<Vector>>>()
            .ok_or(CallError::Malformed)
    }
}
