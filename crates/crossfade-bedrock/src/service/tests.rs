//! The service against a server that is slow in chosen ways: how long a silence is borne, and what ends it. The margins
//! are wide, and what is asserted is which of two things happened, so that a busy machine does not decide.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::sdk::{Auth, Settings};

mod breaks;
mod faults;
mod got;
mod operations;
mod surface;
mod turns;

const CHAT: &str = "/openai/deployments/d/chat/completions?api-version=2024-10-21";
const PATIENCE: Duration = Duration::from_secs(2);

/// What the server does, in order.
enum Step {
    /// Waits this many milliseconds.
    Wait(u64),
    /// Sends.
    Send(Vec<u8>),
}

use Step::{Send as Say, Wait};

/// Serves one request per script, one after another; gives the address.
fn serve(scripts: Vec<Vec<Step>>) -> String {
    serve_and_keep(scripts).0
}

/// Also gives the bodies that were sent.
fn serve_and_keep(scripts: Vec<Vec<Step>>) -> (String, mpsc::Receiver<Value>) {
    let (bodies, kept) = mpsc::channel();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for script in scripts {
            let (mut socket, _) = listener.accept().unwrap();
            // Most tests are not about what is asked.
            let _unread = bodies.send(read_request(&mut socket));
            for step in script {
                match step {
                    Wait(time) => thread::sleep(Duration::from_millis(time)),
                    // A caller who lost patience is gone by then.
                    Say(bytes) => drop(socket.write_all(&bytes)),
                }
            }
        }
    });
    (url, kept)
}

fn read_request(socket: &mut TcpStream) -> Value {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"\r\n\r\n") {
        assert_eq!(socket.read(&mut byte).unwrap(), 1, "the head ended early");
        read.extend(byte);
    }
    let head = String::from_utf8(read).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    socket.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn head(status: &str, content_type: &str, more: &str) -> Step {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\n{more}connection: close\r\n\r\n"
    );
    Say(head.into_bytes())
}

fn stream_head() -> Step {
    head("200 OK", "application/vnd.amazon.eventstream", "")
}

/// A refusal that may be asked again at once.
fn busy() -> Step {
    let more = "x-amzn-errortype: ThrottlingException\r\nretry-after: 0\r\ncontent-length: 2\r\n";
    let Say(mut bytes) = head("429 Too Many Requests", "application/json", more) else {
        unreachable!("a head is said")
    };
    bytes.extend(b"{}");
    Say(bytes)
}

/// One event in the provider's framing.
fn event(name: &str, payload: &Value) -> Step {
    let headers = [
        (":message-type", "event"),
        (":event-type", name),
        (":content-type", "application/json"),
    ];
    frame(&headers, &payload.to_string())
}

/// A failure within a stream.
fn exception(name: &str, payload: &Value) -> Step {
    let headers = [
        (":message-type", "exception"),
        (":exception-type", name),
        (":content-type", "application/json"),
    ];
    frame(&headers, &payload.to_string())
}

fn frame(pairs: &[(&str, &str)], payload: &str) -> Step {
    let mut headers = Vec::new();
    for (name, value) in pairs {
        headers.push(u8::try_from(name.len()).unwrap());
        headers.extend(name.as_bytes());
        headers.push(7);
        headers.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let length = |bytes: usize| u32::try_from(bytes).unwrap().to_be_bytes();
    let mut frame = Vec::new();
    frame.extend(length(16 + headers.len() + payload.len()));
    frame.extend(length(headers.len()));
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload.as_bytes());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    Say(frame)
}

fn thought() -> Step {
    event(
        "contentBlockDelta",
        &json!({"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
    )
}

/// A whole answer's events.
fn rest() -> Vec<Step> {
    vec![
        event(
            "contentBlockDelta",
            &json!({"contentBlockIndex": 1, "delta": {"text": "Hi"}}),
        ),
        event("messageStop", &json!({"stopReason": "end_turn"})),
        event(
            "metadata",
            &json!({"usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}, "metrics": {"latencyMs": 1}}),
        ),
    ]
}

fn then(mut steps: Vec<Step>, more: Vec<Step>) -> Vec<Step> {
    steps.extend(more);
    steps
}

/// How the candidate is asked.
#[derive(Clone, Copy, Debug)]
enum Way {
    Streamed,
    Collected,
    Whole,
}

async fn connect(endpoint: String) -> Connection {
    Connection::new(Settings {
        endpoint: Some(endpoint),
        auth: Auth::Static {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret: "secret".to_owned(),
            session_token: None,
        },
        ..Settings::new("us-east-1")
    })
    .await
}

/// A candidate over a server of these scripts.
async fn candidate(scripts: Vec<Vec<Step>>, settings: CandidateSettings) -> Candidate {
    Candidate::new(connect(serve(scripts)).await, settings)
}

/// Asks a server of these scripts; checks why the other side should answer, if it should, and the retries.
async fn check(way: Way, scripts: Vec<Vec<Step>>, failover: Option<Failover>, retries: u32) {
    let mut settings = CandidateSettings::new("test.model");
    settings.stream_always = !matches!(way, Way::Whole);
    let stream = matches!(way, Way::Streamed);
    let body = json!({"stream": stream, "messages": [{"role": "user", "content": "Hello"}]});
    let mut request = http::Request::post(CHAT)
        .body(body.to_string().into())
        .unwrap();
    request.extensions_mut().insert(Patience(PATIENCE));
    let candidate = candidate(scripts, settings).await;
    let response = candidate.oneshot(request).await.unwrap();
    let report = response.extensions().get::<SideReport>().unwrap();
    assert_eq!(
        (
            report.failover,
            report.retries,
            response.status().is_success()
        ),
        (failover, retries, failover.is_none()),
        "{way:?}"
    );
}

const SILENT: Option<Failover> = Some(Failover::Silent);

#[tokio::test]
async fn a_head_is_no_sign_of_life() {
    for way in [Way::Streamed, Way::Collected] {
        let late = vec![Wait(1_400), stream_head(), Wait(1_400)];
        check(way, vec![then(late, rest())], SILENT, 0).await;
    }
}

#[tokio::test]
async fn a_thought_is_a_sign_of_life() {
    for way in [Way::Streamed, Way::Collected] {
        let thinking = vec![
            stream_head(),
            Wait(1_200),
            thought(),
            Wait(1_200),
            thought(),
        ];
        let script = then(then(thinking, vec![Wait(1_200)]), rest());
        check(way, vec![script], None, 0).await;
    }
}

#[tokio::test]
async fn silence_after_a_thought_is_silence() {
    let script = then(vec![stream_head(), thought(), Wait(3_000)], rest());
    check(Way::Streamed, vec![script], SILENT, 0).await;
}

#[tokio::test]
async fn a_retry_goes_on_with_the_same_silence() {
    for way in [Way::Streamed, Way::Collected] {
        let first = || vec![Wait(400), busy()];
        let late = vec![Wait(900), stream_head(), Wait(1_100)];
        check(way, vec![first(), then(late, rest())], SILENT, 1).await;
        let in_time = vec![Wait(100), stream_head(), Wait(100)];
        check(way, vec![first(), then(in_time, rest())], None, 1).await;
    }
}

#[tokio::test]
async fn a_whole_answer_s_retry_goes_on_with_the_same_silence() {
    let answer = json!({"output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
        "stopReason": "end_turn", "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1}});
    let said = || {
        let body = answer.to_string().into_bytes();
        vec![head("200 OK", "application/json", ""), Say(body)]
    };
    let first = || vec![Wait(400), busy()];
    let late = then(vec![Wait(1_800)], said());
    check(Way::Whole, vec![first(), late], SILENT, 1).await;
    let in_time = then(vec![Wait(100)], said());
    check(Way::Whole, vec![first(), in_time], None, 1).await;
}

#[tokio::test]
async fn silence_says_nothing_of_vectors() {
    let mut settings = CandidateSettings::new("test.model");
    assert!(
        candidate(Vec::new(), settings.clone())
            .await
            .always_streams()
    );
    settings.api = Api::Invoke;
    assert!(!candidate(Vec::new(), settings).await.always_streams());
}
