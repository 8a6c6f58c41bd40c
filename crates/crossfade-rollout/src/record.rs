//! What the outcome log holds and the engines eat: one decided outcome, of a closed list of kinds, in a record of fixed
//! size. Framing, checksums and files are the log's business.

mod codec;

use crossfade_exchange::{Gate, Group, MetricSet, OutcomeKey, Side, SizeClass, Unit};

/// One decided outcome of an attempt, or of the shadow watch before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Record {
    /// A drawn answer, decided in one group: what engine R eats.
    Answer(Decided),
    /// A mirrored request, decided in one group: what engine P and the gates eat.
    Pair(DecidedPair),
    /// How much the candidate differs from the primary above the primary's own noise, on one request that the primary was
    /// asked twice: what the gates that need repeats eat.
    Differences(Differences),
    /// How many requests of a size were selected by the mirror and how many of them compared, since the last such record.
    Coverage(Coverage),
}

/// A drawn answer, decided in one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// Its place in the order.
    pub key: OutcomeKey,
    /// The attempt during which it was drawn.
    pub attempt: u64,
    /// The group it is decided in.
    pub group: Group,
    /// The side that was drawn.
    pub side: Side,
    /// The probability of the candidate when it was drawn, strictly between 0 and 1.
    pub probability: f64,
    /// The split's salt then.
    pub salt: u64,
    /// The unit.
    pub unit: Unit,
    /// The group's metrics that apply, by the request alone.
    pub applies: MetricSet,
    /// Of them, those that were bad.
    pub bad: MetricSet,
}

/// A mirrored request, decided in one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecidedPair {
    /// Its place in the order.
    pub key: OutcomeKey,
    /// The attempt, or the shadow watch, during which it was sent.
    pub attempt: u64,
    /// The group it is decided in.
    pub group: Group,
    /// The side that was to answer the caller.
    pub answer: Side,
    /// The unit.
    pub unit: Unit,
    /// The group's metrics that apply, by the request alone.
    pub applies: MetricSet,
    /// What is known.
    pub result: PairResult,
}

/// What is known of a mirrored request in one group. What was neither compared nor says anything of a side is not logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairResult {
    /// Both sides are known. Engine P: c and p. Gates: c − p.
    Compared {
        /// What was bad of the primary, of what applies.
        primary: MetricSet,
        /// What was bad of the candidate, of what applies.
        candidate: MetricSet,
    },
    /// The primary failed it, and so the candidate was not asked. Engine P: p = 1, c = 0. Gates: c = 1 too, so 0.
    PrimaryFailed,
    /// The breaker kept the candidate from being asked. Engine P: nothing. Gates: c = 1.
    BreakerOpen {
        /// What was bad of the primary, of what applies.
        primary: MetricSet,
    },
}

/// `D − N` on one request, by gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differences {
    /// When the request was sent, in microseconds since the Unix epoch.
    pub sent_unix_micros: u64,
    /// The attempt, or the shadow watch, during which it was sent.
    pub attempt: u64,
    /// The unit.
    pub unit: Unit,
    /// By [`Gate::index`], in ten-thousandths, −10 000..=10 000; `None` where the request says nothing of the gate.
    values: [Option<i16>; Gate::ALL.len()],
}

/// How many requests of one size were selected by the mirror and how many of them compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// When this was counted, in microseconds since the Unix epoch.
    pub at_unix_micros: u64,
    /// The attempt, or the shadow watch, that runs.
    pub attempt: u64,
    /// The size class.
    pub size: SizeClass,
    /// Eligible and selected, since the last count.
    pub selected: u32,
    /// Of them, compared.
    pub compared: u32,
}

/// Bytes that are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not [`Record::SIZE`] bytes.
    #[error("an outcome record has {expected} bytes, these are {0}", expected = Record::SIZE)]
    Size(usize),
    /// Written by another version.
    #[error(
        "unknown version {0} of an outcome record: it was written by another version of crossfade"
    )]
    Version(u8),
    /// A field is out of its range.
    #[error("field {0} of an outcome record is out of range: the record is damaged")]
    Field(&'static str),
}

// === impl Record ===

impl Record {
    /// Bytes of one record.
    pub const SIZE: usize = 80;

    /// The attempt, or the shadow watch, that it belongs to.
    pub const fn attempt(&self) -> u64 {
        match self {
            Self::Answer(decided) => decided.attempt,
            Self::Pair(pair) => pair.attempt,
            Self::Differences(differences) => differences.attempt,
            Self::Coverage(coverage) => coverage.attempt,
        }
    }

    /// The moment it stands for, in microseconds since the Unix epoch: when the request was sent, or when it was counted.
    /// Not in order over kinds.
    pub const fn at_unix_micros(&self) -> u64 {
        match self {
            Self::Answer(decided) => decided.key.sent_unix_micros,
            Self::Pair(pair) => pair.key.sent_unix_micros,
            Self::Differences(differences) => differences.sent_unix_micros,
            Self::Coverage(coverage) => coverage.at_unix_micros,
        }
    }
}

impl From<Decided> for Record {
    fn from(decided: Decided) -> Self {
        Self::Answer(decided)
    }
}

impl From<DecidedPair> for Record {
    fn from(pair: DecidedPair) -> Self {
        Self::Pair(pair)
    }
}

// === impl Differences ===

impl Differences {
    /// Ten-thousandths, so that what is logged is what is computed with.
    const SCALE: f64 = 10_000.0;

    /// Of the gates that the request says something of; values are rounded to ten-thousandths and kept within −1..=1. What is
    /// no number is left out.
    pub fn new(
        sent_unix_micros: u64,
        attempt: u64,
        unit: Unit,
        values: impl IntoIterator<Item = (Gate, f64)>,
    ) -> Self {
        let mut kept = [None; Gate::ALL.len()];
        for (gate, value) in values {
            if let Some(place) = kept.get_mut(gate.index())
                && value.is_finite()
            {
                #[expect(clippy::cast_possible_truncation, reason = "within ±10 000")]
                let scaled = (value.clamp(-1.0, 1.0) * Self::SCALE).round() as i16;
                *place = Some(scaled);
            }
        }
        Self {
            sent_unix_micros,
            attempt,
            unit,
            values: kept,
        }
    }

    /// The gates it says something of, with `D − N` in −1..=1.
    pub fn iter(&self) -> impl Iterator<Item = (Gate, f64)> {
        Gate::ALL
            .iter()
            .zip(self.values)
            .filter_map(|(gate, value)| Some((*gate, f64::from(value?) / Self::SCALE)))
    }

    /// `D − N` of one gate in ten-thousandths; `None` where the request says nothing of it.
    pub(crate) fn scaled(&self, gate: Gate) -> Option<i16> {
        self.values.get(gate.index()).copied().flatten()
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests;
