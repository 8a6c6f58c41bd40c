//! Fork: who answers, who shadows, and what is recorded of both.
//!
//! `crossfade_rollout::decide` says who answers; this only carries it out. The shadow is started after the answering side has accepted
//! the request, in the background, and is never awaited.

use std::{
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use tower::Service;

use crossfade_exchange::{
    Assignment, BoxError, Failover, Patience, Side, SideBody, SideReport, SideResponse, SkipReason,
};
use crossfade_rollout::{AttemptFacts, DecideFacts, Split, decide};

use crate::{
    accounting::Ticket,
    breaker::Gate,
    call::{Call, Eligible, Kind, collected},
    candidate::{self, CandidateAnswer},
    draw::{Draw, DrawnAs},
    opening::{Answered, not_selected},
    pair::{MirroredAs, Pair},
    pinned,
    plane::{Answer, Plane},
    record::{RecordedBody, Recorder, RecorderPlan},
    route::{Now, Route},
    shadow,
    upgrade::Upgrade,
    watch::Watch,
};

/// The longest wait for the candidate's first content while it shows signs of life: a guard against a candidate that does not keep to its
/// patience.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(600);

const SIDE: HeaderName = HeaderName::from_static("x-crossfade-side");

/// The innermost service: carries out what was decided.
#[derive(Clone, Debug)]
pub(crate) struct Fork(pub(crate) Arc<Plane>);

impl Service<Call> for Fork {
    type Response = SideResponse;
    type Error = BoxError;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let plane = Arc::clone(&self.0);
        Box::pin(async move {
            let Call {
                id,
                parts,
                received,
                ready,
                caller,
                admitted,
                kind,
            } = call;
            match kind {
                Kind::Forward(body, route) => {
                    let request = Request::from_parts(parts, body);
                    let answer = forward(&plane, request).await?;
                    plane.learn_admission(caller, answer.status());
                    count(&plane, route.as_ref(), answer.status());
                    Ok(mark(&plane, answer, Side::Primary))
                }
                Kind::Pinned(pinned) => {
                    let asked = pinned::Asked {
                        parts,
                        caller,
                        admitted,
                    };
                    let (answer, side) = asked.answer(&plane, pinned).await?;
                    Ok(mark(&plane, answer, side))
                }
                Kind::Eligible(eligible) => {
                    let call = Collected {
                        plane,
                        id,
                        parts,
                        received,
                        ready,
                        caller,
                        admitted,
                    };
                    call.answer(eligible).await
                }
            }
        })
    }
}

/// Streams a request to Azure without looking at it, upgrades included.
async fn forward(plane: &Plane, mut request: Request<SideBody>) -> Result<SideResponse, BoxError> {
    let upgrade = Upgrade::take(&mut request);
    let mut answer = plane.send(request).await?;
    if let Some(upgrade) = upgrade {
        upgrade.join(&mut answer, &plane.spawner);
    }
    Ok(answer)
}

pub(crate) fn count(plane: &Plane, route: Option<&Arc<Route>>, status: http::StatusCode) {
    match route {
        Some(route) => route.metrics.answered(Side::Primary, status),
        None => plane.routes.unrouted.1.answered(Side::Primary, status),
    }
}

fn mark(plane: &Plane, mut answer: SideResponse, side: Side) -> SideResponse {
    if plane.settings.expose_side {
        answer
            .headers_mut()
            .insert(SIDE, HeaderValue::from_static(side.as_str()));
    }
    answer
}

/// A collected request with everything needed to answer it.
pub(crate) struct Collected {
    pub(crate) plane: Arc<Plane>,
    pub(crate) id: u128,
    pub(crate) parts: http::request::Parts,
    pub(crate) received: Now,
    ready: Instant,
    pub(crate) caller: Option<crate::credentials::Caller>,
    admitted: bool,
}

/// What is carried along after the decision.
struct Decided {
    eligible: Eligible,
    assignment: Assignment,
    waiting: Waiting,
}

/// A request that nobody has answered yet. A caller who goes away now leaves it as an abort, whichever side was asked and however far
/// that side had come.
struct Waiting {
    route: Arc<Route>,
    streamed: bool,
    since: Instant,
    ticket: Option<Ticket>,
    draw: Option<Arc<Draw>>,
    /// The request as one that is mirrored, if it is announced, and the side that is being asked for an answer.
    pair: Option<(Arc<Pair>, Side)>,
    /// Why it will not be mirrored whatever happens, if that is so.
    unselected: Option<SkipReason>,
    /// Who is being asked for an answer, since when.
    asked: (Side, Instant),
    /// Who was asked first.
    asked_first: Side,
    /// Whether a side has answered.
    is_over: bool,
}

impl Waiting {
    /// It was not mirrored, and why, if it was to be.
    fn skip(&mut self, reason: SkipReason) {
        if let Some(ticket) = self.ticket.take() {
            ticket.skip(self.unselected.unwrap_or(reason));
        }
    }

    /// A side is asked for an answer.
    fn ask(&mut self, side: Side, now: Instant) {
        self.asked = (side, now);
        if let Some((pair, asked)) = &mut self.pair {
            pair.asked(side, now);
            *asked = side;
        }
    }

    /// The candidate failed: its pair knows at once, its drawn answer when it is known what the primary says to the request.
    fn fell_back(&self, reason: Failover, sent: Instant) {
        let watch = Watch {
            draw: None,
            pair: self.pair.clone(),
        };
        shadow::tell(&watch, reason, sent);
        if let Some(draw) = &self.draw {
            draw.fell_back((reason == Failover::Garbage).then(|| sent.elapsed()));
        }
    }

    /// The primary has answered, or failed: in the candidate's place, if it `fell_back`.
    fn replaced_if(&mut self, fell_back: bool, status: Option<StatusCode>) {
        if fell_back && let Some(draw) = self.draw.take() {
            draw.replaced(status.is_some_and(shadow::is_refused));
        }
    }

    /// A caller who left a candidate that was silent for longer than nearly all answers of the primary take: were that not counted,
    /// a candidate that hangs would be asked by everybody for ever, where callers are less patient than the proxy.
    fn note_silence(&self, p99: Option<(Duration, Duration)>) {
        let (side, since) = self.asked;
        if let Some((first, _)) = p99
            && side == Side::Candidate
            && since.elapsed() > first
        {
            self.route.state.breaker.record(true, Instant::now());
        }
    }

    /// It has been answered: its recorder and its pairing take over.
    fn answered(&mut self) -> (Option<Ticket>, Watch) {
        self.is_over = true;
        let watch = Watch {
            draw: self.draw.take(),
            pair: self.pair.take(),
        };
        (self.ticket.take(), watch)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // A panic is counted by the ticket itself.
        if std::thread::panicking() {
            return;
        }
        self.skip(SkipReason::of_abort(self.asked_first));
        let p99 = self.route.state.p99(self.streamed);
        if !self.is_over {
            self.note_silence(p99);
        }
        if let Some(draw) = &self.draw {
            draw.aborted(self.since.elapsed(), p99);
        }
        if let Some((pair, side)) = &self.pair {
            pair.aborted(*side, Instant::now(), p99);
        }
    }
}

impl Collected {
    async fn answer(self, eligible: Eligible) -> Result<SideResponse, BoxError> {
        let decided = self.decide(eligible);
        self.plane
            .metrics
            .overhead
            .record(self.ready.elapsed().as_secs_f64());
        match decided.assignment.answer {
            Side::Primary => self.answer_by_primary(decided, None).await,
            Side::Candidate => self.answer_by_candidate(decided).await,
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one moment: what is read, decided and announced belongs together"
    )]
    fn decide(&self, mut eligible: Eligible) -> Decided {
        let route = &eligible.route;
        let split: Arc<Split> = Arc::clone(&route.split.borrow());
        let now = Now::read();
        let killed = self.plane.killed.load(Ordering::Relaxed);
        let mirror_only = eligible.mirror_only.is_some();
        let permit = if split.is_drawn() && !mirror_only {
            route.line.room_for_draw()
        } else {
            None
        };
        let facts = DecideFacts {
            unit: eligible.unit,
            eligible: true,
            mirror_only,
            admitted: self.admitted,
            lease_valid: split.lease_valid(now.instant),
            breaker_open: route.state.breaker.gate(now.instant) == Gate::Open,
            killed,
            named: eligible.named,
            internal: eligible.internal,
            outcomes_room: permit.is_some(),
        };
        let mut assignment = decide(&split, &route.settings.mirror, &facts);
        let applies = (route.settings.applies)(eligible.operation, eligible.json);
        let draw = match (permit, &split.attempt) {
            (Some(room), Some(attempt)) if assignment.drawn => {
                let drawn = DrawnAs {
                    side: assignment.answer,
                    probability: assignment.probability,
                    salt: assignment.salt,
                    unit: eligible.unit,
                    // What an attempt is judged by was frozen when it began.
                    applies: applies.and(attempt.metrics),
                    streamed: eligible.streamed,
                };
                Some(Draw::announce(&route.line, room, attempt, drawn, now))
            }
            _ => None,
        };
        // The rate is part of sampling: decided before anybody is asked, so that no side's answer has a say in it.
        let rate = self.plane.rate.as_ref();
        if assignment.shadow.is_some() && rate.is_some_and(|rate| !rate.try_take(now.instant)) {
            assignment.shadow = None;
        }
        let pair = match &split.attempt {
            Some(attempt) if assignment.shadow.is_some() => {
                self.announce_pair(&eligible, attempt, assignment, facts.breaker_open, now)
            }
            _ => None,
        };
        let unselected = assignment
            .shadow
            .is_none()
            .then(|| not_selected(&self.plane, route, assignment));
        let asked = (assignment.answer, now.instant);
        let waiting = Waiting {
            asked,
            asked_first: assignment.answer,
            is_over: false,
            route: Arc::clone(route),
            streamed: eligible.streamed,
            since: now.instant,
            ticket: eligible.ticket.take(),
            draw,
            pair: pair.map(|pair| (pair, assignment.answer)),
            unselected,
        };
        Decided {
            eligible,
            assignment,
            waiting,
        }
    }

    /// Announces a request that the mirror selected, if there is room to account for it.
    fn announce_pair(
        &self,
        eligible: &Eligible,
        attempt: &AttemptFacts,
        assignment: Assignment,
        breaker_open: bool,
        now: Now,
    ) -> Option<Arc<Pair>> {
        let route = &eligible.route;
        let applies = (route.settings.applies)(eligible.operation, eligible.json);
        let gated = attempt
            .gates
            .margins
            .keys()
            .filter_map(|gate| gate.metric());
        let mirrored = MirroredAs {
            answer: assignment.answer,
            unit: eligible.unit,
            applies: applies.and(attempt.metrics.or(gated.collect())),
            streamed: eligible.streamed,
            deadline: self.plane.settings.deadline,
            breaker_open,
        };
        let room = route.line.room_for_pair();
        if room.is_none() {
            route.metrics.unannounced();
        }
        room.map(|room| Pair::announce(&route.line, room, attempt, mirrored, now))
    }

    /// Azure answers: by assignment, or because the candidate failed (`failed`).
    async fn answer_by_primary(
        self,
        decided: Decided,
        failed: Option<CandidateAnswer>,
    ) -> Result<SideResponse, BoxError> {
        let Decided {
            eligible,
            assignment,
            mut waiting,
        } = decided;
        let route = Arc::clone(&eligible.route);
        let sent = Instant::now();
        waiting.ask(Side::Primary, sent);
        let request = collected(&self.parts, &eligible.body);
        let answer = match self.plane.send(request).await {
            Ok(answer) => answer,
            Err(error) => {
                waiting.skip(SkipReason::PrimaryFailed);
                waiting.replaced_if(failed.is_some(), None);
                if let Some((pair, _)) = &waiting.pair {
                    pair.kept_back_if(route.state.breaker.gate(Instant::now()) == Gate::Open);
                }
                waiting.answered().1.failed();
                return Err(error);
            }
        };
        let status = answer.status();
        self.plane.learn_admission(self.caller, status);
        self.plane
            .learn_quota(&route, &eligible.deployment, &answer);
        route.metrics.answered(Side::Primary, status);
        waiting.replaced_if(failed.is_some(), Some(status));
        let (ticket, watch) = waiting.answered();
        let opened = Answered {
            eligible,
            assignment,
            ticket,
            watch: watch.clone(),
            status,
            failed,
        };
        let plan = opened
            .open(&self)
            .plan(&self.plane, Side::Primary, sent, watch);
        Ok(mark(&self.plane, recorded(answer, plan), Side::Primary))
    }

    /// The candidate answers; if it fails before its first content, Azure does.
    async fn answer_by_candidate(self, decided: Decided) -> Result<SideResponse, BoxError> {
        let Decided {
            eligible,
            assignment,
            mut waiting,
        } = decided;
        let route = Arc::clone(&eligible.route);
        let sent = Instant::now();
        let mut request = candidate::request(&self.parts, &eligible.body);
        request
            .extensions_mut()
            .insert(route.state.face(&eligible.deployment));
        request
            .extensions_mut()
            .insert(Patience(route.patience(eligible.streamed)));
        let asked = candidate::ask(&route, request, sent, ANSWER_WITHIN).await;
        let answer = match asked {
            CandidateAnswer::Answer(answer) => answer,
            failed @ CandidateAnswer::Failed { reason, .. } => {
                waiting.fell_back(reason, sent);
                route.metrics.fallback(reason);
                tracing::info!(route = %route.id(), reason = reason.as_str(), "proxy.candidate.fallback");
                let decided = Decided {
                    eligible,
                    assignment,
                    waiting,
                };
                return self.answer_by_primary(decided, Some(failed)).await;
            }
        };
        let status = answer.status();
        route.metrics.answered(Side::Candidate, status);
        let (ticket, watch) = waiting.answered();
        let opened = Answered {
            eligible,
            assignment,
            ticket,
            watch: watch.clone(),
            status,
            failed: None,
        };
        let plan = opened
            .open(&self)
            .plan(&self.plane, Side::Candidate, sent, watch);
        Ok(mark(&self.plane, recorded(answer, plan), Side::Candidate))
    }
}

/// An answer with a recorder on its body.
pub(crate) fn recorded(answer: SideResponse, plan: RecorderPlan) -> SideResponse {
    let (mut head, body) = answer.into_parts();
    let recorder = Recorder::new(plan, &head);
    head.extensions.remove::<SideReport>();
    SideResponse::from_parts(head, RecordedBody::new(body, recorder).boxed_unsync())
}
