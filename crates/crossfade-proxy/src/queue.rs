//! The sending end of the queue of finished exchanges, and what stands on it.

use std::sync::Arc;

use tokio::sync::mpsc;

use crossfade_exchange::{Exchange, MetricSet, Side, SkipReason};

use crate::{accounting::Ticket, budget::Hold};

/// A finished exchange on its way to the comparison, with what it holds: its place in the accounting and its bytes in the budget.
#[derive(Debug)]
pub struct Queued {
    /// The exchange.
    pub exchange: Exchange,
    /// The drawn side, if this answer's content is to be resolved by whoever compares it.
    pub drawn: Option<Side>,
    /// What is known already of the content of a mirrored request, if that is to be resolved by whoever compares it.
    pub mirrored: Option<KnownBad>,
    /// What it is on the queue for.
    pub purpose: Purpose,
    pub(crate) ticket: Option<Ticket>,
    pub(crate) _holds: Vec<Arc<Hold>>,
}

/// What was bad of each side's content before it was judged: it counts whatever the verdict says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownBad {
    /// Of the primary.
    pub primary: MetricSet,
    /// Of the candidate.
    pub candidate: MetricSet,
}

/// What an exchange is on the queue for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be compared and counted, whole.
    Exchange,
    /// Only to resolve a drawn answer, whose shadow is still under way: the exchange itself follows, and counts then.
    Outcome,
    /// A pair that has been on the queue already, with what its primary, and perhaps its candidate, answered when asked the same once
    /// more: for the noise floor only. It counts as nothing else.
    Repeat,
}

impl Queued {
    /// The exchange has been compared (or judged alone, if it is no pair). What it held of the mirror's bytes is given back.
    pub fn compared(self) -> Exchange {
        if let Some(ticket) = self.ticket {
            ticket.compared();
        }
        self.exchange
    }
}

/// Offers a finished exchange; never waits. A full queue drops it, and it is counted.
pub(crate) fn offer(queue: &mpsc::Sender<Queued>, item: Queued) -> bool {
    match queue.try_send(item) {
        Ok(()) => true,
        Err(mpsc::error::TrySendError::Full(item) | mpsc::error::TrySendError::Closed(item)) => {
            if let Some(ticket) = item.ticket {
                ticket.skip(SkipReason::QueueFull);
            }
            false
        }
    }
}
