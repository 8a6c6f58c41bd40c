//! Money caps of the mirror, per hour, day and attempt: reserved before sending, settled by usage.
//!
//! Shadow spending only: what the candidate costs as the answering side is never counted here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossfade_exchange::Usage;

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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Caps {
    /// Per clock hour.
    pub hourly: Option<f64>,
    /// Per day (UTC).
    pub daily: Option<f64>,
    /// Per attempt.
    pub attempt: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    number: u64,
    spent: f64,
}

impl Window {
    fn at(&mut self, number: u64) -> &mut f64 {
        if self.number != number {
            *self = Self { number, spent: 0.0 };
        }
        &mut self.spent
    }
}

#[derive(Debug, Default)]
struct Spent {
    hour: Window,
    day: Window,
    attempt: Window,
}

/// What the mirror of one route has spent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Purse {
    caps: Caps,
    spent: Arc<Mutex<Spent>>,
}

/// When and in which attempt money is spent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Seconds since the Unix epoch.
    pub unix_seconds: u64,
    /// The attempt's number, 0 before the first.
    pub attempt: u64,
}

impl Purse {
    /// An empty purse.
    pub(crate) fn new(caps: Caps) -> Self {
        Self {
            caps,
            spent: Arc::default(),
        }
    }

    /// Sets `usd` aside, if every cap has room for it.
    pub(crate) fn reserve(&self, usd: f64, at: Moment) -> Option<Reservation> {
        let mut spent = self.lock();
        let windows = Self::windows(&mut spent, at);
        let caps = [self.caps.hourly, self.caps.daily, self.caps.attempt];
        if windows
            .iter()
            .zip(caps)
            .any(|(spent, cap)| cap.is_some_and(|cap| **spent + usd > cap))
        {
            return None;
        }
        for window in windows {
            *window += usd;
        }
        Some(Reservation {
            purse: self.clone(),
            usd,
            at,
        })
    }

    fn windows(spent: &mut Spent, at: Moment) -> [&mut f64; 3] {
        [
            spent.hour.at(at.unix_seconds / 3600),
            spent.day.at(at.unix_seconds / 86_400),
            spent.attempt.at(at.attempt),
        ]
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Money set aside for one shadow call. Dropped unsettled it stays spent: the provider may have charged for it.
#[derive(Debug)]
pub(crate) struct Reservation {
    purse: Purse,
    usd: f64,
    at: Moment,
}

impl Reservation {
    /// Replaces the estimate by what it cost.
    pub(crate) fn settle(self, actual_usd: f64) {
        let mut spent = self.purse.lock();
        // A window that has ended since must not be given money back from another one.
        if spent.hour.number == self.at.unix_seconds / 3600 {
            spent.hour.spent += actual_usd - self.usd;
        }
        if spent.day.number == self.at.unix_seconds / 86_400 {
            spent.day.spent += actual_usd - self.usd;
        }
        if spent.attempt.number == self.at.attempt {
            spent.attempt.spent += actual_usd - self.usd;
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
