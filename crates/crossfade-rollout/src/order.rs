//! Puts outcomes into the order of sending, which is what keeps the tests valid: if the two sides fail at different
//! speeds, the order of arrival turns an outage that both share into a roll-back. Holds drawn answers and mirrored requests
//! until they are resolved; does not judge them and reads no clock.

use std::{collections::BTreeMap, time::Duration};

use crossfade_exchange::{
    Drawn, Group, MetricSet, Mirrored, OutcomeKey, OutcomeMessage, Settled, Settlement, Side, Unit,
};
use serde::{Deserialize, Serialize};

use crate::{AttemptFacts, Decided, DecidedPair, PairResult, Record, replica::Replica};

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
    /// Mirrored requests waiting, over both groups.
    pub waiting_pairs: u64,
    /// Mirrored requests that said nothing of either side.
    pub void: u64,
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

/// The order of one route's drawn answers and of its mirrored requests, each in two groups.
///
/// The two are apart, because a copy is sent only after the answering side has accepted the request: a mirrored request
/// is waited for twice as long, and must not hold up the answers.
/// Holds at most [`OrderBuffer::CAPACITY`] answers a group: when full, the oldest is decided with what is known.
/// An answer of a replica that nobody has heard of is not waited for; one replica is the rule and needs no watermarks.
#[derive(Clone, Debug)]
pub struct OrderBuffer {
    replicas: BTreeMap<u32, Replica>,
    arrival: Queue,
    content: Queue,
    pair_arrival: Queue,
    pair_content: Queue,
    dropped: u64,
}

/// One group's order.
#[derive(Clone, Debug)]
struct Queue {
    group: Group,
    /// How many times A its members may take.
    ages: u32,
    capacity: usize,
    waiting: BTreeMap<OutcomeKey, Waiting>,
    /// Settlements that overtook their announcement.
    early: BTreeMap<OutcomeKey, Settlement>,
    last_decided: Option<OutcomeKey>,
    ready: Vec<Record>,
    void: u64,
    late: u64,
    forced_by_age: u64,
    forced_by_room: u64,
    unmatched: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    attempt: u64,
    unit: Unit,
    applies: MetricSet,
    what: What,
    settled: Option<Settlement>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug)]
enum What {
    Answer {
        side: Side,
        probability: f64,
        salt: u64,
    },
    Pair {
        answer: Side,
    },
}

// === impl Ages ===

impl Ages {
    /// A of a group; 0 for reviews, whose age is kept with what waits for a person.
    pub const fn of(&self, group: Group) -> Duration {
        match group {
            Group::Arrival => self.arrival,
            Group::Content => self.content,
            Group::Review => Duration::ZERO,
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
            arrival: Queue::new(Group::Arrival, 1, capacity),
            content: Queue::new(Group::Content, 1, capacity),
            pair_arrival: Queue::new(Group::Arrival, 2, capacity),
            pair_content: Queue::new(Group::Content, 2, capacity),
            dropped: 0,
        }
    }

    /// Takes in a message of the data plane, which must be of this buffer's route.
    pub fn message(&mut self, message: &OutcomeMessage) {
        match message {
            OutcomeMessage::Drawn(drawn) => self.drawn(drawn),
            OutcomeMessage::Mirrored(mirrored) => self.mirrored(mirrored),
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
        let waiting = Waiting {
            attempt: drawn.attempt,
            unit: drawn.unit,
            applies: drawn.applies,
            what: What::Answer {
                side: drawn.side,
                probability: drawn.probability,
                salt: drawn.salt,
            },
            settled: None,
        };
        let queues = [&mut self.arrival, &mut self.content];
        let taken = queues.map(|queue| queue.announce(drawn.key, waiting));
        self.dropped += u64::from(taken.contains(&false));
    }

    /// A request was selected for mirroring and sent.
    pub fn mirrored(&mut self, mirrored: &Mirrored) {
        self.replicas
            .entry(mirrored.key.replica)
            .or_default()
            .announce(mirrored.key);
        let waiting = Waiting {
            attempt: mirrored.attempt,
            unit: mirrored.unit,
            applies: mirrored.applies,
            what: What::Pair {
                answer: mirrored.answer,
            },
            settled: None,
        };
        let queues = [&mut self.pair_arrival, &mut self.pair_content];
        let taken = queues.map(|queue| queue.announce(mirrored.key, waiting));
        self.dropped += u64::from(taken.contains(&false));
    }

    /// An announcement is resolved in one group. The first settlement counts.
    pub fn settled(&mut self, settled: &Settled) {
        let key = settled.key;
        let announced = self
            .replicas
            .get(&key.replica)
            .is_some_and(|r| key < r.frontier(key.replica));
        let queue = match (settled.group, settled.settlement) {
            (Group::Arrival, Settlement::Answer(_)) => &mut self.arrival,
            (Group::Content, Settlement::Answer(_)) => &mut self.content,
            (Group::Arrival, _) => &mut self.pair_arrival,
            (Group::Content, _) => &mut self.pair_content,
            // What people say comes from where it is kept, days later, and in its order already.
            (Group::Review, _) => {
                self.dropped += 1;
                return;
            }
        };
        queue.settle(key, settled.settlement, announced);
    }

    /// Everything that `replica` sent before this moment has been announced.
    pub fn watermark(&mut self, replica: u32, announced_unix_micros: u64) {
        self.replicas
            .entry(replica)
            .or_default()
            .announced_until(announced_unix_micros);
    }

    /// Decides what can be decided now, in order: first the answers' arrival group, then their content group, then the
    /// mirrored requests' likewise. An answer leaves when it is settled, or older than A and a minute, and nothing sent
    /// before it can still come; a mirrored request likewise, at twice A. One that is never settled is not bad as an answer,
    /// and void as a mirrored request.
    pub fn advance(&mut self, now_unix_micros: u64, ages: Ages) -> Vec<Record> {
        let mut decided = Vec::new();
        let longest = patience(2 * ages.arrival.max(ages.content));
        for replica in self.replicas.values_mut() {
            replica.give_up_before(now_unix_micros.saturating_sub(longest));
        }
        let queues = [
            &mut self.arrival,
            &mut self.content,
            &mut self.pair_arrival,
            &mut self.pair_content,
        ];
        for queue in queues {
            let age = ages.of(queue.group) * queue.ages;
            let heard_since = now_unix_micros.saturating_sub(patience(age));
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
        let sum = |of: fn(&Queue) -> u64| self.queues().into_iter().map(of).sum::<u64>();
        OrderCounts {
            waiting_arrival: waiting(&self.arrival),
            waiting_content: waiting(&self.content),
            waiting_pairs: waiting(&self.pair_arrival) + waiting(&self.pair_content),
            void: sum(|queue| queue.void),
            late: sum(|queue| queue.late),
            forced_by_age: sum(|queue| queue.forced_by_age),
            forced_by_room: sum(|queue| queue.forced_by_room),
            dropped: self.dropped,
            lost: self.replicas.values().map(Replica::lost).sum(),
            unmatched: sum(|queue| queue.unmatched),
        }
    }

    /// The send time of the oldest answer that is not decided.
    pub fn oldest_unix_micros(&self) -> Option<u64> {
        self.queues()
            .into_iter()
            .filter_map(|queue| queue.waiting.keys().next())
            .map(|key| key.sent_unix_micros)
            .min()
    }

    fn queues(&self) -> [&Queue; 4] {
        [
            &self.arrival,
            &self.content,
            &self.pair_arrival,
            &self.pair_content,
        ]
    }
}

/// A and the grace in microseconds.
fn patience(age: Duration) -> u64 {
    u64::try_from((age + GRACE).as_micros()).unwrap_or(u64::MAX)
}

// === impl Queue ===

impl Queue {
    fn new(group: Group, ages: u32, capacity: usize) -> Self {
        Self {
            group,
            ages,
            capacity,
            waiting: BTreeMap::new(),
            early: BTreeMap::new(),
            last_decided: None,
            ready: Vec::new(),
            void: 0,
            late: 0,
            forced_by_age: 0,
            forced_by_room: 0,
            unmatched: 0,
        }
    }

    fn is_decided(&self, key: OutcomeKey) -> bool {
        self.last_decided.is_some_and(|last| key <= last)
    }

    /// Whether it still has its place. One to which none of the group's metrics applies needs none.
    fn announce(&mut self, key: OutcomeKey, announced: Waiting) -> bool {
        let applies = announced.applies.of_group(self.group);
        if applies.is_empty() {
            return true;
        }
        if self.is_decided(key) || self.waiting.contains_key(&key) {
            return false;
        }
        let waiting = Waiting {
            applies,
            settled: self.early.remove(&key),
            ..announced
        };
        self.waiting.insert(key, waiting);
        if self.waiting.len() > self.capacity
            && let Some((key, oldest)) = self.waiting.pop_first()
        {
            self.forced_by_room += 1;
            self.decide(key, oldest);
        }
        true
    }

    fn settle(&mut self, key: OutcomeKey, settlement: Settlement, announced: bool) {
        let late = u64::from(settlement.is_bad());
        let decided = self.is_decided(key);
        match self.waiting.get_mut(&key) {
            Some(Waiting {
                settled: settled @ None,
                ..
            }) => *settled = Some(settlement),
            Some(Waiting {
                settled: Some(_), ..
            }) => self.late += late,
            None if decided => self.late += late,
            // Announced, not decided and not waiting: no metric of this group applies.
            None if announced => {}
            None => {
                self.early.entry(key).or_insert(settlement);
                if self.early.len() > self.capacity {
                    self.early.pop_first();
                    self.unmatched += 1;
                }
            }
        }
    }

    fn advance(&mut self, horizon: Option<OutcomeKey>, heard_since: u64) {
        while let Some(first) = self.waiting.first_entry() {
            let key = *first.key();
            let expired = key.sent_unix_micros < heard_since;
            let settled = first.get().settled.is_some();
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

    fn decide(&mut self, key: OutcomeKey, waiting: Waiting) {
        self.last_decided = Some(key);
        match waiting.record(key, self.group) {
            Some(record) => self.ready.push(record),
            None => self.void += 1,
        }
    }
}

// === impl Waiting ===

impl Waiting {
    /// What is logged of it; nothing of a mirrored request that says nothing of either side.
    fn record(self, key: OutcomeKey, group: Group) -> Option<Record> {
        let Self {
            attempt,
            unit,
            applies,
            what,
            settled,
        } = self;
        match what {
            What::Answer {
                side,
                probability,
                salt,
            } => {
                let bad = settled.and_then(Settlement::answer).unwrap_or_default();
                Some(Record::Answer(Decided {
                    key,
                    attempt,
                    group,
                    side,
                    probability,
                    salt,
                    unit,
                    applies,
                    bad: bad.and(applies),
                }))
            }
            What::Pair { answer } => {
                let result = match settled? {
                    Settlement::Pair { primary, candidate } => PairResult::Compared {
                        primary: primary.and(applies),
                        candidate: candidate.and(applies),
                    },
                    Settlement::PrimaryFailed => PairResult::PrimaryFailed,
                    Settlement::BreakerOpen { primary } => PairResult::BreakerOpen {
                        primary: primary.and(applies),
                    },
                    Settlement::Void | Settlement::Answer(_) => return None,
                };
                Some(Record::Pair(DecidedPair {
                    key,
                    attempt,
                    group,
                    answer,
                    unit,
                    applies,
                    result,
                }))
            }
        }
    }
}

#[cfg(test)]
mod tests;
