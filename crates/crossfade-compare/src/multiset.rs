//! How far two multisets agree: F1, symmetric in both.

use std::{collections::HashMap, hash::Hash};

/// What two multisets have in common and what each has alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overlap {
    pub(crate) shared: usize,
    pub(crate) missing: usize,
    pub(crate) extra: usize,
}

// === impl Overlap ===

impl Overlap {
    /// Compares two multisets.
    pub(crate) fn of<T: Eq + Hash>(
        from: impl IntoIterator<Item = T>,
        to: impl IntoIterator<Item = T>,
    ) -> Self {
        let mut counts = HashMap::<T, usize>::new();
        let mut overlap = Self::default();
        for item in from {
            *counts.entry(item).or_default() += 1;
            overlap.missing += 1;
        }
        for item in to {
            match counts.get_mut(&item) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    overlap.missing -= 1;
                    overlap.shared += 1;
                }
                Some(_) | None => overlap.extra += 1,
            }
        }
        overlap
    }

    /// `2 × shared ÷ (size of one + size of the other)`; of nothing and nothing 1.
    pub(crate) fn f1(self) -> f64 {
        let twice = 2 * self.shared;
        crate::finding::share(twice, twice + self.missing + self.extra)
    }

    /// Two comparisons as one.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            shared: self.shared + other.shared,
            missing: self.missing + other.missing,
            extra: self.extra + other.extra,
        }
    }

    /// Whether they differ.
    pub(crate) const fn differs(self) -> bool {
        self.missing + self.extra > 0
    }

    /// Whether both are empty.
    pub(crate) const fn is_empty(self) -> bool {
        self.shared + self.missing + self.extra == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn overlaps_of_known_pairs() {
        let check = |from: &str, to: &str, expected: f64| {
            let found = Overlap::of(from.chars(), to.chars()).f1();
            assert!((found - expected).abs() < 1e-12, "{from} {to}: {found}");
        };
        check("", "", 1.0);
        check("a", "", 0.0);
        check("ab", "ba", 1.0);
        check("aab", "ab", 0.8);
        check("ab", "cd", 0.0);
    }

    proptest! {
        #[test]
        fn overlap_is_symmetric(a in "[a-d]{0,12}", b in "[a-d]{0,12}") {
            let (there, back) = (Overlap::of(a.chars(), b.chars()), Overlap::of(b.chars(), a.chars()));
            prop_assert_eq!(there.shared, back.shared);
            prop_assert_eq!((there.missing, there.extra), (back.extra, back.missing));
            prop_assert_eq!(there.shared + there.missing, a.len());
        }
    }
}
