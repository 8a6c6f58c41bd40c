//! Redaction within JSON text: everything but strings and long whole numbers is copied as it stands, so that form, order, white
//! space, double names and numbers stay what they were.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::Session;

/// How deep JSON within strings within JSON is looked at as JSON; deeper, it is looked at as text.
const DEEPEST: usize = 4;
/// Whole numbers of fewer digits than this are kept unseen: no card has so few.
const FEWEST_CARD_DIGITS: usize = 13;

/// Redacted JSON, or `None` if the body is none.
pub(crate) fn redact(body: &[u8], session: &mut Session<'_>) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    let redacted = document(text, session, DEEPEST)?;
    Some(redacted.into_bytes())
}

fn document(text: &str, session: &mut Session<'_>, depth: usize) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // The string before, which is a member's name if a colon alone follows.
    let mut before_it: Option<Cow<'_, str>> = None;
    while let Some(at) = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        let (before, token) = rest.split_at_checked(at)?;
        out.push_str(before);
        let name = before_it.take().filter(|_| before.trim() == ":");
        let length = if token.starts_with('"') {
            let length = string_length(token)?;
            before_it = string(
                token.get(..length)?,
                name.as_deref(),
                session,
                depth,
                &mut out,
            );
            length
        } else {
            let length = number_length(token);
            number(token.get(..length)?, session, &mut out);
            length
        };
        rest = token.get(length..)?;
    }
    out.push_str(rest);
    Some(out)
}

/// Bytes of the string that a text begins with, its quotation marks included.
fn string_length(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn number_length(text: &str) -> usize {
    let of_it = |b: &u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
    text.bytes().take_while(|b| of_it(b)).count().max(1)
}

/// Writes a string, which may be the value of a member of this name; gives back what it says.
fn string<'t>(
    token: &'t str,
    name: Option<&str>,
    session: &mut Session<'_>,
    depth: usize,
    out: &mut String,
) -> Option<Cow<'t, str>> {
    // A lone surrogate is JSON and no text: what is written in its place cannot be looked through, so it goes.
    let Ok(value) = serde_json::from_str::<Cow<'_, str>>(token) else {
        out.push_str("\"[unreadable]\"");
        return None;
    };
    let within = value.trim_start();
    let nested = depth > 0 && (within.starts_with('{') || within.starts_with('['));
    let redacted = nested
        .then(|| document(&value, session, depth - 1))
        .flatten()
        .or_else(|| session.redact_announced(name?, &value))
        .map_or_else(|| session.redact_text(&value), Cow::Owned);
    if redacted == value {
        out.push_str(token);
    } else {
        out.push_str(&serde_json::to_string(&redacted).unwrap_or_else(|_| "\"\"".to_owned()));
    }
    drop(redacted);
    Some(value)
}

/// A number that is, for example, a card's becomes a string.
fn number(token: &str, session: &mut Session<'_>, out: &mut String) {
    let whole = token.len() >= FEWEST_CARD_DIGITS && token.bytes().all(|b| b.is_ascii_digit());
    let redacted = if whole {
        session.redact_text(token)
    } else {
        Cow::Borrowed(token)
    };
    if redacted == token {
        out.push_str(token);
    } else {
        out.push_str(&serde_json::to_string(&redacted).unwrap_or_else(|_| "\"\"".to_owned()));
    }
}
