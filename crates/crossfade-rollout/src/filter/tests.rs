//! First means first, and only sometimes not.

use proptest::prelude::*;

use super::*;

#[test]
fn each_unit_is_first_once_for_each_metric_and_salt() {
    let mut filter = UnitFilter::new(1);
    for metric in Metric::ALL {
        for unit in 0..50 {
            assert!(filter.first(*metric, Unit(unit)), "{metric} {unit}");
            assert!(!filter.first(*metric, Unit(unit)), "{metric} {unit}");
        }
    }
    assert!(UnitFilter::new(2).first(Metric::Slow, Unit(0)));
    assert_eq!(UnitFilter::BYTES * 8, 1 << 23);
}

#[test]
fn a_hundred_thousand_units_hide_few_new_ones() {
    let mut filter = UnitFilter::new(9);
    let hidden = (0..100_000_u128)
        .filter(|u| !filter.first(Metric::Refusal, Unit(*u)))
        .count();
    assert!(
        hidden <= 3,
        "{hidden} of 100 000 first events were taken for later ones"
    );
}

#[test]
fn salts_have_filters_of_their_own_and_the_oldest_goes() {
    let mut filters = Filters::<4>::default();
    for salt in 0..6 {
        assert!(filters.first_bad(salt, Metric::Slow, Unit(7)), "{salt}");
        assert!(!filters.first_bad(salt, Metric::Slow, Unit(7)), "{salt}");
    }
    // 0 and 1 are gone: nothing is first there any more, known or not. The last four still work.
    for (salt, expected) in [(0, false), (1, false), (2, true), (5, true)] {
        assert_eq!(
            filters.first_bad(salt, Metric::Slow, Unit(8)),
            expected,
            "{salt}"
        );
    }
    assert_eq!(filters.kept.len(), 4);
}

proptest! {
    /// Whatever came before, an event that was let in once is never let in again.
    #[test]
    fn never_first_twice(units in proptest::collection::vec(0_u128..200, 1..300)) {
        let mut filter = UnitFilter::new(3);
        let mut seen = std::collections::BTreeSet::new();
        for unit in units {
            let first = filter.first(Metric::Stream, Unit(unit));
            prop_assert!(!(first && seen.contains(&unit)));
            seen.insert(unit);
        }
    }
}
