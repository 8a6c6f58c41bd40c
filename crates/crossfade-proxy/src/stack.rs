//! The data plane's stack, written once, and its wiring.

use std::{any::Any, convert::Infallible, sync::Arc};

use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::sync::{mpsc, watch};
use tower::{ServiceBuilder, ServiceExt, util::BoxCloneSyncService};
use tower_http::catch_panic::CatchPanicLayer;

use crossfade_exchange::{OutcomeMessage, RouteId, SideBody, SideResponse};
use crossfade_rollout::Split;

use crate::{
    Spawner,
    accounting::RouteAccounts,
    admit::AdmitLayer,
    budget::Budget,
    classify::ClassifyLayer,
    credentials::AcceptedCredentials,
    fork::Fork,
    in_flight::InFlightLayer,
    keyed::HashKey,
    line::Line,
    metrics::{RouteMetrics, SharedMetrics},
    money::Purse,
    plane::{Forward, Plane, PlaneSettings, ProxyHandle},
    queue::Queued,
    rate::Rate,
    rescue::{self, RescueLayer},
    route::{Now, Route, RouteSettings, RouteState, RouteTable},
};

/// The data plane as a service: what a listener hands each request to.
pub type Proxy = BoxCloneSyncService<Request<SideBody>, SideResponse, Infallible>;

/// Everything the data plane is made from. Metrics register with the recorder that is current when it is built.
#[derive(Debug)]
pub struct Builder {
    /// The bounds.
    pub settings: PlaneSettings,
    /// The hashing key.
    pub key: HashKey,
    /// The way to Azure.
    pub forward: Forward,
    /// Where finished exchanges go; its capacity is the queue's bound.
    pub queue: mpsc::Sender<Queued>,
    /// Where outcomes of drawn answers go.
    pub outcomes: mpsc::Sender<OutcomeMessage>,
    /// This replica's number.
    pub replica: u32,
    /// Routes: pattern of the deployment's name, settings, and what the rollout allows.
    pub routes: Vec<(String, RouteSettings, watch::Receiver<Arc<Split>>)>,
}

impl Builder {
    /// Builds the data plane and starts its upkeep.
    pub fn build(self) -> (Proxy, ProxyHandle) {
        let unrouted = RouteId::unrouted();
        let unrouted = (
            RouteAccounts::new(unrouted.clone()),
            RouteMetrics::new(&unrouted),
        );
        let (replica, outcomes) = (self.replica, self.outcomes);
        let routes = self.routes.into_iter().map(|(pattern, settings, split)| {
            (
                pattern,
                Arc::new(route(settings, split, replica, outcomes.clone())),
            )
        });
        let plane = Arc::new(Plane {
            slots: Budget::new(self.settings.slots),
            bytes: Budget::new(self.settings.bytes),
            rate: self
                .settings
                .rate
                .map(|rate| Rate::new(rate, Now::read().instant)),
            repeats: Budget::new(self.settings.repeats.slots),
            settings: self.settings,
            key: self.key,
            routes: Arc::new(RouteTable::new(routes.collect(), unrouted)),
            forward: self.forward,
            accepted: AcceptedCredentials::default(),
            queue: self.queue,
            spawner: Spawner::new(),
            metrics: SharedMetrics::new(),
            killed: false.into(),
            kill_seen: watch::Sender::new(false),
        });
        plane.spawner.spawn(upkeep(Arc::clone(&plane)));
        (stack(&plane), ProxyHandle(plane))
    }
}

fn route(
    settings: RouteSettings,
    split: watch::Receiver<Arc<Split>>,
    replica: u32,
    outcomes: mpsc::Sender<OutcomeMessage>,
) -> Route {
    Route {
        split,
        state: RouteState::default(),
        accounts: RouteAccounts::new(settings.id.clone()),
        line: Line::new(settings.id.clone(), replica, outcomes),
        purse: Purse::new(settings.caps),
        metrics: RouteMetrics::new(&settings.id),
        settings,
    }
}

/// The stack, outermost first; each layer a line with the reason for its place.
fn stack(plane: &Arc<Plane>) -> Proxy {
    let max_body = plane.settings.max_body;
    let service = ServiceBuilder::new()
        // Outermost, so that a panic anywhere costs one request and not the connection's others.
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| {
            rescue::panicked()
        }))
        // Inside the panic catcher and outside everything that can fail: errors become answers here only.
        .layer(RescueLayer { max_body })
        // Before any work: what is over the bound is shed at once. Its guard ends with the answer's body.
        .layer(InFlightLayer::new(Arc::clone(plane)))
        // Finds the route by the request alone; everything after it may rely on that.
        .layer(ClassifyLayer(Arc::clone(plane)))
        // After the route is known (a credential is accepted for a deployment), before anything is decided.
        .layer(AdmitLayer(Arc::clone(plane)))
        // Innermost: decides who answers, asks, records.
        .service(Fork(Arc::clone(plane)));
    // The panic catcher boxes bodies its own way; both are the same shape to a caller.
    let service = service.map_response(|answer: Response<_>| answer.map(BodyExt::boxed_unsync));
    BoxCloneSyncService::new(service)
}

/// Ages drawn answers and mirrored requests four times a second, and announces the watermark each second.
async fn upkeep(plane: Arc<Plane>) {
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(250));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut count = 0u32;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = plane.spawner.stopping().cancelled() => return,
        }
        count = count.wrapping_add(1);
        let now = Now::read();
        for route in plane.routes.all() {
            route.line.age(now.instant);
            if count.is_multiple_of(4) {
                route.line.watermark(now);
            }
        }
    }
}

#[cfg(test)]
mod tests;
