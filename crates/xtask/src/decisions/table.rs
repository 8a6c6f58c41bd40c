//! The design's table for engine R: one metric, threshold 1/α, w = 10 %, the primary bad in 1 %, every request a unit
//! of its own. How many candidate answers until the roll-back, and how often there is one for nothing.

use crossfade_exchange::{Metric, MetricSet, Side};
use rand::RngExt;

use super::{
    Scale,
    report::Report,
    world::{Fate, Fates, Random, Setting, Sides, World, exponential, plan},
};

/// A threshold of 1/α at α = 1 %: the trigger is at 2/α.
const ALPHA: f64 = 0.02;
const PRIMARY_BAD: f64 = 0.01;
/// A delay's standard deviation over its mean, at most: three standard deviations of a mean are 6 % with
/// 1 000 runs, 20 % with 100.
const SPREAD: f64 = 0.65;
/// Candidate answers after which a run without an alarm is over.
const LONG: u64 = 5_000;

/// Each side fails with its own probability, at its own pace.
#[derive(Clone, Copy, Debug)]
struct Constant {
    primary_bad: f64,
    candidate_bad: f64,
}

impl Sides for Constant {
    fn answer(&mut self, random: &mut Random, side: Side, _sent_micros: u64) -> Fates {
        let (p, seconds) = match side {
            Side::Primary => (self.primary_bad, 0.4),
            Side::Candidate => (self.candidate_bad, 0.7),
        };
        let bad = if random.random_bool(p) {
            MetricSet::EMPTY.with(Metric::Transport)
        } else {
            MetricSet::EMPTY
        };
        let arrival = Fate {
            after_micros: exponential(random, seconds),
            bad,
        };
        Fates {
            arrival,
            content: Fate {
                after_micros: arrival.after_micros,
                bad: MetricSet::EMPTY,
            },
        }
    }
}

pub(super) fn run(scale: Scale, report: &mut Report) {
    for (number, (candidate_bad, expected)) in
        (1..).zip([(0.03, 1_150.0), (0.05, 294.0), (0.10, 77.0), (0.50, 9.1)])
    {
        delay(scale.at(number), report, candidate_bad, expected);
    }
    for (number, (name, candidate_bad, share)) in (11..).zip([
        ("on the boundary", 0.015, 0.0065),
        ("equal", PRIMARY_BAD, 0.0),
    ]) {
        false_alarms(scale.at(number), report, name, candidate_bad, share);
    }
}

fn delay(scale: Scale, report: &mut Report, candidate_bad: f64, expected: f64) {
    let delays: Vec<f64> = scale
        .seeds()
        .filter_map(|seed| candidate_answers_until_alarm(seed, candidate_bad, 100_000))
        .map(|answers| f64::from(u32::try_from(answers).unwrap_or(u32::MAX)))
        .collect();
    let n = f64::from(u32::try_from(delays.len()).unwrap_or(u32::MAX));
    let mean = delays.iter().sum::<f64>() / n;
    let variance = delays.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n - 1.0);
    let error = (variance / n).sqrt();
    let slack = expected * (3.0 * SPREAD / f64::from(scale.runs).sqrt()).max(0.1);
    let all = delays.len() == usize::try_from(scale.runs).unwrap_or(usize::MAX);
    report.bound(
        format!(
            "1 -> {} %: mean candidate answers until roll-back",
            candidate_bad * 100.0
        ),
        format!("{mean:.1} ± {error:.1}"),
        format!("{expected} ± {slack:.1}, all found"),
        all && (mean - expected).abs() <= slack,
    );
}

fn false_alarms(scale: Scale, report: &mut Report, name: &str, candidate_bad: f64, share: f64) {
    let alarms = scale
        .seeds()
        .filter(|seed| candidate_answers_until_alarm(*seed, candidate_bad, LONG).is_some())
        .count();
    let runs = f64::from(scale.runs);
    let alarms = f64::from(u32::try_from(alarms).unwrap_or(u32::MAX));
    // Three standard deviations of so many runs around the design's figure.
    let bound = runs * share + 3.0 * (runs * share * (1.0 - share)).sqrt();
    report.bound(
        format!(
            "1 -> {} %, {name}: false roll-backs in {LONG} candidate answers",
            candidate_bad * 100.0
        ),
        format!("{:.2} %", alarms / runs * 100.0),
        format!("at most {:.2} %", bound / runs * 100.0),
        alarms <= bound,
    );
}

fn candidate_answers_until_alarm(seed: u64, candidate_bad: f64, most: u64) -> Option<u64> {
    let metric = MetricSet::EMPTY.with(Metric::Transport);
    let setting = Setting {
        plan: plan(metric, ALPHA),
        percent: 10.0,
        mirror_percent: 100.0,
        requests_per_second: 50.0,
        requests_per_unit: 1,
        applies: metric,
        shortcut: None,
        seed,
    };
    let mut world = World::new(
        setting,
        Constant {
            primary_bad: PRIMARY_BAD,
            candidate_bad,
        },
    );
    for _ in 0..most * 10 {
        if let Some(alarm) = world.request() {
            return Some(alarm.candidate.answers);
        }
    }
    world.drain().map(|alarm| alarm.candidate.answers)
}
