//! Cutting text into the deltas of a stream, and other small writing.

/// Characters of a delta: about a token.
const PIECE: usize = 4;
/// Deltas of an answer at most, so that a huge one does not drown in its own framing.
const MOST_PIECES: usize = 20_000;

/// A text in pieces of about a token each, never inside a character.
pub fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let size = PIECE.max(text.len() / MOST_PIECES);
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = size.min(rest.len());
        while !rest.is_char_boundary(end) {
            end += 1;
        }
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// A count as a number to reckon with.
#[expect(
    clippy::cast_precision_loss,
    reason = "token counts are far below 2^53"
)]
pub fn approximate(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hexadecimal_has_two_digits_a_byte() {
        assert_eq!(hex(&[0, 0x0a, 0xff]), "000aff");
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in ".{0,60}") {
            prop_assert_eq!(pieces(&text).collect::<String>(), text.clone());
            prop_assert!(pieces(&text).all(|piece| (1..8).contains(&piece.len())));
        }
    }
}
