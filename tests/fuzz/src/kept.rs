//! Whatever is to be kept is redacted without a panic: what was put in to be found is not there any more, and JSON stays
//! JSON of the same form.

use std::sync::OnceLock;

use arbitrary::{Result, Unstructured};
use crossfade_redact::{RedactSettings, Redactor};
use serde_json::Value;

use crate::make;

/// Stands between spaces in what is redacted, and must not stand in what comes out.
const SECRETS: &[&str] = &[
    "somebody@example.com",
    "GB33BUKB20201555555555",
    "4111 1111 1111 1111",
    "AKIAIOSFODNN7EXAMPLE",
];

/// Redacts texts and bodies that are made of the bytes.
pub fn kept(input: &[u8]) {
    let mut bytes = Unstructured::new(input);
    if play(&mut bytes).is_err() {
        // Too few bytes.
    }
}

fn redactor() -> &'static Redactor {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    REDACTOR.get_or_init(|| match Redactor::new(&RedactSettings::default()) {
        Ok(redactor) => redactor,
        Err(error) => panic!("the settings by default: {error}"),
    })
}

fn play(bytes: &mut Unstructured<'_>) -> Result<()> {
    let secret = make::pick(bytes, SECRETS)?;
    let mut session = redactor().session();
    let text = format!("{} {secret} {}", make::text(bytes)?, make::text(bytes)?);
    let redacted = session.redact_text(&text);
    assert!(!redacted.contains(secret), "{secret} stays in {redacted:?}");
    let body = make::chat(bytes)?;
    let mut hidden = body.clone();
    hidden["note"] = text.into();
    let redacted = session.redact_body(hidden.to_string().as_bytes(), Some("application/json"));
    let read: Value = match serde_json::from_slice(&redacted) {
        Ok(read) => read,
        Err(error) => panic!("JSON comes out as something else: {error}"),
    };
    assert!(same_form(&hidden, &read), "{hidden} comes out as {read}");
    assert!(
        !String::from_utf8_lossy(&redacted).contains(secret),
        "{secret} stays"
    );
    let kind = make::pick(
        bytes,
        &[
            "application/json",
            "text/plain",
            "text/event-stream",
            "",
            "image/png",
        ],
    )?;
    let any: Vec<u8> = bytes.arbitrary()?;
    drop(session.redact_body(&any, Some(kind)));
    Ok(())
}

/// Whether two values differ only in their strings, and in numbers that were taken out.
fn same_form(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(b, a)| same_form(b, a))
        }
        (Value::Object(before), Value::Object(after)) => {
            before.len() == after.len()
                && before
                    .values()
                    .zip(after.values())
                    .all(|(b, a)| same_form(b, a))
        }
        // A number may be a card's.
        (Value::String(_) | Value::Number(_), Value::String(_)) => true,
        (before, after) => before == after,
    }
}
