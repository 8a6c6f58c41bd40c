//! The name of a kind of difference: a hash of what failed and where, so that like differences are one finding.

use std::{fmt, str::FromStr};

use crossfade_exchange::Verdict;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::places::{self, Place};

/// The hash of the sorted checks, places and kinds of difference of one verdict. Written as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signature(u128);

/// A text that is no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASignature;

// === impl Signature ===

impl Signature {
    /// The signature of a verdict: of the failed checks that are more than reported ones. `None` if nothing such failed, or
    /// if it says nothing of the candidate: the primary's answer was bad, or the two cannot be compared.
    pub fn of(verdict: &Verdict) -> Option<Self> {
        Self::of_places(&places::of(verdict))
    }

    pub(crate) fn of_places(places: &[Place]) -> Option<Self> {
        if places.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        for place in places {
            hasher.update(place.check.as_str().as_bytes());
            hasher.update(&[0]);
            hasher.update(place.path.as_bytes());
            hasher.update(&[0]);
            hasher.update(place.kind.map_or("", |kind| kind.as_str()).as_bytes());
            hasher.update(&[0]);
        }
        let mut first = [0; 16];
        hasher.finalize_xof().fill(&mut first);
        Some(Self(u128::from_be_bytes(first)))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

impl FromStr for Signature {
    type Err = NotASignature;

    fn from_str(text: &str) -> Result<Self, NotASignature> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits {
            return Err(NotASignature);
        }
        u128::from_str_radix(text, 16)
            .map(Self)
            .map_err(|_| NotASignature)
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

// === impl NotASignature ===

impl fmt::Display for NotASignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a signature: write its 32 hexadecimal digits")
    }
}

impl std::error::Error for NotASignature {}
