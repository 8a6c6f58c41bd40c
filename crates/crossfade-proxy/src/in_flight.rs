//! The bounds of every request, mirrored or not: how many at once (the guard ends with the answer's body), and how large a body.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::TryFutureExt;
use http::Request;
use http_body::Body as _;
use http_body_util::{BodyExt, Limited};
use tower::{Layer, Service};

use crossfade_exchange::{BoxError, IneligibleReason, SideBody, SideResponse};

use crate::{
    ProxyError,
    budget::{Budget, Hold},
    guard::with_guard,
    plane::Plane,
};

/// A request's part of the bound on requests at once, for a tunnel that outlives its answer.
#[derive(Clone, Debug)]
pub(crate) struct Room(#[expect(dead_code, reason = "held until it is dropped")] Arc<Hold>);

/// Makes [`InFlight`].
#[derive(Clone, Debug)]
pub(crate) struct InFlightLayer {
    plane: Arc<Plane>,
    room: Budget,
}

impl InFlightLayer {
    pub(crate) fn new(plane: Arc<Plane>) -> Self {
        let room = Budget::new(plane.settings.max_in_flight);
        Self { plane, room }
    }
}

/// Bounds the requests at once, bodies included: over the bound a request is shed, not queued.
#[derive(Clone, Debug)]
pub(crate) struct InFlight<S> {
    plane: Arc<Plane>,
    room: Budget,
    inner: S,
}

impl<S> Layer<S> for InFlightLayer {
    type Service = InFlight<S>;

    fn layer(&self, inner: S) -> InFlight<S> {
        InFlight {
            plane: Arc::clone(&self.plane),
            room: self.room.clone(),
            inner,
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<SideResponse, BoxError>> + Send>>;

impl<S> InFlight<S> {
    /// Its route is not known before it is classified, and classifying is what this spares.
    fn refuse(&self, reason: IneligibleReason, error: ProxyError) -> Answer {
        drop(self.plane.routes.unrouted.0.ineligible(reason));
        Box::pin(async move { Err(error.into()) })
    }
}

impl<S> Service<Request<SideBody>> for InFlight<S>
where
    S: Service<Request<SideBody>, Response = SideResponse, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = SideResponse;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<SideBody>) -> Self::Future {
        let Some(room) = self.room.try_take(1) else {
            let error = ProxyError::Overloaded(self.room.limit());
            return self.refuse(IneligibleReason::Shed, error);
        };
        let max_body = self.plane.settings.max_body;
        if request.body().size_hint().lower() > max_body {
            return self.refuse(IneligibleReason::TooLarge, ProxyError::TooLarge(max_body));
        }
        // A body that does not say its length is cut off at the bound, wherever it is being read then.
        let limit = usize::try_from(max_body).unwrap_or(usize::MAX);
        let mut request = request.map(|body| Limited::new(body, limit).boxed_unsync());
        let room = Arc::new(room);
        request.extensions_mut().insert(Room(Arc::clone(&room)));
        Box::pin(
            self.inner
                .call(request)
                .map_ok(|answer| with_guard(answer, room)),
        )
    }
}
