//! Equal sides at a mirror share of 10 % and of 100 %: every drawn answer is judged and enters, mirrored or not, so the
//! evidence is the same to the bit. If unmirrored answers of the primary did not enter, the test would see all of the
//! candidate's bad answers and few of the primary's.

use crossfade_exchange::MetricSet;

use super::{
    Scale,
    healthy::Equal,
    report::Report,
    world::{Setting, Shortcut, World, plan},
};

const REQUESTS: u32 = 20_000;

/// What one run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    alarmed: bool,
    /// W of each metric, as bits.
    evidence: Vec<u64>,
}

pub(super) fn run(scale: Scale, report: &mut Report) {
    let scale = scale.at(41).runs(scale.runs.div_ceil(10));
    let (mut alarms, mut pairs_only, mut different) = ([0_u32; 2], [0_u32; 2], 0_u32);
    for seed in scale.seeds() {
        let [(ten, ten_pairs), (all, all_pairs)] = [10.0, 100.0].map(|share| equal(seed, share));
        alarms = add(alarms, [ten.alarmed, all.alarmed]);
        pairs_only = add(pairs_only, [ten_pairs, all_pairs]);
        different += u32::from(ten != all);
    }
    let runs = scale.runs;
    for (share, n) in [10, 100].into_iter().zip(alarms) {
        let name = format!("equal sides, 3 % schema errors, mirror share {share} %: roll-backs");
        report.bound(name, format!("{n} of {runs}"), "none", n == 0);
    }
    report.bound(
        "equal sides, mirror share 10 % against 100 %: runs that differ in a bit",
        format!("{different} of {runs}"),
        "none",
        different == 0,
    );
    for (share, n) in [10, 100].into_iter().zip(pairs_only) {
        let name = format!("    the same, of the primary only mirrored answers, {share} %");
        report.figure(name, format!("{n} of {runs}"));
    }
}

fn equal(seed: u64, mirror_percent: f64) -> (Outcome, bool) {
    let setting = Setting {
        plan: plan(MetricSet::all(), 0.01),
        percent: 10.0,
        mirror_percent,
        requests_per_second: 50.0,
        requests_per_unit: 3,
        applies: MetricSet::all(),
        shortcut: Some(Shortcut::PairsOnly),
        seed,
    };
    let sides = Equal {
        transport_bad: 0.01,
        schema_bad: 0.03,
        slow: 0.05,
    };
    let mut world = World::new(setting, sides);
    let mut alarmed = false;
    for _ in 0..REQUESTS {
        alarmed |= world.request().is_some();
    }
    alarmed |= world.drain().is_some();
    let evidence = world
        .rollout()
        .evidence()
        .metrics
        .iter()
        .map(|m| m.w.to_bits())
        .collect();
    (Outcome { alarmed, evidence }, world.aside_alarmed())
}

fn add(counts: [u32; 2], more: [bool; 2]) -> [u32; 2] {
    let [a, b] = counts;
    let [c, d] = more.map(u32::from);
    [a + c, b + d]
}
