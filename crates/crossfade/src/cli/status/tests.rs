use crossfade_exchange::RouteId;
use crossfade_rollout::{AttemptFacts, Phase, RoutePlan, RouteRollout};
use serde_json::json;

use super::{words::bar, *};

mod screens;

/// Sets members of an object.
fn set(target: &mut Value, members: &Value) {
    for (name, member) in members.as_object().unwrap() {
        target[name] = member.clone();
    }
}

#[expect(clippy::too_many_lines, reason = "one value")]
fn rollout() -> Value {
    let plan = RoutePlan::new(RouteId::new("support"));
    let mut facts = AttemptFacts::freeze(1, Phase::Attempt, &plan, None);
    facts.arrival_age = std::time::Duration::from_micros(12_500_000);
    let mut rollout = serde_json::to_value(
        RouteRollout::new(plan).status(&crossfade_rollout::ProposeContext::at(0)),
    )
    .unwrap();
    let counts = |answers: u64, bad: u64| json!({ "answers": answers, "bad": bad, "counted": bad });
    let gate = |gate: &str, w: f64, requests: u64, needed: Option<u64>| {
        json!({
            "gate": gate, "margin": 0.01, "named": false, "samples": requests, "requests": requests,
            "mean": 0.0012, "w": w, "threshold": 20.0, "needed": needed
        })
    };
    let standing = |gate: &str, state: &str, counts: bool, ratio: f64, seconds: Option<u64>| json!({ "gate": gate, "state": state, "counts": counts, "gate_ratio": ratio, "needed_seconds": seconds });
    let members = json!({
        "stage": "ramp", "share": 10.0, "revision": 7, "owner": "team@example.com",
        "attempt": { "facts": facts, "decided": 10_000, "alarm": null },
        "metrics": [{
            "metric": "refusal", "group": "content", "share": 0.5, "w": 2.0, "evidence_ratio": 0.25,
            "w_pairs": 1.0, "pairs_ratio": 0.1, "primary": counts(9_000, 3), "candidate": counts(1_000, 2),
            "pairs": { "pairs": 4_000, "primary_bad": 5, "candidate_bad": 6 }
        }, {
            "metric": "transport", "group": "arrival", "share": 0.5, "w": 1.0, "evidence_ratio": 0.0,
            "primary": counts(0, 0), "candidate": counts(0, 0)
        }],
        "groups": [
            { "engine": "R", "group": "content", "sum": 2.0, "threshold": 200.0, "alarm_ratio": 0.5 },
            { "engine": "P", "group": "content", "sum": 2.0, "threshold": 200.0, "alarm_ratio": 0.3 },
            { "engine": "R", "group": "arrival", "sum": 1.0, "threshold": 200.0, "alarm_ratio": 0.0 }
        ],
        "gates": [
            gate("transport", 25.0, 900, None), gate("refusal", 4.47, 212, Some(788)),
            gate("json_schema", 0.5, 300, None), gate("label", 1.0, 0, None)
        ],
        "standings": [
            standing("transport", "passed", true, 1.07, None), standing("refusal", "open", true, 0.5, Some(21_600)),
            standing("json_schema", "worse", true, -0.23, None), standing("label", "silent", false, 0.0, None)
        ],
        "units": 1_204,
        "coverage": [
            { "size": "4k", "selected": 1_000, "compared": 982 }, { "size": "32k", "selected": 0, "compared": 0 },
            { "size": "2m", "selected": 3, "compared": 2 }
        ],
        "coverage_groups": [{ "sizes": ["4k", "2m"], "selected": 1_003, "compared": 984 }],
        "next": {
            "stage": "ramp", "share": 25.0, "automatic": true,
            "waits_for": ["gate refusal: inconclusive", "minimum time: 20 h more", "gate json_schema", "coverage 4k"]
        },
        "missing": [],
        "last_change": {
            "at_unix_ms": 1000, "actor": { "name": "ana", "role": "operator" }, "reason": "second step",
            "what": "split from 5 % to 10 %"
        },
        "last_drill": [1_000, { "decided_after_micros": 1_200, "durable_after_micros": 5_000, "problems": [] }],
        "replayed": { "dataset_sha256": "ab".repeat(32), "cases": 60, "passed": 60, "exit_code": 0 },
        "signoff": {
            "at_unix_ms": 1000, "actor": { "name": "eva", "role": "owner" }, "reason": "read it",
            "what": "ramp signed off"
        }
    });
    set(&mut rollout, &members);
    rollout
}

fn answer() -> Value {
    json!({
        "version": "0.0.0",
        "mirror_enabled": true,
        "ledger": { "entries": 1234, "head": "00", "writable": true, "unrecorded": 0, "problem": null },
        "routes": [{
            "rollout": rollout(),
            "effective_percent": 0.0,
            "lease_seconds": null,
            "barred": null,
            "accounting": {
                "route": "support", "seen": 12_000, "finished": 11_990, "in_flight": 10,
                "ineligible": { "operation": 0, "unsupported": 100, "too_large": 400 },
                "eligible": { "4k": 11_000, "32k": 500 },
                "compared": { "4k": 10_000, "32k": 400 },
                "skipped": { "4k": { "slots": 950, "money": 0, "client_abort": 40 }, "32k": { "slots": 100 } },
                "mirror_in_flight": 10,
                "mirror_only": { "loss": 70, "embeddings": 0 },
                "asked": 10_500,
                "losses": {
                    "seed_dropped": 5_250, "hint_dropped": 42, "stop_dropped": 7, "name_dropped": 6,
                    "blank_dropped": 5, "strict_dropped": 4, "adapted": 3, "token_floor": 2, "system_in_place": 1
                }
            },
            "identity_holds": true,
            "coverage": 0.9,
            "found": { "headline": "nothing above its margin; 10 400 pairs", "pairs": 10_400, "noise_pairs": 500, "reviews_open": 3 }
        }],
        "unrouted": null
    })
}

fn shown(answer: &Value, form: Form) -> String {
    text(&Status::deserialize(answer).unwrap(), form, 181_000)
}

#[test]
fn everything_is_shown_where_it_is_asked_for() {
    let shown = shown(&answer(), Form::Details);
    for part in [
        "            coverage 4k\n",
        "; compared 4k 98.2 % of 1 000, 2m 66.7 % of 3; together 4k+2m 98.1 % of 1 003\n",
        "    transport           [####################]  1.07  +0.12 of 1.00 %, 900 seen, passed\n",
        "  R content         [##########..........]  0.50\n    refusal         [#####...............]  0.25   \
         bad: primary 3 of 9 000, candidate 2 of 1 000\n",
        "  P content         [######..............]  0.30\n    refusal         [##..................]  0.10   \
         bad: primary 5, candidate 6 of 4 000 pairs\n",
        "  quiet     no evidence yet: R arrival\n",
        "  coverage  90.0 % of what was eligible and selected, without client_abort 40\n",
        "    transport is bad: no answer, 408, 429 or 5xx, or silent for longer than A = 12.5 s\n",
        "    ineligible: too_large 400, unsupported 100\n    skipped: slots 1 050, client_abort 40\n    mirrored only: loss 70\n",
        "  losses    of 10 500 asked of the candidate: seed_dropped 5 250 (50.0 %), hint_dropped 42 (0.4 %), \
         stop_dropped 7 (0.1 %), name_dropped 6 (0.1 %), blank_dropped 5 (0.0 %), strict_dropped 4 (0.0 %), \
         adapted 3 (0.0 %), token_floor 2 (0.0 %), and 1 more\n",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn trouble_is_not_to_be_overlooked() {
    let mut answer = answer();
    answer["kill_switch"] = json!(true);
    set(
        &mut answer["ledger"],
        &json!({ "writable": false, "problem": "no space left", "unrecorded": 1,
            "orphans": [{ "route": "sales", "percent": 20.0 }] }),
    );
    let route = &mut answer["routes"][0];
    set(
        route,
        &json!({ "identity_holds": false, "barred": "its outcome log is damaged",
            "notes": ["R is silent at 100 %: nothing rolls back by itself"] }),
    );
    let who = |name: &str, role: &str| json!({ "name": name, "role": role });
    let side = json!({ "answers": 100, "bad": 9, "counted": 9 });
    let alarm = json!({
        "engine": "R", "group": "arrival", "metric": "transport", "sum": 201.0, "threshold": 200.0,
        "decided": 100, "primary": side, "candidate": side
    });
    let mut cause = alarm.clone();
    cause["by"] = json!("alarm");
    let evidence = serde_json::to_value(crossfade_rollout::Evidence::default()).unwrap();
    let rollout = &mut route["rollout"];
    rollout["failing"] = alarm;
    rollout["attempt"]["facts"]["phase"] = json!("shadow");
    set(
        rollout,
        &json!({
            "rolled_back": { "at_unix_ms": 180_000, "actor": who("R", "engine"), "reason": "transport bad in 9",
                "cause": cause, "evidence": evidence },
            "held": { "at_unix_ms": 121_000, "actor": who("ana", "operator"), "reason": "a\u{1b}[2Jb\nc", "what": "held" },
            "freeze": { "by": "primary_trouble", "last_unix_ms": 121_000 },
            "last_drill": [1_000, { "decided_after_micros": 7, "durable_after_micros": 9, "problems": ["no marks"] }]
        }),
    );
    let shown = shown(&answer, Form::Details);
    for part in [
        "NOT WRITABLE: no space left",
        "1 change toward the primary is in effect and waits",
        "sales had 20 % and is not configured any more: this start has set it to 0 %",
        "THE COUNTS DO NOT ADD UP",
        "HELD BACK: its outcome log is damaged",
        "revision 7   rolled back   held   owner",
        "ROLLED BACK 1 s ago by R (engine): transport bad in 9\n              transport is bad: no answer, 408, 429 or 5xx, or silent for longer than the age A\n",
        "  FAILING: engine R: transport bad in 9 of 100",
        "crossfade resume support --reason …",
        "THE KILL SWITCH IS ON: only the primary answers",
        "  FROZEN: the primary fails more than usual, last sign 60 s ago; the ramp goes on after 15 quiet minutes\n",
        "  HELD 60 s ago by ana (operator): a\\u{1b}[2Jb\\nc\n",
        "  note      R is silent at 100 %: nothing rolls back by itself\n",
        "watch     1: 10 000 outcomes decided; 1.00 marks the route failing",
        "PROBLEMS: no marks",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn without_a_next_step_what_is_missing_is_said() {
    let mut answer = answer();
    let rollout = &mut answer["routes"][0]["rollout"];
    set(
        rollout,
        &json!({ "next": null, "missing": ["route has no owner"], "last_drill": null, "signoff": null, "replayed": null }),
    );
    let shown = shown(&answer, Form::Details);
    for part in [
        "  for more  this is missing:\n            route has no owner\n",
        "  way back  not drilled yet: crossfade rollback support --drill --reason …\n",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn one_route_of_many() {
    let mut one = answer();
    assert!(keep_route(&mut one, "support").is_ok());
    assert_eq!(one["routes"].as_array().unwrap().len(), 1);
    let error = keep_route(&mut answer(), "sales").unwrap_err().to_string();
    assert!(
        error.contains("no route \"sales\"")
            && error.contains("use a name from `crossfade status`: support"),
        "{error}"
    );
    assert!(one_line(&answer(), "support").starts_with("support   ramp 10 %"));
    assert_eq!(one_line(&json!({}), "support"), "support: done");
}

#[test]
fn numbers_and_times() {
    for (number, text) in [
        (0, "0"),
        (999, "999"),
        (1000, "1 000"),
        (1_234_567, "1 234 567"),
    ] {
        assert_eq!(count(number), text);
    }
    for (seconds, text) in [
        (0, "0 s ago"),
        (119, "119 s ago"),
        (120, "2 min ago"),
        (7200, "2 h ago"),
        (200_000, "2 days ago"),
    ] {
        assert_eq!(ago(0, seconds * 1000), text);
    }
    assert_eq!(ago(5000, 1000), "0 s ago", "clocks may differ");
    assert_eq!(bar(-3.0), "[....................] -3.00");
    assert_eq!(bar(2.0), "[####################]  2.00");
    assert_eq!(bar(-0.001), "[....................]  0.00");
}
