//! The fold under random records.

use proptest::prelude::*;

use super::*;

fn record() -> impl Strategy<Value = Record> {
    let of = (
        0..4,
        0..30_u8,
        0..4_000_u64,
        any::<(u16, u16, bool)>(),
        0..8_i32,
    );
    of.prop_map(|(kind, unit, at, (first, second, content), luck)| {
        let (unit, at) = (u128::from(unit), at * SECOND);
        let group = if content {
            Group::Content
        } else {
            Group::Arrival
        };
        let bad = |bits: u16| {
            let set = if luck < 2 { bits } else { 0 };
            MetricSet::from_bits(set).of_group(group)
        };
        match kind {
            0 => {
                let applies = MetricSet::all().of_group(group);
                Record::Answer(Decided {
                    group,
                    applies,
                    bad: bad(first),
                    ..answer(unit, at, 0.3, luck == 7)
                })
            }
            1 => pair(
                group,
                unit,
                at,
                match luck {
                    7 => PairResult::PrimaryFailed,
                    6 => PairResult::BreakerOpen {
                        primary: MetricSet::EMPTY,
                    },
                    _ => PairResult::Compared {
                        primary: bad(first),
                        candidate: bad(second),
                    },
                },
            ),
            2 => Record::Differences(Differences::new(
                at,
                1,
                Unit(unit),
                [
                    (Gate::Label, f64::from(luck - 4) / 4.0),
                    (Gate::Citations, 0.1),
                ],
            )),
            _ => clock(at),
        }
    })
}

proptest! {
    /// Whoever folds the same records knows the same to the bit, from the beginning or from a copy made on the way.
    #[test]
    fn the_fold_is_the_same_to_the_bit(
        records in proptest::collection::vec(record(), 1..400),
        cut in any::<proptest::sample::Index>(),
        watch in any::<bool>(),
    ) {
        let phase = if watch { Phase::Shadow } else { Phase::Attempt };
        let begin = || Running::new(facts(phase, Metric::ALL, Gate::ALL));
        let cut = cut.index(records.len());
        let (mut whole, mut copied) = (begin(), None);
        for (at, record) in records.iter().enumerate() {
            if at == cut {
                whole.stage_entered(at as u64);
                copied = Some(whole.clone());
            }
            whole.apply(record);
        }
        let mut copied = copied.unwrap();
        let mut again = begin();
        for (at, record) in records.iter().enumerate() {
            if at == cut {
                again.stage_entered(at as u64);
            }
            again.apply(record);
            if at >= cut {
                copied.apply(record);
            }
        }
        let said = |running: &Running| {
            let evidence = serde_json::to_string(&running.evidence()).unwrap();
            (evidence, running.alarm().copied())
        };
        prop_assert_eq!(said(&whole), said(&again));
        prop_assert_eq!(said(&whole), said(&copied));
        for metric in whole.evidence().metrics {
            prop_assert!(metric.w.is_finite() && metric.w > 0.0);
            prop_assert!(metric.w_pairs.is_finite() && metric.w_pairs > 0.0);
        }
    }
}
