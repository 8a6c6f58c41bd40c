//! One simulated route: a data plane, the ordering buffer, the log's records and the fold, in simulated time. What the
//! two sides are like is the scenario's to say.

use std::collections::BTreeMap;

use crossfade_exchange::{
    Drawn, Group, Metric, MetricSet, OutcomeKey, Percent, RouteId, Settled, Settlement, Side, Unit,
};
use crossfade_rollout::{
    Actor, ActorRole, Ages, Alarm, Command, DecideFacts, Decided, MirrorPlan, OrderBuffer,
    ProposeContext, Record, RoutePlan, RouteRollout, Split, decide, selection,
};
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

pub(super) type Random = Xoshiro256PlusPlus;

pub(super) const SECOND: u64 = 1_000_000;
/// How often the worker looks at the buffer.
const LOOK: u64 = SECOND / 4;

/// When something is known of an answer, counted from its sending, and what was bad.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) after_micros: u64,
    pub(super) bad: MetricSet,
}

/// What becomes of one answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fates {
    pub(super) arrival: Fate,
    pub(super) content: Fate,
}

/// A scenario's two sides: what becomes of a request that one of them answers, sent at a moment counted from the start.
pub(super) trait Sides {
    fn answer(&mut self, random: &mut Random, side: Side, sent_micros: u64) -> Fates;
}

/// The same outcomes, but not as they should enter: what would happen then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shortcut {
    /// In the order in which they become known.
    ByArrival,
    /// Of the primary, only the answers that were mirrored too.
    PairsOnly,
}

/// What a scenario sets.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub(super) plan: RoutePlan,
    pub(super) percent: f64,
    pub(super) mirror_percent: f64,
    pub(super) requests_per_second: f64,
    /// Requests of one unit, on average.
    pub(super) requests_per_unit: u32,
    pub(super) applies: MetricSet,
    pub(super) shortcut: Option<Shortcut>,
    pub(super) seed: u64,
}

/// The simulated route.
#[derive(Debug)]
pub(super) struct World<S> {
    setting: Setting,
    sides: S,
    random: Random,
    mirror: MirrorPlan,
    rollout: RouteRollout,
    aside: Option<RouteRollout>,
    aside_alarmed: bool,
    split: Split,
    ages: Ages,
    buffer: OrderBuffer,
    /// What becomes known, by the moment and a running number.
    coming: BTreeMap<(u64, u64), Decided>,
    unit: Unit,
    now: u64,
    next_look: u64,
    drawn: u64,
}

// === impl World ===

impl<S: Sides> World<S> {
    /// A route whose split has just left 0.
    pub(super) fn new(setting: Setting, sides: S) -> Self {
        let mut random = Random::seed_from_u64(setting.seed);
        let rollout = RouteRollout::new(setting.plan.clone());
        let unit = Unit(random.random());
        let mut world = Self {
            mirror: MirrorPlan {
                share: percent(setting.mirror_percent),
                reverse_share: Percent::ZERO,
            },
            aside: setting.shortcut.map(|_| rollout.clone()),
            aside_alarmed: false,
            split: rollout.split(),
            ages: Ages {
                arrival: std::time::Duration::ZERO,
                content: std::time::Duration::ZERO,
            },
            rollout,
            sides,
            random,
            buffer: OrderBuffer::new(),
            coming: BTreeMap::new(),
            unit,
            now: 0,
            next_look: 0,
            drawn: 0,
            setting,
        };
        world.split_to(world.setting.percent);
        world
    }

    /// Sets the share as an owner would.
    pub(super) fn split_to(&mut self, to: f64) {
        let owner = Actor::new("simulation", ActorRole::Owner);
        let context = ProposeContext {
            reason: "simulated".into(),
            if_match: None,
            new_salt: self.random.random(),
            now_unix_ms: self.now / 1_000,
            ..ProposeContext::default()
        };
        let command = Command::Split {
            to: percent(to),
            override_: true,
        };
        if let Ok(proposal) = self.rollout.propose(&command, &owner, &context) {
            let entry = proposal.into_entry(0, self.now / 1_000, self.split.route.clone(), owner);
            self.rollout.apply_entry(&entry);
            if let Some(aside) = &mut self.aside {
                aside.apply_entry(&entry);
            }
        }
        self.split = self.rollout.split();
        if let Some(facts) = &self.split.attempt {
            self.ages = Ages::from(facts);
        }
    }

    /// One request, and whatever became known before it. The alarm, if there is one now.
    pub(super) fn request(&mut self) -> Option<Alarm> {
        let gap = -(1.0 - self.random.random::<f64>()).ln() / self.setting.requests_per_second;
        let sent = self.now + micros(gap).max(1);
        let alarm = self.pass_until(sent);
        if self.random.random_ratio(1, self.setting.requests_per_unit) {
            self.unit = Unit(self.random.random());
        }
        let facts = DecideFacts {
            unit: self.unit,
            eligible: true,
            mirror_only: false,
            admitted: true,
            lease_valid: true,
            breaker_open: false,
            killed: false,
            named: None,
            internal: false,
            outcomes_room: true,
        };
        let assignment = decide(&self.split, &self.mirror, &facts);
        let fates = self.sides.answer(&mut self.random, assignment.answer, sent);
        if assignment.drawn {
            let drawn = Drawn {
                key: OutcomeKey {
                    sent_unix_micros: sent,
                    replica: 0,
                    sequence: self.drawn,
                },
                route: self.split.route.clone(),
                attempt: self.rollout.last_attempt(),
                side: assignment.answer,
                probability: assignment.probability,
                salt: assignment.salt,
                unit: self.unit,
                applies: self.setting.applies,
            };
            self.drawn += 1;
            self.buffer.drawn(&drawn);
            self.expect(&drawn, Group::Arrival, fates.arrival);
            self.expect(&drawn, Group::Content, fates.content);
        }
        alarm
    }

    /// Lets time pass until everything is decided.
    pub(super) fn drain(&mut self) -> Option<Alarm> {
        self.pass_until(self.now + 300 * SECOND)
    }

    /// Simulated time since the start.
    pub(super) const fn now(&self) -> u64 {
        self.now
    }

    /// The fold.
    pub(super) const fn rollout(&self) -> &RouteRollout {
        &self.rollout
    }

    /// Whether the shortcut would have rolled back.
    pub(super) const fn aside_alarmed(&self) -> bool {
        self.aside_alarmed
    }

    /// The data plane settles what is resolved, and what reaches its age: then an answer without content is bad, and
    /// one that is still coming is not.
    fn expect(&mut self, drawn: &Drawn, group: Group, fate: Fate) {
        let applies = drawn.applies.of_group(group);
        if applies.is_empty() {
            return;
        }
        let age = u64::try_from(self.ages.of(group).as_micros()).unwrap_or(u64::MAX);
        let bad = match group {
            _ if fate.after_micros <= age => fate.bad,
            Group::Arrival => MetricSet::EMPTY.with(Metric::Transport),
            Group::Content => MetricSet::EMPTY,
        };
        let decided = Decided {
            key: drawn.key,
            attempt: drawn.attempt,
            group,
            side: drawn.side,
            probability: drawn.probability,
            salt: drawn.salt,
            unit: drawn.unit,
            applies,
            bad: bad.and(applies),
        };
        let due = drawn.key.sent_unix_micros + fate.after_micros.min(age);
        let number = 2 * drawn.key.sequence + u64::from(group == Group::Content);
        self.coming.insert((due, number), decided);
    }

    fn pass_until(&mut self, moment: u64) -> Option<Alarm> {
        let mut alarm = None;
        while self.next_look <= moment {
            self.now = self.next_look;
            self.next_look += LOOK;
            self.settle();
            alarm = self.look().or(alarm);
        }
        self.now = moment;
        self.settle();
        alarm
    }

    fn settle(&mut self) {
        while let Some(first) = self.coming.first_entry() {
            if first.key().0 > self.now {
                break;
            }
            let Decided {
                key, group, bad, ..
            } = *first.get();
            let known = first.remove();
            self.buffer.settled(&Settled {
                key,
                group,
                settlement: Settlement::Answer(bad),
            });
            if self.setting.shortcut == Some(Shortcut::ByArrival) {
                self.take_aside(&known);
            }
        }
    }

    fn look(&mut self) -> Option<Alarm> {
        let mut alarm = None;
        for record in self.buffer.advance(self.now, self.ages) {
            // As the log would give it back.
            let Ok(record) = Record::decode(&record.encode()) else {
                continue;
            };
            alarm = alarm.or(self.rollout.apply(&record));
            let Record::Answer(decided) = record else {
                continue;
            };
            let mirrored = selection(decided.unit) < self.mirror.share.ratio();
            if self.setting.shortcut == Some(Shortcut::PairsOnly)
                && (mirrored || decided.side == Side::Candidate)
            {
                self.take_aside(&decided);
            }
        }
        alarm
    }

    fn take_aside(&mut self, decided: &Decided) {
        if let Some(aside) = &mut self.aside {
            self.aside_alarmed |= aside.apply(&Record::Answer(*decided)).is_some();
        }
    }
}

/// A route's plan for simulations.
pub(super) fn plan(metrics_on: MetricSet, alpha: f64) -> RoutePlan {
    RoutePlan {
        owner: Some("simulation".into()),
        metrics_on,
        alpha,
        ..RoutePlan::new(RouteId::new("simulated"))
    }
}

/// An exponential time with this mean.
pub(super) fn exponential(random: &mut Random, mean_seconds: f64) -> u64 {
    micros(-(1.0 - random.random::<f64>()).ln() * mean_seconds)
}

fn micros(seconds: f64) -> u64 {
    u64::try_from(std::time::Duration::from_secs_f64(seconds).as_micros()).unwrap_or(u64::MAX)
}

fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap_or(Percent::ZERO)
}
