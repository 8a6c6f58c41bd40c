//! Filler for deltas, so that the sizes of events on the wire do not tell the sizes of tokens.

/// What sizes are rounded up to: Azure pads every delta to a multiple of this many characters (captured).
const STEP: usize = 16;

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Makes filler from a seed. It hides sizes and nothing else, so it need not be unpredictable.
#[derive(Clone, Debug)]
pub(super) struct Noise(u64);

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The filler beside a delta.
    pub(super) fn beside(&mut self, delta: &str) -> String {
        let characters = delta.chars().count() % STEP;
        let missing = (STEP - characters) % STEP;
        (0..missing).map(|_| self.letter()).collect()
    }

    /// One step of Steele, Lea and Flood's `SplitMix64`.
    fn letter(&mut self) -> char {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let index = usize::try_from(mixed % 62).unwrap_or_default();
        LETTERS.get(index).copied().map_or('A', char::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_rounded_up() {
        let mut noise = Noise::new(1);
        for (delta, filler) in [("", 0), ("1", 15), ("Here", 12), ("äöü", 13)] {
            assert_eq!(noise.beside(delta).len(), filler, "{delta:?}");
        }
        for length in 1..50 {
            let delta = "x".repeat(length);
            assert_eq!((length + noise.beside(&delta).len()) % 16, 0);
        }
        assert_ne!(noise.beside("1"), noise.beside("1"));
    }
}
