//! Callers: a few at a time, each request a conversation of its own. They look at what they get.

use std::{
    collections::BTreeSet,
    mem,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
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
use tokio::{sync::watch, task::JoinSet};

use super::{
    cast::Cast,
    theatre::{KEY, ROUTE},
};

/// Requests at once.
const AT_ONCE: u64 = 6;
/// How many requests may be under way in the proxy, copies and comparisons included. Callers who went on ahead of their copies
/// would only make a queue, and whoever waits in it looks like a silent candidate.
const UNDER_WAY: u64 = 48;
/// Different callers.
const CALLERS: u64 = 5_000;

/// What callers saw.
#[derive(Debug)]
pub(super) struct Seen {
    /// Requests that may have been made.
    allowed: watch::Sender<u64>,
    answered: AtomicU64,
    errors: AtomicU64,
    candidate: Mutex<Answered>,
}

/// What the candidate answered in some time.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Answers.
    pub(super) answers: u64,
    /// Different callers that got one.
    pub(super) callers: BTreeSet<u64>,
    /// Answers that the route's process cannot take.
    pub(super) bad: u64,
    /// Different callers that got one of those.
    pub(super) hurt: BTreeSet<u64>,
}

/// Callers at work; they stop when this is dropped.
pub(super) struct Load {
    pub(super) seen: Arc<Seen>,
    _tasks: JoinSet<()>,
}

impl Load {
    /// Starts them. `is_bad` says of an answer whether it is one that the route's process cannot take.
    pub(super) fn start(target: SocketAddr, cast: &Arc<Cast>, is_bad: fn(&Value) -> bool) -> Self {
        let client: Http = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        let (seen, next) = (Arc::new(Seen::new()), Arc::<AtomicU64>::default());
        let mut tasks = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, cast) = (client.clone(), Arc::clone(cast));
            let (seen, next) = (Arc::clone(&seen), Arc::clone(&next));
            tasks.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    seen.turn_of(number).await;
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
    fn new() -> Self {
        Self {
            allowed: watch::Sender::new(UNDER_WAY),
            answered: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            candidate: Mutex::default(),
        }
    }

    /// Lets callers go on, as far as what is under way in the proxy has room for more.
    pub(super) fn go_on(&self, under_way: u64) {
        let (answered, errors) = self.totals();
        let room = UNDER_WAY.saturating_sub(under_way);
        self.allowed.send_if_modified(|allowed| {
            let more = answered + errors + room;
            let grows = more > *allowed;
            *allowed = more.max(*allowed);
            grows
        });
    }

    /// Waits until the request of this number may be made.
    async fn turn_of(&self, number: u64) {
        let mut allowed = self.allowed.subscribe();
        // The sender is this one's own, and is there as long as it is asked.
        allowed.wait_for(|allowed| number < *allowed).await.ok();
    }

    fn note(&self, number: u64, side: &str, bad: bool) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if side != "candidate" {
            return;
        }
        let caller = number % CALLERS;
        let mut candidate = self.candidate();
        candidate.answers += 1;
        candidate.callers.insert(caller);
        if bad {
            candidate.bad += 1;
            candidate.hurt.insert(caller);
        }
    }

    /// Requests answered, and requests that failed.
    pub(super) fn totals(&self) -> (u64, u64) {
        (
            self.answered.load(Ordering::Relaxed),
            self.errors.load(Ordering::Relaxed),
        )
    }

    /// What the candidate answered since this was last asked.
    pub(super) fn take_candidate(&self) -> Answered {
        mem::take(&mut self.candidate())
    }

    fn candidate(&self) -> MutexGuard<'_, Answered> {
        let candidate = self.candidate.lock();
        candidate.unwrap_or_else(PoisonError::into_inner)
    }
}
