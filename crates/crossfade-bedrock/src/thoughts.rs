//! What a model thought before it called tools, signed by its provider, kept until the tools' results come back.
//!
//! The caller's wire has no place for it, and the provider wants it back as it was. The store is bounded by count, bytes
//! and age; what is not found any more is asked without, and is a loss by name. It is this process's own: after a restart,
//! or on another replica, a conversation goes on without its earlier thinking.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::translate::Recall;

/// The most turns that are kept.
const MOST_TURNS: usize = 4096;
/// The most bytes of thinking that are kept.
const MOST_BYTES: usize = 32 << 20;
/// How long a turn is kept: tools may take this long.
const LONGEST: Duration = Duration::from_secs(3600);

/// The thinking of one turn: the contents of its `reasoningContent` blocks, in order.
pub(crate) type Turn = Arc<[Value]>;

/// A bounded store of turns, by the ids of the calls that they ended in.
#[derive(Debug)]
pub(crate) struct Thoughts {
    kept: Mutex<Kept>,
    most_turns: usize,
    most_bytes: usize,
    longest: Duration,
}

#[derive(Default)]
struct Kept {
    by_call: HashMap<String, u64>,
    /// By age: the first is the oldest.
    turns: BTreeMap<u64, Entry>,
    next: u64,
    bytes: usize,
}

struct Entry {
    calls: Vec<String>,
    turn: Turn,
    bytes: usize,
    since: Instant,
}

// === impl Thoughts ===

impl Default for Thoughts {
    fn default() -> Self {
        Self::new(MOST_TURNS, MOST_BYTES, LONGEST)
    }
}

impl Thoughts {
    /// An empty store with these bounds.
    pub(crate) fn new(most_turns: usize, most_bytes: usize, longest: Duration) -> Self {
        Self {
            kept: Mutex::default(),
            most_turns,
            most_bytes,
            longest,
        }
    }

    /// Keeps a turn under the ids of its calls. The oldest turns go to make room; a turn that is larger than all the room is
    /// not kept.
    pub(crate) fn keep(&self, calls: Vec<String>, turn: Vec<Value>, bytes: usize, now: Instant) {
        if calls.is_empty() || turn.is_empty() || bytes > self.most_bytes || self.most_turns == 0 {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.expire(now, self.longest);
        while kept.turns.len() >= self.most_turns || kept.bytes + bytes > self.most_bytes {
            if !kept.drop_oldest() {
                break;
            }
        }
        let key = kept.next;
        kept.next += 1;
        kept.bytes += bytes;
        for call in &calls {
            kept.by_call.insert(call.clone(), key);
        }
        let turn = turn.into();
        let entry = Entry {
            calls,
            turn,
            bytes,
            since: now,
        };
        kept.turns.insert(key, entry);
    }

    /// The thinking before this call, if it is still there.
    pub(crate) fn before(&self, call: &str, now: Instant) -> Option<Turn> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.expire(now, self.longest);
        let key = kept.by_call.get(call)?;
        kept.turns.get(key).map(|entry| Arc::clone(&entry.turn))
    }
}

impl Recall for Thoughts {
    fn before(&self, call: &str) -> Option<Vec<Value>> {
        Self::before(self, call, Instant::now()).map(|turn| turn.to_vec())
    }
}

// === impl Kept ===

/// Sizes only.
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept")
            .field("turns", &self.turns.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Kept {
    fn expire(&mut self, now: Instant, longest: Duration) {
        while let Some((_, entry)) = self.turns.first_key_value()
            && now.saturating_duration_since(entry.since) > longest
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) -> bool {
        let Some((key, entry)) = self.turns.pop_first() else {
            return false;
        };
        self.bytes -= entry.bytes;
        for call in entry.calls {
            if self.by_call.get(&call) == Some(&key) {
                self.by_call.remove(&call);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keep(thoughts: &Thoughts, call: &str, bytes: usize, now: Instant) {
        thoughts.keep(vec![call.to_owned()], vec![json!(call)], bytes, now);
    }

    #[track_caller]
    fn check(thoughts: &Thoughts, call: &str, kept: bool, now: Instant) {
        let found = thoughts.before(call, now);
        let expected: Option<Turn> = kept.then(|| vec![json!(call)].into());
        assert_eq!(found, expected, "{call}");
    }

    #[test]
    fn the_oldest_go_first_by_count_bytes_and_age() {
        let now = Instant::now();
        let later = |seconds| now + Duration::from_secs(seconds);
        let thoughts = Thoughts::new(2, 100, Duration::from_secs(10));
        keep(&thoughts, "a", 10, now);
        keep(&thoughts, "b", 10, later(1));
        check(&thoughts, "a", true, later(1));
        keep(&thoughts, "c", 10, later(2));
        check(&thoughts, "a", false, later(2));
        check(&thoughts, "b", true, later(2));
        keep(&thoughts, "d", 95, later(3));
        check(&thoughts, "b", false, later(3));
        check(&thoughts, "c", false, later(3));
        check(&thoughts, "d", true, later(13));
        check(&thoughts, "d", false, later(14));
        keep(&thoughts, "too large", 101, later(14));
        check(&thoughts, "too large", false, later(14));
        assert_eq!(thoughts.kept.lock().unwrap().bytes, 0);
        assert!(thoughts.kept.lock().unwrap().by_call.is_empty());
    }

    #[test]
    fn every_call_of_a_turn_finds_it() {
        let now = Instant::now();
        let thoughts = Thoughts::default();
        let calls = vec!["x".to_owned(), "y".to_owned()];
        thoughts.keep(calls, vec![json!(1), json!(2)], 5, now);
        for call in ["x", "y"] {
            let turn = thoughts.before(call, now).unwrap();
            assert_eq!(*turn, [json!(1), json!(2)]);
        }
        assert_eq!(thoughts.before("z", now), None);
        assert!(!format!("{thoughts:?}").contains("\"x\""));
    }
}
