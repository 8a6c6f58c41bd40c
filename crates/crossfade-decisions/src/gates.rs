//! Engine G: at the margin it must hardly ever pass, between equal sides it must pass, and soon enough.

use crossfade_rollout::EngineG;
use rand::RngExt as _;

use crate::{
    report::{Report, share},
    runs::{Random, Scale, number, quantile},
};

/// The evidence that passes: one over the probability of passing wrongly.
const PASSED: f64 = 20.0;
const ALPHA: f64 = 0.05;
/// How often the primary disagrees with itself.
const NOISE: f64 = 0.10;
/// Samples after which a gate that has not passed is left.
const LONG: u32 = 20_000;
/// Samples of a day.
const DAY: u32 = 2_000;
const USERS: u32 = 50;

/// Where the samples of one gate come from.
#[derive(Clone, Copy, Debug)]
enum Samples {
    /// Each above the noise by this much, on average.
    Above(f64),
    /// Likewise, while the noise of the day is 20 % and that of the night 5 %.
    NoisyDays(f64),
    /// By more in the day and less in the night, by so much on average over both; begins at night.
    BadDays(f64),
    /// Half of the users twice as much and half not at all; a sample is the mean of three requests of one user.
    Users(f64),
    /// Both sides fail with this probability.
    Failures(f64),
}

// === impl Samples ===

impl Samples {
    fn sample(self, at: u32, random: &mut Random) -> f64 {
        let night = at % DAY < DAY / 2;
        match self {
            Self::Above(by) => difference(NOISE + by, NOISE, random),
            Self::NoisyDays(by) => {
                let noise = if night { 0.05 } else { 0.20 };
                difference(noise + by, noise, random)
            }
            Self::BadDays(by) => {
                let now = if night { by / 2.0 } else { by * 1.5 };
                difference(NOISE + now, NOISE, random)
            }
            Self::Users(by) => {
                let bad = random.random_range(0..USERS) % 2 == 0;
                let now = if bad { 2.0 * by } else { 0.0 };
                let sum: f64 = (0..3).map(|_| difference(NOISE + now, NOISE, random)).sum();
                sum / 3.0
            }
            Self::Failures(rate) => difference(rate, rate, random),
        }
    }

    /// The first sample, from `from` on, at which the gate stands open.
    fn passes(self, margin: f64, from: u32, most: u32, random: &mut Random) -> Option<f64> {
        let mut engine = EngineG::new(margin);
        (1..=most).find_map(|at| {
            let w = engine.unit(self.sample(at, random));
            (w >= PASSED && at >= from).then(|| f64::from(at))
        })
    }
}

fn difference(candidate: f64, primary: f64, random: &mut Random) -> f64 {
    let c = f64::from(u8::from(random.random::<f64>() < candidate));
    c - f64::from(u8::from(random.random::<f64>() < primary))
}

pub(crate) fn run(scale: Scale, report: &mut Report) {
    report.part("gates: noise 10 %, a look after each of 20000 samples");
    at_the_margin(scale, report);
    point_estimate(scale, report);
    equal_sides(scale, report);
}

fn at_the_margin(scale: Scale, report: &mut Report) {
    let rows = [
        ("D - N = 2 points", Samples::Above(0.02), 0.02, 1, "2-3.5 %"),
        ("D - N = 5 points", Samples::Above(0.05), 0.05, 1, "2-3.5 %"),
        (
            "noise 5 % by night and 20 % by day",
            Samples::NoisyDays(0.02),
            0.02,
            1,
            "-",
        ),
        (
            "1 point by night and 3 by day, from the first day's end on",
            Samples::BadDays(0.02),
            0.02,
            DAY,
            "-",
        ),
        (
            "4 points for half of the users, three requests each",
            Samples::Users(0.02),
            0.02,
            1,
            "-",
        ),
    ];
    for (at, (name, samples, margin, from, design)) in (201..).zip(rows) {
        let passed = scale
            .at(at)
            .play(|_, mut random| samples.passes(margin, from, LONG, &mut random).is_some());
        let hits = passed.iter().filter(|passed| **passed).count();
        report.at_most(
            format!("G at the margin, {name}: wrongly passed"),
            design,
            (hits, passed.len()),
            ALPHA,
        );
    }
}

/// What a gate without a test would do: pass once the mean of a hundred samples or more is under the margin.
fn point_estimate(scale: Scale, report: &mut Report) {
    let passed = scale.at(211).one_in(5).play(|_, mut random| {
        let mut sum = 0.0;
        (1..=LONG).any(|at| {
            sum += Samples::Above(0.02).sample(at, &mut random);
            at >= 100 && sum / f64::from(at) < 0.02
        })
    });
    let hits = passed.iter().filter(|passed| **passed).count();
    report.figure(
        "    a point estimate, looked at from 100 samples on",
        "95 %",
        share(hits, passed.len()),
    );
}

fn equal_sides(scale: Scale, report: &mut Report) {
    // Of requests of which 5 % are asked twice.
    const TWICE: f64 = 0.05;
    let rows = [
        (
            "errors, 1 % on both sides, margin 1 point",
            Samples::Failures(0.01),
            0.01,
            1.0,
            3_700.0,
        ),
        (
            "free text, margin 5 points, 5 % asked twice",
            Samples::Above(0.0),
            0.05,
            TWICE,
            25_000.0,
        ),
        (
            "labels, margin 2 points, 5 % asked twice",
            Samples::Above(0.0),
            0.02,
            TWICE,
            146_000.0,
        ),
    ];
    for (at, (name, samples, margin, asked, design)) in (221..).zip(rows) {
        let scale = scale.at(at).one_in(10);
        let passed = scale.play(|_, mut random| {
            samples
                .passes(margin, 1, 100_000, &mut random)
                .unwrap_or(f64::INFINITY)
        });
        let all = passed.iter().filter(|at| at.is_finite()).count();
        let p90 = quantile(passed, 0.9) / asked;
        let slack = 2.0 * (3.0 / f64::from(scale.runs).sqrt()).max(0.05);
        report.bound(
            format!("G, equal sides, {name}: requests until passed, p90"),
            design,
            format!(
                "{p90:.0} ({:.0} % passed)",
                number(all) / f64::from(scale.runs) * 100.0
            ),
            format!("<= +{:.0} %, all pass", slack * 100.0),
            p90 <= design * (1.0 + slack) && all == scale.runs as usize,
        );
    }
}
