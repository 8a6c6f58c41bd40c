//! The design's test vector, answer by answer.

use crossfade_exchange::{Metric, Side};
use crossfade_rollout::EngineR;

use super::report::Report;

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

pub(super) fn run(report: &mut Report) {
    let mut engine = EngineR::new(Metric::Transport);
    let mut worst = 0.0_f64;
    for ((side, bad, w), expected) in VECTOR {
        worst = worst.max((engine.answer(side, bad, w) - expected).abs());
    }
    report.bound(
        "test vector, largest difference",
        format!("{worst:.1e}"),
        "5e-9",
        worst < 5e-9,
    );
}
