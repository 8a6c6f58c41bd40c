//! The whole stack between two scripted sides: which operations go where, and how each is counted.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use crossfade_exchange::{
    Allowance, BoxError, Exchange, Face, Failover, Group, IneligibleReason, Metric, MetricSet,
    MirrorOnlyReason, Operation, OutcomeMessage, Patience, Percent, RouteId, SideReport,
    SideRequest, SideResponse, Unsupported, full_body,
};
use crossfade_rollout::{AttemptFacts, MirrorPlan, RoutePlan, Split, Stage};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::{mpsc, watch};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};

use super::*;
use crate::{Accounting, Caps, StickyBy};

mod draws;
mod ends;
mod face;
mod pairs;
mod pinned;
mod repeat;

const PRIMARY: &str = "the primary";
const CANDIDATE: &str = "the candidate";
/// Ids that the candidate mints.
const MARK: &str = "resp_marked";

/// What one side was asked: method, path, and the face it was shown.
type Asked = Arc<Mutex<Vec<(Method, String, Option<Face>)>>>;

/// What holds the candidate's answers back, for as long as there is a sender.
type Gate = Arc<Mutex<Option<watch::Receiver<()>>>>;

/// A candidate that waits for the gate.
fn gated(side: crate::Side, gate: Gate) -> crate::Side {
    BoxCloneSyncService::new(service_fn(move |request: SideRequest| {
        let (side, held) = (side.clone(), gate.lock().unwrap().clone());
        async move {
            if let Some(mut held) = held {
                while held.changed().await.is_ok() {}
            }
            side.oneshot(request).await
        }
    }))
}

/// How the sides answer.
#[derive(Clone, Copy)]
struct Script {
    percent: f64,
    reverse: f64,
    primary: (u16, &'static str),
    candidate: Option<Failover>,
    /// What the candidate says where it does not fail.
    says: &'static str,
}

const SCRIPT: Script = Script {
    percent: 0.0,
    reverse: 0.0,
    primary: (200, PRIMARY),
    candidate: None,
    says: CANDIDATE,
};

struct World {
    proxy: Proxy,
    handle: ProxyHandle,
    primary: Asked,
    candidate: Asked,
    queue: mpsc::Receiver<Queued>,
    outcomes: mpsc::Receiver<OutcomeMessage>,
    gate: Gate,
    // The split stays as it is.
    split: watch::Sender<Arc<Split>>,
}

/// What stands before an answer in one piece whose connection never tells of its end.
const ENDLESS: &str = "endless ";

fn endless(body: &'static str) -> SideBody {
    let piece = http_body::Frame::data(Bytes::from_static(body.as_bytes()));
    let piece = futures_util::stream::iter([Ok::<_, BoxError>(piece)]);
    let never = futures_util::stream::pending();
    StreamBody::new(futures_util::StreamExt::chain(piece, never)).boxed_unsync()
}

fn answer(status: u16, body: &'static str) -> SideResponse {
    let (bytes, body) = match body.strip_prefix(ENDLESS) {
        Some(body) => (endless(body), body),
        None => (full_body(Bytes::from_static(body.as_bytes())), body),
    };
    let mut answer = http::Response::new(bytes);
    if body.starts_with("data: ") || body.starts_with("event: ") {
        let kind = "text/event-stream".parse().unwrap();
        answer.headers_mut().insert("content-type", kind);
    }
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}

fn note(asked: &Asked, method: &Method, path: &str, face: Option<Face>) {
    asked
        .lock()
        .unwrap()
        .push((method.clone(), path.to_owned(), face));
}

/// By what the body says: `state` names the candidate's, `lossy` is mirrored only, `hard` is not for the candidate.
fn eligibility(operation: Operation, body: &Bytes) -> Result<Allowance, Unsupported> {
    let says = |word: &str| body.windows(word.len()).any(|part| part == word.as_bytes());
    if says(MARK) {
        return Ok(Allowance::CandidateOnly);
    }
    if says("hard") {
        return Err(Unsupported {
            field: "hard".to_owned(),
            why: "it is hard".into(),
            reason: IneligibleReason::Unsupported,
        });
    }
    Ok(match operation {
        Operation::Embeddings => Allowance::MirrorOnly(MirrorOnlyReason::Embeddings),
        _ if says("lossy") => Allowance::MirrorOnly(MirrorOnlyReason::Loss),
        Operation::Chat | Operation::Responses => Allowance::Either,
    })
}

/// A candidate that answers, or says that the other side should.
fn scripted_candidate(script: Script, asked: Asked) -> crate::Side {
    BoxCloneSyncService::new(service_fn(move |request: SideRequest| {
        let face = request.extensions().get::<Face>().cloned();
        // Only where another side can answer is there a limit to patience.
        let replaceable = request.extensions().get::<Patience>().is_some();
        let says = |word: &str| {
            request
                .body()
                .windows(word.len())
                .any(|part| part == word.as_bytes())
        };
        let pinned = request.uri().path().contains(MARK) || (says(MARK) && !says("loose"));
        assert!(
            !(pinned && replaceable),
            "a pinned request cannot be answered by another side"
        );
        note(&asked, request.method(), request.uri().path(), face);
        let mut answer = match script.candidate {
            Some(_) => answer(503, "no candidate"),
            None => answer(200, script.says),
        };
        answer.extensions_mut().insert(SideReport {
            failover: script.candidate,
            ..SideReport::default()
        });
        async move { Ok::<_, BoxError>(answer) }
    }))
}

/// What the rollout allows at this share.
fn split(percent: f64, id: RouteId) -> Split {
    let share = Percent::new(percent).unwrap();
    Split {
        share,
        salt: 3,
        stage: if share.is_zero() {
            Stage::Shadow
        } else {
            Stage::Ramp
        },
        attempt: Some(AttemptFacts::freeze(
            1,
            crossfade_rollout::Phase::Attempt,
            &RoutePlan::new(id.clone()),
            None,
        )),
        lease_until: Some(Instant::now() + Duration::from_secs(600)),
        ..Split::initial(id)
    }
}

fn world(script: Script) -> World {
    world_of(script, PlaneSettings::default(), &[])
}

/// An Azure whose answers carry these headers.
fn scripted_primary(
    script: Script,
    asked: Asked,
    headers: &'static [(&'static str, &'static str)],
) -> Forward {
    BoxCloneSyncService::new(service_fn(move |request: Request<SideBody>| {
        note(&asked, request.method(), request.uri().path(), None);
        let (status, body) = match request.uri().query() {
            Some("prime") => (200, PRIMARY),
            _ => script.primary,
        };
        let mut answer = answer(status, body);
        for (name, value) in headers {
            answer.headers_mut().insert(*name, value.parse().unwrap());
        }
        async move { Ok::<_, BoxError>(answer) }
    }))
}

/// With these bounds, and an Azure whose answers carry these headers.
fn world_of(
    script: Script,
    plane: PlaneSettings,
    headers: &'static [(&'static str, &'static str)],
) -> World {
    let (primary, candidate) = (Asked::default(), Asked::default());
    let gate = Gate::default();
    let asked = Arc::clone(&primary);
    let forward = scripted_primary(script, asked, headers);
    let side = gated(
        scripted_candidate(script, Arc::clone(&candidate)),
        Arc::clone(&gate),
    );
    let id = RouteId::new("support");
    let settings = RouteSettings {
        id: id.clone(),
        sticky_by: StickyBy::Conversation,
        mirror: MirrorPlan {
            share: Percent::HUNDRED,
            reverse_share: Percent::new(script.reverse).unwrap(),
        },
        eligibility: Arc::new(eligibility),
        minted: Arc::new(|id| id.starts_with(MARK)),
        loosen: Arc::new(|body| {
            let is_loose = body.windows(5).any(|part| part == b"loose");
            is_loose.then(|| Bytes::from_static(b"{}"))
        }),
        applies: Arc::new(|_, _| MetricSet::all()),
        candidate: side,
        fallback_after: Duration::from_secs(5),
        candidate_streams: true,
        price: None,
        primary_price: None,
        caps: Caps::default(),
        internal: crate::InternalCallers::default(),
    };
    let split = Arc::new(split(script.percent, id));
    let (of_split, split) = watch::channel(split);
    let (to_queue, queue) = mpsc::channel(64);
    let (to_outcomes, outcomes) = mpsc::channel(1024);
    let (proxy, handle) = Builder {
        settings: plane,
        key: HashKey::new([7; 32]),
        forward,
        queue: to_queue,
        outcomes: to_outcomes,
        replica: 0,
        routes: vec![("support".to_owned(), settings, split)],
    }
    .build();
    World {
        proxy,
        handle,
        primary,
        candidate,
        queue,
        outcomes,
        gate,
        split: of_split,
    }
}

const CHAT: &str = "/openai/deployments/support/chat/completions";
const RESPONSES: &str = "/openai/v1/responses";

impl World {
    /// Holds the candidate's answers back until the sender is dropped.
    fn hold_candidate(&self) -> watch::Sender<()> {
        let (sender, receiver) = watch::channel(());
        *self.gate.lock().unwrap() = Some(receiver);
        sender
    }

    /// An answer whose body has not been read.
    async fn open(&self, path: &str, body: &str) -> SideResponse {
        self.begin(Method::POST, path, body).await
    }

    async fn begin(&self, method: Method, path: &str, body: &str) -> SideResponse {
        let mut request = Request::new(full_body(Bytes::copy_from_slice(body.as_bytes())));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        request
            .headers_mut()
            .insert("api-key", "k".parse().unwrap());
        self.proxy.clone().oneshot(request).await.unwrap()
    }

    async fn ask(&self, method: Method, path: &str, body: &str) -> (u16, String) {
        let answer = self.begin(method, path, body).await;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn post(&self, path: &str, body: &str) -> (u16, String) {
        self.ask(Method::POST, path, body).await
    }

    /// Azure accepts the caller.
    async fn prime(&self) {
        let prime = format!("{CHAT}?prime");
        assert_eq!(self.post(&prime, "{\"hard\":1}").await.0, 200);
    }

    fn counts(&self) -> Accounting {
        let counts = self.handle.accounting().remove(0);
        assert!(counts.holds(), "{counts:?}");
        counts
    }

    fn of_candidate(&self) -> usize {
        self.candidate.lock().unwrap().len()
    }

    fn of_primary(&self) -> usize {
        self.primary.lock().unwrap().len()
    }

    async fn compared(&mut self) -> Exchange {
        let queued = self.queue.recv().await.unwrap();
        let exchange = queued.exchange.clone();
        queued.compared();
        exchange
    }
}

#[tokio::test]
async fn each_operation_is_mirrored_as_what_it_is() {
    for (path, body, operation) in [
        (CHAT, "{}", Operation::Chat),
        (
            RESPONSES,
            "{\"model\":\"support\",\"input\":\"hello\"}",
            Operation::Responses,
        ),
        (
            "/openai/responses?api-version=2025-04-01-preview",
            "{\"model\":\"support\",\"input\":\"hello\"}",
            Operation::Responses,
        ),
        (
            "/openai/deployments/support/embeddings",
            "{\"input\":\"x\"}",
            Operation::Embeddings,
        ),
        (
            "/openai/v1/embeddings",
            "{\"model\":\"support\",\"input\":\"x\"}",
            Operation::Embeddings,
        ),
    ] {
        let mut world = world(SCRIPT);
        assert_eq!(
            world.post(path, body).await,
            (200, PRIMARY.to_owned()),
            "{path}"
        );
        let exchange = world.compared().await;
        assert_eq!(
            (exchange.operation, exchange.is_pair()),
            (operation, true),
            "{path}"
        );
        assert_eq!(world.counts().compared.values().sum::<u64>(), 1, "{path}");
    }
}

#[tokio::test]
async fn an_exchange_names_its_caller_by_keyed_hashes() {
    let key = HashKey::new([7; 32]);
    for (body, user) in [
        ("{}", None),
        ("{\"user\":\"u\"}", Some("u")),
        ("{\"user\":\"u\",\"safety_identifier\":\"s\"}", Some("s")),
    ] {
        let mut world = world(SCRIPT);
        world.post(CHAT, body).await;
        let caller = world.compared().await.caller;
        assert_eq!(
            caller.credential,
            Some(key.caller_of_credential("k")),
            "{body}"
        );
        assert_eq!(
            caller.user,
            user.map(|user| key.caller_of_user(user)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn what_no_route_covers_or_nobody_mirrors_is_passed_on() {
    for (method, path, body, reason) in [
        (
            Method::GET,
            "/openai/v1/responses/resp_1",
            "",
            IneligibleReason::Operation,
        ),
        (
            Method::POST,
            "/openai/v1/responses/resp_1/cancel",
            "",
            IneligibleReason::Operation,
        ),
        (
            Method::POST,
            RESPONSES,
            "{\"model\":\"other\"}",
            IneligibleReason::Unrouted,
        ),
        (
            Method::POST,
            RESPONSES,
            "{\"input\":\"no model\"}",
            IneligibleReason::Unrouted,
        ),
        (
            Method::POST,
            "/openai/v1/completions",
            "{}",
            IneligibleReason::Operation,
        ),
    ] {
        let world = world(SCRIPT);
        assert_eq!(world.ask(method, path, body).await.1, PRIMARY, "{path}");
        let unrouted = world.handle.accounting().pop().unwrap();
        assert_eq!(unrouted.ineligible[&reason], 1, "{path} {body}");
        assert_eq!(world.of_candidate(), 0, "{path}");
    }
}

#[tokio::test]
async fn mirror_only_is_mirrored_and_never_drawn_at_any_share() {
    for percent in [0.0, 50.0, 100.0] {
        let mut world = world(Script { percent, ..SCRIPT });
        world.prime().await;
        for unit in 0..20 {
            let body = format!(
                "{{\"lossy\":1,\"messages\":[{{\"role\":\"user\",\"content\":\"{unit}\"}}]}}"
            );
            assert_eq!(world.post(CHAT, &body).await.1, PRIMARY, "{percent}");
            let exchange = world.compared().await;
            assert!(exchange.is_pair() && !exchange.assignment.drawn && exchange.draw.is_none());
        }
        let drawn = std::iter::from_fn(|| world.outcomes.try_recv().ok())
            .filter(|message| matches!(message, OutcomeMessage::Drawn(_)))
            .count();
        assert_eq!(drawn, 0, "{percent}");
        let counts = world.counts();
        assert_eq!(counts.mirror_only[&MirrorOnlyReason::Loss], 20, "{percent}");
        assert_eq!(counts.eligible.values().sum::<u64>(), 20, "{percent}");
        assert_eq!(counts.asked, 20, "{percent}");
    }
}
