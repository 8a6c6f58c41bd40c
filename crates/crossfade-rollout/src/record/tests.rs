//! Records: what is written is read, and nothing else is.

use crossfade_exchange::Metric;
use proptest::prelude::*;

use super::*;

fn sample() -> Decided {
    Decided {
        key: OutcomeKey {
            sent_unix_micros: 1_790_000_000_123_456,
            replica: 3,
            sequence: 99,
        },
        attempt: 2,
        group: Group::Content,
        side: Side::Candidate,
        probability: 0.1,
        salt: 0x0123_4567_89ab_cdef,
        unit: Unit(0xfedc_ba98_7654_3210_0011_2233_4455_6677),
        applies: MetricSet::EMPTY
            .with(Metric::Envelope)
            .with(Metric::Refusal),
        bad: MetricSet::EMPTY.with(Metric::Refusal),
    }
}

#[test]
fn damaged_records_are_refused() {
    let check = |at: usize, value: &[u8], expected: DecodeError| {
        let mut record = Record::from(sample()).encode();
        record[at..at + value.len()].copy_from_slice(value);
        assert_eq!(Record::decode(&record), Err(expected), "{at}");
    };
    check(0, &[1], DecodeError::Version(1));
    check(1, &[9], DecodeError::Field("kind"));
    check(79, &[1], DecodeError::Field("padding"));
    check(2, &[2], DecodeError::Field("group"));
    check(2, &[0], DecodeError::Field("applies"));
    check(3, &[2], DecodeError::Field("side"));
    for no_probability in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        check(
            32,
            &f64::to_bits(no_probability).to_le_bytes(),
            DecodeError::Field("probability"),
        );
    }
    check(64, &[0xff, 0xff], DecodeError::Field("applies"));
    check(66, &[0xff, 0xff], DecodeError::Field("bad"));
    let record = Record::from(sample()).encode();
    assert_eq!(Record::decode(&record[1..]), Err(DecodeError::Size(79)));
    assert_eq!(Record::decode(&[]), Err(DecodeError::Size(0)));
}

#[test]
fn what_people_say_is_a_pair_of_its_own_group_and_older_bytes_stay() {
    let review = MetricSet::EMPTY.with(Metric::Review);
    let said = Record::Pair(DecidedPair {
        key: sample().key,
        attempt: 2,
        group: Group::Review,
        answer: Side::Primary,
        unit: Unit(7),
        applies: review,
        result: PairResult::Compared {
            primary: MetricSet::EMPTY,
            candidate: review,
        },
    });
    let bytes = said.encode();
    assert_eq!(bytes[..4], [2, 1, 2, 0]);
    assert_eq!(Record::decode(&bytes), Ok(said));
    // As the versions before wrote them.
    let mut content = Record::from(sample()).encode();
    assert_eq!(content[..4], [2, 0, 1, 1]);
    content[2] = 2;
    assert_eq!(Record::decode(&content), Err(DecodeError::Field("group")));
    let mut other = bytes;
    other[2] = 1;
    assert_eq!(Record::decode(&other), Err(DecodeError::Field("applies")));
}

proptest! {
    #[test]
    fn a_record_is_read_as_it_was_written(
        (sent, replica, sequence) in any::<(u64, u32, u64)>(),
        (attempt, salt, unit) in any::<(u64, u64, u128)>(),
        (content, candidate) in any::<(bool, bool)>(),
        probability in 1e-300_f64..0.999_999_999,
        (applies, bad) in any::<(u16, u16)>(),
    ) {
        let group = if content { Group::Content } else { Group::Arrival };
        let applies = MetricSet::from_bits(applies).of_group(group);
        let decided = Decided {
            key: OutcomeKey { sent_unix_micros: sent, replica, sequence },
            attempt,
            group,
            side: if candidate { Side::Candidate } else { Side::Primary },
            probability,
            salt,
            unit: Unit(unit),
            applies,
            bad: MetricSet::from_bits(bad).and(applies),
        };
        let record = Record::Answer(decided);
        prop_assert_eq!(Record::decode(&record.encode()), Ok(record));
    }

    #[test]
    fn pairs_differences_and_coverage_are_read_as_they_were_written(
        (sent, sequence, attempt, unit) in any::<(u64, u64, u64, u128)>(),
        (group, candidate) in (0..Group::ALL.len(), any::<bool>()),
        (applies, primary, theirs) in any::<(u16, u16, u16)>(),
        result in 0..3,
        values in proptest::collection::vec((0..Gate::ALL.len(), -1.0..1.0_f64), 0..9),
        (size, compared, more) in (0..SizeClass::ALL.len(), 0..u32::MAX / 2, 0..u32::MAX / 2),
    ) {
        let group = Group::ALL[group];
        let applies = MetricSet::from_bits(applies).of_group(group);
        let within = |bits| MetricSet::from_bits(bits).and(applies);
        let pair = Record::Pair(DecidedPair {
            key: OutcomeKey { sent_unix_micros: sent, replica: 0, sequence },
            attempt,
            group,
            answer: if candidate { Side::Candidate } else { Side::Primary },
            unit: Unit(unit),
            applies,
            result: match result {
                0 => PairResult::Compared { primary: within(primary), candidate: within(theirs) },
                1 => PairResult::PrimaryFailed,
                _ => PairResult::BreakerOpen { primary: within(primary) },
            },
        });
        prop_assert_eq!(Record::decode(&pair.encode()), Ok(pair));
        let values = values.into_iter().map(|(gate, value)| (Gate::ALL[gate], value));
        let differences = Record::Differences(Differences::new(sent, attempt, Unit(unit), values));
        prop_assert_eq!(Record::decode(&differences.encode()), Ok(differences));
        let coverage = Record::Coverage(Coverage {
            at_unix_micros: sent,
            attempt,
            size: SizeClass::ALL[size],
            selected: compared + more,
            compared,
        });
        prop_assert_eq!(Record::decode(&coverage.encode()), Ok(coverage));
    }

    #[test]
    fn any_bytes_are_read_or_refused(record in proptest::collection::vec(any::<u8>(), 0..82)) {
        if let Ok(decided) = Record::decode(&record) {
            prop_assert_eq!(&decided.encode()[..], &record[..]);
        }
    }
}
