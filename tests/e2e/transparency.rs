//! The primary's answer is what Azure sent, and Azure receives what the caller sent: status line, header lines with their case,
//! body bytes; on any path.

use bytes::Bytes;
use crossfade_sim::script::{Answer, Fault, Finish, Recorded};
use crossfade_tests::{
    Setup, Upstream, World,
    chat::{self, question, request, streamed},
    http::{Connection, Request, exchange, own_lines},
    upstream::Peer,
    world,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// An Azure that answers the same request with the same bytes, and knows two deployments.
fn steady() -> Setup {
    let mut setup = Setup::new();
    setup.azure.steady = true;
    setup.azure.deployments = vec!["support".to_owned(), "other".to_owned()];
    setup
}

/// The request gets the same bytes directly and through the proxy, and Azure sees the same request.
async fn check(world: &World, what: &str, request: &Request) {
    let before = world.azure.received().len();
    let direct = exchange(world.azure.address(), request).await;
    let through = world.send(request).await;
    assert_eq!(through.head.line, direct.head.line, "{what}");
    assert_eq!(through.head.lines(), direct.head.lines(), "{what}");
    assert_eq!(through.whole, direct.whole, "{what}");
    assert!(
        through.body == direct.body,
        "{what}: {} bytes through the proxy, {} directly",
        through.body.len(),
        direct.body.len()
    );
    let received = world.azure.received();
    let [sent, forwarded] = &received[before..] else {
        panic!("{what}: {} requests", received.len() - before);
    };
    assert_eq!(forwarded.method, sent.method, "{what}");
    assert_eq!(forwarded.target, sent.target, "{what}");
    assert_eq!(
        (forwarded.length, forwarded.sha256),
        (sent.length, sent.sha256),
        "{what}"
    );
    assert!(forwarded.body == sent.body, "{what}: another body");
    // How a body is framed belongs to the connection.
    let own = |headers: &[(String, String)]| {
        let mut lines = own_lines(headers);
        lines.retain(|(name, _)| {
            !name.eq_ignore_ascii_case("host") && !name.eq_ignore_ascii_case("content-length")
        });
        lines
    };
    assert_eq!(own(&forwarded.headers), own(&sent.headers), "{what}");
}

fn post(target: &str, body: &Value) -> Request {
    Request::post(target)
        .header("api-key", chat::KEY)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn chat_answers_are_azures_to_the_byte() {
    let world = World::start(steady()).await;
    let tool = json!({"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}});
    let with = |mut body: Value, key: &str, value: Value| {
        body[key] = value;
        body
    };
    for (what, body) in [
        ("whole", question("hello")),
        ("streamed", streamed("hello")),
        (
            "streamed with usage",
            with(
                streamed("hello"),
                "stream_options",
                json!({"include_usage": true}),
            ),
        ),
        ("two choices", with(question("hello"), "n", json!(2))),
        (
            "two choices streamed",
            with(streamed("hello"), "n", json!(2)),
        ),
        (
            "unknown to the candidate",
            with(question("hello"), "logprobs", json!(true)),
        ),
        ("a tool", with(question("hello"), "tools", json!([tool]))),
        (
            "a forced tool, streamed",
            with(
                with(streamed("hello"), "tools", json!([tool])),
                "tool_choice",
                json!({"type": "function", "function": {"name": "look_up"}}),
            ),
        ),
        ("cut short", with(question("hello"), "max_tokens", json!(2))),
        ("not ASCII", question("Grüße, 世界 🦀 \u{0} \" \\")),
    ] {
        check(&world, what, &request(&body)).await;
    }
    for (what, target, body) in [
        (
            "v1",
            "/openai/v1/chat/completions",
            json!({"model": "support", "messages": [{"role": "user", "content": "hi"}]}),
        ),
        (
            "v1 without a route",
            "/openai/v1/chat/completions",
            json!({"model": "other", "messages": [{"role": "user", "content": "hi"}]}),
        ),
        (
            "v1 without a model",
            "/openai/v1/chat/completions",
            question("hi"),
        ),
        (
            "another deployment",
            "/openai/deployments/other/chat/completions?api-version=2024-10-21",
            question("hi"),
        ),
        (
            "double slashes",
            "//openai//deployments/support//chat/completions?api-version=2024-10-21",
            question("hi"),
        ),
        (
            "escapes",
            "/openai/deployments/su%70port/chat/completions?api-version=2024-10-21&x=%20a+b%2f",
            question("hi"),
        ),
        (
            "embeddings",
            "/openai/deployments/other/embeddings?api-version=2024-10-21",
            json!({"input": ["a", "b"]}),
        ),
        (
            "embeddings on v1",
            "/openai/v1/embeddings",
            json!({"model": "other", "input": "a"}),
        ),
    ] {
        check(&world, what, &post(target, &body)).await;
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_requests_pass_untouched() {
    let world = World::start(steady()).await;
    let models = "/openai/models?api-version=2024-10-21";
    let key = |request: Request| request.header("api-key", chat::KEY);
    for (what, request) in [
        ("models", key(Request::get(models))),
        ("models without a key", Request::get(models)),
        ("HEAD", key(Request::new("HEAD", models))),
        (
            "DELETE",
            key(Request::new(
                "DELETE",
                "/openai/files/file-1?api-version=2024-10-21",
            )),
        ),
        ("OPTIONS", key(Request::new("OPTIONS", models))),
        ("an unknown path", key(Request::get("/nothing/here?a=b&&c"))),
        ("the root", key(Request::get("/"))),
        (
            "an odd query",
            key(Request::get(
                "/openai/models?api-version=2024-10-21&q=%00%ff'|{}^`&&=",
            )),
        ),
        ("GET of a chat path", key(Request::get(&chat::path()))),
        ("POST without a body", key(Request::post(&chat::path()))),
        ("an empty body", key(Request::post(&chat::path())).body("")),
        (
            "header lines as they came",
            Request::get(models)
                .header("API-KEY", chat::KEY)
                .header("X-Twice", "1")
                .header("x-twice", "2")
                .header("X-eMPTY", "")
                .header("Cookie", "a=b; c=d")
                .header("Accept-Encoding", "gzip, br")
                .header("x-ms-client-request-id", "my-own-id"),
        ),
        (
            "a bearer token",
            Request::get(models).header("Authorization", "Bearer some.entra.token"),
        ),
    ] {
        check(&world, what, &request).await;
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_and_chunked_bodies_pass() {
    let world = World::start(steady()).await;
    let pieces = || (0..64_u8).map(|n| vec![n; 16 * 1024]);
    let upload = Request::post("/openai/files?api-version=2024-10-21")
        .header("api-key", chat::KEY)
        .header("Content-Type", "multipart/form-data; boundary=x");
    check(
        &world,
        "eight megabytes",
        &upload.clone().body(vec![b'x'; 8 << 20]),
    )
    .await;
    check(&world, "chunks", &upload.chunked(pieces())).await;
    // Over the bound of mirroring, with and without a length: streamed, and answered by Azure all the same.
    let long = question(&"long ".repeat(600_000)).to_string();
    let chat = || Request::post(&chat::path()).header("api-key", chat::KEY);
    check(&world, "a long question", &chat().body(long.clone())).await;
    let chunks = long
        .into_bytes()
        .chunks(50_000)
        .map(<[u8]>::to_vec)
        .collect::<Vec<_>>();
    check(&world, "a long question in chunks", &chat().chunked(chunks)).await;
    let short = question("in chunks").to_string().into_bytes();
    let chunks = short.chunks(3).map(<[u8]>::to_vec).collect::<Vec<_>>();
    check(
        &world,
        "a short question in chunks",
        &chat().chunked(chunks),
    )
    .await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn every_error_is_azures_own() {
    let mut setup = steady();
    setup.azure.api_keys = vec![chat::KEY.to_owned()];
    setup.azure.context_tokens = 100;
    let world = World::start(setup).await;
    for (what, request) in [
        ("a wrong key", chat::request_as("wrong", &question("hi"))),
        (
            "no key",
            Request::post(&chat::path()).body(question("hi").to_string()),
        ),
        (
            "an unknown deployment",
            post(
                "/openai/deployments/nobody/chat/completions?api-version=2024-10-21",
                &question("hi"),
            ),
        ),
        (
            "no version",
            post(
                "/openai/deployments/support/chat/completions",
                &question("hi"),
            ),
        ),
        (
            "no JSON",
            Request::post(&chat::path())
                .header("api-key", chat::KEY)
                .body("{\"messages\": ["),
        ),
        (
            "no object",
            Request::post(&chat::path())
                .header("api-key", chat::KEY)
                .body("[]"),
        ),
        ("no messages", request(&json!({}))),
        (
            "an unknown argument",
            request(&json!({"messages": [{"role": "user", "content": "a"}], "nope": 1})),
        ),
        ("too long", request(&question(&"word ".repeat(1_000)))),
    ] {
        check(&world, what, &request).await;
    }
    for status in [400, 403, 404, 408, 429, 500, 502, 503] {
        world.azure.script().set_fault(Fault::Status {
            status,
            retry_after: Some(7),
        });
        check(
            &world,
            &format!("status {status}"),
            &request(&question("hi")),
        )
        .await;
        check(
            &world,
            &format!("status {status}, streamed"),
            &request(&streamed("hi")),
        )
        .await;
    }
    world.azure.script().set_fault(Fault::None);
    world
        .azure
        .script()
        .set_answers(std::sync::Arc::new(|_: &_, _: u64| Answer {
            finish: Finish::Filtered,
            ..Answer::default()
        }));
    check(&world, "the content filter", &request(&question("hi"))).await;
    world.finish().await;
}

/// An answer as nobody makes it up.
fn odd(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Recorded {
    Recorded {
        status,
        reason: None,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: Bytes::copy_from_slice(body),
        pieces: Vec::new(),
    }
}

/// The same under a reason phrase of its own.
fn because(reason: &str, recorded: Recorded) -> Recorded {
    Recorded {
        reason: Some(reason.to_owned()),
        ..recorded
    }
}

/// The same in pieces of these sizes, over and over.
fn torn(pieces: &[usize], recorded: Recorded) -> Recorded {
    Recorded {
        pieces: pieces.to_vec(),
        ..recorded
    }
}

fn odd_answers() -> Vec<(&'static str, Recorded)> {
    const JSON: (&str, &str) = ("Content-Type", "application/json");
    const EVENTS: (&str, &str) = ("Content-Type", "text/event-stream");
    // The compressed form of nothing in particular: its bytes must arrive as they are.
    let gzip: &[u8] = &[
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0,
    ];
    let mixed = [
        ("X-UPPER", "1"),
        ("x-lower", "2"),
        ("sEt-CooKie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("set-cookie", "c=3"),
    ];
    let old = [("Date", "Thu, 01 Jan 1970 00:00:00 GMT")];
    let elsewhere = [("Location", "https://elsewhere.example/")];
    let events = b"data: {}\n\ndata: [DONE]\n\n";
    vec![
        (
            "its own reason",
            because("Quite Fine", odd(200, &[JSON], b"{}")),
        ),
        ("an empty reason", because("", odd(200, &[], b"{}"))),
        ("a status of its own", because("Odd", odd(299, &[], b"odd"))),
        ("mixed case and repeated lines", odd(200, &mixed, b"{}")),
        (
            "compressed",
            odd(200, &[("Content-Encoding", "gzip"), JSON], gzip),
        ),
        ("in pieces", torn(&[1, 3], odd(200, &[EVENTS], events))),
        (
            "no events at all",
            torn(&[2], odd(200, &[EVENTS], b"\x00\xff not events")),
        ),
        ("nothing", odd(204, &[("X-A", "b")], b"")),
        ("an empty body", odd(200, &[], b"")),
        ("not modified", odd(304, &[("ETag", "\"x\"")], b"")),
        ("a redirect", odd(307, &elsewhere, b"")),
        ("a date", odd(200, &old, b"{}")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_answers_come_as_they_were_sent() {
    let world = World::start(steady()).await;
    for (what, recorded) in odd_answers() {
        world.azure.script().set_recorded(Some(recorded));
        check(&world, what, &request(&question("hi"))).await;
        check(
            &world,
            &format!("{what}, streamed"),
            &request(&streamed("hi")),
        )
        .await;
        let forwarded = Request::get("/anything").header("api-key", "k");
        check(&world, &format!("{what}, forwarded"), &forwarded).await;
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_carries_many_requests() {
    let world = World::start(steady()).await;
    let mut connection = Connection::open(world.address()).await;
    for n in 0..20 {
        let ask = if n % 2 == 0 {
            question("a")
        } else {
            streamed("b")
        };
        let answer = connection.ask(&request(&ask)).await;
        assert_eq!((answer.status(), answer.whole), (200, true), "{n}");
        assert_eq!(chat::text(&answer), chat::PRIMARY_SAYS);
    }
    drop(connection);
    world.finish().await;
}

/// A web socket: both ends are joined, and every byte passes both ways.
#[tokio::test(flavor = "multi_thread")]
async fn an_upgraded_connection_is_joined() {
    let azure = Upstream::start().await;
    let home = tempfile::tempdir().unwrap();
    let text = Setup::new().config(azure.address(), azure.address(), home.path());
    let server = Box::pin(crossfade::serve::Server::start(world::parse(&text)))
        .await
        .unwrap();
    let mut caller = Connection::open(server.address()).await;
    let ask = Request::get("/openai/realtime?api-version=2024-10-01-preview&deployment=voice")
        .header("api-key", "k")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    caller.send(&ask).await;
    let mut peer: Peer = azure.accept().await;
    let head = peer.request().await.to_lowercase();
    for line in [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-key: dghlihnhbxbszsbub25jzq==",
    ] {
        assert!(head.lines().any(|sent| sent == line), "{line} in {head}");
    }
    peer.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    )
    .await;
    let head = caller.head("GET").await;
    assert_eq!(head.line, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(head.header("sec-websocket-accept"), Some("x"));
    let mut socket = caller.into_socket();
    for frame in [b"\x81\x05hello".to_vec(), vec![0; 100_000]] {
        socket.write_all(&frame).await.unwrap();
        let mut seen = Vec::new();
        while seen.len() < frame.len() {
            seen.extend(peer.read().await);
        }
        assert!(seen == frame);
        peer.write(&frame).await;
        let mut back = vec![0; frame.len()];
        socket.read_exact(&mut back).await.unwrap();
        assert!(back == frame);
    }
    drop((socket, peer));
    server.stop().await;
}
