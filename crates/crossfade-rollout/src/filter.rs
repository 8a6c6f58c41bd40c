//! Which units have been seen: Bloom filters of fixed size. One filter for both arms, so that a false positive drops events of both
//! alike, and costs power, not validity. They never grow.

use crossfade_exchange::{Metric, MetricSet, Unit};

/// 2^23 bits: 1 MiB, allocated with the first event.
const BITS_LOG2: u32 = 23;
const WORDS: usize = 1 << (BITS_LOG2 - u64::BITS.ilog2());

/// The bits, and nothing of what they stand for.
#[derive(Clone, Default, PartialEq, Eq)]
struct Bits(Vec<u64>);

/// A Bloom filter of (metric, unit) under one salt, with four hashes. After 100 000 bad events it takes about one new
/// unit in 200 000 for a known one, after a million one in 50.
#[derive(Clone, PartialEq, Eq)]
pub struct UnitFilter {
    salt: u64,
    bits: Bits,
}

// === impl Bits ===

impl Bits {
    /// Sets the bits at four places, numbers below 2^64 of which the upper bits are taken. Whether one was not set before.
    fn mark(&mut self, places: [u64; 4]) -> bool {
        if self.0.is_empty() {
            self.0 = vec![0; WORDS];
        }
        let mut first = false;
        for place in places {
            let bit = place >> (u64::BITS - BITS_LOG2);
            let word = usize::try_from(bit / u64::from(u64::BITS)).unwrap_or(usize::MAX);
            let mask = 1 << (bit % u64::from(u64::BITS));
            if let Some(word) = self.0.get_mut(word) {
                first |= *word & mask == 0;
                *word |= mask;
            }
        }
        first
    }

    fn memory_bytes(&self) -> usize {
        self.0.capacity() * size_of::<u64>()
    }
}

// === impl UnitFilter ===

impl UnitFilter {
    /// Bytes that a filter holds once anything is in it.
    pub const BYTES: usize = WORDS * size_of::<u64>();

    /// An empty filter. A new salt means a new filter.
    pub const fn new(salt: u64) -> Self {
        Self {
            salt,
            bits: Bits(Vec::new()),
        }
    }

    /// The salt it was made for.
    pub const fn salt(&self) -> u64 {
        self.salt
    }

    /// Whether this is the unit's first bad event of `metric`; from now on it is not.
    pub fn first(&mut self, metric: Metric, unit: Unit) -> bool {
        self.first_of(metric.as_str().as_bytes(), unit)
    }

    fn first_of(&mut self, what: &[u8], unit: Unit) -> bool {
        let places = quarters(b"crossfade first bad v1\0", self.salt, unit, what);
        self.bits.mark(places)
    }
}

impl std::fmt::Debug for UnitFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bits: u64 = self.bits.0.iter().map(|w| u64::from(w.count_ones())).sum();
        f.debug_struct("UnitFilter")
            .field("salt", &self.salt)
            .field("bits_set", &bits)
            .finish()
    }
}

/// The four quarters of one hash.
fn quarters(domain: &[u8], salt: u64, unit: Unit, what: &[u8]) -> [u64; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(domain);
    hasher.update(&salt.to_le_bytes());
    hasher.update(&unit.0.to_le_bytes());
    hasher.update(what);
    let hash = *hasher.finalize().as_bytes();
    let (quarters, _) = hash.as_chunks::<8>();
    std::array::from_fn(|i| quarters.get(i).map_or(0, |q| u64::from_le_bytes(*q)))
}

/// The filters of one attempt, by salt. Outcomes are decided up to two minutes after they were drawn, so those of the
/// salt before the last still come in; the `KEPT` last ones are kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters<const KEPT: usize> {
    kept: Vec<UnitFilter>,
    /// Salts whose filter is gone, oldest first: grows by one with each change of the share of a route with long-lived units.
    gone: Vec<u64>,
}

impl<const KEPT: usize> Filters<KEPT> {
    /// The most salts that are remembered to be gone. Of the oldest no outcome has come for a thousand changes.
    const MOST_GONE: usize = 1_024;

    /// Whether this is the unit's first bad event of `metric` under `salt`.
    pub(crate) fn first_bad(&mut self, salt: u64, metric: Metric, unit: Unit) -> bool {
        self.first(salt, metric.as_str().as_bytes(), unit)
    }

    /// Whether `what` happens to the unit for the first time under `salt`. Under a salt whose filter is gone nothing is
    /// ever first, on both arms alike.
    pub(crate) fn first(&mut self, salt: u64, what: &[u8], unit: Unit) -> bool {
        if let Some(filter) = self.kept.iter_mut().find(|f| f.salt == salt) {
            return filter.first_of(what, unit);
        }
        if self.gone.contains(&salt) {
            return false;
        }
        if self.kept.len() == KEPT {
            if self.gone.len() == Self::MOST_GONE {
                self.gone.remove(0);
            }
            self.gone.push(self.kept.remove(0).salt);
        }
        let mut filter = UnitFilter::new(salt);
        let first = filter.first_of(what, unit);
        self.kept.push(filter);
        first
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        let kept: usize = self.kept.iter().map(|f| f.bits.memory_bytes()).sum();
        kept + self.gone.capacity() * size_of::<u64>()
    }
}

/// Which units have had a pair counted in the ten minutes that run: engine P counts the first one of each unit, for each metric
/// that applies to it, in each ten minutes of the clock by which requests are sent.
///
/// Whether a pair is the first is known before its answers are, so leaving the others out is no selection by outcome, and the
/// test stays valid. A false positive leaves out a pair whatever came of it: with a thousand new units a second about
/// one in ten, with a hundred one in 100 000.
#[derive(Clone, Default)]
pub(crate) struct PairFilter {
    period: u64,
    bits: Bits,
}

impl PairFilter {
    const PERIOD_MICROS: u64 = 10 * 60 * 1_000_000;

    /// Of `metrics`, those that count in a pair of `unit` sent at `sent`, microseconds since the Unix epoch; from now on they
    /// do not. What was sent a little before the ten minutes that run is taken for theirs.
    pub(crate) fn first(&mut self, metrics: MetricSet, unit: Unit, sent: u64) -> MetricSet {
        let period = sent / Self::PERIOD_MICROS;
        // Far back: the clock of a replica had run ahead, and must not keep units from counting until it is that late.
        if period > self.period || period + 1 < self.period {
            self.period = period;
            self.bits.0.fill(0);
        }
        let period = self.period;
        if metrics.is_empty() {
            return metrics;
        }
        let [a, b, c, d] = quarters(b"crossfade first pair v1\0", period, unit, b"");
        metrics
            .iter()
            .filter(|metric| {
                let metric = metric.index() as u64;
                let start = a.wrapping_add(metric.wrapping_mul(b | 1));
                let step = c.wrapping_add(metric.wrapping_mul(d | 1)) | 1;
                self.bits.mark(std::array::from_fn(|i| {
                    start.wrapping_add(step.wrapping_mul(i as u64))
                }))
            })
            .collect()
    }

    pub(crate) fn memory_bytes(&self) -> usize {
        self.bits.memory_bytes()
    }
}

impl std::fmt::Debug for PairFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PairFilter")
            .field("period", &self.period)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
