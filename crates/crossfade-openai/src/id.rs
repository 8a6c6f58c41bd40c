//! Identifiers in the forms Azure gives them. Randomness is the caller's argument.

const ALPHANUMERICS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// `chatcmpl-` and 29 letters and digits. The bytes must be random; two answers with the same bytes get the
/// same id.
pub fn chat_completion_id(random: [u8; 29]) -> String {
    spell("chatcmpl-", &random)
}

/// `call_` and 24 letters and digits, from random bytes.
pub fn tool_call_id(random: [u8; 24]) -> String {
    spell("call_", &random)
}

/// Folding 256 values onto 62 favours eight letters a little: an id must be unlike others, not uniform.
fn spell(prefix: &str, random: &[u8]) -> String {
    let letters = random
        .iter()
        .filter_map(|byte| ALPHANUMERICS.get(usize::from(*byte) % ALPHANUMERICS.len()))
        .map(|letter| char::from(*letter));
    let mut id = String::with_capacity(prefix.len() + random.len());
    id.push_str(prefix);
    id.extend(letters);
    id
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_form(id: &str, prefix: &str, length: usize) -> bool {
        id.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() == length && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    }

    #[test]
    fn fixed_bytes_give_fixed_ids() {
        assert_eq!(
            chat_completion_id([0; 29]),
            format!("chatcmpl-{}", "A".repeat(29))
        );
        assert_eq!(tool_call_id([61; 24]), format!("call_{}", "9".repeat(24)));
        assert_ne!(tool_call_id([1; 24]), tool_call_id([2; 24]));
    }

    proptest! {
        #[test]
        fn any_bytes_give_the_form(bytes in any::<[u8; 29]>(), more in any::<[u8; 24]>()) {
            prop_assert!(is_form(&chat_completion_id(bytes), "chatcmpl-", 29));
            prop_assert!(is_form(&tool_call_id(more), "call_", 24));
        }
    }
}
