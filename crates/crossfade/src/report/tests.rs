//! Reports of routes as they may be: what is answered, what the hash is of, what the pages hold.

use crossfade_exchange::{Gate, Metric, MetricSet};
use crossfade_rollout::{
    Actor, ActorRole, AttemptFacts, Change, DrillResult, Entry, Evidence, LastChange, Phase,
    ReplayResult, RoutePlan, RouteRollout,
};
use serde_json::json;

use super::*;
use crate::{
    control::{LedgerState, RouteView},
    money::Money,
};

/// What a report is made from, all owned.
struct World {
    view: RouteView,
    entries: Vec<Entry>,
    ledger: LedgerState,
    setup: RouteSetup,
    open_reviews: u64,
    money: Option<Money>,
}

impl World {
    fn new() -> Self {
        let route = RouteId::new("support");
        let mut plan = RoutePlan::new(route.clone());
        plan.owner = Some("team@example.com".to_owned());
        let mut view = RouteView {
            outcome_log: None,
            rollout: RouteRollout::new(plan.clone()).status(&crossfade_rollout::ProposeContext::at(0)),
            ..serde_json::from_value(json!({
                "rollout": RouteRollout::new(plan.clone()).status(&crossfade_rollout::ProposeContext::at(0)),
                "effective_percent": 0.0, "lease_seconds": null, "barred": null
            }))
            .unwrap()
        };
        view.rollout.attempt = Some(crossfade_rollout::AttemptStatus {
            facts: AttemptFacts::freeze(1, Phase::Shadow, &plan, None),
            decided: 100,
            alarm: None,
        });
        let entry = Entry {
            sequence: 1,
            at_unix_ms: 60_000,
            route: Some(route),
            actor: Actor::new("ana", ActorRole::Owner),
            reason: "first <b>step</b>".to_owned(),
            change: Change::Hold,
            evidence: Evidence::default(),
        };
        Self {
            view,
            entries: vec![entry],
            ledger: serde_json::from_value(json!({
                "entries": 2, "head": "00ff", "writable": true, "unrecorded": 0, "problem": null
            }))
            .unwrap(),
            setup: RouteSetup {
                candidate: "some-model by converse".to_owned(),
                callers_own_credential: true,
                tokens: [0, 1, 1],
                ask_primary_twice: "0 %".to_owned(),
                reverse_share: "5 %".to_owned(),
                ..RouteSetup::default()
            },
            open_reviews: 0,
            money: None,
        }
    }

    fn report(&self) -> MigrationReport {
        let facts = Facts {
            view: &self.view,
            findings: None,
            open_reviews: self.open_reviews,
            rules: &[],
            accounting: None,
            money: self.money.as_ref(),
            entries: &self.entries,
            ledger: &self.ledger,
            setup: &self.setup,
        };
        MigrationReport::make(&facts, 120_000)
    }

    fn answer(&self, question: Question) -> Answer {
        let sections = self.report().content.sections;
        sections[question.index()].answer
    }
}

/// A gate as it stands after so much evidence.
fn watch(world: &mut World, gate: Gate, w: f64, state: &str) {
    let rollout = &mut world.view.rollout;
    let evidence = json!({
        "gate": gate, "margin": 0.01, "named": false, "samples": 90, "requests": 90,
        "mean": 0.001, "w": w, "threshold": 20.0, "needed": 788
    });
    let standing = json!({
        "gate": gate, "state": state, "counts": state != "silent", "gate_ratio": 0.5, "needed_seconds": null
    });
    rollout.gates = vec![serde_json::from_value(evidence).unwrap()];
    rollout.standings = vec![serde_json::from_value(standing).unwrap()];
}

fn drilled(problems: &[&str]) -> DrillResult {
    let mut result: DrillResult = serde_json::from_value(json!({
        "decided_after_micros": 1_200, "durable_after_micros": 5_000, "problems": []
    }))
    .unwrap();
    result.problems = problems
        .iter()
        .map(|problem| (*problem).to_owned())
        .collect();
    result
}

fn replayed(exit_code: u8) -> ReplayResult {
    ReplayResult {
        dataset_sha256: "ab".repeat(32),
        cases: 60,
        passed: 58,
        exit_code,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn every_question_is_answered_by_its_worst_line() {
    let check = |question: Question, change: &dyn Fn(&mut World), expected: Answer| {
        let mut world = World::new();
        change(&mut world);
        assert_eq!(
            world.answer(question),
            expected,
            "{question}: {:#?}",
            world.report()
        );
    };
    let drill = |problems: &'static [&'static str]| {
        move |world: &mut World| {
            world.view.rollout.last_drill = Some((1_000, drilled(problems)));
        }
    };
    check(Question::WayBack, &|_| (), Answer::NotYet);
    check(Question::WayBack, &drill(&[]), Answer::Yes);
    check(
        Question::WayBack,
        &drill(&["marks cannot be written"]),
        Answer::No,
    );
    check(Question::Logs, &|_| (), Answer::Yes);
    check(Question::Logs, &|w| w.ledger.unrecorded = 1, Answer::NotYet);
    check(
        Question::Logs,
        &|w| w.ledger.problem = Some("no space left".to_owned()),
        Answer::No,
    );
    check(Question::Logs, &|w| w.entries[0].reason.clear(), Answer::No);
    check(Question::Permissions, &|_| (), Answer::Yes);
    check(
        Question::Permissions,
        &|w| w.setup.callers_own_credential = false,
        Answer::NotYet,
    );
    check(
        Question::Permissions,
        &|w| w.setup.tokens[2] = 0,
        Answer::NotYet,
    );
    check(Question::Tools, &|_| (), Answer::NotYet);
    check(
        Question::StructuredOutputs,
        &|w| watch(w, Gate::JsonSchema, 21.0, "passed"),
        Answer::Yes,
    );
    check(
        Question::StructuredOutputs,
        &|w| watch(w, Gate::JsonSchema, 2.0, "open"),
        Answer::NotYet,
    );
    check(
        Question::Checks,
        &|w| w.view.rollout.replayed = Some(replayed(100)),
        Answer::No,
    );
    check(Question::Owner, &|_| (), Answer::NotYet);
    let signed = |w: &mut World| {
        w.view.rollout.signoff = Some(LastChange {
            at_unix_ms: 5_000,
            actor: Actor::new("ana", ActorRole::Owner),
            reason: "read it".to_owned(),
            what: "shadow signed off".to_owned(),
        });
    };
    check(Question::Owner, &signed, Answer::Yes);
    check(
        Question::Owner,
        &|w| {
            signed(w);
            w.open_reviews = 2;
        },
        Answer::NotYet,
    );
}

#[test]
fn the_hash_is_of_what_is_said_and_of_no_time() {
    let mut world = World::new();
    let first = world.report();
    assert!(first.is_whole());
    assert_eq!(first.hash.len(), 64);
    let again = MigrationReport {
        made_unix_ms: 999,
        ..world.report()
    };
    assert!(again.is_whole(), "the time is no part of it");
    assert_eq!(first.hash, again.hash);
    // As somebody else reads it: through JSON, with names in another order.
    let text = serde_json::to_string(&first).unwrap();
    let read: MigrationReport = serde_json::from_str(&text).unwrap();
    assert_eq!(read, first);
    assert!(read.is_whole());
    let mut forged = read;
    forged.content.sections[0].lines[0].says.push('!');
    assert!(!forged.is_whole());
    world.open_reviews = 1;
    assert_ne!(world.report().hash, first.hash);
}

/// The money of an attempt, with a cap, at so many requests a second.
fn money(shadow: f64, served: f64, rate: f64) -> Money {
    let bill = |mean: f64| {
        let hour = mean * rate * 3_600.0;
        json!({ "mean_usd": mean, "calls": 40, "hour_usd": hour, "day_usd": hour * 24.0, "thirty_days_usd": hour * 720.0 })
    };
    let budget = |window: &str, shadow: f64, served: f64| {
        json!({ "window": window, "shadow_usd": shadow, "served_usd": served, "cap_usd": 500.0, "left_usd": 1.0,
            "reached": false })
    };
    serde_json::from_value(json!({
        "budgets": [budget("hour", 7.7, 6.6), budget("attempt", shadow, served)],
        "forecast": { "requests_per_second": rate, "measured_seconds": 60, "primary": bill(0.002), "candidate": bill(0.001) }
    }))
    .unwrap()
}

#[test]
fn the_owner_is_told_of_the_money() {
    let check = |money: Money, expected: [&str; 2]| {
        let mut world = World::new();
        world.money = Some(money);
        let content = world.report().content;
        let lines = &content.sections[Question::Owner.index()].lines;
        let says = ["spent", "bill at 100 %"].map(|what| {
            let line = lines.iter().find(|line| line.what == what);
            line.unwrap().says.as_str()
        });
        assert_eq!(says, expected);
    };
    let both = "primary about 350 USD a day, 10000 USD in thirty days; candidate about 170 USD a day, 5200 USD in thirty \
                days; a call changes by -50 %";
    check(
        money(12.345, 0.0, 2.0),
        [
            "since this attempt began: 12 USD of at most 500 USD on copies and repeats, less than 0.01 USD on the \
             candidate's answers to callers",
            both,
        ],
    );
    check(
        money(0.0, 0.0, 2.0),
        [
            "nothing since this attempt began, or no prices are configured",
            both,
        ],
    );
    let mut unknown = money(1.0, 3.26, 2.0);
    unknown.forecast = None;
    check(
        unknown,
        [
            "since this attempt began: 1.0 USD of at most 500 USD on copies and repeats, 3.3 USD on the candidate's \
             answers to callers",
            "not known before the rate has been measured for a minute",
        ],
    );
    let mut priceless = money(1.0, 1.0, 2.0);
    priceless.forecast.as_mut().unwrap().primary = None;
    check(
        priceless,
        [
            "since this attempt began: 1.0 USD of at most 500 USD on copies and repeats, 1.0 USD on the candidate's \
             answers to callers",
            "primary not known, without a price or with too few calls; candidate about 170 USD a day, 5200 USD in thirty \
             days",
        ],
    );
}

#[test]
fn the_hash_does_not_follow_the_money_of_each_moment() {
    let mut world = World::new();
    let mut hash = |given: Money| {
        world.money = Some(given);
        world.report().hash
    };
    let first = hash(money(12.1, 3.31, 2.0));
    assert_eq!(hash(money(12.3, 3.33, 2.01)), first, "a moment later");
    let mut later = money(12.1, 3.31, 2.0);
    later.budgets[0].shadow_usd = 0.0;
    assert_eq!(hash(later), first, "in the next hour");
    assert_ne!(hash(money(12.1, 3.31, 4.0)), first, "at twice the rate");
    assert_ne!(
        hash(money(24.0, 3.31, 2.0)),
        first,
        "with twice the spending"
    );
}

#[test]
fn the_power_of_each_metric_is_told() {
    let mut world = World::new();
    let attempt = world.view.rollout.attempt.as_mut().unwrap();
    attempt.facts.metrics = MetricSet::EMPTY.with(Metric::Refusal);
    world.view.rollout.metrics = vec![
        serde_json::from_value(json!({
            "metric": "refusal", "group": "content", "share": 1.0, "w": 1.0, "evidence_ratio": 0.0,
            "primary": {"answers": 0, "bad": 0, "counted": 0}, "candidate": {"answers": 0, "bad": 0, "counted": 0},
            "pairs": {"pairs": 2_000, "primary_bad": 20, "candidate_bad": 22}
        }))
        .unwrap(),
    ];
    let report = world.report();
    let checks = &report.content.sections[Question::Checks.index()];
    let power = checks
        .lines
        .iter()
        .find(|line| line.what == "power of refusal");
    let says = &power.unwrap().says;
    assert!(
        says.starts_with("2000 pairs, bad: primary 20, candidate 22; a candidate bad in about 3."),
        "{says}"
    );
}

#[test]
fn pages_hold_every_answer_and_no_markup_of_others() {
    let mut world = World::new();
    watch(&mut world, Gate::Refusal, 2.0, "open");
    world.view.rollout.last_drill = Some((1_000, drilled(&["<script>alert(1)</script>|x"])));
    let report = world.report();
    let (page, text) = (html(&report), markdown(&report));
    for question in Question::ALL {
        assert!(
            page.contains(question.text()) && text.contains(question.text()),
            "{question}"
        );
    }
    for part in [
        report.hash.as_str(),
        "1.2 ms",
        "about 788 more are needed",
        "1970-01-01 00:02:00 UTC",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!page.contains("<script"), "{page}");
    assert!(
        !text.contains(" <script") && text.contains("\\<script\\>") && text.contains("\\|x"),
        "{text}"
    );
    assert!(page.contains("default-src 'none'"));
    assert_eq!(page, html(&report), "the same report is the same page");
}
