//! What no test of engine R's null can beat: the fewest candidate answers that evidence of 1/α takes, and a bettor that knows
//! how much worse the candidate is.

const R: f64 = 1.25;
const PHI: f64 = 0.0025;

/// The expected candidate answers until any test with error α of `p_c ≤ r·p_p + φ` can have stopped, if the rates are these
/// (Wald 1945): ln(1/α) over the information of one candidate answer, and the primary's that go with it, against the
/// nearest pair of rates in the null.
pub(crate) fn two_sample_bound(candidate: f64, primary: f64, w: f64, alpha: f64) -> f64 {
    let nearest = nearest_primary(candidate, primary, w);
    (1.0 / alpha).ln() / information(candidate, primary, w, nearest)
}

/// What engine R multiplies by at each answer, if it had one bet and knew by how much the candidate is worse.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Oracle {
    pub(crate) candidate_bad: f64,
    pub(crate) candidate_good: f64,
    pub(crate) primary_bad: f64,
}

impl Oracle {
    pub(crate) fn new(candidate: f64, primary: f64, w: f64) -> Self {
        let worse = candidate / primary;
        let null = w * R / (w * R + 1.0 - w);
        let kappa = ((w * worse / (w * worse + 1.0 - w)) / null - 1.0).min(0.9 / PHI);
        Self {
            candidate_bad: 1.0 + kappa * (1.0 - PHI),
            candidate_good: 1.0 - kappa * PHI,
            primary_bad: 1.0 - kappa * w * R / (1.0 - w),
        }
    }
}

/// The primary's rate of the pair on the null's boundary that is hardest to tell from the truth.
fn nearest_primary(candidate: f64, primary: f64, w: f64) -> f64 {
    let (mut low, mut high) = (primary, ((candidate - PHI) / R).max(primary));
    // The information is convex in the null's rate.
    for _ in 0..200 {
        let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if information(candidate, primary, w, a) < information(candidate, primary, w, b) {
            high = b;
        } else {
            low = a;
        }
    }
    f64::midpoint(low, high)
}

fn information(candidate: f64, primary: f64, w: f64, null_primary: f64) -> f64 {
    divergence(candidate, R * null_primary + PHI)
        + (1.0 - w) / w * divergence(primary, null_primary)
}

fn divergence(p: f64, q: f64) -> f64 {
    p * (p / q).ln() + (1.0 - p) * ((1.0 - p) / (1.0 - q)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_designs() {
        for (candidate, expected) in [(0.03, 897.0), (0.05, 212.0), (0.1, 54.0), (0.5, 5.0)] {
            let got = two_sample_bound(candidate, 0.01, 0.1, 0.01);
            assert!((got / expected - 1.0).abs() < 0.02, "{candidate}: {got}");
        }
    }

    #[test]
    fn a_bettor_that_knows_gains_nothing_on_the_boundary() {
        let (primary, w) = (0.01, 0.1);
        let oracle = Oracle::new(0.05, primary, w);
        let worse = R * primary + PHI;
        let mean = w * (worse * oracle.candidate_bad + (1.0 - worse) * oracle.candidate_good)
            + (1.0 - w) * (primary * oracle.primary_bad + 1.0 - primary);
        assert!((mean - 1.0).abs() < 1e-12, "{mean}");
    }
}
