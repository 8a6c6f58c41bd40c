//! The client against servers that answer as the endpoints do, and as they should not.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
    thread,
};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};

use super::*;

/// A request as it stood on the socket.
#[derive(Debug)]
struct Seen {
    head: String,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next_back()
    }
}

/// Serves one request per answer, one after another; gives the address, and what was seen.
fn serve(answers: Vec<String>) -> (String, Receiver<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    thread::spawn(move || {
        for answer in answers {
            let (mut socket, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") {
                assert_eq!(socket.read(&mut byte).unwrap(), 1);
                head.extend(byte);
            }
            let head = String::from_utf8(head).unwrap();
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1).map_or(0, |rest| {
                rest.split("\r\n").next().unwrap().parse().unwrap()
            });
            let mut body = vec![0; length];
            socket.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            sender.send(Seen { head, body }).unwrap();
            socket.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, seen)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

fn json_answer(status: &str, body: &str) -> String {
    answer(status, "content-type: application/json\r\n", body)
}

fn stream_answer(body: &str) -> String {
    answer("200 OK", "content-type: text/event-stream\r\n", body)
}

fn keys() -> Identity {
    let keys = Credentials::from_keys("AKIDEXAMPLE", "secret", Some("TOKEN".to_owned()));
    Identity::keys(SharedCredentialsProvider::new(keys))
}

fn gateway(identity: Identity, runtime: &str, service: Option<&str>) -> Gateway {
    Gateway::new(Parts {
        identity,
        region: "us-east-1".to_owned(),
        runtime: Some(runtime.to_owned()),
        mantle: Some(runtime.to_owned()),
        service: service.map(ToOwned::to_owned),
        connect_timeout: Duration::from_secs(5),
    })
}

fn call(surface: Surface) -> Call {
    Call {
        surface,
        method: Method::POST,
        path: "/openai/v1/chat/completions".to_owned(),
        headers: HeaderMap::from_iter([(
            http::HeaderName::from_static("x-amzn-bedrock-guardrailidentifier"),
            HeaderValue::from_static("gr"),
        )]),
        body: Bytes::from_static(b"{\"a\":1}"),
    }
}

#[tokio::test]
async fn what_is_sent_is_signed_for_the_host_and_the_service() {
    for (surface, service, expected) in [
        (Surface::Runtime, None, "/bedrock/aws4_request"),
        (Surface::Mantle, None, "/bedrock-mantle/aws4_request"),
        (Surface::Mantle, Some("bedrock"), "/bedrock/aws4_request"),
    ] {
        let (url, seen) = serve(vec![json_answer("200 OK", "{}")]);
        let body = gateway(keys(), &url, service).whole(&call(surface)).await;
        assert_eq!(body, Ok(Bytes::from_static(b"{}")));
        let seen = seen.recv().unwrap();
        assert!(
            seen.head
                .starts_with("POST /openai/v1/chat/completions HTTP/1.1"),
            "{}",
            seen.head
        );
        assert_eq!(
            Some(seen.header("host").unwrap()),
            url.strip_prefix("http://")
        );
        assert_eq!(seen.header("x-amz-security-token"), Some("TOKEN"));
        assert_eq!(seen.header("content-type"), Some("application/json"));
        let authorization = seen.header("authorization").unwrap();
        assert!(authorization.contains(expected), "{authorization}");
        for signed in [
            "host",
            "content-type",
            "x-amz-date",
            "x-amz-security-token",
            "x-amzn-bedrock-guardrailidentifier",
        ] {
            let names = authorization
                .split("SignedHeaders=")
                .nth(1)
                .unwrap()
                .split(',')
                .next()
                .unwrap();
            assert!(
                names.split(';').any(|name| name == signed),
                "{signed} in {names}"
            );
        }
        assert_eq!(seen.body, "{\"a\":1}");
    }
}

#[tokio::test]
async fn a_token_goes_in_the_place_of_a_signature() {
    let (url, seen) = serve(vec![json_answer("200 OK", "{}")]);
    let gateway = gateway(Identity::bearer("hunter2"), &url, None);
    gateway.whole(&call(Surface::Runtime)).await.unwrap();
    let seen = seen.recv().unwrap();
    assert_eq!(seen.header("authorization"), Some("Bearer hunter2"));
    assert_eq!(seen.header("x-amz-date"), None);
    assert!(!format!("{gateway:?}").contains("hunter2"));
}

#[tokio::test]
async fn without_anybody_to_ask_for_keys_nothing_is_sent() {
    let gateway = gateway(Identity::Nobody, "http://127.0.0.1:1", None);
    let failure = gateway.whole(&call(Surface::Runtime)).await.unwrap_err();
    assert_eq!(failure.fault.kind, FaultKind::Configuration);
    let nowhere = super::tests::gateway(keys(), "no endpoint", None);
    let failure = nowhere.whole(&call(Surface::Runtime)).await.unwrap_err();
    assert_eq!(failure.fault.kind, FaultKind::Configuration);
}

#[tokio::test]
async fn no_connection_may_be_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let failure = gateway(keys(), &url, None)
        .whole(&call(Surface::Runtime))
        .await
        .unwrap_err();
    assert_eq!(
        (failure.fault.kind, failure.is_retryable),
        (FaultKind::Connect, true)
    );
}

#[tokio::test]
async fn clocks_that_differ_are_set_right_once() {
    let refused = |date: &str| {
        let headers = format!("x-amzn-errortype: InvalidSignatureException\r\ndate: {date}\r\n");
        answer(
            "403 Forbidden",
            &headers,
            "{\"message\":\"Signature expired\"}",
        )
    };
    let then = "Sun, 30 Aug 2015 12:36:00 GMT";
    let (url, seen) = serve(vec![
        refused(then),
        json_answer("200 OK", "{}"),
        json_answer("200 OK", "{}"),
    ]);
    let gateway_ = gateway(keys(), &url, None);
    assert!(gateway_.whole(&call(Surface::Runtime)).await.is_ok());
    assert!(
        !seen
            .recv()
            .unwrap()
            .header("x-amz-date")
            .unwrap()
            .starts_with("20150830")
    );
    assert!(
        seen.recv()
            .unwrap()
            .header("x-amz-date")
            .unwrap()
            .starts_with("20150830T12")
    );
    assert!(gateway_.whole(&call(Surface::Runtime)).await.is_ok());
    assert!(
        seen.recv()
            .unwrap()
            .header("x-amz-date")
            .unwrap()
            .starts_with("20150830T12"),
        "it is kept"
    );
    // A signature that is refused though the clocks agree is refused.
    let (url, _seen) = serve(vec![refused(then), refused(then)]);
    let failure = gateway(keys(), &url, None)
        .whole(&call(Surface::Runtime))
        .await
        .unwrap_err();
    assert_eq!(
        failure.fault.kind,
        FaultKind::Configuration,
        "never the caller's fault"
    );
}

#[tokio::test]
async fn events_come_as_they_are_sent_whatever_stands_first() {
    let body = "data: {\"a\":1}\nevent: x\n\ndata: [DONE]\n\n";
    let (url, _seen) = serve(vec![stream_answer(body)]);
    let mut frames = gateway(keys(), &url, None)
        .stream(&call(Surface::Mantle))
        .await
        .unwrap();
    let first = frames.next().await.unwrap().unwrap();
    assert_eq!(
        (first.event.as_deref(), first.data.as_str()),
        (Some("x"), "{\"a\":1}")
    );
    assert!(frames.next().await.unwrap().unwrap().is_done());
    assert_eq!(frames.next().await, Ok(None));
    assert_eq!(frames.next().await, Ok(None));
}

#[tokio::test]
async fn a_stream_that_is_cut_is_broken() {
    let cut = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 99\r\n\r\ndata: {}\n\nda";
    let within = stream_answer("data: {}\n\ndata: {\"a");
    for answer in [cut.to_owned(), within] {
        let (url, _seen) = serve(vec![answer]);
        let mut frames = gateway(keys(), &url, None)
            .stream(&call(Surface::Runtime))
            .await
            .unwrap();
        assert!(frames.next().await.unwrap().is_some());
        assert_eq!(
            frames.next().await.unwrap_err().fault.kind,
            FaultKind::Broken
        );
    }
}

#[tokio::test]
async fn success_without_a_stream_is_a_failure_bug_31() {
    let check = async |answer: String, expected: FaultKind| {
        let (url, _seen) = serve(vec![answer.clone()]);
        let failure = gateway(keys(), &url, None)
            .stream(&call(Surface::Runtime))
            .await
            .unwrap_err();
        assert_eq!(failure.fault.kind, expected, "{answer}");
    };
    check(
        json_answer("200 OK", r#"{"message":"no"}"#),
        FaultKind::Garbage,
    )
    .await;
    check(
        json_answer("200 OK", r#"{"error":{"type":"server_error"}}"#),
        FaultKind::Internal,
    )
    .await;
    check(
        answer("200 OK", "x-amzn-errortype: ThrottlingException\r\n", "{}"),
        FaultKind::Throttled,
    )
    .await;
    check(answer("200 OK", "", "<html>"), FaultKind::Garbage).await;
    check(
        json_answer("429 Too Many Requests", "{}"),
        FaultKind::Throttled,
    )
    .await;
    check(
        answer("503 Service Unavailable", "", ""),
        FaultKind::Unavailable,
    )
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_told_apart_from_what_failed() {
    let asked = async |answer: String| {
        let (url, seen) = serve(vec![answer]);
        let mut call = call(Surface::Mantle);
        call.method = Method::GET;
        call.body = Bytes::new();
        let found = gateway(keys(), &url, None).found(&call).await;
        assert_eq!(seen.recv().unwrap().header("content-type"), None);
        found.map_err(|failure| failure.fault.kind)
    };
    assert_eq!(
        asked(json_answer("200 OK", "{}")).await,
        Ok(Some(Bytes::from_static(b"{}")))
    );
    assert_eq!(asked(json_answer("404 Not Found", "{}")).await, Ok(None));
    assert_eq!(
        asked(json_answer("500 Oh", "{}")).await,
        Err(FaultKind::Internal)
    );
}
