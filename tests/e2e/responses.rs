//! The Responses API: passed through to the byte.

use crossfade_tests::{
    Setup, World,
    chat::{DEPLOYMENT, KEY},
    http::{Request, exchange},
};
use serde_json::{Value, json};

const V1: &str = "/openai/v1/responses";
const DATED: &str = "/openai/responses?api-version=2025-04-01-preview";

fn asked(text: &str) -> Value {
    json!({"model": DEPLOYMENT, "input": text, "store": false})
}

fn post(path: &str, body: &Value) -> Request {
    Request::post(path)
        .header("api-key", KEY)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

fn with(mut body: Value, key: &str, value: Value) -> Value {
    body[key] = value;
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_are_azures_to_the_byte() {
    let mut setup = Setup::new();
    setup.azure.steady = true;
    let world = World::start(setup).await;
    for (what, path, body) in [
        ("whole", V1, asked("hello")),
        ("dated", DATED, asked("hello")),
        ("kept", V1, with(asked("hello"), "store", json!(true))),
        ("streamed", V1, with(asked("hello"), "stream", json!(true))),
        (
            "unknown deployment",
            V1,
            with(asked("hello"), "model", json!("nobody")),
        ),
        (
            "unknown earlier response",
            V1,
            with(asked("hello"), "previous_response_id", json!("resp_0")),
        ),
    ] {
        let request = post(path, &body);
        let direct = exchange(world.azure.address(), &request).await;
        let through = world.send(&request).await;
        assert_eq!(through.head.line, direct.head.line, "{what}");
        assert_eq!(through.head.lines(), direct.head.lines(), "{what}");
        assert!(
            through.body == direct.body && through.whole == direct.whole,
            "{what}"
        );
    }
    world.finish().await;
}
