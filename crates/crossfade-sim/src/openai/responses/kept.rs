//! The operations on responses that were kept.

use serde_json::{Value, json};

use super::{Store, Stored};
use crate::openai::Wrong;

/// What of a response a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The response itself.
    Whole,
    /// Its cancelling.
    Cancel,
    /// The items of its request.
    InputItems,
}

impl Part {
    /// What the segments after `responses` name, with the response's id; `None` if nothing of a response.
    pub(crate) fn parse<'p>(rest: &[&'p str]) -> Option<(Self, &'p str)> {
        match rest {
            [id] => Some((Self::Whole, id)),
            [id, "cancel"] => Some((Self::Cancel, id)),
            [id, "input_items"] => Some((Self::InputItems, id)),
            _ => None,
        }
    }
}

/// Does what a method asks of a response; its body.
pub(crate) fn operate(method: &str, part: Part, id: &str, store: &Store) -> Result<Value, Wrong> {
    match (method, part) {
        ("GET", Part::Whole) => Ok(found(store, id)?.object),
        ("GET", Part::InputItems) => Ok(found(store, id)?.input_items()),
        ("DELETE", Part::Whole) => {
            found(store, id)?;
            store.forget(id);
            Ok(json!({"id": id, "object": "response", "deleted": true}))
        }
        ("POST", Part::Cancel) => cancel(store, id),
        _ => Err(Wrong::not_found("Resource not found")),
    }
}

/// The events of a response that was kept, after those that the caller has: name and data.
pub(crate) fn replay(
    store: &Store,
    id: &str,
    after: usize,
) -> Result<Vec<(&'static str, Value)>, Wrong> {
    let object = found(store, id)?.object;
    let last = match object.get("status").and_then(Value::as_str) {
        Some("incomplete") => "response.incomplete",
        Some("cancelled" | "failed") => "response.failed",
        _ => "response.completed",
    };
    let names = ["response.created", "response.in_progress", last];
    let event = |(at, name): (usize, &'static str)| {
        (
            name,
            json!({"type": name, "response": object, "sequence_number": at}),
        )
    };
    Ok(names
        .into_iter()
        .enumerate()
        .skip(after)
        .map(event)
        .collect())
}

fn found(store: &Store, id: &str) -> Result<Stored, Wrong> {
    store
        .get(id)
        .ok_or_else(|| Wrong::not_found(format!("Response with id '{id}' not found.")))
}

/// Only what runs in the background can be cancelled.
fn cancel(store: &Store, id: &str) -> Result<Value, Wrong> {
    let mut kept = found(store, id)?;
    if kept.object.get("background") != Some(&json!(true)) {
        return Err(Wrong::new("Cannot cancel a synchronous response."));
    }
    if let Value::Object(members) = &mut kept.object {
        members.insert("status".to_owned(), json!("cancelled"));
        members.insert("output".to_owned(), json!([]));
    }
    let object = kept.object.clone();
    store.keep(id, kept);
    Ok(object)
}
