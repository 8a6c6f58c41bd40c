//! One call that asks a side the same once more: whether it may be made now, and its whole answer.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tower::ServiceExt;

use crossfade_exchange::{
    Recording, RepeatOutcome, Role, Side, SideReport, SideRequest, SideResponse, full_body,
};

use super::is_whole;
use crate::{
    breaker::Gate,
    budget::Hold,
    money::Reservation,
    plane::{Answer, Plane},
    record::{Capture, Held, RecordedBody, Recorder, RecorderPlan},
    route::{Route, mirror_deadline},
    shadow::{self, moment, read_to_end, refund},
    watch::Watch,
};

/// What a repeat has been granted.
struct Granted {
    _slot: Hold,
    _copy: Hold,
    money: Option<Reservation>,
}

/// Calls for one request.
pub(super) struct Call<'a> {
    pub(super) plane: &'a Plane,
    pub(super) route: &'a Arc<Route>,
    pub(super) deployment: &'a str,
    pub(super) streamed: bool,
    pub(super) max_output_tokens: Option<u64>,
}

// === impl Call ===

impl Call<'_> {
    /// A side's whole answer, or why there is none.
    pub(super) async fn ask(
        &self,
        side: Side,
        request: SideRequest,
    ) -> Result<(Recording, Held), RepeatOutcome> {
        let granted = self.admit(side, request.body())?;
        let most = self.plane.settings.deadline;
        let deadline = mirror_deadline(self.route.state.usual_total(self.streamed), most);
        tokio::select! {
            () = self.plane.spawner.give_up().cancelled() => Err(RepeatOutcome::Draining),
            () = self.plane.until_killed() => Err(RepeatOutcome::Disabled),
            asked = tokio::time::timeout(deadline, self.call(side, request, granted)) => {
                asked.unwrap_or(Err(RepeatOutcome::Deadline))
            }
        }
    }

    /// Whether a side may be asked once more now: only `try_` operations.
    fn admit(&self, side: Side, body: &Bytes) -> Result<Granted, RepeatOutcome> {
        let (plane, route, now) = (self.plane, self.route, Instant::now());
        if plane.spawner.stopping().is_cancelled() {
            return Err(RepeatOutcome::Draining);
        }
        if plane.killed.load(Ordering::Relaxed) || !route.split.borrow().mirror_enabled {
            return Err(RepeatOutcome::Disabled);
        }
        match side {
            Side::Primary => route.state.quota.allows(self.deployment, now)?,
            // A probe of a candidate that fails is not for this.
            Side::Candidate => match route.state.breaker.gate(now) {
                Gate::Closed => {}
                Gate::HalfOpen | Gate::Open => return Err(RepeatOutcome::Breaker),
            },
        }
        let slot = plane.repeats.try_take(1).ok_or(RepeatOutcome::Slots)?;
        let copy = plane
            .bytes
            .try_take(body.len())
            .ok_or(RepeatOutcome::Bytes)?;
        let money = route.settings.price_of(side).map(|price| {
            let most = price.most(body.len(), shadow::output_tokens(self.max_output_tokens));
            route.purse.reserve(most, moment(route))
        });
        let money = match money {
            None => None,
            Some(reserved) => Some(reserved.ok_or(RepeatOutcome::Money)?),
        };
        Ok(Granted {
            _slot: slot,
            _copy: copy,
            money,
        })
    }

    async fn call(
        &self,
        side: Side,
        request: SideRequest,
        granted: Granted,
    ) -> Result<(Recording, Held), RepeatOutcome> {
        let Granted {
            _slot,
            _copy,
            money,
        } = granted;
        let sent = Instant::now();
        let answer: Answer = match side {
            Side::Primary => self.plane.send(request.map(full_body)),
            Side::Candidate => Box::pin(self.route.settings.candidate.clone().oneshot(request)),
        };
        let answer = answer.await.map_err(|_| RepeatOutcome::Failed)?;
        if side == Side::Primary {
            let (status, headers) = (answer.status(), answer.headers());
            let quota = &self.route.state.quota;
            quota.learn(self.deployment, status, headers, Instant::now());
        }
        let report = answer.extensions().get::<SideReport>();
        if let Some(reason) = report.and_then(|report| report.failover) {
            refund(money, reason);
            return Err(RepeatOutcome::Failed);
        }
        if !answer.status().is_success() {
            // Neither provider charges for a refusal.
            if let Some(money) = money {
                money.settle(0.0);
            }
            return Err(RepeatOutcome::Failed);
        }
        let (recording, held) = self.record(side, sent, answer).await?;
        if let (Some(money), Some(usd)) = (money, shadow::cost(self.route, &recording)) {
            money.settle(usd);
        }
        if held.starved {
            return Err(RepeatOutcome::Bytes);
        }
        if !is_whole(&recording) {
            return Err(RepeatOutcome::Failed);
        }
        Ok((recording, held))
    }

    /// Reads an answer to its end.
    async fn record(
        &self,
        side: Side,
        sent: Instant,
        answer: SideResponse,
    ) -> Result<(Recording, Held), RepeatOutcome> {
        let (to, end) = oneshot::channel();
        let plan = RecorderPlan {
            route: Arc::clone(self.route),
            side,
            role: Role::Repeat,
            streamed: self.streamed,
            sent,
            capture: Capture::new(&self.plane.bytes, self.plane.settings.answer_bytes),
            watch: Watch::default(),
            done: Box::new(move |recording, held| {
                // Nobody waits any more if the call was cut off.
                let _ignored = to.send((recording, held));
            }),
        };
        let (head, body) = answer.into_parts();
        let recorder = Recorder::new(plan, &head);
        let body = RecordedBody::new(body, recorder).boxed_unsync();
        read_to_end(SideResponse::from_parts(head, body)).await;
        end.await.map_err(|_| RepeatOutcome::Failed)
    }
}
