//! A turn's thinking as its provider wants it back: only blocks that it signed, or that only it can read.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::step::Thought;
use crate::responses::kept_reasoning;

/// The most bytes of one turn's thinking that are kept.
const MOST_THINKING: usize = 4 << 20;

/// The blocks so far, as the contents of `reasoningContent`.
#[derive(Debug, Default)]
pub(super) struct SignedBlocks {
    text: String,
    signature: String,
    redacted: Vec<u8>,
    blocks: Vec<Value>,
    bytes: usize,
}

// === impl SignedBlocks ===

impl SignedBlocks {
    /// Takes a piece of the reasoning.
    pub(super) fn add(&mut self, thought: &Thought) {
        let piece = match thought {
            Thought::Text(text)
            | Thought::Signature(text)
            | Thought::Redacted(text)
            | Thought::Encrypted(text) => text,
            Thought::Summary(_) => return,
            Thought::Done => {
                self.close();
                return;
            }
        };
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.is_too_large() {
            // Half a turn's thinking is worth nothing: the provider would refuse it.
            *self = Self {
                bytes: self.bytes,
                ..Self::default()
            };
            return;
        }
        match thought {
            Thought::Text(text) => self.text.push_str(text),
            Thought::Signature(text) => self.signature.push_str(text),
            Thought::Redacted(text) => self
                .redacted
                .extend(BASE64.decode(text).unwrap_or_default()),
            Thought::Encrypted(text) => self.blocks.push(kept_reasoning(text)),
            Thought::Summary(_) | Thought::Done => {}
        }
    }

    /// The blocks and their size in bytes; they are given once.
    pub(super) fn take(&mut self) -> (Vec<Value>, usize) {
        self.close();
        let taken = std::mem::take(self);
        (taken.blocks, taken.bytes)
    }

    /// Whether there is nothing that could be sent back.
    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.signature.is_empty() && self.redacted.is_empty()
    }

    fn close(&mut self) {
        let text = std::mem::take(&mut self.text);
        let signature = std::mem::take(&mut self.signature);
        let redacted = std::mem::take(&mut self.redacted);
        if self.is_too_large() {
            return;
        }
        if !redacted.is_empty() {
            let content = BASE64.encode(redacted);
            self.blocks.push(json!({ "redactedContent": content }));
        } else if !signature.is_empty() {
            let text = json!({ "text": text, "signature": signature });
            self.blocks.push(json!({ "reasoningText": text }));
        }
    }

    fn is_too_large(&self) -> bool {
        self.bytes > MOST_THINKING
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_provider_takes_back_is_kept() {
        let check = |thoughts: Vec<Thought>, expected: Value| {
            let mut blocks = SignedBlocks::default();
            for thought in &thoughts {
                blocks.add(thought);
            }
            let is_empty = blocks.is_empty();
            let (found, _) = blocks.take();
            assert_eq!(is_empty, found.is_empty());
            assert_eq!(json!(found), expected);
        };
        let text = |text: &str| Thought::Text(text.to_owned());
        let signature = |text: &str| Thought::Signature(text.to_owned());
        let redacted = |text: &str| Thought::Redacted(text.to_owned());
        let signed = json!({"reasoningText": {"text": "ab", "signature": "s"}});
        check(vec![], json!([]));
        check(
            vec![text("a"), text("b"), signature("s"), Thought::Done],
            json!([signed]),
        );
        check(vec![text("a"), text("b"), signature("s")], json!([signed]));
        check(vec![text("unsigned"), Thought::Done], json!([]));
        check(
            vec![
                text("ab"),
                signature("s"),
                Thought::Done,
                redacted("AQI="),
                redacted("Aw=="),
                Thought::Done,
            ],
            json!([signed, {"redactedContent": "AQID"}]),
        );
        let long = "x".repeat(MOST_THINKING);
        check(
            vec![text(&long), text("y"), signature("s"), Thought::Done],
            json!([]),
        );
    }
}
