//! Builds a route's rollout again from the ledger and the outcome log. Reads neither: it is handed both.

use crate::{Entry, Record, RoutePlan, RouteRollout};

/// Folds `entries` (the whole ledger, oldest first) and the outcomes of the attempt that is still running, which
/// `outcomes` opens by its number, in the order in which they were applied: an entry stands behind the number of
/// outcomes that its evidence names. Attempts that have ended need no outcomes: their entries hold what they led to.
///
/// An alarm whose roll-back was not recorded any more is found again: look at [`RouteRollout::alarm`]. If outcomes
/// that an entry had seen are lost, the rest is folded without them.
pub fn refold<'a, E, O, I>(plan: RoutePlan, entries: E, mut outcomes: O) -> RouteRollout
where
    E: IntoIterator<Item = &'a Entry, IntoIter: Clone>,
    O: FnMut(u64) -> I,
    I: IntoIterator<Item = Record>,
{
    let entries = entries.into_iter();
    let last = running_attempt(plan.clone(), entries.clone());
    let mut rollout = RouteRollout::new(plan);
    let mut log: Option<I::IntoIter> = None;
    for entry in entries {
        if let Some(log) = &mut log
            && entry.route.as_ref() == Some(rollout.route())
        {
            while rollout.decided() < entry.evidence.decided {
                let Some(record) = log.next() else { break };
                apply(&mut rollout, &record);
            }
        }
        rollout.apply_entry(entry);
        if log.is_none() && last.is_some() && rollout.attempt().map(|a| a.id) == last {
            log = last.map(|attempt| outcomes(attempt).into_iter());
        }
    }
    for record in log.into_iter().flatten() {
        apply(&mut rollout, &record);
    }
    rollout
}

/// The attempt, or shadow watch, that no entry has ended.
pub(crate) fn running_attempt<'a>(
    plan: RoutePlan,
    entries: impl Iterator<Item = &'a Entry>,
) -> Option<u64> {
    let mut rollout = RouteRollout::new(plan);
    entries.for_each(|entry| rollout.apply_entry(entry));
    rollout.attempt().map(|facts| facts.id)
}

/// The alarm is kept by the rollout.
fn apply(rollout: &mut RouteRollout, record: &Record) {
    rollout.apply(record);
}
