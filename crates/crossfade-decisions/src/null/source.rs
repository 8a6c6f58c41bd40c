//! One run's requests: who asks, who is drawn, what becomes of both answers. Not in which order that becomes known.

use crossfade_exchange::{Group, Metric, MetricSet, Side, Unit};
use crossfade_rollout::draw;
use rand::RngExt as _;

use super::setting::{SECOND, Setting, Units};
use crate::runs::Random;

/// When something is known of an answer, counted from its sending, and what was bad.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) after: u64,
    pub(super) bad: MetricSet,
}

/// What becomes of one answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fates {
    pub(super) arrival: Fate,
    pub(super) content: Fate,
    /// What a person would find, and when they say so.
    pub(super) review: Fate,
}

/// What becomes of the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mirror {
    Compared,
    /// The primary failed, and the candidate was not asked.
    PrimaryFailed,
    BreakerOpen,
}

/// One request; everything is mirrored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) sent: u64,
    pub(super) unit: Unit,
    pub(super) answer: Side,
    pub(super) drawn: bool,
    pub(super) probability: f64,
    pub(super) salt: u64,
    pub(super) primary: Fates,
    pub(super) candidate: Fates,
    pub(super) mirror: Mirror,
    pub(super) people: Asked,
}

/// Whether people are asked about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Nobody,
    /// They are, and say nothing.
    Silent,
    Somebody,
}

/// What happens next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Event {
    /// The share is set; nothing has been sent for five minutes.
    Step {
        share: f64,
        salt: u64,
    },
    /// The process starts again: what was not decided is lost.
    Restart,
    Request(Request),
}

/// A run.
#[derive(Clone, Debug)]
pub(super) struct Source {
    setting: Setting,
    /// The salt by which users are drawn over the whole ramp, though each step counts them anew: what the design forbids.
    one_salt: Option<u64>,
    random: Random,
    sent: u32,
    step: usize,
    share: f64,
    salt: u64,
    now: u64,
    restart_at: u32,
    conversation: Unit,
    breaker: Breaker,
}

/// Opens after five failures in a row, and lets one through each ten seconds.
#[derive(Clone, Copy, Debug, Default)]
struct Breaker {
    failures: u32,
    open_until: Option<u64>,
}

// === impl Source ===

impl Source {
    const PAUSE: u64 = 300 * SECOND;

    pub(super) fn new(setting: Setting, mut random: Random) -> Self {
        let quarter = Setting::REQUESTS / 4;
        Self {
            one_salt: None,
            restart_at: random.random_range(quarter..3 * quarter),
            conversation: Unit(random.random()),
            salt: random.random(),
            setting,
            random,
            sent: 0,
            step: 0,
            share: 0.0,
            now: 0,
            breaker: Breaker::default(),
        }
    }

    pub(super) fn with_one_salt(mut self) -> Self {
        self.one_salt = Some(self.salt);
        self
    }

    /// Each step has as many requests.
    fn steps_due(&self) -> usize {
        let steps = u32::try_from(self.setting.steps.len()).unwrap_or(1);
        (self.sent / (Setting::REQUESTS / steps)) as usize + 1
    }

    fn request(&mut self) -> Request {
        self.now += exponential(&mut self.random, 1.0 / self.setting.per_second).max(1);
        let sent = self.now;
        let unit = self.unit();
        let (primary, candidate) = self.answers(unit, sent);
        let (open, probe) = self.breaker.state(sent);
        let internal =
            self.setting.internal > 0.0 && self.random.random::<f64>() < self.setting.internal;
        let blocked = self.setting.breaker && (open || probe);
        let drawn = !internal && !blocked && self.share > 0.0 && self.share < 1.0;
        let by_coin = drawn && draw(self.one_salt.unwrap_or(self.salt), unit) < self.share;
        let answer = if by_coin || internal && !blocked {
            Side::Candidate
        } else {
            Side::Primary
        };
        let failed = |fates: &Fates| fates.arrival.bad.contains(Metric::Transport);
        let mirror = if self.setting.breaker && open {
            // Whatever the primary does: the candidate would not have been asked.
            Mirror::BreakerOpen
        } else if answer == Side::Primary && failed(&primary) {
            Mirror::PrimaryFailed
        } else {
            Mirror::Compared
        };
        let people = self.asked(&candidate);
        if self.setting.breaker && mirror == Mirror::Compared {
            self.breaker.asked(sent, failed(&candidate));
        }
        Request {
            sent,
            unit,
            answer,
            drawn,
            probability: self.share,
            salt: self.salt,
            primary,
            candidate,
            mirror,
            people,
        }
    }

    fn asked(&mut self, candidate: &Fates) -> Asked {
        let Some(people) = self.setting.people else {
            return Asked::Nobody;
        };
        let [good, bad] = people.asked;
        let share = if candidate.review.bad.is_empty() {
            good
        } else {
            bad
        };
        if self.random.random::<f64>() >= share {
            Asked::Nobody
        } else if self.random.random::<f64>() < people.silent {
            Asked::Silent
        } else {
            Asked::Somebody
        }
    }

    fn unit(&mut self) -> Unit {
        match self.setting.units {
            Units::Single => Unit(self.random.random()),
            Units::Conversations(mean) => {
                if self.random.random_ratio(1, mean) {
                    self.conversation = Unit(self.random.random());
                }
                self.conversation
            }
            Units::Crowd { users, .. } => {
                // A tenth of the users asks for half of all.
                let luck: f64 = self.random.random();
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and the number of users"
                )]
                let user = (f64::from(users) * luck.powi(3)) as u128;
                Unit((user << 64) | (user + 1))
            }
        }
    }

    /// Both sides' answers, whoever is asked.
    fn answers(&mut self, unit: Unit, sent: u64) -> (Fates, Fates) {
        let times = self.mood(unit, sent);
        let mut bad = [MetricSet::EMPTY; 2];
        let together = matches!(self.setting.units, Units::Crowd { .. }) && self.random.random();
        for (metric, base) in self.setting.rates {
            let rate = (self.setting.shape.rate(*base, sent) * times).min(1.0);
            let rates = [rate, self.setting.worse.candidate(*metric, rate)];
            let luck: f64 = self.random.random();
            let other = if together { luck } else { self.random.random() };
            for ((bad, rate), luck) in bad.iter_mut().zip(rates).zip([luck, other]) {
                if luck < rate {
                    bad.insert(*metric);
                }
            }
        }
        let [primary, candidate] = bad;
        (self.fates(primary, 0), self.fates(candidate, 1))
    }

    /// How much more often than usual this user is bad in this minute; 1 on average.
    fn mood(&self, unit: Unit, sent: u64) -> f64 {
        match self.setting.units {
            Units::Single | Units::Conversations(_) => 1.0,
            Units::Crowd { lasting, .. } => {
                let minute = if lasting { 0 } else { sent / (60 * SECOND) };
                let user = u64::try_from(unit.0 >> 64).unwrap_or(u64::MAX) + 1;
                let mixed = (user ^ minute.wrapping_mul(0x9E37_79B9_7F4A_7C15))
                    .wrapping_mul(0xD6E8_FEB8_6659_FD93);
                if (mixed ^ mixed >> 32).is_multiple_of(10) {
                    8.0
                } else {
                    2.0 / 9.0
                }
            }
        }
    }

    /// When what is bad becomes known. What fails to answer has no content.
    fn fates(&mut self, bad: MetricSet, side: usize) -> Fates {
        let pick = |pair: [f64; 2]| pair.get(side).copied().unwrap_or_default();
        let pace = self.setting.pace;
        if bad.contains(Metric::Transport) {
            let late = exponential(&mut self.random, 0.1 * pick(pace.failing)) / 2;
            let arrival = Fate {
                after: late + micros(pick(pace.failing)),
                bad: MetricSet::EMPTY.with(Metric::Transport),
            };
            let content = Fate {
                bad: MetricSet::EMPTY,
                ..arrival
            };
            return Fates {
                arrival,
                content,
                review: content,
            };
        }
        let first = exponential(&mut self.random, pick(pace.good));
        let review = self
            .setting
            .people
            .map_or(0, |people| exponential(&mut self.random, pick(people.says)));
        let long = pick(pace.long);
        let whole = if long > 0.0 && self.random.random::<f64>() < long {
            micros(self.random.random_range(30.0..110.0))
        } else {
            exponential(&mut self.random, pick(pace.whole))
        };
        Fates {
            arrival: Fate {
                after: first,
                bad: bad.of_group(Group::Arrival),
            },
            content: Fate {
                after: first + whole,
                bad: bad.of_group(Group::Content),
            },
            review: Fate {
                after: review,
                bad: bad.of_group(Group::Review),
            },
        }
    }
}

impl Iterator for Source {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.sent >= Setting::REQUESTS {
            return None;
        }
        if self.step < self.steps_due()
            && let Some(percent) = self.setting.steps.get(self.step)
        {
            let raised = self.step > 0;
            self.step += 1;
            self.share = percent / 100.0;
            if raised {
                self.now += Self::PAUSE;
                if matches!(self.setting.units, Units::Crowd { .. }) {
                    self.salt = self.random.random();
                }
            }
            return Some(Event::Step {
                share: self.share,
                salt: self.salt,
            });
        }
        if self.setting.restart && self.sent == self.restart_at {
            self.restart_at = u32::MAX;
            return Some(Event::Restart);
        }
        self.sent += 1;
        Some(Event::Request(self.request()))
    }
}

// === impl Breaker ===

impl Breaker {
    const FAILURES: u32 = 5;
    const PAUSE: u64 = 10 * SECOND;

    /// Whether it is open, or lets this one through to see.
    fn state(&self, now: u64) -> (bool, bool) {
        match self.open_until {
            None => (false, false),
            Some(until) => (now < until, now >= until),
        }
    }

    fn asked(&mut self, now: u64, failed: bool) {
        if !failed {
            *self = Self::default();
            return;
        }
        self.failures += 1;
        if self.failures >= Self::FAILURES {
            self.open_until = Some(now + Self::PAUSE);
        }
    }
}

/// An exponential time with this mean.
fn exponential(random: &mut Random, mean_seconds: f64) -> u64 {
    micros(-(1.0 - random.random::<f64>()).ln() * mean_seconds)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "minutes in microseconds"
)]
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6) as u64
}
