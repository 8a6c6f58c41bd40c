//! The design's own numbers for a few outcomes, by its reference implementation.

use crossfade_exchange::{Metric, Side};
use crossfade_rollout::{EngineG, EngineP, EngineR};

use crate::report::Report;

/// (candidate answered, bad, w) and engine R's W after it.
const R: [((Side, bool, f64), f64); 10] = [
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

/// (candidate bad, primary bad) and engine P's W after it.
const P: [((bool, bool), f64); 10] = [
    ((false, false), 0.999_287_272),
    ((true, false), 1.283_328_445),
    ((false, true), 0.727_529_200),
    ((true, true), 0.697_766_000),
    ((true, false), 0.803_164_762),
    ((true, false), 0.950_817_930),
    ((false, false), 0.950_289_237),
    ((true, true), 0.896_937_036),
    ((true, false), 1.083_483_745),
    ((false, true), 0.745_043_175),
];

/// x and engine G's W after it, at a margin of 2 points.
const G: [(f64, f64); 10] = [
    (0.0, 1.006_349_206),
    (1.0, 0.691_074_830),
    (-1.0, 0.803_503_739),
    (0.5, 0.727_624_529),
    (-0.25, 0.760_537_384),
    (0.0, 0.763_259_278),
    (0.0, 0.766_005_575),
    (-1.0, 0.907_326_330),
    (1.0, 0.709_075_598),
    (0.125, 0.698_258_554),
];

pub(crate) fn run(report: &mut Report) {
    report.part("the reference's test vectors");
    let mut r = EngineR::new(Metric::Transport);
    let of_r = R.map(|((side, bad, w), expected)| (r.answer(side, bad, w), expected));
    let mut p = EngineP::new(Metric::Transport);
    let of_p = P.map(|((candidate, primary), expected)| (p.pair(candidate, primary), expected));
    let mut g = EngineG::new(0.02);
    let of_g = G.map(|(x, expected)| (g.unit(x), expected));
    for (name, pairs) in [("R", of_r), ("P", of_p), ("G", of_g)] {
        let worst = pairs.map(|(got, expected)| (got - expected).abs());
        let worst = worst.into_iter().fold(0.0, f64::max);
        report.bound(
            format!("engine {name}: largest difference"),
            "0",
            format!("{worst:.1e}"),
            "< 5e-9",
            worst < 5e-9,
        );
    }
}
