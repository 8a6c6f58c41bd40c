//! Random verbs by random roles, outcomes, ticks, crashes, torn and lost writes, refusing and full disks, changed configurations and
//! jumps of the date, against a controller with real files. A simple reference says after each of them what may be published and what
//! must be on record. A seed is printed before it is run; `CROSSFADE_MODEL_SEED` runs that one alone.

#![allow(
    clippy::too_many_lines,
    reason = "rules and cases stand in lists, each with its kind"
)]

mod disk;
mod entries;
mod reference;
mod rig;
mod trouble;
mod verbs;
mod world;

use std::{collections::BTreeMap, ops::RangeInclusive};

use crossfade_exchange::Gate;
use crossfade_rollout::GateRules;

use super::*;
use crate::verification::verify_directory;
use disk::{Home, State};
use rig::Rig;

/// Operations of one seed, each followed by a full check.
const STEPS: u64 = 420;

/// Every stage, small numbers.
fn plan(fingerprint: &str) -> RoutePlan {
    let metrics = [Metric::Transport, Metric::JsonParse, Metric::Refusal];
    let seconds = |stage, seconds| (stage, Duration::from_secs(seconds));
    RoutePlan {
        owner: Some("team".to_owned()),
        metrics_on: metrics.into_iter().collect(),
        stages: Stage::ALL.to_vec(),
        ramp: [5.0, 25.0, 100.0]
            .map(|share| Percent::new(share).unwrap())
            .to_vec(),
        gates: GateRules {
            fingerprint: fingerprint.to_owned(),
            margins: [(Gate::Transport, 0.5), (Gate::Refusal, 0.5)].into(),
            named: vec![Gate::Refusal],
            alpha: 0.2,
            unit_window: Duration::from_secs(1),
        },
        minimum_time: [
            seconds(Stage::Shadow, 20),
            seconds(Stage::Internal, 5),
            seconds(Stage::Slice, 10),
            seconds(Stage::Ramp, 5),
            seconds(Stage::Window, 10),
        ]
        .into(),
        minimum_units: 5,
        coverage: 0.5,
        automatic_ramp: true,
        reverse_share: Percent::new(50.0).unwrap(),
        has_internal_callers: true,
        ..RoutePlan::new(support())
    }
}

/// Seeded chance: the same on every machine.
#[derive(Clone, Debug)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, of: u64) -> u64 {
        // The finalizer of SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % of
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// Once in so many times.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// Runs one seed; gives back what happened, and how often.
async fn run(seed: u64, small: Option<&Path>, metrics: Arc<Metrics>) -> BTreeMap<String, u64> {
    println!("seed {seed}: {STEPS} steps; run it alone with CROSSFADE_MODEL_SEED={seed}");
    let mut rig = Rig::new(Home::new(small), plan("a"), metrics);
    let mut chance = Chance(seed);
    while rig.checks < STEPS {
        if chance.below(20) <= seed % 4 {
            rig.go_on(&mut chance).await;
        } else {
            rig.anything(&mut chance).await;
        }
    }
    rig.end().await;
    if let Err(problem) = verify_directory(rig.home.path(), None) {
        panic!("{problem}");
    }
    rig.done.insert("steps".to_owned(), rig.checks);
    rig.done
}

async fn check(seeds: RangeInclusive<u64>, small: Option<&Path>, must: &[&str]) {
    let alone = std::env::var_os("CROSSFADE_MODEL_SEED");
    let alone = alone.map(|seed| seed.to_str().unwrap().parse::<u64>().unwrap());
    let seeds = alone.map_or(seeds, |seed| seed..=seed);
    let metrics = Telemetry::new().unwrap().metrics(["support"]);
    let mut all = BTreeMap::<String, u64>::new();
    for seed in seeds.clone() {
        for (what, times) in run(seed, small, Arc::clone(&metrics)).await {
            *all.entry(what).or_default() += times;
        }
    }
    println!("seeds {seeds:?}: {all:?}");
    if alone.is_none() {
        for what in must {
            assert!(all.contains_key(*what), "{what} never happened: {all:?}");
        }
    }
}

/// What must have happened in every half: what never happened was not tested.
const MUST: &[&str] = &[
    "advance from replay",
    "advance from shadow",
    "advance from internal",
    "advance from slice",
    "advance from ramp",
    "alarm of P",
    "alarm of R",
    "an alarm swallowed",
    "crash",
    "drilled",
    "failing",
    "gates restarted",
    "hold",
    "lower",
    "mirror",
    "observe",
    "power cut",
    "raise",
    "refused",
    "release",
    "removed",
    "resume",
    "roll-back",
    "second writer refused",
    "sign-off",
    "started",
    "the date jumped",
    "the disk refuses",
];

#[tokio::test(flavor = "multi_thread")]
async fn no_sequence_of_events_loses_what_was_acknowledged_or_moves_more_first_half() {
    check(1..=20, None, MUST).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sequence_of_events_loses_what_was_acknowledged_or_moves_more_second_half() {
    check(21..=40, None, MUST).await;
}

/// The same on a disk that really is full again and again.
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged_either() {
    const NAME: &str =
        "control::tests::model::a_full_disk_loses_nothing_that_was_acknowledged_either";
    full_disk::in_a_small_file_system(NAME, 16, async |small| {
        let more = [
            "waits for the disk",
            "outcomes held back",
            "the disk refuses",
        ];
        check(41..=56, Some(&small), &more).await;
    });
}
