//! Reasoning that stands within an answer's text: `<reasoning>…</reasoning>` before the text itself, once or again and
//! again, cut anywhere. Once the text has begun, the same words are the model's own, and stay.

const OPEN: &str = "<reasoning>";
const CLOSE: &str = "</reasoning>";

/// What a piece of text turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The answer.
    Text(String),
    /// Reasoning.
    Hidden(String),
}

/// Where the text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Before it: a tag may still come.
    #[default]
    Before,
    /// Within reasoning.
    Within,
    /// In it.
    Text,
}

/// Tells reasoning from text. Holds back less than a tag and white space before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags {
    at: At,
    held: String,
    /// Some reasoning was taken out.
    pub(super) found: bool,
}

// === impl Tags ===

impl Tags {
    /// Takes more; gives what is certain.
    pub(super) fn feed(&mut self, text: &str) -> Vec<Piece> {
        if self.at == At::Text {
            return vec![Piece::Text(text.to_owned())];
        }
        self.held.push_str(text);
        let mut pieces = Vec::new();
        while self.step(&mut pieces) {}
        pieces
    }

    /// No more comes: what was held back is what it looks like. White space after reasoning is nothing.
    pub(super) fn finish(&mut self) -> Option<Piece> {
        let held = std::mem::take(&mut self.held);
        match self.at {
            At::Within => Some(Piece::Hidden(held)),
            At::Before if self.found && held.trim().is_empty() => None,
            At::Before | At::Text => Some(Piece::Text(held)),
        }
        .filter(|piece| match piece {
            Piece::Text(text) | Piece::Hidden(text) => !text.is_empty(),
        })
    }

    /// One step through what is held; `false` if more must come first.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> bool {
        match self.at {
            At::Text => {
                let held = std::mem::take(&mut self.held);
                if !held.is_empty() {
                    pieces.push(Piece::Text(held));
                }
                false
            }
            At::Before => {
                let seen = self.held.trim_start();
                if let Some(rest) = seen.strip_prefix(OPEN) {
                    self.held = rest.to_owned();
                    self.at = At::Within;
                    self.found = true;
                    return true;
                }
                if OPEN.starts_with(seen) {
                    return false;
                }
                self.at = At::Text;
                true
            }
            At::Within => {
                if let Some((hidden, rest)) = self.held.split_once(CLOSE) {
                    push_hidden(hidden, pieces);
                    self.held = rest.to_owned();
                    self.at = At::Before;
                    return true;
                }
                let kept = begun(&self.held);
                let ready = self.held.len() - kept;
                let (hidden, rest) = self.held.split_at(ready);
                push_hidden(hidden, pieces);
                self.held = rest.to_owned();
                false
            }
        }
    }
}

fn push_hidden(text: &str, pieces: &mut Vec<Piece>) {
    if !text.is_empty() {
        pieces.push(Piece::Hidden(text.to_owned()));
    }
}

/// How many bytes at the end may be the beginning of the closing tag.
fn begun(text: &str) -> usize {
    (1..CLOSE.len())
        .rev()
        .find(|length| {
            CLOSE
                .get(..*length)
                .is_some_and(|start| text.ends_with(start))
        })
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The answer and the reasoning, however many pieces each came in.
    fn told(parts: &[&str]) -> (String, String) {
        let mut tags = Tags::default();
        let mut pieces: Vec<Piece> = parts.iter().flat_map(|part| tags.feed(part)).collect();
        pieces.extend(tags.finish());
        let mut told = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Piece::Text(text) => told.0.push_str(&text),
                Piece::Hidden(text) => told.1.push_str(&text),
            }
        }
        told
    }

    fn check(parts: &[&str], text: &str, hidden: &str) {
        assert_eq!(
            told(parts),
            (text.to_owned(), hidden.to_owned()),
            "{parts:?}"
        );
    }

    #[test]
    fn reasoning_before_the_text_is_taken_out_edge_40() {
        check(&["<reasoning>hm</reasoning>Hello"], "Hello", "hm");
        check(
            &["<rea", "soning>h", "m</reas", "oning>He", "llo"],
            "Hello",
            "hm",
        );
        check(
            &["<reasoning>a</reasoning>", "<reasoning>b</reasoning>", "Hi"],
            "Hi",
            "ab",
        );
        check(&["\n<reasoning>a</reasoning>\n\n", "Hi"], "\n\nHi", "a");
        check(&["<reasoning>a < b </ c"], "", "a < b </ c");
        check(&["<reasoning></reasoning>"], "", "");
        check(&["<reasoning>a</reasoning>\n"], "", "a");
    }

    #[test]
    fn text_that_only_looks_so_stays() {
        check(&["Hello"], "Hello", "");
        check(&["<reas"], "<reas", "");
        check(&["<reason>x"], "<reason>x", "");
        check(&["  "], "  ", "");
        check(
            &["Write <reasoning>", "x</reasoning>"],
            "Write <reasoning>x</reasoning>",
            "",
        );
        check(
            &["<reasoning>a</reasoning>é<reasoning>b</reasoning>"],
            "é<reasoning>b</reasoning>",
            "a",
        );
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(
            text in "(<reasoning>[a<é/ ]{0,6}(</reasoning>)?|[ \n]|<reas|b){0,6}",
            cuts in proptest::collection::vec(0usize..80, 0..6),
        ) {
            let mut parts = Vec::new();
            let mut rest = text.as_str();
            for cut in cuts {
                let cut = (0..=cut.min(rest.len())).rev().find(|at| rest.is_char_boundary(*at)).unwrap_or(0);
                let (part, tail) = rest.split_at(cut);
                parts.push(part);
                rest = tail;
            }
            parts.push(rest);
            prop_assert_eq!(told(&parts), told(&[&text]));
        }
    }
}
