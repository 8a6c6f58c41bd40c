//! The roll-back that nobody asks for: a candidate that gets worse is taken out by the evidence, and one that is as good as
//! the primary is not.

use std::sync::Arc;

use crossfade_sim::script::{Answer, Prompt};
use crossfade_tests::{
    Setup, World,
    chat::{json_question, request, streamed},
    eventually,
    http::{Connection, Request},
};
use serde_json::Value;
use tokio::task::JoinSet;

/// Sends requests over a few connections until `stop` says so or all are sent; returns how many were answered.
async fn load(
    world: &World,
    most: usize,
    ask: impl Fn(usize) -> Request + Clone + Send + Sync + 'static,
) -> usize {
    const CONNECTIONS: usize = 8;
    let mut callers = JoinSet::new();
    for lane in 0..CONNECTIONS {
        let (address, ask) = (world.address(), ask.clone());
        callers.spawn(async move {
            let mut connection = Connection::open(address).await;
            let mut answered = 0;
            for n in (lane..most).step_by(CONNECTIONS) {
                let answer = connection.ask(&ask(n)).await;
                assert_eq!(
                    (answer.status(), answer.whole),
                    (200, true),
                    "{n}: {answer:?}"
                );
                answered += 1;
            }
            answered
        });
    }
    callers.join_all().await.into_iter().sum()
}

/// Outcomes that count in the running attempt: two for each drawn answer, by its group of metrics.
async fn decided(world: &World) -> Option<u64> {
    world.admin().route().await["rollout"]["attempt"]["decided"].as_u64()
}

/// The roll-back that the route stands in, if it does.
async fn rolled_back(world: &World) -> Option<Value> {
    let back = world.admin().route().await["rollout"]["rolled_back"].clone();
    (!back.is_null()).then_some(back)
}

fn json_ask(n: usize) -> Request {
    request(&json_question(&format!("ticket {n}")))
}

/// JSON from both sides, but a share of the candidate's answers is prose. `sequence` counts each simulator's own requests.
fn speak(world: &World, prose_of_a_hundred: u64) {
    let json = |n: u64| Answer::text(format!("{{\"ticket\":{n}}}"));
    world
        .azure
        .script()
        .set_answers(Arc::new(move |_: &Prompt, n: u64| json(n)));
    world
        .bedrock
        .script()
        .set_answers(Arc::new(move |_: &Prompt, n: u64| {
            if (n * 37) % 100 < prose_of_a_hundred {
                Answer::text("Of course! Here it is.")
            } else {
                json(n)
            }
        }));
}

async fn finds(prose_of_a_hundred: u64, most: usize) {
    let world = World::start(Setup::new()).await;
    speak(&world, 0);
    world.prime().await;
    world.raise(50.0).await;
    assert_eq!(load(&world, 64, json_ask).await, 64);
    assert_eq!(rolled_back(&world).await, None, "both are well");
    speak(&world, prose_of_a_hundred);
    let mut sent = 0;
    let back = loop {
        if let Some(back) = rolled_back(&world).await {
            break back;
        }
        assert!(
            sent < most,
            "{sent} requests and no roll-back: {}",
            world.admin().route().await
        );
        sent += load(&world, 64, json_ask).await;
        world.quiet().await;
        // So that `most` bounds what the evidence needs, not how far a slow disk lags behind.
        eventually("what was said counted", async || {
            let back = rolled_back(&world).await.is_some();
            (back || decided(&world).await? >= 2 * sent as u64).then_some(())
        })
        .await;
    };
    assert_eq!(back["cause"]["by"], "alarm", "{back}");
    assert_eq!(back["cause"]["metric"], "json_parse", "{back}");
    // Both engines look for this, and which of them has seen enough first is up to who was drawn.
    let engine = back["cause"]["engine"].as_str().unwrap();
    assert!(["R", "P"].contains(&engine), "{back}");
    let entry = world.admin().ledger().await.pop().unwrap();
    assert_eq!(entry["change"]["kind"], "rollback", "{entry}");
    assert_eq!(entry["actor"]["role"], "engine", "{entry}");
    assert!(
        entry["reason"].as_str().unwrap().contains("json_parse"),
        "{entry}"
    );
    let asked = world.bedrock.script().requests();
    world.admin().effective(0.0).await;
    let answer = world.send(&json_ask(0)).await;
    assert!(
        answer.json()["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .starts_with('{')
    );
    assert!(
        world.bedrock.script().requests() <= asked + 1,
        "only its copy"
    );
    assert_eq!(
        world.admin().override_split(5.0).await.status(),
        409,
        "an owner must resume it first"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_breaks_is_rolled_back() {
    finds(100, 400).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_gets_worse_quietly_is_rolled_back() {
    finds(20, 6_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sides_that_are_equally_bad_stay() {
    let world = World::start(Setup::new()).await;
    let speak = |_: &Prompt, n: u64| {
        if n.is_multiple_of(50) {
            Answer::text("not JSON")
        } else {
            Answer::text("{}")
        }
    };
    world.azure.script().set_answers(Arc::new(speak));
    world.bedrock.script().set_answers(Arc::new(speak));
    world.prime().await;
    world.raise(50.0).await;
    assert_eq!(load(&world, 3_000, json_ask).await, 3_000);
    world.quiet().await;
    eventually("nearly all of it counted", async || {
        (decided(&world).await? > 5_000).then_some(())
    })
    .await;
    let route = world.admin().route().await;
    assert_eq!(route["rollout"]["rolled_back"], Value::Null, "{route}");
    assert_eq!(route["rollout"]["share"], 50.0);
    let bad = |side: &str| {
        let metrics = route["rollout"]["metrics"].as_array().unwrap();
        let parse = metrics
            .iter()
            .find(|metric| metric["metric"] == "json_parse")
            .unwrap();
        parse[side]["bad"].as_u64().unwrap()
    };
    assert!(
        bad("primary") > 5 && bad("candidate") > 5,
        "both sides' failures were seen: {route}"
    );
    world.finish().await;
}

/// Only drawn answers count: what internal callers and callers not yet admitted see is no evidence.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_were_not_drawn_are_no_evidence() {
    let world = World::start(Setup::new().internal(&["insider"])).await;
    speak(&world, 100);
    world.prime_as("insider").await;
    world.raise(1.0).await;
    let ask = |n: usize| {
        crossfade_tests::chat::request_as("insider", &json_question(&format!("{n}")))
            .header("x-crossfade-side", "candidate")
    };
    load(&world, 200, ask).await;
    world.quiet().await;
    let route = world.admin().route().await;
    assert_eq!(route["rollout"]["rolled_back"], Value::Null, "{route}");
    assert_eq!(route["rollout"]["attempt"]["decided"], 0, "{route}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shadowing_alone_moves_nothing() {
    let world = World::start(Setup::new()).await;
    speak(&world, 100);
    load(&world, 100, json_ask).await;
    load(&world, 20, |_| request(&streamed("hi"))).await;
    world.quiet().await;
    assert_eq!(world.compared(), 120);
    world.watched().await;
    let route = world.admin().route().await;
    assert_eq!(
        route["rollout"]["attempt"]["facts"]["phase"], "shadow",
        "{route}"
    );
    assert_eq!(route["effective_percent"], 0.0, "{route}");
    assert_eq!(route["rollout"]["rolled_back"], Value::Null);
    let series = "crossfade_check_total{route=\"support\",check=\"json_parse\",outcome=\"fail\",pairing=\"candidate\"}";
    eventually(
        "a hundred candidates' answers found to be no JSON",
        async || (world.admin().metric(series).await >= 100.0).then_some(()),
    )
    .await;
    world.finish().await;
}
