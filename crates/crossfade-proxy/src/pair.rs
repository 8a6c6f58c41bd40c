//! One mirrored request on the sending side: what becomes known of its two sides, and the one settlement of each group.
//!
//! Each side is held to τ and A from the moment it was asked itself, because the shadow is asked later. What says nothing of a side (a
//! bound, a caller who left, a switch) settles as void; a side that is silent until A says something, whoever it is. In the content
//! group only answers are compared: where a side gave none, where its content cannot be judged, or where the mirror was cut short,
//! there is no pair. If one side is still being heard at its A, both are decided by age: bad only if known bad or silent.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crossfade_exchange::{
    Announcement, Group, Metric, MetricSet, Mirrored, OutcomeMessage, RouteId, Settled, Settlement,
    Side, SkipReason, Unit,
};
use crossfade_rollout::AttemptFacts;

use crate::{
    line::{Line, Permit, Room, SILENT, Waiting},
    queue::KnownBad,
    route::{Now, lock},
};

/// How much longer than twice A a side that was asked late is waited for. Less than the minute for which the order waits.
const ASKED_LATE: Duration = Duration::from_secs(30);

/// What is mirrored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MirroredAs {
    /// The side that is to answer the caller.
    pub(crate) answer: Side,
    pub(crate) unit: Unit,
    pub(crate) applies: MetricSet,
    pub(crate) streamed: bool,
    /// The longest that a mirror may take: no side is given longer to begin.
    pub(crate) deadline: Duration,
    /// Whether the breaker was open when it was sent.
    pub(crate) breaker_open: bool,
}

/// One mirrored request, shared by the recorders of its sides and the line that ages it.
#[derive(Debug)]
pub(crate) struct Pair {
    announcement: Announcement,
    route: RouteId,
    applies: MetricSet,
    slow: Duration,
    arrival_age: Duration,
    content_age: Duration,
    sent: Instant,
    /// Whether the breaker was open when it was sent.
    kept_back: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    arrival: Option<Permit>,
    content: Option<Permit>,
    primary: Known,
    candidate: Known,
    breaker_open: bool,
}

/// What is known of one side.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    asked: Option<Instant>,
    arrival: Option<MetricSet>,
    content: Content,
    last_byte: Option<Instant>,
}

/// What is known of a side's content.
#[derive(Clone, Copy, Debug, Default)]
enum Content {
    /// Nothing yet.
    #[default]
    Open,
    /// It has ended; what is known to be bad of it before it is judged.
    Ended(MetricSet),
    /// It was still being heard at A.
    Aged(MetricSet),
    /// There is none to judge.
    Missing,
}

// === impl Pair ===

impl Pair {
    /// Announces a mirrored request at the moment it is sent.
    pub(crate) fn announce(
        line: &Line,
        room: Room,
        attempt: &AttemptFacts,
        mirrored: MirroredAs,
        now: Now,
    ) -> Arc<Self> {
        let (arrival, content) = (room.arrival, room.content);
        line.announce(room.announce, now, |key, route| {
            let MirroredAs {
                answer,
                unit,
                applies,
                streamed,
                deadline,
                breaker_open: kept_back,
            } = mirrored;
            let message = OutcomeMessage::Mirrored(Mirrored {
                key,
                route: route.clone(),
                attempt: attempt.id,
                answer,
                unit,
                applies,
            });
            let mut state = State {
                arrival: Some(arrival),
                content: Some(content),
                primary: Known::default(),
                candidate: Known::default(),
                breaker_open: false,
            };
            state.of(answer).asked = Some(now.instant);
            let pair = Arc::new(Self {
                announcement: Announcement {
                    key,
                    attempt: attempt.id,
                    unit,
                },
                route: route.clone(),
                applies,
                slow: attempt.slow_after(streamed),
                arrival_age: attempt.arrival_age.min(deadline),
                content_age: attempt.content_age,
                sent: now.instant,
                kept_back,
                state: Mutex::new(state),
            });
            (message, Waiting::Pair(Arc::clone(&pair)), pair)
        })
    }

    /// Its place in the order, and whom it counts for.
    pub(crate) fn announcement(&self) -> Announcement {
        self.announcement
    }

    /// How long a side may be silent before that is an answer in itself.
    pub(crate) fn arrival_age(&self) -> Duration {
        self.arrival_age
    }

    /// A side is asked.
    pub(crate) fn asked(&self, side: Side, now: Instant) {
        self.change(|state| state.of(side).asked = Some(now));
    }

    /// A side's first content came this long after it was asked.
    pub(crate) fn first_content(&self, side: Side, after: Duration) {
        let bad = self.slow_if(after);
        self.change(|state| state.of(side).arrives(bad));
    }

    /// Bytes of a side came.
    pub(crate) fn byte(&self, side: Side, now: Instant) {
        lock(&self.state).of(side).last_byte = Some(now);
    }

    /// A side's answer is whole; its content is to be judged.
    pub(crate) fn ended(&self, side: Side) {
        self.change(|state| state.of(side).ends(Content::Ended(MetricSet::EMPTY)));
    }

    /// A side gave no answer: a bad arrival, and nothing to judge.
    pub(crate) fn failed(&self, side: Side) {
        self.change(|state| state.of(side).fails());
    }

    /// What came of a side is no answer: it arrived, and what arrived is malformed.
    pub(crate) fn garbled(&self, side: Side, after: Duration) {
        let bad = self.slow_if(after);
        self.change(|state| {
            let known = state.of(side);
            known.arrives(bad);
            known.ends(Content::Ended(only(Metric::Envelope)));
        });
    }

    /// A side's answer broke off: before the first content that is a bad arrival, after it a bad stream.
    pub(crate) fn broke(&self, side: Side) {
        self.change(|state| {
            let known = state.of(side);
            if known.arrival.is_some() {
                known.ends(Content::Ended(only(Metric::Stream)));
            } else {
                known.fails();
            }
        });
    }

    /// The caller went away while this side was answering. After the primary's 99th percentile a silent side is a bad event, or it
    /// would censor itself. A candidate's is one only where the primary is known too.
    pub(crate) fn aborted(&self, side: Side, now: Instant, p99: Option<(Duration, Duration)>) {
        let first = p99.map_or(self.arrival_age, |(first, _)| first);
        let mut state = lock(&self.state);
        let known = state.of(side);
        if known.heard_for(now) > first {
            known.arrives(only(Metric::Transport));
        }
        self.close_all(&mut state);
    }

    /// The mirror was cut short while this side was the shadow.
    pub(crate) fn cut(&self, side: Side, now: Instant) {
        let mut state = lock(&self.state);
        let known = state.of(side);
        if known.heard_for(now) >= self.arrival_age {
            known.arrives(only(Metric::Transport));
        }
        let silent = known.is_silent(now);
        known.ends(if silent {
            Content::Aged(only(Metric::Stream))
        } else {
            Content::Missing
        });
        let is_unknown = known.arrival.is_none();
        self.conclude(&mut state);
        if is_unknown {
            self.close_arrival(&mut state);
        }
    }

    /// The primary is about to fail it, and the breaker `is_open`. If it was so from the beginning, the candidate would not have been
    /// asked anyway: counting the primary's failures where the candidate's cannot show would be a selection.
    pub(crate) fn kept_back_if(&self, is_open: bool) {
        if self.kept_back && is_open {
            self.skipped(Side::Candidate, SkipReason::Breaker, self.sent);
        }
    }

    /// The shadow, which was to be or to come from this side, will not report.
    pub(crate) fn skipped(&self, shadow: Side, reason: SkipReason, now: Instant) {
        match reason {
            SkipReason::Breaker => self.change(|state| {
                state.breaker_open = true;
                state.candidate.content = Content::Missing;
            }),
            SkipReason::PrimaryFailed => self.failed(Side::Primary),
            SkipReason::CandidateUnavailable => self.failed(Side::Candidate),
            SkipReason::Deadline => self.cut(shadow, now),
            SkipReason::SampledOut
            | SkipReason::Slots
            | SkipReason::Bytes
            | SkipReason::QueueFull
            | SkipReason::Money
            | SkipReason::PrimaryRefused
            | SkipReason::ClientAbort
            | SkipReason::CandidateAbort
            | SkipReason::Disabled
            | SkipReason::Draining
            | SkipReason::Panic => self.close(),
        }
    }

    /// What was bad of both sides' content so far, if both have ended and a verdict on them is all that is missing.
    pub(crate) fn wants_verdict(&self) -> Option<KnownBad> {
        let state = lock(&self.state);
        match (state.primary.content, state.candidate.content) {
            (Content::Ended(primary), Content::Ended(candidate)) if state.content.is_some() => {
                Some(KnownBad { primary, candidate })
            }
            _ => None,
        }
    }

    /// The content will be judged by the worker, who settles it; nothing of it is settled here any more.
    pub(crate) fn hand_over(&self) {
        drop(lock(&self.state).content.take());
    }

    /// The content will not be judged, for a reason that says nothing of a side.
    pub(crate) fn unjudged(&self) {
        self.settle_content(&mut lock(&self.state), Settlement::Void);
    }

    /// Nothing more will become known.
    pub(crate) fn close(&self) {
        self.close_all(&mut lock(&self.state));
    }

    /// Decides by age what has reached it.
    pub(crate) fn age(&self, now: Instant) {
        let mut state = lock(&self.state);
        for side in Side::ALL {
            state.of(*side).age(now, self.arrival_age, self.content_age);
        }
        self.conclude(&mut state);
        let waited = now.saturating_duration_since(self.sent);
        let late = |is_asked: bool| {
            if is_asked { ASKED_LATE } else { Duration::ZERO }
        };
        let (primary, candidate) = (state.primary, state.candidate);
        let asked_both = primary.asked.is_some() && candidate.asked.is_some();
        if waited >= 2 * self.arrival_age + late(asked_both) {
            self.close_arrival(&mut state);
        }
        if waited >= 2 * self.content_age + late(asked_both) {
            self.settle_content(&mut state, Settlement::Void);
        }
    }

    /// Whether both groups are settled, or handed over.
    pub(crate) fn is_resolved(&self) -> bool {
        let state = lock(&self.state);
        state.arrival.is_none() && state.content.is_none()
    }

    fn slow_if(&self, after: Duration) -> MetricSet {
        if after > self.slow {
            only(Metric::Slow)
        } else {
            MetricSet::EMPTY
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        change(&mut state);
        self.conclude(&mut state);
    }

    /// Settles what is known by now.
    fn conclude(&self, state: &mut MutexGuard<'_, State>) {
        if let Some(settlement) = state.arrival_settlement() {
            self.settle_arrival(state, settlement);
        }
        if let Some(settlement) = state.content_settlement() {
            self.settle_content(state, settlement);
        }
    }

    fn close_all(&self, state: &mut MutexGuard<'_, State>) {
        self.conclude(state);
        self.close_arrival(state);
        self.settle_content(state, Settlement::Void);
    }

    /// Settles the arrival with what is known, which is not all.
    fn close_arrival(&self, state: &mut MutexGuard<'_, State>) {
        let failed = state.primary.is_bad_transport() && state.candidate.arrival.is_none();
        let settlement = if failed {
            Settlement::PrimaryFailed
        } else {
            Settlement::Void
        };
        self.settle_arrival(state, settlement);
    }

    fn settle_arrival(&self, state: &mut MutexGuard<'_, State>, settlement: Settlement) {
        let permit = state.arrival.take();
        self.send(permit, Group::Arrival, settlement);
    }

    fn settle_content(&self, state: &mut MutexGuard<'_, State>, settlement: Settlement) {
        let permit = state.content.take();
        self.send(permit, Group::Content, settlement);
    }

    /// Settles a group, if that has not been done.
    fn send(&self, permit: Option<Permit>, group: Group, settlement: Settlement) {
        let Some(permit) = permit else { return };
        let of = |set: MetricSet| set.and(self.applies).of_group(group);
        let settlement = match settlement {
            Settlement::Pair { primary, candidate } => Settlement::Pair {
                primary: of(primary),
                candidate: of(candidate),
            },
            Settlement::BreakerOpen { primary } => Settlement::BreakerOpen {
                primary: of(primary),
            },
            Settlement::Answer(bad) => Settlement::Answer(of(bad)),
            Settlement::PrimaryFailed | Settlement::Void => settlement,
        };
        let settled = Settled {
            key: self.announcement.key,
            group,
            settlement,
        };
        permit.send(OutcomeMessage::Settled(self.route.clone(), settled));
    }
}

impl Drop for Pair {
    /// Whatever path forgot it, a mirrored request is settled.
    fn drop(&mut self) {
        self.close();
    }
}

// === impl State ===

impl State {
    fn of(&mut self, side: Side) -> &mut Known {
        match side {
            Side::Primary => &mut self.primary,
            Side::Candidate => &mut self.candidate,
        }
    }

    fn arrival_settlement(&self) -> Option<Settlement> {
        match (self.primary.arrival, self.candidate.arrival) {
            (Some(primary), Some(candidate)) => Some(Settlement::Pair { primary, candidate }),
            (Some(primary), None) if self.breaker_open => Some(Settlement::BreakerOpen { primary }),
            // A candidate that was asked will still be heard of.
            (Some(_), None) if self.candidate.asked.is_none() && self.primary.has_failed() => {
                Some(Settlement::PrimaryFailed)
            }
            (Some(_) | None, None) | (None, Some(_)) => None,
        }
    }

    fn content_settlement(&self) -> Option<Settlement> {
        use Content::{Aged, Ended, Missing, Open};
        match (self.primary.content, self.candidate.content) {
            (Missing, _) | (_, Missing) => Some(Settlement::Void),
            (Aged(primary), Aged(candidate) | Ended(candidate))
            | (Ended(primary), Aged(candidate)) => Some(Settlement::Pair { primary, candidate }),
            (Ended(_), Ended(_)) | (Open, _) | (_, Open) => None,
        }
    }
}

// === impl Known ===

impl Known {
    fn arrives(&mut self, bad: MetricSet) {
        self.arrival.get_or_insert(bad);
    }

    fn ends(&mut self, how: Content) {
        if matches!(self.content, Content::Open) {
            self.content = how;
        }
    }

    fn fails(&mut self) {
        self.arrives(only(Metric::Transport));
        self.ends(Content::Missing);
    }

    fn is_bad_transport(&self) -> bool {
        self.arrival
            .is_some_and(|bad| bad.contains(Metric::Transport))
    }

    /// Whether it failed for good, rather than being late.
    fn has_failed(&self) -> bool {
        self.is_bad_transport() && matches!(self.content, Content::Missing)
    }

    fn heard_for(&self, now: Instant) -> Duration {
        self.asked
            .map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }

    fn is_silent(&self, now: Instant) -> bool {
        self.last_byte
            .is_some_and(|at| now.saturating_duration_since(at) >= SILENT)
    }

    fn age(&mut self, now: Instant, arrival_age: Duration, content_age: Duration) {
        if self.asked.is_none() {
            return;
        }
        let age = self.heard_for(now);
        if age >= arrival_age {
            // No content yet at this age is silence.
            self.arrives(only(Metric::Transport));
        }
        if age >= content_age {
            let bad = if self.is_silent(now) {
                only(Metric::Stream)
            } else {
                MetricSet::EMPTY
            };
            self.ends(Content::Aged(bad));
        }
    }
}

fn only(metric: Metric) -> MetricSet {
    MetricSet::EMPTY.with(metric)
}

#[cfg(test)]
mod tests;
