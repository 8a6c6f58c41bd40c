//! An independent implementation's vectors, bit for bit.

use super::*;

/// (candidate bad, primary bad).
const PAIRS: [(bool, bool); 10] = [
    (false, false),
    (true, false),
    (false, true),
    (true, true),
    (true, false),
    (false, false),
    (true, false),
    (true, false),
    (false, true),
    (true, false),
];

fn check_vector(metric: Metric, expected: [u64; 10]) {
    let mut engine = EngineP::new(metric);
    let got = PAIRS.map(|(candidate, primary)| engine.pair(candidate, primary).to_bits());
    assert_eq!(got, expected, "{metric}");
}

#[test]
fn the_reference_vector_holds() {
    let common = [
        0x3fef_fa29_4d50_1dec,
        0x3ff4_8883_6838_6f4c,
        0x3fe7_47eb_511c_4656,
        0x3fe6_5419_5ce7_ce7f,
        0x3fe9_b386_9631_bfe0,
        0x3fe9_b07e_84c8_96f9,
        0x3fee_6943_2adf_d3d5,
        0x3ff2_9412_a90b_ad8b,
        0x3fe8_d450_3f91_4957,
        0x3fec_b98a_a872_e66e,
    ];
    check_vector(Metric::Transport, common);
    check_vector(Metric::JsonSchema, common);
    let slow = [
        0x3fef_e309_b4bb_0902,
        0x3ff4_61d3_74bb_dc62,
        0x3fe7_31f7_c7fe_6e44,
        0x3fe6_38c3_5607_f486,
        0x3fe9_7e41_ecc6_a844,
        0x3fe9_6f7e_752b_2e60,
        0x3fed_f81b_c6ca_a908,
        0x3ff2_339a_bad2_522e,
        0x3fe8_83e9_638b_9cdc,
        0x3fec_3b50_21ec_9046,
    ];
    check_vector(Metric::Slow, slow);
}

/// Six thousand pairs, 3 % bad of the candidate and 2 % of the primary: W after the 10th, 100th, 1 000th and last.
fn check_long_run(metric: Metric, expected: [u64; 4]) {
    let mut engine = EngineP::new(metric);
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut got = Vec::new();
    for i in 0..6_000 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let x = u32::try_from(state >> 33).unwrap();
        let candidate = f64::from(x & 0xffff) / 65_536.0 < 0.03;
        let primary = f64::from(x >> 16 & 0x7fff) / 32_768.0 < 0.02;
        let after = engine.pair(candidate, primary);
        if [9, 99, 999, 5_999].contains(&i) {
            got.push(after.to_bits());
        }
    }
    assert_eq!(got, expected, "{metric}");
}

#[test]
fn a_long_run_is_the_same_to_the_bit() {
    let common = [
        0x3fef_c5ec_81aa_7abc,
        0x3ff9_234a_cbdb_426f,
        0x3fd4_51f0_67fc_89be,
        0x3fe2_9617_5374_930c,
    ];
    check_long_run(Metric::Refusal, common);
    let slow = [
        0x3fee_e6f7_3ed0_93f3,
        0x3ff1_c14f_ad5e_8b8e,
        0x3fd1_425f_56c2_ddbf,
        0x3fc5_9964_813f_40c0,
    ];
    check_long_run(Metric::Slow, slow);
}

#[test]
fn evidence_is_bounded_and_never_negative() {
    let mut engine = EngineP::new(Metric::Envelope);
    for _ in 0..2_000 {
        assert!(engine.pair(true, false) <= 5.1e100);
    }
    for _ in 0..10_000 {
        let after = engine.pair(false, true);
        assert!(after.is_finite() && after > 0.0, "{after}");
    }
}

proptest::proptest! {
    /// While the candidate is on the boundary of the null, no pair is expected to add evidence, however the two answers of a
    /// request depend on each other.
    #[test]
    fn the_mean_factor_is_at_most_one(primary in 0.0_f64..0.7, worse in 0.0_f64..=1.0, together in 0.0_f64..=1.0, slow in proptest::bool::ANY) {
        let phi = if slow { 0.0125 } else { 0.0025 };
        let candidate = (worse * (1.25 * primary + phi)).min(1.0);
        // Between as often both as chance says and as often as can be.
        let independent = candidate * primary;
        let both = independent + together * (candidate.min(primary) - independent);
        let f = Factors::new(phi);
        for k in 0..BETS {
            let mean = both * f.both[k]
                + (candidate - both) * f.candidate[k]
                + (primary - both) * f.primary[k]
                + (1.0 - candidate - primary + both) * f.neither[k];
            proptest::prop_assert!(mean <= 1.0 + 1e-9, "{k}: {mean}");
            proptest::prop_assert!(f.primary[k] > 0.0);
        }
    }
}
