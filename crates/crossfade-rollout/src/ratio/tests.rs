//! The coin's ratio, kept and broken.

use super::*;
use crate::draw;

const SALT: u64 = 5;

fn side(w: f64, unit: u128) -> Side {
    if draw(SALT, Unit(unit)) < w {
        Side::Candidate
    } else {
        Side::Primary
    }
}

/// After how many units it is found broken, if `lost` says which are lost on the way.
fn found(w: f64, units: u128, lost: impl Fn(Side, u128) -> bool) -> Option<u128> {
    let mut ratio = SampleRatio::new();
    (0..units).find(|unit| {
        let side = side(w, *unit);
        if !lost(side, *unit) {
            // As often as it likes: once is what counts.
            for _ in 0..3 {
                ratio.answer(side, w, SALT, Unit(*unit));
            }
        }
        ratio.is_broken()
    })
}

#[test]
fn a_kept_ratio_is_not_broken_and_a_lost_side_is() {
    for w in [0.01, 0.1, 0.5, 0.95] {
        assert_eq!(found(w, 30_000, |_, _| false), None, "{w}");
    }
    let half = |of: Side| move |side: Side, unit: u128| side == of && unit.is_multiple_of(2);
    for (w, of) in [
        (0.1, Side::Candidate),
        (0.5, Side::Primary),
        (0.9, Side::Primary),
    ] {
        assert!(found(w, 30_000, half(of)).is_some(), "{w} {of}");
    }
    let all = |side: Side, _: u128| side == Side::Candidate;
    assert!(found(0.5, 200, all).is_some());
    assert!(found(0.05, 2_000, all).is_some());
}

#[test]
fn a_unit_counts_once_for_each_salt_and_not_under_salts_long_gone() {
    let mut ratio = SampleRatio::new();
    let after = |ratio: &mut SampleRatio, salt: u64| {
        let before = ratio.bets.clone();
        ratio.answer(Side::Primary, 0.5, salt, Unit(1));
        ratio.bets != before
    };
    for (salt, counts) in [
        (1, true),
        (1, false),
        (2, true),
        (1, false),
        (3, true),
        (1, false),
        (2, false),
    ] {
        assert_eq!(after(&mut ratio, salt), counts, "{salt}");
    }
    assert!(ratio.memory_bytes() < 3 << 20);
}

#[test]
fn a_kept_ratio_is_seldom_taken_for_a_broken_one() {
    // Three hundred attempts of 5 000 units each: at α = 0.1 % even two are improbable.
    let broken = (0..300_u128)
        .filter(|attempt| {
            let mut ratio = SampleRatio::new();
            (0..5_000_u128).any(|unit| {
                let unit = attempt << 64 | unit;
                ratio.answer(side(0.2, unit), 0.2, SALT, Unit(unit));
                ratio.is_broken()
            })
        })
        .count();
    assert!(broken <= 2, "{broken} of 300");
}
