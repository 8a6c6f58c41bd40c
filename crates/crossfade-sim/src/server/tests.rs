use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use super::*;
use crate::script::{Answer, Pace, Prompt, Recorded};

const PATIENCE: Duration = Duration::from_secs(10);
const GET: &[u8] = b"GET /whole HTTP/1.1\r\nhost: x\r\n\r\n";
const STREAM: &[u8] = b"GET /stream HTTP/1.1\r\nhost: x\r\n\r\n";

/// Echoes the body on `/whole`; writes three deltas and an end on `/stream`.
struct Echo;

impl Handler for Echo {
    fn handle<'a>(
        &'a self,
        request: &'a Received,
        scene: &'a Scene,
        reply: &'a mut Reply,
    ) -> BoxFuture<'a, io::Result<()>> {
        async move {
            let head = Head::new(200).header("X-Case", "Kept");
            if request.target != "/stream" {
                let body = if request.body.is_empty() {
                    b"0123456789"
                } else {
                    &*request.body
                };
                return reply.whole(head, body).await;
            }
            reply.pause(scene.pace.first_content).await?;
            let mut stream = reply.stream(head).await?;
            for delta in ["one", "two", "three"] {
                stream.delta(delta.as_bytes(), 1.0).await?;
            }
            stream.ending().await?;
            stream.piece(b"end").await?;
            stream.finish().await
        }
        .boxed()
    }
}

async fn start() -> Server {
    let script = Script::new(Arc::new(|_: &Prompt, _: u64| Answer::text("hi")));
    Server::start(None, script, Arc::new(Echo)).await.unwrap()
}

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).await.unwrap()
}

/// Sends bytes and reads until the connection closes.
async fn talk(server: &Server, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut socket = connect(server).await;
    socket.write_all(request).await?;
    let mut answer = Vec::new();
    timeout(PATIENCE, socket.read_to_end(&mut answer))
        .await
        .expect("closed in time")?;
    Ok(answer)
}

/// Sends bytes and reads as many as are expected, on one connection.
async fn exchange(socket: &mut TcpStream, request: &[u8], expected: &str) {
    socket.write_all(request).await.unwrap();
    let mut answer = vec![0; expected.len()];
    timeout(PATIENCE, socket.read_exact(&mut answer))
        .await
        .expect("answered in time")
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&answer), expected);
}

fn whole(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nX-Case: Kept\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn chunked(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nX-Case: Kept\r\nTransfer-Encoding: chunked\r\n\r\n{body}")
}

const ALL_CHUNKS: &str = "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n3\r\nend\r\n0\r\n\r\n";

#[tokio::test]
async fn requests_are_framed_in_every_way() {
    let server = start().await;
    let mut socket = connect(&server).await;
    let with_length = b"POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    exchange(&mut socket, with_length, &whole("hello")).await;
    let in_chunks = b"POST /b HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nt: 1\r\n\r\n";
    exchange(&mut socket, in_chunks, &whole("hello")).await;
    let waiting = b"POST /c HTTP/1.1\r\nExpect: 100-Continue\r\ncontent-length: 2\r\n\r\n";
    exchange(&mut socket, waiting, "HTTP/1.1 100 Continue\r\n\r\n").await;
    exchange(&mut socket, b"ok", &whole("ok")).await;
    // Two requests at once are answered in order.
    let both = [GET, STREAM].concat();
    exchange(
        &mut socket,
        &both,
        &(whole("0123456789") + &chunked(ALL_CHUNKS)),
    )
    .await;
    let seen: Vec<_> = server.received().iter().map(|r| r.target.clone()).collect();
    assert_eq!(seen, ["/a", "/b", "/c", "/whole", "/stream"]);
    assert_eq!(
        server.received()[0].headers,
        [("Content-Length".to_owned(), "5".to_owned())]
    );
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn requests_may_come_in_any_pieces() {
    let server = start().await;
    let request =
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nA\r\nhello\r\nyou\r\n0\r\n\r\n";
    for piece in 1..request.len() {
        let mut socket = connect(&server).await;
        for bytes in request.chunks(piece) {
            socket.write_all(bytes).await.unwrap();
            tokio::task::yield_now().await;
        }
        exchange(&mut socket, b"", &whole("hello\r\nyou")).await;
    }
}

#[tokio::test]
async fn head_and_close_are_honoured() {
    let server = start().await;
    let answer = talk(
        &server,
        b"HEAD /whole HTTP/1.1\r\nConnection: close\r\n\r\n",
    )
    .await
    .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&answer),
        whole("0123456789").replace("0123456789", "")
    );
    let answer = talk(&server, b"no http at all\r\n\r\n").await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
}

#[tokio::test]
async fn faults_are_visible_on_the_socket() {
    let server = start().await;
    let cases: [(&[u8], Fault, String); 6] = [
        (
            GET,
            Fault::Truncate { after: 1 },
            whole("0123456789").replace("56789", ""),
        ),
        (
            STREAM,
            Fault::Truncate { after: 1 },
            chunked("3\r\none\r\n"),
        ),
        (
            STREAM,
            Fault::Truncate { after: 9 },
            chunked("3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n"),
        ),
        (
            STREAM,
            Fault::EndEarly { after: 2 },
            chunked("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"),
        ),
        (
            STREAM,
            Fault::SlowDrip {
                interval: Duration::from_micros(1),
            },
            chunked(ALL_CHUNKS),
        ),
        (
            GET,
            Fault::SlowDrip {
                interval: Duration::from_micros(1),
            },
            whole("0123456789"),
        ),
    ];
    for (request, fault, expected) in cases {
        server.script().set_fault(fault.clone());
        let request = String::from_utf8_lossy(request).replace("host: x", "connection: close");
        let answer = talk(&server, request.as_bytes()).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), expected, "{fault:?}");
    }
    server.script().set_fault(Fault::Reset);
    let error = talk(&server, GET).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.script().set_fault(Fault::Garbage);
    for request in [GET, STREAM] {
        let request = String::from_utf8_lossy(request).replace("host: x", "connection: close");
        let answer = talk(&server, request.as_bytes()).await.unwrap();
        assert!(
            answer
                .windows(GARBAGE.len())
                .any(|window| window == GARBAGE)
        );
    }
}

#[tokio::test]
async fn silences_last_until_the_peer_goes_away() {
    let server = start().await;
    let all_but_the_end = ALL_CHUNKS.replace("0\r\n\r\n", "");
    let cases: [(Fault, &str); 4] = [
        (Fault::Hang, ""),
        (Fault::NoRead, ""),
        (Fault::Stall { after: 1 }, &chunked("3\r\none\r\n")),
        (Fault::Linger, &chunked(&all_but_the_end)),
    ];
    for (fault, before) in cases {
        server.script().set_fault(fault.clone());
        let mut socket = connect(&server).await;
        exchange(&mut socket, STREAM, before).await;
        let more = timeout(Duration::from_millis(30), socket.read(&mut [0; 64])).await;
        assert!(more.is_err(), "{fault:?}: {more:?}");
    }
    server.script().set_fault(Fault::None);
    exchange(&mut connect(&server).await, GET, &whole("0123456789")).await;
    timeout(PATIENCE, server.stop())
        .await
        .expect("stops with connections open");
}

#[tokio::test]
async fn an_abandoned_answer_is_counted() {
    let server = start().await;
    server.script().set_pace(Pace {
        first_content: PATIENCE,
        tokens_per_second: 0.0,
    });
    let mut socket = connect(&server).await;
    socket.write_all(STREAM).await.unwrap();
    drop(socket);
    timeout(PATIENCE, async {
        while server.cut_off() == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("noticed long before the pace ran out");
}

#[tokio::test]
async fn recorded_bytes_come_out_the_same() {
    let server = start().await;
    let headers = [
        ("Content-Type", "x/Y"),
        ("CONTENT-LENGTH", "999"),
        ("set-Cookie", "a"),
        ("set-Cookie", "b"),
    ];
    let mut recorded = Recorded {
        status: 401,
        reason: Some("PermissionDenied".to_owned()),
        headers: headers.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
        body: Bytes::from_static(b"\x00abc\xff"),
        pieces: Vec::new(),
    };
    let head =
        "HTTP/1.1 401 PermissionDenied\r\nContent-Type: x/Y\r\nset-Cookie: a\r\nset-Cookie: b\r\n";
    let request = b"POST /any HTTP/1.1\r\nconnection: close\r\n\r\n";
    server.script().set_recorded(Some(recorded.clone()));
    let expected = [head.as_bytes(), b"Content-Length: 5\r\n\r\n\x00abc\xff"].concat();
    assert_eq!(talk(&server, request).await.unwrap(), expected);
    recorded.pieces = vec![2, 0, 1];
    server.script().set_recorded(Some(recorded.clone()));
    let body = b"Transfer-Encoding: chunked\r\n\r\n2\r\n\x00a\r\n1\r\nb\r\n2\r\nc\xff\r\n0\r\n\r\n";
    assert_eq!(
        talk(&server, request).await.unwrap(),
        [head.as_bytes(), body].concat()
    );
    recorded.status = 204;
    server.script().set_recorded(Some(recorded));
    assert!(
        talk(&server, request)
            .await
            .unwrap()
            .ends_with(b"set-Cookie: b\r\n\r\n")
    );
}

#[tokio::test]
async fn what_is_kept_is_bounded() {
    let server = start().await;
    let mut socket = connect(&server).await;
    server.keep_received(2);
    for n in 0..4 {
        let request = format!("GET /{n} HTTP/1.1\r\n\r\n");
        exchange(&mut socket, request.as_bytes(), &whole("0123456789")).await;
    }
    let seen: Vec<_> = server.received().iter().map(|r| r.target.clone()).collect();
    assert_eq!(seen, ["/2", "/3"]);
    server.keep_received(0);
    exchange(&mut socket, GET, &whole("0123456789")).await;
    assert!(server.received().is_empty());
    assert_eq!(server.script().requests(), 5);
}
