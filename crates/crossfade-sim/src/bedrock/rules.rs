//! What models refuse although the service model allows it: order of turns, tools and their results, media, parameters.
//!
//! Each rule looks at a request whose structure has been checked, and says the service's words when it refuses. Rules
//! are tried in order, and the first refusal is the answer.

use serde_json::Value;

use super::{
    family::Family,
    json::{items, text},
};

mod media;
mod offers;
mod parameters;
mod replay;
mod tools;
mod turns;

/// A request before the rules.
pub(super) struct Case<'c> {
    family: Family,
    model: &'c str,
    body: &'c Value,
    messages: Vec<Message<'c>>,
    strict_alternation: bool,
}

/// One message of it.
#[derive(Clone, Copy)]
struct Message<'c> {
    role: &'c str,
    content: &'c [Value],
}

type Rule = fn(&Case<'_>) -> Option<String>;

const RULES: &[Rule] = &[
    turns::starts,
    turns::content_is_present,
    turns::alternates,
    turns::text_is_not_blank,
    turns::ends,
    offers::system,
    offers::kinds,
    offers::cache_points,
    offers::sizes,
    tools::are_configured,
    tools::specifications,
    tools::choice,
    tools::uses,
    tools::results_are_complete,
    tools::results_are_wanted,
    tools::results_are_alone,
    tools::result_bodies,
    offers::results,
    offers::own_fields,
    offers::effort,
    media::documents,
    media::images,
    media::cache_points,
    parameters::sampling,
    parameters::stop_sequences,
    parameters::thinking,
    replay::thoughts,
    replay::tool_turns,
    parameters::schemas,
];

/// Why the model refuses a request; `None` if it does not.
pub(super) fn refusal(model: &str, body: &Value, strict_alternation: bool) -> Option<String> {
    let messages = items(body, "messages")
        .iter()
        .map(|message| Message {
            role: text(message, "role").unwrap_or_default(),
            content: items(message, "content"),
        })
        .collect();
    let case = Case {
        family: Family::of(model),
        model,
        body,
        messages,
        strict_alternation,
    };
    RULES.iter().find_map(|rule| rule(&case))
}

// === impl Case ===

impl Case<'_> {
    /// Every content block with the indexes of its message and its own.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize, &Value)> {
        self.messages.iter().enumerate().flat_map(|(at, message)| {
            message
                .content
                .iter()
                .enumerate()
                .map(move |(index, block)| (at, index, block))
        })
    }

    /// A setting by its JSON pointer.
    fn setting(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer).filter(|value| !value.is_null())
    }
}

// === impl Message ===

impl<'c> Message<'c> {
    /// The members of one kind among its blocks: `toolUse`, `toolResult`, …
    fn members(self, name: &'static str) -> impl Iterator<Item = &'c Value> {
        self.content.iter().filter_map(move |block| block.get(name))
    }
}

/// The first text that comes a second time.
fn repeated<'t>(texts: impl Iterator<Item = &'t str>) -> Option<&'t str> {
    let mut seen = std::collections::HashSet::new();
    texts.into_iter().find(|text| !seen.insert(*text))
}

#[cfg(test)]
mod tests;
