//! Heads of answers: the primary's headers by an allow-list, so that nothing of the provider's can surface.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use crossfade_exchange::{LateFacts, SideBody, SideReport, SideResponse, full_body};
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS},
};
use uuid::Uuid;

use super::body::{self, Begun};
use crate::answer::Problem;

/// What headers show of the deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct Dress {
    pub(super) deployment: Option<String>,
    pub(super) region: Option<String>,
}

// === impl Dress ===

impl Dress {
    fn headers(&self, content_type: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let guid = || HeaderValue::try_from(Uuid::new_v4().to_string()).ok();
        let shown = [
            ("x-request-id", guid()),
            ("apim-request-id", guid()),
            (
                "x-ms-region",
                self.region.as_deref().and_then(|text| text.parse().ok()),
            ),
            (
                "x-ms-deployment-name",
                self.deployment
                    .as_deref()
                    .and_then(|text| text.parse().ok()),
            ),
        ];
        for (name, value) in shown {
            if let Some(value) = value {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let fixed = HeaderValue::from_static("max-age=31536000; includeSubDomains; preload");
        headers.insert(STRICT_TRANSPORT_SECURITY, fixed);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers
    }
}

fn response(
    status: StatusCode,
    headers: HeaderMap,
    body: SideBody,
    report: SideReport,
) -> SideResponse {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response.extensions_mut().insert(report);
    response
}

/// A failure, or an answer that is an error.
pub(super) fn problem_response(
    problem: Problem,
    mut report: SideReport,
    dress: &Dress,
) -> SideResponse {
    report.failover = problem.failover;
    let wait = problem.error.retry_after;
    let (status, extra, body) = problem.error.into_parts();
    let mut headers = dress.headers("application/json");
    for (name, value) in extra {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(seconds) = wait {
        let milliseconds = HeaderValue::from(seconds.saturating_mul(1000));
        headers.insert(HeaderName::from_static("retry-after-ms"), milliseconds);
    }
    if status == StatusCode::TOO_MANY_REQUESTS.as_u16() {
        for name in [
            "x-ratelimit-remaining-requests",
            "x-ratelimit-remaining-tokens",
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(0));
        }
    }
    drop(report.late.set(LateFacts::default()));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response(status, headers, full_body(body), report)
}

/// An answer that is given whole.
pub(super) fn whole(
    body: Bytes,
    facts: LateFacts,
    report: SideReport,
    dress: &Dress,
) -> SideResponse {
    drop(report.late.set(facts));
    response(
        StatusCode::OK,
        dress.headers("application/json"),
        full_body(body),
        report,
    )
}

/// An answer that is given as a stream.
pub(super) fn streaming(
    begun: Begun,
    report: SideReport,
    idle: Duration,
    dress: &Dress,
) -> SideResponse {
    let body = body::body(begun, idle, Arc::clone(&report.late));
    response(
        StatusCode::OK,
        dress.headers("text/event-stream; charset=utf-8"),
        body,
        report,
    )
}
