//! Which stories have happened and which have not.

use std::collections::BTreeMap;

use crossfade_exchange::{Group, Percent, RouteId};
use crossfade_rollout::{Actor, Engine, Evidence, RoutePlan, RouteRollout, SideCounts};
use crossfade_sim::{corpus::Flaw, load::Quantiles};

use super::*;
use crate::demo::{
    operator::Counts,
    tally::{Answers, Row},
    world::ROUTE,
};

fn alarm(metric: Metric) -> Alarm {
    Alarm {
        engine: Engine::R,
        group: Group::Content,
        metric,
        sum: 212.5,
        threshold: 200.0,
        decided: 4_321,
        primary: SideCounts {
            answers: 3_000,
            bad: 30,
            counted: 30,
        },
        candidate: SideCounts {
            answers: 1_200,
            bad: 45,
            counted: 45,
        },
    }
}

fn table(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts
        .iter()
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

fn row(primary: (u64, u64), candidate: (u64, u64)) -> Row {
    Row {
        requests: primary.0 + candidate.0,
        primary: Answers {
            all: primary.0,
            bad: primary.1,
        },
        candidate: Answers {
            all: candidate.0,
            bad: candidate.1,
        },
        ..Row::default()
    }
}

/// A story that happened.
#[expect(clippy::too_many_lines, reason = "a list of cases")]
pub(in crate::demo) fn facts() -> Facts {
    let plan = RoutePlan::new(RouteId::new(ROUTE));
    let mut attempt = AttemptFacts::freeze(1, crossfade_rollout::Phase::Attempt, &plan, None);
    attempt.baseline_answers = 1_234;
    let mut rollout = RouteRollout::new(plan).status(&crossfade_rollout::ProposeContext::at(0));
    let alarm = alarm(Metric::Refusal);
    rollout.rolled_back = Some(RolledBack {
        at_unix_ms: 1_004_200,
        actor: Actor::engine(&alarm),
        reason: alarm.to_string(),
        cause: Cause::Alarm(alarm),
        evidence: Evidence::default(),
    });
    let rows = BTreeMap::from([
        (Phase::Overhead, row((120, 1), (0, 0))),
        (Phase::Shadow, row((1_800, 20), (0, 0))),
        (Phase::Tenth, row((1_080, 11), (120, 2))),
        (Phase::Half, row((600, 7), (600, 9))),
        (Phase::Degraded, row((210, 2), (210, 21))),
        (Phase::After, row((700, 8), (0, 0))),
    ]);
    let lasted = rows
        .keys()
        .map(|phase| (*phase, Duration::from_secs(12)))
        .collect();
    let scrape = |pass: u64, fail: u64| {
        Exposition::parse(&format!(
            "crossfade_check_total{{route=\"support\",check=\"json_parse\",outcome=\"pass\",pairing=\"candidate\"}} {pass}\n\
             crossfade_check_total{{route=\"support\",check=\"json_parse\",outcome=\"fail\",pairing=\"candidate\"}} {fail}\n\
             crossfade_check_total{{route=\"support\",check=\"envelope\",outcome=\"pass\",pairing=\"candidate\"}} {pass}\n\
             crossfade_exchanges_total{{route=\"support\",verdict=\"equal\"}} {pass}\n\
             crossfade_losses_total{{route=\"support\",loss=\"hint_dropped\"}} {fail}\n\
             crossfade_losses_total{{route=\"assistant\",loss=\"sampling_dropped\"}} 700\n"
        ))
    };
    Facts {
        overhead: Some(Overhead {
            pairs: 120,
            direct: 0.021,
            added: 0.001_234,
            interval: (0.001_1, 0.001_4),
        }),
        seen: Seen {
            rows,
            lasted,
            errors: BTreeMap::new(),
            flaws: [(Flaw::NoJson, 5), (Flaw::WronglyRefused, 16)].into(),
            latency: Quantiles::default(),
        },
        route: RouteNow {
            rollout,
            effective_percent: 0.0,
            accounting: Counts {
                seen: 5_440,
                finished: 5_440,
                in_flight: 0,
                ineligible: table(&[("tools", 40)]),
                eligible: table(&[("4k", 5_400)]),
                compared: table(&[("4k", 5_300)]),
                skipped: [("4k".to_owned(), table(&[("primary_failed", 100)]))].into(),
                mirror_in_flight: 0,
            },
            identity_holds: true,
            coverage: Some(0.98),
            found: Some(crate::review::FoundLine {
                headline: "refusal above the margin; 5 300 pairs".to_owned(),
                pairs: 5_300,
                noise_pairs: 0,
                reviews_open: 12,
            }),
        },
        family: family(),
        attempt: Some(attempt),
        fault: Some(Fault {
            at_unix_ms: 1_000_000,
            scrape: scrape(2_000, 20),
        }),
        scrape: scrape(2_500, 61),
        history: History {
            entries: Vec::new(),
            head: Some("ab".repeat(32)),
        },
        chain: Ok("ab".repeat(32)),
    }
}

/// The other route of a story that happened.
fn family() -> Family {
    let rows = BTreeMap::from([
        (Phase::Shadow, row((400, 4), (0, 0))),
        (Phase::Half, row((150, 2), (150, 1))),
    ]);
    Family {
        seen: Seen {
            rows,
            ..Seen::default()
        },
        route: RouteNow {
            rollout: RouteRollout::new(RoutePlan::new(RouteId::new(FAMILY)))
                .status(&crossfade_rollout::ProposeContext::at(0)),
            effective_percent: 50.0,
            accounting: Counts {
                seen: 700,
                finished: 700,
                eligible: table(&[("4k", 700)]),
                compared: table(&[("4k", 700)]),
                ..Counts::default()
            },
            identity_holds: true,
            coverage: Some(1.0),
            found: None,
        },
    }
}

#[test]
fn a_story_that_happened_has_no_failures() {
    let facts = facts();
    assert_eq!(facts.failures(), Vec::<String>::new());
    assert_eq!(facts.delay(), Some(Duration::from_millis(4_200)));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn every_part_of_the_story_can_fail() {
    let check = |change: fn(&mut Facts), expected: &str| {
        let mut facts = facts();
        change(&mut facts);
        let failures = facts.failures();
        assert!(
            failures.iter().any(|failure| failure.contains(expected)),
            "{expected}: {failures:?}"
        );
    };
    check(|f| f.overhead = None, "overhead");
    check(
        |f| row_of(f, Phase::Half).errors = 2,
        "callers saw 2 errors",
    );
    check(
        |f| row_of(f, Phase::Half).unsigned = 3,
        "3 answers do not say",
    );
    check(
        |f| row_of(f, Phase::Shadow).candidate.all = 1,
        "answered 1 requests in part \"shadow\"",
    );
    check(
        |f| row_of(f, Phase::After).candidate.all = 4,
        "answered 4 requests in part \"after\"",
    );
    check(
        |f| row_of(f, Phase::Tenth).candidate.all = 0,
        "answered nobody in part \"10 %\"",
    );
    check(
        |f| row_of(f, Phase::After).primary.all = 0,
        "nobody was answered after",
    );
    check(
        |f| f.family.seen.rows.clear(),
        "answered nobody on assistant",
    );
    check(
        |f| f.family.route.accounting.compared.clear(),
        "nothing was compared on assistant",
    );
    check(
        |f| f.family.route.accounting.seen += 1,
        "accounting of assistant",
    );
    check(
        |f| f.family.route.rollout.rolled_back = f.route.rollout.rolled_back.clone(),
        "assistant was rolled back",
    );
    check(|f| f.attempt = None, "own times");
    check(
        |f| {
            if let Some(attempt) = &mut f.attempt {
                attempt.baseline_answers = 999;
            }
        },
        "own times",
    );
    check(
        |f| f.route.rollout.rolled_back = None,
        "no roll-back happened",
    );
    check(
        |f| f.fault = None,
        "before there was a fault: engine R: refusal",
    );
    check(
        |f| rolled_back(f).cause = Cause::Manual,
        "not rolled back by itself",
    );
    check(
        |f| rolled_back(f).cause = Cause::Alarm(alarm(Metric::Slow)),
        "names slow",
    );
    check(
        |f| f.route.rollout.share = Percent::HUNDRED,
        "the share is 100 %",
    );
    check(|f| f.route.effective_percent = 10.0, "the share is");
    check(|f| f.route.accounting.mirror_in_flight = 1, "under way");
    check(|f| f.route.accounting.seen += 1, "identity does not hold");
    check(|f| f.route.identity_holds = false, "identity does not hold");
    check(
        |f| row_of(f, Phase::Shadow).requests += 1,
        "callers sent 5441 requests",
    );
    check(
        |f| f.chain = Err("broken at entry 3".to_owned()),
        "broken at entry 3",
    );
    check(|f| f.history.head = None, "ends otherwise");
}

fn row_of(facts: &mut Facts, phase: Phase) -> &mut Row {
    facts.seen.rows.entry(phase).or_default()
}

fn rolled_back(facts: &mut Facts) -> &mut RolledBack {
    facts.route.rollout.rolled_back.as_mut().unwrap()
}
