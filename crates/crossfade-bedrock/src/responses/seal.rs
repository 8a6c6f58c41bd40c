//! Marks and seals: how an id or a piece of reasoning that the candidate made is known again when a caller sends it back.
//!
//! An id that names nothing kept gets a mark: it has the primary's own form and length, and a part of it is a code that only the holder of
//! the key can make. An id that the provider keeps something under is sealed, so that it can be opened again, as is
//! reasoning. The same input gives the same seal, as one id stands in many events of a stream.

use std::{fmt, sync::Arc};

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The bytes of an id of the primary's: 50 hexadecimal digits.
const ID_BYTES: usize = 25;
/// The random ones of a marked id.
const FRESH_BYTES: usize = 13;
/// The bytes of a seal beside its content: nonce, form, code.
const SEAL_BYTES: usize = NONCE_LEN + 1 + 16;
/// The longest id that is looked at, and the longest that is sealed.
const LONGEST_ID: usize = 2048;
/// The longest sealed reasoning that is opened: far above what a turn brings.
const LONGEST_REASONING: usize = 4 << 20;
/// The longest kind before an id: `resp_`, `msg_`, `conv_`.
const LONGEST_KIND: usize = 12;

/// What a sealed id's first byte says of the rest.
const AS_TEXT: u8 = 0;
/// Hexadecimal digits, two to a byte.
const AS_DIGITS: u8 = 1;

/// The kind of an id that shows none.
const NO_KIND: &str = "id_";

/// What reasoning is sealed as; ids have their own kind there.
const REASONING: &[u8] = b"reasoning";

/// Makes and opens marks and seals under one key. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    keys: Arc<Keys>,
}

struct Keys {
    seal: LessSafeKey,
    nonces: [u8; 32],
    marks: [u8; 32],
}

/// What an id of the candidate's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Nothing: the answer it stood in was not kept.
    Unstored,
    /// What the provider keeps under this id of its own.
    Kept(String),
}

/// Reasoning that is sent back by the caller with the next turn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum SealedReasoning {
    /// Signed blocks of a model, as its own wire has them.
    #[serde(rename = "b")]
    Blocks {
        /// The model, which alone can read them.
        #[serde(rename = "m")]
        model: String,
        /// The blocks.
        #[serde(rename = "v")]
        blocks: Vec<Value>,
    },
    /// The provider's own encrypted text.
    #[serde(rename = "e")]
    Encrypted(String),
}

// === impl Sealer ===

/// Nothing of the key.
impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

/// Clones of one are equal.
impl PartialEq for Sealer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.keys, &other.keys)
    }
}

impl Sealer {
    /// By a secret of the installation's. Every process that is to know the others' ids must have the same.
    ///
    /// # Panics
    /// Never: the key has the length that the algorithm wants.
    pub fn new(secret: &[u8; 32]) -> Self {
        let derive = |context| blake3::derive_key(context, secret);
        #[expect(
            clippy::expect_used,
            reason = "the algorithm's keys have exactly this length"
        )]
        let seal = UnboundKey::new(&AES_256_GCM_SIV, &derive("crossfade 2026 id seal"))
            .expect("a key of 32 bytes");
        Self {
            keys: Arc::new(Keys {
                seal: LessSafeKey::new(seal),
                nonces: derive("crossfade 2026 id seal nonce"),
                marks: derive("crossfade 2026 id mark"),
            }),
        }
    }

    /// The bytes of a new id: `fresh` must be random; the rest is the mark.
    pub fn mark(&self, fresh: [u8; FRESH_BYTES]) -> [u8; ID_BYTES] {
        let mut bytes = [0; ID_BYTES];
        let code = blake3::keyed_hash(&self.keys.marks, &fresh);
        let all = fresh.iter().chain(code.as_bytes());
        for (place, byte) in bytes.iter_mut().zip(all) {
            *place = *byte;
        }
        bytes
    }

    /// The provider's own id, sealed. What stands before its first `_` stays, as clients look at it.
    pub fn seal_id(&self, theirs: &str) -> String {
        let (kind, rest) = split(theirs)
            .filter(|(kind, _)| *kind != NO_KIND)
            .unwrap_or((NO_KIND, theirs));
        let plain = match unhex(rest) {
            Some(bytes) => with_form(AS_DIGITS, &bytes),
            None => with_form(AS_TEXT, rest.as_bytes()),
        };
        format!("{kind}{}", hex(&self.seal(kind.as_bytes(), plain)))
    }

    /// What an id names, if it was made here: by its mark, or by its seal.
    pub fn open_id(&self, id: &str) -> Option<Opened> {
        if id.len() > LONGEST_ID * 2 {
            return None;
        }
        let (kind, digits) = split(id)?;
        let bytes = unhex(digits)?;
        if bytes.len() == ID_BYTES {
            let (fresh, code) = bytes.split_first_chunk::<FRESH_BYTES>()?;
            let expected = blake3::keyed_hash(&self.keys.marks, fresh);
            let expected = expected.as_bytes().get(..code.len())?;
            // A guess tells nothing but whether an id is ours, and is not worth a clock.
            return (expected == code).then_some(Opened::Unstored);
        }
        let plain = self.open(kind.as_bytes(), bytes)?;
        let (form, rest) = plain.split_first()?;
        let rest = match *form {
            AS_DIGITS => hex(rest),
            AS_TEXT => String::from_utf8(rest.to_vec()).ok()?,
            _ => return None,
        };
        let kind = if kind == NO_KIND { "" } else { kind };
        Some(Opened::Kept(format!("{kind}{rest}")))
    }

    /// Reasoning as the `encrypted_content` of an item.
    pub(crate) fn seal_reasoning(&self, reasoning: &SealedReasoning) -> String {
        let plain = serde_json::to_vec(reasoning).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(self.seal(REASONING, plain))
    }

    /// Reasoning that was sealed here.
    pub(crate) fn open_reasoning(&self, encrypted: &str) -> Option<SealedReasoning> {
        if encrypted.len() > LONGEST_REASONING {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(encrypted).ok()?;
        serde_json::from_slice(&self.open(REASONING, sealed)?).ok()
    }

    /// Nonce, then what is sealed, then its code. The nonce follows from what is sealed: two different texts never share
    /// one, and two equal ones give the same seal, which is wanted.
    fn seal(&self, kind: &[u8], mut plain: Vec<u8>) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        blake3::Hasher::new_keyed(&self.keys.nonces)
            .update(&[u8::try_from(kind.len()).unwrap_or(u8::MAX)])
            .update(kind)
            .update(&plain)
            .finalize_xof()
            .fill(&mut nonce);
        #[expect(
            clippy::expect_used,
            reason = "sealing fails only beyond 64 GiB, and no body is that large"
        )]
        self.keys
            .seal
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(kind),
                &mut plain,
            )
            .expect("a text that fits into memory");
        let mut sealed = nonce.to_vec();
        sealed.append(&mut plain);
        sealed
    }

    fn open(&self, kind: &[u8], mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        if sealed.len() < SEAL_BYTES {
            return None;
        }
        let (nonce, rest) = sealed.split_first_chunk_mut::<NONCE_LEN>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .keys
            .seal
            .open_in_place(nonce, Aad::from(kind), rest)
            .ok()?;
        Some(opened.to_vec())
    }
}

fn with_form(form: u8, rest: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(SEAL_BYTES + rest.len());
    plain.push(form);
    plain.extend_from_slice(rest);
    plain
}

/// An id's kind with its `_`, and the rest.
fn split(id: &str) -> Option<(&str, &str)> {
    let at = id.find('_').filter(|at| (1..LONGEST_KIND).contains(at))?;
    let (kind, rest) = id.split_at_checked(at + 1)?;
    kind.trim_end_matches('_')
        .bytes()
        .all(|byte| byte.is_ascii_lowercase())
        .then_some((kind, rest))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |at: u8| DIGITS.get(usize::from(at)).copied().map(char::from);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(digit).collect()
}

/// Bytes from pairs of lower-case digits; `None` if there is anything else, or nothing.
fn unhex(digits: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return None;
    };
    if pairs.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(value(*high)? << 4 | value(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn sealer() -> Sealer {
        Sealer::new(&[7; 32])
    }

    fn marked(kind: &str, fresh: u8) -> String {
        format!("{kind}{}", hex(&sealer().mark([fresh; FRESH_BYTES])))
    }

    #[test]
    fn a_marked_id_has_the_primarys_form_and_is_known_again() {
        let id = marked("resp_", 3);
        assert_eq!(id.len(), "resp_".len() + 50);
        assert_eq!(sealer().open_id(&id), Some(Opened::Unstored));
        assert_ne!(id, marked("resp_", 4));
    }

    #[test]
    fn what_was_not_made_here_is_not_opened() {
        let ours = marked("resp_", 3);
        let kept = sealer().seal_id("resp_00ff");
        let flipped = |id: &str, at: usize| {
            let mut id = id.to_owned().into_bytes();
            id[at] = if id[at] == b'0' { b'1' } else { b'0' };
            String::from_utf8(id).unwrap()
        };
        for (case, id) in [
            (
                "azure's",
                format!("resp_{}", "0123456789abcdef0".repeat(3).get(..50).unwrap()),
            ),
            ("azure's newer", format!("resp_{}", "ab".repeat(28))),
            ("a changed mark", flipped(&ours, ours.len() - 1)),
            ("a changed start", flipped(&ours, 6)),
            ("a changed seal", flipped(&kept, kept.len() - 1)),
            ("a changed nonce", flipped(&kept, 6)),
            ("another kind", kept.replacen("resp_", "msg_", 1)),
            ("upper case", ours.to_uppercase()),
            ("one digit more", format!("{ours}0")),
            ("no kind", ours.trim_start_matches("resp_").to_owned()),
            ("empty", String::new()),
            ("kind only", "resp_".to_owned()),
            ("huge", format!("resp_{}", "00".repeat(1 << 16))),
            ("a chat id", "chatcmpl-Ba1nKz".to_owned()),
            ("a call's id", "call_Ba1nKz0123456789abcdefgh".to_owned()),
            ("text", "resp_å".to_owned()),
        ] {
            assert_eq!(sealer().open_id(&id), None, "{case}");
        }
        for id in [ours, kept] {
            assert_eq!(Sealer::new(&[8; 32]).open_id(&id), None);
        }
    }

    #[test]
    fn one_id_has_one_seal_and_shows_nothing() {
        let theirs = "resp_68a1f0c2b3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f607";
        let sealed = sealer().seal_id(theirs);
        assert_eq!(sealed, sealer().seal_id(theirs));
        assert!(sealed.starts_with("resp_") && sealed.len() == 5 + 2 * (SEAL_BYTES + 25));
        let rest = theirs.get(5..).unwrap();
        assert!(!sealed.contains(rest));
        assert_eq!(
            sealer().open_id(&sealed),
            Some(Opened::Kept(theirs.to_owned()))
        );
    }

    #[test]
    fn reasoning_is_opened_only_by_its_key() {
        let blocks = vec![json!({"reasoningText": {"text": "hm", "signature": "s"}})];
        for reasoning in [
            SealedReasoning::Blocks {
                model: "m".to_owned(),
                blocks,
            },
            SealedReasoning::Encrypted("gAAAA".to_owned()),
        ] {
            let sealed = sealer().seal_reasoning(&reasoning);
            assert_eq!(sealer().open_reasoning(&sealed), Some(reasoning));
            assert_eq!(Sealer::new(&[8; 32]).open_reasoning(&sealed), None);
        }
        for foreign in ["", "gAAAAABoCdEf==", "AAAA", "\u{e5}"] {
            assert_eq!(sealer().open_reasoning(foreign), None, "{foreign}");
        }
        assert_eq!(format!("{:?}", sealer()), "Sealer(…)");
    }

    proptest! {
        #[test]
        fn any_id_is_sealed_and_opened(id in "[a-z]{0,14}_?[ -~]{0,80}") {
            let sealed = sealer().seal_id(&id);
            prop_assert_eq!(sealer().open_id(&sealed), Some(Opened::Kept(id)));
        }

        #[test]
        fn nothing_panics(id in ".{0,120}") {
            prop_assert_eq!(sealer().open_id(&id), None);
            prop_assert_eq!(sealer().open_reasoning(&id), None);
        }
    }
}
