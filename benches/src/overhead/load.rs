//! Load at a constant rate that waits for nobody, and answers held against what Azure says directly.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use crossfade_sim::{corpus::Corpus, script::unit_interval};

use super::process::ROUTE;
use crate::{samples, stats::quantile};

/// How long a caller waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request, and what Azure answers to it.
#[derive(Clone, Debug)]
pub struct Sample {
    request: Bytes,
    status: u16,
    answer: Bytes,
}

/// Who sends the load. Its connections live as long as it does.
#[derive(Clone, Debug)]
pub struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    samples: Arc<Vec<Sample>>,
}

/// What one block saw.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Microseconds from sending to the last byte, sorted, without the block's beginning.
    pub micros: Vec<f64>,
    /// Requests sent.
    pub sent: u64,
    /// Answers that were not, byte for byte, Azure's.
    pub failed: u64,
    /// Nanoseconds of the proxy's CPU in the block.
    pub cpu_nanos: u64,
}

/// Blocks with the mirror off, each with its neighbour with the mirror on.
#[derive(Clone, Debug, Default)]
pub struct Pairs(pub Vec<(Block, Block)>);

impl Caller {
    /// Asks Azure itself for every sample first. Its simulation must be steady, or no answer would ever come twice. The samples are
    /// the corpus', or plain text of `request_bytes`.
    pub async fn prepare(
        azure: SocketAddr,
        samples: usize,
        request_bytes: Option<usize>,
    ) -> anyhow::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(connector);
        let corpus = Corpus::new();
        let mut prepared = Vec::new();
        for serial in 0..samples as u64 {
            let request = if let Some(bytes) = request_bytes {
                samples::request(bytes, serial.is_multiple_of(2))
            } else {
                let prompt = corpus
                    .pick(unit_interval(serial))
                    .context("the corpus is empty")?;
                Bytes::from(prompt.request(ROUTE, serial).to_string())
            };
            let (status, answer) = ask(&client, azure, request.clone()).await?;
            prepared.push(Sample {
                request,
                status,
                answer,
            });
        }
        Ok(Self {
            client,
            samples: Arc::new(prepared),
        })
    }

    /// Sends `rate` requests a second for `length`, beginning with the sample `first`, and waits for the answers. What is sent
    /// during the first `settle` is held against Azure, but not timed.
    pub async fn block(
        &self,
        target: SocketAddr,
        rate: f64,
        (settle, length): (Duration, Duration),
        first: u64,
    ) -> Block {
        let gap = Duration::from_secs_f64(1.0 / rate);
        let begun = Instant::now();
        let mut calls = JoinSet::new();
        let mut block = Block::default();
        let mut due = begun;
        while due < begun + settle + length {
            sleep_until(due).await;
            let timed = due >= begun + settle;
            calls.spawn(self.clone().call(target, first + block.sent, timed));
            block.sent += 1;
            due += gap;
        }
        while let Some(ended) = calls.join_next().await {
            match ended {
                Ok(Some((micros, true))) => block.micros.push(micros),
                Ok(Some((_, false))) => {}
                Ok(None) | Err(_) => block.failed += 1,
            }
        }
        block.micros.sort_by(f64::total_cmp);
        block
    }

    /// The time until the last byte, in microseconds, with `timed`; `None` if the answer was not Azure's.
    async fn call(self, target: SocketAddr, number: u64, timed: bool) -> Option<(f64, bool)> {
        let index = usize::try_from(number).ok()? % self.samples.len();
        let sample = self.samples.get(index)?;
        let begun = Instant::now();
        let asked = ask(&self.client, target, sample.request.clone());
        let (status, answer) = timeout(PATIENCE, asked).await.ok()?.ok()?;
        let micros = begun.elapsed().as_secs_f64() * 1e6;
        (status == sample.status && answer == sample.answer).then_some((micros, timed))
    }
}

async fn ask(
    client: &Client<HttpConnector, Full<Bytes>>,
    target: SocketAddr,
    body: Bytes,
) -> anyhow::Result<(u16, Bytes)> {
    let uri = format!(
        "http://{target}/openai/deployments/{ROUTE}/chat/completions?api-version=2024-10-21"
    );
    let request = Request::post(uri)
        .header(header::CONTENT_TYPE, "application/json")
        .header("api-key", "bench-key")
        .body(Full::new(body))?;
    let answer = client.request(request).await?;
    let status = answer.status().as_u16();
    Ok((status, answer.into_body().collect().await?.to_bytes()))
}

impl Block {
    /// A quantile of the times, in microseconds.
    pub fn quantile(&self, q: f64) -> f64 {
        quantile(&self.micros, q).unwrap_or_default()
    }

    /// Microseconds of the proxy's CPU for each request.
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    pub fn cpu(&self) -> f64 {
        self.cpu_nanos as f64 / 1e3 / self.sent.max(1) as f64
    }
}

impl Pairs {
    /// Pairs of `(off, on)` of something that a block says.
    pub fn of(&self, what: impl Fn(&Block) -> f64) -> Vec<(f64, f64)> {
        self.0
            .iter()
            .map(|(off, on)| (what(off), what(on)))
            .collect()
    }

    /// The sum of something that a block says.
    pub fn sum(&self, what: impl Fn(&Block) -> u64) -> u64 {
        self.0.iter().map(|(off, on)| what(off) + what(on)).sum()
    }
}
