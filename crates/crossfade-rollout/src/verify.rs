//! Computes every decision of a ledger again, from its entries and the outcome logs. It is handed both, and trusts neither;
//! whether the entries are chained is the ledger's business.
//!
//! Two things are checked of each entry. What it says the statistics knew must be, to the bit, what the outcomes before it
//! add up to. And what it changed must have been allowed at that place: by who did it, by the state the entries before it led
//! to, and, for what moved toward the candidate, by that evidence.
//!
//! What no such check can find: a ledger whose last entries were cut away, and one that was written anew as a whole together
//! with its logs. Both have another head; whoever keeps the head that `status` showed will see it. Outcomes behind the last
//! entry that stands on them are covered by no hash yet.

mod checks;
mod compare;
mod rules;

use std::{collections::BTreeMap, fmt};

use crossfade_exchange::RouteId;
use serde::Serialize;

use crate::{Alarm, Entry, Phase, Record, RoutePlan, RouteRollout, Stage, refold::running_attempt};
use compare::difference;
use rules::{Known, Rules};

/// What holds: everything that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct VerifiedHistory {
    /// Entries, those of all routes.
    pub entries: u64,
    /// Each attempt and shadow watch, in the order in which the ledger begins them.
    pub attempts: Vec<VerifiedAttempt>,
    /// Alarms behind the last entry: roll-backs that are due and not on the ledger. While a controller runs they come and
    /// go within moments.
    pub due: Vec<(RouteId, Alarm)>,
}

/// One attempt or shadow watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifiedAttempt {
    /// The route.
    pub route: RouteId,
    /// Its number.
    pub id: u64,
    /// Which of the two.
    pub phase: Phase,
    /// Outcomes that were computed again.
    pub outcomes: u64,
    /// Outcomes behind the attempt's last entry. Of an attempt that has ended they led to nothing.
    pub behind: u64,
    /// Whether its log is gone, so that its evidence could not be computed again.
    pub pruned: bool,
    /// Whether it is gone while that of an earlier attempt of the route is there. Room is made from the oldest on, and what is old
    /// goes by age: it was neither that took this one.
    pub out_of_turn: bool,
}

/// The first thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
pub struct Mismatch {
    /// The number of the entry; `None`: behind the last one.
    pub entry: Option<u64>,
    /// The route.
    pub route: Option<RouteId>,
    /// What does not hold.
    pub what: String,
}

/// Outcomes of one attempt, as [`verify_history`] reads them.
type Opened<I> = Result<Option<I>, String>;

/// One route on its way through the ledger.
struct Walk<I> {
    rollout: RouteRollout,
    rules: Rules,
    log: Log<I>,
    /// The attempt that no entry ends: only its log must be there.
    last: Option<u64>,
    /// The log of an attempt was there.
    any_kept: bool,
}

enum Log<I> {
    /// Nothing was needed of it yet.
    Unread,
    /// Being read.
    Open(I),
    /// Gone.
    Pruned,
}

/// Computes `entries` (a whole ledger, oldest first) again, of `only` one route if it is given. `open` gives the outcomes of
/// an attempt in the order of its log, `None` if there is no such log.
///
/// # Errors
///
/// The first entry that does not hold, and what of it does not.
pub fn verify_history<O, I>(
    entries: &[Entry],
    only: Option<&RouteId>,
    mut open: O,
) -> Result<VerifiedHistory, Mismatch>
where
    O: FnMut(&RouteId, u64) -> Opened<I>,
    I: Iterator<Item = Result<Record, String>>,
{
    let mut walks: BTreeMap<RouteId, Walk<I>> = BTreeMap::new();
    for route in entries.iter().filter_map(|entry| entry.route.as_ref()) {
        if only.is_none_or(|only| only == route) && !walks.contains_key(route) {
            walks.insert(route.clone(), Walk::new(route, entries));
        }
    }
    let mut verified = VerifiedHistory::default();
    for entry in entries {
        let at = |what: String| Mismatch {
            entry: Some(entry.sequence),
            route: entry.route.clone(),
            what,
        };
        if entry.sequence != verified.entries {
            return Err(at(format!("it should have number {}", verified.entries)));
        }
        verified.entries += 1;
        match &entry.route {
            None => {
                rules::of_all_routes(entry).map_err(at)?;
                for walk in walks.values_mut() {
                    walk.rollout.apply_entry(entry);
                }
            }
            Some(route) => {
                if let Some(walk) = walks.get_mut(route) {
                    walk.step(entry, &mut open, &mut verified).map_err(at)?;
                }
            }
        }
    }
    for (route, walk) in &mut walks {
        let behind = |what| Mismatch {
            entry: None,
            route: Some(route.clone()),
            what,
        };
        walk.finish(&mut open, &mut verified).map_err(behind)?;
    }
    Ok(verified)
}

// === impl Mismatch ===

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.entry {
            Some(entry) => write!(f, "entry {entry}")?,
            None => f.write_str("behind the last entry")?,
        }
        if let Some(route) = &self.route {
            write!(f, " (route {route})")?;
        }
        write!(f, ": {}", self.what)
    }
}

// === impl Walk ===

impl<I: Iterator<Item = Result<Record, String>>> Walk<I> {
    fn new(route: &RouteId, entries: &[Entry]) -> Self {
        let of_route = || entries.iter().filter(|e| e.route.as_ref() == Some(route));
        // All that the fold needs of the configuration is where the route begins, which its entries say as well.
        let mut plan = RoutePlan::new(route.clone());
        if rules::begins_with_replay(of_route()) {
            plan.stages.insert(0, Stage::Replay);
        }
        let last = running_attempt(plan.clone(), of_route());
        let rollout = RouteRollout::new(plan);
        let rules = Rules::new(rollout.stage());
        Self {
            rollout,
            rules,
            log: Log::Unread,
            last,
            any_kept: false,
        }
    }

    fn step(
        &mut self,
        entry: &Entry,
        open: &mut impl FnMut(&RouteId, u64) -> Opened<I>,
        verified: &mut VerifiedHistory,
    ) -> Result<(), String> {
        self.read_to(entry.evidence.decided, open, verified)?;
        if !matches!(self.log, Log::Pruned)
            && let Some(what) = difference(&self.rollout.evidence(), &entry.evidence)
        {
            return Err(format!(
                "its evidence does not follow from the outcomes: {what}"
            ));
        }
        let known = Known {
            alarm: self.rollout.alarm(),
            failing: self.rollout.failing(),
            pruned: matches!(self.log, Log::Pruned),
        };
        self.rules.check(entry, known)?;
        let before = self.rollout.attempt().map(|facts| facts.id);
        self.rollout.apply_entry(entry);
        self.rules.follow(entry, &self.rollout)?;
        let after = self.rollout.attempt().map(|facts| facts.id);
        if before != after {
            self.close(verified)?;
            if let Some(facts) = self.rollout.attempt() {
                verified.attempts.push(VerifiedAttempt {
                    route: self.rollout.route().clone(),
                    id: facts.id,
                    phase: facts.phase,
                    outcomes: 0,
                    behind: 0,
                    pruned: false,
                    out_of_turn: false,
                });
            }
        }
        Ok(())
    }

    /// Applies outcomes until there are `decided` of the running attempt.
    fn read_to(
        &mut self,
        decided: u64,
        open: &mut impl FnMut(&RouteId, u64) -> Opened<I>,
        verified: &mut VerifiedHistory,
    ) -> Result<(), String> {
        let Some(id) = self.rollout.attempt().map(|facts| facts.id) else {
            return if decided == 0 {
                Ok(())
            } else {
                Err(format!("it names {decided} outcomes, and no attempt runs"))
            };
        };
        if decided < self.rollout.decided() {
            let before = self.rollout.decided();
            return Err(format!(
                "it stands behind {decided} outcomes of attempt {id}, an earlier entry behind {before}"
            ));
        }
        while self.rollout.decided() < decided && self.opened(id, open)? {
            let Some(record) = self.next()? else {
                return Err(format!(
                    "it stands behind {decided} outcomes of attempt {id}, and the log holds {}",
                    self.rollout.decided()
                ));
            };
            self.apply(id, &record)?;
        }
        self.count(verified, |attempt, walk| {
            attempt.outcomes = walk.rollout.decided();
            attempt.pruned = matches!(walk.log, Log::Pruned);
            attempt.out_of_turn = attempt.pruned && walk.any_kept;
        });
        Ok(())
    }

    /// Whether the running attempt's log is there. Only that of one that has ended may be gone.
    fn opened(
        &mut self,
        id: u64,
        open: &mut impl FnMut(&RouteId, u64) -> Opened<I>,
    ) -> Result<bool, String> {
        if matches!(self.log, Log::Unread) {
            self.log = match open(self.rollout.route(), id)? {
                Some(log) => Log::Open(log),
                None if self.last == Some(id) => {
                    return Err(format!("the outcome log of attempt {id} is gone"));
                }
                None => Log::Pruned,
            };
            self.any_kept |= matches!(self.log, Log::Open(_));
        }
        Ok(matches!(self.log, Log::Open(_)))
    }

    fn next(&mut self) -> Result<Option<Record>, String> {
        match &mut self.log {
            Log::Open(log) => log.next().transpose(),
            Log::Unread | Log::Pruned => Ok(None),
        }
    }

    fn apply(&mut self, id: u64, record: &Record) -> Result<(), String> {
        let place = self.rollout.decided();
        let may_be = self.rules.may_be(record);
        self.rollout.apply(record);
        if may_be && self.rollout.decided() == place + 1 {
            return Ok(());
        }
        Err(format!(
            "outcome {place} in the log of attempt {id} does not belong there"
        ))
    }

    /// The attempt is over; what its log still holds was never applied.
    fn close(&mut self, verified: &mut VerifiedHistory) -> Result<(), String> {
        let mut behind = 0;
        while self.next()?.is_some() {
            behind += 1;
        }
        self.count(verified, |attempt, _| attempt.behind = behind);
        self.log = Log::Unread;
        Ok(())
    }

    /// What has come since the last entry: it may demand a roll-back that no entry tells of.
    fn finish(
        &mut self,
        open: &mut impl FnMut(&RouteId, u64) -> Opened<I>,
        verified: &mut VerifiedHistory,
    ) -> Result<(), String> {
        let Some(facts) = self.rollout.attempt() else {
            return Ok(());
        };
        let (id, phase, stands) = (facts.id, facts.phase, self.rollout.decided());
        if matches!(self.log, Log::Unread) {
            // Nothing is behind an attempt of which nothing was ever logged.
            let Some(log) = open(self.rollout.route(), id)? else {
                return Ok(());
            };
            self.log = Log::Open(log);
        }
        while let Some(record) = self.next()? {
            self.apply(id, &record)?;
        }
        let behind = self.rollout.decided() - stands;
        self.count(verified, |attempt, _| attempt.behind = behind);
        if let (Phase::Attempt, Some(alarm)) = (phase, self.rollout.alarm()) {
            verified.due.push((self.rollout.route().clone(), *alarm));
        }
        Ok(())
    }

    fn count(&self, verified: &mut VerifiedHistory, set: impl Fn(&mut VerifiedAttempt, &Self)) {
        let route = self.rollout.route();
        let last = verified.attempts.iter_mut().rev();
        if let Some(attempt) = last.into_iter().find(|attempt| attempt.route == *route) {
            set(attempt, self);
        }
    }
}
