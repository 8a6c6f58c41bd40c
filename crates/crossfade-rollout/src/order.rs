//! Puts outcomes into the order of sending, which is what keeps the tests valid: if the two sides fail at different
//! speeds, the order of arrival turns an outage that both share into a roll-back. Holds drawn answers until they are
//! resolved; does not judge them and reads no clock.

use std::{collections::BTreeMap, time::Duration};

use crossfade_exchange::{DrawKey, Drawn, Group, MetricSet, OutcomeMessage, Settled, Side, Unit};
use serde::{Deserialize, Serialize};

use crate::{AttemptFacts, Decided, replica::Replica};

/// How much longer than A an unsettled answer is waited for, and a silent replica is heard. The data plane settles
/// what reaches A, so this is only about settlements and replicas that are lost.
const GRACE: Duration = Duration::from_secs(60);

/// A of the two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ages {
    /// A of the arrival group.
    pub arrival: Duration,
    /// A of the content group.
    pub content: Duration,
}

/// What the buffer has done, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderCounts {
    /// Answers waiting in the arrival group.
    pub waiting_arrival: u64,
    /// Answers waiting in the content group.
    pub waiting_content: u64,
    /// Bad events that showed after their answer had been decided or settled; they never enter.
    pub late: u64,
    /// Answers decided unsettled because they were older than A and the grace.
    pub forced_by_age: u64,
    /// Answers decided early because too many were waiting.
    pub forced_by_room: u64,
    /// Announcements that came after something sent later had been decided, or that were not drawn at all; dropped.
    pub dropped: u64,
    /// Announcements that never came.
    pub lost: u64,
    /// Settlements of answers that were never announced; dropped.
    pub unmatched: u64,
}

/// The order of one route's drawn answers, in two groups.
///
/// Holds at most [`OrderBuffer::CAPACITY`] answers a group: when full, the oldest is decided with what is known.
/// An answer of a replica that nobody has heard of is not waited for; one replica is the rule and needs no watermarks.
#[derive(Clone, Debug)]
pub struct OrderBuffer {
    replicas: BTreeMap<u32, Replica>,
    arrival: Queue,
    content: Queue,
    dropped: u64,
}

/// One group's order.
#[derive(Clone, Debug)]
struct Queue {
    group: Group,
    capacity: usize,
    waiting: BTreeMap<DrawKey, Waiting>,
    /// Settlements that overtook their announcement.
    early: BTreeMap<DrawKey, MetricSet>,
    last_decided: Option<DrawKey>,
    ready: Vec<Decided>,
    late: u64,
    forced_by_age: u64,
    forced_by_room: u64,
    unmatched: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    attempt: u64,
    side: Side,
    probability: f64,
    salt: u64,
    unit: Unit,
    applies: MetricSet,
    bad: Option<MetricSet>,
}

// === impl Ages ===

impl Ages {
    /// A of a group.
    pub const fn of(&self, group: Group) -> Duration {
        match group {
            Group::Arrival => self.arrival,
            Group::Content => self.content,
        }
    }
}

impl From<&AttemptFacts> for Ages {
    fn from(facts: &AttemptFacts) -> Self {
        Self {
            arrival: facts.arrival_age,
            content: facts.content_age,
        }
    }
}

// === impl OrderBuffer ===

impl Default for OrderBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl OrderBuffer {
    /// Answers that may wait in a group.
    pub const CAPACITY: usize = 65_536;

    /// An empty order.
    pub fn new() -> Self {
        Self::with_capacity(Self::CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self {
            replicas: BTreeMap::new(),
            arrival: Queue::new(Group::Arrival, capacity),
            content: Queue::new(Group::Content, capacity),
            dropped: 0,
        }
    }

    /// Takes in a message of the data plane, which must be of this buffer's route.
    pub fn message(&mut self, message: &OutcomeMessage) {
        match message {
            OutcomeMessage::Drawn(drawn) => self.drawn(drawn),
            OutcomeMessage::Settled(_, settled) => self.settled(settled),
            OutcomeMessage::Watermark {
                route: _,
                replica,
                announced_unix_micros,
            } => {
                self.watermark(*replica, *announced_unix_micros);
            }
        }
    }

    /// A request was drawn and sent.
    pub fn drawn(&mut self, drawn: &Drawn) {
        self.replicas
            .entry(drawn.key.replica)
            .or_default()
            .announce(drawn.key);
        if !(drawn.probability > 0.0 && drawn.probability < 1.0) {
            self.dropped += 1;
            return;
        }
        let taken = [self.arrival.announce(drawn), self.content.announce(drawn)];
        if taken.contains(&false) {
            self.dropped += 1;
        }
    }

    /// A drawn answer is resolved in one group. The first settlement counts.
    pub fn settled(&mut self, settled: &Settled) {
        let key = settled.key;
        let announced = self
            .replicas
            .get(&key.replica)
            .is_some_and(|r| key < r.frontier(key.replica));
        match settled.group {
            Group::Arrival => self.arrival.settle(key, settled.bad, announced),
            Group::Content => self.content.settle(key, settled.bad, announced),
        }
    }

    /// Everything that `replica` sent before this moment has been announced.
    pub fn watermark(&mut self, replica: u32, announced_unix_micros: u64) {
        self.replicas
            .entry(replica)
            .or_default()
            .announced_until(announced_unix_micros);
    }

    /// Decides what can be decided now, in order: first the arrival group's, then the content group's. An answer
    /// leaves when it is settled, or older than A and a minute, and nothing sent before it can still come.
    pub fn advance(&mut self, now_unix_micros: u64, ages: Ages) -> Vec<Decided> {
        let mut decided = Vec::new();
        let longest = patience(ages.arrival.max(ages.content));
        for replica in self.replicas.values_mut() {
            replica.give_up_before(now_unix_micros.saturating_sub(longest));
        }
        for queue in [&mut self.arrival, &mut self.content] {
            let heard_since = now_unix_micros.saturating_sub(patience(ages.of(queue.group)));
            let horizon = self
                .replicas
                .iter()
                .map(|(id, replica)| replica.frontier(*id))
                .filter(|frontier| frontier.sent_unix_micros >= heard_since)
                .min();
            queue.advance(horizon, heard_since);
            decided.append(&mut queue.ready);
        }
        decided
    }

    /// What it has done so far.
    pub fn counts(&self) -> OrderCounts {
        let waiting = |queue: &Queue| u64::try_from(queue.waiting.len()).unwrap_or(u64::MAX);
        let (a, c) = (&self.arrival, &self.content);
        OrderCounts {
            waiting_arrival: waiting(a),
            waiting_content: waiting(c),
            late: a.late + c.late,
            forced_by_age: a.forced_by_age + c.forced_by_age,
            forced_by_room: a.forced_by_room + c.forced_by_room,
            dropped: self.dropped,
            lost: self.replicas.values().map(Replica::lost).sum(),
            unmatched: a.unmatched + c.unmatched,
        }
    }

    /// The send time of the oldest answer that is not decided.
    pub fn oldest_unix_micros(&self) -> Option<u64> {
        [&self.arrival, &self.content]
            .iter()
            .filter_map(|queue| queue.waiting.keys().next())
            .map(|key| key.sent_unix_micros)
            .min()
    }
}

/// A and the grace in microseconds.
fn patience(age: Duration) -> u64 {
    u64::try_from((age + GRACE).as_micros()).unwrap_or(u64::MAX)
}

// === impl Queue ===

impl Queue {
    fn new(group: Group, capacity: usize) -> Self {
        Self {
            group,
            capacity,
            waiting: BTreeMap::new(),
            early: BTreeMap::new(),
            last_decided: None,
            ready: Vec::new(),
            late: 0,
            forced_by_age: 0,
            forced_by_room: 0,
            unmatched: 0,
        }
    }

    fn is_decided(&self, key: DrawKey) -> bool {
        self.last_decided.is_some_and(|last| key <= last)
    }

    /// Whether the answer still has its place. One to which none of the group's metrics applies needs none.
    fn announce(&mut self, drawn: &Drawn) -> bool {
        let applies = drawn.applies.of_group(self.group);
        if applies.is_empty() {
            return true;
        }
        if self.is_decided(drawn.key) || self.waiting.contains_key(&drawn.key) {
            return false;
        }
        let waiting = Waiting {
            attempt: drawn.attempt,
            side: drawn.side,
            probability: drawn.probability,
            salt: drawn.salt,
            unit: drawn.unit,
            applies,
            bad: self.early.remove(&drawn.key),
        };
        self.waiting.insert(drawn.key, waiting);
        if self.waiting.len() > self.capacity
            && let Some((key, oldest)) = self.waiting.pop_first()
        {
            self.forced_by_room += 1;
            self.decide(key, oldest);
        }
        true
    }

    fn settle(&mut self, key: DrawKey, bad: MetricSet, announced: bool) {
        let late = u64::from(!bad.is_empty());
        let decided = self.is_decided(key);
        match self.waiting.get_mut(&key) {
            Some(Waiting {
                bad: settled @ None,
                ..
            }) => *settled = Some(bad),
            Some(Waiting { bad: Some(_), .. }) => self.late += late,
            None if decided => self.late += late,
            // Announced, not decided and not waiting: no metric of this group applies.
            None if announced => {}
            None => {
                self.early.entry(key).or_insert(bad);
                if self.early.len() > self.capacity {
                    self.early.pop_first();
                    self.unmatched += 1;
                }
            }
        }
    }

    fn advance(&mut self, horizon: Option<DrawKey>, heard_since: u64) {
        while let Some(first) = self.waiting.first_entry() {
            let key = *first.key();
            let expired = key.sent_unix_micros < heard_since;
            let settled = first.get().bad.is_some();
            let in_order = horizon.is_none_or(|horizon| key < horizon);
            if !(expired || settled && in_order) {
                break;
            }
            let oldest = first.remove();
            self.forced_by_age += u64::from(!settled);
            self.decide(key, oldest);
        }
        while let Some(first) = self.early.first_entry() {
            if first.key().sent_unix_micros >= heard_since {
                break;
            }
            first.remove();
            self.unmatched += 1;
        }
    }

    fn decide(&mut self, key: DrawKey, answer: Waiting) {
        self.last_decided = Some(key);
        self.ready.push(Decided {
            key,
            attempt: answer.attempt,
            group: self.group,
            side: answer.side,
            probability: answer.probability,
            salt: answer.salt,
            unit: answer.unit,
            applies: answer.applies,
            bad: answer.bad.unwrap_or(MetricSet::EMPTY).and(answer.applies),
        });
    }
}

#[cfg(test)]
mod tests;
