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

/// What a Responses API's id is of. Each kind has its own prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// `resp_`: a response.
    Response,
    /// `msg_`: a message.
    Message,
    /// `rs_`: reasoning.
    Reasoning,
    /// `fc_`: a function's call.
    FunctionCall,
    /// `ctc_`: a custom tool's call.
    CustomToolCall,
}

/// An id of the Responses API: the kind's prefix and 50 hexadecimal digits. As Azure makes them (captured), 16 digits are
/// shared by all ids of one response, then come `00`, the seconds since the Unix epoch in 8, and 24 of the id's own.
pub fn response_item_id(kind: IdKind, shared: [u8; 8], seconds: u32, own: [u8; 12]) -> String {
    let mut id = String::with_capacity(kind.prefix().len() + 50);
    id.push_str(kind.prefix());
    let time = seconds.to_be_bytes();
    for byte in shared.iter().chain(&[0]).chain(&time).chain(&own) {
        for digit in [byte >> 4, byte & 15] {
            id.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    id
}

// === impl IdKind ===

impl IdKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Response,
        Self::Message,
        Self::Reasoning,
        Self::FunctionCall,
        Self::CustomToolCall,
    ];

    /// What the kind's ids begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Response => "resp_",
            Self::Message => "msg_",
            Self::Reasoning => "rs_",
            Self::FunctionCall => "fc_",
            Self::CustomToolCall => "ctc_",
        }
    }
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

    #[test]
    fn ids_of_items_have_azures_form() {
        let own = [
            0x90, 0x4c, 0x81, 0x94, 0x86, 0x2a, 0xca, 0xe4, 0xbd, 0x86, 0x6c, 0xf5,
        ];
        let shared = [0x0d, 0x80, 0xad, 0x9a, 0xda, 0xd6, 0x5f, 0xca];
        assert_eq!(
            response_item_id(IdKind::Response, shared, 1_777_483_020, own),
            "resp_0d80ad9adad65fca0069f23d0c904c8194862acae4bd866cf5"
        );
        for kind in IdKind::ALL {
            let id = response_item_id(kind, shared, 0, own);
            assert!(is_form(&id, kind.prefix(), 50), "{id}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_the_form(bytes in any::<[u8; 29]>(), more in any::<[u8; 24]>()) {
            prop_assert!(is_form(&chat_completion_id(bytes), "chatcmpl-", 29));
            prop_assert!(is_form(&tool_call_id(more), "call_", 24));
        }
    }
}
