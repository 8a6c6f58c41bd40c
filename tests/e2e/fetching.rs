//! Pictures behind URLs: fetched and sent inline where the route says so, and never from where a caller's prompt must not reach.

use crossfade_tests::{
    Setup, Upstream, World,
    chat::{CANDIDATE_SAYS, PRIMARY_SAYS, text},
    http::{Connection, Request},
};
use serde_json::{Value, json};

/// A picture of one pixel.
const PNG: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0,
    1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, 0x49, 0x44, 0x41, 0x54,
    0x78, 0xda, 0x63, 0x64, 0x60, 0xf8, 0x5f, 0x0f, 0, 2, 0x87, 1, 0x80, 0xeb, 0x47, 0xba, 0x92, 0,
    0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

fn asked(url: &str) -> Value {
    json!({"messages": [{"role": "user", "content": [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]}]})
}

async fn all_candidate(settings: &str) -> World {
    let world = World::start(Setup::new().tables(settings)).await;
    world.prime().await;
    world.raise(100.0).await;
    // The first request's copy must not meet what a test scripts next.
    world.quiet().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_is_fetched_and_sent_inline() {
    let host = Upstream::start().await;
    let port = host.address().port();
    let settings = format!("fetch = {{ http = true, ports = [{port}], allow_private = true }}\n");
    let world = all_candidate(&settings).await;
    let url = format!("http://127.0.0.1:{port}/one.png");
    let serve = async {
        let mut peer = host.accept().await;
        let head = peer.request().await.to_lowercase();
        for secret in ["api-key", "authorization", "cookie"] {
            assert!(!head.contains(secret), "{head}");
        }
        let length = PNG.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: {length}\r\n\r\n"
        );
        peer.write(&[head.as_bytes(), PNG].concat()).await;
    };
    let body = asked(&url);
    let (answer, ()) = tokio::join!(world.ask(&body), serve);
    assert_eq!(text(&answer), CANDIDATE_SAYS, "{}", answer.text());
    let sent = world.bedrock.received().pop().unwrap();
    let sent: Value = serde_json::from_slice(&sent.body).unwrap();
    let content = sent["messages"][0]["content"].to_string();
    assert!(
        content.contains("\"format\":\"png\"") && !content.contains(&url),
        "{content}"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_nothing_is_fetched_and_azure_answers() {
    let host = Upstream::start().await;
    let port = host.address().port();
    let url = format!("http://127.0.0.1:{port}/one.png");
    for settings in [
        String::new(),
        "fetch = {}\n".to_owned(),
        // This machine is not for a caller's prompt to reach.
        format!("fetch = {{ http = true, ports = [{port}] }}\n"),
    ] {
        let world = all_candidate(&settings).await;
        let answer = world.ask(&asked(&url)).await;
        assert_eq!(text(&answer), PRIMARY_SAYS, "{settings}: {}", answer.text());
        world.finish().await;
    }
    // The first who connects is this test.
    let mut own = Connection::open(host.address()).await;
    own.send(&Request::get("/own")).await;
    let mut peer = host.accept().await;
    assert!(peer.request().await.starts_with("GET /own "));
}
