//! Counts of the most frequent of unboundedly many things, in bounded memory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Counts by key, for at most `most` keys (space saving, Metwally et al. 2005): when a new key finds no room, it takes the
/// place of the rarest and its count, as its possible error. A key that makes up more than one part in `most` of all is
/// always there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(
    serialize = "K: Serialize + Ord, V: Serialize",
    deserialize = "K: Deserialize<'de> + Ord, V: Deserialize<'de>"
))]
pub(crate) struct Frequent<K, V> {
    most: usize,
    #[serde(with = "as_list")]
    entries: BTreeMap<K, Counted<V>>,
    /// Keys that lost their place.
    replaced: u64,
}

/// A key's count, and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counted<V> {
    /// At most this often.
    pub(crate) count: u64,
    /// At most so much of `count` was another key's.
    pub(crate) error: u64,
    /// What is known since it took its place.
    pub(crate) value: V,
}

// === impl Frequent ===

impl<K: Ord + Clone, V> Frequent<K, V> {
    pub(crate) const fn new(most: usize) -> Self {
        Self {
            most,
            entries: BTreeMap::new(),
            replaced: 0,
        }
    }

    /// Counts a key once; `make` says what is known of one that is new.
    pub(crate) fn add(&mut self, key: &K, make: impl FnOnce() -> V) -> Option<&mut Counted<V>> {
        if !self.entries.contains_key(key) {
            let error = if self.entries.len() < self.most {
                0
            } else {
                self.replace_rarest()
            };
            let counted = Counted {
                count: error,
                error,
                value: make(),
            };
            self.entries.insert(key.clone(), counted);
        }
        let counted = self.entries.get_mut(key)?;
        counted.count += 1;
        Some(counted)
    }

    /// Makes room, and says how often the key that went had been counted.
    fn replace_rarest(&mut self) -> u64 {
        let rarest = self.entries.iter().min_by_key(|(_, counted)| counted.count);
        let Some(key) = rarest.map(|(key, _)| key.clone()) else {
            return 0;
        };
        self.replaced += 1;
        self.entries.remove(&key).map_or(0, |counted| counted.count)
    }

    pub(crate) fn get(&self, key: &K) -> Option<&Counted<V>> {
        self.entries.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut Counted<V>> {
        self.entries.get_mut(key)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<Counted<V>> {
        self.entries.remove(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &Counted<V>)> {
        self.entries.iter()
    }

    /// How many keys lost their place.
    pub(crate) const fn replaced(&self) -> u64 {
        self.replaced
    }
}

/// A map as a list of pairs, because keys of more than one part are no names of a JSON object.
pub(crate) mod as_list {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }

    pub(crate) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?
            .into_iter()
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_frequent_stays_and_counts_are_bounded() {
        let mut frequent = Frequent::new(8);
        for round in 0..1_000_u32 {
            frequent.add(&0, || ());
            frequent.add(&(round + 1), || ());
        }
        assert_eq!(frequent.iter().count(), 8);
        let zero = frequent.get(&0).unwrap();
        assert_eq!((zero.count, zero.error), (1_000, 0));
        let total: u64 = frequent.iter().map(|(_, counted)| counted.count).sum();
        assert_eq!(total, 2_000);
        for (key, counted) in frequent.iter().filter(|(key, _)| **key != 0) {
            assert!(counted.count - counted.error <= 1, "{key}");
        }
        assert_eq!(frequent.replaced(), 993);
    }
}
