//! From requests to decided records: at once in the order of sending, behind the real ordering buffer in simulated time, or,
//! wrongly, in the order in which outcomes become known.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use crossfade_exchange::{
    Drawn, Group, Metric, MetricSet, Mirrored, OutcomeKey, RouteId, Settled, Settlement, Side,
};
use crossfade_rollout::{Ages, Decided, DecidedPair, OrderBuffer, PairResult, Record};

use super::{
    setting::{People, SECOND},
    source::{Asked, Fates, Mirror, Request},
};

pub(super) const ATTEMPT: u64 = 1;
/// How often the worker looks at the buffer.
const LOOK: u64 = SECOND / 4;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    AtOnce,
    Buffered,
    ByArrival,
}

/// The way of one run's outcomes.
#[derive(Debug)]
pub(super) struct Order {
    way: Way,
    route: RouteId,
    applies: MetricSet,
    ages: Ages,
    buffer: OrderBuffer,
    coming: BinaryHeap<Reverse<Coming>>,
    people: Option<People>,
    /// Pairs that wait for their age, in the order of sending.
    waiting: VecDeque<(u64, Record)>,
    sequence: u64,
    now: u64,
    next_look: u64,
}

/// Something that will be known.
#[derive(Clone, Debug)]
struct Coming {
    due: u64,
    number: u64,
    settled: Settled,
    /// Kept only where it enters when it is known.
    record: Option<Box<Record>>,
}

// === impl Order ===

impl Order {
    pub(super) fn new(
        way: Way,
        route: RouteId,
        applies: MetricSet,
        ages: Ages,
        people: Option<People>,
    ) -> Self {
        Self {
            way,
            route,
            applies,
            ages,
            buffer: OrderBuffer::new(),
            coming: BinaryHeap::new(),
            people,
            waiting: VecDeque::new(),
            sequence: 0,
            now: 0,
            next_look: 0,
        }
    }

    /// The process starts again: what is not decided is lost, but for what waits for people, which is on disk. The replica counts from
    /// 0 again.
    pub(super) fn restart(&mut self) {
        self.buffer = OrderBuffer::new();
        self.coming.clear();
        self.sequence = 0;
    }

    /// Lets time pass until everything is decided.
    pub(super) fn drain(&mut self, take: &mut impl FnMut(Record)) {
        self.pass(self.now + 300 * SECOND, take);
    }

    /// One request, and whatever became known before it.
    pub(super) fn request(&mut self, request: &Request, take: &mut impl FnMut(Record)) {
        self.pass(request.sent, take);
        if request.drawn {
            let key = self.key(request);
            if self.way == Way::Buffered {
                self.buffer.drawn(&Drawn {
                    key,
                    route: self.route.clone(),
                    attempt: ATTEMPT,
                    side: request.answer,
                    probability: request.probability,
                    salt: request.salt,
                    unit: request.unit,
                    applies: self.applies,
                });
            }
            for group in [Group::Arrival, Group::Content] {
                self.answer(request, key, group, take);
            }
        }
        let key = self.key(request);
        if self.way == Way::Buffered {
            self.buffer.mirrored(&Mirrored {
                key,
                route: self.route.clone(),
                attempt: ATTEMPT,
                answer: request.answer,
                unit: request.unit,
                applies: self.applies,
            });
        }
        for group in [Group::Arrival, Group::Content] {
            self.pair(request, key, group, take);
        }
        self.review(request, key, take);
    }

    /// What people say of a pair: as designed at one age, by arrival when they say it.
    fn review(&mut self, request: &Request, key: OutcomeKey, take: &mut impl FnMut(Record)) {
        let failed = |fates: &Fates| fates.arrival.bad.contains(Metric::Transport);
        let (Some(people), Mirror::Compared) = (self.people, request.mirror) else {
            return;
        };
        if request.people == Asked::Nobody || failed(&request.primary) || failed(&request.candidate)
        {
            return;
        }
        let (primary, candidate) = (request.primary.review, request.candidate.review);
        let said_after = if candidate.bad.is_empty() {
            primary.after
        } else {
            candidate.after
        };
        let age = std::time::Duration::from_secs_f64(people.age);
        let age = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        let in_time = request.people == Asked::Somebody && said_after <= age;
        let said = |bad: MetricSet| if in_time { bad } else { MetricSet::EMPTY };
        let record = Record::Pair(DecidedPair {
            key,
            attempt: ATTEMPT,
            group: Group::Review,
            answer: request.answer,
            unit: request.unit,
            applies: self.applies.of_group(Group::Review),
            result: PairResult::Compared {
                primary: said(primary.bad),
                candidate: said(candidate.bad),
            },
        });
        match self.way {
            Way::AtOnce => take(record),
            Way::Buffered => self.waiting.push_back((request.sent + age, record)),
            Way::ByArrival => {
                let after = if in_time { said_after } else { age };
                let by_age = self
                    .waiting
                    .partition_point(|(due, _)| *due <= request.sent + after);
                self.waiting.insert(by_age, (request.sent + after, record));
            }
        }
    }

    fn key(&mut self, request: &Request) -> OutcomeKey {
        let sequence = self.sequence;
        self.sequence += 1;
        OutcomeKey {
            sent_unix_micros: request.sent,
            replica: 0,
            sequence,
        }
    }

    fn answer(
        &mut self,
        request: &Request,
        key: OutcomeKey,
        group: Group,
        take: &mut impl FnMut(Record),
    ) {
        let fates = match request.answer {
            Side::Primary => &request.primary,
            Side::Candidate => &request.candidate,
        };
        let applies = self.applies.of_group(group);
        let (after, bad) = self.known(fates, group);
        let record = Record::Answer(Decided {
            key,
            attempt: ATTEMPT,
            group,
            side: request.answer,
            probability: request.probability,
            salt: request.salt,
            unit: request.unit,
            applies,
            bad: bad.and(applies),
        });
        let settlement = Settlement::Answer(bad.and(applies));
        self.expect(key, group, after, settlement, Some(record), take);
    }

    fn pair(
        &mut self,
        request: &Request,
        key: OutcomeKey,
        group: Group,
        take: &mut impl FnMut(Record),
    ) {
        let applies = self.applies.of_group(group);
        let (primary_after, primary) = self.known(&request.primary, group);
        let (candidate_after, candidate) = self.known(&request.candidate, group);
        let (primary, candidate) = (primary.and(applies), candidate.and(applies));
        let (after, settlement, result) = match request.mirror {
            Mirror::Compared => (
                primary_after.max(candidate_after),
                Settlement::Pair { primary, candidate },
                Some(PairResult::Compared { primary, candidate }),
            ),
            // What was not answered has no content to judge.
            Mirror::PrimaryFailed if group == Group::Content => {
                (primary_after, Settlement::Void, None)
            }
            Mirror::PrimaryFailed => (
                primary_after,
                Settlement::PrimaryFailed,
                Some(PairResult::PrimaryFailed),
            ),
            Mirror::BreakerOpen => (
                primary_after,
                Settlement::BreakerOpen { primary },
                Some(PairResult::BreakerOpen { primary }),
            ),
        };
        let record = result.map(|result| {
            Record::Pair(DecidedPair {
                key,
                attempt: ATTEMPT,
                group,
                answer: request.answer,
                unit: request.unit,
                applies,
                result,
            })
        });
        self.expect(key, group, after, settlement, record, take);
    }

    /// When an answer is resolved, and what is bad then: at A an answer without content is bad, and one that is still coming
    /// is not.
    fn known(&self, fates: &Fates, group: Group) -> (u64, MetricSet) {
        let fate = match group {
            Group::Arrival => fates.arrival,
            Group::Content => fates.content,
            Group::Review => fates.review,
        };
        let age = u64::try_from(self.ages.of(group).as_micros()).unwrap_or(u64::MAX);
        if fate.after <= age {
            return (fate.after, fate.bad);
        }
        let bad = match group {
            Group::Arrival => MetricSet::EMPTY.with(Metric::Transport),
            Group::Content | Group::Review => MetricSet::EMPTY,
        };
        (age, bad)
    }

    fn expect(
        &mut self,
        key: OutcomeKey,
        group: Group,
        after: u64,
        settlement: Settlement,
        record: Option<Record>,
        take: &mut impl FnMut(Record),
    ) {
        if self.applies.of_group(group).is_empty() {
            return;
        }
        if self.way == Way::AtOnce {
            if let Some(record) = record {
                take(record);
            }
            return;
        }
        self.coming.push(Reverse(Coming {
            due: key.sent_unix_micros + after,
            number: 2 * key.sequence + u64::from(group == Group::Content),
            settled: Settled {
                key,
                group,
                settlement,
            },
            record: record.filter(|_| self.way == Way::ByArrival).map(Box::new),
        }));
    }

    fn pass(&mut self, moment: u64, take: &mut impl FnMut(Record)) {
        if self.way != Way::AtOnce {
            while self.next_look <= moment {
                self.now = self.next_look;
                self.next_look += LOOK;
                self.settle(take);
                if self.way == Way::Buffered {
                    for record in self.buffer.advance(self.now, self.ages) {
                        take(record);
                    }
                }
            }
        }
        self.now = moment;
        self.settle(take);
        while let Some((_, record)) = self.waiting.pop_front_if(|(due, _)| *due <= moment) {
            take(record);
        }
    }

    fn settle(&mut self, take: &mut impl FnMut(Record)) {
        while self
            .coming
            .peek()
            .is_some_and(|Reverse(first)| first.due <= self.now)
            && let Some(Reverse(first)) = self.coming.pop()
        {
            match (self.way, first.record) {
                (Way::ByArrival, Some(record)) => take(*record),
                (Way::ByArrival, None) => {}
                (Way::AtOnce | Way::Buffered, _) => self.buffer.settled(&first.settled),
            }
        }
    }
}

// === impl Coming ===

impl Ord for Coming {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl PartialOrd for Coming {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Coming {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Coming {}
