//! What a request brings to its answer: every text of its conversation, against which citations and facts of the answer are
//! held. Read only for routes that ask for it; bounded; it makes nothing of roles.

use std::collections::HashSet;

use crossfade_exchange::Operation;
use serde_json::Value;

use crate::facts::facts;

/// Of a conversation, the bytes of text that are kept: the latest of them.
const MOST_BYTES: usize = 512 * 1024;
/// How much of it is searched for facts at a time: so little that not even the densest of it holds more than count.
const PIECE: usize = 8 * 1024;

/// The texts of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Context {
    /// All of it in lower case, with single spaces between words, and one at either end.
    text: String,
    /// The values of its facts, without their kinds.
    values: HashSet<String>,
}

// === impl Context ===

impl Context {
    /// Reads a request's body. One that is not understood brings nothing.
    pub(crate) fn read(operation: Operation, body: &[u8]) -> Self {
        let names: &[&str] = match operation {
            Operation::Chat => &["messages"],
            Operation::Responses => &["instructions", "input"],
            Operation::Embeddings => return Self::default(),
        };
        let Ok(request) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let mut texts = Vec::new();
        for name in names {
            if let Some(part) = request.get(*name) {
                collect(part, &mut texts);
            }
        }
        Self::of(&texts.join("\n"))
    }

    /// A context of one text.
    pub(crate) fn of(text: &str) -> Self {
        let from = text.ceil_char_boundary(text.len().saturating_sub(MOST_BYTES));
        let mut rest = text.split_at_checked(from).map_or(text, |(_, tail)| tail);
        let plain = format!(" {} ", plain(rest));
        let mut values = HashSet::new();
        while !rest.is_empty() {
            // Cut between words, so that no number is halved.
            let end = rest.floor_char_boundary(PIECE);
            let Some((piece, _)) = rest.split_at_checked(end) else {
                break;
            };
            let end = if end < rest.len() {
                piece
                    .rfind(char::is_whitespace)
                    .filter(|at| *at > 0)
                    .unwrap_or(end)
            } else {
                end
            };
            let Some((piece, tail)) = rest.split_at_checked(end.max(1)) else {
                break;
            };
            for fact in facts(piece) {
                values.insert(bare(&fact.value).to_owned());
                values.insert(fact.value);
            }
            rest = tail;
        }
        Self {
            text: plain,
            values,
        }
    }

    /// Whether it brings nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Whether it holds a fact's value, with or without its currency.
    pub(crate) fn holds_value(&self, value: &str) -> bool {
        self.values.contains(value) || self.values.contains(bare(value))
    }

    /// Whether it holds a phrase as whole words, whatever the letter case.
    pub(crate) fn holds_phrase(&self, phrase: &str) -> bool {
        let phrase = plain(phrase);
        let phrase = phrase.trim_matches(|c: char| !c.is_alphanumeric());
        if phrase.is_empty() {
            return false;
        }
        let mut from = self.text.as_str();
        while let Some(at) = from.find(phrase) {
            let (before, rest) = from.split_at_checked(at).unwrap_or(("", from));
            let after = rest.strip_prefix(phrase).unwrap_or_default();
            let joined = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && c.is_ascii());
            if !joined(before.chars().next_back()) && !joined(after.chars().next()) {
                return true;
            }
            let next = rest.chars().next().map_or(1, char::len_utf8);
            from = rest.split_at_checked(next).map_or("", |(_, tail)| tail);
        }
        false
    }
}

/// A value without its currency.
fn bare(value: &str) -> &str {
    value.split_once(' ').map_or(value, |(_, number)| number)
}

/// Lower case, straight quotes, single spaces.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{2018}' | '\u{2019}' => plain.push('\''),
            c if c.is_whitespace() => {
                if !plain.ends_with(' ') {
                    plain.push(' ');
                }
            }
            c => plain.extend(c.to_lowercase()),
        }
    }
    plain
}

/// Every text of a conversation; data in the form of a link is none.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.starts_with("data:") => texts.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|element| collect(element, texts)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !["role", "type"].contains(&name.as_str()))
            .for_each(|(_, member)| collect(member, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_conversation_holds_values_and_phrases() {
        let request = json!({"messages": [
            {"role": "system", "content": "Use these sources."},
            {"role": "user", "content": [{"type": "text", "text": "Ms\u{a0}Okafor paid $1,234.50 on 12 Nov 2026.\nSource [doc3]"}]},
        ]});
        let context = Context::read(Operation::Chat, request.to_string().as_bytes());
        assert!(!context.is_empty());
        for value in ["USD 1234.5", "1234.5", "EUR 1234.5", "2026-11-12"] {
            assert!(context.holds_value(value), "{value}");
        }
        assert!(!context.holds_value("1234"));
        for phrase in ["Okafor", "ms okafor paid", "doc3", "  Use these "] {
            assert!(context.holds_phrase(phrase), "{phrase}");
        }
        for phrase in ["Oka", "doc", "system", "text", "", "..."] {
            assert!(!context.holds_phrase(phrase), "{phrase}");
        }
    }

    #[test]
    fn responses_bring_their_input() {
        let check = |body: &str, holds: bool| {
            let context = Context::read(Operation::Responses, body.as_bytes());
            assert_eq!(context.holds_phrase("blue"), holds, "{body}");
        };
        check(r#"{"input":"it is blue"}"#, true);
        check(r#"{"instructions":"say blue","input":"x"}"#, true);
        check(
            r#"{"input":[{"role":"user","content":[{"type":"input_text","text":"blue"}]}]}"#,
            true,
        );
        check(r#"{"messages":[{"content":"blue"}]}"#, false);
        check("rubbish", false);
    }

    #[test]
    fn a_long_conversation_is_kept_in_part() {
        let context = Context::of(&format!("{} last 77", "word 5 ".repeat(200_000)));
        assert!(context.text.len() <= MOST_BYTES + 2);
        assert!(context.holds_value("77") && context.holds_phrase("last"));
        Context::of(&"7".repeat(1 << 20));
        Context::of(&"é".repeat(1 << 19));
    }
}
