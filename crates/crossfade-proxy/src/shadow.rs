//! The shadow side: spawned, bounded, timed out, panic-isolated, counted, and never awaited by anyone who answers a caller.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{StatusCode, request};
use http_body_util::BodyExt;

use crossfade_exchange::{
    BoxError, Face, Failover, Operation, Recording, Role, Side, SideRequest, SideResponse,
    SkipReason, full_body,
};

use crate::{
    breaker::Gate,
    budget::Hold,
    candidate::{self, CandidateAnswer},
    credentials::Caller,
    face,
    in_flight::Room,
    money::{Moment, Reservation},
    pair::Pair,
    pairing::Pairing,
    plane::Plane,
    record::{Capture, Held, RecordedBody, Recorder, RecorderPlan},
    route::{Now, Route, mirror_deadline},
    used::used,
    watch::Watch,
};

/// Output tokens assumed for a request that names no limit, when money is reserved for it.
const USUAL_OUTPUT_TOKENS: u64 = 1024;

/// What a shadow has been granted.
pub(crate) struct Admitted {
    slot: Hold,
    /// Room for the copy that is sent: the candidate's is the caller's body in another form.
    copy: Hold,
    money: Option<Reservation>,
}

/// Whether a shadow may start now: only `try_` operations, in the order in which they are cheapest to refuse.
pub(crate) fn admit(
    plane: &Plane,
    route: &Route,
    side: Side,
    body_bytes: usize,
    max_output_tokens: Option<u64>,
) -> Result<Admitted, SkipReason> {
    if plane.spawner.stopping().is_cancelled() {
        return Err(SkipReason::Draining);
    }
    if side == Side::Candidate && route.state.breaker.gate(Instant::now()) == Gate::Open {
        return Err(SkipReason::Breaker);
    }
    let slot = plane.slots.try_take(1).ok_or(SkipReason::Slots)?;
    let copy = plane.bytes.try_take(body_bytes).ok_or(SkipReason::Bytes)?;
    let money = match route.settings.price_of(side) {
        Some(price) => {
            let most = price.most(body_bytes, output_tokens(max_output_tokens));
            let reserved = route.purse.reserve(most, moment(route));
            Some(reserved.ok_or(SkipReason::Money)?)
        }
        None => None,
    };
    Ok(Admitted { slot, copy, money })
}

/// The most tokens that an answer is expected to have.
pub(crate) fn output_tokens(limit: Option<u64>) -> u64 {
    limit.unwrap_or(USUAL_OUTPUT_TOKENS)
}

/// Now, as money is counted.
pub(crate) fn moment(route: &Route) -> Moment {
    Moment {
        unix_seconds: Now::read().unix.as_secs(),
        attempt: route.split.borrow().attempt.as_ref().map_or(0, |a| a.id),
    }
}

/// One shadow call.
pub(crate) struct Job {
    pub(crate) side: Side,
    pub(crate) admitted: Admitted,
    pub(crate) pairing: Arc<Pairing>,
    pub(crate) route: Arc<Route>,
    pub(crate) deployment: String,
    pub(crate) operation: Operation,
    pub(crate) streamed: bool,
    pub(crate) caller: Option<Caller>,
    /// What is to be known of it as one side of a mirrored request.
    pub(crate) pair: Option<Arc<Pair>>,
}

/// Counts a shadow that ended without a word, because its task panicked.
struct GiveUpOnDrop(Arc<Pairing>);

impl Drop for GiveUpOnDrop {
    fn drop(&mut self) {
        self.0.give_up_if_awaited(SkipReason::Panic);
    }
}

impl Job {
    /// Starts it in the background.
    pub(crate) fn spawn(self, plane: &Arc<Plane>, parts: &request::Parts, body: Bytes) {
        let request = match self.side {
            Side::Candidate => {
                let mut request = candidate::request(parts, &body);
                let extensions = request.extensions_mut();
                extensions.insert::<Face>(self.route.state.face(&self.deployment));
                extensions.insert(Role::Shadow);
                request
            }
            // The caller's own credential: the reversed mirror asks Azure what it was going to ask.
            Side::Primary => {
                let mut parts = parts.clone();
                parts.extensions.remove::<Room>();
                SideRequest::from_parts(parts, body)
            }
        };
        let most = plane.settings.deadline;
        let usual = mirror_deadline(self.route.state.usual_total(self.streamed), most);
        // A silent side must be heard until its silence counts.
        let deadline = self
            .pair
            .as_ref()
            .map_or(usual, |pair| usual.max(pair.arrival_age()));
        let plane_of_task = Arc::clone(plane);
        plane
            .spawner
            .spawn(async move { self.run(&plane_of_task, request, deadline).await });
    }

    async fn run(self, plane: &Arc<Plane>, request: SideRequest, deadline: Duration) {
        let (pairing, route, side) = (
            Arc::clone(&self.pairing),
            Arc::clone(&self.route),
            self.side,
        );
        let _guard = GiveUpOnDrop(Arc::clone(&pairing));
        let mut asking = Box::pin(tokio::time::timeout(deadline, self.ask(plane, request)));
        let reason = tokio::select! {
            () = pairing.cancelled().cancelled() => SkipReason::ClientAbort,
            () = plane.spawner.give_up().cancelled() => SkipReason::Draining,
            () = plane.until_killed() => SkipReason::Disabled,
            ended = &mut asking => match ended {
                Ok(Ok(())) => return,
                // Only the primary is asked without an account of how it failed.
                Ok(Err(_)) => SkipReason::PrimaryFailed,
                Err(_) => {
                    // However far the call had come, it is over, and that is the candidate's doing.
                    if side == Side::Candidate {
                        route.state.breaker.record(true, Instant::now());
                    }
                    // What came until now is delivered before the mirror is given up.
                    drop(asking);
                    pairing.give_up_if_awaited(SkipReason::Deadline);
                    return;
                }
            },
        };
        // Before the call is dropped, whose recorder can only say that it was cut short.
        pairing.give_up_if_awaited(reason);
    }

    /// Asks and reads to the end; the recorder delivers.
    async fn ask(mut self, plane: &Arc<Plane>, request: SideRequest) -> Result<(), BoxError> {
        let sent = Instant::now();
        let watch = Watch::of_pair(self.pair.as_ref(), self.side);
        if let Some(pair) = &self.pair {
            pair.asked(self.side, sent);
        }
        let answer = match self.side {
            Side::Primary => {
                let answer = plane.send(request.map(full_body)).await?;
                plane.learn_admission(self.caller, answer.status());
                plane.learn_quota(&self.route, &self.deployment, &answer);
                if !answer.status().is_success() {
                    // It charges for no refusal.
                    if let Some(money) = self.admitted.money.take() {
                        money.settle(0.0);
                    }
                    let reason = refused(answer.status());
                    self.pairing.give_up_if_awaited(reason);
                    return Ok(());
                }
                answer
            }
            Side::Candidate => {
                let most = plane.settings.deadline * 2;
                match candidate::ask(&self.route, request, sent, most).await {
                    CandidateAnswer::Answer(answer) => answer,
                    CandidateAnswer::Failed {
                        reason,
                        mut recording,
                        ..
                    } => {
                        refund(self.admitted.money.take(), reason);
                        tell(&watch, reason, sent);
                        recording.role = Role::Shadow;
                        self.pairing.deliver(*recording, Held::default());
                        return Ok(());
                    }
                }
            }
        };
        let (head, body) = answer.into_parts();
        // Kept here, so that both are given back when the call ends, however it ends.
        let (plan, _held) = self.plan(plane, sent, watch);
        let recorder = Recorder::new(plan, &head);
        let body = RecordedBody::new(body, recorder).boxed_unsync();
        read_to_end(SideResponse::from_parts(head, body)).await;
        Ok(())
    }

    /// How the answer is recorded, and the room that the call takes up.
    fn plan(self, plane: &Plane, sent: Instant, watch: Watch) -> (RecorderPlan, (Hold, Hold)) {
        let Self {
            side,
            admitted: Admitted { slot, copy, money },
            pairing,
            route,
            deployment,
            operation,
            streamed,
            ..
        } = self;
        let plan = RecorderPlan {
            route: Arc::clone(&route),
            side,
            role: Role::Shadow,
            streamed,
            sent,
            capture: Capture::new(&plane.bytes, plane.settings.answer_bytes),
            watch,
            done: Box::new(move |recording, held| {
                settle(money, &route, &recording);
                match side {
                    Side::Primary if face::shows(operation) => {
                        face::learn(&route.state, &deployment, &recording);
                    }
                    Side::Primary => {}
                    Side::Candidate => candidate::record_in_breaker(&route, &recording),
                }
                pairing.deliver(recording, held);
            }),
        };
        (plan, (slot, copy))
    }
}

/// Tells that the candidate failed.
pub(crate) fn tell(watch: &Watch, reason: Failover, sent: Instant) {
    match reason {
        Failover::Garbage => watch.garbled(sent.elapsed()),
        Failover::Connect
        | Failover::Silent
        | Failover::Broken
        | Failover::Throttled
        | Failover::Server
        | Failover::Configuration => watch.failed(),
    }
}

/// Why a request is not compared that the primary did not answer with 2xx.
pub(crate) fn refused(status: StatusCode) -> SkipReason {
    match status.as_u16() {
        408 | 429 | 500..=599 => SkipReason::PrimaryFailed,
        _ => SkipReason::PrimaryRefused,
    }
}

/// Whether the primary refused a request for what it is, rather than failing it.
pub(crate) fn is_refused(status: StatusCode) -> bool {
    !status.is_success() && refused(status) == SkipReason::PrimaryRefused
}

/// Gives money back where the provider cannot have charged for anything.
pub(crate) fn refund(money: Option<Reservation>, reason: Failover) {
    match reason {
        Failover::Connect | Failover::Throttled | Failover::Configuration => {
            if let Some(money) = money {
                money.settle(0.0);
            }
        }
        Failover::Silent | Failover::Broken | Failover::Server | Failover::Garbage => {}
    }
}

/// Replaces the money reserved by what was used, where the side says.
fn settle(money: Option<Reservation>, route: &Route, recording: &Recording) {
    if let (Some(money), Some(usd)) = (money, cost(route, recording)) {
        money.settle(usd);
    }
}

/// What an answer cost, in USD, where its side's price and what it used are known; counted for the mean of its side.
pub(crate) fn cost(route: &Route, recording: &Recording) -> Option<f64> {
    let price = route.settings.price_of(recording.side)?;
    let usage = recording.usage.or_else(|| used(recording))?;
    let usd = price.of(&usage);
    route.purse.cost(recording.side, usd);
    Some(usd)
}

/// Reads an answer that only its recorder looks at.
pub(crate) async fn read_to_end(answer: SideResponse) {
    let mut body = answer.into_body();
    // An error ends the recording as broken; there is nothing else to do about it here.
    while let Some(Ok(_)) = body.frame().await {}
}
