//! The reference's vector, bit for bit.

use super::*;

/// (candidate answered, bad, w) and W after it, to nine digits.
const VECTOR: [((Side, bool, f64), f64); 10] = [
    ((Side::Candidate, false, 0.1), 0.996_441_962),
    ((Side::Primary, true, 0.1), 0.800_537_281),
    ((Side::Candidate, true, 0.1), 1.495_164_540),
    ((Side::Candidate, true, 0.1), 3.932_494_081),
    ((Side::Primary, false, 0.1), 3.932_494_081),
    ((Side::Candidate, false, 0.1), 3.905_997_822),
    ((Side::Candidate, true, 0.25), 8.760_467_772),
    ((Side::Primary, true, 0.25), 3.431_304_162),
    ((Side::Candidate, true, 0.25), 6.953_943_268),
    ((Side::Candidate, true, 0.25), 15.368_831_425),
];

#[test]
fn the_reference_vector_holds() {
    let mut engine = EngineR::new(Metric::Transport);
    for ((side, bad, w), expected) in VECTOR {
        let got = engine.answer(side, bad, w);
        assert!(
            (got - expected).abs() < 5e-9,
            "{side} {bad} {w}: {got} {expected}"
        );
    }
}

/// Six thousand answers at six probabilities with a ramp step after each thousand: W after the 10th, 100th, 1 000th and
/// last, as bits, by an independent implementation.
fn check_long_run(metric: Metric, expected: [u64; 4]) {
    let mut engine = EngineR::new(metric);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut got = Vec::new();
    for i in 0..6_000_usize {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let x = u32::try_from(state >> 33).unwrap();
        let w = [0.01, 0.05, 0.1, 0.25, 0.5, 0.9][i / 500 % 6];
        let candidate = f64::from(x & 0xffff) / 65_536.0 < w;
        let bad = f64::from(x >> 16 & 0x7fff) / 32_768.0 < 0.02;
        let side = if candidate {
            Side::Candidate
        } else {
            Side::Primary
        };
        let after = engine.answer(side, bad, w);
        if i % 1_000 == 999 {
            engine.ramp_step();
        }
        if [9, 99, 999, 5_999].contains(&i) {
            got.push(after.to_bits());
        }
    }
    assert_eq!(got, expected, "{metric}");
}

#[test]
fn a_long_run_is_the_same_to_the_bit() {
    let common = [
        0x3ff0_0000_0000_0000,
        0x3fef_b199_aa39_106c,
        0x3ff0_a611_021e_5559,
        0x3fb2_93ce_a68a_b3d4,
    ];
    check_long_run(Metric::Transport, common);
    check_long_run(Metric::Cost, common);
    let slow = [
        0x3fec_dd2f_1a9f_be76,
        0x3fec_4dfe_1f51_a3d2,
        0x3feb_9a1e_e41c_ecb2,
        0x3fac_a163_de32_cd78,
    ];
    check_long_run(Metric::Slow, slow);
}

#[test]
fn evidence_is_bounded_and_never_negative() {
    for w in [1e-9, 0.001, 0.5, 0.999, 1.0 - 1e-12, 1.0 - f64::EPSILON] {
        let mut engine = EngineR::new(Metric::Refusal);
        for _ in 0..1_000 {
            assert!(engine.answer(Side::Candidate, true, w) <= 7.1e100, "{w}");
        }
        for _ in 0..1_000 {
            let after = engine.answer(Side::Primary, true, w);
            assert!(after.is_finite() && after > 0.0, "{w}: {after}");
        }
    }
}

#[test]
fn what_was_not_drawn_changes_nothing() {
    for w in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
        let mut engine = EngineR::new(Metric::Refusal);
        let before = engine.clone();
        engine.answer(Side::Candidate, true, w);
        assert_eq!(engine, before, "{w}");
    }
}

proptest::proptest! {
    /// While the candidate is exactly on the boundary of the null, no answer is expected to add evidence.
    #[test]
    fn the_mean_factor_is_at_most_one(
        w in 0.001_f64..0.999,
        primary in 0.0_f64..0.7,
        worse in 0.0_f64..=1.0,
        slow in proptest::bool::ANY,
    ) {
        let phi = if slow { PHI_SLOW } else { PHI };
        let candidate = (worse * (R * primary + phi)).min(1.0);
        let f = Factors::new(w, phi);
        for k in 0..7 {
            let mean = w * (candidate * f.candidate_bad[k] + (1.0 - candidate) * f.candidate_good[k])
                + (1.0 - w) * (primary * f.primary_bad[k] + 1.0 - primary);
            proptest::prop_assert!(mean <= 1.0 + 1e-9, "{k}: {mean}");
        }
    }

    /// A ramp step and the reserve move the stake about, they add nothing.
    #[test]
    fn a_ramp_step_adds_nothing(answers in proptest::collection::vec((0..2_u8, 0..50_u8), 0..300)) {
        for metric in [Metric::Slow, Metric::Envelope] {
            let mut engine = EngineR::new(metric);
            for (side, luck) in &answers {
                let side = if *side == 0 { Side::Primary } else { Side::Candidate };
                engine.answer(side, *luck == 0, 0.2);
            }
            let before = engine.w();
            engine.ramp_step();
            proptest::prop_assert!(engine.w() <= before * (1.0 + 1e-12));
        }
    }
}
