//! What the simulated speakers of OpenAI's wire have in common: Azure, and Bedrock's OpenAI-compatible endpoints.
//!
//! Reading and checking requests, and the Responses API's objects, events and state. How each service writes its bytes,
//! and what only one of them refuses, stands with that service.

pub(crate) mod chat;
pub(crate) mod prompt;
pub(crate) mod responses;
pub(crate) mod sse;
mod wrong;

pub(crate) use wrong::Wrong;

/// Tokens of a text: about four characters each, at least one if there is any.
pub(crate) fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::tokens;

    #[test]
    fn four_characters_are_a_token() {
        for (text, expected) in [("", 0), ("a", 1), ("abcd", 1), ("äöüßx", 2)] {
            assert_eq!(tokens(text), expected, "{text}");
        }
    }
}
