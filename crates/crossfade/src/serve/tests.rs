//! A process on its way, seen from its sockets.

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

#[tokio::test(flavor = "multi_thread")]
async fn callers_are_answered_before_outcomes_are_folded() {
    let azure = AzureSim::start(AzureOptions::default()).await.unwrap();
    let data = tempfile::tempdir().unwrap();
    let text = format!(
        r#"
[listen]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
[data]
directory = {:?}
[azure]
endpoint = "{}"
[bedrock]
region = "us-east-1"
endpoint = "http://127.0.0.1:9"
auth = "static"
access_key_env = "A"
secret_key_env = "B"
[routes.support]
candidate = {{ model = "us.anthropic.claude-sonnet-4-6" }}
"#,
        data.path().join("data"),
        azure.url(),
    );
    let config = Config::parse_with(&text, "x.toml", &|name| Some(name.to_owned())).unwrap();
    let starting = Starting::open(config.clone(), LeaseTimes::default());
    let starting = starting.await.unwrap();
    let (address, admin) = (starting.address, starting.admin_address);
    let chat = "POST /openai/deployments/support/chat/completions?api-version=2024-10-21";
    let check = async |address, head: &str, body: &str, expected: &str| {
        let answer = exchange(address, head, body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {expected}")),
            "{head}: {answer}"
        );
        answer
    };
    check(address, chat, ASK, "200").await;
    check(admin, "GET /healthz", "", "200").await;
    check(admin, "GET /readyz", "", "200").await;
    let refused = check(admin, "GET /api/v1/status", "", "503").await;
    assert!(refused.contains("retry-after: 2") && refused.contains("starting"));

    let told = CancellationToken::new();
    let server = starting.finish(told.clone()).await.unwrap().unwrap();
    check(admin, "GET /api/v1/status", "", "401").await;
    check(address, chat, ASK, "200").await;
    server.stop().await;

    // Told to stop before it stands, it ends in good order, and leaves the data directory to the next.
    let starting = Starting::open(config, LeaseTimes::default()).await.unwrap();
    told.cancel();
    if let Some(server) = starting.finish(told).await.unwrap() {
        server.stop().await;
    }
    assert!(TcpStream::connect(address).await.is_err());
    DataDirectory::open(&data.path().join("data")).unwrap();
}
