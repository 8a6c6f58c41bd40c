//! Money caps of the mirror, per hour, day and attempt: reserved before sending, settled by usage.
//!
//! The caps are for what nobody is answered by: copies and repeats, of either side. What the candidate costs as the answering side is
//! counted beside it and capped by nothing. Both are counted by hour, day and attempt.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossfade_exchange::{Side, Usage};
use serde::{Deserialize, Serialize};

/// Prices in USD per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Prompt tokens.
    pub input: f64,
    /// Prompt tokens read from a cache.
    pub cached: f64,
    /// Prompt tokens written to a cache.
    pub cache_write: f64,
    /// Completion tokens.
    pub output: f64,
}

impl Price {
    /// What an answer cost, in USD.
    #[expect(
        clippy::cast_precision_loss,
        reason = "token counts stay far below 2^52"
    )]
    pub fn of(&self, usage: &Usage) -> f64 {
        (usage.input as f64 * self.input
            + usage.cached as f64 * self.cached
            + usage.cache_write as f64 * self.cache_write
            + usage.output as f64 * self.output)
            / 1e6
    }

    /// The most a request can cost by its size (about four bytes a token) and its token limit, in USD.
    #[expect(
        clippy::cast_precision_loss,
        reason = "token counts stay far below 2^52"
    )]
    pub fn most(&self, body_bytes: usize, max_output_tokens: u64) -> f64 {
        (body_bytes as f64 / 4.0 * self.input + max_output_tokens as f64 * self.output) / 1e6
    }
}

/// Caps in USD; `None` is no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Caps {
    /// Per clock hour.
    pub hourly: Option<f64>,
    /// Per day (UTC).
    pub daily: Option<f64>,
    /// Per attempt.
    pub attempt: Option<f64>,
}

/// What was spent in one window of time, in USD.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Which hour or day since the Unix epoch, or which attempt; 0 while none has begun.
    pub window: u64,
    /// On copies and repeats: set aside, or known.
    pub shadow: f64,
    /// On the candidate's answers to callers, as far as these said what they used.
    pub served: f64,
}

/// What calls cost whose usage is known, whatever they were for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// How many.
    pub calls: u64,
    /// All of them, in USD.
    pub usd: f64,
}

/// What a route has spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spending {
    /// In the running clock hour.
    pub hour: Spent,
    /// On the running day (UTC).
    pub day: Spent,
    /// In the running attempt, or the shadow watch before it, with what was spent since the one before had ended.
    pub attempt: Spent,
    /// What caps the spending on copies and repeats.
    pub caps: Caps,
    /// What the candidate's answers cost since the start, in any role.
    pub candidate: Cost,
    /// What the primary's copies and repeats cost since the start.
    pub primary: Cost,
}

impl Spent {
    fn at(&mut self, window: u64) -> &mut Self {
        if self.window != window {
            *self = Self {
                window,
                ..Self::default()
            };
        }
        self
    }
}

impl Cost {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.usd += other.usd;
    }
}

/// What one route has spent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Purse {
    books: Arc<Mutex<Books>>,
}

#[derive(Debug, Default)]
struct Books {
    spending: Spending,
    /// How often the attempt's account was begun anew. It tells accounts apart where the attempt's number cannot: one is opened
    /// before the attempt that it becomes part of has a number.
    attempts_begun: u64,
}

/// When and in which attempt money is spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Seconds since the Unix epoch.
    pub unix_seconds: u64,
    /// The number of the attempt, or of the shadow watch; 0 while none runs.
    pub attempt: u64,
}

impl Books {
    /// The accounts of a moment; what belonged to earlier ones is forgotten.
    fn at(&mut self, at: Moment) -> [&mut Spent; 3] {
        let attempt = &mut self.spending.attempt;
        if attempt.window == 0 {
            // Requests come before the first watch has begun, and between a roll-back and the next attempt: what they cost belongs to
            // what begins then, or its cap would not hold.
            attempt.window = at.attempt;
        } else if attempt.window != at.attempt {
            self.attempts_begun += 1;
        }
        [
            self.spending.hour.at(at.unix_seconds / 3600),
            self.spending.day.at(at.unix_seconds / 86_400),
            self.spending.attempt.at(at.attempt),
        ]
    }
}

impl Purse {
    /// An empty purse.
    pub(crate) fn new(caps: Caps) -> Self {
        let books = Books {
            spending: Spending {
                caps,
                ..Spending::default()
            },
            attempts_begun: 0,
        };
        Self {
            books: Arc::new(Mutex::new(books)),
        }
    }

    /// Sets `usd` aside, if every cap has room for it.
    pub(crate) fn reserve(&self, usd: f64, at: Moment) -> Option<Reservation> {
        let mut books = self.lock();
        let caps = books.spending.caps;
        let caps = [caps.hourly, caps.daily, caps.attempt];
        let accounts = books.at(at);
        if accounts
            .iter()
            .zip(caps)
            .any(|(spent, cap)| cap.is_some_and(|cap| spent.shadow + usd > cap))
        {
            return None;
        }
        for account in accounts {
            account.shadow += usd;
        }
        Some(Reservation {
            purse: self.clone(),
            usd,
            at,
            attempts_begun: books.attempts_begun,
        })
    }

    /// The candidate answered a caller for this much.
    pub(crate) fn served(&self, usd: f64, at: Moment) {
        for account in self.lock().at(at) {
            account.served += usd;
        }
    }

    /// A call whose usage is known cost this much.
    pub(crate) fn cost(&self, side: Side, usd: f64) {
        let mut books = self.lock();
        let cost = match side {
            Side::Primary => &mut books.spending.primary,
            Side::Candidate => &mut books.spending.candidate,
        };
        cost.add(Cost { calls: 1, usd });
    }

    /// What has been spent by now.
    pub(crate) fn spending(&self, at: Moment) -> Spending {
        let mut books = self.lock();
        books.at(at);
        books.spending
    }

    /// Goes on from what was spent before a restart: the windows that still run, and what calls cost.
    pub(crate) fn resume(&self, before: &Spending, at: Moment) {
        let mut books = self.lock();
        let mut earlier = [before.hour, before.day, before.attempt];
        if before.attempt.window == 0 {
            earlier[2].window = at.attempt;
        }
        for (account, earlier) in books.at(at).into_iter().zip(earlier) {
            if account.window == earlier.window {
                account.shadow += earlier.shadow;
                account.served += earlier.served;
            }
        }
        books.spending.candidate.add(before.candidate);
        books.spending.primary.add(before.primary);
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Money set aside for one shadow call. Dropped unsettled it stays spent: the provider may have charged for it.
#[derive(Debug)]
pub(crate) struct Reservation {
    purse: Purse,
    usd: f64,
    at: Moment,
    attempts_begun: u64,
}

impl Reservation {
    /// Replaces the estimate by what it cost.
    pub(crate) fn settle(self, actual_usd: f64) {
        let mut books = self.purse.lock();
        let goes_on = [
            books.spending.hour.window == self.at.unix_seconds / 3600,
            books.spending.day.window == self.at.unix_seconds / 86_400,
            books.attempts_begun == self.attempts_begun,
        ];
        let Spending {
            hour, day, attempt, ..
        } = &mut books.spending;
        for (account, goes_on) in [hour, day, attempt].into_iter().zip(goes_on) {
            // An account that has ended since must not be given money back from another one.
            if goes_on {
                account.shadow += actual_usd - self.usd;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_refuse_and_windows_begin_anew() {
        let purse = Purse::new(Caps {
            hourly: Some(1.0),
            daily: Some(1.5),
            attempt: None,
        });
        let at = |hour: u64| Moment {
            unix_seconds: hour * 3600,
            attempt: 1,
        };
        let first = purse.reserve(0.9, at(0)).unwrap();
        assert!(purse.reserve(0.2, at(0)).is_none());
        first.settle(0.5);
        drop(purse.reserve(0.5, at(0)).unwrap());
        assert!(purse.reserve(0.1, at(0)).is_none(), "unsettled stays spent");
        drop(purse.reserve(0.5, at(1)).unwrap());
        assert!(purse.reserve(0.1, at(2)).is_none(), "the day is spent");
        assert!(purse.reserve(0.9, at(24)).is_some());
    }

    #[test]
    fn what_is_served_is_counted_apart_and_a_restart_goes_on() {
        let purse = Purse::new(Caps {
            attempt: Some(1.0),
            ..Caps::default()
        });
        let at = |hour: u64, attempt: u64| Moment {
            unix_seconds: hour * 3600,
            attempt,
        };
        purse.served(5.0, at(30, 1));
        purse.cost(Side::Candidate, 5.0);
        purse.reserve(0.75, at(30, 1)).unwrap().settle(0.5);
        purse.cost(Side::Primary, 0.5);
        let spending = purse.spending(at(31, 1));
        let spent = |window, shadow, served| Spent {
            window,
            shadow,
            served,
        };
        assert_eq!(spending.hour, spent(31, 0.0, 0.0));
        assert_eq!(spending.day, spent(1, 0.5, 5.0));
        assert_eq!(spending.attempt, spent(1, 0.5, 5.0));
        let anew = Purse::new(spending.caps);
        anew.resume(&spending, at(48, 1));
        let resumed = anew.spending(at(48, 1));
        assert_eq!(resumed.day, spent(2, 0.0, 0.0), "another day");
        assert_eq!(resumed.attempt, spent(1, 0.5, 5.0));
        let cost = |usd| Cost { calls: 1, usd };
        assert_eq!((resumed.candidate, resumed.primary), (cost(5.0), cost(0.5)));
        assert!(anew.reserve(0.75, at(48, 1)).is_none(), "the cap goes on");
        assert!(anew.reserve(0.75, at(48, 2)).is_some());
    }

    #[test]
    fn what_is_spent_between_attempts_belongs_to_the_next() {
        let purse = Purse::new(Caps {
            attempt: Some(1.0),
            ..Caps::default()
        });
        let at = |attempt: u64| Moment {
            unix_seconds: 0,
            attempt,
        };
        let before_the_first = purse.reserve(0.75, at(0)).unwrap();
        assert!(purse.reserve(0.75, at(1)).is_none());
        before_the_first.settle(0.25);
        let in_the_first = purse.reserve(0.75, at(1)).unwrap();
        assert!(purse.reserve(0.25, at(1)).is_none());
        let after_it = purse.reserve(0.75, at(0)).unwrap();
        in_the_first.settle(0.0);
        assert!(purse.reserve(0.75, at(2)).is_none());
        assert_eq!(purse.spending(at(2)).attempt.window, 2);
        after_it.settle(0.0);
        assert!(purse.reserve(1.0, at(2)).is_some());
        // The same over a restart.
        purse.served(1.0, at(0));
        let anew = Purse::default();
        anew.resume(&purse.spending(at(0)), at(3));
        assert!((anew.spending(at(3)).attempt.served - 1.0).abs() < 1e-12);
    }

    #[test]
    fn prices_are_per_million() {
        let price = Price {
            input: 3.0,
            cached: 0.3,
            cache_write: 3.75,
            output: 15.0,
        };
        let usage = Usage {
            input: 1000,
            cached: 2000,
            cache_write: 400,
            output: 100,
            reasoning: 50,
        };
        assert!((price.of(&usage) - (0.003 + 0.0006 + 0.0015 + 0.0015)).abs() < 1e-12);
        assert!((price.most(4000, 100) - 0.0045).abs() < 1e-12);
    }
}
