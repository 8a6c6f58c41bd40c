//! What a report is made from: what the controller, the comparison, the ledger and the configuration know at one moment.

use crossfade_proxy::Accounting;
use crossfade_rollout::Entry;
use crossfade_statistics::RouteReport as Findings;

use super::RouteSetup;
use crate::{
    control::{LedgerState, RouteView},
    money::Money,
    review::RuleLine,
};

/// Everything that is known of a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    /// The rollout, and what holds it.
    pub view: &'a RouteView,
    /// What the comparison has found.
    pub findings: Option<&'a Findings>,
    /// Reviews that are open.
    pub open_reviews: u64,
    /// Differences that do not matter, and by whose word.
    pub rules: &'a [RuleLine],
    /// The counts of the accounting identity.
    pub accounting: Option<&'a Accounting>,
    /// What was spent, and what 100 % would cost.
    pub money: Option<&'a Money>,
    /// Every entry of the ledger that concerns the route, oldest first.
    pub entries: &'a [Entry],
    /// How the ledger does.
    pub ledger: &'a LedgerState,
    /// What is configured.
    pub setup: &'a RouteSetup,
}

impl Facts<'_> {
    /// What happens next, and what it waits for.
    pub(super) fn next(&self) -> Vec<String> {
        let rollout = &self.view.rollout;
        let Some(next) = &rollout.next else {
            return rollout.missing.clone();
        };
        let how = if next.automatic {
            "by itself"
        } else {
            "by `crossfade advance`"
        };
        let mut lines = vec![format!("{} at {}, {how}", next.stage, next.share)];
        lines.extend(next.waits_for.iter().cloned());
        lines
    }
}
