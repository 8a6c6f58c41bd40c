//! Callers who go away, and processes that stop.

use std::{fs, time::Duration};

use crossfade_exchange::SkipReason;
use crossfade_sim::{
    bedrock::{BedrockOptions, BedrockSim},
    script::{Fault, Pace},
};
use crossfade_tests::{
    Process, Setup, Upstream, World,
    chat::{self, question, request, streamed},
    eventually,
    http::{Connection, Request},
};
use tokio::net::TcpStream;

use crate::PROGRAM;

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_takes_the_copy_along() {
    let world = World::start(Setup::new()).await;
    world.azure.script().set_pace(Pace {
        first_content: Duration::ZERO,
        tokens_per_second: 0.2,
    });
    world.bedrock.script().set_fault(Fault::Hang);
    let mut caller = Connection::open(world.address()).await;
    caller.send(&request(&streamed("a long story"))).await;
    assert_eq!(caller.head("POST").await.status(), 200);
    caller.piece().await.unwrap().unwrap();
    eventually("the copy at Bedrock", async || {
        (world.bedrock.script().requests() == 1).then_some(())
    })
    .await;
    drop(caller);
    eventually("the abort counted", async || {
        (world.skipped(SkipReason::ClientAbort) == 1).then_some(())
    })
    .await;
    eventually("both answers cut off", async || {
        (world.azure.server().cut_off() == 1 && world.bedrock.server().cut_off() == 1).then_some(())
    })
    .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_from_the_candidate_ends_its_stream() {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    world.raise(100.0).await;
    world.quiet().await;
    world.bedrock.script().set_pace(Pace {
        first_content: Duration::ZERO,
        tokens_per_second: 0.2,
    });
    let mut caller = Connection::open(world.address()).await;
    caller.send(&request(&streamed("a long story"))).await;
    assert_eq!(caller.head("POST").await.status(), 200);
    caller.piece().await.unwrap().unwrap();
    drop(caller);
    eventually("the stream cut off", async || {
        (world.bedrock.server().cut_off() == 1).then_some(())
    })
    .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_process_lets_streams_finish() {
    let azure = Upstream::start().await;
    let bedrock = BedrockSim::start(BedrockOptions::default()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("crossfade.toml");
    let data = home.path().join("data");
    fs::write(
        &file,
        Setup::new().config(azure.address(), bedrock.address(), &data),
    )
    .unwrap();
    let process = Process::serve(PROGRAM, &file).await;
    let (address, admin) = (process.address(), process.admin());

    let mut caller = Connection::open(address).await;
    caller.send(&request(&streamed("hi"))).await;
    let mut peer = azure.accept().await;
    peer.request().await;
    peer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )
    .await;
    peer.chunk("data: {\"choices\":[]}\n\n").await;
    assert_eq!(caller.head("POST").await.status(), 200);
    caller.piece().await.unwrap().unwrap();

    process.signal("TERM");
    eventually("a listener that is closed", async || {
        TcpStream::connect(address).await.err()
    })
    .await;
    let ready = admin.anonymous(&Request::get("/readyz")).await;
    assert!(
        [200, 503].contains(&ready.status()),
        "the admin listener answers while the process drains"
    );
    peer.chunk("data: [DONE]\n\n").await;
    peer.write(b"0\r\n\r\n").await;
    let (rest, whole) = caller.rest().await;
    assert!(
        whole && rest == b"data: [DONE]\n\n",
        "{whole} {}",
        String::from_utf8_lossy(&rest)
    );
    let (status, log) = process.ended().await;
    assert!(status.success(), "{status}: {log}");
}

/// A stream that never ends does not keep the process: after the drain's patience it is closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends() {
    let world_azure = Upstream::start().await;
    let bedrock = BedrockSim::start(BedrockOptions::default()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("crossfade.toml");
    let setup = Setup::new().listen("drain = \"500ms\"");
    fs::write(
        &file,
        setup.config(
            world_azure.address(),
            bedrock.address(),
            &home.path().join("data"),
        ),
    )
    .unwrap();
    let process = Process::serve(PROGRAM, &file).await;
    let mut caller = Connection::open(process.address()).await;
    caller
        .send(&Request::get("/openai/models?api-version=2024-10-21").header("api-key", "k"))
        .await;
    let mut peer = world_azure.accept().await;
    peer.request().await;
    process.signal("TERM");
    let (status, log) = process.ended().await;
    assert!(status.success(), "{status}: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_depends_on_the_data_plane_alone() {
    let world = World::start(Setup::new()).await;
    world.bedrock.server().stop().await;
    world.azure.server().stop().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(
            world.admin().anonymous(&Request::get(path)).await.status(),
            200,
            "{path}"
        );
    }
    let answer = world.ask(&question("hi")).await;
    assert_eq!(answer.status(), 503);
    assert!(
        answer.json()["error"]["message"].is_string(),
        "{}",
        chat::PRIMARY_SAYS
    );
    world.finish().await;
}
