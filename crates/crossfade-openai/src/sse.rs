//! Server-sent events, as the WHATWG describes reading them: a decoder that does not care where the bytes
//! were cut, and the one form in which Azure writes them.
//!
//! Events carry text; what the text means is not known here. `id:` and `retry:` are read over, because
//! nobody reconnects to an answer.

#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};

/// The data that ends a chat completion's stream.
pub const DONE: &str = "[DONE]";

/// The most bytes one event may have by default. A tool call's arguments in one piece fit easily.
pub const DEFAULT_EVENT_LIMIT: usize = 4 << 20;

/// One dispatched event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The `event:` field, if it was given and not empty.
    pub event: Option<String>,
    /// The `data:` lines, joined by line feeds.
    pub data: String,
}

impl Event {
    /// Whether this is the end mark of a chat completion's stream. Clients accept anything that begins so.
    pub fn is_done(&self) -> bool {
        self.data.starts_with(DONE)
    }
}

/// One event grew over the decoder's limit; nothing after it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an event is larger than {limit} bytes: the stream is no chat completion, or the limit is too low"
)]
pub struct EventTooLarge {
    /// The limit in bytes.
    pub limit: usize,
}

/// How the bytes of a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Between two events.
    Clean,
    /// Within an event, which is not dispatched.
    WithinEvent,
}

/// Turns bytes into events. The same bytes give the same events however they are cut.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// The bytes of the line being read, without its end.
    line: Vec<u8>,
    /// The `data:` lines so far, each followed by a line feed.
    data: String,
    event: String,
    limit: usize,
    too_large: bool,
    /// The last byte was a carriage return: a line feed that follows belongs to it.
    after_return: bool,
    /// No line was read yet, so a byte order mark may stand here.
    at_start: bool,
}

/// Writes one event with this data. A line feed within it becomes a further `data:` line; a carriage return
/// cannot be carried, and does not occur in JSON.
pub fn encode_data(data: &str) -> Bytes {
    let mut buffer = BytesMut::with_capacity(data.len() + 8);
    for line in data.split('\n') {
        buffer.put_slice(b"data: ");
        buffer.put_slice(line.as_bytes());
        buffer.put_u8(b'\n');
    }
    buffer.put_u8(b'\n');
    buffer.freeze()
}

/// Writes one event whose data is known to be one line.
pub(crate) fn encode_line(line: &[u8]) -> Bytes {
    let mut buffer = BytesMut::with_capacity(line.len() + 8);
    buffer.put_slice(b"data: ");
    buffer.put_slice(line);
    buffer.put_slice(b"\n\n");
    buffer.freeze()
}

/// Reads a whole stream: its events, and how it ended.
pub fn decode(bytes: &[u8]) -> (Vec<Event>, Result<End, EventTooLarge>) {
    let mut decoder = Decoder::new();
    let events = decoder.feed(bytes);
    (events, decoder.finish())
}

// === impl Decoder ===

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder with the default limit.
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_EVENT_LIMIT)
    }

    /// A decoder that gives up when the bytes kept of one event are more than `limit`.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            data: String::new(),
            event: String::new(),
            limit,
            too_large: false,
            after_return: false,
            at_start: true,
        }
    }

    /// The events that these bytes complete. After [`Self::error`] it gives none.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() && !self.too_large {
            if std::mem::take(&mut self.after_return)
                && let Some(after) = rest.strip_prefix(b"\n")
            {
                rest = after;
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.extend_line(rest);
                break;
            };
            let (line, tail) = rest.split_at(end);
            self.extend_line(line);
            self.after_return = tail.first() == Some(&b'\r');
            rest = tail.get(1..).unwrap_or_default();
            if !self.too_large {
                events.extend(self.end_line());
            }
        }
        events
    }

    /// Why nothing more is read, if an event grew over the limit.
    pub fn error(&self) -> Option<EventTooLarge> {
        self.too_large
            .then_some(EventTooLarge { limit: self.limit })
    }

    /// How the stream ended, when no more bytes come. An event without the blank line after it is dropped.
    pub fn finish(self) -> Result<End, EventTooLarge> {
        if let Some(error) = self.error() {
            return Err(error);
        }
        let pending = !self.line.is_empty() || !self.data.is_empty() || !self.event.is_empty();
        Ok(if pending {
            End::WithinEvent
        } else {
            End::Clean
        })
    }

    fn extend_line(&mut self, bytes: &[u8]) {
        // Checked before copying, so that no more than the limit is ever held. The sum only grows until the
        // event ends: where the bytes were cut does not matter.
        let held = self.line.len() + self.data.len() + self.event.len();
        if bytes.len() > self.limit.saturating_sub(held) {
            self.too_large = true;
            self.line = Vec::new();
            self.data = String::new();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let event = self.read_line(&bytes);
        // The buffer is kept for the next line.
        self.line = bytes;
        self.line.clear();
        event
    }

    fn read_line(&mut self, bytes: &[u8]) -> Option<Event> {
        let bytes = if std::mem::take(&mut self.at_start) {
            bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
        } else {
            bytes
        };
        if bytes.is_empty() {
            return self.dispatch();
        }
        let (name, value) = match bytes.iter().position(|byte| *byte == b':') {
            Some(colon) => {
                let (name, value) = bytes.split_at(colon);
                let value = value.get(1..).unwrap_or_default();
                (name, value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (bytes, &[][..]),
        };
        match name {
            b"data" => {
                self.data.push_str(&String::from_utf8_lossy(value));
                self.data.push('\n');
            }
            b"event" => self.event = String::from_utf8_lossy(value).into_owned(),
            // Comments, whose name is empty, and fields that mean nothing here.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let event = std::mem::take(&mut self.event);
        let mut data = std::mem::take(&mut self.data);
        // Each line put one line feed at its end: without any, there was no data line.
        data.pop()?;
        Some(Event {
            event: Some(event).filter(|name| !name.is_empty()),
            data,
        })
    }
}
