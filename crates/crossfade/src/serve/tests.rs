//! A process on its way, seen from its sockets.

use std::path::Path;

use crossfade_backplane::DataDirectory;
use crossfade_sim::azure::{AzureOptions, AzureSim};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;

const ASK: &str = r#"{"messages":[{"role":"user","content":"hi"}]}"#;

/// The status line and the rest.
async fn exchange(address: SocketAddr, head: &str, body: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{head} HTTP/1.1\r\nhost: x\r\napi-key: k\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

const CHAT: &str = "POST /openai/deployments/support/chat/completions?api-version=2024-10-21";

fn config(azure: &AzureSim, data: &Path) -> Config {
    let text = format!(
        r#"
[listen]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
[data]
directory = {data:?}
[azure]
endpoint = "{azure}"
[bedrock]
region = "us-east-1"
endpoint = "http://127.0.0.1:9"
auth = "static"
access_key_env = "A"
secret_key_env = "B"
[routes.support]
candidate = {{ model = "us.anthropic.claude-sonnet-4-6" }}
"#,
        azure = azure.url(),
    );
    Config::parse_with(&text, "x.toml", &|name| Some(name.to_owned())).unwrap()
}

/// A process that answers callers, and has not folded outcomes yet.
async fn open(azure: &AzureSim, data: &Path) -> Starting {
    let starting = Starting::open(config(azure, data), LeaseTimes::default());
    Box::pin(starting).await.unwrap()
}

async fn check(address: SocketAddr, head: &str, body: &str, expected: &str) -> String {
    let answer = exchange(address, head, body).await;
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {expected}")),
        "{head}: {answer}"
    );
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_answered_before_outcomes_are_folded() {
    let azure = AzureSim::start(AzureOptions::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let starting = open(&azure, data.path()).await;
    let (address, admin) = (starting.address, starting.admin_address);
    check(address, CHAT, ASK, "200").await;
    check(admin, "GET /healthz", "", "200").await;
    check(admin, "GET /readyz", "", "200").await;
    let refused = check(admin, "GET /api/v1/status", "", "503").await;
    assert!(refused.contains("retry-after: 2") && refused.contains("starting"));

    let finished = starting.finish(CancellationToken::new()).await;
    let server = finished.unwrap().unwrap();
    check(admin, "GET /api/v1/status", "", "401").await;
    check(address, CHAT, ASK, "200").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_before_it_stands_it_ends_in_good_order() {
    let azure = AzureSim::start(AzureOptions::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let starting = open(&azure, data.path()).await;
    let told = CancellationToken::new();
    let (address, admin) = (starting.address, starting.admin_address);
    let mut under_way = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "{CHAT} HTTP/1.1\r\nhost: x\r\napi-key: k\r\ncontent-type: application/json\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        ASK.len()
    );
    under_way.write_all(head.as_bytes()).await.unwrap();
    let mut goes_on = [0; 25];
    under_way.read_exact(&mut goes_on).await.unwrap();
    told.cancel();
    let end = async {
        if let Some(server) = starting.finish(told).await.unwrap() {
            server.stop().await;
        }
    };
    let caller = async {
        // Load balancers are told at once, and who is being answered gets the whole answer.
        while !exchange(admin, "GET /readyz", "")
            .await
            .contains("draining")
        {}
        under_way.write_all(ASK.as_bytes()).await.unwrap();
        let mut answer = String::new();
        under_way.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    };
    tokio::join!(end, caller);
    assert!(TcpStream::connect(address).await.is_err());
    DataDirectory::open(data.path()).unwrap();
}
