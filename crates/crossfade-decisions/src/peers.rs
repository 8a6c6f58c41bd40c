//! Rules that other tools use, over the same traffic: windows of a minute with thresholds, and a test for one look that is
//! looked at after each answer. A minute is 100 answers of the candidate. Rules are from the tools' own documentation.

use crossfade_exchange::Side;

use crate::{
    engines::Rates,
    report::{Report, share},
    runs::{Random, Scale, mean, number},
};

/// Candidate answers in a minute.
const MINUTE: u32 = 100;
/// Minutes after which a rollout is over.
const MINUTES: u32 = 100;

/// A number of failed minutes that ends a rollout.
#[derive(Clone, Copy, Debug)]
struct Windows {
    name: &'static str,
    /// Failed minutes, not necessarily one after the other.
    failed: u32,
    /// More bad answers than this fail a minute.
    most_bad: u32,
    /// What the design says: false roll-backs, then mean candidate answers at 3, 5, 10 and 50 %.
    design: [&'static str; 5],
}

const WINDOWS: [Windows; 5] = [
    Windows {
        name: "Flagger's shape: 5 failed minutes over 2 % bad",
        failed: 5,
        most_bad: 2,
        design: ["91 %", "800", "500", "500", "500"],
    },
    Windows {
        name: "Flagger's shape: 5 failed minutes over 5 % bad",
        failed: 5,
        most_bad: 5,
        design: ["0 %", "5800", "1200", "500", "500"],
    },
    Windows {
        name: "Flagger's documented example: 5 failed minutes under 99 % good",
        failed: 5,
        most_bad: 1,
        design: ["-"; 5],
    },
    Windows {
        name: "Argo Rollouts' documented example: over 3 failed minutes under 95 % good",
        failed: 4,
        most_bad: 5,
        design: ["-"; 5],
    },
    Windows {
        name: "Argo Rollouts' rule at 98 % good",
        failed: 4,
        most_bad: 2,
        design: ["-"; 5],
    },
];

pub(crate) fn run(scale: Scale, report: &mut Report) {
    report.part("what other rules do on the same traffic (100 candidate answers a minute, at most 100 minutes)");
    for (at, windows) in (101..).step_by(10).zip(WINDOWS) {
        let play = |rates, random: &mut Random| windows.until(rates, random);
        rows(scale.at(at), report, windows.name, windows.design, play);
    }
    let design = ["22 %", "78", "34", "30", "30"];
    let name = "z-test of two proportions at 1 %, looked at after each of 30 and more";
    rows(scale.at(161), report, name, design, z_test);
}

fn rows(
    scale: Scale,
    report: &mut Report,
    name: &str,
    design: [&str; 5],
    play: impl Fn(Rates, &mut Random) -> Option<f64> + Sync,
) {
    for (candidate, design) in [0.01, 0.03, 0.05, 0.10, 0.50].into_iter().zip(design) {
        let scale = scale.one_in(10);
        let found = scale.play(|_, mut random| play(Rates::of(candidate), &mut random));
        let all = found.len();
        let delays: Vec<f64> = found.into_iter().flatten().collect();
        if candidate <= 0.01 {
            let what = format!("{name}: false roll-backs");
            report.figure(what, design, share(delays.len(), all));
        } else {
            let found = number(delays.len()) / number(all) * 100.0;
            report.figure(
                format!(
                    "    1 -> {:.0} %: mean candidate answers",
                    candidate * 100.0
                ),
                design,
                format!("{:.0} ({found:.0} % found)", mean(&delays).0),
            );
        }
    }
}

impl Windows {
    fn until(self, rates: Rates, random: &mut Random) -> Option<f64> {
        let mut failed = 0;
        (1..=MINUTES).find_map(|minute| {
            let bad = (0..MINUTE)
                .filter(|_| rates.bad(Side::Candidate, random))
                .count();
            failed += u32::from(bad > self.most_bad as usize);
            (failed == self.failed).then(|| f64::from(minute * MINUTE))
        })
    }
}

/// One-sided at 1 %, pooled, from 30 answers of the candidate on.
fn z_test(rates: Rates, random: &mut Random) -> Option<f64> {
    const CRITICAL: f64 = 2.326;
    let ([mut candidates, mut candidates_bad], [mut primaries, mut primaries_bad]) =
        ([0.0_f64; 2], [0.0_f64; 2]);
    while candidates < f64::from(MINUTE * MINUTES) {
        let answer = rates.answer(random);
        let bad = f64::from(u8::from(answer.bad));
        match answer.side {
            Side::Candidate => {
                candidates += 1.0;
                candidates_bad += bad;
            }
            Side::Primary => {
                primaries += 1.0;
                primaries_bad += bad;
            }
        }
        if candidates < 30.0 || primaries < 1.0 {
            continue;
        }
        let pooled = (candidates_bad + primaries_bad) / (candidates + primaries);
        let spread = (pooled * (1.0 - pooled) * (1.0 / candidates + 1.0 / primaries)).sqrt();
        if candidates_bad / candidates - primaries_bad / primaries > CRITICAL * spread
            && spread > 0.0
        {
            return Some(candidates);
        }
    }
    None
}
