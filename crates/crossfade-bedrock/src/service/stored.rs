//! Operations on a response that the candidate keeps: got, deleted, called off, its input listed.

use std::time::Duration;

use bytes::Bytes;
use crossfade_exchange::{Face, LateFacts, SideReport, SideRequest, SideResponse};
use crossfade_openai::path;
use tokio::time::timeout;

use super::{
    Shared, refusal,
    reply::{self, Dress, problem_response},
};
use crate::{
    answer::{Fault, FaultKind, Problem},
    compatible::{self, Stored},
    prepare::no_such_operation,
    responses,
};

impl Shared {
    /// What is asked of a response that the candidate keeps, if that is what is asked for.
    pub(super) fn stored(
        &self,
        target: Option<&path::Target>,
        request: &SideRequest,
    ) -> Option<Stored> {
        let target = target?;
        let is_stored = target.operation == path::Operation::StoredResponse;
        let sealer = self.settings.sealer.as_ref()?;
        let id = target.response.as_ref()?;
        (is_stored && responses::keeps_state(&self.settings))
            .then(|| compatible::stored(request.uri().path(), id, sealer))?
    }

    /// Asks for what the candidate keeps. It is there, or it is not; nobody else can know.
    pub(super) async fn look_up(
        &self,
        stored: Stored,
        request: &SideRequest,
        face: Face,
        patience: Option<Duration>,
        dress: &Dress,
    ) -> SideResponse {
        let Some(sealer) = &self.settings.sealer else {
            return problem_response(refusal(&no_such_operation()), SideReport::default(), dress);
        };
        let (method, query) = (request.method().clone(), request.uri().query());
        let call = stored.call(method, query, &self.settings, sealer);
        let limit = patience.unwrap_or_else(|| self.connection.idle_timeout());
        let found = match timeout(limit, self.connection.gateway().found(&call)).await {
            Err(_) => Err(FaultKind::Silent.into()),
            Ok(Err(failure)) => Err(failure.fault),
            Ok(Ok(found)) => Ok(found),
        };
        let model = self.stamp(face, dress).head.model;
        let answered: Result<Option<Bytes>, Fault> = found.and_then(|found| {
            let told = found.map(|body| stored.answer(&body, &model, sealer));
            told.transpose().map_err(Fault::from)
        });
        let report = SideReport::default();
        match answered {
            Ok(Some(body)) => reply::whole(body, LateFacts::default(), report, dress),
            Ok(None) => {
                let id = sealer.seal_id(&stored.theirs);
                let problem = Problem {
                    error: responses::no_such_response(&id),
                    failover: None,
                };
                problem_response(problem, report, dress)
            }
            Err(fault) => problem_response(fault.problem(), report, dress),
        }
    }
}
