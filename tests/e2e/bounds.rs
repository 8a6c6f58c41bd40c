//! Every bound of mirroring, reached: what is beyond it is dropped and counted under its own name, and the caller gets
//! Azure's answer.

use std::sync::Arc;

use crossfade::serve::Server;
use crossfade_exchange::{IneligibleReason, SkipReason};
use crossfade_sim::{
    azure::AzureSim,
    bedrock::{BedrockOptions, BedrockSim},
    script::{Answer, Fault, Prompt},
};
use crossfade_tests::{
    Process, Setup, Upstream, World,
    chat::{self, question, request, streamed},
    eventually,
    http::{Connection, exchange},
    world::{self, assert_adds_up},
};

use tokio::task::JoinSet;

use crate::PROGRAM;

#[tokio::test(flavor = "multi_thread")]
async fn slots() {
    let world = World::start(Setup::new().mirror("slots = 1")).await;
    world.bedrock.script().set_fault(Fault::Hang);
    world.primary_answers(&question("takes the slot")).await;
    eventually("the slot taken", async || {
        (world.server().proxy().mirror_slots() == (1, 1)).then_some(())
    })
    .await;
    for _ in 0..3 {
        world.primary_answers(&question("finds none")).await;
    }
    assert_eq!(world.skipped(SkipReason::Slots), 3);
    // The copy that hangs ends with its server.
    world.bedrock.server().stop().await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn request_bytes() {
    let world = World::start(Setup::new().mirror("request_bytes = \"4KiB\"")).await;
    world.primary_answers(&question(&"x".repeat(3_000))).await;
    world.primary_answers(&question(&"x".repeat(5_000))).await;
    world.primary_answers(&streamed(&"x".repeat(5_000))).await;
    world.quiet().await;
    assert_eq!(
        (
            world.compared(),
            world.ineligible(IneligibleReason::TooLarge)
        ),
        (1, 2)
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_bytes() {
    let world = World::start(Setup::new().mirror("answer_bytes = \"4KiB\"")).await;
    let long = "long answer ".repeat(2_000);
    let says = long.clone();
    world
        .azure
        .script()
        .set_answers(Arc::new(move |_: &Prompt, _: u64| {
            Answer::text(says.clone())
        }));
    for body in [question("hi"), streamed("hi")] {
        let answer = world.ask(&body).await;
        assert_eq!(chat::text(&answer), long, "the caller gets all of it");
    }
    world.finish().await;
}

/// A budget with room for a few small requests and their copies, or for four large requests.
fn small_budget() -> Setup {
    Setup::new().mirror("request_bytes = \"4KiB\"\nanswer_bytes = \"4KiB\"\nbytes = \"12KiB\"")
}

/// Copies that hang hold their bytes; the budget is never exceeded, and what finds no room is answered all the same.
#[tokio::test(flavor = "multi_thread")]
async fn bytes() {
    for (size, requests) in [(20, 24), (3_000, 8)] {
        let world = World::start(small_budget()).await;
        world.bedrock.script().set_fault(Fault::Hang);
        for _ in 0..requests {
            world.primary_answers(&question(&"x".repeat(size))).await;
            let (held, limit) = world.server().proxy().held_bytes();
            assert!(held <= limit && limit == 12 * 1024, "{held} of {limit}");
        }
        let (starved, shed) = (
            world.skipped(SkipReason::Bytes),
            world.ineligible(IneligibleReason::Shed),
        );
        assert!(
            starved >= requests / 4 && starved + shed >= requests / 2,
            "{size}: {starved} starved, {shed} shed: {:?}",
            world.counts()
        );
        world.bedrock.server().stop().await;
        world.finish().await;
    }
}

/// Requests that find no room themselves are streamed to Azure without being looked at.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_many_requests_at_once() {
    const AT_ONCE: usize = 12;
    let azure = Upstream::start().await;
    let bedrock = BedrockSim::start(BedrockOptions::default()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let text = small_budget().config(azure.address(), bedrock.address(), home.path());
    let server = Box::pin(Server::start(world::parse(&text))).await.unwrap();
    let mut callers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (address, ask) = (server.address(), request(&question(&"x".repeat(3_000))));
        callers.spawn(async move { exchange(address, &ask).await.status() });
    }
    // None is answered before all of them are there.
    let mut peers = Vec::new();
    for _ in 0..AT_ONCE {
        let mut peer = azure.accept().await;
        peer.request().await;
        peers.push(peer);
    }
    let counts = server.proxy().accounting().remove(0);
    let shed = counts.ineligible.get(&IneligibleReason::Shed).copied();
    assert!(shed >= Some(4), "{counts:?}");
    for peer in &mut peers {
        peer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            .await;
    }
    assert_eq!(callers.join_all().await, [200; AT_ONCE]);
    eventually("all held bytes given back", async || {
        (server.proxy().held_bytes().0 == 0).then_some(())
    })
    .await;
    server.stop().await;
}

/// The comparison stands still, because the one thread that it could run on is taken.
#[test]
fn queue_items() {
    const REQUESTS: u64 = 16;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let world = World::start(Setup::new().mirror("queue_items = 1")).await;
        let (release, released) = std::sync::mpsc::channel::<()>();
        let taken = tokio::task::spawn_blocking(move || released.recv().is_err());
        for _ in 0..REQUESTS {
            world.primary_answers(&question("hi")).await;
        }
        eventually("exchanges that found the queue full", async || {
            (world.skipped(SkipReason::QueueFull) > 0).then_some(())
        })
        .await;
        assert_eq!(world.compared(), 0);
        drop(release);
        assert!(taken.await.unwrap(), "released by the end of its sender");
        world.quiet().await;
        let (compared, dropped) = (world.compared(), world.skipped(SkipReason::QueueFull));
        assert!(compared > 0, "what was taken is compared");
        assert_eq!(compared + dropped, REQUESTS, "{:?}", world.counts());
        world.finish().await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn money() {
    for cap in ["hourly_usd", "daily_usd", "attempt_usd"] {
        // One answer of 100 tokens costs a tenth of a cent; there is room for two of them.
        let setup = Setup::new()
            .mirror(&format!("{cap} = 0.0025"))
            .route("price = { input = 0.0, output = 10.0 }");
        let world = World::start(setup).await;
        world.bedrock.script().set_fault(Fault::Hang);
        let mut body = question("hi");
        body["max_tokens"] = 100.into();
        for _ in 0..5 {
            world.primary_answers(&body).await;
        }
        assert_eq!(world.skipped(SkipReason::Money), 3, "{cap}");
        world.bedrock.server().stop().await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn breaker() {
    let world = World::start(Setup::new()).await;
    world.bedrock.script().set_fault(Fault::Status {
        status: 500,
        retry_after: None,
    });
    for _ in 0..20 {
        world.primary_answers(&question("hi")).await;
        world.quiet().await;
    }
    assert_eq!(world.skipped(SkipReason::CandidateUnavailable), 20);
    let asked = world.bedrock.script().requests();
    for _ in 0..5 {
        world.primary_answers(&question("hi")).await;
    }
    assert_eq!(world.skipped(SkipReason::Breaker), 5);
    assert_eq!(
        world.bedrock.script().requests(),
        asked,
        "an open breaker asks nothing"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sampling_and_rate() {
    for bound in ["share = 0.0", "rate = 0.001"] {
        let world = World::start(Setup::new().mirror(bound)).await;
        for _ in 0..10 {
            world.primary_answers(&question("hi")).await;
        }
        world.quiet().await;
        assert!(
            world.skipped(SkipReason::SampledOut) >= 9,
            "{bound}: {:?}",
            world.counts()
        );
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_switched_off_and_killed() {
    let world = World::start(Setup::new()).await;
    world.primary_answers(&question("copied")).await;
    assert_eq!(world.admin().mirror(false).await.status(), 200);
    world.primary_answers(&question("not copied")).await;
    assert_eq!(world.admin().mirror(true).await.status(), 200);
    world.primary_answers(&question("copied")).await;
    // What is under way when it is thrown is given up.
    world.quiet().await;
    world.server().proxy().kill(true);
    world.primary_answers(&question("not copied")).await;
    world.server().proxy().kill(false);
    world.quiet().await;
    assert_eq!(
        (world.compared(), world.skipped(SkipReason::Disabled)),
        (2, 2)
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_primary_did_not_accept_is_not_copied() {
    let world = World::start(Setup::new()).await;
    for (status, reason) in [
        (408, SkipReason::PrimaryFailed),
        (429, SkipReason::PrimaryFailed),
        (500, SkipReason::PrimaryFailed),
        (503, SkipReason::PrimaryFailed),
        (400, SkipReason::PrimaryRefused),
        (403, SkipReason::PrimaryRefused),
    ] {
        let before = world.skipped(reason);
        world.azure.script().set_fault(Fault::Status {
            status,
            retry_after: None,
        });
        assert_eq!(world.ask(&question("hi")).await.status(), status);
        world.quiet().await;
        assert_eq!(world.skipped(reason), before + 1, "{status}");
    }
    assert_eq!(world.bedrock.script().requests(), 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_breaks_or_is_not_there() {
    let world = World::start(Setup::new()).await;
    world.azure.script().set_fault(Fault::Reset);
    let answer = world.ask(&question("hi")).await;
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert!(answer.json()["error"]["message"].is_string());
    world.azure.server().stop().await;
    let answer = world.ask(&question("hi")).await;
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert_eq!(answer.header("retry-after"), Some("1"));
    world.quiet().await;
    assert_eq!(world.skipped(SkipReason::PrimaryFailed), 2);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight() {
    let world = World::start(Setup::new().listen("max_in_flight = 1")).await;
    world.azure.script().set_fault(Fault::Hang);
    let mut waiting = Connection::open(world.address()).await;
    waiting.send(&request(&question("waits"))).await;
    eventually("the first request at Azure", async || {
        (world.azure.script().requests() == 1).then_some(())
    })
    .await;
    let answer = world.ask(&question("one too many")).await;
    assert_eq!(answer.status(), 503);
    let message = answer.json()["error"]["message"].to_string();
    assert!(message.contains("[listen] max_in_flight"), "{message}");
    assert_eq!(
        world.unrouted().ineligible.get(&IneligibleReason::Shed),
        Some(&1)
    );
    drop(waiting);
    world.quiet().await;
    world.azure.script().set_fault(Fault::None);
    world.primary_answers(&question("room again")).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_of_the_candidate_is_named() {
    let world = World::start(Setup::new()).await;
    let mut unsupported = question("hi");
    unsupported["logprobs"] = true.into();
    world.primary_answers(&unsupported).await;
    let path = format!(
        "/openai/deployments/{}/embeddings?api-version={}",
        chat::DEPLOYMENT,
        chat::VERSION
    );
    let embed = crossfade_tests::http::Request::post(&path)
        .header("api-key", "k")
        .body("{\"input\":\"a\"}");
    assert_eq!(world.send(&embed).await.status(), 200);
    let elsewhere = chat::path().replace(chat::DEPLOYMENT, "elsewhere");
    let ask = crossfade_tests::http::Request::post(&elsewhere)
        .header("api-key", "k")
        .body(question("hi").to_string());
    assert_eq!(world.send(&ask).await.status(), 200);
    world.quiet().await;
    assert_eq!(world.ineligible(IneligibleReason::Unsupported), 1);
    assert_eq!(world.ineligible(IneligibleReason::Operation), 1);
    assert_eq!(
        world.unrouted().ineligible.get(&IneligibleReason::Unrouted),
        Some(&1)
    );
    assert_eq!(world.bedrock.script().requests(), 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_arrives_in_full() {
    let world = World::start(Setup::new()).await;
    let mut caller = Connection::open(world.address()).await;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\napi-key: k\r\nContent-Length: 100\r\n\r\n{{\"messages\"",
        chat::path()
    );
    caller.write(head.as_bytes()).await;
    drop(caller);
    eventually("the request counted", async || {
        (world.ineligible(IneligibleReason::Incomplete) == 1).then_some(())
    })
    .await;
    assert_eq!(world.azure.script().requests(), 0);
    world.finish().await;
}

/// Resident memory of a process, in KiB.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// A candidate that never answers, and one that never stops: the process stays within its budget, whatever came by.
#[tokio::test(flavor = "multi_thread")]
async fn memory() {
    let budget = "bytes = \"16MiB\"\nrequest_bytes = \"1MiB\"\nanswer_bytes = \"1MiB\"";
    within_memory(budget, Fault::Hang).await;
    // An answer under way, which is translated piece by piece, is not in the budget: a few of them have four mebibytes each.
    let budget = format!("{budget}\nslots = 4");
    within_memory(&budget, Fault::Huge { bytes: 50 << 20 }).await;
}

async fn within_memory(budget: &str, fault: Fault) {
    const MIB: u64 = 1024;
    let setup = Setup::new().mirror(budget);
    let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
    let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
    azure.server().keep_received(0);
    bedrock.server().keep_received(0);
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("crossfade.toml");
    let data = home.path().join("data");
    std::fs::write(
        &file,
        setup.config(azure.address(), bedrock.address(), &data),
    )
    .unwrap();
    let process = Process::serve(PROGRAM, &file).await;
    let ask = async |body: &serde_json::Value| {
        let mut caller = Connection::open(process.address()).await;
        let answer = caller.ask(&request(body)).await;
        assert_eq!(chat::text(&answer), chat::PRIMARY_SAYS);
    };
    let large = question(&"x".repeat(500_000));
    ask(&large).await;
    let before = resident(process.id());
    bedrock.script().set_fault(fault.clone());
    for _ in 0..150 {
        ask(&large).await;
    }
    let grown = resident(process.id()).saturating_sub(before);
    // Seventy-five megabytes of requests went by; the budget is sixteen, and an answer under way needs room too.
    assert!(grown < 64 * MIB, "{fault:?}: grown by {} MiB", grown / MIB);
    let status = process.admin().status().await;
    assert_adds_up(&status["routes"][0]["accounting"]);
}
