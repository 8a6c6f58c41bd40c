//! An independent implementation's vectors, bit for bit.

use super::*;

const SAMPLES: [f64; 10] = [0.0, 0.0, -1.0, 0.5, 1.0, 0.0, -0.25, 0.1, 0.0, -1.0];

#[test]
fn the_reference_vector_holds() {
    let check = |margin: f64, expected: [u64; 10]| {
        let mut engine = EngineG::new(margin);
        let got = SAMPLES.map(|x| engine.unit(x).to_bits());
        assert_eq!(got, expected, "{margin}");
    };
    check(
        0.01,
        [
            0x3ff0_0cdf_3036_3edd,
            0x3ff0_19d4_33b1_9acd,
            0x3ff5_3f2c_5575_d2ab,
            0x3ff1_1372_8b4a_aa18,
            0x3fe7_3387_0338_b516,
            0x3fe7_3d53_8c9d_3f38,
            0x3fe8_3d2f_1a0e_bec7,
            0x3fe7_dacd_20e9_d614,
            0x3fe7_e54c_2692_b2e7,
            0x3fec_0e08_4a36_f23d,
        ],
    );
    check(
        0.05,
        [
            0x3ff0_4311_aa5e_0430,
            0x3ff0_8873_e0ca_f116,
            0x3ff6_6c1d_c94c_3cf1,
            0x3ff2_0bb7_d8c0_964c,
            0x3fe7_e0a9_5bbe_e8af,
            0x3fe8_1781_ca38_f2b8,
            0x3fe9_6810_f26f_9b04,
            0x3fe9_2841_10d6_3348,
            0x3fe9_668a_093e_af9f,
            0x3fee_a191_ca81_dfb6,
        ],
    );
}

#[test]
fn a_long_run_is_the_same_to_the_bit() {
    let check = |margin: f64, expected: [u64; 4]| {
        let mut engine = EngineG::new(margin);
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut got = Vec::new();
        for i in 0..6_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let x = u32::try_from(state >> 33).unwrap();
            let differs = |byte: u32| f64::from(u8::from(f64::from(byte & 0xff) / 256.0 < 0.1));
            let small = (f64::from((x >> 16) % 17) - 8.0) / 64.0;
            let after = engine.unit(differs(x) - differs(x >> 8) + small);
            if [9, 99, 999, 5_999].contains(&i) {
                got.push(after.to_bits());
            }
        }
        assert_eq!(got, expected, "{margin}");
    };
    check(
        0.02,
        [
            0x3fef_5b9f_e92e_d2bc,
            0x3fde_ef3e_d8cd_fc00,
            0x3fdc_9995_02eb_04a4,
            0x3ff7_4aae_820a_9e5e,
        ],
    );
    check(
        0.05,
        [
            0x3ff1_080f_c1e0_692d,
            0x3fe3_4102_3eff_794a,
            0x4012_35e6_2f65_df05,
            0x41f5_c7cb_148a_2405,
        ],
    );
}

#[test]
fn what_makes_no_sense_never_passes() {
    for margin in [0.0, -0.1, 1.0, 2.0, f64::NAN] {
        let mut engine = EngineG::new(margin);
        for _ in 0..10_000 {
            engine.unit(-1.0);
        }
        assert!(engine.w() < 20.0, "{margin}");
    }
    let mut engine = EngineG::new(0.01);
    let before = engine.clone();
    engine.unit(f64::NAN);
    assert_eq!(engine, before);
    let mut bound = before.clone();
    assert_eq!(engine.unit(7.0).to_bits(), bound.unit(1.0).to_bits());
}

#[test]
fn evidence_is_bounded_and_never_negative() {
    let mut engine = EngineG::new(0.01);
    for _ in 0..10_000 {
        assert!(engine.unit(-1.0) <= 9.1e100);
    }
    for _ in 0..10_000 {
        let after = engine.unit(1.0);
        assert!(after.is_finite() && after >= 0.0, "{after}");
    }
}

proptest::proptest! {
    /// At the margin no sample is expected to add evidence, whatever values it takes.
    #[test]
    fn the_mean_factor_is_at_most_one(margin in 0.001_f64..0.5, low in -1.0_f64..=1.0, part in 0.0_f64..=1.0) {
        // Two values around the margin, as often as makes the margin their mean.
        let low = low.min(margin);
        let high = margin + part * (1.0 - margin);
        proptest::prop_assume!(high - low > 1e-6);
        let often = (margin - low) / (high - low);
        for k in 0..BETS {
            let factor = |x: f64| 1.0 + EngineG::new(margin).scale[k] * (margin - x);
            let mean = often * factor(high) + (1.0 - often) * factor(low);
            proptest::prop_assert!(mean <= 1.0 + 1e-9, "{k}: {mean}");
            proptest::prop_assert!(factor(1.0) > 0.0);
        }
    }
}
