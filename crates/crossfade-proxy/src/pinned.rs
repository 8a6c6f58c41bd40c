//! Requests that name state which only the candidate holds: the candidate answers, or nobody does.
//!
//! Nothing is drawn and nothing is mirrored, because the primary has never heard of that state. A caller whom Azure has not
//! accepted lately is shown to Azure first all the same: the candidate is open only to those whom Azure lets in.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use http::{StatusCode, request};

use crossfade_exchange::{BoxError, Patience, Role, Side, SideResponse};

use crate::{
    ProxyError,
    call::{Pinned, collected},
    candidate::{self, CandidateAnswer},
    credentials::Caller,
    fork::{ANSWER_WITHIN, count, recorded},
    guard::with_guard,
    plane::Plane,
    record::RecorderPlan,
};

/// A request that only the candidate can answer.
pub(crate) struct Asked {
    pub(crate) parts: request::Parts,
    pub(crate) caller: Option<Caller>,
    pub(crate) admitted: bool,
}

impl Asked {
    /// The answer, and the side that gave it. Without a candidate it is 503: the primary could only say that it knows nothing
    /// of the state, and the caller would lose it for good.
    pub(crate) async fn answer(
        self,
        plane: &Arc<Plane>,
        pinned: Pinned,
    ) -> Result<(SideResponse, Side), BoxError> {
        if plane.killed.load(Ordering::Relaxed) {
            return Err(ProxyError::CandidateGone.into());
        }
        if !self.admitted {
            let answer = plane.send(collected(&self.parts, &pinned.body)).await?;
            let status = answer.status();
            plane.learn_admission(self.caller, status);
            if !lets_in(status) {
                count(plane, Some(&pinned.route), status);
                return Ok((answer, Side::Primary));
            }
        }
        let Pinned {
            route,
            deployment,
            body,
            streamed,
            hold,
        } = pinned;
        let sent = Instant::now();
        let mut request = candidate::request(&self.parts, &body);
        let extensions = request.extensions_mut();
        extensions.insert(route.state.face(&deployment));
        extensions.insert(Patience(route.patience(streamed)));
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
                    draw: None,
                    done: Box::new(move |recording, _| {
                        candidate::record_in_breaker(&of_breaker, &recording);
                    }),
                };
                recorded(answer, plan)
            }
            CandidateAnswer::Failed { answer, .. } => {
                answer.ok_or_else(|| BoxError::from(ProxyError::CandidateGone))?
            }
        };
        route.metrics.answered(Side::Candidate, answer.status());
        Ok((with_guard(answer, hold), Side::Candidate))
    }
}

/// Whether Azure's answer about state that it does not know shows that it accepted the credential: any complaint about the
/// request itself does, because the credential is looked at first.
fn lets_in(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 407 | 408 | 429)
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
                lets_in(StatusCode::from_u16(status).unwrap()),
                want,
                "{status}"
            );
        }
    }
}
