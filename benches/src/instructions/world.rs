//! The data plane between a client and an upstream, all on one thread over loopback sockets, so that runs repeat.
//!
//! The candidate is a plain service that answers in Azure's shape: what Bedrock's own client costs is another matter, and this way
//! nothing of it has to be built.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http1::SendRequest,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::LocalSet,
};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crossfade_azure::{Primary, Settings};
use crossfade_compare::{CheckSettings, Checks};
use crossfade_exchange::{
    Allowance, BoxError, MetricSet, OutcomeMessage, Percent, RouteId, SideBody, SideRequest,
    SideResponse, full_body,
};
use crossfade_proxy::{
    Builder, Caps, HashKey, PlaneSettings, Proxy, Queued, RouteSettings, StickyBy,
};
use crossfade_rollout::{AttemptFacts, MirrorPlan, Phase, RoutePlan, Split, Stage};

use super::Scenario;
use crate::samples;

/// Chunks of a stream.
const CHUNKS: usize = 50;
/// Turns of the event loop between two chunks: enough for one to go all the way.
const HOPS: usize = 6;
/// Buckets of every histogram here.
const BUCKETS: [f64; 8] = [0.000_1, 0.001, 0.01, 0.1, 0.5, 1.0, 5.0, 30.0];

/// Requests before counting begins: connections are open by then, pools are warm, and nothing is met for the first time.
const WARM_UP: u64 = 50;

/// Plays a scenario this many times, one request after the other.
pub fn play(scenario: Scenario, requests: u64) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = LocalSet::new();
    let mut world = tasks.block_on(&runtime, World::start(scenario))?;
    tasks.block_on(&runtime, world.ask(WARM_UP))?;
    counted(&runtime, &tasks, &mut world, requests)
}

/// What callgrind counts: it looks for this function by its name.
#[inline(never)]
fn counted(
    runtime: &tokio::runtime::Runtime,
    tasks: &LocalSet,
    world: &mut World,
    requests: u64,
) -> anyhow::Result<()> {
    tasks.block_on(runtime, world.ask(requests))
}

/// A client with everything behind it.
struct World {
    scenario: Scenario,
    plane: Plane,
    client: SendRequest<Full<Bytes>>,
    checks: Checks,
    body: Bytes,
    path: &'static str,
}

impl World {
    async fn start(scenario: Scenario) -> anyhow::Result<Self> {
        let answer = Answer::of(scenario);
        let upstream = serve(upstream(answer.clone())).await?;
        let recorder = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)?
            .build_recorder();
        let candidate = Answer { hops: 0, ..answer };
        let plane =
            metrics::with_local_recorder(&recorder, || Plane::new(scenario, upstream, candidate))?;
        let target = match scenario.base() {
            None => upstream,
            Some(_) => serve(plane.proxy.clone()).await?,
        };
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        let (client, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::task::spawn_local(connection);
        Ok(Self {
            scenario,
            plane,
            client,
            checks: Checks::new(CheckSettings::default())?,
            body: samples::request(1024, scenario.streams()),
            path: if scenario == Scenario::Forward {
                samples::UNROUTED
            } else {
                samples::PATH
            },
        })
    }

    async fn ask(&mut self, requests: u64) -> anyhow::Result<()> {
        for _ in 0..requests {
            ask(&mut self.client, self.path, self.body.clone()).await?;
            if self.scenario.delivers() {
                let delivered = self.plane.exchanges.recv().await;
                let delivered = delivered.context("the queue is closed")?;
                if self.scenario == Scenario::Compared {
                    anyhow::ensure!(delivered.exchange.is_pair(), "the exchange is no pair");
                    drop(self.checks.compare(&delivered.exchange));
                }
                delivered.compared();
            }
            while self.plane.outcomes.try_recv().is_ok() {}
        }
        Ok(())
    }
}

async fn ask(client: &mut SendRequest<Full<Bytes>>, path: &str, body: Bytes) -> anyhow::Result<()> {
    let request = Request::post(path)
        .header(header::HOST, "bench.example")
        .header(header::CONTENT_TYPE, "application/json")
        .header("api-key", "bench-key")
        .body(Full::new(body))?;
    client.ready().await?;
    let answer = client.send_request(request).await?;
    anyhow::ensure!(answer.status().is_success(), "{}", answer.status());
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        drop(frame?);
    }
    Ok(())
}

/// What both sides answer: at once, or chunk by chunk.
#[derive(Clone)]
struct Answer {
    kind: &'static str,
    pieces: Arc<Vec<Bytes>>,
    /// Turns of the event loop between two chunks.
    hops: usize,
}

impl Answer {
    fn of(scenario: Scenario) -> Self {
        if scenario.streams() {
            Self {
                kind: "text/event-stream; charset=utf-8",
                pieces: Arc::new(samples::events(&samples::stream(CHUNKS))),
                hops: HOPS,
            }
        } else {
            Self {
                kind: "application/json",
                pieces: Arc::new(vec![samples::completion(&samples::text(700))]),
                hops: 0,
            }
        }
    }

    fn response(&self) -> SideResponse {
        let mut response = Response::builder()
            .header(header::CONTENT_TYPE, self.kind)
            .header("apim-request-id", "3e7b2c60-6f0d-4b7e-9a55-4b9d7d1c0e57")
            .header("x-ms-region", "East US 2")
            .header("x-ratelimit-remaining-requests", "5999")
            .header("x-ratelimit-remaining-tokens", "5999000")
            .header(header::DATE, "Mon, 07 Jul 2025 12:00:00 GMT");
        let body = if let [whole] = self.pieces.as_slice() {
            response = response.header(header::CONTENT_LENGTH, whole.len());
            full_body(whole.clone())
        } else {
            let hops = self.hops;
            let frames = stream::unfold(
                (Arc::clone(&self.pieces), 0),
                move |(pieces, next)| async move {
                    let piece = pieces.get(next)?.clone();
                    // Each chunk is on its way before the next one is made, as if it came from afar.
                    for _ in 0..hops {
                        tokio::task::yield_now().await;
                    }
                    Some((Ok(Frame::data(piece)), (pieces, next + 1)))
                },
            );
            StreamBody::new(frames).boxed_unsync()
        };
        response
            .body(body)
            .unwrap_or_else(|_| Response::new(full_body(Bytes::new())))
    }
}

/// An upstream that reads each request to its end and answers.
fn upstream(answer: Answer) -> Proxy {
    BoxCloneSyncService::new(tower::service_fn(move |request: Request<SideBody>| {
        let answer = answer.clone();
        async move {
            // A body that broke is the client's to notice.
            drop(request.into_body().collect().await);
            Ok(answer.response())
        }
    }))
}

/// A candidate that answers at once.
fn candidate(answer: Answer) -> crossfade_proxy::Side {
    BoxCloneSyncService::new(tower::service_fn(move |_: SideRequest| {
        std::future::ready(Ok(answer.response()))
    }))
}

/// Serves on a port of the loopback, as the program's own listener does.
async fn serve(service: Proxy) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Only latency is lost without it.
            drop(stream.set_nodelay(true));
            let service = service.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let request = request.map(|body| body.map_err(BoxError::from).boxed_unsync());
                service.clone().oneshot(request)
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .preserve_header_case(true)
                .auto_date_header(false)
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(120))
                .max_headers(256)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            tokio::task::spawn_local(connection);
        }
    });
    Ok(address)
}

/// The data plane with the ends of its queues.
struct Plane {
    proxy: Proxy,
    exchanges: mpsc::Receiver<Queued>,
    outcomes: mpsc::Receiver<OutcomeMessage>,
    _split: watch::Sender<Arc<Split>>,
}

impl Plane {
    fn new(scenario: Scenario, upstream: SocketAddr, answer: Answer) -> anyhow::Result<Self> {
        let (queue, exchanges) = mpsc::channel(1024);
        let (outcomes, messages) = mpsc::channel(65_536);
        let (split, watched) = watch::channel(Arc::new(split(scenario)));
        let primary = Primary::new(Settings::new(format!("http://{upstream}").parse()?))?;
        let forward = tower::service_fn(move |request: Request<SideBody>| {
            let primary = primary.clone();
            async move { primary.forward(request).await.map_err(BoxError::from) }
        });
        let builder = Builder {
            settings: PlaneSettings::default(),
            key: HashKey::new([7; 32]),
            forward: BoxCloneSyncService::new(forward),
            queue,
            outcomes,
            replica: 1,
            routes: vec![(samples::DEPLOYMENT.to_owned(), route(answer), watched)],
        };
        let (proxy, _handle) = builder.build();
        Ok(Self {
            proxy,
            exchanges,
            outcomes: messages,
            _split: split,
        })
    }
}

fn route(answer: Answer) -> RouteSettings {
    RouteSettings {
        id: RouteId::new(samples::DEPLOYMENT),
        // Every request its own, or a share would be all or nothing.
        sticky_by: StickyBy::Request,
        mirror: MirrorPlan {
            share: Percent::HUNDRED,
            reverse_share: Percent::ZERO,
        },
        eligibility: Arc::new(|_, _| Ok(Allowance::Either)),
        minted: Arc::new(|_| false),
        loosen: Arc::new(|_| None),
        applies: Arc::new(|_, _| MetricSet::of_checks()),
        candidate: candidate(answer),
        fallback_after: Duration::from_secs(10),
        candidate_streams: true,
        price: None,
        primary_price: None,
        caps: Caps::default(),
        internal: crossfade_proxy::InternalCallers::default(),
    }
}

fn split(scenario: Scenario) -> Split {
    let route = RouteId::new(samples::DEPLOYMENT);
    let initial = Split::initial(route.clone());
    if scenario != Scenario::Split {
        return Split {
            mirror_enabled: scenario.delivers(),
            ..initial
        };
    }
    Split {
        share: Percent::new(10.0).unwrap_or(Percent::ZERO),
        salt: 42,
        stage: Stage::Ramp,
        attempt: Some(AttemptFacts::freeze(
            1,
            Phase::Attempt,
            &RoutePlan::new(route),
            None,
        )),
        lease_until: Some(Instant::now() + Duration::from_secs(86_400)),
        ..initial
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_plays() {
        for scenario in Scenario::ALL {
            let played = play(*scenario, 30);
            assert!(played.is_ok(), "{scenario}: {played:?}");
        }
    }
}
