//! One exchange's redaction: numbers for values, texts, and bodies by their type.

use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

use crate::{Redactor, forms, json};

/// Values that get numbers in one exchange; further ones get a tag without.
const MOST_NUMBERS: usize = 10_000;
/// Bytes that a secret has at least, where a name announces it.
const SHORTEST_SECRET: usize = 8;
/// A text of so many bytes or more, all of them of base64, is no text.
const LONG_BASE64: usize = 512;

/// One exchange: equal values get equal numbers in all texts that are redacted by it.
#[derive(Debug)]
pub struct Session<'r> {
    redactor: &'r Redactor,
    /// By detector and by value, without regard to case and separators: a hash, so that no value is held.
    numbers: HashMap<(usize, u64), usize>,
    /// The numbers given, by detector.
    given: Vec<usize>,
}

// === impl Session ===

impl<'r> Session<'r> {
    pub(crate) fn new(redactor: &'r Redactor) -> Self {
        Self {
            redactor,
            numbers: HashMap::new(),
            given: vec![0; redactor.detectors.len()],
        }
    }

    /// A text without what was detected in it.
    pub fn redact_text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if let Some(described) = describe_base64(text) {
            return Cow::Owned(described);
        }
        let shortened = without_data_urls(text);
        match self.without_values(&shortened) {
            Some(redacted) => Cow::Owned(redacted),
            None => shortened,
        }
    }

    /// What stands in place of a member's value that its name announces as a secret; `None` if the name does not, or the value is
    /// none.
    pub(crate) fn redact_announced(&mut self, name: &str, value: &str) -> Option<String> {
        let (detector, announcer) = self.redactor.announced.as_ref()?;
        let whole = value.trim();
        let fits = whole.len() >= SHORTEST_SECRET && announcer.is_match(name);
        forms::secret(whole, 0..whole.len()).filter(|_| fits)?;
        Some(self.tag(*detector, whole))
    }

    /// A body without what was detected in it. JSON keeps its form, its order, its white space and its numbers; plain text
    /// is redacted as a whole; of a stream of events, which may cut a value in two, and of everything else only the size is
    /// kept. Whoever has a stream puts it together first.
    pub fn redact_body(&mut self, body: &[u8], content_type: Option<&str>) -> Vec<u8> {
        if body.is_empty() {
            return Vec::new();
        }
        let essence = content_type.unwrap_or_default().split(';').next();
        let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
        if essence == "text/event-stream" {
            return described("event stream", body.len()).into_bytes();
        }
        if let Some(redacted) = json::redact(body, self) {
            return redacted;
        }
        match std::str::from_utf8(body) {
            Ok(text) if essence.is_empty() || essence.starts_with("text/") || is_json(&essence) => {
                self.redact_text(text).into_owned().into_bytes()
            }
            Ok(_) | Err(_) => described("body", body.len()).into_bytes(),
        }
    }

    /// `None` if nothing was detected.
    fn without_values(&mut self, text: &str) -> Option<String> {
        let redactor = self.redactor;
        // (where, detector), without overlaps: an earlier detector's find stands.
        let mut found: Vec<(Range<usize>, usize)> = Vec::new();
        for (detector, compiled) in redactor.detectors.iter().enumerate() {
            let mut fresh = compiled.find(text);
            fresh.retain(|at| is_free(&found, at));
            if !fresh.is_empty() {
                found.extend(fresh.into_iter().map(|at| (at, detector)));
                found.sort_by_key(|(at, _)| at.start);
            }
        }
        if found.is_empty() {
            return None;
        }
        let mut redacted = String::with_capacity(text.len());
        let mut end = 0;
        for (at, detector) in found {
            redacted.push_str(text.get(end..at.start).unwrap_or_default());
            let value = text.get(at.clone()).unwrap_or_default();
            redacted.push_str(&self.tag(detector, value));
            end = at.end;
        }
        redacted.push_str(text.get(end..).unwrap_or_default());
        Some(redacted)
    }

    fn tag(&mut self, detector: usize, value: &str) -> String {
        let name = self
            .redactor
            .detectors
            .get(detector)
            .map_or("", |compiled| compiled.name());
        match self.number(detector, value) {
            Some(number) => format!("[{name}-{number}]"),
            None => format!("[{name}]"),
        }
    }

    fn number(&mut self, detector: usize, value: &str) -> Option<usize> {
        if !self.redactor.numbered {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        for c in value.chars().filter(|c| !matches!(c, ' ' | '-')) {
            c.to_ascii_lowercase().hash(&mut hasher);
        }
        let key = (detector, hasher.finish());
        if let Some(number) = self.numbers.get(&key) {
            return Some(*number);
        }
        if self.numbers.len() >= MOST_NUMBERS {
            return None;
        }
        let given = self.given.get_mut(detector)?;
        *given += 1;
        self.numbers.insert(key, *given);
        Some(*given)
    }
}

/// Whether nothing of a range was found before. `found` is in order and without overlaps.
fn is_free(found: &[(Range<usize>, usize)], at: &Range<usize>) -> bool {
    let next = found.partition_point(|(other, _)| other.end <= at.start);
    found
        .get(next)
        .is_none_or(|(other, _)| other.start >= at.end)
}

fn is_json(essence: &str) -> bool {
    essence.ends_with("/json") || essence.ends_with("+json")
}

fn described(what: &str, bytes: usize) -> String {
    format!("[{what}: {bytes} bytes]")
}

/// What a text stands for that is one long run of base64.
fn describe_base64(text: &str) -> Option<String> {
    let of_it = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=');
    let breaks = |b: u8| b == b'\r' || b == b'\n';
    let long = text.len() >= LONG_BASE64 && text.bytes().all(|b| of_it(b) || breaks(b));
    // A run of one letter or of digits is not what encoded bytes look like.
    let mixed = text.bytes().any(|b| b.is_ascii_uppercase())
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && text.bytes().any(|b| b.is_ascii_digit());
    (long && mixed).then(|| described("base64", decoded_length(text.len())))
}

/// Replaces `data:TYPE;base64,…` by its type and size.
fn without_data_urls(text: &str) -> Cow<'_, str> {
    const MARK: &str = ";base64,";
    if !text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(4096));
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(MARK) {
        let length = after
            .bytes()
            .take_while(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=')
            })
            .count();
        // The longest media types that are registered have about a hundred bytes.
        let from = before.len().saturating_sub(128);
        let from = (from..=before.len()).find(|at| before.is_char_boundary(*at));
        let scheme = from.and_then(|from| Some(from + before.get(from..)?.rfind("data:")?));
        let (kept, kind) = match scheme.and_then(|at| before.split_at_checked(at)) {
            Some((kept, kind)) => (kept, kind.trim_start_matches("data:")),
            None => (before, "base64"),
        };
        let media = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '+' | '-');
        let kind = if kind.chars().all(media) {
            kind
        } else {
            "data"
        };
        out.push_str(kept);
        out.push_str(&described(kind, decoded_length(length)));
        rest = after.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

const fn decoded_length(base64: usize) -> usize {
    base64 / 4 * 3
}
