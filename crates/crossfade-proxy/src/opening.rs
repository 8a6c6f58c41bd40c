//! The exchange of an answer whose head has come: what is noted of it, whether it has a shadow, and who records it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use http::StatusCode;

use crossfade_exchange::{AnswerReason, Assignment, Exchange, Operation, Role, Side, SkipReason};
use crossfade_rollout::Stage;

use crate::{
    accounting::Ticket,
    breaker::Gate,
    call::{Eligible, id_text},
    candidate::{self, CandidateAnswer},
    face,
    fork::Collected,
    pairing::{Opening, Pairing},
    plane::Plane,
    record::{Capture, RecorderPlan},
    repeat::Twice,
    route::Route,
    shadow,
    watch::Watch,
};

/// What is known when the head has come.
pub(crate) struct Answered {
    pub(crate) eligible: Eligible,
    pub(crate) assignment: Assignment,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) watch: Watch,
    pub(crate) status: StatusCode,
    /// The candidate was asked before the primary, and failed.
    pub(crate) failed: Option<CandidateAnswer>,
}

/// A shadow that may start.
type Start = Option<(Side, shadow::Admitted)>;

// === impl Answered ===

impl Answered {
    /// Opens the exchange, and starts its shadow if there is to be one.
    pub(crate) fn open(mut self, of: &Collected) -> OpenExchange {
        let start = self.start(&of.plane);
        let twice = start
            .as_ref()
            .and_then(|_| Twice::draw(&of.plane, of.id, &self.eligible, &of.parts));
        let mut exchange = self.exchange(of);
        if let Some(CandidateAnswer::Failed { recording, .. }) = self.failed
            && self.ticket.is_some()
        {
            exchange.candidate = Some(*recording);
        }
        let Eligible {
            route,
            deployment,
            operation,
            body,
            streamed,
            hold,
            ..
        } = self.eligible;
        let wanted = self.ticket.is_some() || self.watch.draw.is_some();
        let pair = self.watch.pair.map(|(pair, _)| pair);
        let pairing = Pairing::new(Opening {
            exchange,
            ticket: self.ticket,
            draw: self.watch.draw,
            pair: pair.clone(),
            request_hold: Some(hold),
            shadow: start.is_some(),
            queue: of.plane.queue.clone(),
            repeat: twice.map(|twice| twice.spawn(&of.plane)),
        });
        if let Some((side, admitted)) = start {
            let job = shadow::Job {
                side,
                admitted,
                pairing: Arc::clone(&pairing),
                route: Arc::clone(&route),
                deployment: deployment.clone(),
                operation,
                streamed,
                caller: of.caller,
                pair,
            };
            job.spawn(&of.plane, &of.parts, body);
        }
        OpenExchange {
            pairing,
            route,
            deployment,
            operation,
            streamed,
            wanted,
        }
    }

    /// What is noted of the request.
    fn exchange(&self, of: &Collected) -> Exchange {
        let eligible = &self.eligible;
        Exchange {
            id: id_text(of.id),
            route: eligible.route.id().clone(),
            received_unix_ms: u64::try_from(of.received.unix.as_millis()).unwrap_or(u64::MAX),
            operation: eligible.operation,
            path: of.parts.uri.path().to_owned(),
            request: eligible.body.clone(),
            size: eligible.size,
            streamed: eligible.streamed,
            assignment: self.assignment,
            draw: self.watch.draw.as_ref().map(|draw| draw.key()),
            mirrored: self
                .watch
                .pair
                .as_ref()
                .map(|(pair, _)| pair.announcement()),
            primary: None,
            candidate: None,
            secondary: None,
            candidate_again: None,
            caller: of
                .plane
                .key
                .asker(&of.parts.headers, eligible.user.as_deref()),
        }
    }

    /// Whether a shadow may start; if there is to be none, why not.
    fn start(&mut self, plane: &Plane) -> Start {
        let fell_back = self.failed.is_some();
        let answered_by = if fell_back {
            Side::Primary
        } else {
            self.assignment.answer
        };
        let eligible = &self.eligible;
        let route = &eligible.route;
        let (shadow, reason) = match self.assignment.shadow {
            None => (None, not_selected(plane, route, self.assignment)),
            // Whatever the candidate said to it, the primary is asked too: an error that only one of them gives must show.
            Some(shadow) if answered_by == Side::Primary && !self.status.is_success() => {
                (Some(shadow), shadow::refused(self.status))
            }
            // A fallback that the reversed mirror had selected is a pair already: both sides were asked.
            Some(Side::Primary) if fell_back => return None,
            Some(shadow) => {
                let bytes = eligible.body.len();
                match shadow::admit(plane, route, shadow, bytes, eligible.max_output_tokens) {
                    Ok(admitted) => return Some((shadow, admitted)),
                    Err(reason) => (Some(shadow), reason),
                }
            }
        };
        if let (Some((pair, _)), Some(shadow)) = (&self.watch.pair, shadow) {
            if reason == SkipReason::PrimaryFailed {
                pair.kept_back_if(route.state.breaker.gate(Instant::now()) == Gate::Open);
            }
            pair.skipped(shadow, reason, Instant::now());
        }
        if let Some(ticket) = self.ticket.take() {
            ticket.skip(reason);
        }
        None
    }
}

/// Why no shadow was selected.
pub(crate) fn not_selected(plane: &Plane, route: &Route, assignment: Assignment) -> SkipReason {
    let split = route.split.borrow();
    let off = plane.killed.load(Ordering::Relaxed)
        || !plane.settings.mirror
        || !split.mirror_enabled
        || split.stage == Stage::Replay;
    if off || assignment.reason == AnswerReason::Killed {
        SkipReason::Disabled
    } else {
        SkipReason::SampledOut
    }
}

/// An exchange whose answering side is about to be recorded.
pub(crate) struct OpenExchange {
    pairing: Arc<Pairing>,
    route: Arc<Route>,
    deployment: String,
    operation: Operation,
    streamed: bool,
    wanted: bool,
}

// === impl OpenExchange ===

impl OpenExchange {
    /// How the answering side is recorded.
    pub(crate) fn plan(
        self,
        plane: &Plane,
        side: Side,
        sent: Instant,
        watch: Watch,
    ) -> RecorderPlan {
        let Self {
            pairing,
            route,
            deployment,
            operation,
            streamed,
            wanted,
        } = self;
        let teaches = side == Side::Primary && face::shows(operation);
        let faceless = teaches && route.state.is_faceless(&deployment);
        let capture = (wanted || faceless)
            .then(|| Capture::new(&plane.bytes, plane.settings.answer_bytes))
            .flatten();
        let learner = teaches.then(|| (Arc::clone(&route), deployment));
        let breaker = (side == Side::Candidate).then(|| Arc::clone(&route));
        RecorderPlan {
            route,
            side,
            role: Role::Answering,
            streamed,
            sent,
            capture,
            watch,
            done: Box::new(move |recording, held| {
                if let Some((route, deployment)) = learner {
                    face::learn(&route.state, &deployment, &recording);
                }
                if let Some(route) = breaker {
                    candidate::record_in_breaker(&route, &recording);
                    if let Some(usd) = shadow::cost(&route, &recording) {
                        route.purse.served(usd, shadow::moment(&route));
                    }
                }
                pairing.deliver(recording, held);
            }),
        }
    }
}
