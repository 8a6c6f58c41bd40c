//! Writing plain types, which cannot fail.

use serde::Serialize;

/// The value as compact JSON.
pub(crate) fn compact<T: Serialize>(value: &T) -> Vec<u8> {
    written(serde_json::to_vec(value))
}

/// The value over several lines, two spaces deep.
pub(crate) fn pretty<T: Serialize>(value: &T) -> Vec<u8> {
    written(serde_json::to_vec_pretty(value))
}

fn written(json: serde_json::Result<Vec<u8>>) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "plain structs with string keys always are JSON"
    )]
    json.expect("plain structs with string keys always are JSON")
}
