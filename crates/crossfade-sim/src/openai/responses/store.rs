//! The state that ids name: responses and the items that led to them. Bounded; the oldest are forgotten.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};

/// Responses kept.
const KEPT: usize = 4096;
/// Turns that are followed back.
const TURNS: usize = 256;

/// A response that was kept.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The response as it ended.
    pub(crate) object: Value,
    /// The items of its own request, each with an id.
    pub(crate) input: Vec<Value>,
    /// The response before it.
    pub(crate) previous: Option<String>,
}

/// Everything that was kept.
#[derive(Debug, Default)]
pub(crate) struct Store(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    order: VecDeque<String>,
    by_id: HashMap<String, Stored>,
}

impl Store {
    /// Keeps a response under its id.
    pub(crate) fn keep(&self, id: &str, stored: Stored) {
        let mut kept = self.lock();
        if kept.by_id.insert(id.to_owned(), stored).is_none() {
            kept.order.push_back(id.to_owned());
        }
        if kept.order.len() > KEPT
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.by_id.remove(&oldest);
        }
    }

    /// A response by its id.
    pub(crate) fn get(&self, id: &str) -> Option<Stored> {
        self.lock().by_id.get(id).cloned()
    }

    /// Forgets a response; whether there was one.
    pub(crate) fn forget(&self, id: &str) -> bool {
        let mut kept = self.lock();
        kept.order.retain(|known| known != id);
        kept.by_id.remove(id).is_some()
    }

    /// Every item that led to a response and those it made, oldest first; `None` if there is no such response.
    pub(crate) fn history(&self, id: &str) -> Option<Vec<Value>> {
        let kept = self.lock();
        let mut turns = vec![kept.by_id.get(id)?];
        while let Some(before) = turns
            .last()
            .filter(|_| turns.len() < TURNS)
            .and_then(|turn| kept.by_id.get(turn.previous.as_deref()?))
        {
            turns.push(before);
        }
        let items = turns.into_iter().rev().flat_map(Stored::items);
        Some(items.cloned().collect())
    }

    /// An item by its id.
    pub(crate) fn item(&self, id: &str) -> Option<Value> {
        let kept = self.lock();
        let named = |item: &&Value| item.get("id").is_some_and(|known| known == id);
        kept.by_id
            .values()
            .flat_map(Stored::items)
            .find(named)
            .cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    /// Its input, then its output.
    fn items(&self) -> impl Iterator<Item = &Value> {
        let output = self.object.get("output").and_then(Value::as_array);
        self.input.iter().chain(output.into_iter().flatten())
    }

    /// The list of its input items, newest first.
    pub(crate) fn input_items(&self) -> Value {
        let data: Vec<&Value> = self.input.iter().rev().collect();
        let id = |item: Option<&&Value>| item.and_then(|item| item.get("id").cloned());
        json!({
            "object": "list",
            "data": data,
            "first_id": id(data.first()),
            "has_more": false,
            "last_id": id(data.last()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str, previous: Option<&str>) -> Stored {
        Stored {
            object: json!({"output": [{"id": format!("out_{text}")}]}),
            input: vec![json!({"id": format!("in_{text}")})],
            previous: previous.map(str::to_owned),
        }
    }

    #[test]
    fn turns_follow_each_other() {
        let store = Store::default();
        store.keep("a", stored("a", None));
        store.keep("b", stored("b", Some("a")));
        let ids = |items: Vec<Value>| -> Vec<String> {
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(
            ids(store.history("b").unwrap()),
            ["in_a", "out_a", "in_b", "out_b"]
        );
        assert_eq!(store.item("out_a"), Some(json!({"id": "out_a"})));
        assert!(store.forget("a") && !store.forget("a"));
        assert_eq!(ids(store.history("b").unwrap()), ["in_b", "out_b"]);
        assert_eq!((store.history("a"), store.item("out_a")), (None, None));
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let store = Store::default();
        for n in 0..=KEPT {
            store.keep(&n.to_string(), stored("x", None));
        }
        assert!(store.get("0").is_none() && store.get("1").is_some());
    }
}
