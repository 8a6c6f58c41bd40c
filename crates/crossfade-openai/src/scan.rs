//! One shallow pass over a request's body for what routing needs.
//!
//! Nothing is judged, and nothing of the body is copied but two short strings. A field of the wrong type
//! counts as missing: the primary will say so. Of a key that stands there twice the last one counts, as it does
//! for the primary. Works for chat completions, and for the Responses API as far as its fields mean the same.

mod lenient;

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use lenient::{Items, Key, Object, ReadField, Scalar};

/// What a body says to whoever routes it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each one is a flag of the wire"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// `model`: the deployment on v1 paths.
    pub model: Option<String>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the stream is to end with its usage.
    pub include_usage: bool,
    /// Whether JSON is asked for.
    pub json: JsonMode,
    /// Whether there are tools, or functions in the older form.
    pub tools: bool,
    /// How many answers, if it is said.
    pub n: Option<u64>,
    /// The most tokens to generate, by whichever of its names.
    pub max_output_tokens: Option<u64>,
    /// The end user, by the newer name or the older.
    pub user: Option<String>,
    /// Whether it names something that only the primary holds: an earlier response, a conversation or a prompt.
    pub previous_response: bool,
    /// Whether the response is to be made in the background, and fetched from the primary later.
    pub background: bool,
    /// Whether the provider keeps the answer, if it is said. The Responses API keeps it by default.
    pub store: Option<bool>,
    /// Where in the body the conversation begins: the leading instructions, then the first user message, each a
    /// range of bytes. They stay the same from turn to turn.
    pub conversation: Vec<Range<usize>>,
}

/// Whether JSON is asked for, and how strictly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum JsonMode {
    /// Text, or nothing said.
    #[default]
    None,
    /// Some JSON object.
    Object,
    /// JSON that follows a schema.
    Schema,
}

/// A body that cannot be looked at. Says where, and never what the caller wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Not JSON.
    #[error("the body is not valid json: see line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// JSON, and not an object.
    #[error("the body is not a json object: send the request's fields in one object")]
    NotAnObject,
}

/// Looks at a body.
pub fn scan(body: &[u8]) -> Result<Scan, ScanError> {
    let mut fields = Top {
        body,
        ..Top::default()
    };
    let mut json = serde_json::Deserializer::from_slice(body);
    let is_object = Object(&mut fields)
        .deserialize(&mut json)
        .and_then(|is_object| json.end().map(|()| is_object))
        .map_err(|error| ScanError::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
    if is_object {
        Ok(fields.into_scan())
    } else {
        Err(ScanError::NotAnObject)
    }
}

/// The body's own fields as they pass, each by its last occurrence.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each one is a flag of the wire"
)]
#[derive(Default)]
struct Top<'de> {
    body: &'de [u8],
    scan: Scan,
    max_completion_tokens: Option<u64>,
    max_tokens: Option<u64>,
    safety_identifier: Option<String>,
    tools: bool,
    functions: bool,
    response_id: bool,
    stored_conversation: bool,
    stored_prompt: bool,
    instructions: Option<Range<usize>>,
    messages: Vec<Range<usize>>,
    input: Vec<Range<usize>>,
}

/// `stream_options`.
#[derive(Default)]
struct StreamOptions {
    include_usage: bool,
}

/// `response_format`, and the Responses API's `text` around its `format`.
#[derive(Default)]
struct Format {
    mode: JsonMode,
}

/// What one message or item says of who speaks.
#[derive(Default)]
struct Speaker {
    role: Role,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Role {
    Instructions,
    User,
    #[default]
    Other,
}

/// Reads messages up to the first one of the user, and skips the others.
struct Opening<'de> {
    body: &'de [u8],
}

// === impl Top ===

impl<'de> ReadField<'de> for Top<'de> {
    fn read<A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
        match key {
            Key::Model => self.scan.model = map.next_value::<Scalar>()?.text(),
            Key::Stream => self.scan.stream = map.next_value::<Scalar>()?.is_true(),
            Key::StreamOptions => {
                let mut options = StreamOptions::default();
                map.next_value_seed(Object(&mut options))?;
                self.scan.include_usage = options.include_usage;
            }
            Key::ResponseFormat | Key::Text => {
                let mut format = Format::default();
                map.next_value_seed(Object(&mut format))?;
                self.scan.json = format.mode;
            }
            Key::Tools => self.tools = map.next_value::<Items>()?.any(),
            Key::Functions => self.functions = map.next_value::<Items>()?.any(),
            Key::N => self.scan.n = map.next_value::<Scalar>()?.number(),
            Key::MaxCompletionTokens | Key::MaxOutputTokens => {
                self.max_completion_tokens = map.next_value::<Scalar>()?.number();
            }
            Key::MaxTokens => self.max_tokens = map.next_value::<Scalar>()?.number(),
            Key::User => self.scan.user = map.next_value::<Scalar>()?.text(),
            Key::SafetyIdentifier => self.safety_identifier = map.next_value::<Scalar>()?.text(),
            Key::PreviousResponseId => self.response_id = !map.next_value::<Scalar>()?.is_null(),
            Key::Conversation => {
                self.stored_conversation = !map.next_value::<Scalar>()?.is_null();
            }
            // A stored prompt is an object; the text of an older completion is not.
            Key::Prompt => {
                self.stored_prompt = matches!(map.next_value::<Scalar>()?, Scalar::Object);
            }
            Key::Background => self.scan.background = map.next_value::<Scalar>()?.is_true(),
            Key::Store => self.scan.store = map.next_value::<Scalar>()?.boolean(),
            Key::Instructions => {
                let raw = map.next_value::<&RawValue>()?;
                self.instructions = Some(raw)
                    .filter(|raw| raw.get() != "null")
                    .and_then(|raw| range(self.body, raw));
            }
            Key::Messages => {
                self.messages = map.next_value_seed(Opening { body: self.body })?;
            }
            Key::Input => self.input = input(self.body, map.next_value()?),
            Key::IncludeUsage | Key::Type | Key::Format | Key::Role | Key::Other => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl Top<'_> {
    fn into_scan(self) -> Scan {
        let conversation = if self.messages.is_empty() {
            self.instructions.into_iter().chain(self.input).collect()
        } else {
            self.messages
        };
        Scan {
            tools: self.tools || self.functions,
            max_output_tokens: self.max_completion_tokens.or(self.max_tokens),
            user: self.safety_identifier.or(self.scan.user),
            previous_response: self.response_id || self.stored_conversation || self.stored_prompt,
            conversation,
            ..self.scan
        }
    }
}

/// The Responses API's `input`: one user's text, or items. An embedding's input has no speakers and gives nothing
/// but its text.
fn input(body: &[u8], raw: &RawValue) -> Vec<Range<usize>> {
    if raw.get().starts_with('"') {
        return range(body, raw).into_iter().collect();
    }
    let mut json = serde_json::Deserializer::from_str(raw.get());
    Opening { body }.deserialize(&mut json).unwrap_or_default()
}

/// Where a borrowed part of the body stands in it.
fn range(body: &[u8], part: &RawValue) -> Option<Range<usize>> {
    let start = part
        .get()
        .as_ptr()
        .addr()
        .checked_sub(body.as_ptr().addr())?;
    let end = start.checked_add(part.get().len())?;
    (end <= body.len()).then_some(start..end)
}

// === impl StreamOptions ===

impl<'de> ReadField<'de> for StreamOptions {
    fn read<A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
        if key == Key::IncludeUsage {
            self.include_usage = map.next_value::<Scalar>()?.is_true();
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

// === impl Format ===

impl<'de> ReadField<'de> for Format {
    fn read<A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
        if key == Key::Type {
            self.mode = match map.next_value::<Scalar>()?.as_text() {
                Some("json_object") => JsonMode::Object,
                Some("json_schema") => JsonMode::Schema,
                Some(_) | None => JsonMode::None,
            };
        } else if key == Key::Format {
            let mut format = Self::default();
            map.next_value_seed(Object(&mut format))?;
            self.mode = format.mode;
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

// === impl Speaker ===

impl<'de> ReadField<'de> for Speaker {
    fn read<A: MapAccess<'de>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
        if key == Key::Role {
            self.role = match map.next_value::<Scalar>()?.as_text() {
                Some("user") => Role::User,
                Some("system" | "developer") => Role::Instructions,
                Some(_) | None => Role::Other,
            };
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

impl Speaker {
    fn of(message: &RawValue) -> Role {
        let mut speaker = Self::default();
        let mut json = serde_json::Deserializer::from_str(message.get());
        match Object(&mut speaker).deserialize(&mut json) {
            Ok(_) => speaker.role,
            Err(_) => Role::Other,
        }
    }
}

// === impl Opening ===

impl<'de> DeserializeSeed<'de> for Opening<'de> {
    type Value = Vec<Range<usize>>;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Opening<'de> {
    type Value = Vec<Range<usize>>;

    lenient::nothing_else!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut ranges = Vec::new();
        let mut leading = true;
        while let Some(message) = items.next_element::<&RawValue>()? {
            // Numbers and strings are an embedding's input: nobody speaks.
            if !message.get().starts_with('{') {
                break;
            }
            match Speaker::of(message) {
                Role::Instructions if leading => ranges.extend(range(self.body, message)),
                Role::Instructions => {}
                Role::User => {
                    ranges.extend(range(self.body, message));
                    break;
                }
                Role::Other => leading = false,
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(ranges)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        lenient::skip_map(&mut map)?;
        Ok(Vec::new())
    }
}
