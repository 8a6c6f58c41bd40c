//! The bad events that the sequential tests count, one metric each, in three groups.

use std::fmt;

use serde::{Deserialize, Serialize};

closed_enum! {
    /// A kind of bad event, judged on each side alone, so that "bad" means the same on both.
    pub enum Metric {
        /// Refused, no connection, no head in time, no content: 408, 429, 5xx or any failover.
        Transport = "transport",
        /// The first content came later than τ.
        Slow = "slow",
        /// The stream broke or fell silent after its first content.
        Stream = "stream",
        /// Not a well-formed answer.
        Envelope = "envelope",
        /// JSON was asked for and does not parse.
        JsonParse = "json_parse",
        /// JSON was asked for and does not fit the schema.
        JsonSchema = "json_schema",
        /// A required field is missing or null.
        RequiredFields = "required_fields",
        /// A full refusal.
        Refusal = "refusal",
        /// The answer cost more than the route's limit.
        Cost = "cost",
        /// A person found the answer worse than the other side's, or both wrong. Known of mirrored pairs alone, and days later.
        Review = "review",
    }
}

closed_enum! {
    /// Metrics that become known together share an order of their own.
    pub enum Group {
        /// Known at the first content.
        Arrival = "arrival",
        /// Known at the end.
        Content = "content",
        /// Known when people had their time to look: decided at one fixed age, on both sides.
        Review = "review",
    }
}

impl Metric {
    /// The group whose order this metric follows.
    pub const fn group(self) -> Group {
        match self {
            Self::Transport | Self::Slow => Group::Arrival,
            Self::Stream
            | Self::Envelope
            | Self::JsonParse
            | Self::JsonSchema
            | Self::RequiredFields
            | Self::Refusal
            | Self::Cost => Group::Content,
            Self::Review => Group::Review,
        }
    }
}

/// A set of metrics.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MetricSet(u16);

impl MetricSet {
    /// No metric.
    pub const EMPTY: Self = Self(0);

    /// Every metric.
    pub fn all() -> Self {
        Metric::ALL.iter().copied().collect()
    }

    /// Every metric that is judged by a check: all but what people say.
    pub fn of_checks() -> Self {
        let mut set = Self::all();
        set.remove(Metric::Review);
        set
    }

    /// Adds one.
    pub fn insert(&mut self, metric: Metric) {
        self.0 |= 1 << metric.index();
    }

    /// Removes one.
    pub fn remove(&mut self, metric: Metric) {
        self.0 &= !(1 << metric.index());
    }

    /// With one more.
    #[must_use]
    pub fn with(mut self, metric: Metric) -> Self {
        self.insert(metric);
        self
    }

    /// Whether it holds one.
    pub const fn contains(self, metric: Metric) -> bool {
        self.0 & (1 << metric.index()) != 0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The members of one group.
    #[must_use]
    pub fn of_group(self, group: Group) -> Self {
        self.iter().filter(|m| m.group() == group).collect()
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many are in it.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The members, in order of declaration.
    pub fn iter(self) -> impl Iterator<Item = Metric> {
        Metric::ALL
            .iter()
            .copied()
            .filter(move |m| self.contains(*m))
    }

    /// As bits, lowest first in the order of [`Metric::ALL`]: the form in the outcome log.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// From [`Self::bits`]; bits that stand for no metric are dropped.
    pub fn from_bits(bits: u16) -> Self {
        Self(bits).and(Self::all())
    }
}

impl FromIterator<Metric> for MetricSet {
    fn from_iter<I: IntoIterator<Item = Metric>>(metrics: I) -> Self {
        let mut set = Self::EMPTY;
        for metric in metrics {
            set.insert(metric);
        }
        set
    }
}

impl fmt::Debug for MetricSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(Metric::as_str))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in() {
        let set = MetricSet::EMPTY.with(Metric::Slow).with(Metric::Refusal);
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [Metric::Slow, Metric::Refusal]
        );
        assert_eq!(
            set.of_group(Group::Arrival),
            MetricSet::EMPTY.with(Metric::Slow)
        );
        assert_eq!(MetricSet::from_bits(set.bits()), set);
        assert_eq!(MetricSet::from_bits(u16::MAX), MetricSet::all());
        assert_eq!(set.len(), 2);
        let people = MetricSet::EMPTY.with(Metric::Review);
        assert_eq!(MetricSet::of_checks().or(people), MetricSet::all());
        assert_eq!(MetricSet::of_checks().and(people), MetricSet::EMPTY);
    }

    #[test]
    fn bits_of_older_logs_mean_the_same() {
        for (metric, bit) in [
            (Metric::Transport, 0),
            (Metric::Stream, 2),
            (Metric::Refusal, 7),
            (Metric::Cost, 8),
            (Metric::Review, 9),
        ] {
            assert_eq!(MetricSet::EMPTY.with(metric).bits(), 1 << bit, "{metric}");
        }
    }
}
