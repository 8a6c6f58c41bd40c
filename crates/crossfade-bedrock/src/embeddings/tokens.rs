//! Text out of tokens, by the vocabulary that all of the primary's embedding models share (`cl100k_base`).

use std::sync::LazyLock;

use tiktoken_rs::CoreBPE;

/// Some 30 MB, and a fraction of a second to read: loaded where a route embeds, and not before.
static VOCABULARY: LazyLock<Option<CoreBPE>> = LazyLock::new(|| tiktoken_rs::cl100k_base().ok());

/// Reads the vocabulary, so that no request has to wait for it.
pub(crate) fn load() {
    LazyLock::force(&VOCABULARY);
}

/// The text of these tokens; `None` if one is not of the vocabulary. Clients cut long texts between tokens, which may be
/// within a character: what is left of one reads as U+FFFD.
pub(super) fn text(tokens: &[u64]) -> Option<String> {
    let tokens: Vec<u32> = tokens
        .iter()
        .map(|token| u32::try_from(*token).ok())
        .collect::<Option<_>>()?;
    let bytes = VOCABULARY.as_ref()?.decode_bytes(&tokens).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_spell_text() {
        for (tokens, expected) in [
            (
                &[15339, 289, 9603, 509, 91416, 1296][..],
                Some("hello w\u{f6}rld \u{1f600} test"),
            ),
            (&[], Some("")),
            (&[999_999], None),
            (&[u64::MAX], None),
        ] {
            assert_eq!(text(tokens).as_deref(), expected, "{tokens:?}");
        }
        // One byte of a character of several.
        assert_eq!(text(&[15339, 222]).as_deref(), Some("hello\u{fffd}"));
    }
}
