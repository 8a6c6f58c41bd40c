//! What an answer shows of its maker, and new ids.

use crossfade_openai::{chat, id};

use crate::settings::Annotations;

/// What an answer shows of its maker: all of it the primary's face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Id, time, model and fingerprint.
    pub(crate) head: chat::Head,
    /// What is said of content filters.
    pub(crate) annotations: Annotations,
    /// A filter of the route's own looks at the answer: what it found comes at the end, and until then nothing is said.
    pub(crate) guarded: bool,
    /// Random bytes that new ids are made from.
    pub(crate) seed: [u8; 32],
}

/// Makes an answer's tool call ids: random to the outside, a function of the seed for tests.
#[derive(Debug)]
pub(crate) struct Mint {
    seed: [u8; 32],
    made: u64,
}

// === impl Mint ===

impl Mint {
    pub(crate) const fn new(seed: [u8; 32]) -> Self {
        Self { seed, made: 0 }
    }

    /// In the caller's own form, which the target takes back as it is: no map between the two is ever needed.
    pub(crate) fn call_id(&mut self) -> String {
        let mut random = [0; 24];
        let mut hasher = blake3::Hasher::new_keyed(&self.seed);
        hasher.update(&self.made.to_le_bytes());
        hasher.finalize_xof().fill(&mut random);
        self.made += 1;
        id::tool_call_id(random)
    }
}
