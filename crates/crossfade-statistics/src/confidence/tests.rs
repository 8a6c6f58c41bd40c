//! Tests of the bounds: against vectors computed elsewhere, and by simulation.

use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;

fn near(found: f64, expected: f64, what: &str) {
    assert!(
        (found - expected).abs() < 2e-6,
        "{what}: {found} is not {expected}"
    );
}

/// Bounds that an independent program found by the same formula.
#[test]
fn rates_have_the_bounds_of_the_formula() {
    for (events, of, low, high) in [
        (0, 1, 0.0, 0.975),
        (0, 10, 0.0, 0.376_987),
        (0, 100, 0.0, 0.057_029),
        (1, 100, 0.000_014, 0.084_022),
        (5, 100, 0.007_149, 0.155_794),
        (50, 100, 0.338_258, 0.661_742),
        (500, 1_000, 0.442_418, 0.557_582),
        (10, 10_000, 0.000_207, 0.002_817),
        (1_000, 1_000, 0.993_002, 1.0),
    ] {
        let found = rate(events, of);
        let what = format!("{events} of {of}");
        near(found.low, low, &what);
        near(found.high, high, &what);
    }
}

/// Likewise for means.
#[test]
fn means_have_the_bounds_of_the_formula() {
    let check = |range, numbers: &[(f64, u32)], estimate, low, high| {
        let mut sequence = MeanSequence::new(range);
        for (number, times) in numbers {
            (0..*times).for_each(|_| sequence.push(*number));
        }
        let found = sequence.interval();
        let what = format!("{numbers:?}");
        near(found.estimate, estimate, &what);
        near(found.low, low, &what);
        near(found.high, high, &what);
    };
    let (unit, signed) = (Range::Unit, Range::Signed);
    check(signed, &[(0.0, 100)], 0.0, -0.062_685, 0.062_685);
    check(signed, &[(1.0, 10), (0.0, 90)], 0.1, 0.006_319, 0.231_851);
    let even = [(1.0, 10), (0.0, 80), (-1.0, 10)];
    check(signed, &even, 0.0, -0.162_466, 0.162_466);
    let shifted = [(1.0, 150), (0.0, 1_800), (-1.0, 50)];
    check(signed, &shifted, 0.05, 0.026_865, 0.074_478);
    check(unit, &[(1.0, 50), (0.0, 50)], 0.5, 0.336_433, 0.663_567);
    check(unit, &[(0.7, 500), (0.8, 500)], 0.75, 0.743_638, 0.755_307);
}

#[test]
fn nothing_seen_excludes_nothing() {
    assert_eq!((rate(0, 0).low, rate(0, 0).high), (0.0, 1.0));
    assert_eq!(Rate::new(0, 0).share, None);
    let found = MeanSequence::new(Range::Signed).interval();
    assert_eq!((found.estimate, found.low, found.high), (0.0, -1.0, 1.0));
}

/// Runs of a simulation.
const RUNS: u64 = 2_000;
/// Numbers in a run, looked at after each.
const STEPS: u64 = 250;

/// In how many runs a bound misses at any moment; at most one in twenty may.
fn misses(seed: u64, mut run: impl FnMut(&mut StdRng) -> bool) {
    let missed = (0..RUNS)
        .filter(|number| run(&mut StdRng::seed_from_u64(seed * RUNS + number)))
        .count() as u64;
    assert!(missed * 20 <= RUNS, "{missed} of {RUNS} runs miss");
    assert!(
        missed > 0,
        "bounds that never miss are too wide to be of use"
    );
}

#[test]
fn rates_cover_whenever_they_are_looked_at() {
    for (seed, p) in [(1, 0.02), (2, 0.1), (3, 0.5)] {
        misses(seed, |random| {
            let mut events = 0;
            (1..=STEPS).any(|of| {
                events += u64::from(random.random::<f64>() < p);
                !super::rate::holds(events, of, p)
            })
        });
    }
}

/// Draws of the difference of two events: 1, 0 or -1.
fn difference(random: &mut StdRng, more: f64, less: f64) -> f64 {
    let drawn = random.random::<f64>();
    if drawn < more {
        1.0
    } else if drawn < more + less {
        -1.0
    } else {
        0.0
    }
}

#[test]
fn means_cover_whenever_they_are_looked_at() {
    for (seed, more, less) in [(4, 0.08, 0.05), (5, 0.3, 0.3)] {
        misses(seed, |random| {
            let mut sequence = MeanSequence::new(Range::Signed);
            (0..STEPS).any(|_| {
                sequence.push(difference(random, more, less));
                !sequence.holds(more - less)
            })
        });
    }
}

/// Numbers between the points of the grid: the bounds are on the safe side.
#[test]
fn means_of_any_numbers_are_covered() {
    let missed = (0..400)
        .filter(|seed| {
            let random = &mut StdRng::seed_from_u64(77_000 + seed);
            let mut sequence = MeanSequence::new(Range::Unit);
            (0..STEPS).any(|_| {
                let drawn = random.random::<f64>();
                sequence.push(drawn * drawn);
                !sequence.holds(1.0 / 3.0)
            })
        })
        .count();
    assert!(missed <= 20, "{missed} of 400");
}

/// What `needed` foretells is about what it takes.
#[test]
fn needed_numbers_are_about_right() {
    let random = &mut StdRng::seed_from_u64(9);
    let mut sequence = MeanSequence::new(Range::Signed);
    let margin = 0.02;
    assert_eq!(sequence.needed(margin), None);
    while sequence.count() < 320 {
        sequence.push(difference(random, 0.09, 0.03));
    }
    let foretold = sequence.count() + sequence.needed(margin).unwrap();
    while sequence.interval().low <= margin {
        (0..16).for_each(|_| sequence.push(difference(random, 0.09, 0.03)));
        assert!(sequence.count() < 20_000, "never over the margin");
    }
    let needed = sequence.count();
    assert!(
        foretold <= 4 * needed && needed <= 4 * foretold,
        "{foretold} for {needed}"
    );
}

proptest! {
    #[test]
    fn rates_are_within_their_bounds(events in 0_u64..5_000, more in 0_u64..5_000) {
        let found = Rate::new(events, events + more);
        let share = found.share.unwrap_or(0.5);
        prop_assert!(0.0 <= found.low && found.low <= share);
        prop_assert!(share <= found.high && found.high <= 1.0);
        // Events and their opposite have mirrored bounds.
        let other = rate(more, events + more);
        prop_assert!((other.low - (1.0 - found.high)).abs() < 1e-9 || events + more == 0);
    }

    #[test]
    fn means_are_within_their_bounds(numbers in proptest::collection::vec(-2.0_f64..2.0, 0..200)) {
        let mut sequence = MeanSequence::new(Range::Signed);
        let mut mirrored = MeanSequence::new(Range::Signed);
        for number in &numbers {
            sequence.push(*number);
            mirrored.push(-*number);
        }
        sequence.push(f64::NAN);
        prop_assert_eq!(sequence.count(), numbers.len() as u64);
        let (found, other) = (sequence.interval(), mirrored.interval());
        prop_assert!(-1.0 <= found.low && found.low <= found.estimate);
        prop_assert!(found.estimate <= found.high && found.high <= 1.0);
        prop_assert!((found.low + other.high).abs() < 1e-6);
    }
}
