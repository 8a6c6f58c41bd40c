//! Reasoning that travels through the caller: opaque to everybody else, and refused if another service made it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

const TAG: usize = 16;

/// Seals thoughts for the service `who`.
pub(super) fn seal(who: &str, thoughts: &str) -> String {
    let mut sealed = tag(who, thoughts.as_bytes());
    sealed.extend(masked(who, thoughts.as_bytes()));
    STANDARD.encode(sealed)
}

/// What was sealed; `None` if `who` did not do it.
pub(super) fn open(who: &str, sealed: &str) -> Option<String> {
    let sealed = STANDARD.decode(sealed).ok()?;
    let (stated, masked_thoughts) = sealed.split_at_checked(TAG)?;
    let thoughts = masked(who, masked_thoughts);
    (tag(who, &thoughts) == stated)
        .then(|| String::from_utf8(thoughts).ok())
        .flatten()
}

fn tag(who: &str, thoughts: &[u8]) -> Vec<u8> {
    let digest = Sha256::new()
        .chain_update(who)
        .chain_update([0])
        .chain_update(thoughts)
        .finalize();
    digest.iter().copied().take(TAG).collect()
}

fn masked(who: &str, bytes: &[u8]) -> Vec<u8> {
    let block = |at: usize| {
        Sha256::new()
            .chain_update(at.to_be_bytes())
            .chain_update(who)
            .finalize()
    };
    bytes
        .chunks(32)
        .enumerate()
        .flat_map(|(at, chunk)| {
            let mask = block(at);
            chunk
                .iter()
                .zip(mask)
                .map(|(byte, mask)| byte ^ mask)
                .collect::<Vec<u8>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sealer_opens() {
        let long = "think ".repeat(20);
        for thoughts in ["", "hm", &long] {
            let sealed = seal("a", thoughts);
            assert_eq!(open("a", &sealed).as_deref(), Some(thoughts));
            assert_eq!(open("b", &sealed), None);
            assert!(thoughts.is_empty() || !sealed.contains(thoughts));
        }
        assert_eq!(open("a", "no base64!"), None);
        assert_eq!(open("a", "AAAA"), None);
    }
}
