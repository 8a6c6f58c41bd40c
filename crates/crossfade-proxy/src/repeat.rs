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

use std::{sync::Arc, time::Duration};

use http::request;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crossfade_exchange::{
    Ending, Exchange, Face, Percent, Recording, RepeatOutcome, Role, Side, SideRequest,
};

use crate::{
    budget::Hold,
    call::{Eligible, id_text},
    candidate,
    in_flight::Room,
    plane::Plane,
    queue::{Purpose, Queued, offer},
    route::Route,
};

mod call;

use call::Call;

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

    async fn run(self, plane: &Arc<Plane>, mut pair: Pair) {
        if !pair.taken {
            // Whoever compares is behind already.
            return self.skip(RepeatOutcome::QueueFull);
        }
        let mut of_primary = Fate::new(&self.route, Side::Primary);
        let mut of_candidate = self
            .to_candidate
            .is_some()
            .then(|| Fate::new(&self.route, Side::Candidate));
        let asked = self.ask(plane, &mut pair).await;
        let queued = Queued {
            exchange: pair.exchange,
            drawn: None,
            mirrored: None,
            purpose: Purpose::Repeat,
            ticket: None,
            _holds: pair.holds,
        };
        let full = asked[0] == RepeatOutcome::Asked && !offer(&plane.queue, queued);
        for (fate, asked) in [Some(&mut of_primary), of_candidate.as_mut()]
            .into_iter()
            .zip(asked)
        {
            if let Some(fate) = fate {
                fate.is(if full {
                    RepeatOutcome::QueueFull
                } else {
                    asked
                });
            }
        }
    }

    /// Asks the primary, and the candidate if it answered; how both went.
    async fn ask(self, plane: &Arc<Plane>, pair: &mut Pair) -> [RepeatOutcome; 2] {
        let call = Call {
            plane,
            route: &self.route,
            deployment: &self.deployment,
            streamed: self.streamed,
            max_output_tokens: self.max_output_tokens,
        };
        match call.ask(Side::Primary, self.to_primary).await {
            Ok((recording, held)) => {
                pair.exchange.secondary = Some(recording);
                pair.holds.extend(held.hold.map(Arc::new));
            }
            Err(outcome) => return [outcome, RepeatOutcome::NoPrimary],
        }
        let Some(request) = self.to_candidate else {
            return [RepeatOutcome::Asked; 2];
        };
        match call.ask(Side::Candidate, request).await {
            Ok((recording, held)) => {
                pair.exchange.candidate_again = Some(recording);
                pair.holds.extend(held.hold.map(Arc::new));
                [RepeatOutcome::Asked; 2]
            }
            Err(outcome) => [RepeatOutcome::Asked, outcome],
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
        assert_eq!(check(KEPT.mul_f64(0.98), false).await, None);
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
