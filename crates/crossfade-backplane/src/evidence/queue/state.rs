//! What the queue's log folds to. Which changes are allowed, and what is written when, is the queue's.

use std::collections::{BTreeMap, HashMap};

use crossfade_exchange::{ReviewReason, RouteId};
use serde::{Deserialize, Serialize};

use crate::evidence::review::{DifferenceRule, ReviewItem, ReviewState};

/// Items that are kept after they were decided or expired; older ones go. Their verdicts live on in the statistics.
const MOST_CLOSED: usize = 5_000;
/// How long a decided item that was drawn goes last, in milliseconds, after its time is over: until then it has entered the test,
/// unless the process stood still for as long.
const SAMPLE_GRACE: u64 = 24 * 60 * 60 * 1_000;

/// A fold of the events.
#[derive(Default)]
pub(super) struct State {
    pub(super) items: BTreeMap<u64, ReviewItem>,
    /// The open item of a signature; none that was drawn.
    pub(super) by_signature: HashMap<(RouteId, String), u64>,
    pub(super) rules: BTreeMap<(RouteId, String), DifferenceRule>,
    pub(super) next: u64,
    /// The latest moment that an event names, in milliseconds since the Unix epoch.
    clock: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// An item as it is now.
    Item(Box<ReviewItem>),
    /// Another exchange of its signature came.
    Joined { id: u64, reasons: Vec<ReviewReason> },
    /// An item's new state.
    State { id: u64, state: ReviewState },
    /// An item is no longer known.
    Gone { id: u64 },
    /// Differences are accepted.
    Rule(DifferenceRule),
    /// They no longer are.
    NoRule { route: RouteId, signature: String },
    /// The number of the next item.
    Next { id: u64 },
}

// === impl State ===

impl State {
    pub(super) fn open(&self, route: Option<&RouteId>) -> impl Iterator<Item = &ReviewItem> {
        self.items
            .values()
            .filter(move |item| item.is_open() && route.is_none_or(|route| *route == item.route))
    }

    pub(super) fn apply(&mut self, event: Event) {
        match event {
            Event::Item(item) => {
                self.next = self.next.max(item.id.saturating_add(1));
                self.clock = self.clock.max(item.opened_unix_ms);
                self.unlink(item.id);
                // Only where the sides differ is there a signature: what is like a drawn pair must not join it, and give it reasons.
                if let Some(signature) = &item.signature
                    && item.is_open()
                    && item.sample.is_none()
                {
                    let key = (item.route.clone(), signature.clone());
                    self.by_signature.insert(key, item.id);
                }
                self.items.insert(item.id, *item);
            }
            Event::Joined { id, reasons } => {
                if let Some(item) = self.items.get_mut(&id) {
                    item.stands_for = item.stands_for.saturating_add(1);
                    item.reasons.extend(reasons);
                    item.reasons.sort_unstable();
                    item.reasons.dedup();
                }
            }
            Event::State { id, state } => {
                self.unlink(id);
                self.clock = self.clock.max(match state {
                    ReviewState::Open => 0,
                    ReviewState::Decided { at_unix_ms, .. }
                    | ReviewState::Expired { at_unix_ms } => at_unix_ms,
                });
                if let Some(item) = self.items.get_mut(&id) {
                    item.state = state;
                }
            }
            Event::Gone { id } => {
                self.unlink(id);
                self.items.remove(&id);
            }
            Event::Rule(rule) => {
                let key = (rule.route.clone(), rule.signature.clone());
                self.rules.insert(key, rule);
            }
            Event::NoRule { route, signature } => {
                self.rules.remove(&(route, signature));
            }
            Event::Next { id } => self.next = self.next.max(id),
        }
    }

    /// Its signature may be opened again.
    fn unlink(&mut self, id: u64) {
        let Some(item) = self.items.get(&id) else {
            return;
        };
        if let Some(signature) = &item.signature {
            let key = (item.route.clone(), signature.clone());
            if self.by_signature.get(&key) == Some(&id) {
                self.by_signature.remove(&key);
            }
        }
    }

    /// Lets go of the oldest closed items beyond the bound; those that the test has yet to take last.
    pub(super) fn prune(&mut self) {
        let closed = || self.items.values().filter(|item| !item.is_open());
        let surplus = closed().count().saturating_sub(MOST_CLOSED);
        if surplus == 0 {
            return;
        }
        let until = self.clock.saturating_sub(SAMPLE_GRACE);
        let (kept, others): (Vec<_>, Vec<_>) = closed().partition(|item| item.is_kept(until));
        let oldest = others.into_iter().chain(kept).take(surplus);
        let gone: Vec<u64> = oldest.map(|item| item.id).collect();
        for id in gone {
            self.items.remove(&id);
        }
    }
}
