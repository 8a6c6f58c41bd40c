//! What a route's move costs: spent and left in each window, and what it would cost at 100 %. Counting is the data plane's, and
//! so is refusing copies that no cap has room for; nothing is decided here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crossfade_exchange::closed_enum;
use crossfade_proxy::{Cost, Spending, Spent};

mod watch;

pub use watch::MoneyWatch;

const HOUR: f64 = 3_600.0;
/// The fewest calls that a mean is told of.
const CALLS: u64 = 20;

closed_enum! {
    /// A stretch of time that money is counted over.
    pub enum Window {
        /// The running clock hour.
        Hour = "hour",
        /// The running day (UTC).
        Day = "day",
        /// The running attempt, or the shadow watch before it.
        Attempt = "attempt",
    }
}

closed_enum! {
    /// What money is spent for.
    pub enum Purpose {
        /// Copies and repeats, which answer nobody; capped.
        Shadow = "shadow",
        /// Answers of the candidate to callers; not capped.
        Served = "served",
    }
}

/// What was spent in one window, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Which.
    pub window: Window,
    /// On copies and repeats, in USD.
    pub shadow_usd: f64,
    /// On the candidate's answers to callers, in USD.
    pub served_usd: f64,
    /// The cap on copies and repeats, in USD; `None`: there is none.
    pub cap_usd: Option<f64>,
    /// What the cap leaves, in USD.
    pub left_usd: Option<f64>,
    /// Whether the cap has no room for another copy of the usual cost: then copies are skipped until the window ends, and are
    /// counted as skipped for money.
    pub reached: bool,
}

/// What answers of one side would cost at the present rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// The mean cost of one call, in USD.
    pub mean_usd: f64,
    /// How many calls that is the mean of.
    pub calls: u64,
    /// In an hour, in USD.
    pub hour_usd: f64,
    /// In a day, in USD.
    pub day_usd: f64,
    /// In thirty days, in USD.
    pub thirty_days_usd: f64,
}

/// What a route would cost if one side answered all that either may.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Eligible requests a second.
    pub requests_per_second: f64,
    /// Over how long that was measured, in seconds.
    pub measured_seconds: u64,
    /// The candidate; `None` without a price, or with too few calls whose usage is known.
    pub candidate: Option<Bill>,
    /// The primary, by its copies and repeats; likewise.
    pub primary: Option<Bill>,
}

/// The money of one route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Money {
    /// Each window.
    pub budgets: Vec<Budget>,
    /// What 100 % would cost; `None` until the rate has been measured for a minute.
    pub forecast: Option<Forecast>,
}

/// How many requests came in how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Requests.
    pub requests: u64,
    /// The time in which they came, over 0.
    pub within: Duration,
}

// === impl Money ===

impl Money {
    /// Of what was spent, and the rate if it is known.
    pub fn of(spending: &Spending, rate: Option<Rate>) -> Self {
        let mean = mean(&spending.candidate).unwrap_or_default();
        let budget = |window| Budget::of(window, spending, mean);
        Self {
            budgets: Window::ALL.iter().copied().map(budget).collect(),
            forecast: rate.map(|rate| Forecast::of(spending, rate)),
        }
    }
}

impl Budget {
    fn of(window: Window, spending: &Spending, mean: f64) -> Self {
        let (spent, cap): (Spent, _) = match window {
            Window::Hour => (spending.hour, spending.caps.hourly),
            Window::Day => (spending.day, spending.caps.daily),
            Window::Attempt => (spending.attempt, spending.caps.attempt),
        };
        let left = cap.map(|cap| (cap - spent.shadow).max(0.0));
        Self {
            window,
            shadow_usd: spent.shadow,
            served_usd: spent.served,
            cap_usd: cap,
            left_usd: left,
            reached: left.is_some_and(|left| left <= mean),
        }
    }

    /// What was spent for one purpose, in USD.
    pub const fn spent(&self, purpose: Purpose) -> f64 {
        match purpose {
            Purpose::Shadow => self.shadow_usd,
            Purpose::Served => self.served_usd,
        }
    }
}

impl Forecast {
    fn of(spending: &Spending, rate: Rate) -> Self {
        let per_second = count(rate.requests) / rate.within.as_secs_f64();
        Self {
            requests_per_second: per_second,
            measured_seconds: rate.within.as_secs(),
            candidate: Bill::of(&spending.candidate, per_second),
            primary: Bill::of(&spending.primary, per_second),
        }
    }
}

impl Bill {
    fn of(cost: &Cost, per_second: f64) -> Option<Self> {
        let mean_usd = mean(cost).filter(|_| cost.calls >= CALLS)?;
        let hour_usd = mean_usd * per_second * HOUR;
        Some(Self {
            mean_usd,
            calls: cost.calls,
            hour_usd,
            day_usd: hour_usd * 24.0,
            thirty_days_usd: hour_usd * 24.0 * 30.0,
        })
    }
}

fn mean(cost: &Cost) -> Option<f64> {
    (cost.calls > 0).then(|| cost.usd / count(cost.calls))
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn count(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "sums of few exact numbers")]
mod tests {
    use super::*;
    use crossfade_proxy::Caps;

    fn spending() -> Spending {
        let spent = |window, shadow, served| Spent {
            window,
            shadow,
            served,
        };
        Spending {
            hour: spent(7, 0.99, 0.25),
            day: spent(1, 4.0, 2.0),
            attempt: spent(3, 9.0, 5.0),
            caps: Caps {
                hourly: Some(1.0),
                daily: Some(50.0),
                attempt: None,
            },
            candidate: Cost {
                calls: 100,
                usd: 2.0,
            },
            primary: Cost { calls: 5, usd: 0.5 },
        }
    }

    #[test]
    fn budgets_show_what_is_spent_and_left() {
        let money = Money::of(&spending(), None);
        let check = |window: Window, shadow: f64, served: f64, left: Option<f64>, reached: bool| {
            let budget = money.budgets.iter().find(|b| b.window == window).unwrap();
            assert_eq!(budget.spent(Purpose::Shadow), shadow, "{window}");
            assert_eq!(budget.spent(Purpose::Served), served, "{window}");
            assert_eq!(budget.left_usd.is_some(), left.is_some(), "{window}");
            let near = budget.left_usd.unwrap_or_default() - left.unwrap_or_default();
            assert!(near.abs() < 1e-9, "{window}");
            assert_eq!(budget.reached, reached, "{window}");
        };
        // A copy costs two cents, and one is left.
        check(Window::Hour, 0.99, 0.25, Some(0.01), true);
        check(Window::Day, 4.0, 2.0, Some(46.0), false);
        check(Window::Attempt, 9.0, 5.0, None, false);
        assert_eq!(money.forecast, None);
        let over = Spending {
            day: Spent {
                shadow: 51.0,
                ..spending().day
            },
            ..spending()
        };
        assert_eq!(Money::of(&over, None).budgets[1].left_usd, Some(0.0));
    }

    #[test]
    fn the_bill_is_mean_cost_times_rate() {
        let rate = Rate {
            requests: 1_800,
            within: Duration::from_secs(900),
        };
        let forecast = Money::of(&spending(), Some(rate)).forecast.unwrap();
        assert_eq!(forecast.requests_per_second, 2.0);
        assert_eq!(forecast.measured_seconds, 900);
        assert_eq!(forecast.primary, None, "five calls tell no mean");
        let bill = forecast.candidate.unwrap();
        assert_eq!((bill.mean_usd, bill.calls), (0.02, 100));
        assert!((bill.hour_usd - 144.0).abs() < 1e-9, "{bill:?}");
        assert!((bill.day_usd - 3_456.0).abs() < 1e-9, "{bill:?}");
        assert!((bill.thirty_days_usd - 103_680.0).abs() < 1e-6, "{bill:?}");
        let nothing = Rate {
            requests: 0,
            within: Duration::from_secs(60),
        };
        let idle = Money::of(&spending(), Some(nothing)).forecast.unwrap();
        assert_eq!(idle.candidate.unwrap().day_usd, 0.0);
    }
}
