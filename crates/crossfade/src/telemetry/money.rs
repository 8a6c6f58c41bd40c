//! The handles of money. Set by [`crate::money::MoneyWatch`] before each scrape.

use crossfade_exchange::Side;
use metrics::Gauge;

use super::{
    catalogue::metric_struct,
    metrics::{Family, Grid},
    recorder::Registrar,
};
use crate::money::{Purpose, Window};

metric_struct! {
    /// One route's money.
    pub struct RouteMoneyMetrics {
        /// Spent in the running hour, day and attempt in US dollars: on copies and repeats (`shadow`), and on the candidate's answers to callers (`served`).
        spent: Grid<Gauge> = Gauge("crossfade_budget_spent_usd", "usd", ["route", "window", "purpose"], &[]);
        /// The cap on copies and repeats in the window, in US dollars; 0 if there is none.
        cap: Family<Gauge> = Gauge("crossfade_budget_cap_usd", "usd", ["route", "window"], &[]);
        /// What a day would cost in US dollars, at the rate of the last hour, if this side answered all that either may; 0 until it is known.
        forecast: Family<Gauge> = Gauge("crossfade_forecast_daily_usd", "usd", ["route", "side"], &[]);
    }
}

impl RouteMoneyMetrics {
    pub(super) fn new(made: &Registrar<'_>, route: &str) -> Self {
        let windows = || Window::ALL.iter().map(|window| window.as_str());
        Self {
            spent: Grid::new(windows(), |window| {
                Family::new(
                    Purpose::ALL.iter().map(|purpose| purpose.as_str()),
                    |purpose| {
                        let labels = [("route", route), ("window", window), ("purpose", purpose)];
                        made.gauge("crossfade_budget_spent_usd", &labels)
                    },
                )
            }),
            cap: Family::new(windows(), |window| {
                let labels = [("route", route), ("window", window)];
                made.gauge("crossfade_budget_cap_usd", &labels)
            }),
            forecast: Family::new(Side::ALL.iter().map(|side| side.as_str()), |side| {
                let labels = [("route", route), ("side", side)];
                made.gauge("crossfade_forecast_daily_usd", &labels)
            }),
        }
    }
}
