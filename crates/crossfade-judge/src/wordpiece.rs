//! Texts into tokens as BERT does it: cleaned, cut at white space and punctuation, and each word into the longest pieces that the
//! vocabulary knows. Read from a `tokenizer.json` of this kind; other kinds are refused by name.
//!
//! Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers", 2019, and the code published with it
//! (`tokenization.py`: `BasicTokenizer`, `WordpieceTokenizer`), whose rules the file's fields switch.

use std::collections::HashMap;

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_properties::{CodePointMapData, props::GeneralCategory};
use serde::Deserialize;

use crate::static_model::ModelError;

/// A tokenizer.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the switches of the file's normaliser"
)]
pub(crate) struct WordPiece {
    vocabulary: HashMap<String, u32>,
    prefix: String,
    longest_word: usize,
    clean: bool,
    chinese: bool,
    strip_accents: bool,
    lowercase: bool,
}

#[derive(Deserialize)]
struct File {
    model: Model,
    normalizer: Option<Normalizer>,
    pre_tokenizer: Option<Kind>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    vocab: serde_json::Value,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    max_input_chars_per_word: Option<usize>,
}

#[derive(Deserialize)]
struct Normalizer {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default = "yes")]
    clean_text: bool,
    #[serde(default = "yes")]
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    #[serde(default = "yes")]
    lowercase: bool,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type", default)]
    kind: String,
}

const fn yes() -> bool {
    true
}

// === impl WordPiece ===

impl WordPiece {
    /// From the text of a `tokenizer.json`.
    pub(crate) fn read(json: &[u8]) -> Result<Self, ModelError> {
        let file: File = serde_json::from_slice(json).map_err(ModelError::Tokenizer)?;
        let refuse = |part: &'static str, kind: &str| {
            let kind = kind.to_owned();
            Err(ModelError::Kind { part, kind })
        };
        if file.model.kind != "WordPiece" {
            return refuse("model", &file.model.kind);
        }
        let normalizer = match file.normalizer {
            Some(normalizer) if normalizer.kind == "BertNormalizer" => normalizer,
            other => return refuse("normalizer", &other.map(|n| n.kind).unwrap_or_default()),
        };
        match file.pre_tokenizer {
            Some(pre) if pre.kind == "BertPreTokenizer" => {}
            other => return refuse("pre_tokenizer", &other.map(|n| n.kind).unwrap_or_default()),
        }
        Ok(Self {
            vocabulary: serde_json::from_value(file.model.vocab).map_err(ModelError::Tokenizer)?,
            prefix: file
                .model
                .continuing_subword_prefix
                .unwrap_or_else(|| "##".to_owned()),
            longest_word: file.model.max_input_chars_per_word.unwrap_or(100),
            clean: normalizer.clean_text,
            chinese: normalizer.handle_chinese_chars,
            strip_accents: normalizer.strip_accents.unwrap_or(normalizer.lowercase),
            lowercase: normalizer.lowercase,
        })
    }

    /// The largest id of the vocabulary.
    pub(crate) fn largest(&self) -> Option<u32> {
        self.vocabulary.values().copied().max()
    }

    /// The ids of a text's pieces, at most `most`; words that the vocabulary does not know are left out.
    pub(crate) fn encode(&self, text: &str, most: usize) -> Vec<u32> {
        let text = self.normalise(text);
        let mut ids = Vec::new();
        for word in words(&text) {
            self.pieces(word, &mut ids);
            if ids.len() >= most {
                ids.truncate(most);
                break;
            }
        }
        ids
    }

    fn normalise(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            if self.clean && (c == '\u{0}' || c == '\u{fffd}' || is_control(c)) {
                continue;
            }
            if self.clean && c.is_whitespace() {
                out.push(' ');
            } else if self.chinese && is_chinese(c) {
                out.extend([' ', c, ' ']);
            } else {
                out.push(c);
            }
        }
        if self.strip_accents {
            let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&out);
            let accent = |c: char| category(c) == GeneralCategory::NonspacingMark;
            out = decomposed.chars().filter(|c| !accent(*c)).collect();
        }
        if self.lowercase {
            out = out.to_lowercase();
        }
        out
    }

    /// The longest piece that is known, then the longest of the rest, and so on; nothing if there is none at some place.
    fn pieces(&self, word: &str, ids: &mut Vec<u32>) {
        let ends: Vec<usize> = word
            .char_indices()
            .map(|(at, c)| at + c.len_utf8())
            .collect();
        if ends.len() > self.longest_word {
            return;
        }
        let (before, mut start) = (ids.len(), 0);
        let mut piece = String::new();
        while start < word.len() {
            let known = ends
                .iter()
                .rev()
                .take_while(|end| **end > start)
                .find_map(|end| {
                    piece.clear();
                    if start > 0 {
                        piece.push_str(&self.prefix);
                    }
                    piece.push_str(word.get(start..*end)?);
                    Some((*end, *self.vocabulary.get(&piece)?))
                });
            let Some((end, id)) = known else {
                ids.truncate(before);
                return;
            };
            ids.push(id);
            start = end;
        }
    }
}

/// Words between white space; each mark of punctuation is one of its own.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().flat_map(|run| {
        run.split_inclusive(is_punctuation).flat_map(|part| {
            let mark = part.chars().next_back().filter(|c| is_punctuation(*c));
            let split = part.len() - mark.map_or(0, char::len_utf8);
            let (word, mark) = part.split_at_checked(split).unwrap_or((part, ""));
            [word, mark].into_iter().filter(|piece| !piece.is_empty())
        })
    })
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

fn is_control(c: char) -> bool {
    !matches!(c, '\t' | '\n' | '\r')
        && matches!(
            category(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
                | GeneralCategory::Surrogate
        )
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(
            category(c),
            GeneralCategory::ConnectorPunctuation
                | GeneralCategory::DashPunctuation
                | GeneralCategory::OpenPunctuation
                | GeneralCategory::ClosePunctuation
                | GeneralCategory::InitialPunctuation
                | GeneralCategory::FinalPunctuation
                | GeneralCategory::OtherPunctuation
        )
}

/// The blocks of ideographs, in which every character is a word.
const fn is_chinese(c: char) -> bool {
    matches!(
        c as u32,
        0x4e00..=0x9fff
            | 0x3400..=0x4dbf
            | 0x2_0000..=0x2_a6df
            | 0x2_a700..=0x2_b73f
            | 0x2_b740..=0x2_b81f
            | 0x2_b920..=0x2_ceaf
            | 0xf900..=0xfaff
            | 0x2_f800..=0x2_fa1f
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const WORDS: [&str; 14] = [
        "[UNK]", "hello", "world", "un", "##aff", "##able", ",", "!", "cafe", "中", "文", "a",
        "##a", "ß",
    ];

    fn tokenizer(change: impl FnOnce(&mut serde_json::Value)) -> Result<WordPiece, ModelError> {
        let vocab: serde_json::Map<_, _> = WORDS
            .iter()
            .enumerate()
            .map(|(id, word)| ((*word).to_owned(), json!(id)))
            .collect();
        let mut file = json!({
            "version": "1.0",
            "normalizer": { "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": true },
            "pre_tokenizer": { "type": "BertPreTokenizer" },
            "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 10, "vocab": vocab },
        });
        change(&mut file);
        WordPiece::read(file.to_string().as_bytes())
    }

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let ids = tokenizer(|_| {}).unwrap().encode(text, 100);
        let tokens: Vec<&str> = ids.iter().map(|id| WORDS[*id as usize]).collect();
        assert_eq!(tokens, expected, "{text}");
    }

    #[test]
    fn words_become_pieces() {
        check("Hello, world!", &["hello", ",", "world", "!"]);
        check("unaffable", &["un", "##aff", "##able"]);
        check("  CAFÉ\u{301}\n", &["cafe"]);
        check("hello中文world", &["hello", "中", "文", "world"]);
        check("un\u{0}aff\u{200b}able", &["un", "##aff", "##able"]);
        check("hello stranger world", &["hello", "world"]);
        check("unknown", &[]);
        check(
            "aaaaaaaaaa aaaaaaaaaaa",
            &[
                "a", "##a", "##a", "##a", "##a", "##a", "##a", "##a", "##a", "##a",
            ],
        );
        check("Straße ß", &["ß"]);
        check("!!", &["!", "!"]);
        check("", &[]);
    }

    #[test]
    fn the_number_of_tokens_is_bounded() {
        assert_eq!(
            tokenizer(|_| {}).unwrap().encode("hello world hello", 2),
            [1, 2]
        );
    }

    #[test]
    fn another_kind_is_refused_by_name() {
        let refused = |pointer: &str, kind: &str| {
            let change =
                |file: &mut serde_json::Value| *file.pointer_mut(pointer).unwrap() = json!(kind);
            tokenizer(change).unwrap_err().to_string()
        };
        assert!(
            refused("/model/type", "Unigram")
                .contains("the model of tokenizer.json is \"Unigram\"")
        );
        assert!(refused("/normalizer/type", "NFC").contains("normalizer"));
        assert!(refused("/pre_tokenizer/type", "Metaspace").contains("pre_tokenizer"));
        assert!(matches!(
            WordPiece::read(b"{"),
            Err(ModelError::Tokenizer(_))
        ));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,200}") {
            let _ids = tokenizer(|_| {}).unwrap().encode(&text, 50);
        }
    }
}
