//! Which path leads where. `openapi.json` beside this file says the same to programs; a test holds the two together.

use std::{collections::BTreeMap, fmt, sync::Arc};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{delete, get, post, put},
};
use crossfade_exchange::RouteId;
use crossfade_proxy::{Accounting, HashKey};

use super::{
    auth::Tokens,
    handlers::{
        health, ledger, me, metrics, missing, not_allowed, openapi, ready, resume, rollback, route,
        routes, set_mirror, set_split, status,
    },
    operate::{advance, drill, hold, replayed, signoff},
    reporting::report,
    reviews::{decide, exchange, exchanges, findings, forget, review, reviews, rules, withdraw},
};
use crate::{
    control::Controller,
    money::Money,
    report::RouteSetup,
    review::Records,
    telemetry::{Metrics, Telemetry},
};

/// The largest body that a request may have.
const BODY_LIMIT: usize = 64 * 1024;

/// The money of a route.
pub(crate) type MoneyFn = Arc<dyn Fn(&RouteId) -> Option<Money> + Send + Sync>;

/// What the handlers look at.
pub struct AdminState {
    /// Who changes splits.
    pub controller: Controller,
    /// What renders metrics.
    pub telemetry: Arc<Telemetry>,
    /// The worker's and the controller's metrics.
    pub metrics: Arc<Metrics>,
    /// What is configured for each route, as far as reports say it.
    pub setups: BTreeMap<RouteId, RouteSetup>,
    /// Who may call.
    pub tokens: Tokens,
    /// Whether `/metrics` needs a token.
    pub metrics_auth: bool,
    /// What the comparison has found, and what is kept.
    pub records: Records,
    /// What callers are hashed with.
    pub key: HashKey,
    /// The accounting of every route, the unrouted one included.
    pub accounting: Arc<dyn Fn() -> Vec<Accounting> + Send + Sync>,
    /// The money of a route, by name.
    pub money: MoneyFn,
    /// Whether the local kill switch is on.
    pub killed: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Brings the data plane's metrics in step before they are rendered.
    pub before_scrape: Arc<dyn Fn() + Send + Sync>,
    /// Whether the primary can be tried, or why not.
    pub ready: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl fmt::Debug for AdminState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminState")
            .field("tokens", &self.tokens)
            .field("metrics_auth", &self.metrics_auth)
            .finish_non_exhaustive()
    }
}

/// The whole API.
pub fn router(state: Arc<AdminState>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/v1/openapi.json", get(openapi))
        .route("/api/v1/me", get(me))
        .route("/api/v1/status", get(status))
        .route("/api/v1/routes", get(routes))
        .route("/api/v1/routes/{route}", get(route))
        .route("/api/v1/routes/{route}/split", put(set_split))
        .route("/api/v1/routes/{route}/rollback", post(rollback))
        .route("/api/v1/routes/{route}/drill", post(drill))
        .route("/api/v1/routes/{route}/resume", post(resume))
        .route("/api/v1/routes/{route}/advance", post(advance))
        .route("/api/v1/routes/{route}/hold", post(hold))
        .route("/api/v1/routes/{route}/signoff", post(signoff))
        .route("/api/v1/routes/{route}/replay", post(replayed))
        .route("/api/v1/routes/{route}/report", get(report))
        .route("/api/v1/routes/{route}/findings", get(findings))
        .route("/api/v1/routes/{route}/rules", get(rules))
        .route("/api/v1/routes/{route}/rules/{signature}", delete(withdraw))
        .route("/api/v1/reviews", get(reviews))
        .route("/api/v1/reviews/{id}", get(review).post(decide))
        .route("/api/v1/exchanges", get(exchanges).delete(forget))
        .route("/api/v1/exchanges/{id}", get(exchange))
        .route("/api/v1/mirror", put(set_mirror))
        .route("/api/v1/ledger", get(ledger))
        .fallback(missing)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(state)
}
