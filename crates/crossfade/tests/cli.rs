//! The binary as an operator meets it: what it prints where, and how it exits. No command here reaches a network beyond
//! this machine.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail by panicking"
)]

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::{Command, Output},
    thread,
};

const VALID: &str = r#"
[azure]
endpoint = "https://ours.openai.azure.com"
[bedrock]
region = "us-east-1"
[routes.support]
owner = "team@example.com"
candidate = { model = "us.anthropic.claude-sonnet-4-6" }
"#;

fn crossfade() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossfade"));
    command
        .env_remove("CROSSFADE_ADMIN")
        .env_remove("CROSSFADE_ADMIN_TOKEN");
    command
}

fn run(arguments: &[&str]) -> Output {
    crossfade().args(arguments).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs, and expects an exit code, nothing on standard output, and some words on standard error.
fn refused(arguments: &[&str], code: i32, parts: &[&str]) {
    let output = run(arguments);
    let said = err(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    assert_eq!(out(&output), "", "{arguments:?}");
    for part in parts {
        assert!(
            said.contains(part),
            "{arguments:?}: missing {part:?} in: {said}"
        );
    }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn help_is_an_answer_and_shows_an_example() {
    for command in [
        "serve", "check", "status", "split", "rollback", "resume", "mirror", "ledger",
    ] {
        let output = run(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert!(
            out(&output).contains("Example:\n"),
            "{command}: {}",
            out(&output)
        );
        assert_eq!(err(&output), "", "{command}");
    }
    assert_eq!(run(&["--version"]).status.code(), Some(0));
}

#[test]
fn mistakes_in_what_is_typed_exit_with_64() {
    refused(&["frobnicate"], 64, &["unrecognized subcommand", "--help"]);
    refused(&["serve"], 64, &["--config <FILE>"]);
    refused(
        &["split", "support", "120", "--reason", "x"],
        64,
        &["use a number from 0 to 100"],
    );
    refused(&["split", "support", "5"], 64, &["--reason <TEXT>"]);
    refused(&["rollback", "support", "--reason", " "], 64, &["say why"]);
    refused(
        &["status", "--admin", "nowhere"],
        64,
        &["begin it with https://", "try:"],
    );
    refused(
        &["serve", "--config", "x.toml", "--role", "worker"],
        64,
        &["leave --role out"],
    );
}

#[test]
fn a_wrong_configuration_exits_with_78() {
    let missing = "/nowhere/at/all.toml";
    refused(
        &["check", "--config", missing],
        78,
        &["error: /nowhere/at/all.toml: cannot be read"],
    );
    for (text, part) in [
        ("[azure\n", ":1:7: not TOML"),
        (
            "[azrue]\n",
            ":1:2: azrue: unknown key \"azrue\"; did you mean \"azure\"?",
        ),
        (
            &VALID.replace("https://", ""),
            "azure.endpoint: \"ours.openai.azure.com\" is not an endpoint",
        ),
        (
            &VALID.replace("ours", "${NOT_SET_ANYWHERE}"),
            "environment variable NOT_SET_ANYWHERE is not set: set it",
        ),
    ] {
        let file = file(text);
        let path = file.path().to_str().unwrap();
        refused(&["check", "--config", path], 78, &["error: ", path, part]);
        refused(&["serve", "--config", path], 78, &["error: ", path, part]);
    }
}

#[test]
fn a_valid_configuration_is_explained() {
    let file = file(VALID);
    let path = file.path().to_str().unwrap();
    let output = run(&["check", "--config", path]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let shown = out(&output);
    for part in [
        "is valid",
        "support -> us.anthropic",
        "may not  advance beyond shadow",
        "warning: no admin token",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let output = run(&["check", "--config", path, "--output", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["routes"][0]["route"], "support");
    assert!(!report["warnings"].as_array().unwrap().is_empty());
}

#[test]
fn an_admin_listener_that_is_not_there_exits_with_1() {
    // Bound and dropped: a port where nobody listens.
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}");
    refused(
        &["status", "--admin", &url],
        1,
        &[
            "cannot reach http://127.0.0.1:",
            "try: start `crossfade serve`",
        ],
    );
}

/// Answers one request with these bytes, and gives back what was asked.
fn listener(answer: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let read = stream.read(&mut piece).unwrap();
            asked.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&asked).to_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|l| l.lines().next());
            if read == 0 || body.len() >= length.map_or(0, |l| l.parse().unwrap()) {
                break;
            }
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    (url, asked)
}

#[test]
fn a_change_is_sent_with_its_reason_and_a_refusal_is_passed_on() {
    let (url, asked) = listener(concat!(
        "HTTP/1.1 409 Conflict\r\ncontent-type: application/problem+json\r\ncontent-length: 78\r\nconnection: close\r\n\r\n",
        "{\"title\":\"x\",\"detail\":\"route has no owner\",\"remedy\":\"set `owner` in the file\"}",
    ));
    let output = crossfade()
        .args([
            "split",
            "a b/c",
            "12.5",
            "--reason",
            "why not",
            "--if-match",
            "7",
            "--admin",
            &url,
        ])
        .env("CROSSFADE_ADMIN_TOKEN", "hunter2")
        .output()
        .unwrap();
    let asked = asked.join().unwrap();
    assert!(
        asked.starts_with("PUT /api/v1/routes/a%20b%2Fc/split HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("authorization: Bearer hunter2\r\n"),
        "{asked}"
    );
    assert!(asked.contains("if-match: \"7\"\r\n"), "{asked}");
    assert!(
        asked.ends_with(r#"{"candidate_percent":12.5,"reason":"why not","override":false}"#),
        "{asked}"
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        err(&output),
        "error: route has no owner\n  try: set `owner` in the file\n"
    );
    assert!(!err(&output).contains("hunter2"));
}

#[test]
fn a_missing_token_is_named() {
    let (url, asked) = listener(
        "HTTP/1.1 401 Unauthorized\r\ncontent-length: 16\r\nconnection: close\r\n\r\n{\"detail\":\"no.\"}",
    );
    refused(
        &["ledger", "--admin", &url],
        1,
        &["needs a token", "set CROSSFADE_ADMIN_TOKEN"],
    );
    assert!(
        asked
            .join()
            .unwrap()
            .starts_with("GET /api/v1/ledger?limit=50 HTTP/1.1\r\n")
    );
}

#[test]
fn a_stranger_is_recognised() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n<html",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nconnection: close\r\n\r\n<html",
    ] {
        let (url, asked) = listener(answer);
        refused(
            &["status", "--admin", &url],
            1,
            &["is not a Crossfade admin listener"],
        );
        asked.join().unwrap();
    }
}

#[test]
fn a_busy_port_is_named_with_its_key() {
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "{VALID}[listen]\naddress = \"{address}\"\n[admin]\naddress = \"127.0.0.1:0\"\n[data]\ndirectory = {:?}\n",
        directory.path().join("data")
    );
    let file = file(&text);
    let output = run(&["serve", "--config", file.path().to_str().unwrap()]);
    let said = err(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in [&format!("cannot listen on {address}"), "[listen] address"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[cfg(feature = "demo")]
#[test]
fn a_simulated_provider_answers() {
    use std::{
        io::{BufRead as _, BufReader},
        net::TcpStream,
        process::Stdio,
    };

    for (provider, path, status) in [
        (
            "azure",
            "/openai/models?api-version=2024-10-21",
            "HTTP/1.1 200",
        ),
        ("bedrock", "/model/any/converse", "HTTP/1.1 40"),
    ] {
        let mut child = crossfade()
            .args(["simulate", provider])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let (_, address) = line.trim_end().rsplit_once("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\napi-key: any\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(answer.starts_with(status), "{provider}: {answer}");
    }
}
