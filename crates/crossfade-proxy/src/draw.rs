//! One drawn answer on the sending side: resolved once in each group, and never lost.
//!
//! What has not been resolved at the age of its group is resolved by age: bad only if it is known bad or silent.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crossfade_exchange::{
    Drawn, Group, Metric, MetricSet, OutcomeKey, OutcomeMessage, RouteId, Settled, Settlement,
    Side, Unit,
};
use crossfade_rollout::AttemptFacts;

use crate::{
    line::{Line, Permit, Room, SILENT, Waiting},
    route::{Now, lock},
};

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DrawnAs {
    pub(crate) side: Side,
    pub(crate) probability: f64,
    pub(crate) salt: u64,
    pub(crate) unit: Unit,
    pub(crate) applies: MetricSet,
    pub(crate) streamed: bool,
}

/// One drawn answer, shared by its recorder and the line that ages it.
#[derive(Debug)]
pub(crate) struct Draw {
    key: OutcomeKey,
    route: RouteId,
    applies: MetricSet,
    slow: Duration,
    arrival_age: Duration,
    content_age: Duration,
    sent: Instant,
    state: Mutex<DrawState>,
}

#[derive(Debug)]
struct DrawState {
    arrival: Option<Permit>,
    content: Option<Permit>,
    last_byte: Option<Instant>,
    /// What is bad of each group, arrival first, of an answer that failed and for which the primary is asked.
    fallen: Option<[MetricSet; 2]>,
}

impl Draw {
    /// Announces a drawn answer at the moment it is sent.
    pub(crate) fn announce(
        line: &Line,
        room: Room,
        attempt: &AttemptFacts,
        drawn: DrawnAs,
        now: Now,
    ) -> Arc<Self> {
        let (arrival, content) = (room.arrival, room.content);
        line.announce(room.announce, now, |key, route| {
            let message = OutcomeMessage::Drawn(Drawn {
                key,
                route: route.clone(),
                attempt: attempt.id,
                side: drawn.side,
                probability: drawn.probability,
                salt: drawn.salt,
                unit: drawn.unit,
                applies: drawn.applies,
            });
            let draw = Arc::new(Self {
                key,
                route: route.clone(),
                applies: drawn.applies,
                slow: attempt.slow_after(drawn.streamed),
                arrival_age: attempt.arrival_age,
                content_age: attempt.content_age,
                sent: now.instant,
                state: Mutex::new(DrawState {
                    arrival: Some(arrival),
                    content: Some(content),
                    last_byte: None,
                    fallen: None,
                }),
            });
            (message, Waiting::Draw(Arc::clone(&draw)), draw)
        })
    }

    pub(crate) fn key(&self) -> OutcomeKey {
        self.key
    }

    /// The first content came this long after the request was sent.
    pub(crate) fn first_content(&self, after: Duration) {
        self.settle(Group::Arrival, self.slow_if(after));
    }

    fn slow_if(&self, after: Duration) -> MetricSet {
        if after > self.slow {
            MetricSet::EMPTY.with(Metric::Slow)
        } else {
            MetricSet::EMPTY
        }
    }

    /// Bytes came.
    pub(crate) fn byte(&self, now: Instant) {
        lock(&self.state).last_byte = Some(now);
    }

    /// There was no answer: a bad arrival, and nothing to judge after it.
    pub(crate) fn failed(&self) {
        self.settle(Group::Arrival, MetricSet::EMPTY.with(Metric::Transport));
        self.settle(Group::Content, MetricSet::EMPTY);
    }

    /// What came is no answer. It arrived; what arrived is malformed. The primary's such answers reach the caller and are found so by
    /// the comparison, so the candidate's, which do not, are resolved alike.
    pub(crate) fn garbled(&self, after: Duration) {
        self.first_content(after);
        self.settle(Group::Content, MetricSet::EMPTY.with(Metric::Envelope));
    }

    /// The candidate failed, and the primary is asked in its place. That is the candidate's bad event, unless the primary refuses the
    /// request too: then it is the request's, which would not have been bad either had the primary been drawn. Whatever else happens,
    /// to the caller or in time, it stays one.
    pub(crate) fn fell_back(&self, garbled: Option<Duration>) {
        let bad = match garbled {
            Some(after) => [self.slow_if(after), MetricSet::EMPTY.with(Metric::Envelope)],
            None => [MetricSet::EMPTY.with(Metric::Transport), MetricSet::EMPTY],
        };
        lock(&self.state).fallen = Some(bad);
    }

    /// What became of it after [`Draw::fell_back`]: whether the primary refused the request.
    pub(crate) fn replaced(&self, is_refused: bool) {
        let fallen = lock(&self.state).fallen.filter(|_| !is_refused);
        let [arrival, content] = fallen.unwrap_or_default();
        self.settle(Group::Arrival, arrival);
        self.settle(Group::Content, content);
    }

    /// The answer broke off after its head: before the first content that is a bad arrival, after it a bad stream.
    pub(crate) fn broke(&self) {
        let arrived = lock(&self.state).arrival.is_none();
        if arrived {
            self.settle(Group::Content, MetricSet::EMPTY.with(Metric::Stream));
        } else {
            self.failed();
        }
    }

    /// The caller went away. After the primary's 99th percentile that is a bad event, or a hanging side would censor itself.
    pub(crate) fn aborted(&self, after: Duration, p99: Option<(Duration, Duration)>) {
        let (first, total) = p99.unwrap_or((self.arrival_age, self.content_age));
        let (arrived, fell_back) = {
            let state = lock(&self.state);
            (state.arrival.is_none(), state.fallen.is_some())
        };
        if fell_back {
            self.replaced(false);
            return;
        }
        match arrived {
            false if after > first => self.failed(),
            true if after > total => {
                self.settle(Group::Content, MetricSet::EMPTY.with(Metric::Stream));
            }
            _ => {
                self.settle(Group::Arrival, MetricSet::EMPTY);
                self.settle(Group::Content, MetricSet::EMPTY);
            }
        }
    }

    /// The content will be judged by the worker, who resolves it; nothing of it is resolved here any more.
    pub(crate) fn hand_over(&self) {
        drop(lock(&self.state).content.take());
    }

    /// Whether the content has not been resolved yet.
    pub(crate) fn content_is_open(&self) -> bool {
        lock(&self.state).content.is_some()
    }

    /// The content will not be judged: not bad, on both sides alike.
    pub(crate) fn unjudged(&self) {
        self.settle(Group::Content, MetricSet::EMPTY);
    }

    /// Resolves a group, once: whoever comes first.
    fn settle(&self, group: Group, bad: MetricSet) {
        let permit = {
            let mut state = lock(&self.state);
            match group {
                Group::Arrival => state.arrival.take(),
                Group::Content => state.content.take(),
                // People are asked about pairs.
                Group::Review => None,
            }
        };
        if let Some(permit) = permit {
            let bad = bad.and(self.applies).of_group(group);
            let settled = Settled {
                key: self.key,
                group,
                settlement: Settlement::Answer(bad),
            };
            permit.send(OutcomeMessage::Settled(self.route.clone(), settled));
        }
    }

    /// Resolves what has reached its age.
    pub(crate) fn age(&self, now: Instant) {
        let age = now.saturating_duration_since(self.sent);
        let (last, fallen) = {
            let state = lock(&self.state);
            (state.last_byte, state.fallen)
        };
        if let Some([arrival, content]) = fallen {
            if age >= self.arrival_age {
                self.settle(Group::Arrival, arrival);
            }
            if age >= self.content_age {
                self.settle(Group::Content, content);
            }
            return;
        }
        if age >= self.arrival_age {
            // No content yet at this age is silence.
            self.settle(Group::Arrival, MetricSet::EMPTY.with(Metric::Transport));
        }
        if age >= self.content_age {
            let silent = last.is_some_and(|at| now.saturating_duration_since(at) >= SILENT);
            let bad = if silent {
                MetricSet::EMPTY.with(Metric::Stream)
            } else {
                MetricSet::EMPTY
            };
            self.settle(Group::Content, bad);
        }
    }

    pub(crate) fn is_resolved(&self) -> bool {
        let state = lock(&self.state);
        state.arrival.is_none() && state.content.is_none()
    }
}

impl Drop for Draw {
    /// Whatever path forgot it, a drawn answer is resolved.
    fn drop(&mut self) {
        self.replaced(false);
    }
}

#[cfg(test)]
mod tests;
