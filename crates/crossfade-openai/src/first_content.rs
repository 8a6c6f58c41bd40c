//! When the first content of a stream has passed: the moment that latency is measured at.
//!
//! Reads a chat completion's events only until then; afterwards a feed costs a comparison. The role and the filter's
//! words are no content; text, a refusal, a call or sound is.

#[cfg(test)]
mod tests;

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::sse::Decoder;

/// What comes before the first content is short. A longer event cannot be held, and is taken as content.
const LIMIT: usize = 1 << 20;

/// Watches a stream's bytes for the first content.
#[derive(Clone, Debug)]
pub struct FirstContent {
    /// Dropped once the content was seen.
    decoder: Option<Decoder>,
}

// === impl FirstContent ===

impl Default for FirstContent {
    fn default() -> Self {
        Self::new()
    }
}

impl FirstContent {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self {
            decoder: Some(Decoder::with_limit(LIMIT)),
        }
    }

    /// Takes the stream's next bytes. True once the first content has been seen, and ever after.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        let Some(decoder) = &mut self.decoder else {
            return true;
        };
        let events = decoder.feed(bytes);
        let seen = decoder.error().is_some() || events.iter().any(|event| shows(&event.data));
        if seen {
            self.decoder = None;
        }
        seen
    }

    /// Whether it has been seen.
    pub fn seen(&self) -> bool {
        self.decoder.is_none()
    }
}

/// Whether an event's data is a chunk with content. Data that is no chunk shows none.
fn shows(data: &str) -> bool {
    serde_json::from_str::<Peek>(data).is_ok_and(|chunk| {
        chunk.choices.iter().any(|choice| {
            let Some(delta) = &choice.delta else {
                return choice.text.0;
            };
            let PeekDelta {
                content,
                refusal,
                tool_calls,
                function_call,
                audio,
            } = delta;
            [content, refusal, tool_calls, function_call, audio]
                .iter()
                .any(|said| said.0)
        })
    })
}

#[derive(Deserialize)]
struct Peek {
    #[serde(default)]
    choices: Vec<PeekChoice>,
}

#[derive(Deserialize)]
struct PeekChoice {
    #[serde(default)]
    delta: Option<PeekDelta>,
    /// The older text completions have no delta.
    #[serde(default)]
    text: Said,
}

#[derive(Deserialize)]
struct PeekDelta {
    #[serde(default)]
    content: Said,
    #[serde(default)]
    refusal: Said,
    #[serde(default)]
    tool_calls: Said,
    #[serde(default)]
    function_call: Said,
    #[serde(default)]
    audio: Said,
}

/// Whether a value is something: text that is not empty, a list that is not empty, an object.
#[derive(Default)]
struct Said(bool);

// === impl Said ===

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Something;

        impl<'de> Visitor<'de> for Something {
            type Value = bool;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("text, a list, an object or null")
            }

            fn visit_unit<E>(self) -> Result<bool, E> {
                Ok(false)
            }

            fn visit_str<E>(self, text: &str) -> Result<bool, E> {
                Ok(!text.is_empty())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
                let mut any = false;
                while items.next_element::<IgnoredAny>()?.is_some() {
                    any = true;
                }
                Ok(any)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(true)
            }
        }

        deserializer.deserialize_any(Something).map(Self)
    }
}
