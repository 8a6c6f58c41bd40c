//! Who answers, case by case, and that the coin is one.

use crossfade_exchange::RouteId;
use proptest::prelude::*;

use super::*;
use crate::Stage;

const OPEN: DecideFacts = DecideFacts {
    unit: Unit(42),
    eligible: true,
    mirror_only: false,
    admitted: true,
    lease_valid: true,
    breaker_open: false,
    killed: false,
    named: None,
    internal: false,
    outcomes_room: true,
};

fn split(percent: f64) -> Split {
    let share = Percent::new(percent).unwrap();
    let stage = if share.is_zero() {
        Stage::Shadow
    } else {
        Stage::Ramp
    };
    Split {
        share,
        stage,
        salt: 7,
        ..Split::initial(RouteId::new("support"))
    }
}

fn plan(share: f64, reverse_share: f64) -> MirrorPlan {
    MirrorPlan {
        share: Percent::new(share).unwrap(),
        reverse_share: Percent::new(reverse_share).unwrap(),
    }
}

fn check(percent: f64, facts: DecideFacts, answer: Side, reason: AnswerReason) {
    let got = decide(&split(percent), &plan(100.0, 0.0), &facts);
    assert_eq!(
        (got.answer, got.reason),
        (answer, reason),
        "{percent} {facts:?}"
    );
    assert_eq!(got.drawn, reason == AnswerReason::Drawn);
    let probability = match (got.drawn, answer) {
        (true, _) => percent / 100.0,
        (false, Side::Candidate) => 1.0,
        (false, Side::Primary) => 0.0,
    };
    assert!((got.probability - probability).abs() < 1e-15);
    assert_eq!(got.salt, 7);
}

#[test]
fn the_first_reason_that_holds_decides() {
    use AnswerReason as R;
    use Side::{Candidate as C, Primary as P};
    let full = DecideFacts {
        outcomes_room: false,
        ..OPEN
    };
    let breaker = DecideFacts {
        breaker_open: true,
        ..full
    };
    let lease = DecideFacts {
        lease_valid: false,
        ..breaker
    };
    let admitted = DecideFacts {
        admitted: false,
        ..lease
    };
    let killed = DecideFacts {
        killed: true,
        ..admitted
    };
    let primary = DecideFacts {
        named: Some(P),
        ..killed
    };
    let mirror_only = DecideFacts {
        mirror_only: true,
        ..primary
    };
    let ineligible = DecideFacts {
        eligible: false,
        ..mirror_only
    };

    check(0.0, OPEN, P, R::Share);
    check(100.0, OPEN, C, R::Share);
    check(1e-12, OPEN, P, R::Drawn);
    check(99.999_999_999_9, OPEN, C, R::Drawn);
    for percent in [0.0, 50.0, 100.0] {
        check(percent, breaker, P, R::Breaker);
        check(percent, lease, P, R::LeaseExpired);
        check(percent, admitted, P, R::NotAdmitted);
        check(percent, killed, P, R::Killed);
        check(percent, primary, P, R::Named);
        check(percent, mirror_only, P, R::MirrorOnly);
        check(percent, ineligible, P, R::Ineligible);
    }
    // Where nothing is drawn, nothing needs room.
    check(0.0, full, P, R::Share);
    check(50.0, full, P, R::OutcomesFull);
    check(100.0, full, C, R::Share);
}

#[test]
fn callers_of_the_house_are_assigned_where_the_stage_lets_the_candidate_answer() {
    use AnswerReason as R;
    use Side::{Candidate as C, Primary as P};
    let own = DecideFacts {
        internal: true,
        ..OPEN
    };
    let check = |stage, percent, facts: DecideFacts, answer, reason| {
        let split = Split {
            stage,
            ..split(percent)
        };
        let got = decide(&split, &plan(100.0, 0.0), &facts);
        assert_eq!((got.answer, got.reason), (answer, reason), "{stage}");
        assert_eq!(got.drawn, reason == R::Drawn);
    };
    for stage in [Stage::Replay, Stage::Shadow] {
        check(stage, 0.0, own, P, R::Share);
    }
    check(Stage::Internal, 0.0, own, C, R::Internal);
    check(Stage::Slice, 1.0, own, C, R::Internal);
    check(Stage::Ramp, 50.0, own, C, R::Internal);
    check(Stage::Window, 100.0, own, C, R::Internal);
    check(Stage::Internal, 0.0, OPEN, P, R::Share);
    let named = |side| DecideFacts {
        named: Some(side),
        ..own
    };
    check(Stage::Ramp, 50.0, named(P), P, R::Named);
    check(Stage::Ramp, 50.0, named(C), C, R::Named);
    // No room for a drawn answer is needed, since none is drawn.
    let full = DecideFacts {
        outcomes_room: false,
        ..own
    };
    check(Stage::Internal, 0.0, full, C, R::Internal);
    let lease = DecideFacts {
        lease_valid: false,
        ..own
    };
    check(Stage::Internal, 0.0, lease, P, R::LeaseExpired);
    let breaker = DecideFacts {
        breaker_open: true,
        ..own
    };
    check(Stage::Internal, 0.0, breaker, P, R::Breaker);
    let stranger = DecideFacts {
        admitted: false,
        ..own
    };
    check(Stage::Internal, 0.0, stranger, P, R::NotAdmitted);
    let killed = DecideFacts {
        killed: true,
        ..own
    };
    check(Stage::Internal, 0.0, killed, P, R::Killed);
    let lossy = DecideFacts {
        mirror_only: true,
        ..own
    };
    check(Stage::Internal, 0.0, lossy, P, R::MirrorOnly);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn a_name_is_no_way_around_what_the_candidate_needs() {
    use AnswerReason as R;
    use Side::{Candidate as C, Primary as P};
    let named = |side| DecideFacts {
        named: Some(side),
        ..OPEN
    };
    check(50.0, named(C), C, R::Named);
    check(50.0, named(P), P, R::Named);
    check(100.0, named(P), P, R::Named);
    // Nor around a stage in which nobody may have it.
    check(0.0, named(C), P, R::Share);
    check(
        50.0,
        DecideFacts {
            outcomes_room: false,
            ..named(C)
        },
        C,
        R::Named,
    );
    check(
        50.0,
        DecideFacts {
            breaker_open: true,
            ..named(C)
        },
        P,
        R::Breaker,
    );
    check(
        50.0,
        DecideFacts {
            lease_valid: false,
            ..named(C)
        },
        P,
        R::LeaseExpired,
    );
    check(
        50.0,
        DecideFacts {
            admitted: false,
            ..named(C)
        },
        P,
        R::NotAdmitted,
    );
    check(
        50.0,
        DecideFacts {
            killed: true,
            ..named(C)
        },
        P,
        R::Killed,
    );
    check(
        50.0,
        DecideFacts {
            mirror_only: true,
            ..named(C)
        },
        P,
        R::MirrorOnly,
    );
    check(
        50.0,
        DecideFacts {
            eligible: false,
            ..named(C)
        },
        P,
        R::Ineligible,
    );
}

#[test]
fn a_copy_goes_to_the_other_side_if_it_is_selected() {
    use Side::{Candidate as C, Primary as P};
    let check = |percent, mirror: (f64, f64), facts: DecideFacts, expected| {
        let got = decide(&split(percent), &plan(mirror.0, mirror.1), &facts);
        assert_eq!(
            (got.shadow, got.inclusion),
            expected,
            "{percent} {mirror:?} {facts:?}"
        );
    };
    check(0.0, (100.0, 0.0), OPEN, (Some(C), 1.0));
    let mirror_only = DecideFacts {
        mirror_only: true,
        ..OPEN
    };
    check(50.0, (100.0, 0.0), mirror_only, (Some(C), 1.0));
    check(100.0, (100.0, 0.0), mirror_only, (Some(C), 1.0));
    check(0.0, (0.0, 100.0), OPEN, (None, 0.0));
    check(100.0, (100.0, 0.0), OPEN, (None, 0.0));
    check(100.0, (0.0, 100.0), OPEN, (Some(P), 1.0));
    check(
        0.0,
        (100.0, 0.0),
        DecideFacts {
            eligible: false,
            ..OPEN
        },
        (None, 0.0),
    );
    check(
        0.0,
        (100.0, 0.0),
        DecideFacts {
            killed: true,
            ..OPEN
        },
        (None, 0.0),
    );
    check(
        0.0,
        (100.0, 0.0),
        DecideFacts {
            admitted: false,
            ..OPEN
        },
        (Some(C), 1.0),
    );
    check(
        0.0,
        (100.0, 0.0),
        DecideFacts {
            breaker_open: true,
            ..OPEN
        },
        (Some(C), 1.0),
    );
}

#[test]
fn nothing_is_copied_where_mirroring_is_off_or_a_golden_set_is_what_counts() {
    let off = Split {
        mirror_enabled: false,
        ..split(0.0)
    };
    let replay = Split {
        stage: Stage::Replay,
        ..split(0.0)
    };
    for split in [off, replay] {
        let got = decide(&split, &plan(100.0, 100.0), &OPEN);
        assert_eq!(
            (got.answer, got.shadow),
            (Side::Primary, None),
            "{}",
            split.stage
        );
    }
}

/// The draws are in the outcome log: they must never change.
#[test]
fn draws_are_what_they_always_were() {
    let check =
        |got: f64, expected: u64| assert_eq!(got.to_bits(), expected, "{:#x}", got.to_bits());
    check(draw(0, Unit(0)), 0x3fe9_ee07_b497_dc54);
    check(draw(7, Unit(42)), 0x3fde_28b6_9d6d_4204);
    check(selection(Unit(42)), 0x3fe9_8c1c_9d80_af90);
}

#[test]
fn the_coin_is_fair_and_tells_nothing_about_the_copy() {
    let (mut candidates, mut selected, mut both) = (0.0, 0.0, 0.0);
    let (split, plan, n) = (split(10.0), plan(30.0, 30.0), 100_000_u32);
    for unit in 0..n {
        let facts = DecideFacts {
            unit: Unit(unit.into()),
            ..OPEN
        };
        let got = decide(&split, &plan, &facts);
        let candidate = f64::from(u8::from(got.answer == Side::Candidate));
        let copy = f64::from(u8::from(got.shadow.is_some()));
        candidates += candidate;
        selected += copy;
        both += candidate * copy;
    }
    let n = f64::from(n);
    // Five standard deviations of each.
    for (got, p) in [(candidates, 0.1), (selected, 0.3), (both, 0.03_f64)] {
        assert!(
            (got / n - p).abs() < 5.0 * (p * (1.0 - p) / n).sqrt(),
            "{got} {p}"
        );
    }
}

proptest! {
    /// A larger share keeps every unit that the candidate already answers, and a salt draws anew.
    #[test]
    fn a_raise_keeps_the_candidates_units(unit: u128, low in 0.0_f64..100.0, more in 0.0_f64..100.0) {
        let high = (low + more).min(100.0);
        let at = |percent| {
            decide(&split(percent), &plan(0.0, 0.0), &DecideFacts { unit: Unit(unit), ..OPEN }).answer
        };
        prop_assert!(at(low) == Side::Primary || at(high) == Side::Candidate);
        prop_assert!((0.0..1.0).contains(&draw(3, Unit(unit))));
        prop_assert_ne!(draw(3, Unit(unit)).to_bits(), draw(4, Unit(unit)).to_bits());
    }

    /// Whatever is known of a request, the candidate answers only with all that the rule of safety asks.
    #[test]
    fn the_candidate_answers_only_when_everything_allows_it(
        unit: u128,
        percent in 0.0_f64..=100.0,
        (eligible, admitted, lease_valid) in any::<(bool, bool, bool)>(),
        (breaker_open, killed, outcomes_room) in any::<(bool, bool, bool)>(),
        mirror_only: bool,
        named in proptest::option::of(proptest::sample::select(Side::ALL)),
        internal: bool,
        stage in proptest::sample::select(Stage::ALL),
    ) {
        let unit = Unit(unit);
        let facts = DecideFacts {
            unit, eligible, mirror_only, admitted, lease_valid, breaker_open, killed, named, internal, outcomes_room,
        };
        let split = Split { stage, ..split(percent) };
        let got = decide(&split, &plan(50.0, 50.0), &facts);
        let own = (internal || named.is_some()) && stage.lets_candidate_answer();
        let allowed = eligible && !mirror_only && admitted && lease_valid && !breaker_open && !killed && (percent > 0.0 || own);
        prop_assert!(got.answer == Side::Primary || allowed);
        prop_assert!(!got.drawn || allowed && named.is_none() && outcomes_room && split.is_drawn());
        prop_assert!(!got.drawn || got.probability > 0.0 && got.probability < 1.0);
        prop_assert!(!(got.drawn && internal && stage.lets_candidate_answer()), "who is assigned is not drawn");
        prop_assert!(got.shadow != Some(got.answer));
        prop_assert_eq!(got, decide(&split, &plan(50.0, 50.0), &facts));
    }
}
