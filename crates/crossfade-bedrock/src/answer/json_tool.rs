//! The arguments of the tool that carries a JSON answer, on their way to becoming text.
//!
//! Some models put the answer under a member `properties`, as if they filled in the schema itself. Where the schema has no
//! such property of its own, the inner object is the answer.

use serde_json::{Map, Value};

use super::{fences::LONGEST_BLANK, shape::MOST_HELD};

/// How an answer begins that stands under `properties`, without its white space.
const WRAPPED: &str = r#"{"properties":{"#;
/// The member itself.
const MEMBER: &str = "properties";

/// The arguments so far.
#[derive(Debug)]
pub(super) struct JsonInput {
    state: State,
    held: String,
    is_empty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Whether it is wrapped is not known yet.
    Opening,
    /// It may be, and is held until its end.
    Wrapped,
    /// It is not.
    Plain,
}

// === impl JsonInput ===

impl JsonInput {
    /// Nothing yet; `unwrap`: a member `properties` at the top is a wrapper.
    pub(super) fn new(unwrap: bool) -> Self {
        let state = if unwrap { State::Opening } else { State::Plain };
        Self {
            state,
            held: String::new(),
            is_empty: true,
        }
    }

    /// Takes a piece; gives what is certain.
    pub(super) fn feed(&mut self, piece: &str) -> String {
        self.is_empty &= piece.trim().is_empty();
        self.held.push_str(piece);
        if self.state == State::Opening {
            self.state = opening(&self.held);
        }
        if self.held.len() > MOST_HELD {
            self.state = State::Plain;
        }
        match self.state {
            State::Opening | State::Wrapped => String::new(),
            State::Plain => std::mem::take(&mut self.held),
        }
    }

    /// What is left, and whether it was taken out of its wrapper.
    pub(super) fn finish(self) -> (String, bool) {
        if self.is_empty {
            return ("{}".to_owned(), false);
        }
        if self.state == State::Wrapped
            && let Ok(object) = serde_json::from_str::<Map<String, Value>>(&self.held)
            && object.len() == 1
            && let Some(inner @ Value::Object(_)) = object.get(MEMBER)
        {
            return (inner.to_string(), true);
        }
        (self.held, false)
    }
}

fn opening(text: &str) -> State {
    let near = text
        .char_indices()
        .take_while(|(at, _)| *at < LONGEST_BLANK);
    let bare = near.map(|(_, c)| c).filter(|c| !c.is_ascii_whitespace());
    let bare: String = bare.take(WRAPPED.len()).collect();
    if bare == WRAPPED {
        State::Wrapped
    } else if WRAPPED.starts_with(&bare) && text.len() <= LONGEST_BLANK {
        State::Opening
    } else {
        State::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_under_properties_is_taken_out_edge_30() {
        let check = |unwrap: bool, text: &str, expected: &str, unwrapped: bool| {
            let whole: &[&str] = &[text];
            let pieces: Vec<String> = text.chars().map(String::from).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            for pieces in [whole, pieces.as_slice()] {
                let mut input = JsonInput::new(unwrap);
                let mut given: String = pieces.iter().map(|piece| input.feed(piece)).collect();
                let (rest, found) = input.finish();
                given.push_str(&rest);
                assert_eq!((given.as_str(), found), (expected, unwrapped), "{text}");
            }
        };
        check(
            true,
            r#"{"properties":{"b":1,"a":2}}"#,
            r#"{"b":1,"a":2}"#,
            true,
        );
        check(true, "{ \"properties\" :\n {} }", "{}", true);
        check(
            false,
            r#"{"properties":{"a":1}}"#,
            r#"{"properties":{"a":1}}"#,
            false,
        );
        check(
            true,
            r#"{"properties":{"a":1},"b":2}"#,
            r#"{"properties":{"a":1},"b":2}"#,
            false,
        );
        check(
            true,
            r#"{"properties":"x"}"#,
            r#"{"properties":"x"}"#,
            false,
        );
        check(
            true,
            r#"{"properties":{"a":"#,
            r#"{"properties":{"a":"#,
            false,
        );
        check(true, r#"{"a":1}"#, r#"{"a":1}"#, false);
        let blank = " ".repeat(LONGEST_BLANK + 1);
        assert_eq!(JsonInput::new(true).feed(&blank), blank);
        check(true, "", "{}", false);
        check(true, " ", "{}", false);
    }
}
