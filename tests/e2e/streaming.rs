//! No piece is held back: a caller sees each piece before the next one exists.

use crossfade::serve::Server;
use crossfade_sim::bedrock::{BedrockOptions, BedrockSim};
use crossfade_tests::{
    Setup, Upstream,
    chat::{self, streamed},
    http::{Connection, Request},
    upstream::Peer,
    world,
};

const HEAD: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Writes one piece after the other, each only after the caller has seen the one before.
async fn ping_pong(caller: &mut Connection, peer: &mut Peer) {
    peer.request().await;
    peer.write(HEAD).await;
    assert_eq!(caller.head("POST").await.status(), 200);
    let events = [
        "data: {\"choices\":[]}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
        ": ping\n\n",
        "da",
        "ta: {}",
        "\n",
        "\n",
        "data: [DONE]\n\n",
    ];
    for event in events {
        peer.chunk(event).await;
        let mut seen = Vec::new();
        while seen.len() < event.len() {
            seen.extend(caller.piece().await.unwrap().unwrap());
        }
        assert_eq!(seen, event.as_bytes());
    }
    peer.write(b"0\r\n\r\n").await;
    assert_eq!(caller.piece().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_piece_is_passed_on_before_the_next_exists() {
    let azure = Upstream::start().await;
    let bedrock = BedrockSim::start(BedrockOptions::default()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let text = Setup::new().config(azure.address(), bedrock.address(), home.path());
    let server = Box::pin(Server::start(world::parse(&text))).await.unwrap();
    // Mirrored, and streamed without a look.
    let forwarded = Request::post("/openai/responses?api-version=2025-04-01-preview")
        .header("api-key", "k")
        .body("{\"stream\":true}");
    for request in [chat::request(&streamed("hi")), forwarded] {
        let mut caller = Connection::open(server.address()).await;
        caller.send(&request).await;
        let mut peer = azure.accept().await;
        ping_pong(&mut caller, &mut peer).await;
    }
    server.stop().await;
}
