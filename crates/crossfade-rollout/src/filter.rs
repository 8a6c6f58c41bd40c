//! Which units have had their first bad event under a salt. One filter for both arms: a false positive then drops
//! events of both alike, and costs power, not validity. Never forgets, never grows.

use crossfade_exchange::{Metric, Unit};

/// 2^23 bits: 1 MiB, allocated with the first bad event.
const BITS_LOG2: u32 = 23;

/// A Bloom filter of (metric, unit) under one salt, with four hashes. After 100 000 bad events it takes about one new
/// unit in 200 000 for a known one, after a million one in 50.
#[derive(Clone, PartialEq, Eq)]
pub struct UnitFilter {
    salt: u64,
    words: Vec<u64>,
}

impl UnitFilter {
    /// Bytes that a filter holds once anything is in it.
    pub const BYTES: usize = 1 << (BITS_LOG2 - 3);

    /// An empty filter. A new salt means a new filter.
    pub const fn new(salt: u64) -> Self {
        Self {
            salt,
            words: Vec::new(),
        }
    }

    /// The salt it was made for.
    pub const fn salt(&self) -> u64 {
        self.salt
    }

    /// Whether this is the unit's first bad event of `metric`; from now on it is not.
    pub fn first(&mut self, metric: Metric, unit: Unit) -> bool {
        if self.words.is_empty() {
            self.words = vec![0; Self::BYTES / size_of::<u64>()];
        }
        let mut first = false;
        for (word, mask) in places(self.salt, metric, unit) {
            if let Some(word) = self.words.get_mut(word) {
                first |= *word & mask == 0;
                *word |= mask;
            }
        }
        first
    }
}

impl std::fmt::Debug for UnitFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bits: u64 = self.words.iter().map(|w| u64::from(w.count_ones())).sum();
        f.debug_struct("UnitFilter")
            .field("salt", &self.salt)
            .field("bits_set", &bits)
            .finish()
    }
}

/// Four places of (word, mask), from the four quarters of one hash.
fn places(salt: u64, metric: Metric, unit: Unit) -> impl Iterator<Item = (usize, u64)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"crossfade first bad v1\0");
    hasher.update(&salt.to_le_bytes());
    hasher.update(&unit.0.to_le_bytes());
    hasher.update(metric.as_str().as_bytes());
    let hash = *hasher.finalize().as_bytes();
    let (quarters, _) = hash.as_chunks::<8>();
    let places: [u64; 4] = std::array::from_fn(|i| {
        quarters.get(i).map_or(0, |q| u64::from_le_bytes(*q)) >> (u64::BITS - BITS_LOG2)
    });
    places.into_iter().map(|bit| {
        let word = usize::try_from(bit / u64::from(u64::BITS)).unwrap_or(usize::MAX);
        (word, 1 << (bit % u64::from(u64::BITS)))
    })
}

/// The filters of one attempt, by salt. Outcomes are decided up to two minutes after they were drawn, so those of the
/// salt before the last still come in; the few last ones are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    kept: Vec<UnitFilter>,
    /// Salts whose filter is gone. Grows by one with each change of the share of a route with long-lived units.
    gone: Vec<u64>,
}

impl Filters {
    const KEPT: usize = 4;

    /// Whether this is the unit's first bad event of `metric` under `salt`. Under a salt whose filter is gone nothing
    /// is ever first, on both arms alike.
    pub(crate) fn first(&mut self, salt: u64, metric: Metric, unit: Unit) -> bool {
        if let Some(filter) = self.kept.iter_mut().find(|f| f.salt == salt) {
            return filter.first(metric, unit);
        }
        if self.gone.contains(&salt) {
            return false;
        }
        if self.kept.len() == Self::KEPT {
            self.gone.push(self.kept.remove(0).salt);
        }
        let mut filter = UnitFilter::new(salt);
        let first = filter.first(metric, unit);
        self.kept.push(filter);
        first
    }
}

#[cfg(test)]
mod tests;
