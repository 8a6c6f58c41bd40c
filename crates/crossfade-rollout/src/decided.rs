//! One decided answer in one group of metrics: what the outcome log holds and the tests eat. Framing, checksums and
//! files are the log's business.

use crossfade_exchange::{DrawKey, Group, MetricSet, Side, Unit};

/// A drawn answer, decided in one group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// Its place in the order.
    pub key: DrawKey,
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

/// Bytes that are no decided answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not [`Decided::SIZE`] bytes.
    #[error("a decided outcome has {expected} bytes, these are {0}", expected = Decided::SIZE)]
    Size(usize),
    /// Written by another version.
    #[error(
        "unknown version {0} of a decided outcome: it was written by another version of crossfade"
    )]
    Version(u8),
    /// A field is out of its range.
    #[error("field {0} of a decided outcome is out of range: the record is damaged")]
    Field(&'static str),
}

const VERSION: u8 = 1;

impl Decided {
    /// Bytes of one record.
    pub const SIZE: usize = 67;

    /// The record: version, group and side (a byte each), sent time, replica, sequence, attempt, probability, salt,
    /// unit, applies, bad; little-endian.
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut record = [0; Self::SIZE];
        let mut to = Writer(&mut record);
        to.put([VERSION]);
        to.put([u8::from(self.group == Group::Content)]);
        to.put([u8::from(self.side == Side::Candidate)]);
        to.put(self.key.sent_unix_micros.to_le_bytes());
        to.put(self.key.replica.to_le_bytes());
        to.put(self.key.sequence.to_le_bytes());
        to.put(self.attempt.to_le_bytes());
        to.put(self.probability.to_bits().to_le_bytes());
        to.put(self.salt.to_le_bytes());
        to.put(self.unit.0.to_le_bytes());
        to.put(self.applies.bits().to_le_bytes());
        to.put(self.bad.bits().to_le_bytes());
        record
    }

    /// Reads a record back; everything that no encoder writes is refused.
    pub fn decode(record: &[u8]) -> Result<Self, DecodeError> {
        if record.len() != Self::SIZE {
            return Err(DecodeError::Size(record.len()));
        }
        let mut from = Reader(record);
        match from.take::<1>()? {
            [VERSION] => {}
            [other] => return Err(DecodeError::Version(other)),
        }
        let group = match from.take::<1>()? {
            [0] => Group::Arrival,
            [1] => Group::Content,
            [_] => return Err(DecodeError::Field("group")),
        };
        let side = match from.take::<1>()? {
            [0] => Side::Primary,
            [1] => Side::Candidate,
            [_] => return Err(DecodeError::Field("side")),
        };
        let key = DrawKey {
            sent_unix_micros: u64::from_le_bytes(from.take()?),
            replica: u32::from_le_bytes(from.take()?),
            sequence: u64::from_le_bytes(from.take()?),
        };
        let attempt = u64::from_le_bytes(from.take()?);
        let probability = f64::from_bits(u64::from_le_bytes(from.take()?));
        if !(probability > 0.0 && probability < 1.0) {
            return Err(DecodeError::Field("probability"));
        }
        let salt = u64::from_le_bytes(from.take()?);
        let unit = Unit(u128::from_le_bytes(from.take()?));
        let applies = set(from.take()?, MetricSet::all().of_group(group), "applies")?;
        let bad = set(from.take()?, applies, "bad")?;
        Ok(Self {
            key,
            attempt,
            group,
            side,
            probability,
            salt,
            unit,
            applies,
            bad,
        })
    }
}

fn set(bytes: [u8; 2], within: MetricSet, name: &'static str) -> Result<MetricSet, DecodeError> {
    let bits = u16::from_le_bytes(bytes);
    if bits & !within.bits() == 0 {
        Ok(MetricSet::from_bits(bits))
    } else {
        Err(DecodeError::Field(name))
    }
}

struct Writer<'a>(&'a mut [u8]);

impl Writer<'_> {
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        if let Some((head, tail)) = std::mem::take(&mut self.0).split_first_chunk_mut::<N>() {
            *head = bytes;
            self.0 = tail;
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (head, tail) = self
            .0
            .split_first_chunk::<N>()
            .ok_or(DecodeError::Size(self.0.len()))?;
        self.0 = tail;
        Ok(*head)
    }
}

#[cfg(test)]
mod tests;
