//! The review queue: a log of events, folded into what is open, what was decided and which differences are accepted.
//! Bounded by route, by count and by age; one open item a signature.

mod state;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crossfade_exchange::{Caller, OutcomeKey, ReviewReason, ReviewVerdict, RouteId};

use super::{
    EvidenceError,
    log::{Fullness, SegmentLog},
    review::{DifferenceRule, ReviewItem, ReviewState, Sampled},
    vault::{EvidenceKeys, Vault},
};
use crate::DataDirectory;
use state::{Event, State};

/// Rules that are kept; a further one is refused.
const MOST_RULES: usize = 10_000;
/// Characters of a note that are kept.
const LONGEST_NOTE: usize = 4_096;
/// Events beyond what is live before the log is written anew.
const STALE_EVENTS: usize = 4_096;

/// The bounds of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSettings {
    /// Items that may be open for one route; as many again of those that were drawn, until their time is over.
    pub open_per_route: usize,
    /// How long an item stays open.
    pub max_age: Duration,
}

/// What became of an item that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It waits now.
    Opened {
        /// Its number.
        id: u64,
        /// The less urgent item that had to go for it.
        displaced: Option<u64>,
    },
    /// An item of its signature waits already, and stands for it too.
    Joined(u64),
    /// Its differences were accepted.
    Accepted,
    /// As much waits for its route as may, and nothing that waits is less urgent.
    Full,
}

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Items that nobody looked at in time.
    pub expired: Vec<u64>,
}

/// The queue. All calls may wait for the disk; none is for an asynchronous task.
pub struct ReviewQueue {
    inner: Mutex<Inner>,
}

struct Inner {
    log: SegmentLog,
    state: State,
    settings: QueueSettings,
    /// Events in the log.
    events: usize,
}

// === impl ReviewQueue ===

impl std::fmt::Debug for ReviewQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReviewQueue(…)")
    }
}

impl ReviewQueue {
    /// Opens the queue of a data directory; sealed where there is a key.
    pub fn open(
        directory: &DataDirectory,
        settings: QueueSettings,
        keys: &EvidenceKeys,
    ) -> Result<Self, EvidenceError> {
        let mut state = State::default();
        let mut events = 0;
        // Segments end when the log is written anew.
        let fullness = Fullness {
            bytes: u64::MAX,
            span_ms: u64::MAX,
        };
        let path = directory.path().join("reviews");
        let vault = Arc::new(Vault::new(keys)?);
        let read = SegmentLog::open(path, vault, fullness, |_, head| {
            let event: Event = serde_json::from_slice(head).ok()?;
            state.apply(event);
            events += 1;
            Some(0)
        })?;
        if read.damaged > 0 {
            tracing::warn!(damaged = read.damaged, "backplane.reviews.damaged");
        }
        let mut inner = Inner {
            log: read.log,
            state,
            settings,
            events,
        };
        inner.state.prune();
        inner.compact_if_stale();
        Ok(Self {
            inner: Mutex::new(inner),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is made on disk first, so what a panic leaves is still true.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers an item; its number, its state and what it stands for are set here. It is durable after [`Self::sweep`].
    ///
    /// One that was drawn ([`ReviewItem::sample`]) has an item of its own, whatever waits and whatever was accepted, and room of
    /// its own: it displaces nothing, and nothing displaces it before its time is over. Where that room is full it is offered as
    /// if it had not been drawn, and so left out of the test, whatever its answers are.
    ///
    /// # Errors
    /// If it cannot be written; the queue is as it was.
    pub fn offer(&self, mut item: ReviewItem) -> Result<Offered, EvidenceError> {
        let mut inner = self.lock();
        if item.sample.is_some() {
            if inner.has_room_for_sample(&item) {
                let id = inner.open(item)?;
                return Ok(Offered::Opened {
                    id,
                    displaced: None,
                });
            }
            item.sample = None;
            item.reasons.retain(|reason| *reason != ReviewReason::Drawn);
            if item.reasons.is_empty() {
                return Ok(Offered::Full);
            }
        }
        // Signatures do not tell risky cells from others: what a blocker found is looked at whatever was accepted.
        let asked = item.reasons.iter().any(|reason| match reason {
            ReviewReason::Requested
            | ReviewReason::RiskyLabel
            | ReviewReason::RefusalFlip
            | ReviewReason::SideEffectingTool => true,
            ReviewReason::JudgeContradiction
            | ReviewReason::ChecksContradict
            | ReviewReason::LowSimilarity
            | ReviewReason::NewSignature
            | ReviewReason::RandomAgreement
            | ReviewReason::Drawn => false,
        });
        if let Some(signature) = &item.signature {
            let key = (item.route.clone(), signature.clone());
            if !asked && inner.state.rules.contains_key(&key) {
                return Ok(Offered::Accepted);
            }
            if let Some(id) = inner.state.by_signature.get(&key).copied() {
                let reasons = item.reasons;
                inner.record(Event::Joined { id, reasons })?;
                return Ok(Offered::Joined(id));
            }
        }
        let displaced = match inner.displaced_by(&item) {
            Ok(displaced) => displaced,
            Err(Crowded) => return Ok(Offered::Full),
        };
        let id = inner.open(item)?;
        if let Some(id) = displaced {
            inner.record(Event::Gone { id })?;
        }
        Ok(Offered::Opened { id, displaced })
    }

    /// One item.
    pub fn get(&self, id: u64) -> Option<ReviewItem> {
        self.lock().state.items.get(&id).cloned()
    }

    /// What waits at this moment, the most urgent first, then the oldest. What was drawn stands last until its time is over, whatever
    /// other reasons there are.
    pub fn open_items(&self, route: Option<&RouteId>, now_unix_ms: u64) -> Vec<ReviewItem> {
        let inner = self.lock();
        let mut items: Vec<ReviewItem> = inner.state.open(route).cloned().collect();
        items.sort_by_key(|item| (item.urgency(now_unix_ms), item.id));
        items
    }

    /// Whether all of it could be read when it was opened, but for damaged records.
    pub fn is_known(&self) -> bool {
        self.lock().log.is_known().is_ok()
    }

    /// How many wait, by route; routes where none do are not named.
    pub fn open_counts(&self) -> HashMap<RouteId, u64> {
        let inner = self.lock();
        let mut counts = HashMap::new();
        for item in inner.state.open(None) {
            *counts.entry(item.route.clone()).or_default() += 1;
        }
        counts
    }

    /// What was decided or expired, the latest opened first.
    pub fn closed_items(&self, route: Option<&RouteId>, limit: usize) -> Vec<ReviewItem> {
        let inner = self.lock();
        let items = inner.state.items.values().rev();
        items
            .filter(|item| !item.is_open() && route.is_none_or(|route| *route == item.route))
            .take(limit)
            .cloned()
            .collect()
    }

    /// The pairs of a route that were drawn for the test on what people say and whose time is over, each with what was said by then,
    /// in the order of sending: those of `attempt`, behind `after`, up to the first whose time is not over.
    pub fn sampled(
        &self,
        route: &RouteId,
        attempt: u64,
        after: Option<OutcomeKey>,
        now_unix_ms: u64,
    ) -> Vec<Sampled> {
        let inner = self.lock();
        let items = inner.state.items.values();
        let mut sampled: Vec<Sampled> = items
            .filter(|item| item.route == *route)
            .filter_map(ReviewItem::sampled)
            .filter(|sampled| {
                let announced = sampled.sample.announced;
                announced.attempt == attempt && after.is_none_or(|after| after < announced.key)
            })
            .collect();
        drop(inner);
        sampled.sort_unstable_by_key(|sampled| sampled.sample.announced.key);
        let is_over = |sampled: &Sampled| sampled.sample.decide_by_unix_ms <= now_unix_ms;
        let over = sampled.iter().position(|sampled| !is_over(sampled));
        sampled.truncate(over.unwrap_or(sampled.len()));
        sampled
    }

    /// Items that wait.
    pub fn open_count(&self, route: Option<&RouteId>) -> usize {
        self.lock().state.open(route).count()
    }

    /// Items of a route that wait for a person. Of what was only drawn nobody has to say anything: such items come as long as pairs are
    /// mirrored, and their time runs out by itself.
    pub fn waiting_count(&self, route: &RouteId) -> usize {
        let inner = self.lock();
        let open = inner.state.open(Some(route));
        open.filter(|item| item.reasons != [ReviewReason::Drawn])
            .count()
    }

    /// Writes down what a person decided; durable when it returns. `None` if no such item is open. A long note is cut.
    pub fn decide(
        &self,
        id: u64,
        verdict: ReviewVerdict,
        note: &str,
        by: &str,
        at_unix_ms: u64,
    ) -> Result<Option<ReviewItem>, EvidenceError> {
        let mut inner = self.lock();
        if !inner.state.items.get(&id).is_some_and(ReviewItem::is_open) {
            return Ok(None);
        }
        let state = ReviewState::Decided {
            verdict,
            note: note.chars().take(LONGEST_NOTE).collect(),
            by: by.to_owned(),
            at_unix_ms,
        };
        inner.record(Event::State { id, state })?;
        inner.log.sync()?;
        let decided = inner.state.items.get(&id).cloned();
        inner.state.prune();
        Ok(decided)
    }

    /// The differences that were accepted.
    pub fn rules(&self, route: Option<&RouteId>) -> Vec<DifferenceRule> {
        let inner = self.lock();
        let rules = inner.state.rules.values();
        rules
            .filter(|rule| route.is_none_or(|route| *route == rule.route))
            .cloned()
            .collect()
    }

    /// Whether these differences were accepted.
    pub fn is_accepted(&self, route: &RouteId, signature: &str) -> bool {
        let key = (route.clone(), signature.to_owned());
        self.lock().state.rules.contains_key(&key)
    }

    /// Accepts differences from now on; durable when it returns. `false` if there are as many rules as there may be.
    pub fn accept(&self, rule: DifferenceRule) -> Result<bool, EvidenceError> {
        let mut inner = self.lock();
        let key = (rule.route.clone(), rule.signature.clone());
        if inner.state.rules.len() >= MOST_RULES && !inner.state.rules.contains_key(&key) {
            return Ok(false);
        }
        inner.record(Event::Rule(rule))?;
        inner.log.sync()?;
        Ok(true)
    }

    /// No longer accepts differences; durable when it returns. `false` if they were not accepted.
    pub fn no_longer_accept(
        &self,
        route: &RouteId,
        signature: &str,
    ) -> Result<bool, EvidenceError> {
        let mut inner = self.lock();
        let key = (route.clone(), signature.to_owned());
        if !inner.state.rules.contains_key(&key) {
            return Ok(false);
        }
        let (route, signature) = key;
        inner.record(Event::NoRule { route, signature })?;
        inner.log.sync()?;
        Ok(true)
    }

    /// Deletes every item of a caller, by the credential or by the user, whichever is named. When it returns, no file holds
    /// them.
    pub fn delete_caller(&self, caller: &Caller) -> Result<u64, EvidenceError> {
        let mut inner = self.lock();
        let items = inner.state.items.values();
        let gone: Vec<u64> = items
            .filter(|item| caller.means(&item.caller))
            .map(|item| item.id)
            .collect();
        for id in &gone {
            inner.record(Event::Gone { id: *id })?;
        }
        if !gone.is_empty() {
            inner.compact()?;
        }
        inner.log.is_known()?;
        Ok(gone.len() as u64)
    }

    /// Closes what waited too long, and makes everything durable. What was drawn waits until its time is over; from then on only where
    /// there is another reason, and room. To be called every few seconds.
    pub fn sweep(&self, now_unix_ms: u64) -> Result<Swept, EvidenceError> {
        let mut inner = self.lock();
        let age = u64::try_from(inner.settings.max_age.as_millis()).unwrap_or(u64::MAX);
        let old = |item: &ReviewItem| item.opened_unix_ms.saturating_add(age) < now_unix_ms;
        let room = inner.settings.open_per_route;
        let crowded = |route: &RouteId| {
            let open = inner.state.open(Some(route));
            open.filter(|item| !item.is_kept(now_unix_ms)).count() > room
        };
        let over = |item: &ReviewItem| {
            let drawn = item.sample.is_some() && !item.is_kept(now_unix_ms);
            drawn && (item.reasons == [ReviewReason::Drawn] || crowded(&item.route))
        };
        let open = inner.state.open(None);
        let expired: Vec<u64> = open
            .filter(|item| old(item) || over(item))
            .map(|item| item.id)
            .collect();
        for id in &expired {
            let state = ReviewState::Expired {
                at_unix_ms: now_unix_ms,
            };
            inner.record(Event::State { id: *id, state })?;
        }
        inner.state.prune();
        inner.compact_if_stale();
        inner.log.sync()?;
        Ok(Swept { expired })
    }
}

// === impl Inner ===

/// There is no room for an item.
struct Crowded;

impl Inner {
    /// Writes an event and applies it.
    fn record(&mut self, event: Event) -> Result<(), EvidenceError> {
        let head = serde_json::to_vec(&event).map_err(EvidenceError::Form)?;
        self.log.append(&head, &[], 0)?;
        self.events += 1;
        self.state.apply(event);
        Ok(())
    }

    /// Opens an item; its number.
    fn open(&mut self, mut item: ReviewItem) -> Result<u64, EvidenceError> {
        item.reasons.sort_unstable();
        item.reasons.dedup();
        let id = self.state.next;
        (item.id, item.stands_for, item.state) = (id, 1, ReviewState::Open);
        self.record(Event::Item(Box::new(item)))?;
        Ok(id)
    }

    /// Whether one more drawn item may wait, at the moment at which it comes.
    fn has_room_for_sample(&self, item: &ReviewItem) -> bool {
        let now = item.opened_unix_ms;
        let open = self.state.open(Some(&item.route));
        item.is_kept(now)
            && open.filter(|open| open.is_kept(now)).count() < self.settings.open_per_route
    }

    /// The item that goes if this one comes: none while there is room, else the least urgent and youngest, if it is less
    /// urgent than this one.
    fn displaced_by(&self, item: &ReviewItem) -> Result<Option<u64>, Crowded> {
        let now = item.opened_unix_ms;
        let others = || self.state.open(Some(&item.route));
        let open = || others().filter(|open| !open.is_kept(now));
        if open().count() < self.settings.open_per_route {
            return Ok(None);
        }
        let least = open().max_by_key(|open| (open.urgency(now), open.id));
        least
            .filter(|least| least.urgency(now) > item.urgency(now))
            .map(|least| Some(least.id))
            .ok_or(Crowded)
    }

    fn compact_if_stale(&mut self) {
        let live = self.state.items.len() + self.state.rules.len();
        if self.events > live.saturating_mul(2).saturating_add(STALE_EVENTS)
            && let Err(error) = self.compact()
        {
            tracing::warn!(%error, "backplane.reviews.compaction_failed");
        }
    }

    /// Writes what is live into a new segment, and removes the older ones. Whatever a crash leaves of the two folds to the
    /// same.
    fn compact(&mut self) -> Result<(), EvidenceError> {
        let older = self.log.segments();
        self.log.begin()?;
        let items = self
            .state
            .items
            .values()
            .cloned()
            .map(|item| Event::Item(Box::new(item)));
        let rules = self.state.rules.values().cloned().map(Event::Rule);
        let next = Event::Next {
            id: self.state.next,
        };
        let mut events = 0;
        for event in items.chain(rules).chain([next]) {
            let head = serde_json::to_vec(&event).map_err(EvidenceError::Form)?;
            self.log.append(&head, &[], 0)?;
            events += 1;
        }
        self.log.sync()?;
        for number in older {
            self.log.remove(number)?;
        }
        self.events = events;
        Ok(())
    }
}
