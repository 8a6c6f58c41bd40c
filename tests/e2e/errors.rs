//! Mistakes and bounds: a clear error that names the remedy, and nothing else breaks.

use std::fs;

use crossfade_exchange::IneligibleReason;
use crossfade_tests::{
    Setup, World,
    chat::{self, question, request},
    http::Request,
    process::{Ended, command, run},
};

use crate::PROGRAM;

/// Runs `serve` with a configuration of the tests after an edit.
async fn serve(edit: impl Fn(String) -> String) -> Ended {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("crossfade.toml");
    let nowhere = "127.0.0.1:9".parse().unwrap();
    let text = Setup::new().config(nowhere, nowhere, &home.path().join("data"));
    fs::write(&file, edit(text)).unwrap();
    run(command(
        PROGRAM,
        &["serve", "--config", file.to_str().unwrap()],
    ))
    .await
}

fn says(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.status.code(), Some(code), "{}", ended.stderr);
    for word in words {
        assert!(ended.stderr.contains(word), "{word:?} in {}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_wrong() {
    let unknown = serve(|text| text.replace("[mirror]", "[mirror]\nslotz = 5")).await;
    says(&unknown, 78, &["crossfade.toml", "slotz", "slots"]);
    let value =
        serve(|text| text.replace("sticky_by = \"request\"", "sticky_by = \"session\"")).await;
    says(&value, 78, &["sticky_by", "session", "conversation"]);
    let syntax = serve(|text| text.replace("[mirror]", "[mirror")).await;
    says(&syntax, 78, &["crossfade.toml"]);
    let unset = serve(|text| text.replace("E2E_SECRET_KEY", "E2E_NOBODY_SETS_THIS")).await;
    says(&unset, 78, &["E2E_NOBODY_SETS_THIS"]);
    let missing = run(command(
        PROGRAM,
        &["serve", "--config", "/nowhere/crossfade.toml"],
    ))
    .await;
    says(&missing, 78, &["/nowhere/crossfade.toml"]);
    let usage = run(command(PROGRAM, &["serve"])).await;
    says(&usage, 64, &["--config"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (table, key) in [
        ("[listen]\n", "[listen] address"),
        ("[admin]\n", "[admin] address"),
    ] {
        let (free, busy) = (
            format!("{table}address = \"127.0.0.1:0\""),
            format!("{table}address = \"{address}\""),
        );
        let ended = serve(|text| text.replace(&free, &busy)).await;
        says(&ended, 1, &[&address, key]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_bound() {
    let world = World::start(Setup::new().listen("max_body = \"64KiB\"")).await;
    let long = question(&"x".repeat(100_000)).to_string();
    let chat = || Request::post(&chat::path()).header("api-key", chat::KEY);
    let other =
        || Request::post("/openai/files?api-version=2024-10-21").header("api-key", chat::KEY);
    let chunks = || {
        long.as_bytes()
            .chunks(1_000)
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    for (what, request) in [
        ("chat with a length", chat().body(long.clone())),
        ("chat in chunks", chat().chunked(chunks())),
        ("other with a length", other().body(long.clone())),
        ("other in chunks", other().chunked(chunks())),
    ] {
        let answer = world.send(&request).await;
        assert_eq!(answer.status(), 413, "{what}: {}", answer.text());
        let message = answer.json()["error"]["message"].to_string();
        assert!(
            message.contains("[listen] max_body (65536 bytes)"),
            "{what}: {message}"
        );
    }
    world.primary_answers(&question("short")).await;
    let turned_away = |reason| {
        world
            .unrouted()
            .ineligible
            .get(&reason)
            .copied()
            .unwrap_or_default()
    };
    assert!(
        turned_away(IneligibleReason::TooLarge) >= 2,
        "{:?}",
        world.unrouted()
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_malformed() {
    let world = World::start(Setup::new()).await;
    // Azure's own word about what is no JSON.
    let broken = Request::post(&chat::path())
        .header("api-key", chat::KEY)
        .body("{\"messages\": [{]");
    let answer = world.send(&broken).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
    // What is no HTTP is refused by itself, and others go on.
    let mut odd = crossfade_tests::http::Connection::open(world.address()).await;
    odd.write(b"THIS IS NOT HTTP\r\n\r\n").await;
    assert_eq!(odd.head("GET").await.status(), 400);
    assert_eq!(world.ask(&question("hi")).await.status(), 200);
    assert_eq!(world.ineligible(IneligibleReason::Unsupported), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_refuses_what_it_does_not_understand() {
    let world = World::start(Setup::new()).await;
    let admin = world.admin();
    let put = |body: &str| {
        Request::new("PUT", "/api/v1/routes/support/split")
            .header("Content-Type", "application/json")
            .body(body)
    };
    for (what, request, status) in [
        ("no JSON", put("{"), 400),
        ("no such path", Request::get("/api/v1/nothing"), 404),
        (
            "no such method",
            Request::new("DELETE", "/api/v1/status"),
            405,
        ),
        (
            "a limit of nothing",
            Request::get("/api/v1/ledger?limit=0"),
            400,
        ),
        (
            "an unknown parameter",
            Request::get("/api/v1/ledger?lines=5"),
            400,
        ),
    ] {
        let answer = admin.ask_as("owner", request).await;
        assert_eq!(answer.status(), status, "{what}: {}", answer.text());
        let remedy = answer.json()["remedy"].as_str().map(str::len);
        assert!(remedy > Some(0), "{what}: {}", answer.text());
    }
    assert_eq!(world.send(&request(&question("hi"))).await.status(), 200);
    world.finish().await;
}
