//! The design's table: how many answers until a roll-back, how often there is one for nothing, and what comes of a long good
//! history.

use crossfade_exchange::{Metric, Side};
use crossfade_rollout::EngineR;
use rand::RngExt as _;

use crate::{
    engines::{Rates, until_either, until_p, until_r},
    report::Report,
    runs::{Scale, mean, number, quantile},
    theory::{Oracle, two_sample_bound},
};

/// One engine with all of α, and both with half of it each.
const ALONE: f64 = 100.0;
const BOTH: f64 = 200.0;
const ALPHA: f64 = 0.01;
/// The candidate's rate at which the null ends: 1.25 · 1 % + 0.25 pp.
const BOUNDARY: f64 = 0.015;
/// Candidate answers after which a run without trouble is over, and one with trouble has missed it.
const LONG: u32 = 5_000;
const NEVER: u32 = 1_000_000;

pub(crate) fn run(scale: Scale, report: &mut Report) {
    report.part("one metric, the primary bad in 1 %, w = 10 %, a look after each answer");
    delays_of_r(scale, report);
    false_alarms_of_r(scale, report);
    oracle(scale, report);
    engine_p(scale, report);
    both(scale, report);
    eight_metrics(scale, report);
    history(scale, report);
    seen_by_users(scale, report);
}

fn delays_of_r(scale: Scale, report: &mut Report) {
    let rows = [
        (0.03, 1150.0, Some(1.5)),
        (0.05, 294.0, Some(1.5)),
        (0.10, 77.0, Some(1.5)),
        (0.50, 9.1, None),
    ];
    for (at, (candidate, design, most)) in (1..).zip(rows) {
        let delays = delays_at(scale.at(at).one_in(2), candidate, ALONE);
        let (delay, error) = mean(&delays);
        let least = two_sample_bound(candidate, 0.01, 0.1, ALPHA);
        let times = delay / least;
        let near = (delay / design - 1.0).abs() <= report.slack();
        let all = delays.len() == scale.one_in(2).runs as usize;
        let bound = match most {
            Some(most) => format!("±{:.0} %, <= {most} x bound", report.slack() * 100.0),
            None => format!("±{:.0} %", report.slack() * 100.0),
        };
        report.bound(
            format!(
                "R, 1 -> {:.0} %: mean candidate answers until roll-back; x = over the bound {least:.1}",
                candidate * 100.0
            ),
            design,
            format!("{delay:.1} ± {error:.1} ({times:.2} x)"),
            bound,
            all && near && most.is_none_or(|most| times - 3.0 * error / least <= most),
        );
    }
}

fn delays_at(scale: Scale, candidate: f64, threshold: f64) -> Vec<f64> {
    let delays = scale.play(|_, mut random| {
        let mut engine = EngineR::new(Metric::Transport);
        until_r(
            &mut engine,
            Rates::of(candidate),
            threshold,
            NEVER,
            &mut random,
        )
    });
    delays.into_iter().flatten().collect()
}

fn false_alarms_of_r(scale: Scale, report: &mut Report) {
    for (at, (name, candidate, design)) in (11..).zip([
        ("on the boundary", BOUNDARY, "0.65 %"),
        ("equal sides", 0.01, "0 %"),
    ]) {
        let alarms = scale.at(at).play(|_, mut random| {
            let mut engine = EngineR::new(Metric::Transport);
            until_r(&mut engine, Rates::of(candidate), ALONE, LONG, &mut random).is_some()
        });
        let hits = alarms.iter().filter(|alarm| **alarm).count();
        report.at_most(
            format!("R, {name}: false roll-backs in {LONG} candidate answers"),
            design,
            (hits, alarms.len()),
            ALPHA,
        );
    }
}

/// What engine R would need if it had not to guess by how much the candidate is worse.
fn oracle(scale: Scale, report: &mut Report) {
    for (at, (candidate, design)) in
        (21..).zip([(0.03, 1021.0), (0.05, 258.0), (0.10, 65.0), (0.50, 7.2)])
    {
        let rates = Rates::of(candidate);
        let factors = Oracle::new(candidate, rates.primary, rates.w);
        let delays = scale.at(at).one_in(5).play(|_, mut random| {
            let (mut w, mut answers) = (1.0, 0_u32);
            while w < ALONE {
                let answer = rates.answer(&mut random);
                answers += u32::from(answer.side == Side::Candidate);
                w *= match (answer.side, answer.bad) {
                    (Side::Candidate, true) => factors.candidate_bad,
                    (Side::Candidate, false) => factors.candidate_good,
                    (Side::Primary, true) => factors.primary_bad,
                    (Side::Primary, false) => 1.0,
                };
            }
            f64::from(answers)
        });
        let (delay, error) = mean(&delays);
        report.figure(
            format!(
                "an oracle that knows how much worse it is, 1 -> {:.0} %",
                candidate * 100.0
            ),
            design,
            format!("{delay:.1} ± {error:.1}"),
        );
    }
}

fn engine_p(scale: Scale, report: &mut Report) {
    for (at, (candidate, design)) in
        (31..).zip([(0.03, 2072.0), (0.05, 586.0), (0.10, 174.0), (0.50, 24.0)])
    {
        let delays = scale
            .at(at)
            .one_in(2)
            .play(|_, mut random| until_p(Rates::of(candidate), ALONE, NEVER, &mut random));
        let delays: Vec<f64> = delays.into_iter().flatten().collect();
        let median = quantile(delays, 0.5);
        report.bound(
            format!(
                "P, 1 -> {:.0} %: median pairs until roll-back",
                candidate * 100.0
            ),
            design,
            median,
            format!("±{:.0} %", report.slack() * 100.0),
            (median / design - 1.0).abs() <= report.slack(),
        );
    }
    let alarms = scale
        .at(41)
        .play(|_, mut random| until_p(Rates::of(BOUNDARY), ALONE, 50_000, &mut random).is_some());
    let hits = alarms.iter().filter(|alarm| **alarm).count();
    report.at_most(
        "P, on the boundary: false roll-backs in 50000 pairs",
        "0.8 %",
        (hits, alarms.len()),
        ALPHA,
    );
}

/// Both at half of α each: little slower than the better one alone.
fn both(scale: Scale, report: &mut Report) {
    for (at, candidate) in (51..).zip([0.03, 0.05, 0.10]) {
        let rates = Rates::of(candidate);
        let scale = scale.at(at).one_in(2);
        let runs = scale.play(|_, mut random| {
            let mut engine = EngineR::new(Metric::Transport);
            let r = until_r(&mut engine, rates, ALONE, NEVER, &mut random).map(|n| n / rates.w);
            let p = until_p(rates, ALONE, NEVER, &mut random);
            let either = until_either(rates, BOTH, NEVER, &mut random).map(|u| u.requests);
            [r, p, either].map(|delay| delay.unwrap_or(f64::INFINITY))
        });
        let column = |pick: fn(&[f64; 3]) -> f64| quantile(runs.iter().map(pick).collect(), 0.5);
        let (r, p, either) = (
            column(|[r, ..]| *r),
            column(|[_, p, _]| *p),
            column(|[.., e]| *e),
        );
        let times = either / r.min(p);
        // Medians of so many runs are known to about 1.3 standard errors of the mean.
        let most = 1.15 + 2.0 / f64::from(scale.runs).sqrt();
        report.bound(
            format!(
                "R or P at 2/α, 1 -> {:.0} %: median requests; alone R {r:.0}, P {p:.0}",
                candidate * 100.0
            ),
            "<= 1.15 x",
            format!("{either:.0} ({times:.2} x)"),
            format!("<= {most:.2} x"),
            times <= most,
        );
    }
    let alarms = scale.at(55).play(|_, mut random| {
        until_either(Rates::of(BOUNDARY), BOTH, 50_000, &mut random).is_some()
    });
    let hits = alarms.iter().filter(|alarm| **alarm).count();
    report.at_most(
        "R or P at 2/α, on the boundary: false roll-backs in 50000 requests",
        "0.5-0.7 %",
        (hits, alarms.len()),
        ALPHA,
    );
}

/// With eight metrics one alone has to reach eight times as much.
fn eight_metrics(scale: Scale, report: &mut Report) {
    for (at, candidate) in (61..).zip([0.03, 0.10]) {
        let one = mean(&delays_at(scale.at(at).one_in(2), candidate, ALONE)).0;
        let eight = mean(&delays_at(scale.at(at).one_in(2), candidate, 8.0 * ALONE)).0;
        let more = eight / one - 1.0;
        report.bound(
            format!(
                "R, one of eight metrics, 1 -> {:.0} %: delay over that of one metric alone",
                candidate * 100.0
            ),
            "about +45 %",
            format!("+{:.0} %", more * 100.0),
            "+30 % to +60 %",
            (0.3..=0.6).contains(&more),
        );
    }
}

/// Trouble that begins after 50 000 good answers of the candidate, in the middle of a step or right after one.
fn history(scale: Scale, report: &mut Report) {
    let scale = scale.at(71).one_in(10);
    let broken = [0.03, 0.10, 0.50];
    let runs = scale.play(|_, mut random| {
        let mut engine = EngineR::new(Metric::Transport);
        let equal = Rates::of(0.01);
        if until_r(&mut engine, equal, f64::INFINITY, 50_000, &mut random).is_some() {
            return None;
        }
        let mut stepped = engine.clone();
        stepped.ramp_step();
        let after = |engine: &EngineR, random: &mut crate::runs::Random| {
            broken.map(|candidate| {
                let mut engine = engine.clone();
                until_r(&mut engine, Rates::of(candidate), ALONE, NEVER, random)
                    .unwrap_or(f64::INFINITY)
            })
        };
        Some([after(&engine, &mut random), after(&stepped, &mut random)])
    });
    let runs: Vec<[[f64; 3]; 2]> = runs.into_iter().flatten().collect();
    let rows = [
        ("in the middle of a step", [2486.0, 198.0, 22.0]),
        ("right after a step of the ramp", [1627.0, 108.0, 13.0]),
    ];
    for (which, (name, designs)) in rows.into_iter().enumerate() {
        for (k, (candidate, design)) in broken.into_iter().zip(designs).enumerate() {
            let delays = runs
                .iter()
                .filter_map(|run| run.get(which)?.get(k).copied());
            let median = quantile(delays.collect(), 0.5);
            let slack = (3.0 / f64::from(scale.runs).sqrt()).max(0.1);
            report.bound(
                format!(
                    "R, 50000 good answers, then {:.0} %, {name}: median",
                    candidate * 100.0
                ),
                design,
                median,
                format!("±{:.0} %", slack * 100.0),
                (median / design - 1.0).abs() <= slack.max(1.0 / design),
            );
        }
    }
}

/// At the first, smallest share: who pays for finding out.
fn seen_by_users(scale: Scale, report: &mut Report) {
    let rates = Rates {
        w: 0.01,
        ..Rates::of(0.10)
    };
    let scale = scale.at(81).one_in(10);
    let mirrored = scale.play(|_, mut random| {
        until_either(rates, BOTH, NEVER, &mut random).map_or(f64::INFINITY, |u| u.seen)
    });
    let alone = scale.play(|_, mut random| {
        let mut engine = EngineR::new(Metric::Transport);
        let mut seen = 0.0;
        loop {
            let candidate = random.random::<f64>() < rates.w;
            let side = if candidate {
                Side::Candidate
            } else {
                Side::Primary
            };
            let bad = rates.bad(side, &mut random);
            seen += number(usize::from(candidate && bad));
            if engine.answer(side, bad, rates.w) >= BOTH {
                return seen;
            }
        }
    });
    let (with, without) = (mean(&mirrored).0, mean(&alone).0);
    report.bound(
        "bad answers that users see at w = 1 %, 1 -> 10 %, everything mirrored: mean",
        "about 2",
        format!("{with:.1}"),
        "<= 2",
        with <= 2.0,
    );
    report.bound(
        "    the same without mirroring",
        56,
        format!("{without:.1}"),
        "<= 56",
        without <= 56.0,
    );
}
