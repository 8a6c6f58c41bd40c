//! When a stream has said all that it will: callers close it then, often before the connection's own end has come.
//!
//! Reads the first bytes of each line and no JSON, so that a feed costs a search for line feeds. Official clients stop at the end
//! mark `[DONE]`, and at an error in a chunk's place, which they raise; a response ends with one of its last events.

#[cfg(test)]
mod tests;

use memchr::memchr;

use crate::sse::DONE;

/// As much of a line as tells what it is.
const HEAD: usize = 64;

/// The types of the events that end a response.
const LAST: &[&str] = &[
    "response.completed",
    "response.incomplete",
    "response.failed",
    "response.cancelled",
    "error",
];

/// Watches a stream's bytes for its last event.
#[derive(Clone, Debug, Default)]
pub struct StreamEnd {
    /// How the line being read begins.
    head: Vec<u8>,
    /// The event being read is named as a last one.
    is_last: bool,
    is_over: bool,
}

// === impl StreamEnd ===

impl StreamEnd {
    /// Nothing was seen yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the stream's next bytes. True once the last event's data has come, and ever after.
    pub fn feed(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        while !self.is_over {
            let end = memchr(b'\n', rest);
            let line = end.and_then(|end| rest.get(..end)).unwrap_or(rest);
            let room = HEAD.saturating_sub(self.head.len()).min(line.len());
            self.head
                .extend_from_slice(line.get(..room).unwrap_or_default());
            let Some(end) = end else {
                // Nothing follows the end mark, and not everybody waits for the end of its line.
                self.is_over =
                    data(&self.head).is_some_and(|data| data.starts_with(DONE.as_bytes()));
                break;
            };
            self.end_line();
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        self.is_over
    }

    /// Whether all has been said.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    fn end_line(&mut self) {
        let line = self.head.trim_ascii_end();
        if let Some(name) = field(line, b"event:") {
            self.is_last = LAST.iter().any(|last| last.as_bytes() == name);
        } else if let Some(data) = data(line) {
            self.is_over = self.is_last || data.starts_with(DONE.as_bytes()) || ends(data);
        } else if line.is_empty() {
            self.is_last = false;
        }
        self.head.clear();
    }
}

/// Whether data that begins so is a last event: an error in a chunk's place, or an event whose type comes first and says so.
fn ends(data: &[u8]) -> bool {
    let mut tokens = [0_u8; HEAD];
    let mut used = 0;
    // Some writers set spaces between the tokens.
    let dense = data.iter().filter(|byte| !byte.is_ascii_whitespace());
    for (to, byte) in tokens.iter_mut().zip(dense) {
        *to = *byte;
        used += 1;
    }
    let dense = tokens.get(..used).unwrap_or_default();
    if dense.starts_with(br#"{"error":{"#) {
        return true;
    }
    let Some(kind) = dense.strip_prefix(br#"{"type":""#) else {
        return false;
    };
    LAST.iter().any(|last| {
        kind.strip_prefix(last.as_bytes())
            .is_some_and(|after| after.first() == Some(&b'"'))
    })
}

fn data(line: &[u8]) -> Option<&[u8]> {
    field(line, b"data:")
}

/// The value of a field that this line is, without the space that may stand before it.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = line.strip_prefix(name)?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}
