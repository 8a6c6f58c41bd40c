//! Fetching from real servers on this machine.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use crossfade_exchange::Operation;
use serde_json::{Value, json};

use super::*;
use crate::{prepare::eligibility, settings::CandidateSettings};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\npixels";

/// What a server says, by the path that is asked. It keeps the heads of what it was asked.
struct Server {
    address: SocketAddr,
    asked: mpsc::Receiver<String>,
}

type Script = fn(path: &str, connection: &mut TcpStream);

impl Server {
    fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (heads, asked) = mpsc::channel();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let heads = heads.clone();
                thread::spawn(move || {
                    let head = read_head(&connection);
                    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                    if heads.send(head).is_ok() && !path.is_empty() {
                        script(&path, &mut connection);
                    }
                });
            }
        });
        Self { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn fetcher(&self) -> Fetcher {
        self.fetcher_with(|_| {})
    }

    fn fetcher_with(&self, change: impl FnOnce(&mut FetchSettings)) -> Fetcher {
        let mut settings = FetchSettings {
            http: true,
            ports: vec![self.address.port()],
            allow_private: true,
            ..FetchSettings::default()
        };
        change(&mut settings);
        Fetcher::new(settings)
    }

    fn times_asked(&self) -> usize {
        self.asked.try_iter().count()
    }
}

fn read_head(connection: &TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(connection);
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    head
}

fn say(connection: &mut TcpStream, head: &str, body: &[u8]) {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    // The other side may be gone already: that is what some tests are about.
    let _gone = connection
        .write_all(head.as_bytes())
        .and_then(|()| connection.write_all(body));
}

/// Until the other side closes.
fn wait_for_close(connection: &mut TcpStream) {
    let _closed = connection.read_to_end(&mut Vec::new());
}

fn script(path: &str, connection: &mut TcpStream) {
    let port = connection.local_addr().unwrap().port();
    let moved = |to: &str| format!("302 Found\r\nlocation: {to}");
    match path {
        "/a.png" => say(connection, "200 OK\r\ncontent-type: image/png", PNG),
        "/silent-type" => say(connection, "200 OK", PNG),
        "/page" => say(connection, "200 OK\r\ncontent-type: text/html", b"<html>"),
        "/liar" => say(connection, "200 OK\r\ncontent-type: image/png", b"<html>"),
        "/packed" => say(
            connection,
            "200 OK\r\ncontent-type: image/png\r\ncontent-encoding: gzip",
            PNG,
        ),
        "/doc.pdf" => say(
            connection,
            "200 OK\r\ncontent-type: application/pdf",
            b"%PDF-1.4",
        ),
        "/large" => say(connection, "200 OK\r\ncontent-type: image/png", &[0; 4096]),
        "/endless" => {
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            let mut sent = connection.write_all(head.as_bytes());
            while sent.is_ok() {
                sent = connection.write_all(b"8\r\n01234567\r\n");
            }
        }
        "/cut" => {
            let _gone = connection
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n\x89PNG\r\n\x1a\n");
        }
        "/silent" => wait_for_close(connection),
        "/drip" => {
            let _gone =
                connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n\x89PNG");
            wait_for_close(connection);
        }
        "/teapot" => say(connection, "418 I'm a teapot", b""),
        "/partial" => say(connection, "206 Partial Content", PNG),
        "/garbage" => {
            let _gone = connection.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
        }
        "/moved" => say(connection, &moved("/a.png"), b""),
        "/moved-twice" => say(connection, &moved("/moved"), b""),
        "/loop" => say(connection, &moved("/loop"), b""),
        "/nowhere" => say(connection, "302 Found", b""),
        "/to-metadata" => say(
            connection,
            &moved(&format!("http://169.254.169.254:{port}/latest/meta-data/")),
            b"",
        ),
        "/to-file" => say(connection, &moved("file:///etc/passwd"), b""),
        "/to-user" => say(
            connection,
            &moved(&format!("http://u:p@127.0.0.1:{port}/")),
            b"",
        ),
        "/to-port" => say(connection, &moved("http://127.0.0.1:22/"), b""),
        _ => say(connection, "404 Not Found", b""),
    }
}

fn asking(parts: &Value) -> Vec<u8> {
    let body = json!({"messages": [{"role": "user", "content": parts}]});
    body.to_string().into_bytes()
}

/// The parts of the first message or item.
fn parts(inlined: &Inlined) -> Value {
    let body: Value = serde_json::from_slice(&inlined.0).unwrap();
    let first = body.pointer("/messages/0").or(body.pointer("/input/0"));
    first.unwrap()["content"].clone()
}

fn png() -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(PNG))
}

fn image(url: &str) -> Value {
    json!({"type": "image_url", "image_url": {"url": url, "detail": "low"}})
}

async fn one(fetcher: &Fetcher, url: &str) -> Result<Vec<Loss>, FetchFailure> {
    let result = fetcher.inline(&asking(&json!([image(url)]))).await;
    match result {
        Ok(inlined) => Ok(inlined.unwrap().1),
        Err(error) => {
            assert_eq!(error.field, "messages[0].content[0].image_url.url");
            Err(error.failure)
        }
    }
}

#[tokio::test]
async fn pictures_are_put_inline_and_named() {
    let server = Server::start(script);
    let inline = image("data:image/png;base64,AAAA");
    let text = json!({"type": "text", "text": server.url("/a.png")});
    let body = asking(&json!([text, image(&server.url("/a.png")), inline]));
    let inlined = server.fetcher().inline(&body).await.unwrap().unwrap();
    let expected = json!([text, image(&png()), inline]);
    assert_eq!(parts(&inlined), expected);
    let expected = Loss::new(LossKind::UrlFetched, "messages[0].content[1].image_url.url");
    assert_eq!(inlined.1, [expected]);
    for head in server.asked.try_iter() {
        let head = head.to_ascii_lowercase();
        for leak in ["cookie", "authorization", "api-key", "crossfade", "referer"] {
            assert!(!head.contains(leak), "{head}");
        }
    }
}

#[tokio::test]
async fn pictures_and_files_of_the_responses_api() {
    let server = Server::start(script);
    let url = server.url("/doc.pdf");
    let named = |name: &str| json!({"type": "input_file", "file_url": url, "filename": name});
    let picture = |url: &str| json!({"type": "input_image", "image_url": url, "detail": "low"});
    let body = json!({"input": [
        {"role": "user", "content": [
            picture(&server.url("/a.png")), named("x.pdf"), {"type": "input_file", "file_url": url}]},
        {"type": "function_call_output", "call_id": "c", "output": [picture(&server.url("/a.png"))]},
        "text",
    ]});
    let inlined = server
        .fetcher()
        .inline(body.to_string().as_bytes())
        .await
        .unwrap()
        .unwrap();
    let pdf = format!(
        "data:application/pdf;base64,{}",
        STANDARD.encode("%PDF-1.4")
    );
    let file = |name: &str| json!({"type": "input_file", "filename": name, "file_data": pdf});
    assert_eq!(
        parts(&inlined),
        json!([picture(&png()), file("x.pdf"), file("doc.pdf")])
    );
    let fields: Vec<&str> = inlined.1.iter().map(|loss| loss.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "input[0].content[0].image_url",
            "input[0].content[1].file_url",
            "input[0].content[2].file_url",
            "input[1].output[0].image_url",
        ]
    );
    assert_eq!(server.times_asked(), 2);
}

#[tokio::test]
async fn a_body_without_urls_is_left_alone() {
    let fetcher = Fetcher::new(FetchSettings::default());
    for body in [
        asking(&json!("http image_url file_url")),
        asking(&json!([image("data:image/png;base64,http")])),
        asking(&json!([{"type": "image_url", "image_url": 7}, 7, {"type": "x"}])),
        b"{\"image_url\": http".to_vec(),
        b"[\"image_url http\"]".to_vec(),
        b"\xff image_url http".to_vec(),
    ] {
        assert_eq!(fetcher.inline(&body).await, Ok(None));
        assert_eq!(placeholders(&body, &FetchSettings::default()), Ok(None));
    }
}

#[tokio::test]
async fn one_that_stands_there_twice_is_fetched_once() {
    let server = Server::start(script);
    let url = server.url("/a.png");
    let body = asking(&json!([image(&url), image(&url)]));
    let inlined = server.fetcher().inline(&body).await.unwrap().unwrap();
    assert_eq!((inlined.1.len(), server.times_asked()), (2, 1));
}

#[tokio::test]
async fn what_is_not_taken() {
    let server = Server::start(script);
    let fetcher = server.fetcher_with(|settings| {
        settings.max_bytes = 1024;
        settings.max_redirects = 1;
    });
    for (path, expected) in [
        ("/a.png", None),
        ("/silent-type", None),
        ("/moved", None),
        ("/page", Some(FetchFailure::Kind)),
        ("/liar", Some(FetchFailure::Kind)),
        ("/packed", Some(FetchFailure::Kind)),
        ("/doc.pdf", Some(FetchFailure::Kind)),
        ("/large", Some(FetchFailure::TooLarge)),
        ("/endless", Some(FetchFailure::TooLarge)),
        ("/cut", Some(FetchFailure::Broken)),
        ("/garbage", Some(FetchFailure::Broken)),
        ("/teapot", Some(FetchFailure::Status(418))),
        ("/partial", Some(FetchFailure::Status(206))),
        ("/missing", Some(FetchFailure::Status(404))),
        ("/moved-twice", Some(FetchFailure::Redirects)),
        ("/loop", Some(FetchFailure::Redirects)),
        ("/nowhere", Some(FetchFailure::Redirects)),
        (
            "/to-metadata",
            Some(FetchFailure::Address(Range::LinkLocal)),
        ),
        ("/to-file", Some(FetchFailure::Scheme)),
        ("/to-user", Some(FetchFailure::User)),
        ("/to-port", Some(FetchFailure::Port)),
    ] {
        let found = one(&fetcher, &server.url(path)).await.err();
        assert_eq!(found, expected, "{path}");
    }
}

#[tokio::test]
async fn slow_ones_end_with_their_time() {
    let server = Server::start(script);
    let fetcher = server.fetcher_with(|settings| settings.timeout_ms = 100);
    for path in ["/silent", "/drip"] {
        let found = one(&fetcher, &server.url(path)).await;
        assert_eq!(found, Err(FetchFailure::TooSlow), "{path}");
    }
}

#[tokio::test]
async fn without_leave_nothing_of_this_machine_is_asked() {
    let server = Server::start(script);
    let port = server.address.port();
    let fetcher = server.fetcher_with(|settings| settings.allow_private = false);
    for host in ["127.0.0.1", "localhost", "[::1]", "2130706433"] {
        let found = one(&fetcher, &format!("http://{host}:{port}/a.png")).await;
        let expected = Err(FetchFailure::Address(Range::Loopback));
        assert_eq!(found, expected, "{host}");
    }
    assert_eq!(server.times_asked(), 0);
}

#[tokio::test]
async fn names_are_resolved_and_a_server_that_speaks_no_tls_is_no_server() {
    let server = Server::start(script);
    let port = server.address.port();
    let fetcher = server.fetcher();
    for (url, expected) in [
        (format!("http://localhost:{port}/a.png"), None),
        (
            format!("https://localhost:{port}/a.png"),
            Some(FetchFailure::Connect),
        ),
        (
            format!("http://name.invalid:{port}/a.png"),
            Some(FetchFailure::Unresolved),
        ),
    ] {
        assert_eq!(one(&fetcher, &url).await.err(), expected, "{url}");
    }
}

#[tokio::test]
async fn a_request_has_a_bound_on_urls_and_on_bytes() {
    let server = Server::start(script);
    let urls = [server.url("/a.png"), server.url("/silent-type")];
    for (change, field, failure) in [
        (
            (|settings| settings.max_urls = 1) as fn(&mut FetchSettings),
            1,
            FetchFailure::TooMany,
        ),
        (
            |settings| settings.max_request_bytes = PNG.len() + 1,
            1,
            FetchFailure::TooLarge,
        ),
    ] {
        let body = asking(&json!([image(&urls[0]), image(&urls[1])]));
        let error = server.fetcher_with(change).inline(&body).await;
        let field = format!("messages[0].content[{field}].image_url.url");
        assert_eq!(error, Err(FetchError { field, failure }));
    }
}

/// However many requests wait for their answers with pictures in hand.
#[tokio::test]
async fn what_is_held_has_a_bound() {
    let server = Server::start(script);
    let mut settings = FetchSettings::clone(&server.fetcher().settings);
    settings.timeout_ms = 300;
    let fetcher = Fetcher::with_room(settings, 2);
    let body = asking(&json!([image(&server.url("/a.png"))]));
    let first = fetcher.inline(&body).await.unwrap();
    let second = fetcher.inline(&body).await.unwrap();
    assert!(first.is_some() && second.is_some());
    let third = fetcher.inline(&body).await.unwrap_err();
    assert_eq!(third.failure, FetchFailure::TooSlow);
    drop(first);
    assert!(fetcher.inline(&body).await.unwrap().is_some());
    let huge = FetchSettings {
        concurrency: usize::MAX,
        max_request_bytes: usize::MAX,
        ..FetchSettings::default()
    };
    drop(Fetcher::new(huge));
}

#[test]
fn placeholders_have_the_losses_of_the_real_thing() {
    let file = json!({"type": "input_file", "file_url": "https://a.example/x.pdf"});
    let picture = json!({"type": "input_image", "image_url": "https://a.example/x.png"});
    let body = json!({"input": [{"role": "user", "content": [picture, file]}]});
    let settings = FetchSettings::default();
    let inlined = placeholders(body.to_string().as_bytes(), &settings);
    let inlined = inlined.unwrap().unwrap();
    assert_eq!(inlined.1.len(), 2);
    let parts = parts(&inlined);
    for (pointer, start) in [
        ("/0/image_url", "data:image/png;base64,"),
        ("/1/file_data", "data:application/pdf;base64,"),
    ] {
        let uri = parts.pointer(pointer).and_then(Value::as_str).unwrap();
        let (head, data) = uri.split_at(start.len());
        assert_eq!(head, start);
        assert!(STANDARD.decode(data).is_ok());
    }
    assert_eq!(parts.pointer("/1/file_url"), None);
    assert_eq!(placeholders(&inlined.0, &settings), Ok(None));
}

/// What is never fetched is not the candidate's to answer: it would fail each time, and be blamed for it.
#[test]
fn urls_that_are_never_fetched_are_not_eligible() {
    let settings = FetchSettings {
        hosts: vec!["a.example".to_owned(), "10.0.0.1".to_owned()],
        max_urls: 2,
        ..FetchSettings::default()
    };
    let mut candidate = CandidateSettings::new("us.anthropic.claude-sonnet-4-6");
    candidate.fetch = Some(settings);
    let good = image("https://a.example/x.png");
    for (parts, at, failure) in [
        (json!([good, good]), 0, None),
        (
            json!([image("http://a.example/x")]),
            0,
            Some(FetchFailure::Scheme),
        ),
        (
            json!([image("https://b.example/x")]),
            0,
            Some(FetchFailure::Host),
        ),
        (
            json!([image("https://a.example:22/x")]),
            0,
            Some(FetchFailure::Port),
        ),
        (
            json!([image("https://u@a.example/x")]),
            0,
            Some(FetchFailure::User),
        ),
        (json!([image("http")]), 0, Some(FetchFailure::Malformed)),
        (
            json!([good, image("https://10.0.0.1/x")]),
            1,
            Some(FetchFailure::Address(Range::Private)),
        ),
        (json!([good, good, good]), 2, Some(FetchFailure::TooMany)),
    ] {
        let found = eligibility(Operation::Chat, &asking(&parts), &candidate);
        let found = found
            .err()
            .map(|error| (error.field, error.why.into_owned()));
        let field = format!("messages[0].content[{at}].image_url.url");
        let expected = failure.map(|failure| (field, failure.to_string()));
        assert_eq!(found, expected, "{parts}");
    }
}

#[test]
fn a_failure_shows_nothing_of_the_url() {
    let error = FetchError::new(
        "messages[0].content[0].image_url.url",
        FetchFailure::Address(Range::Metadata),
    );
    assert_eq!(
        error.to_string(),
        "messages[0].content[0].image_url.url: leads to a cloud's own service"
    );
    let body: Value = serde_json::from_slice(&error.error().body).unwrap();
    assert_eq!(
        body.pointer("/error/code"),
        Some(&json!("invalid_image_url"))
    );
    assert_eq!(error.error().status, 400);
}
