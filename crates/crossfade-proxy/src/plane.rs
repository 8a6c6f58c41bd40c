//! What the whole data plane shares.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, StatusCode};
use tokio::sync::{mpsc, watch};
use tower::{ServiceExt, util::BoxCloneSyncService};

use crossfade_exchange::{BoxError, RouteId, SideBody, SideResponse};
use crossfade_rollout::Baseline;

use crate::{
    accounting::Accounting,
    budget::Budget,
    credentials::{AcceptedCredentials, Caller},
    keyed::HashKey,
    metrics::SharedMetrics,
    money::Spending,
    queue::Queued,
    rate::Rate,
    repeat::Repeats,
    route::{Now, Route, RouteTable},
    shadow::moment,
    spawner::Spawner,
};

/// An answer under way.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<SideResponse, BoxError>> + Send>>;

/// The way to Azure for a request whose body may still be streaming.
pub type Forward = BoxCloneSyncService<Request<SideBody>, SideResponse, BoxError>;

/// The data plane's bounds.
#[derive(Clone, Debug)]
pub struct PlaneSettings {
    /// Requests at once; over it, 503.
    pub max_in_flight: usize,
    /// The largest body of any request, in bytes; over it, 413.
    pub max_body: u64,
    /// Whether answers carry `x-crossfade-side`.
    pub expose_side: bool,
    /// Whether anything is mirrored at all.
    pub mirror: bool,
    /// Mirrors at once.
    pub slots: usize,
    /// Bytes held for everything that is mirrored.
    pub bytes: usize,
    /// The largest request that is mirrored.
    pub request_bytes: usize,
    /// The most that is captured of one answer.
    pub answer_bytes: usize,
    /// The most mirrors a second, after sampling; `None` is no bound.
    pub rate: Option<f64>,
    /// The longest a mirror may take.
    pub deadline: Duration,
    /// How much is asked twice.
    pub repeats: Repeats,
}

impl Default for PlaneSettings {
    fn default() -> Self {
        Self {
            max_in_flight: 10_000,
            max_body: 1 << 30,
            expose_side: false,
            mirror: true,
            slots: 1024,
            bytes: 256 << 20,
            request_bytes: 2 << 20,
            answer_bytes: 1 << 20,
            rate: None,
            deadline: Duration::from_secs(120),
            repeats: Repeats::default(),
        }
    }
}

/// What every layer shares.
pub(crate) struct Plane {
    pub(crate) settings: PlaneSettings,
    pub(crate) key: HashKey,
    pub(crate) routes: Arc<RouteTable>,
    pub(crate) forward: Forward,
    pub(crate) accepted: AcceptedCredentials,
    pub(crate) slots: Budget,
    pub(crate) bytes: Budget,
    pub(crate) rate: Option<Rate>,
    /// Repeats at once.
    pub(crate) repeats: Budget,
    pub(crate) queue: mpsc::Sender<Queued>,
    pub(crate) spawner: Spawner,
    pub(crate) metrics: SharedMetrics,
    pub(crate) killed: AtomicBool,
    /// The same, for what has to wait for it.
    pub(crate) kill_seen: watch::Sender<bool>,
}

impl fmt::Debug for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plane")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Plane {
    /// Sends a request to Azure.
    pub(crate) fn send(&self, request: Request<SideBody>) -> Answer {
        Box::pin(self.forward.clone().oneshot(request))
    }

    /// Waits until the kill switch is on.
    pub(crate) async fn until_killed(&self) {
        // The sender lives as long as this.
        drop(self.kill_seen.subscribe().wait_for(|on| *on).await);
    }

    /// What Azure's head says about its quota; only looked at where something is to be asked twice.
    pub(crate) fn learn_quota(&self, route: &Route, deployment: &str, answer: &SideResponse) {
        if !self.settings.repeats.primary.is_zero() {
            let (status, headers) = (answer.status(), answer.headers());
            let quota = &route.state.quota;
            quota.learn(deployment, status, headers, Now::read().instant);
        }
    }

    /// What Azure's status says about a caller.
    pub(crate) fn learn_admission(&self, caller: Option<Caller>, status: StatusCode) {
        let Some(caller) = caller else { return };
        if status.is_success() {
            self.accepted.accept(caller, Now::read().instant);
        } else if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN {
            self.accepted.refuse(caller);
        }
    }
}

/// What operators and the worker may ask of, and tell, a running data plane. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ProxyHandle(pub(crate) Arc<Plane>);

impl ProxyHandle {
    /// The counts of every route, `_unrouted` last.
    pub fn accounting(&self) -> Vec<Accounting> {
        let routes = &self.0.routes;
        let mut all: Vec<Accounting> = routes.all().map(|r| r.accounts.snapshot()).collect();
        all.sort_by(|a, b| a.route.cmp(&b.route));
        all.push(routes.unrouted.0.snapshot());
        all
    }

    /// Brings the exported metrics in step; called at each scrape.
    pub fn export_metrics(&self) {
        let routes = &self.0.routes;
        for route in routes.all() {
            let is_breaker_open = route.state.breaker.is_open(Now::read().instant);
            route
                .metrics
                .export(&route.accounts.snapshot(), is_breaker_open);
        }
        routes
            .unrouted
            .1
            .export(&routes.unrouted.0.snapshot(), false);
        let queued = self.0.queue.max_capacity() - self.0.queue.capacity();
        self.0
            .metrics
            .export(self.0.bytes.used(), queued, self.is_killed());
    }

    /// Whether a route's candidate has failed so often that it is only tried from time to time; `None` for an unknown route.
    pub fn is_breaker_open(&self, route: &RouteId) -> Option<bool> {
        let mut routes = self.0.routes.all();
        let route = routes.find(|known| known.id() == route)?;
        Some(route.state.breaker.is_open(Now::read().instant))
    }

    /// The primary's typical times on a route.
    pub fn baseline(&self, route: &RouteId) -> Option<Baseline> {
        let routes = &self.0.routes;
        routes
            .all()
            .find(|r| r.id() == route)
            .map(|r| r.state.baseline())
    }

    /// What a route has spent, by hour, day and attempt; `None` for an unknown route.
    pub fn spending(&self, route: &RouteId) -> Option<Spending> {
        let route = self.0.routes.all().find(|r| r.id() == route)?;
        Some(route.purse.spending(moment(route)))
    }

    /// Goes on from what a route had spent before a restart: the hour, the day and the attempt that still run keep it. To be told once,
    /// before anything is spent.
    pub fn resume_spending(&self, route: &RouteId, before: &Spending) {
        if let Some(route) = self.0.routes.all().find(|r| r.id() == route) {
            route.purse.resume(before, moment(route));
        }
    }

    /// A handle that does not keep the data plane, and with it the queue, alive.
    pub fn downgrade(&self) -> WeakProxyHandle {
        WeakProxyHandle(Arc::downgrade(&self.0))
    }

    /// The local kill switch: while on, only the primary answers and nothing is mirrored; mirrors under way end at once and are counted
    /// as `disabled`. Answers that the candidate has begun go on to their end.
    pub fn kill(&self, on: bool) {
        self.0.killed.store(on, Ordering::Relaxed);
        self.0.kill_seen.send_replace(on);
    }

    /// Whether the local kill switch is on.
    pub fn is_killed(&self) -> bool {
        self.0.killed.load(Ordering::Relaxed)
    }

    /// Bytes held for mirroring, and the bound.
    pub fn held_bytes(&self) -> (usize, usize) {
        (self.0.bytes.used(), self.0.bytes.limit())
    }

    /// Mirrors under way, and the bound.
    pub fn mirror_slots(&self) -> (usize, usize) {
        (self.0.slots.used(), self.0.slots.limit())
    }

    /// Waits for the mirrors under way for up to `patience`, then drops the rest and counts them.
    pub async fn drain(&self, patience: Duration) {
        self.0.spawner.drain(patience).await;
    }
}

/// A handle that does not keep the data plane alive.
#[derive(Clone, Debug)]
pub struct WeakProxyHandle(Weak<Plane>);

impl WeakProxyHandle {
    /// The data plane, if it still stands.
    pub fn upgrade(&self) -> Option<ProxyHandle> {
        self.0.upgrade().map(ProxyHandle)
    }
}
