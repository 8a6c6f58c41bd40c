//! When the primary is in trouble, and when no more.

use super::*;

const SECOND: u64 = 1_000_000;

/// How many of `answers` at `rate`, evenly spread and ten a second, until the first sign.
fn until_sign(shadow: Option<f64>, every: u64, answers: u64) -> Option<u64> {
    let mut trouble = PrimaryTrouble::new(shadow);
    (0..answers).find(|i| {
        let clock = i * SECOND / 10;
        trouble.answer(i % every == every - 1, clock);
        trouble.last_sign(clock).is_some()
    })
}

#[test]
fn trouble_is_more_than_twice_what_the_shadow_saw_and_more_than_half_a_percent() {
    let check = |shadow, every, found: bool| {
        assert_eq!(
            until_sign(shadow, every, 36_000).is_some(),
            found,
            "{shadow:?} {every}"
        );
    };
    check(None, 1_000, false);
    check(None, 250, false);
    check(None, 10, true);
    check(Some(0.0), 250, false);
    check(Some(0.05), 10, false);
    check(Some(0.05), 4, true);
    check(Some(f64::NAN), 10, true);
    // However bad it was before.
    check(Some(0.9), 1, true);
}

#[test]
fn an_outage_shows_within_some_answers_even_after_a_long_good_hour() {
    let mut trouble = PrimaryTrouble::new(None);
    let start = 40 * RESTART_MICROS;
    for i in 0..100_000 {
        trouble.answer(false, start + i * SECOND / 100);
    }
    let clock = start + 1_001 * SECOND;
    let bad = (1..100).find(|_| {
        trouble.answer(true, clock);
        trouble.last_sign(clock).is_some()
    });
    assert!(bad.is_some_and(|n| n <= 6), "{bad:?}");
}

#[test]
fn it_is_over_after_fifteen_quiet_minutes_and_goes_on_while_signs_go_on() {
    let mut trouble = PrimaryTrouble::new(None);
    for _ in 0..20 {
        trouble.answer(true, 7 * SECOND);
    }
    assert_eq!(trouble.last_sign(7 * SECOND), Some(7 * SECOND));
    let quiet = 7 * SECOND + QUIET_MICROS;
    assert_eq!(trouble.last_sign(quiet - 1), Some(7 * SECOND));
    assert_eq!(trouble.last_sign(quiet), None);
    for _ in 0..20 {
        trouble.answer(true, quiet - SECOND);
    }
    assert_eq!(trouble.last_sign(quiet), Some(quiet - SECOND));
}

#[test]
fn each_hour_begins_anew() {
    let mut trouble = PrimaryTrouble::new(None);
    trouble.answer(true, RESTART_MICROS - 1);
    trouble.answer(false, RESTART_MICROS);
    let mut fresh = PrimaryTrouble::new(None);
    fresh.answer(false, RESTART_MICROS);
    assert_eq!(trouble, fresh);
}

#[test]
fn the_mean_factor_is_at_most_one_where_it_is_as_usual() {
    for rate in [0.0, 0.002, 0.01, 0.2, 0.4] {
        let trouble = PrimaryTrouble::new(Some(rate));
        let usual = (2.0 * rate).clamp(FLOOR, CEILING);
        for k in 0..BETS {
            let mean = usual * trouble.bad[k] + (1.0 - usual) * trouble.good[k];
            assert!((mean - 1.0).abs() < 1e-12, "{rate} {k}: {mean}");
            assert!(
                trouble.bad[k] >= 1.0 && trouble.good[k] >= 0.0,
                "{rate} {k}"
            );
        }
    }
}

#[test]
fn at_the_usual_rate_it_is_seldom_said() {
    // A thousand hours of 4 000 answers each, failing exactly as often as is usual: at most one false sign in a hundred.
    let mut random = 7_u64;
    let mut hours = 0;
    for hour in 1..=1_000 {
        let mut trouble = PrimaryTrouble::new(Some(0.01));
        let clock = hour * RESTART_MICROS;
        let found = (0..4_000).any(|_| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            trouble.answer((random >> 33) % 1_000 < 20, clock);
            trouble.last_sign(clock).is_some()
        });
        hours += u32::from(found);
    }
    assert!(hours <= 16, "{hours} of 1 000 hours");
}
