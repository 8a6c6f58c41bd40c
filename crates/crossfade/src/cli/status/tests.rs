use serde_json::json;

use super::*;

fn answer() -> Value {
    json!({
        "version": "0.0.0",
        "mirror_enabled": true,
        "ledger": { "entries": 1234, "head": "00", "writable": true, "unrecorded": 0, "problem": null },
        "routes": [{
            "rollout": {
                "route": "support", "stage": "ramp", "share": 10.0, "revision": 7, "owner": "team@example.com",
                "mirror_enabled": true,
                "attempt": {
                    "facts": {
                        "id": 1, "slow_streamed_micros": 1, "slow_plain_micros": 1, "arrival_age_micros": 1,
                        "content_age_micros": 1, "metrics": 1, "alpha": 0.01, "baseline_answers": 0
                    },
                    "decided": 10_000, "alarm": null
                },
                "rolled_back": null,
                "metrics": [{
                    "metric": "refusal", "group": "content", "share": 0.5, "w": 2.0, "evidence_ratio": 0.25,
                    "primary": { "answers": 9000, "bad": 3, "counted": 3 },
                    "candidate": { "answers": 1000, "bad": 2, "counted": 2 }
                }],
                "groups": [{ "engine": "R", "group": "content", "sum": 2.0, "threshold": 200.0, "alarm_ratio": 0.5 }],
                "missing": ["100 % needs an override"],
                "last_change": {
                    "at_unix_ms": 1000, "actor": { "name": "ana", "role": "operator" }, "reason": "second step",
                    "what": "split from 5 % to 10 %"
                },
                "ignored": 0
            },
            "effective_percent": 0.0,
            "lease_seconds": null,
            "barred": null,
            "accounting": {
                "route": "support", "seen": 12_000, "finished": 11_990, "in_flight": 10,
                "ineligible": { "operation": 0, "unsupported": 100, "too_large": 400 },
                "eligible": { "4k": 11_000, "32k": 500 },
                "compared": { "4k": 10_000, "32k": 400 },
                "skipped": { "4k": { "slots": 990, "money": 0 }, "32k": { "slots": 100 } },
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
            "found": { "headline": "no gate fails; 10 400 pairs", "pairs": 10_400, "noise_pairs": 500, "reviews_open": 3 }
        }],
        "unrouted": null
    })
}

fn shown(answer: &Value) -> String {
    text(&Status::deserialize(answer).unwrap(), 181_000)
}

#[test]
fn a_route_at_a_glance() {
    let expected = "\
crossfade 0.0.0   mirroring on   ledger 1 234 entries

support   ramp 10 % (effective 0 %)   no lease   revision 7   owner team@example.com
  change    split from 5 % to 10 %, 3 min ago, by ana (operator): second step
  attempt   1: 10 000 outcomes decided; 1.00 is a roll-back, below 0 speaks for the candidate
  R content         [##########..........]  0.50
    refusal         [#####...............]  0.25   bad: primary 3 of 9 000, candidate 2 of 1 000
  requests  12 000 seen (11 990 finished + 10 in flight) = 500 ineligible + 11 500 eligible
  eligible  11 500 = 10 400 compared + 1 090 skipped + 10 in flight
    ineligible: too_large 400, unsupported 100
    skipped: slots 1 090
    mirrored only: loss 70
  losses    of 10 500 asked of the candidate: seed_dropped 5 250 (50.0 %), hint_dropped 42 (0.4 %), \
stop_dropped 7 (0.1 %), name_dropped 6 (0.1 %), blank_dropped 5 (0.0 %), strict_dropped 4 (0.0 %), \
adapted 3 (0.0 %), token_floor 2 (0.0 %), and 1 more
  coverage  90.0 % of what was eligible and selected
  findings  no gate fails; 10 400 pairs; noise floor from 500
  reviews   3 open: crossfade reviews --route support
  for more  100 % needs an override
";
    assert_eq!(shown(&answer()), expected);
}

#[test]
fn trouble_is_not_to_be_overlooked() {
    let mut answer = answer();
    answer["ledger"]["writable"] = json!(false);
    answer["ledger"]["problem"] = json!("no space left");
    answer["ledger"]["unrecorded"] = json!(1);
    answer["routes"][0]["identity_holds"] = json!(false);
    answer["routes"][0]["barred"] = json!("its outcome log is damaged");
    answer["routes"][0]["rollout"]["rolled_back"] = json!({
        "at_unix_ms": 180_000, "actor": { "name": "R", "role": "engine" }, "reason": "refusal: 9 of 100",
        "cause": { "by": "manual" }, "evidence": { "decided": 0, "metrics": [], "groups": [] }
    });
    let shown = shown(&answer);
    for part in [
        "NOT WRITABLE: no space left",
        "1 change toward the primary is in effect and waits",
        "THE COUNTS DO NOT ADD UP",
        "HELD BACK: its outcome log is damaged",
        "revision 7   rolled back   owner",
        "ROLLED BACK 1 s ago by R (engine): refusal: 9 of 100",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn what_is_new_or_strange_is_said_in_words() {
    let mut answer = answer();
    answer["ledger"]["orphans"] = json!([{ "route": "sales", "percent": 20.0 }]);
    let route = &mut answer["routes"][0];
    route["notes"] = json!(["R is silent at 100 %: nothing rolls back by itself"]);
    let rollout = &mut route["rollout"];
    rollout["last_change"]["reason"] = json!("a\u{1b}[2Jb\nc");
    rollout["attempt"]["facts"]["arrival_age_micros"] = json!(12_500_000);
    let counts = json!({ "answers": 0, "bad": 0, "counted": 0 });
    rollout["groups"][0]["alarm_ratio"] = json!(-0.25);
    rollout["metrics"] = json!([{
        "metric": "transport", "group": "arrival", "share": 0.5, "w": 1.0, "evidence_ratio": 0.0,
        "primary": counts, "candidate": counts
    }]);
    let side = json!({ "answers": 100, "bad": 9, "counted": 9 });
    rollout["rolled_back"] = json!({
        "at_unix_ms": 180_000, "actor": { "name": "R", "role": "engine" }, "reason": "transport bad in 9",
        "cause": {
            "by": "alarm", "engine": "R", "group": "arrival", "metric": "transport", "sum": 201.0,
            "threshold": 200.0, "decided": 100, "primary": side, "candidate": side
        },
        "evidence": { "decided": 0, "metrics": [], "groups": [] }
    });
    let shown = shown(&answer);
    for part in [
        "transport bad in 9\n              transport is bad: no answer, 408, 429 or 5xx, or silent for longer than the age A\n",
        "sales had 20 % and is not configured any more: this start has set it to 0 %",
        "  note      R is silent at 100 %: nothing rolls back by itself\n",
        "by ana (operator): a\\u{1b}[2Jb\\nc\n",
        "  R content         no evidence yet",
        "    transport       no evidence yet               bad: primary 0 of 0, candidate 0 of 0\n",
        "transport is bad: no answer, 408, 429 or 5xx, or silent for longer than A = 12.5 s",
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
