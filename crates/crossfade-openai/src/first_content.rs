//! When the first content of a stream has passed: the moment that latency is measured at.
//!
//! Reads a chat completion's or a response's events only until then; afterwards a feed costs a comparison. The role, the
//! filter's words and reasoning are no content; text, a refusal, a call or sound is.

#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use serde_json::Value;

use crate::sse::Decoder;

/// What comes before the first content is short. A longer event cannot be held, and is taken as content.
const LIMIT: usize = 1 << 20;

/// Watches a stream's bytes for the first content.
#[derive(Clone, Debug)]
pub struct FirstContent {
    /// Dropped once the content was seen.
    decoder: Option<Decoder>,
    failed: bool,
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
            failed: false,
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
        } else {
            self.failed |= events.iter().any(|event| fails(&event.data));
        }
        seen
    }

    /// Whether the stream said, before any content, that there will be none: an error other than a filter's, which is an answer.
    pub fn failed(&self) -> bool {
        self.failed && !self.seen()
    }

    /// Whether it has been seen.
    pub fn seen(&self) -> bool {
        self.decoder.is_none()
    }
}

/// Whether an event's data has content. Data that is neither a chunk nor a response's event shows none.
fn shows(data: &str) -> bool {
    serde_json::from_str::<Peek>(data).is_ok_and(|event| {
        if let Some(kind) = &event.kind {
            return shows_of_response(kind, &event);
        }
        event.choices.iter().any(|choice| {
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

/// Whether an event's data says that the answer failed, in either wire's form. The code stands in the error, or beside it.
fn fails(data: &str) -> bool {
    let Ok(event) = serde_json::from_str::<Failure>(data) else {
        return false;
    };
    let of_response = event.response.and_then(|response| response.error);
    let error = event.error.or(of_response);
    let says_so = matches!(event.kind.as_deref(), Some("error" | "response.failed"));
    let code = error.as_ref().and_then(|error| error.code.as_ref());
    let code = code.or(event.code.as_ref()).and_then(Value::as_str);
    (says_so || (event.kind.is_none() && error.is_some())) && code != Some("content_filter")
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    code: Option<Value>,
    #[serde(default)]
    error: Option<FailureError>,
    #[serde(default)]
    response: Option<FailedResponse>,
}

#[derive(Deserialize)]
struct FailedResponse {
    #[serde(default)]
    error: Option<FailureError>,
}

#[derive(Deserialize)]
struct FailureError {
    #[serde(default)]
    code: Option<Value>,
}

/// Whether an event of the Responses API has content. As in chat, a call shows with its name.
fn shows_of_response(kind: &str, event: &Peek<'_>) -> bool {
    match kind {
        "response.output_text.delta"
        | "response.refusal.delta"
        | "response.function_call_arguments.delta"
        | "response.custom_tool_call_input.delta"
        | "response.audio.delta"
        | "response.audio.transcript.delta" => event.delta.0,
        "response.output_item.added" => event.item.as_ref().is_some_and(|item| {
            matches!(
                item.kind.as_deref(),
                Some("function_call" | "custom_tool_call")
            )
        }),
        _ => false,
    }
}

#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(default)]
    choices: Vec<PeekChoice>,
    /// A response's event has a type, a chunk has none.
    #[serde(default, rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    delta: Said,
    #[serde(default, borrow)]
    item: Option<PeekItem<'a>>,
}

#[derive(Deserialize)]
struct PeekItem<'a> {
    #[serde(default, rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
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
