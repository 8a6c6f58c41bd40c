//! Readers: what the OpenAI-compatible endpoints answer, chunk by chunk or whole, as steps. Whole answers are read by the
//! same code as streamed ones.

mod chat;
mod guard;
mod responses;

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "cases are literals")]
mod tests;

pub(crate) use chat::ChatReader;
pub(crate) use responses::ResponsesReader;

use std::collections::HashMap;

use crossfade_exchange::Usage;
use crossfade_openai::chat::TokenCounts;
use serde_json::Value;

use super::fault::{self, Said};
use crate::answer::{AnswerError, FaultKind, Shape, Step};

/// The most text of one call that is held back.
const MOST_HELD: usize = 4 << 20;

/// Tokens by the classes they are priced in, which do not overlap, unlike on the wire.
pub(super) fn classes(counts: TokenCounts) -> Usage {
    let cache = counts.cached.saturating_add(counts.cache_write);
    Usage {
        input: counts.prompt.saturating_sub(cache),
        cached: counts.cached,
        cache_write: counts.cache_write,
        output: counts.completion,
        reasoning: counts.reasoning.min(counts.completion),
    }
}

/// What the provider says of its failure within an answer.
pub(super) fn failed(error: &Value) -> AnswerError {
    let said: Said = match error {
        Value::String(text) => Said {
            message: Some(text.clone()),
            ..Said::default()
        },
        error => serde_json::from_value(error.clone()).unwrap_or_default(),
    };
    match fault::of_said(&said, None) {
        FaultKind::TooLong => AnswerError::ContextFull,
        kind => AnswerError::Failed(kind),
    }
}

/// The calls of one answer. A call is known by its place, and by its id where a place is used again.
#[derive(Debug, Default)]
struct Calls {
    by_place: HashMap<u64, Open>,
    begun: i64,
}

/// A call that is open.
#[derive(Debug)]
struct Open {
    key: i64,
    id: String,
    /// Its name is known, and the call was told of.
    is_named: bool,
    /// Arguments that came before the name.
    held: String,
}

/// What one piece says of a call.
#[derive(Debug, Default)]
struct CallPiece<'a> {
    place: u64,
    id: &'a str,
    name: &'a str,
    input: &'a str,
}

// === impl Calls ===

impl Calls {
    /// Takes a piece. A name may come after the id, or again with every piece.
    fn piece(
        &mut self,
        piece: &CallPiece<'_>,
        shape: &mut Shape,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        let is_new = match self.by_place.get(&piece.place) {
            None => true,
            Some(open) => {
                let another = !piece.id.is_empty() && !open.id.is_empty() && piece.id != open.id;
                another && !piece.name.is_empty()
            }
        };
        if is_new {
            self.begin(piece.place, shape, steps)?;
        }
        let Some(open) = self.by_place.get_mut(&piece.place) else {
            return Ok(());
        };
        if open.id.is_empty() {
            piece.id.clone_into(&mut open.id);
        }
        if !open.is_named && !piece.name.is_empty() {
            open.is_named = true;
            shape.call(open.key, piece.name, steps)?;
            let held = std::mem::take(&mut open.held);
            shape.input(open.key, held, steps)?;
        }
        if open.is_named {
            return shape.input(open.key, piece.input.to_owned(), steps);
        }
        if open.held.len() + piece.input.len() > MOST_HELD {
            return Err(AnswerError::TooLarge);
        }
        open.held.push_str(piece.input);
        Ok(())
    }

    fn begin(
        &mut self,
        place: u64,
        shape: &mut Shape,
        steps: &mut Vec<Step>,
    ) -> Result<(), AnswerError> {
        let open = Open {
            key: self.begun,
            id: String::new(),
            is_named: false,
            held: String::new(),
        };
        self.begun += 1;
        if let Some(before) = self.by_place.insert(place, open) {
            if !before.is_named {
                return Err(AnswerError::Malformed);
            }
            shape.done(before.key, steps);
        }
        Ok(())
    }

    /// No more comes: a call without a name is none.
    fn finish(&self) -> Result<(), AnswerError> {
        if self.by_place.values().all(|open| open.is_named) {
            Ok(())
        } else {
            Err(AnswerError::Malformed)
        }
    }
}
