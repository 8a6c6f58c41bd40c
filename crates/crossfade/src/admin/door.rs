//! The admin listener's door: the whole API once the controller stands. Before that health, because callers are answered already,
//! and a refusal that says to wait.

use std::{
    convert::Infallible,
    future::ready,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, StatusCode, header};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::{
    AdminState, Problem,
    handlers::{health, readiness},
    router,
};

/// What the listener leads to. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Door {
    whole: Arc<OnceLock<Router>>,
    draining: Arc<AtomicBool>,
}

impl Door {
    /// Until the whole API is open, not ready once `draining` is set.
    pub fn new(draining: Arc<AtomicBool>) -> Self {
        Self {
            draining,
            ..Self::default()
        }
    }

    /// Opens the whole API. Only the first call counts.
    pub fn open(&self, state: Arc<AdminState>) {
        if self.whole.set(router(state)).is_err() {
            tracing::debug!("admin.door.already_open");
        }
    }

    /// Serves until cancelled, then lets requests under way finish.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let draining = self.draining;
        let readiness = move || ready(readiness(is_ready(&draining)));
        let starting = Router::new()
            .route("/healthz", get(health))
            .route("/readyz", get(readiness))
            .fallback(starting);
        let whole = self.whole;
        let through = tower::service_fn(move |request: Request<Body>| {
            let router = whole.get().unwrap_or(&starting).clone();
            async move { Ok::<Response, Infallible>(router.oneshot(request).await.into_response()) }
        });
        let served = axum::serve(listener, Router::new().fallback_service(through))
            .with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "admin.listener.failed");
        }
    }
}

/// Whether the primary can be tried, or why not: as long as nobody has told the process to stop.
pub(crate) fn is_ready(draining: &AtomicBool) -> Result<(), String> {
    if draining.load(Ordering::Relaxed) {
        return Err("the process is draining".to_owned());
    }
    Ok(())
}

async fn starting() -> Response {
    let problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "starting",
        "the outcome logs are still being read; meanwhile the primary answers every caller, but where a route has been moved as a whole",
        "ask again in some seconds; the kill switch (SIGUSR1) works at any time",
    );
    let mut response = problem.into_response();
    let after = HeaderValue::from_static("2");
    response.headers_mut().insert(header::RETRY_AFTER, after);
    response
}
