//! Records: what is written is read, and nothing else is.

use crossfade_exchange::Metric;
use proptest::prelude::*;

use super::*;

fn sample() -> Decided {
    Decided {
        key: DrawKey {
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
        let mut record = sample().encode();
        record[at..at + value.len()].copy_from_slice(value);
        assert_eq!(Decided::decode(&record), Err(expected), "{at}");
    };
    check(0, &[2], DecodeError::Version(2));
    check(1, &[2], DecodeError::Field("group"));
    check(1, &[0], DecodeError::Field("applies"));
    check(2, &[2], DecodeError::Field("side"));
    for no_probability in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        check(
            31,
            &f64::to_bits(no_probability).to_le_bytes(),
            DecodeError::Field("probability"),
        );
    }
    check(63, &[0xff, 0xff], DecodeError::Field("applies"));
    check(65, &[0xff, 0xff], DecodeError::Field("bad"));
    let record = sample().encode();
    assert_eq!(Decided::decode(&record[1..]), Err(DecodeError::Size(66)));
    assert_eq!(Decided::decode(&[]), Err(DecodeError::Size(0)));
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
            key: DrawKey { sent_unix_micros: sent, replica, sequence },
            attempt,
            group,
            side: if candidate { Side::Candidate } else { Side::Primary },
            probability,
            salt,
            unit: Unit(unit),
            applies,
            bad: MetricSet::from_bits(bad).and(applies),
        };
        prop_assert_eq!(Decided::decode(&decided.encode()), Ok(decided));
    }

    #[test]
    fn any_bytes_are_read_or_refused(record in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(decided) = Decided::decode(&record) {
            prop_assert_eq!(&decided.encode()[..], &record[..]);
        }
    }
}
