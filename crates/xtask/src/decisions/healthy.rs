//! Two sides that are equally imperfect: 1 % transport errors, 2 % answers that do not fit the schema, 5 % late, at
//! every step of the ramp. Nobody may be rolled back.

use crossfade_exchange::{Metric, MetricSet, Side};
use rand::RngExt;

use super::{
    Scale,
    report::Report,
    world::{Fate, Fates, Random, Setting, Sides, World, exponential, plan},
};

const REQUESTS: u32 = 200_000;
const STEPS: [f64; 5] = [1.0, 5.0, 10.0, 25.0, 50.0];

/// Equal in everything but pace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Equal {
    pub(super) transport_bad: f64,
    pub(super) schema_bad: f64,
    pub(super) slow: f64,
}

impl Sides for Equal {
    fn answer(&mut self, random: &mut Random, side: Side, _sent_micros: u64) -> Fates {
        let (first, whole) = match side {
            Side::Primary => (0.4, 2.0),
            Side::Candidate => (0.7, 4.0),
        };
        let mut arrival = Fate {
            after_micros: exponential(random, first),
            bad: MetricSet::EMPTY,
        };
        let mut content = arrival;
        if random.random_bool(self.transport_bad) {
            arrival.bad.insert(Metric::Transport);
        } else {
            content.after_micros += exponential(random, whole);
            if random.random_bool(self.slow) {
                arrival.bad.insert(Metric::Slow);
            }
            if random.random_bool(self.schema_bad) {
                content.bad.insert(Metric::JsonSchema);
            }
        }
        Fates { arrival, content }
    }
}

pub(super) fn run(scale: Scale, report: &mut Report) {
    let scale = scale.at(21).runs(scale.runs.div_ceil(50));
    let sides = Equal {
        transport_bad: 0.01,
        schema_bad: 0.02,
        slow: 0.05,
    };
    let alarms: Vec<String> = scale
        .seeds()
        .filter_map(|seed| {
            let setting = Setting {
                plan: plan(MetricSet::all(), 0.01),
                percent: STEPS[0],
                mirror_percent: 100.0,
                requests_per_second: 50.0,
                requests_per_unit: 3,
                applies: MetricSet::all(),
                shortcut: None,
                seed,
            };
            alarm(&mut World::new(setting, sides)).map(|alarm| format!("seed {seed}: {alarm}"))
        })
        .collect();
    report.bound(
        format!(
            "equal sides, {} x {REQUESTS} requests, ramp 1 to 50 %: roll-backs",
            scale.runs
        ),
        alarms.len(),
        "none",
        alarms.is_empty(),
    );
    for alarm in alarms {
        report.figure(alarm, "");
    }
}

fn alarm(world: &mut World<Equal>) -> Option<crossfade_rollout::Alarm> {
    for step in STEPS {
        world.split_to(step);
        for _ in 0..REQUESTS / 5 {
            if let Some(alarm) = world.request() {
                return Some(alarm);
            }
        }
    }
    world.drain()
}
