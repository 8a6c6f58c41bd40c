//! Money for opinions: reserved before a call by the most that it can cost, settled by what it took.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Prices in USD per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Price {
    /// Prompt tokens.
    pub input: f64,
    /// Completion tokens.
    pub output: f64,
}

/// The most that may be spent, in USD; `None` is no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Caps {
    /// In a clock hour (UTC).
    pub hourly: Option<f64>,
    /// In a day (UTC).
    pub daily: Option<f64>,
}

/// What was spent in the present hour and day.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    caps: Caps,
    spent: Mutex<Spent>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Spent {
    hour: u64,
    in_hour: f64,
    day: u64,
    in_day: f64,
}

/// Money that is set aside; what is not settled is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reserved<'b> {
    budget: &'b Budget,
    usd: f64,
    hour: u64,
    day: u64,
}

// === impl Price ===

impl Price {
    /// What tokens cost, in USD.
    #[expect(
        clippy::cast_precision_loss,
        reason = "token counts stay far below 2^52"
    )]
    pub fn of(&self, input: u64, output: u64) -> f64 {
        (input as f64 * self.input + output as f64 * self.output) / 1e6
    }

    /// The most that a body of this size can cost with this token limit: a token has one byte at least.
    pub(crate) fn most(&self, body_bytes: usize, output: u64) -> f64 {
        self.of(body_bytes as u64, output)
    }
}

// === impl Budget ===

impl Budget {
    pub(crate) fn new(caps: Caps) -> Self {
        Self {
            caps,
            spent: Mutex::default(),
        }
    }

    fn at(&self, unix_seconds: u64) -> MutexGuard<'_, Spent> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let (hour, day) = (unix_seconds / 3_600, unix_seconds / 86_400);
        if spent.hour != hour {
            (spent.hour, spent.in_hour) = (hour, 0.0);
        }
        if spent.day != day {
            (spent.day, spent.in_day) = (day, 0.0);
        }
        spent
    }

    /// Sets money aside; `None` if it would go over a cap.
    pub(crate) fn reserve(&self, usd: f64, unix_seconds: u64) -> Option<Reserved<'_>> {
        let mut spent = self.at(unix_seconds);
        let over = |cap: Option<f64>, spent: f64| cap.is_some_and(|cap| spent + usd > cap);
        if over(self.caps.hourly, spent.in_hour) || over(self.caps.daily, spent.in_day) {
            return None;
        }
        spent.in_hour += usd;
        spent.in_day += usd;
        Some(Reserved {
            budget: self,
            usd,
            hour: spent.hour,
            day: spent.day,
        })
    }

    fn correct(&self, hour: u64, day: u64, by: f64) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        // What was set aside in an hour that is over is forgotten with it.
        if spent.hour == hour {
            spent.in_hour += by;
        }
        if spent.day == day {
            spent.in_day += by;
        }
    }
}

// === impl Reserved ===

impl Reserved<'_> {
    /// Says what was spent indeed.
    pub(crate) fn settle(mut self, usd: f64) {
        self.budget.correct(self.hour, self.day, usd - self.usd);
        self.usd = 0.0;
    }

    /// What was asked for may have been charged, and nobody said how much: all of it counts.
    pub(crate) fn keep(mut self) {
        self.usd = 0.0;
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if self.usd > 0.0 {
            self.budget.correct(self.hour, self.day, -self.usd);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_set_aside_settled_and_given_back() {
        let caps = Caps {
            hourly: Some(1.0),
            daily: Some(1.5),
        };
        let budget = Budget::new(caps);
        let first = budget.reserve(0.6, 0).unwrap();
        assert!(budget.reserve(0.6, 0).is_none());
        first.settle(0.1);
        drop(budget.reserve(0.9, 0).unwrap());
        budget.reserve(0.9, 0).unwrap().keep();
        assert!(budget.reserve(0.1, 3_599).is_none());
        // The next hour has its own money, the day has not.
        assert!(budget.reserve(0.6, 3_600).is_none());
        budget.reserve(0.4, 3_600).unwrap().settle(0.4);
        budget.reserve(1.0, 86_400).unwrap().keep();
        assert!(Budget::default().reserve(1e9, 0).is_some());
    }

    #[test]
    fn what_is_settled_in_the_next_hour_does_not_count_there() {
        let caps = Caps {
            hourly: Some(1.0),
            daily: None,
        };
        let budget = Budget::new(caps);
        let late = budget.reserve(1.0, 3_599).unwrap();
        budget.reserve(1.0, 3_600).unwrap().keep();
        late.settle(0.0);
        assert!(budget.reserve(0.1, 3_600).is_none());
    }
}
