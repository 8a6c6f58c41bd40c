//! Durations in files: whole microseconds, so that what is read back is what was written.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

pub(crate) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(value.as_micros()).unwrap_or(u64::MAX))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_micros)
}

/// The same duration without what a file would lose.
pub(crate) fn whole(value: Duration) -> Duration {
    Duration::from_micros(u64::try_from(value.as_micros()).unwrap_or(u64::MAX))
}
