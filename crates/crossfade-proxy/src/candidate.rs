//! Asking the candidate, in either role, and hearing what its failures mean.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, header, request};
use tower::ServiceExt;

use crossfade_exchange::{
    Ending, Failover, Recording, Role, Side, SideReport, SideRequest, SideResponse, Timings,
};

use crate::{plane::Answer, route::Route};

/// What came of asking.
pub(crate) enum CandidateAnswer {
    /// An answer, whatever its status.
    Answer(SideResponse),
    /// No answer: the other side should give one.
    Failed {
        /// Why.
        reason: Failover,
        /// What was seen.
        recording: Box<Recording>,
        /// What the caller gets if there is no other side.
        answer: Option<SideResponse>,
    },
}

/// The request that the candidate gets: the caller's body and target, and none of the caller's credentials.
pub(crate) fn request(parts: &request::Parts, body: &Bytes) -> SideRequest {
    let mut request = Request::new(body.clone());
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    if let Some(kind) = parts.headers.get(header::CONTENT_TYPE) {
        request
            .headers_mut()
            .insert(header::CONTENT_TYPE, kind.clone());
    }
    request
}

/// Asks for an answer. The candidate keeps to its `Patience` itself; `most` guards against one that does not.
pub(crate) async fn ask(
    route: &Arc<Route>,
    request: SideRequest,
    sent: Instant,
    most: Duration,
) -> CandidateAnswer {
    route.state.breaker.begin(sent);
    let failed = |reason, report: SideReport, answer: Option<SideResponse>| {
        let status = answer.as_ref().map(|answer| answer.status().as_u16());
        CandidateAnswer::Failed {
            reason,
            recording: Box::new(failure(sent, reason, &report, status)),
            answer,
        }
    };
    let answer: Answer = Box::pin(route.settings.candidate.clone().oneshot(request));
    let asked = tokio::time::timeout(most, answer).await;
    let outcome = match asked {
        Err(_) => failed(Failover::Silent, SideReport::default(), None),
        Ok(Err(error)) => {
            tracing::warn!(route = %route.id(), %error, "proxy.candidate.error");
            failed(Failover::Broken, SideReport::default(), None)
        }
        Ok(Ok(answer)) => {
            let report = answer
                .extensions()
                .get::<SideReport>()
                .cloned()
                .unwrap_or_default();
            if report.retries > 0 {
                route.metrics.retried(report.retries);
            }
            match report.failover {
                Some(reason) => failed(reason, report, Some(answer)),
                None => CandidateAnswer::Answer(answer),
            }
        }
    };
    if let CandidateAnswer::Failed { recording, .. } = &outcome {
        route.accounts.asked(&recording.losses);
        record_in_breaker(route, recording);
    }
    outcome
}

/// Tells the breaker how a call to the candidate ended.
pub(crate) fn record_in_breaker(route: &Route, recording: &Recording) {
    match recording.ending {
        // A caller who went away says nothing about the candidate, and a shadow that was cut off is recorded by whoever cut it.
        Ending::ClientAbort | Ending::Deadline => {}
        Ending::Complete | Ending::Broken | Ending::TimedOut | Ending::Failed => {
            route
                .state
                .breaker
                .record(recording.transport_bad(), Instant::now());
        }
    }
}

fn failure(sent: Instant, reason: Failover, report: &SideReport, status: Option<u16>) -> Recording {
    let ending = if reason == Failover::Silent {
        Ending::TimedOut
    } else {
        Ending::Failed
    };
    Recording {
        side: Side::Candidate,
        role: Role::Answering,
        ending,
        status,
        content_type: None,
        content_encoding: None,
        body: Bytes::new(),
        truncated: false,
        timings: Timings {
            total: Some(sent.elapsed()),
            kept_up: true,
            ..Timings::default()
        },
        failover: Some(reason),
        losses: report.losses.to_vec(),
        usage: None,
    }
}
