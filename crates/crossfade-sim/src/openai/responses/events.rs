//! The events of a streamed response, in the one order that clients rely on.

use serde_json::{Map, Value, json};

use super::{Draft, Made, Mint, object::Item};
use crate::text;

/// An event of the stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Its type, which is its name as well.
    pub(crate) name: &'static str,
    /// Its data, with the type and the sequence number.
    pub(crate) data: Value,
    /// What it says, if it is content.
    pub(crate) said: Option<String>,
}

struct Telling<'t> {
    events: Vec<Event>,
    mint: &'t mut dyn Mint,
    filler: bool,
}

/// Every event of a response. `filler` says whether deltas carry random letters that hide their length.
pub(crate) fn events(draft: &Draft, made: &Made, filler: bool, mint: &mut dyn Mint) -> Vec<Event> {
    let mut telling = Telling {
        events: Vec::new(),
        mint,
        filler,
    };
    let begun = || json!({"response": draft.begun("in_progress")});
    telling.tell("response.created", begun());
    telling.tell("response.in_progress", begun());
    for (at, item) in made.items.iter().enumerate() {
        telling.item(at, item, made.status_of(at));
    }
    let last = match made.status {
        "incomplete" => "response.incomplete",
        _ => "response.completed",
    };
    telling.tell(last, json!({"response": draft.ended(made)}));
    telling.events
}

impl Event {
    /// An error event: `response.failed`, or the bare `error`.
    pub(crate) fn error(name: &str, draft: Option<&Draft>, sequence: usize) -> Self {
        let message = "The server had an error while processing your request. Sorry about that!";
        match draft {
            Some(draft) if name == "response.failed" => numbered(
                "response.failed",
                json!({"response": draft.failed()}),
                sequence,
            ),
            _ => {
                let data = json!({"code": "server_error", "message": message, "param": null});
                numbered("error", data, sequence)
            }
        }
    }
}

/// Type first, sequence number last.
fn numbered(name: &'static str, data: Value, sequence: usize) -> Event {
    let mut members = Map::new();
    members.insert("type".to_owned(), json!(name));
    if let Value::Object(data) = data {
        members.extend(data);
    }
    members.insert("sequence_number".to_owned(), json!(sequence));
    Event {
        name,
        data: Value::Object(members),
        said: None,
    }
}

impl Telling<'_> {
    fn tell(&mut self, name: &'static str, data: Value) {
        let sequence = self.events.len();
        self.events.push(numbered(name, data, sequence));
    }

    fn item(&mut self, at: usize, item: &Item, status: &str) {
        self.tell(
            "response.output_item.added",
            json!({"item": item.opening(), "output_index": at}),
        );
        match item {
            Item::Reasoning { summary, shown, .. } => {
                if summary.is_some() {
                    self.summary(at, item);
                } else if shown.is_some() {
                    self.thoughts(at, item);
                }
            }
            Item::Text { .. } => self.message(
                at,
                item,
                "response.output_text.delta",
                "response.output_text.done",
            ),
            Item::Refusal { .. } => {
                self.message(at, item, "response.refusal.delta", "response.refusal.done");
            }
            Item::Call { custom: false, .. } => self.call(
                at,
                item,
                "arguments",
                (
                    "response.function_call_arguments.delta",
                    "response.function_call_arguments.done",
                ),
            ),
            Item::Call { custom: true, .. } => self.call(
                at,
                item,
                "input",
                (
                    "response.custom_tool_call_input.delta",
                    "response.custom_tool_call_input.done",
                ),
            ),
        }
        self.tell(
            "response.output_item.done",
            json!({"item": item.json(status), "output_index": at}),
        );
    }

    fn message(&mut self, at: usize, item: &Item, delta: &'static str, done: &'static str) {
        let place = json!({"content_index": 0, "item_id": item.id(), "output_index": at});
        let part = |text: &str| merged(&place, json!({"part": item.part(text)}));
        let text_only = matches!(item, Item::Text { .. });
        let logprobs = if text_only {
            json!({"logprobs": []})
        } else {
            json!({})
        };
        self.tell("response.content_part.added", part(""));
        self.deltas(delta, item.said(), &merged(&place, logprobs.clone()));
        let whole = if text_only {
            json!({"text": item.said()})
        } else {
            json!({"refusal": item.said()})
        };
        self.tell(done, merged(&merged(&place, logprobs), whole));
        self.tell("response.content_part.done", part(item.said()));
    }

    fn call(
        &mut self,
        at: usize,
        item: &Item,
        member: &str,
        (delta, done): (&'static str, &'static str),
    ) {
        let place = json!({"item_id": item.id(), "output_index": at});
        self.deltas(delta, item.said(), &place);
        self.tell(done, merged(&place, json!({member: item.said()})));
    }

    fn summary(&mut self, at: usize, item: &Item) {
        let place = json!({"item_id": item.id(), "output_index": at, "summary_index": 0});
        let part = |text: &str| {
            merged(
                &place,
                json!({"part": {"type": "summary_text", "text": text}}),
            )
        };
        self.tell("response.reasoning_summary_part.added", part(""));
        self.thinking("response.reasoning_summary_text.delta", item.said(), &place);
        self.tell(
            "response.reasoning_summary_text.done",
            merged(&place, json!({"text": item.said()})),
        );
        self.tell("response.reasoning_summary_part.done", part(item.said()));
    }

    fn thoughts(&mut self, at: usize, item: &Item) {
        let place = json!({"content_index": 0, "item_id": item.id(), "output_index": at});
        self.thinking("response.reasoning_text.delta", item.said(), &place);
        self.tell(
            "response.reasoning_text.done",
            merged(&place, json!({"text": item.said()})),
        );
    }

    /// Thoughts are life, not content.
    fn thinking(&mut self, name: &'static str, thoughts: &str, place: &Value) {
        let first = self.events.len();
        self.deltas(name, thoughts, place);
        for event in self.events.iter_mut().skip(first) {
            event.said = None;
        }
    }

    fn deltas(&mut self, name: &'static str, said: &str, place: &Value) {
        for piece in text::pieces(said) {
            let filler = self.filler.then(|| self.mint.filler()).flatten();
            let mut data = merged(place, json!({"delta": piece}));
            if let (Some(filler), Value::Object(members)) = (filler, &mut data) {
                members.insert("obfuscation".to_owned(), json!(filler));
            }
            self.tell(name, data);
            if let Some(event) = self.events.last_mut() {
                event.said = Some(piece.to_owned());
            }
        }
    }
}

fn merged(place: &Value, data: Value) -> Value {
    let mut members = place.as_object().cloned().unwrap_or_default();
    if let Value::Object(data) = data {
        members.extend(data);
    }
    members.sort_keys();
    Value::Object(members)
}
