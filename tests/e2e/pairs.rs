//! What the statistics learn of mirrored requests, whichever side fails; who is assigned without being drawn; and the switch that ends
//! both.

use crossfade_exchange::SkipReason;
use crossfade_sim::{azure::AzureSim, bedrock::BedrockSim, script::Fault};
use crossfade_tests::{
    Process, Setup, World,
    chat::{self, question, request, request_as},
    eventually,
    http::Connection,
};
use serde_json::Value;

/// Questions of each kind; fewer than the breaker looks at.
const QUESTIONS: u64 = 6;

/// What was seen of pairs in one metric.
fn pairs(route: &Value, metric: &str) -> [u64; 3] {
    let metrics = route["rollout"]["metrics"].as_array().cloned();
    let found = metrics
        .unwrap_or_default()
        .into_iter()
        .find(|known| known["metric"] == metric)
        .unwrap_or_default();
    ["pairs", "primary_bad", "candidate_bad"].map(|name| found["pairs"][name].as_u64().unwrap_or(0))
}

/// A world whose shadow watch has begun.
async fn watched(setup: Setup) -> World {
    let world = World::start(setup).await;
    world.watched().await;
    world.prime().await;
    world.quiet().await;
    world
}

/// Pairs of the transport, without the one that let the caller in: how many, how many with a bad primary and with a bad candidate.
async fn check(primary: Fault, candidate: Fault, expected: [u64; 3]) {
    let what = format!("{primary:?} {candidate:?}");
    // Where nothing hangs, a busy machine must not be taken for a side that does.
    let deadline = if candidate == Fault::Hang {
        "deadline = \"2s\""
    } else {
        ""
    };
    let world = watched(Setup::new().mirror(deadline)).await;
    world.azure.script().set_fault(primary);
    world.bedrock.script().set_fault(candidate);
    for n in 0..QUESTIONS {
        world
            .send(&request(&question(&format!("{what} {n}"))))
            .await;
    }
    world.quiet().await;
    let mut seen = [0; 3];
    eventually(&format!("the pairs of {what}"), async || {
        seen = pairs(&world.admin().route().await, "transport");
        (seen[0] > expected[0]).then_some(())
    })
    .await;
    let [all, primary_bad, candidate_bad] = seen;
    assert_eq!([all - 1, primary_bad, candidate_bad], expected, "{what}");
    world.finish().await;
}

fn unavailable() -> Fault {
    Fault::Status {
        status: 503,
        retry_after: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_that_fails_is_seen_in_its_pairs() {
    let n = QUESTIONS;
    check(Fault::None, Fault::None, [n, 0, 0]).await;
    check(Fault::None, unavailable(), [n, 0, n]).await;
    check(Fault::None, Fault::Hang, [n, 0, n]).await;
    // The candidate is not asked then, and these are pairs all the same: without them the primary could never be seen to fail.
    check(unavailable(), Fault::None, [n, n, 0]).await;
    check(unavailable(), unavailable(), [n, n, 0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_of_the_house_are_answered_by_the_candidate_and_never_drawn() {
    let setup = Setup::new()
        .internal(&["ours"])
        .listen("expose_side = true");
    let world = watched(setup).await;
    world.prime_as("ours").await;
    world.raise(1.0).await;
    let side = async |named: Option<&str>, n: u64| {
        let mut request = request_as("ours", &question(&format!("ours {n}")));
        if let Some(named) = named {
            request = request.header("x-crossfade-side", named);
        }
        let answer = world.send(&request).await;
        assert_eq!(answer.status(), 200, "{answer:?}");
        answer.header("x-crossfade-side").unwrap_or("").to_owned()
    };
    for n in 0..QUESTIONS {
        assert_eq!(side(None, n).await, "candidate");
        assert_eq!(side(Some("primary"), n).await, "primary");
    }
    world.quiet().await;
    let decided = world
        .admin()
        .metric("crossfade_outcomes_total{route=\"support\",fate=\"decided\"}")
        .await;
    let route = world.admin().route().await;
    let metrics = route["rollout"]["metrics"].as_array().unwrap().clone();
    for metric in metrics {
        for side in ["primary", "candidate"] {
            assert_eq!(metric[side]["answers"], 0, "{decided} {metric}");
        }
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_is_a_file() {
    let world = watched(Setup::new()).await;
    world.raise(100.0).await;
    world.candidate_answers(&question("before")).await;
    let file = world.data().join("kill-switch");
    std::fs::write(&file, "").unwrap();
    let switched = async |on: bool| {
        eventually("the kill switch", async || {
            (world.server().proxy().is_killed() == on).then_some(())
        })
        .await;
    };
    switched(true).await;
    let before = world.skipped(SkipReason::Disabled);
    world.primary_answers(&question("during")).await;
    world.quiet().await;
    assert_eq!(world.skipped(SkipReason::Disabled), before + 1);
    assert!((world.admin().metric("crossfade_kill_switch").await - 1.0).abs() < 1e-9);
    std::fs::remove_file(&file).unwrap();
    switched(false).await;
    world.candidate_answers(&question("after")).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_is_a_signal() {
    let setup = Setup::new();
    let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
    let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("crossfade.toml");
    let config = setup.config(
        azure.address(),
        bedrock.address(),
        &home.path().join("data"),
    );
    std::fs::write(&file, config).unwrap();
    let process = Process::serve(crate::PROGRAM, &file).await;
    let switched = async |on: f64| {
        eventually("the kill switch", async || {
            let now = process.admin().metric("crossfade_kill_switch").await;
            ((now - on).abs() < 1e-9).then_some(())
        })
        .await;
    };
    for (signal, on) in [("USR1", 1.0), ("USR2", 0.0), ("USR1", 1.0)] {
        process.signal(signal);
        switched(on).await;
    }
    // A mirror would have been begun before the caller had the answer.
    let mut caller = Connection::open(process.address()).await;
    let answer = caller.ask(&request(&question("during"))).await;
    assert_eq!(chat::text(&answer), chat::PRIMARY_SAYS);
    assert_eq!(bedrock.script().requests(), 0);
}
