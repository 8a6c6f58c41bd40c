//! Asking twice: a small share of compared pairs has its primary asked the same once more, and of these a smaller share its candidate
//! too, so that it is known how far each side disagrees with itself. Embeddings are left out: the same model gives the same vector but
//! for rounding.
//!
//! The pair goes its own way first and waits for nothing here. A repeat is nobody's answer: it teaches the breaker, the primary's usual
//! times and the accounting of requests nothing, and has counts of its own. It spends production quota, so it is asked only while Azure
//! shows more than half of it, see `quota`.
//!
//! The task that waits for the pair is the only place that keeps the caller's credential after the caller has been answered: for as long
//! as the shadow takes and [`KEPT`] at most, and gone as soon as the primary has been asked.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::request;
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crossfade_exchange::{
    Ending, Exchange, Face, Percent, Recording, RepeatOutcome, Role, Side, SideReport, SideRequest,
    SideResponse, full_body,
};

use crate::{
    breaker::Gate,
    budget::Hold,
    call::{Eligible, id_text},
    candidate,
    in_flight::Room,
    money::Reservation,
    plane::{Answer, Plane},
    queue::{Purpose, Queued, offer},
    record::{Capture, Held, RecordedBody, Recorder, RecorderPlan},
    route::{Route, mirror_deadline},
    shadow::{self, moment, read_to_end, refund},
    used::used,
};

/// How long a caller's credential is kept after the caller has been answered.
const KEPT: Duration = Duration::from_secs(60);

/// How much is asked twice.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// The share of pairs whose primary is asked once more.
    pub primary: Percent,
    /// The share of pairs whose candidate is asked once more too; these are among those of `primary`, so a larger share means no more.
    pub candidate: Percent,
    /// Repeats at once; beyond it none is begun.
    pub slots: usize,
}

/// Nothing is asked twice.
impl Default for Repeats {
    fn default() -> Self {
        Self {
            primary: Percent::ZERO,
            candidate: Percent::ZERO,
            slots: 16,
        }
    }
}

/// What a pairing knows of the repeat that waits for it.
pub(crate) struct Line {
    answered: Option<oneshot::Sender<()>>,
    paired: oneshot::Sender<Pair>,
}

/// A pair that has been offered to the comparison.
struct Pair {
    exchange: Exchange,
    holds: Vec<Arc<Hold>>,
    taken: bool,
}

// === impl Line ===

impl Line {
    /// The caller has the whole answer.
    pub(crate) fn answered(&mut self) {
        if let Some(answered) = self.answered.take() {
            // A task that has ended waits for nothing.
            let _ignored = answered.send(());
        }
    }

    /// The exchange with what it holds, if it is a pair of two whole answers: only such can be compared with a third.
    pub(crate) fn follow(self, exchange: &Exchange, holds: &[Arc<Hold>]) -> Option<Following> {
        let whole = Side::ALL
            .iter()
            .all(|side| exchange.recording(*side).is_some_and(is_whole));
        whole.then(|| Following {
            paired: self.paired,
            exchange: exchange.clone(),
            holds: holds.to_vec(),
        })
    }
}

/// A pair about to be offered to the comparison.
pub(crate) struct Following {
    paired: oneshot::Sender<Pair>,
    exchange: Exchange,
    holds: Vec<Arc<Hold>>,
}

impl Following {
    /// The pair has been offered, and taken or not: now it may be asked again.
    pub(crate) fn go(self, taken: bool) {
        let pair = Pair {
            exchange: self.exchange,
            holds: self.holds,
            taken,
        };
        // A task that has given up counted that.
        let _ignored = self.paired.send(pair);
    }
}

/// Whether there is something to compare: all of an answer that came well.
fn is_whole(recording: &Recording) -> bool {
    recording.ending == Ending::Complete
        && recording.failover.is_none()
        && !recording.truncated
        && recording.status.is_some_and(|s| (200..300).contains(&s))
}

/// One request that is to be asked again.
pub(crate) struct Twice {
    route: Arc<Route>,
    deployment: String,
    streamed: bool,
    max_output_tokens: Option<u64>,
    to_primary: SideRequest,
    to_candidate: Option<SideRequest>,
}

/// What becomes of one side's repeat, counted when it is dropped, however that comes.
struct Fate {
    route: Arc<Route>,
    side: Side,
    outcome: RepeatOutcome,
}

impl Fate {
    fn new(route: &Arc<Route>, side: Side) -> Self {
        Self {
            route: Arc::clone(route),
            side,
            outcome: RepeatOutcome::Failed,
        }
    }

    fn is(&mut self, outcome: RepeatOutcome) {
        self.outcome = outcome;
    }
}

impl Drop for Fate {
    fn drop(&mut self) {
        self.route.metrics.repeated(self.side, self.outcome);
    }
}

/// What a repeat has been granted.
struct Granted {
    _slot: Hold,
    _copy: Hold,
    money: Option<Reservation>,
}

// === impl Twice ===

impl Twice {
    /// Whether this request is drawn, by its own id: every pair alike, whoever asks.
    pub(crate) fn draw(
        plane: &Plane,
        id: u128,
        eligible: &Eligible,
        parts: &request::Parts,
    ) -> Option<Self> {
        let shares = plane.settings.repeats;
        if shares.primary.is_zero() || !eligible.repeatable {
            return None;
        }
        let at = plane.key.fraction("repeat", id_text(id).as_bytes());
        if at >= shares.primary.ratio() {
            return None;
        }
        let route = &eligible.route;
        let to_candidate = (at < shares.candidate.ratio()).then(|| {
            let mut request = candidate::request(parts, &eligible.body);
            let extensions = request.extensions_mut();
            extensions.insert::<Face>(route.state.face(&eligible.deployment));
            extensions.insert(Role::Repeat);
            request
        });
        let mut parts = parts.clone();
        parts.extensions.remove::<Room>();
        Some(Self {
            route: Arc::clone(route),
            deployment: eligible.deployment.clone(),
            streamed: eligible.streamed,
            max_output_tokens: eligible.max_output_tokens,
            to_primary: SideRequest::from_parts(parts, eligible.body.clone()),
            to_candidate,
        })
    }

    /// Waits in the background for its pair.
    pub(crate) fn spawn(self, plane: &Arc<Plane>) -> Line {
        let (answered, has_answer) = oneshot::channel();
        let (paired, pair) = oneshot::channel();
        let plane_of_task = Arc::clone(plane);
        plane.spawner.spawn(async move {
            let plane = plane_of_task;
            match wait(plane.spawner.give_up(), has_answer, pair).await {
                Some(Ok(pair)) => self.run(&plane, pair).await,
                Some(Err(outcome)) => self.skip(outcome),
                None => {}
            }
        });
        Line {
            answered: Some(answered),
            paired,
        }
    }

    /// Neither side is asked.
    fn skip(self, outcome: RepeatOutcome) {
        Fate::new(&self.route, Side::Primary).is(outcome);
        if self.to_candidate.is_some() {
            Fate::new(&self.route, Side::Candidate).is(outcome);
        }
    }

    async fn run(self, plane: &Arc<Plane>, pair: Pair) {
        if !pair.taken {
            // Whoever compares is behind already.
            return self.skip(RepeatOutcome::QueueFull);
        }
        let Self {
            route,
            deployment,
            streamed,
            max_output_tokens,
            to_primary,
            to_candidate,
        } = self;
        let Pair {
            mut exchange,
            mut holds,
            ..
        } = pair;
        let call = Call {
            plane,
            route: &route,
            deployment: &deployment,
            streamed,
            max_output_tokens,
        };
        let mut of_primary = Fate::new(&route, Side::Primary);
        let mut of_candidate = to_candidate
            .is_some()
            .then(|| Fate::new(&route, Side::Candidate));
        match call.ask(Side::Primary, to_primary).await {
            Ok((recording, held)) => {
                exchange.secondary = Some(recording);
                holds.extend(held.hold.map(Arc::new));
            }
            Err(outcome) => {
                of_primary.is(outcome);
                if let Some(fate) = &mut of_candidate {
                    fate.is(RepeatOutcome::NoPrimary);
                }
                return;
            }
        }
        let mut asked_candidate = RepeatOutcome::Asked;
        if let Some(request) = to_candidate {
            match call.ask(Side::Candidate, request).await {
                Ok((recording, held)) => {
                    exchange.candidate_again = Some(recording);
                    holds.extend(held.hold.map(Arc::new));
                }
                Err(outcome) => asked_candidate = outcome,
            }
        }
        let queued = Queued {
            exchange,
            drawn: None,
            purpose: Purpose::Repeat,
            ticket: None,
            _holds: holds,
        };
        let taken = offer(&plane.queue, queued);
        let outcome = |asked| match taken {
            true => asked,
            false => RepeatOutcome::QueueFull,
        };
        of_primary.is(outcome(RepeatOutcome::Asked));
        if let Some(fate) = &mut of_candidate {
            fate.is(outcome(asked_candidate));
        }
    }
}

/// The pair; `None` if there is none to ask again.
async fn wait(
    give_up: &CancellationToken,
    has_answer: oneshot::Receiver<()>,
    pair: oneshot::Receiver<Pair>,
) -> Option<Result<Pair, RepeatOutcome>> {
    let too_late = async {
        if has_answer.await.is_err() {
            // There will be no pair either.
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(KEPT).await;
    };
    tokio::select! {
        biased;
        pair = pair => pair.ok().map(Ok),
        () = too_late => Some(Err(RepeatOutcome::Late)),
        () = give_up.cancelled() => Some(Err(RepeatOutcome::Draining)),
    }
}

/// Calls for one request.
struct Call<'a> {
    plane: &'a Plane,
    route: &'a Arc<Route>,
    deployment: &'a str,
    streamed: bool,
    max_output_tokens: Option<u64>,
}

// === impl Call ===

impl Call<'_> {
    /// A side's whole answer, or why there is none.
    async fn ask(
        &self,
        side: Side,
        request: SideRequest,
    ) -> Result<(Recording, Held), RepeatOutcome> {
        let granted = self.admit(side, request.body())?;
        let most = self.plane.settings.deadline;
        let deadline = mirror_deadline(self.route.state.usual_total(self.streamed), most);
        tokio::select! {
            () = self.plane.spawner.give_up().cancelled() => Err(RepeatOutcome::Draining),
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
        let usage = recording.usage.or_else(|| used(&recording));
        if let (Some(money), Some(usage), Some(price)) =
            (money, usage, self.route.settings.price_of(side))
        {
            money.settle(price.of(&usage));
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
        let (to, recorded) = oneshot::channel();
        let plan = RecorderPlan {
            route: Arc::clone(self.route),
            side,
            role: Role::Repeat,
            streamed: self.streamed,
            sent,
            capture: Capture::new(&self.plane.bytes, self.plane.settings.answer_bytes),
            draw: None,
            done: Box::new(move |recording, held| {
                // Nobody waits any more if the call was cut off.
                let _ignored = to.send((recording, held));
            }),
        };
        let (head, body) = answer.into_parts();
        let recorder = Recorder::new(plan, &head);
        let body = RecordedBody::new(body, recorder).boxed_unsync();
        read_to_end(SideResponse::from_parts(head, body)).await;
        recorded.await.map_err(|_| RepeatOutcome::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How the wait for a pair ends whose caller has been answered: the outcome, `None` if there is no pair.
    async fn check(after: Duration, drained: bool) -> Option<RepeatOutcome> {
        let (answered, has_answer) = oneshot::channel();
        let (_paired, pair) = oneshot::channel();
        let give_up = CancellationToken::new();
        if drained {
            give_up.cancel();
        }
        answered.send(()).unwrap();
        let waiting = wait(&give_up, has_answer, pair);
        let ended = tokio::time::timeout(after, waiting).await.ok()??;
        ended.err()
    }

    #[tokio::test(start_paused = true)]
    async fn the_credential_is_kept_for_a_minute_after_the_answer() {
        let second = Duration::from_secs(1);
        assert_eq!(check(KEPT - second, false).await, None);
        assert_eq!(check(KEPT + second, false).await, Some(RepeatOutcome::Late));
        assert_eq!(check(second, true).await, Some(RepeatOutcome::Draining));
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_caller_is_being_answered_no_time_runs_out() {
        let (answered, has_answer) = oneshot::channel();
        let (paired, pair) = oneshot::channel();
        let give_up = CancellationToken::new();
        let waiting = wait(&give_up, has_answer, pair);
        tokio::pin!(waiting);
        assert!(tokio::time::timeout(KEPT * 10, &mut waiting).await.is_err());
        // The caller left: there will be no pair.
        drop((answered, paired));
        assert!(waiting.await.is_none());
    }
}
