//! The one place where the proxy's own errors become answers: bodies of Azure's shape, and one log line each.

use std::{
    convert::Infallible,
    error::Error,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::LengthLimitError;
use tower::{Layer, Service};

use crossfade_exchange::{BoxError, SideBody, SideResponse, full_body};
use crossfade_openai::error::AzureError;

use crate::ProxyError;

/// Makes [`Rescue`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RescueLayer {
    /// The bound that a too large body is told about.
    pub(crate) max_body: u64,
}

/// Answers for whatever is inside, if that fails.
#[derive(Clone, Debug)]
pub(crate) struct Rescue<S> {
    inner: S,
    max_body: u64,
}

impl<S> Layer<S> for RescueLayer {
    type Service = Rescue<S>;

    fn layer(&self, inner: S) -> Rescue<S> {
        Rescue {
            inner,
            max_body: self.max_body,
        }
    }
}

impl<S> Service<Request<SideBody>> for Rescue<S>
where
    S: Service<Request<SideBody>, Response = SideResponse, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = SideResponse;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<SideResponse, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<SideBody>) -> Self::Future {
        let max_body = self.max_body;
        let answer = self.inner.call(request);
        Box::pin(
            answer.map(move |answer| {
                Ok(answer.unwrap_or_else(|error| rescue(error.as_ref(), max_body)))
            }),
        )
    }
}

/// The answer for an error.
fn rescue(error: &(dyn Error + 'static), max_body: u64) -> SideResponse {
    let azure = if is_over_length(error) {
        own_words(413, &ProxyError::TooLarge(max_body))
    } else {
        match find::<ProxyError>(error) {
            Some(own @ ProxyError::TooLarge(_)) => own_words(413, own),
            Some(own @ ProxyError::Overloaded(_)) => own_words(503, own),
            Some(ProxyError::Incomplete(_) | ProxyError::PrimaryTimedOut(_)) => {
                AzureError::timeout()
            }
            Some(ProxyError::PrimaryUnreachable(_) | ProxyError::CandidateGone) => {
                AzureError::unavailable(Some(1))
            }
            None => AzureError::server_error(),
        }
    };
    tracing::warn!(status = azure.status, error = %chain(error), "proxy.request.failed");
    into_response(azure)
}

/// An answer that names the remedy: these are the operator's bounds, not Azure's.
fn own_words(status: u16, error: &ProxyError) -> AzureError {
    let body = serde_json::json!({
        "error": { "code": status.to_string(), "message": error.to_string() }
    });
    let retry_after = (status == 503).then_some(1);
    AzureError {
        status,
        retry_after,
        body: Bytes::from(body.to_string()),
    }
}

/// The answer for a panic.
pub(crate) fn panicked() -> SideResponse {
    tracing::error!("proxy.request.panicked");
    into_response(AzureError::server_error())
}

/// An Azure error as a response.
pub(crate) fn into_response(error: AzureError) -> SideResponse {
    let mut response = Response::new(full_body(error.body));
    *response.status_mut() =
        StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(seconds) = error.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).find_map(|e| e.downcast_ref())
}

fn is_over_length(error: &(dyn Error + 'static)) -> bool {
    find::<LengthLimitError>(error).is_some()
}

/// An error with its causes, for the log. None of them quotes a request or an answer.
fn chain(error: &(dyn Error + 'static)) -> String {
    let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
    causes.join(": ")
}

/// An error, its cause, the cause's cause, and so on.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |e| {
        let error: &'a (dyn Error + 'static) = *e;
        error.source()
    })
}
