//! The answers' shapes: what `openapi.json` promises.

use crossfade_exchange::RouteId;
use crossfade_proxy::Accounting;
use crossfade_rollout::Entry;
use crossfade_statistics::RouteReport as Findings;
use serde::Serialize;

use crate::{
    control::{LedgerState, RouteView},
    money::Money,
    review::{FoundLine, Records, RuleLine},
};

/// One route with its counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteReport {
    /// The rollout, the lease and what bars it.
    #[serde(flatten)]
    pub view: RouteView,
    /// The counts of the accounting identity.
    pub accounting: Option<Accounting>,
    /// Whether they add up.
    pub identity_holds: Option<bool>,
    /// Compared over eligible and selected.
    pub coverage: Option<f64>,
    /// What was spent and is left, and what 100 % would cost.
    pub money: Option<Money>,
    /// What the comparison has found; `None` in the answer to a change, which waits for no statistics.
    pub found: Option<FoundLine>,
}

/// Every route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteReports {
    /// By name.
    pub routes: Vec<RouteReport>,
}

/// A change that is in effect.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changes {
    /// Whether the ledger says so durably.
    pub recorded: bool,
    /// Whether a restart would find it; if not, do not restart before the data directory is mended.
    pub survives_restart: bool,
    /// It was so already: nothing was recorded.
    pub unchanged: bool,
    /// The routes it concerns, as they are now.
    pub routes: Vec<RouteReport>,
}

/// Everything `crossfade status` prints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatusReport {
    /// The program's version.
    pub version: &'static str,
    /// Whether copies may be sent.
    pub mirror_enabled: bool,
    /// Whether the local kill switch is on: only the primary answers, and nothing is copied, whatever the routes say.
    pub kill_switch: bool,
    /// How the ledger does.
    pub ledger: LedgerState,
    /// By name.
    pub routes: Vec<RouteReport>,
    /// The counts of what no route covers.
    pub unrouted: Option<Accounting>,
}

/// Entries of the ledger.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LedgerPage {
    /// Oldest first.
    pub entries: Vec<Entry>,
    /// The hash of the last entry written.
    pub head: Option<String>,
}

/// What the comparison of a route has found.
#[derive(Clone, Debug, Serialize)]
pub struct FindingsPage {
    /// The route.
    pub route: RouteId,
    /// Pairs that wait for a person.
    pub reviews_open: usize,
    /// Differences that do not matter, and by whose word.
    pub rules: Vec<RuleLine>,
    /// Rates, the noise floor, findings, losses, what people said.
    pub report: Findings,
}

impl FindingsPage {
    /// Of a route; `None` if it is not configured. May wait for the disk.
    pub fn of(records: &Records, route: &RouteId) -> Option<Self> {
        Some(Self {
            report: records.report(route)?,
            reviews_open: records.open_reviews(route),
            rules: records.rules(route),
            route: route.clone(),
        })
    }
}

impl RouteReport {
    /// Puts a route and its counts together.
    pub fn new(view: RouteView, accounting: &[Accounting]) -> Self {
        let accounting = accounting
            .iter()
            .find(|counts| counts.route == view.rollout.route);
        Self {
            found: None,
            money: None,
            view,
            accounting: accounting.cloned(),
            identity_holds: accounting.map(Accounting::holds),
            coverage: accounting.and_then(Accounting::coverage),
        }
    }

    /// With what it costs.
    #[must_use]
    pub fn with_money(mut self, money: Option<Money>) -> Self {
        self.money = money;
        self
    }

    /// With what the comparison has found.
    #[must_use]
    pub fn with_findings(mut self, records: &Records) -> Self {
        self.found = records.found(&self.view.rollout.route);
        self
    }
}
