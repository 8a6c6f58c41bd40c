//! Text of other people on its way to a terminal.

use std::fmt::Write as _;

/// Whether a character could change what a terminal shows besides itself: control characters, line separators, and what
/// turns the direction of writing.
pub(crate) fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text in one line, with control characters escaped.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_control(letter) {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

/// JSON on several lines, with control characters escaped: they stand within its strings only, where an escape means the same.
pub(crate) fn plain_json(json: &serde_json::Value) -> String {
    let text = format!("{json:#}");
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter != '\n' && is_control(letter) {
            // All of them are within the basic plane.
            let _ = write!(out, "\\u{:04x}", u32::from(letter));
        } else {
            out.push(letter);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_the_same_without_what_controls() {
        let json = serde_json::json!({"a\u{9b}2J": ["\u{1b}[2J\u{202e}\n\u{7f}", "“ok” 你好"]});
        let shown = plain_json(&json);
        assert!(
            !shown.chars().any(|c| c != '\n' && is_control(c)),
            "{shown}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&shown).unwrap(),
            json
        );
        assert!(shown.contains("你好"), "{shown}");
    }

    #[test]
    fn only_what_controls_is_escaped() {
        for (text, shown) in [
            ("prompt repaired – “ok” 你好", "prompt repaired – “ok” 你好"),
            ("a\nb\tc", "a\\nb\\tc"),
            ("\u{1b}[2J", "\\u{1b}[2J"),
            ("\u{202e}x", "\\u{202e}x"),
            ("\u{9b}2J", "\\u{9b}2J"),
        ] {
            assert_eq!(plain(text), shown);
        }
    }
}
