//! The bytes of a record: version, kind, then the kind's fields, little-endian; the rest is zeros.

use crossfade_exchange::{Gate, Group, MetricSet, OutcomeKey, Side, SizeClass, Unit};

use super::{Coverage, Decided, DecidedPair, DecodeError, Differences, PairResult, Record};

const VERSION: u8 = 2;

impl Record {
    /// The record's bytes.
    pub fn encode(&self) -> [u8; Self::SIZE] {
        let mut record = [0; Self::SIZE];
        let mut to = Writer(&mut record);
        to.put([VERSION]);
        match self {
            Self::Answer(decided) => {
                to.put([0]);
                to.answer(decided);
            }
            Self::Pair(pair) => {
                to.put([1]);
                to.pair(pair);
            }
            Self::Differences(differences) => {
                to.put([2]);
                to.differences(differences);
            }
            Self::Coverage(coverage) => {
                to.put([3]);
                to.coverage(*coverage);
            }
        }
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
        let decoded = match from.take::<1>()? {
            [0] => Self::Answer(from.answer()?),
            [1] => Self::Pair(from.pair()?),
            [2] => Self::Differences(from.differences()?),
            [3] => Self::Coverage(from.coverage()?),
            [_] => return Err(DecodeError::Field("kind")),
        };
        if from.0.iter().any(|byte| *byte != 0) {
            return Err(DecodeError::Field("padding"));
        }
        Ok(decoded)
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

    fn key(&mut self, key: OutcomeKey) {
        self.put(key.sent_unix_micros.to_le_bytes());
        self.put(key.replica.to_le_bytes());
        self.put(key.sequence.to_le_bytes());
    }

    fn set(&mut self, set: MetricSet) {
        self.put(set.bits().to_le_bytes());
    }

    fn side(&mut self, side: Side) {
        self.put([u8::from(side == Side::Candidate)]);
    }

    fn group(&mut self, group: Group) {
        self.put([match group {
            Group::Arrival => 0,
            Group::Content => 1,
            Group::Review => 2,
        }]);
    }

    fn answer(&mut self, decided: &Decided) {
        self.group(decided.group);
        self.side(decided.side);
        self.key(decided.key);
        self.put(decided.attempt.to_le_bytes());
        self.put(decided.probability.to_bits().to_le_bytes());
        self.put(decided.salt.to_le_bytes());
        self.put(decided.unit.0.to_le_bytes());
        self.set(decided.applies);
        self.set(decided.bad);
    }

    fn pair(&mut self, pair: &DecidedPair) {
        self.group(pair.group);
        self.side(pair.answer);
        self.key(pair.key);
        self.put(pair.attempt.to_le_bytes());
        self.put(pair.unit.0.to_le_bytes());
        self.set(pair.applies);
        match pair.result {
            PairResult::Compared { primary, candidate } => {
                self.put([0]);
                self.set(primary);
                self.set(candidate);
            }
            PairResult::PrimaryFailed => self.put([1]),
            PairResult::BreakerOpen { primary } => {
                self.put([2]);
                self.set(primary);
            }
        }
    }

    fn differences(&mut self, differences: &Differences) {
        self.put(differences.sent_unix_micros.to_le_bytes());
        self.put(differences.attempt.to_le_bytes());
        self.put(differences.unit.0.to_le_bytes());
        let present = differences.values.iter().enumerate();
        let mask = present.fold(0_u32, |mask, (at, value)| {
            mask | u32::from(value.is_some()) << at
        });
        self.put(mask.to_le_bytes());
        for value in differences.values {
            self.put(value.unwrap_or(0).to_le_bytes());
        }
    }

    fn coverage(&mut self, coverage: Coverage) {
        self.put(coverage.at_unix_micros.to_le_bytes());
        self.put(coverage.attempt.to_le_bytes());
        self.put([u8::try_from(coverage.size.index()).unwrap_or(u8::MAX)]);
        self.put(coverage.selected.to_le_bytes());
        self.put(coverage.compared.to_le_bytes());
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

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.take().map(u64::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.take().map(u32::from_le_bytes)
    }

    fn unit(&mut self) -> Result<Unit, DecodeError> {
        self.take().map(|bytes| Unit(u128::from_le_bytes(bytes)))
    }

    fn key(&mut self) -> Result<OutcomeKey, DecodeError> {
        Ok(OutcomeKey {
            sent_unix_micros: self.u64()?,
            replica: self.u32()?,
            sequence: self.u64()?,
        })
    }

    fn set(&mut self, within: MetricSet, name: &'static str) -> Result<MetricSet, DecodeError> {
        let bits = u16::from_le_bytes(self.take()?);
        if bits & !within.bits() == 0 {
            Ok(MetricSet::from_bits(bits))
        } else {
            Err(DecodeError::Field(name))
        }
    }

    fn group(&mut self) -> Result<Group, DecodeError> {
        match self.take()? {
            [0] => Ok(Group::Arrival),
            [1] => Ok(Group::Content),
            [2] => Ok(Group::Review),
            [_] => Err(DecodeError::Field("group")),
        }
    }

    fn side(&mut self) -> Result<Side, DecodeError> {
        match self.take()? {
            [0] => Ok(Side::Primary),
            [1] => Ok(Side::Candidate),
            [_] => Err(DecodeError::Field("side")),
        }
    }

    fn answer(&mut self) -> Result<Decided, DecodeError> {
        let (group, side, key) = (self.group()?, self.side()?, self.key()?);
        // People look at pairs, not at one answer.
        if group == Group::Review {
            return Err(DecodeError::Field("group"));
        }
        let attempt = self.u64()?;
        let probability = f64::from_bits(self.u64()?);
        if !(probability > 0.0 && probability < 1.0) {
            return Err(DecodeError::Field("probability"));
        }
        let (salt, unit) = (self.u64()?, self.unit()?);
        let applies = self.set(MetricSet::all().of_group(group), "applies")?;
        let bad = self.set(applies, "bad")?;
        Ok(Decided {
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

    fn pair(&mut self) -> Result<DecidedPair, DecodeError> {
        let (group, answer, key) = (self.group()?, self.side()?, self.key()?);
        let (attempt, unit) = (self.u64()?, self.unit()?);
        let applies = self.set(MetricSet::all().of_group(group), "applies")?;
        let result = match self.take()? {
            [0] => PairResult::Compared {
                primary: self.set(applies, "primary")?,
                candidate: self.set(applies, "candidate")?,
            },
            [1] => PairResult::PrimaryFailed,
            [2] => PairResult::BreakerOpen {
                primary: self.set(applies, "primary")?,
            },
            [_] => return Err(DecodeError::Field("result")),
        };
        Ok(DecidedPair {
            key,
            attempt,
            group,
            answer,
            unit,
            applies,
            result,
        })
    }

    fn differences(&mut self) -> Result<Differences, DecodeError> {
        let (sent_unix_micros, attempt, unit) = (self.u64()?, self.u64()?, self.unit()?);
        let mask = self.u32()?;
        if mask >> Gate::ALL.len() != 0 {
            return Err(DecodeError::Field("mask"));
        }
        let mut values = [None; Gate::ALL.len()];
        for (at, place) in values.iter_mut().enumerate() {
            let value = i16::from_le_bytes(self.take()?);
            let present = mask & 1 << at != 0;
            if !(-10_000..=10_000).contains(&value) || !present && value != 0 {
                return Err(DecodeError::Field("values"));
            }
            *place = present.then_some(value);
        }
        Ok(Differences {
            sent_unix_micros,
            attempt,
            unit,
            values,
        })
    }

    fn coverage(&mut self) -> Result<Coverage, DecodeError> {
        let (at_unix_micros, attempt) = (self.u64()?, self.u64()?);
        let [size] = self.take()?;
        let size = SizeClass::ALL.get(usize::from(size)).copied();
        let coverage = Coverage {
            at_unix_micros,
            attempt,
            size: size.ok_or(DecodeError::Field("size"))?,
            selected: self.u32()?,
            compared: self.u32()?,
        };
        if coverage.compared > coverage.selected {
            return Err(DecodeError::Field("compared"));
        }
        Ok(coverage)
    }
}
