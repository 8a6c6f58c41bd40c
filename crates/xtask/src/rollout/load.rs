//! Callers: a few at a time, each request a conversation of its own. They look at what they get.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::task::JoinSet;

use super::{
    cast::Cast,
    theatre::{KEY, ROUTE},
};

/// Requests at once.
const AT_ONCE: u64 = 6;
/// Different callers.
const CALLERS: u64 = 5_000;

/// What callers saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    answered: AtomicU64,
    errors: AtomicU64,
    /// Callers that got a bad answer from the candidate, and how many such answers there were.
    hurt: Mutex<(BTreeSet<u64>, u64)>,
    /// Requests that were answered by the candidate since this was last set to 0.
    by_candidate: AtomicU64,
}

/// Callers at work; they stop when this is dropped.
pub(super) struct Load {
    pub(super) seen: Arc<Seen>,
    _tasks: JoinSet<()>,
}

impl Load {
    /// Starts them. `is_bad` says of the text of an answer whether it is one that the route's process cannot take.
    pub(super) fn start(target: SocketAddr, cast: &Arc<Cast>, is_bad: fn(&Value) -> bool) -> Self {
        let client: Http = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let (seen, next) = (Arc::<Seen>::default(), Arc::<AtomicU64>::default());
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, cast) = (client.clone(), Arc::clone(cast));
            let (seen, next) = (Arc::clone(&seen), Arc::clone(&next));
            tasks.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    match ask(&client, target, &cast, number).await {
                        Ok((side, answer)) => seen.note(number, &side, is_bad(&answer)),
                        Err(_) => drop(seen.errors.fetch_add(1, Ordering::Relaxed)),
                    }
                }
            });
        }
        Self {
            seen,
            _tasks: tasks,
        }
    }
}

type Http = Client<HttpConnector, Full<Bytes>>;

/// Who answered, and the answer.
async fn ask(
    client: &Http,
    target: SocketAddr,
    cast: &Cast,
    number: u64,
) -> Result<(String, Value)> {
    let at = usize::try_from(number).unwrap_or_default() % cast.scenes.len();
    let scene = cast.scenes.get(at).context("no scene")?;
    let body = scene.request(number, &format!("caller-{}", number % CALLERS));
    let path = format!("openai/deployments/{ROUTE}/chat/completions?api-version=2024-10-21");
    let request = Request::post(format!("http://{target}/{path}"))
        .header("api-key", KEY)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body.to_string()))?;
    let answer = client.request(request).await?;
    let side = answer.headers().get("x-crossfade-side");
    let side = side.and_then(|side| side.to_str().ok()).unwrap_or_default();
    let side = side.to_owned();
    let good = answer.status().is_success();
    let body = answer.into_body().collect().await?.to_bytes();
    anyhow::ensure!(good, "an error");
    Ok((side, serde_json::from_slice(&body)?))
}

// === impl Seen ===

impl Seen {
    fn note(&self, number: u64, side: &str, bad: bool) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if side != "candidate" {
            return;
        }
        self.by_candidate.fetch_add(1, Ordering::Relaxed);
        if bad {
            let mut hurt = self.hurt.lock().unwrap_or_else(PoisonError::into_inner);
            hurt.0.insert(number % CALLERS);
            hurt.1 += 1;
        }
    }

    /// Requests answered, and requests that failed.
    pub(super) fn totals(&self) -> (u64, u64) {
        (
            self.answered.load(Ordering::Relaxed),
            self.errors.load(Ordering::Relaxed),
        )
    }

    /// Callers that saw a bad answer of the candidate, and such answers.
    pub(super) fn hurt(&self) -> (usize, u64) {
        let hurt = self.hurt.lock().unwrap_or_else(PoisonError::into_inner);
        (hurt.0.len(), hurt.1)
    }

    /// Answers of the candidate since this was last asked.
    pub(super) fn take_by_candidate(&self) -> u64 {
        self.by_candidate.swap(0, Ordering::Relaxed)
    }
}
