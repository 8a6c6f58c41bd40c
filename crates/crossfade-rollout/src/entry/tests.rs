//! The ledger's form on disk, which outlives every version.

use std::time::Duration;

use crossfade_exchange::{Group, Metric, MetricSet};
use serde_json::{Value, json};

use super::*;
use crate::{Engine, GroupEvidence, MetricEvidence, RoutePlan, SideCounts};

fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap()
}

fn check(change: Change, words: &str, toward_primary: bool, expected: &Value) {
    assert_eq!(change.to_string(), words);
    assert_eq!(change.is_toward_primary(), toward_primary, "{words}");
    let entry = Entry {
        change,
        ..Entry::started(7, 1_790_000_000_000, "why")
    };
    let written = serde_json::to_value(&entry).unwrap();
    let whole = json!({
        "sequence": 7,
        "at_unix_ms": 1_790_000_000_000_u64,
        "route": null,
        "actor": { "name": "controller", "role": "controller" },
        "reason": "why",
        "change": expected,
        "evidence": {
            "decided": 0, "outcomes": "", "metrics": [], "groups": [], "gates": [], "units": 0, "coverage": [],
            "freeze": null,
        },
    });
    assert_eq!(written, whole);
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
}

#[test]
fn changes_are_written_as_they_always_were() {
    check(
        Change::Started,
        "controller started",
        false,
        &json!({ "kind": "started" }),
    );
    check(
        Change::Resume,
        "resumed",
        false,
        &json!({ "kind": "resume" }),
    );
    for (enabled, word) in [(true, "on"), (false, "off")] {
        let expected = json!({ "kind": "mirror_switched", "enabled": enabled });
        let words = format!("mirroring switched {word}");
        check(
            Change::MirrorSwitched { enabled },
            &words,
            !enabled,
            &expected,
        );
    }
    let manual = Change::Rollback {
        from: percent(25.0),
        cause: Cause::Manual,
    };
    let expected = json!({ "kind": "rollback", "from": 25.0, "cause": { "by": "manual" } });
    check(manual, "rolled back from 25 %", true, &expected);
}

/// Ledgers begun before stages, gates and pairs were recorded are read on.
#[test]
fn an_older_ledger_is_read() {
    let old = json!({
        "sequence": 3, "at_unix_ms": 5, "route": "support",
        "actor": { "name": "ana", "role": "operator" }, "reason": "why",
        "change": {
            "kind": "split", "from": 0.0, "to": 5.0, "salt": 1, "attempt": 1, "override": false,
            "new_attempt": {
                "id": 1, "slow_streamed_micros": 1, "slow_plain_micros": 1, "arrival_age_micros": 1,
                "content_age_micros": 1, "metrics": 3, "alpha": 0.01, "baseline_answers": 0,
            },
        },
        "evidence": {
            "decided": 1, "groups": [],
            "metrics": [{
                "metric": "slow", "share": 1.0, "w": 1.5,
                "primary": { "answers": 1, "bad": 1, "counted": 1 },
                "candidate": { "answers": 0, "bad": 0, "counted": 0 },
            }],
        },
    });
    let entry: Entry = serde_json::from_value(old).unwrap();
    assert!(entry.evidence.gates.is_empty());
    assert!((entry.evidence.metrics[0].w_pairs - 1.0).abs() < 1e-15);
    let mut rollout = crate::RouteRollout::new(RoutePlan::new(RouteId::new("support")));
    rollout.apply_entry(&entry);
    assert_eq!(
        (rollout.stage(), rollout.share()),
        (Stage::Ramp, percent(5.0))
    );
    assert_eq!(rollout.attempt().unwrap().phase, crate::Phase::Attempt);
}

#[test]
fn a_split_is_written_with_what_its_attempt_froze() {
    let split = |from: f64, to: f64, new_attempt, override_| Change::Split {
        from: percent(from),
        to: percent(to),
        salt: u64::MAX,
        attempt: Some(3),
        new_attempt,
        override_,
        stage: None,
    };
    let written = |from: f64, to: f64, new_attempt: Value, override_: bool| {
        json!({
            "kind": "split", "from": from, "to": to, "salt": u64::MAX, "attempt": 3,
            "new_attempt": new_attempt, "override": override_,
        })
    };
    check(
        split(5.0, 0.0, None, false),
        "split from 5 % to 0 %",
        true,
        &written(5.0, 0.0, Value::Null, false),
    );
    check(
        split(5.0, 5.0, None, false),
        "split from 5 % to 5 %",
        true,
        &written(5.0, 5.0, Value::Null, false),
    );
    let words = "split from 5 % to 100 %, by override";
    check(
        split(5.0, 100.0, None, true),
        words,
        false,
        &written(5.0, 100.0, Value::Null, true),
    );
    let mut plan = RoutePlan::new(RouteId::new("support"));
    plan.metrics_on = MetricSet::EMPTY.with(Metric::Transport).with(Metric::Slow);
    plan.slow_after = Duration::from_micros(1_500);
    plan.shares = Some([(Metric::Transport, 0.75), (Metric::Slow, 0.25)].into());
    let facts = AttemptFacts::freeze(3, crate::Phase::Attempt, &plan, None);
    let margins = serde_json::to_value(&plan.gates.margins).unwrap();
    assert_eq!(margins["slow"], 0.05);
    let frozen = json!({
        "id": 3, "phase": "attempt", "slow_streamed_micros": 1_500, "slow_plain_micros": 1_500,
        "arrival_age_micros": 10_000_000, "content_age_micros": 60_000_000,
        "metrics": 3, "alpha": 0.01, "shares": { "transport": 0.75, "slow": 0.25 },
        "baseline_answers": 0,
        "gates": {
            "fingerprint": "", "margins": margins, "named": [], "alpha": 0.05, "unit_window_micros": 600_000_000,
        },
    });
    let begun = split(0.0, 5.0, Some(Box::new(facts)), false);
    check(
        begun,
        "split from 0 % to 5 %",
        false,
        &written(0.0, 5.0, frozen, false),
    );
}

#[test]
fn an_alarm_and_its_evidence_are_read_as_written() {
    let counts = SideCounts {
        answers: 10,
        bad: 4,
        counted: 3,
    };
    let alarm = Alarm {
        engine: Engine::R,
        group: Group::Content,
        metric: Metric::JsonSchema,
        sum: 7e100,
        threshold: 200.0,
        decided: 12,
        primary: SideCounts::default(),
        candidate: counts,
    };
    let evidence = Evidence {
        decided: 12,
        metrics: vec![MetricEvidence {
            metric: Metric::JsonSchema,
            share: 1.0,
            w: 0.1 + 0.2,
            w_pairs: 1.0,
            primary: SideCounts::default(),
            candidate: counts,
            pairs: crate::PairCounts::default(),
        }],
        groups: vec![GroupEvidence {
            engine: Engine::R,
            group: Group::Content,
            sum: 7e100,
            threshold: 200.0,
        }],
        ..Evidence::default()
    };
    let entry = Entry {
        route: Some(RouteId::new("support")),
        actor: Actor::engine(&alarm),
        change: Change::Rollback {
            from: percent(10.0),
            cause: Cause::Alarm(alarm),
        },
        evidence,
        ..Entry::started(1, 2, alarm.to_string())
    };
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&text).unwrap(), entry);
    assert!(text.contains(r#""by":"alarm","engine":"R","group":"content","metric":"json_schema""#));
}

#[test]
fn roles_cover_those_below_them_and_machines_cover_none() {
    use ActorRole::{Controller, Engine, Operator, Owner, Viewer};
    let check = |role: ActorRole, covers: [bool; 3]| {
        assert_eq!(
            ActorRole::TOKEN_ROLES.map(|needed| role.covers(needed)),
            covers,
            "{role}"
        );
    };
    check(Viewer, [true, false, false]);
    check(Operator, [true, true, false]);
    check(Owner, [true, true, true]);
    check(Engine, [false, false, false]);
    check(Controller, [false, false, false]);
}
