//! The verbs that move a route from stage to stage, from the command line against a whole process: what is refused and why, what a
//! drill proves, what a report holds and what signing it leads to.

use crossfade_tests::{Setup, World, chat::question, process::Ended};
use serde_json::{Value, json};

use crate::operators::cli;

/// Runs a command that must succeed.
async fn done(world: &World, role: &str, arguments: &[&str]) -> String {
    let ended = cli(world, role, arguments).await;
    assert!(ended.status.success(), "{arguments:?}: {}", ended.stderr);
    ended.stdout
}

/// Runs a command that must be refused, saying these words.
async fn refused(world: &World, role: &str, arguments: &[&str], words: &[&str]) {
    let ended = cli(world, role, arguments).await;
    assert_eq!(
        ended.status.code(),
        Some(1),
        "{arguments:?}: {}",
        ended.stderr
    );
    for part in words {
        assert!(
            ended.stderr.contains(part),
            "{part}: {arguments:?}: {}",
            ended.stderr
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_advance_says_all_that_is_missing_and_to_whom_it_is_not_allowed() {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    let advance = ["advance", "support", "--reason", "why not"];
    refused(
        &world,
        "viewer",
        &advance,
        &["role viewer may not do this", "operator"],
    )
    .await;
    // Every line is something that is missing; the time in the stage is always among them.
    refused(
        &world,
        "owner",
        &advance,
        &["stage shadow asks for", "try: `crossfade status"],
    )
    .await;
    let stale = [
        "advance",
        "support",
        "--reason",
        "why not",
        "--if-match",
        "77",
    ];
    refused(&world, "owner", &stale, &["is at revision"]).await;
    let hold = ["hold", "support", "--reason", "release freeze"];
    refused(&world, "viewer", &hold, &["role viewer"]).await;
    done(&world, "operator", &hold).await;
    let status = done(&world, "viewer", &["status"]).await;
    assert!(
        status.contains("HELD") && status.contains("release freeze"),
        "{status}"
    );
    refused(
        &world,
        "owner",
        &advance,
        &["is held by", "release freeze", "stage shadow asks for"],
    )
    .await;
    done(
        &world,
        "operator",
        &["resume", "support", "--reason", "it is over"],
    )
    .await;
    let nothing = ["resume", "support", "--reason", "again"];
    refused(&world, "operator", &nothing, &["nothing to resume"]).await;
    world.primary_answers(&question("still")).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_proves_the_way_back_and_harms_nobody() {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    world.raise(100.0).await;
    world.candidate_answers(&question("before")).await;
    let drill = ["rollback", "support", "--drill", "--reason", "monthly"];
    refused(&world, "viewer", &drill, &["role viewer"]).await;
    let said = done(&world, "operator", &drill).await;
    assert!(said.contains("the way back was tried"), "{said}");
    world.candidate_answers(&question("after")).await;
    let route = world.admin().route().await;
    let drilled = &route["rollout"]["last_drill"][1];
    assert_eq!(drilled["problems"], json!([]), "{route}");
    let micros = drilled["decided_after_micros"].as_u64().unwrap();
    assert!(micros < 1_000_000, "{micros} µs to the deciding point");
    let report = done(&world, "viewer", &["report", "support"]).await;
    assert!(report.contains("## 7. Can we go back? **yes**"), "{report}");
    // The real one, to compare: from the command line to the point where sides are decided.
    done(
        &world,
        "operator",
        &["rollback", "support", "--reason", "for real"],
    )
    .await;
    world.primary_answers(&question("rolled back")).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_read_and_its_hash_is_signed() {
    let world = World::start(Setup::new()).await;
    // A report is of the watch that runs: one that is made before the first is out of date with it.
    world.watched().await;
    world.prime().await;
    world.quiet().await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("report.html");
    let out = file.to_str().unwrap();
    let said = done(&world, "viewer", &["report", "support", "--out", out]).await;
    let (_, said) = said.split_once(".html: ").unwrap();
    let page = std::fs::read_to_string(&file).unwrap();
    let json = done(&world, "viewer", &["report", "support", "--format", "json"]).await;
    let report: Value = serde_json::from_str(&json).unwrap();
    let hash = report["hash"].as_str().unwrap();
    assert_eq!(
        report["content"]["sections"].as_array().map(Vec::len),
        Some(8)
    );
    let told = said
        .split_once("report ")
        .and_then(|(_, rest)| rest.get(..64));
    assert!(told.is_some_and(|told| page.contains(told)), "{said}");
    assert!(!page.contains("<script"));
    let sign = |hash: &'static str| {
        [
            "signoff", "support", "--report", hash, "--reason", "read it",
        ]
    };
    let unknown = "0000000000000000000000000000000000000000000000000000000000000000";
    refused(
        &world,
        "owner",
        &sign(unknown),
        &["unknown or out of date", "crossfade report"],
    )
    .await;
    let signing = [
        "signoff", "support", "--report", hash, "--reason", "read it",
    ];
    refused(&world, "operator", &signing, &["role operator"]).await;
    done(&world, "owner", &signing).await;
    let status = done(&world, "viewer", &["status", "support"]).await;
    assert!(status.contains("sign-off  shadow signed off"), "{status}");
    let ended = cli(&world, "owner", &sign("abc")).await;
    assert_eq!(ended.status.code(), Some(64), "{}", ended.stderr);
    world.finish().await;
}

/// A case whose sides' answers are recorded: the primary's is right, and the candidate says `text`.
fn case(id: &str, text: &str) -> String {
    let answer = |text: &str| {
        json!({"response": {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": text, "refusal": null}}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 12, "total_tokens": 32}
        }})
    };
    json!({
        "id": id, "request": {"messages": [{"role": "user", "content": "When?"}]},
        "assert": [{"type": "contains", "value": "Monday"}],
        "recorded": {"primary": [answer("Monday")], "candidate": [answer(text)]},
    })
    .to_string()
}

/// Replays these cases and posts what comes of it.
async fn replay(world: &World, who: &str, cases: &[String], route: &str) -> Ended {
    let home = tempfile::tempdir().unwrap();
    let (golden, report) = (home.path().join("golden.jsonl"), home.path().join("out"));
    std::fs::write(&golden, cases.join("\n")).unwrap();
    let (from, to) = (golden.to_str().unwrap(), report.to_str().unwrap());
    let replay = ["replay", "--dataset", from, "--report", to, "--post", route];
    cli(world, who, &replay).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_of_a_golden_set_is_posted() {
    let world = World::start(Setup::new()).await;
    for (candidate, passed, code) in [("Tuesday", 1, 100), ("On Monday.", 2, 0)] {
        let cases = [case("one", "Monday"), case("two", candidate)];
        let ended = replay(&world, "operator", &cases, "support").await;
        assert_eq!(ended.status.code(), Some(code), "{}", ended.stderr);
        let route = world.admin().route().await;
        let told = &route["rollout"]["replayed"];
        assert_eq!(
            (&told["passed"], &told["exit_code"]),
            (&json!(passed), &json!(code)),
            "{route}"
        );
    }
    // Who may not tell, or names a route that is not there, is told so before anything is asked.
    for (who, route, expected) in [
        ("viewer", "support", "has role viewer"),
        ("operator", "sales", "no route \"sales\""),
    ] {
        let ended = replay(&world, who, &[case("one", "Monday")], route).await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
        assert!(
            ended.stdout.is_empty() && ended.stderr.contains(expected),
            "{}{}",
            ended.stdout,
            ended.stderr
        );
    }
    world.finish().await;
}
