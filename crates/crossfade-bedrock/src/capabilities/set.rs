//! A set of a closed enum's values, as small as a number, and written as a list of words.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An enum whose values are known, at most sixteen of them.
pub trait Member: Copy + PartialEq + 'static {
    /// All of them, in their order.
    const ALL: &'static [Self];
}

/// A set of values.
pub struct Set<T>(u16, PhantomData<T>);

// === impl Set ===

impl<T> Set<T> {
    /// The set without a value.
    pub const EMPTY: Self = Self(0, PhantomData);

    /// Whether it is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl<T: Member> Set<T> {
    /// These values.
    pub fn of(values: &[T]) -> Self {
        let bits = T::ALL
            .iter()
            .enumerate()
            .filter(|(_, each)| values.contains(each));
        Self(bits.fold(0, |set, (at, _)| set | 1 << at), PhantomData)
    }

    /// Whether it holds the value.
    pub fn has(self, value: T) -> bool {
        self.iter().any(|each| each == value)
    }

    /// Its values, in the enum's order.
    pub fn iter(self) -> impl Iterator<Item = T> {
        let values = T::ALL.iter().copied().enumerate();
        values.filter_map(move |(at, each)| (self.0 & 1 << at != 0).then_some(each))
    }
}

impl<T> Clone for Set<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Set<T> {}

impl<T> PartialEq for Set<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Set<T> {}

impl<T: Member + fmt::Debug> fmt::Debug for Set<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<T: Member + Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: Member + Deserialize<'de>> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<T>::deserialize(deserializer).map(|values| Self::of(&values))
    }
}
