//! Admit: has Azure accepted this caller's credential for this deployment lately? If not, only Azure may answer.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tower::{Layer, Service};

use crate::{call::Call, plane::Plane};

/// Makes [`Admit`].
#[derive(Clone, Debug)]
pub(crate) struct AdmitLayer(pub(crate) Arc<Plane>);

/// Marks a call with whether its caller is admitted.
#[derive(Clone, Debug)]
pub(crate) struct Admit<S> {
    plane: Arc<Plane>,
    inner: S,
}

impl<S> Layer<S> for AdmitLayer {
    type Service = Admit<S>;

    fn layer(&self, inner: S) -> Admit<S> {
        Admit {
            plane: Arc::clone(&self.0),
            inner,
        }
    }
}

impl<S: Service<Call>> Service<Call> for Admit<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut call: Call) -> S::Future {
        let accepted = &self.plane.accepted;
        call.admitted = call
            .caller
            .is_some_and(|caller| accepted.accepted(caller, call.received.instant));
        self.inner.call(call)
    }
}
