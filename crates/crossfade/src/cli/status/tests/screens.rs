//! That a route fits its screen, and a list of routes theirs, whatever happens.

use super::*;

/// Columns that nothing passes.
const WIDEST: usize = 100;

fn route(answer: &mut Value) -> &mut Value {
    &mut answer["routes"][0]
}

fn rollout_of(answer: &mut Value) -> &mut Value {
    &mut answer["routes"][0]["rollout"]
}

fn who(name: &str, role: &str) -> Value {
    json!({ "name": name, "role": role })
}

fn alarm() -> Value {
    let side = json!({ "answers": 123_456, "bad": 9_999, "counted": 9_999 });
    json!({
        "engine": "R", "group": "arrival", "metric": "transport", "sum": 201.0, "threshold": 200.0,
        "decided": 100, "primary": side, "candidate": side
    })
}

fn rolled_back(answer: &mut Value) {
    let evidence = serde_json::to_value(crossfade_rollout::Evidence::default()).unwrap();
    let mut cause = alarm();
    cause["by"] = json!("alarm");
    let reason = "transport is bad in 9 999 of 123 456 ".repeat(20);
    set(
        rollout_of(answer),
        &json!({ "stage": "shadow", "share": 0.0, "rolled_back": {
            "at_unix_ms": 180_000, "actor": who("R", "engine"), "reason": reason, "cause": cause, "evidence": evidence } }),
    );
}

fn held(answer: &mut Value) {
    let held = json!({ "at_unix_ms": 121_000, "actor": who("ana", "operator"), "reason": "r".repeat(1_000), "what": "held" });
    rollout_of(answer)["held"] = held;
}

fn many_gates(answer: &mut Value) {
    let gates = crossfade_exchange::Gate::ALL.iter();
    let (gates, standings): (Vec<Value>, Vec<Value>) = gates
        .map(|gate| {
            let name = gate.as_str();
            (
                json!({
                    "gate": name, "margin": 0.01, "named": true, "samples": 123_456, "requests": 1_234_567,
                    "mean": -0.0012, "w": 2.0, "threshold": 20.0, "needed": 1_234_567
                }),
                json!({ "gate": name, "state": "open", "counts": true, "gate_ratio": -0.5, "needed_seconds": 123_456_789 }),
            )
        })
        .unzip();
    set(
        rollout_of(answer),
        &json!({ "gates": gates, "standings": standings }),
    );
}

fn many_waits(answer: &mut Value) {
    let text = "coverage of requests of size 128k is 12.3 % of at least 90 % (1 234 of 12 345 compared): see what the mirror skips";
    let waits: Vec<String> = (0..20)
        .map(|place| match place % 2 {
            0 => text.to_owned(),
            _ => format!("gate label is inconclusive, {text}"),
        })
        .collect();
    rollout_of(answer)["next"]["waits_for"] = json!(waits);
}

fn unwritable(answer: &mut Value) {
    let problem = "the disk is full: ".repeat(20);
    set(
        &mut answer["ledger"],
        &json!({ "writable": false, "problem": problem, "unrecorded": 3 }),
    );
}

fn long_names(answer: &mut Value) {
    set(
        rollout_of(answer),
        &json!({ "route": "n".repeat(64), "owner": "o".repeat(120) }),
    );
}

/// A state, and what must be seen of it.
type Case = (&'static str, fn(&mut Value), &'static [&'static str]);

const CASES: &[Case] = &[
    (
        "as_it_is",
        |_| {},
        &["ramp 10 %", "NO LEASE", "crossfade rollback support"],
    ),
    (
        "rolled_back",
        rolled_back,
        &["ROLLED BACK", "crossfade resume support"],
    ),
    ("held", held, &["HELD", "by ana (operator)"]),
    ("many_gates", many_gates, &["0 of 20 pass", "and 16 more"]),
    (
        "many_waits",
        many_waits,
        &["10 gates (below), and:", "and 7 more"],
    ),
    (
        "unwritable",
        unwritable,
        &["NOT WRITABLE: nothing can be raised"],
    ),
    ("long_names", long_names, &["crossfade rollback"]),
    (
        "killed",
        |answer| answer["kill_switch"] = json!(true),
        &[
            "THE KILL SWITCH",
            "SIGUSR2",
            "the primary, by the kill switch",
        ],
    ),
    (
        "failing",
        |answer| {
            set(
                rollout_of(answer),
                &json!({ "stage": "shadow", "share": 0.0, "failing": alarm() }),
            );
        },
        &[
            "FAILING",
            "answers   the primary",
            "crossfade resume support",
        ],
    ),
    (
        "rolling_back",
        |answer| {
            let attempt = &mut rollout_of(answer)["attempt"];
            if !attempt.is_null() {
                attempt["alarm"] = alarm();
            }
        },
        &["ROLLING BACK"],
    ),
    (
        "barred",
        |answer| route(answer)["barred"] = json!("its outcome log is damaged ".repeat(20)),
        &["HELD BACK its outcome log"],
    ),
    (
        "primary_in_trouble",
        |answer| {
            rollout_of(answer)["freeze"] =
                json!({ "by": "primary_trouble", "last_unix_ms": 121_000 });
        },
        &["FROZEN", "15 quiet minutes"],
    ),
    (
        "sample_ratio",
        |answer| rollout_of(answer)["freeze"] = json!({ "by": "sample_ratio" }),
        &["FROZEN"],
    ),
    (
        "lease",
        |answer| {
            set(
                route(answer),
                &json!({ "effective_percent": 10.0, "lease_seconds": 41.7 }),
            );
        },
        &["the candidate 10 %, the primary the rest; lease 42 s"],
    ),
    (
        "internal",
        |answer| {
            set(
                rollout_of(answer),
                &json!({ "stage": "internal", "share": 0.0 }),
            );
            route(answer)["lease_seconds"] = json!(41.7);
        },
        &[
            "the primary; internal callers the candidate; lease 42 s",
            "crossfade rollback support",
        ],
    ),
    (
        "internal_without_lease",
        |answer| {
            set(
                rollout_of(answer),
                &json!({ "stage": "internal", "share": 0.0 }),
            );
        },
        &["answers   the primary; NO LEASE\n"],
    ),
    (
        "internal_with_an_open_breaker",
        |answer| {
            set(
                rollout_of(answer),
                &json!({ "stage": "internal", "share": 0.0 }),
            );
            set(
                route(answer),
                &json!({ "lease_seconds": 41.7, "breaker_open": true }),
            );
        },
        &["answers   the primary, as the breaker is open; lease 42 s\n"],
    ),
    (
        "breaker",
        |answer| {
            set(
                route(answer),
                &json!({ "effective_percent": 10.0, "lease_seconds": 41.7, "breaker_open": true,
                    "notes": ["BREAKER OPEN, over half of 20 calls to the candidate failed"] }),
            );
        },
        &[
            "answers   the primary, as the breaker is open; lease 42 s\n",
            "note      BREAKER OPEN",
        ],
    ),
    (
        "complete",
        |answer| {
            set(
                rollout_of(answer),
                &json!({ "stage": "complete", "share": 100.0, "next": null, "attempt": null }),
            );
            set(
                route(answer),
                &json!({ "effective_percent": 100.0,
                "notes": ["R is silent at 100 %, and without mirror.reverse_share P too: nothing rolls back by itself"] }),
            );
        },
        &[
            "answers   the candidate",
            "the route has arrived",
            "note      R is silent",
        ],
    ),
    (
        "nothing_known",
        |answer| {
            let plan = RoutePlan::new(RouteId::new("support"));
            let context = crossfade_rollout::ProposeContext::at(0);
            let status = RouteRollout::new(plan).status(&context);
            *rollout_of(answer) = serde_json::to_value(status).unwrap();
            set(route(answer), &json!({ "accounting": null, "found": null }));
        },
        &["nothing to take back", "owner nobody", "--drill"],
    ),
    (
        "spent",
        |answer| {
            route(answer)["money"] = json!({ "budgets": [{ "window": "hour", "shadow_usd": 1.0, "served_usd": 123_456.0,
                "cap_usd": 1.0, "reached": true }], "forecast": null });
        },
        &["BUDGET    IS SPENT"],
    ),
    (
        "miscounted",
        |answer| route(answer)["identity_holds"] = json!(false),
        &["COUNTS    DO NOT ADD UP"],
    ),
    (
        "bad_drill",
        |answer| {
            let problems =
                ["the data directory cannot be written: make room or make it writable"; 3];
            rollout_of(answer)["last_drill"] = json!([1_000, { "decided_after_micros": 7, "durable_after_micros": 9, "problems": problems }]);
        },
        &["PROBLEMS: the data directory"],
    ),
];

fn fits(answer: &Value, form: Form, tall: usize, wide: usize, case: &str) -> String {
    let shown = shown(answer, form);
    assert!(shown.lines().count() <= tall, "{case}\n{shown}");
    for line in shown.lines() {
        assert!(line.chars().count() <= wide, "{case}: {line}\n{shown}");
    }
    shown
}

#[test]
fn every_state_fits_one_screen() {
    for (case, change, parts) in CASES {
        let mut answer = answer();
        change(&mut answer);
        let wide = if *case == "long_names" { WIDEST } else { 80 };
        let shown = fits(&answer, Form::Screen, 24, wide, case);
        let always = ["answers", "next", "take back", "more  "];
        for part in always.iter().chain(*parts) {
            assert!(shown.contains(part), "{case}: {part}\n{shown}");
        }
        let lines = fits(&answer, Form::Lines, 12, WIDEST, case);
        assert!(lines.contains("one screen: crossfade status"), "{lines}");
    }
}

#[test]
fn two_and_three_troubles_fit_too() {
    for (one, first, _) in CASES {
        for (two, second, _) in CASES {
            let mut answer = answer();
            many_waits(&mut answer);
            first(&mut answer);
            // What a route without a next step has is no object.
            if rollout_of(&mut answer)["next"].is_null() && *two == "many_waits" {
                continue;
            }
            second(&mut answer);
            let shown = fits(&answer, Form::Screen, 24, WIDEST, &format!("{one} {two}"));
            for part in ["answers", "next", "take back"] {
                assert!(shown.contains(part), "{one} {two}: {part}\n{shown}");
            }
        }
    }
}

#[test]
fn a_route_on_one_screen() {
    let expected = "\
crossfade 0.0.0   mirroring on   ledger 1 234 entries
support   ramp 10 %   owner team@example.com   revision 7
  answers   the primary; 10 % is granted and not in effect; NO LEASE
  moved     split from 5 % to 10 %, 3 min ago, by ana (operator): second step
  next      ramp 25 %, by itself, after 2 gates (below), and:
            minimum time: 20 h more
            coverage 4k
  take back crossfade rollback support --reason …
            drilled 3 min ago: 1.2 ms to the deciding point
  gates     1 of 3 pass in this stage
    json_schema         [..........] -0.23  +0.12 of 1.00 %, not at this mean
    refusal             [#####.....]  0.50  +0.12 of 1.00 %, 788 more, about 6 h
  alarms    1.00 is a roll-back; bad, the primary's | the candidate's
    R content  [#####.....]  0.50 refusal 3 of 9 000 | 2 of 1 000
    P content  [###.......]  0.30 refusal 5 | 6 of 4 000 pairs
  stage     1 204 users, 10 000 outcomes; 98.1 % of 4k+2m compared, the least
  sign-off  ramp signed off, 3 min ago, by eva (owner): read it
  reviews   3 open: crossfade reviews --route support
  findings  all pairs: nothing above its margin; 10 400 pairs; noise floor from
            500
  more      crossfade status support --details
";
    assert_eq!(shown(&answer(), Form::Screen), expected);
}

#[test]
fn the_worst_route_stands_first() {
    let mut all = answer();
    let mut routes = Vec::new();
    for (name, (_, change, _)) in ["one", "two", "three", "four"]
        .iter()
        .zip([CASES[0], CASES[2], CASES[1], CASES[8]])
    {
        let mut one = answer();
        set(
            route(&mut one),
            &json!({ "effective_percent": 10.0, "lease_seconds": 42.0 }),
        );
        change(&mut one);
        if rollout_of(&mut one)["share"] == json!(0.0) {
            route(&mut one)["effective_percent"] = json!(0.0);
        }
        rollout_of(&mut one)["route"] = json!(name);
        routes.push(route(&mut one).clone());
    }
    all["routes"] = json!(routes);
    let shown = fits(&all, Form::Lines, 24, 80, "four routes");
    let names: Vec<&str> = shown
        .lines()
        .skip(2)
        .take(4)
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, ["three", "four", "two", "one"], "{shown}");
    let lines = |change: fn(&mut Value)| {
        let mut one = answer();
        let in_effect = json!({ "effective_percent": 10.0, "lease_seconds": 42.0 });
        set(route(&mut one), &in_effect);
        change(&mut one);
        fits(&one, Form::Lines, 24, 80, "one route")
    };
    let broken = lines(|answer| route(answer)["breaker_open"] = json!(true));
    assert!(
        broken.contains("BREAKER OPEN: the candidate fails"),
        "{broken}"
    );
    // However long the first obstacle is, how many more there are stays.
    let many = lines(many_waits);
    assert!(many.contains("… and 19 more\n"), "{many}");
    let ready = |answer: &mut Value| {
        rollout_of(answer)["next"] =
            json!({ "stage": "slice", "share": 1.0, "automatic": false, "waits_for": [] });
        route(answer)["effective_percent"] = json!(10.0);
    };
    let mut one = answer();
    ready(&mut one);
    assert!(
        super::shown(&one, Form::Lines).contains("READY for slice 1 %: crossfade advance"),
        "{}",
        super::shown(&one, Form::Lines)
    );
}
