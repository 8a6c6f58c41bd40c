//! Requests that name state which only the candidate holds: the candidate answers, or nobody does.
//!
//! Nothing is drawn and nothing is mirrored, because the primary has never heard of that state. A caller whom Azure has not
//! accepted lately is shown to Azure first all the same: the candidate is open only to those whom Azure lets in.
//!
//! A conversation that the caller keeps is another matter: without the candidate's own thoughts Azure can answer it too, and does
//! where new conversations are Azure's: after a roll-back, under the kill switch, behind an open breaker, or when the candidate
//! fails. The way back must not end what began on the other side.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use http::{StatusCode, header, request};

use bytes::Bytes;
use crossfade_exchange::{BoxError, Patience, Role, Side, SideResponse, full_body};
use crossfade_openai::error;

use crate::{
    ProxyError,
    breaker::Gate,
    call::{Pinned, collected},
    candidate::{self, CandidateAnswer},
    collect::{Collected, collect},
    credentials::Caller,
    fork::{ANSWER_WITHIN, count, recorded},
    guard::with_guard,
    plane::Plane,
    record::RecorderPlan,
    route::Route,
    shadow,
    watch::Watch,
};

/// The longest complaint of Azure's that is read.
const LARGEST_COMPLAINT: usize = 64 << 10;

/// A request that only the candidate can answer.
pub(crate) struct Asked {
    pub(crate) parts: request::Parts,
    pub(crate) caller: Option<Caller>,
    pub(crate) admitted: bool,
}

impl Asked {
    /// The answer, and the side that gave it. Without a candidate it is Azure's where that can be, else 503: the primary could
    /// only say that it knows nothing of the state, and the caller would lose it for good.
    pub(crate) async fn answer(
        self,
        plane: &Arc<Plane>,
        pinned: Pinned,
    ) -> Result<(SideResponse, Side), BoxError> {
        let loose = (pinned.route.settings.loosen)(&pinned.body);
        if let Some(body) = &loose
            && is_left(plane, &pinned)
        {
            let answer = self.answer_by_primary(plane, &pinned.route, body).await?;
            return Ok((with_guard(answer, pinned.hold), Side::Primary));
        }
        if plane.killed.load(Ordering::Relaxed) {
            return Err(ProxyError::CandidateGone.into());
        }
        if !self.admitted
            && let Some(answer) = self.turned_away(plane, &pinned).await?
        {
            count(plane, Some(&pinned.route), answer.status());
            return Ok((answer, Side::Primary));
        }
        self.answer_by_candidate(plane, pinned, loose).await
    }

    /// The candidate's answer; Azure's to what is left, `loose`, if there is any and the candidate fails.
    async fn answer_by_candidate(
        &self,
        plane: &Plane,
        pinned: Pinned,
        loose: Option<Bytes>,
    ) -> Result<(SideResponse, Side), BoxError> {
        let Pinned {
            route,
            deployment,
            body,
            streamed,
            hold,
            ..
        } = pinned;
        let sent = Instant::now();
        let mut request = candidate::request(&self.parts, &body);
        let extensions = request.extensions_mut();
        extensions.insert(route.state.face(&deployment));
        // Where there is nobody to turn to instead, the candidate may take its own time.
        if loose.is_some() {
            extensions.insert(Patience(route.patience(streamed)));
        }
        let answer = match candidate::ask(&route, request, sent, ANSWER_WITHIN).await {
            CandidateAnswer::Answer(answer) => {
                let of_breaker = Arc::clone(&route);
                let plan = RecorderPlan {
                    route: Arc::clone(&route),
                    side: Side::Candidate,
                    role: Role::Answering,
                    streamed,
                    sent,
                    capture: None,
                    watch: Watch::default(),
                    done: Box::new(move |recording, _| {
                        candidate::record_in_breaker(&of_breaker, &recording);
                        if let Some(usd) = shadow::cost(&of_breaker, &recording) {
                            of_breaker.purse.served(usd, shadow::moment(&of_breaker));
                        }
                    }),
                };
                recorded(answer, plan)
            }
            CandidateAnswer::Failed { answer, .. } => {
                if let Some(body) = &loose {
                    let answer = self.answer_by_primary(plane, &route, body).await?;
                    return Ok((with_guard(answer, hold), Side::Primary));
                }
                answer.ok_or_else(|| BoxError::from(ProxyError::CandidateGone))?
            }
        };
        route.metrics.answered(Side::Candidate, answer.status());
        Ok((with_guard(answer, hold), Side::Candidate))
    }

    /// Shows the request to Azure; its answer, if that does not let the caller in.
    async fn turned_away(
        &self,
        plane: &Plane,
        pinned: &Pinned,
    ) -> Result<Option<SideResponse>, BoxError> {
        let mut request = collected(&self.parts, &pinned.body);
        // The answer is read here.
        request.headers_mut().remove(header::ACCEPT_ENCODING);
        let answer = plane.send(request).await?;
        let status = answer.status();
        plane.learn_admission(self.caller, status);
        if !may_let_in(status) {
            return Ok(Some(answer));
        }
        let (head, body) = answer.into_parts();
        let body = match collect(body, LARGEST_COMPLAINT, &plane.bytes).await {
            Collected::Whole(body, _) if is_services_own(&body) => return Ok(None),
            Collected::Whole(body, _) => full_body(body),
            Collected::Stream(body, _) => body,
            Collected::Incomplete(error) => {
                return Err(ProxyError::PrimaryUnreachable(error.into()).into());
            }
        };
        Ok(Some(SideResponse::from_parts(head, body)))
    }

    /// Azure's answer to what is left without the candidate's own.
    async fn answer_by_primary(
        &self,
        plane: &Plane,
        route: &Arc<Route>,
        body: &Bytes,
    ) -> Result<SideResponse, BoxError> {
        let mut parts = self.parts.clone();
        parts.headers.remove(header::CONTENT_LENGTH);
        let answer = plane.send(collected(&parts, body)).await?;
        plane.learn_admission(self.caller, answer.status());
        count(plane, Some(route), answer.status());
        Ok(answer)
    }
}

/// Whether new conversations are all Azure's, and nobody of the house asks for the candidate.
fn is_left(plane: &Plane, pinned: &Pinned) -> bool {
    let now = Instant::now();
    let route = &pinned.route;
    let split = route.split.borrow();
    plane.killed.load(Ordering::Relaxed)
        || (pinned.named != Some(Side::Candidate)
            && (split.share.is_zero() && !(pinned.internal && split.stage.lets_candidate_answer())
                || !split.lease_valid(now)
                || route.state.breaker.gate(now) == Gate::Open))
}

/// Whether Azure's answer about state that it does not know may show that it accepted the credential: a complaint about the
/// request itself.
fn may_let_in(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 407 | 408 | 429)
}

/// Whether an error is the service's own, which looks at nothing before the credential. What stands before it (a path or an
/// `api-version` that it does not know, a method, a head that is too large) may be refused to anybody, and such an error has no type.
fn is_services_own(body: &[u8]) -> bool {
    error::parse(body).is_some_and(|error| error.kind.is_some_and(|kind| !kind.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_about_the_request_itself_lets_in() {
        for (status, want) in [
            (200, false),
            (302, false),
            (400, true),
            (401, false),
            (403, false),
            (404, true),
            (408, false),
            (409, true),
            (429, false),
            (500, false),
            (503, false),
        ] {
            assert_eq!(
                may_let_in(StatusCode::from_u16(status).unwrap()),
                want,
                "{status}"
            );
        }
    }

    #[test]
    fn only_the_services_own_errors_show_that_the_credential_was_looked_at() {
        for (body, want) in [
            (
                r#"{"error":{"message":"m","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}"#,
                true,
            ),
            (
                r#"{"error":{"message":"m","type":"invalid_request_error","param":null,"code":null}}"#,
                true,
            ),
            (
                r#"{"error":{"code":"404","message":"Resource not found"}}"#,
                false,
            ),
            (
                r#"{"statusCode":404,"message":"Resource not found"}"#,
                false,
            ),
            (r#"{"error":{"message":"m","type":""}}"#, false),
            ("<html>Bad Request</html>", false),
            ("", false),
        ] {
            assert_eq!(is_services_own(body.as_bytes()), want, "{body}");
        }
    }
}
