//! An outage that both sides share: for a minute a fifth of all requests fails on either side, but one side fails at
//! once and the other only after seconds, or never says so. In the order of sending this is nobody's fault.

use crossfade_exchange::{Metric, MetricSet, Side};
use rand::RngExt;

use super::{
    Scale,
    report::Report,
    world::{Fate, Fates, Random, SECOND, Setting, Shortcut, Sides, World, exponential, plan},
};

const OUTAGE: std::ops::Range<u64> = 60 * SECOND..120 * SECOND;
const END: u64 = 240 * SECOND;

/// How long each side takes to fail.
#[derive(Clone, Copy, Debug)]
struct Shared {
    primary_seconds: f64,
    candidate_seconds: f64,
}

impl Sides for Shared {
    fn answer(&mut self, random: &mut Random, side: Side, sent_micros: u64) -> Fates {
        let out = OUTAGE.contains(&sent_micros);
        let fails = random.random_bool(if out { 0.2 } else { 0.01 });
        let (healthy, failing) = match side {
            Side::Primary => (0.4, self.primary_seconds),
            Side::Candidate => (0.7, self.candidate_seconds),
        };
        let arrival = if fails {
            let after = exponential(random, 0.1 * failing) / 2 + micros(failing);
            Fate {
                after_micros: after,
                bad: MetricSet::EMPTY.with(Metric::Transport),
            }
        } else {
            Fate {
                after_micros: exponential(random, healthy),
                bad: MetricSet::EMPTY,
            }
        };
        Fates {
            arrival,
            content: Fate {
                bad: MetricSet::EMPTY,
                ..arrival
            },
        }
    }
}

pub(super) fn run(scale: Scale, report: &mut Report) {
    let runs = scale.runs.div_ceil(10).max(20);
    for (number, (primary_seconds, candidate_seconds)) in
        (31..).zip([(9.0, 0.05), (0.05, 9.0), (60.0, 0.05), (0.05, 60.0)])
    {
        let scale = scale.at(number).runs(runs);
        let sides = Shared {
            primary_seconds,
            candidate_seconds,
        };
        let (mut alarms, mut by_arrival) = (0_u32, 0_u32);
        for seed in scale.seeds() {
            let (alarm, aside) = outage(seed, sides);
            alarms += u32::from(alarm);
            by_arrival += u32::from(aside);
        }
        let name = format!(
            "shared outage, failing after {primary_seconds} s (primary), {candidate_seconds} s (candidate)"
        );
        report.bound(&name, format!("{alarms} of {runs}"), "none", alarms == 0);
        report.figure(
            "    the same in the order of arrival",
            format!("{by_arrival} of {runs}"),
        );
    }
}

fn outage(seed: u64, sides: Shared) -> (bool, bool) {
    let metric = MetricSet::EMPTY.with(Metric::Transport);
    let setting = Setting {
        plan: plan(metric, 0.01),
        percent: 10.0,
        mirror_percent: 100.0,
        requests_per_second: 50.0,
        requests_per_unit: 1,
        applies: metric,
        shortcut: Some(Shortcut::ByArrival),
        seed,
    };
    let mut world = World::new(setting, sides);
    let mut alarmed = false;
    while world.now() < END {
        alarmed |= world.request().is_some();
    }
    (world.drain().is_some() || alarmed, world.aside_alarmed())
}

fn micros(seconds: f64) -> u64 {
    u64::try_from(std::time::Duration::from_secs_f64(seconds).as_micros()).unwrap_or(u64::MAX)
}
