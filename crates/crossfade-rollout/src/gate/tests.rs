//! What a gate says of itself.

use super::*;

#[test]
fn the_logarithm_is_one() {
    for x in [
        1e-300, 1e-9, 0.3, 0.99, 1.0, 1.000_1, 1.41, 1.42, 2.0, 20.0, 1e100,
    ] {
        assert!((ln(x) - x.ln()).abs() < 1e-8, "{x}: {} {}", ln(x), x.ln());
    }
    for x in [0.0, -1.0, f64::NAN, 1e-310] {
        assert!(ln(x) < -900.0, "{x}");
    }
}

/// Samples until it passes, and what was said to be missing after each `at` of them.
fn run(margin: f64, at: &[u64], sample: impl Fn(u64) -> f64) -> (u64, Vec<Option<u64>>) {
    let mut tally = GateTally::new(Gate::Refusal, margin, false, 0.05);
    let mut said = Vec::new();
    for i in 0..200_000 {
        if at.contains(&i) {
            said.push(tally.evidence().needed);
        }
        if tally.evidence().w >= 20.0 {
            return (i, said);
        }
        tally.sample(sample(i));
    }
    (u64::MAX, said)
}

#[test]
fn what_is_missing_comes_down_to_nothing() {
    let (passed, said) = run(0.01, &[0, 100, 400], |_| 0.0);
    assert!((400..600).contains(&passed), "{passed}");
    for (at, said) in [0, 100, 400].into_iter().zip(said) {
        let end = at + said.unwrap();
        assert!(end.abs_diff(passed) < passed / 4, "{at}: {end} {passed}");
    }
    // One bad of the candidate in a hundred, one of the primary in a hundred.
    let noisy = |i: u64| f64::from(u8::from(i % 100 == 3)) - f64::from(u8::from(i % 100 == 60));
    let (passed, said) = run(0.01, &[1_000, 2_000], noisy);
    assert!((1_500..8_000).contains(&passed), "{passed}");
    for said in said {
        assert!(said.is_some_and(|n| n < 10_000), "{said:?}");
    }
}

#[test]
fn a_gate_that_does_not_pass_by_going_on_so_says_no_number() {
    let (passed, said) = run(0.01, &[50_000], |i| f64::from(u8::from(i % 20 == 0)));
    assert_eq!((passed, said), (u64::MAX, vec![None]));
}

#[test]
fn a_gate_at_the_start_has_seen_nothing() {
    let evidence = GateTally::new(Gate::Slow, 0.05, true, 0.05).evidence();
    assert_eq!(
        (evidence.samples, evidence.requests, evidence.mean),
        (0, 0, 0.0)
    );
    assert!(evidence.named && (evidence.w - 1.0).abs() < 1e-12);
    assert!((evidence.threshold - 20.0).abs() < 1e-12);
    assert!(
        evidence.needed.is_some_and(|n| (80..150).contains(&n)),
        "{:?}",
        evidence.needed
    );
}
