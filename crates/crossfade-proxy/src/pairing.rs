//! Two recordings on their way to becoming one exchange.
//!
//! The answering side always reports; the shadow side reports or gives up with a reason. When nothing more is awaited the exchange is
//! offered to the queue, as a pair, or alone if its answering side was drawn, or not at all. A drawn answer is resolved before that, as
//! soon as it has ended.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crossfade_exchange::{Ending, Exchange, Recording, Role, Side, SkipReason};

use crate::{
    accounting::Ticket,
    budget::Hold,
    draw::Draw,
    pair::Pair,
    queue::{Purpose, Queued, offer},
    record::Held,
    repeat::Line,
    route::lock,
};

/// What an exchange starts with.
pub(crate) struct Opening {
    pub(crate) exchange: Exchange,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) draw: Option<Arc<Draw>>,
    pub(crate) pair: Option<Arc<Pair>>,
    pub(crate) request_hold: Option<Hold>,
    /// Whether a shadow has been started.
    pub(crate) shadow: bool,
    pub(crate) queue: mpsc::Sender<Queued>,
    /// What waits for the pair to ask it again.
    pub(crate) repeat: Option<Line>,
}

struct Open {
    opening: Opening,
    holds: Vec<Arc<Hold>>,
    answered: bool,
}

/// An exchange in the making.
pub(crate) struct Pairing {
    open: Mutex<Option<Open>>,
    cancel: CancellationToken,
}

impl Pairing {
    pub(crate) fn new(mut opening: Opening) -> Arc<Self> {
        let holds = opening
            .request_hold
            .take()
            .map(Arc::new)
            .into_iter()
            .collect();
        let open = Open {
            opening,
            holds,
            answered: false,
        };
        Arc::new(Self {
            open: Mutex::new(Some(open)),
            cancel: CancellationToken::new(),
        })
    }

    /// Cancelled when the shadow's answer could no longer be compared.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.cancel
    }

    /// A side reports.
    pub(crate) fn deliver(&self, recording: Recording, held: Held) {
        let mut slot = lock(&self.open);
        let Some(mut open) = slot.take() else { return };
        open.holds.extend(held.hold.map(Arc::new));
        if held.starved {
            if let Some(ticket) = open.opening.ticket.take() {
                ticket.skip(SkipReason::Bytes);
            }
            if let Some(pair) = &open.opening.pair {
                pair.unjudged();
            }
        }
        match recording.role {
            Role::Answering => {
                if recording.ending == Ending::ClientAbort {
                    self.cancel.cancel();
                    let asked_first = open.opening.exchange.assignment.answer;
                    open.end(Some(SkipReason::of_abort(asked_first)));
                    return;
                }
                open.answered = true;
                if let Some(repeat) = &mut open.opening.repeat {
                    repeat.answered();
                }
            }
            // Repeats go another way; one that came here would be no answer for the caller either.
            Role::Shadow | Role::Repeat => {
                open.opening.shadow = false;
                if let Some(reason) = shadow_skip(&recording)
                    && let Some(ticket) = open.opening.ticket.take()
                {
                    ticket.skip(reason);
                }
            }
        }
        match recording.side {
            Side::Primary => open.opening.exchange.primary = Some(recording),
            Side::Candidate => open.opening.exchange.candidate = Some(recording),
        }
        if open.answered && open.opening.shadow {
            open.resolve();
        }
        Self::proceed(&mut slot, open);
    }

    /// The shadow side will not report, if it has not yet.
    pub(crate) fn give_up_if_awaited(&self, reason: SkipReason) {
        let mut slot = lock(&self.open);
        let Some(mut open) = slot.take_if(|open| open.opening.shadow) else {
            return;
        };
        open.opening.shadow = false;
        if let Some(ticket) = open.opening.ticket.take() {
            ticket.skip(reason);
        }
        if let Some(pair) = &open.opening.pair {
            let shadow = open.opening.exchange.assignment.answer.other();
            pair.skipped(shadow, reason, Instant::now());
        }
        Self::proceed(&mut slot, open);
    }

    fn proceed(slot: &mut Option<Open>, open: Open) {
        if open.answered && !open.opening.shadow {
            open.end(None);
        } else {
            *slot = Some(open);
        }
    }
}

/// Why a shadow's recording is no comparison, if it is none. A candidate that gave no answer is still sent on, so that its failure is seen.
fn shadow_skip(recording: &Recording) -> Option<SkipReason> {
    if recording.failover.is_some() {
        return Some(SkipReason::CandidateUnavailable);
    }
    match recording.ending {
        Ending::Complete | Ending::Broken => None,
        Ending::TimedOut | Ending::Failed => Some(SkipReason::CandidateUnavailable),
        Ending::Deadline => Some(SkipReason::Deadline),
        Ending::ClientAbort => Some(SkipReason::ClientAbort),
    }
}

impl Open {
    /// A drawn answer is judged as soon as it has ended: if it waited for its shadow, the age of its group would decide it unjudged,
    /// on the side that has shadows and not on the other.
    fn resolve(&mut self) {
        let Some(draw) = self.opening.draw.take() else {
            return;
        };
        if !draw.content_is_open() {
            return;
        }
        let queued = Queued {
            exchange: self.opening.exchange.clone(),
            drawn: Some(self.opening.exchange.assignment.answer),
            mirrored: None,
            purpose: Purpose::Outcome,
            ticket: None,
            _holds: self.holds.clone(),
        };
        hand_over(&draw, offer(&self.opening.queue, queued));
    }

    /// Nothing more is awaited: on to the queue, or not.
    fn end(self, skipped: Option<SkipReason>) {
        let Opening {
            exchange,
            mut ticket,
            draw,
            pair,
            queue,
            repeat,
            ..
        } = self.opening;
        // Both recorders, if there were two, have said all they know.
        let mirrored = pair.as_ref().and_then(|pair| pair.wants_verdict());
        if let (Some(pair), None) = (&pair, mirrored) {
            pair.close();
        }
        if let Some(reason) = skipped {
            if let Some(ticket) = ticket.take() {
                ticket.skip(reason);
            }
            if let Some(pair) = &pair {
                pair.close();
            }
            // The recorder has resolved an aborted answer by the rule for aborts.
            return;
        }
        let draw = draw.filter(|draw| draw.content_is_open());
        let drawn = draw.as_ref().map(|_| exchange.assignment.answer);
        if !exchange.is_pair() && drawn.is_none() {
            return;
        }
        let repeat = repeat.and_then(|line| line.follow(&exchange, &self.holds));
        let queued = Queued {
            exchange,
            drawn,
            mirrored,
            purpose: Purpose::Exchange,
            ticket,
            _holds: self.holds,
        };
        let taken = offer(&queue, queued);
        if let Some(draw) = draw {
            hand_over(&draw, taken);
        }
        match pair {
            Some(pair) if taken => pair.hand_over(),
            Some(pair) => pair.unjudged(),
            None => {}
        }
        if let Some(repeat) = repeat {
            repeat.go(taken);
        }
    }
}

/// Whoever took the exchange resolves its draw; if nobody did, it is not judged, on both sides alike.
fn hand_over(draw: &Draw, taken: bool) {
    if taken {
        draw.hand_over();
    } else {
        draw.unjudged();
    }
}

#[cfg(test)]
mod tests;
