//! Callers who close as soon as they have the whole answer, as most clients do with a stream: they are no callers who went away.

use std::time::Duration;

use crossfade_exchange::SkipReason;
use crossfade_sim::script::{Fault, Pace};
use crossfade_tests::{
    Setup, World,
    chat::{DEPLOYMENT, KEY, question, request, streamed},
    eventually,
    http::{Connection, Request},
};
use serde_json::json;

const CALLERS: u64 = 5;

/// Reads an answer on a connection of its own up to `last`, and closes at once.
async fn read_up_to(world: &World, request: &Request, last: &str) {
    let mut caller = Connection::open(world.address()).await;
    caller.send(request).await;
    assert_eq!(caller.head("POST").await.status(), 200);
    let mut read = String::new();
    while !read.contains(last) {
        let piece = caller.piece().await.unwrap().unwrap();
        read.push_str(&String::from_utf8(piece).unwrap());
    }
}

fn responses() -> Request {
    let body = json!({"model": DEPLOYMENT, "input": "hi", "store": false, "stream": true});
    Request::post("/openai/v1/responses")
        .header("api-key", KEY)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

/// All callers read up to `last` and close: each request is compared, and none was given up.
async fn all_are_compared(world: &World, request: &Request, last: &str) {
    let before = world.compared();
    for _ in 0..CALLERS {
        read_up_to(world, request, last).await;
    }
    world.quiet().await;
    let counts = world.counts();
    assert_eq!(world.compared() - before, CALLERS, "{counts:?}");
    assert_eq!(counts.coverage(), Some(1.0), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_the_primarys_is_whole_before_its_connection_says_so() {
    let world = World::start(Setup::new()).await;
    world.azure.script().set_fault(Fault::Linger);
    all_are_compared(&world, &request(&streamed("hi")), "data: [DONE]").await;
    all_are_compared(&world, &responses(), "\"type\":\"response.completed\"").await;
    all_are_compared(&world, &request(&question("hi")), "\"usage\"").await;
    assert_eq!(world.skipped(SkipReason::ClientAbort), 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn so_is_one_of_the_candidates_and_its_mirrors() {
    let world = World::start(Setup::new().mirror("reverse_share = 100")).await;
    world.prime().await;
    world.raise(100.0).await;
    world.quiet().await;
    // The primary is the shadow here, and is whole as early.
    world.azure.script().set_fault(Fault::Linger);
    all_are_compared(&world, &request(&streamed("hi")), "data: [DONE]").await;
    assert_eq!(world.skipped(SkipReason::CandidateAbort), 0);
    world.finish().await;
}

/// Who leaves the primary in the middle is counted and lowers no coverage; who leaves the candidate lowers it.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_leaves_in_the_middle_is_counted_by_whom_it_left() {
    let slow = Pace {
        first_content: Duration::ZERO,
        tokens_per_second: 0.2,
    };
    let world = World::start(Setup::new().mirror("reverse_share = 100")).await;
    world.ask(&question("hi")).await;
    world.quiet().await;
    world.azure.script().set_pace(slow);
    read_up_to(&world, &request(&streamed("a long story")), "data: ").await;
    eventually("the abort counted", async || {
        (world.skipped(SkipReason::ClientAbort) == 1).then_some(())
    })
    .await;
    assert_eq!(world.counts().coverage(), Some(1.0));
    world.azure.script().set_pace(Pace::default());

    world.prime().await;
    world.raise(100.0).await;
    world.quiet().await;
    let compared = world.compared();
    world.bedrock.script().set_pace(slow);
    read_up_to(&world, &request(&streamed("a long story")), "data: ").await;
    eventually("the other abort counted", async || {
        (world.skipped(SkipReason::CandidateAbort) == 1).then_some(())
    })
    .await;
    world.quiet().await;
    #[expect(clippy::cast_precision_loss, reason = "a few requests")]
    let expected = compared as f64 / (compared + 1) as f64;
    assert_eq!(world.counts().coverage(), Some(expected));
    world.finish().await;
}
