//! A route with a guardrail, answered by the candidate: what it blocks reaches the caller as Azure's own filter would have
//! shown it, what it masks is an answer, and nothing is said of what nobody checked.

use std::sync::Arc;

use crossfade_sim::script::{Answer, Prompt};
use crossfade_tests::{
    Setup, World,
    chat::{self, CANDIDATE_SAYS, question, streamed},
    http,
};
use serde_json::{Value, json};

const GUARDED: &str = "guardrail = { id = \"simguard0001\", version = \"DRAFT\" }\n";

/// The finish reasons of a stream.
fn finishes(stream: &http::Answer) -> Vec<Value> {
    chat::events(&stream.text())
        .iter()
        .filter_map(|event| event.pointer("/choices/0/finish_reason").cloned())
        .filter(|reason| !reason.is_null())
        .collect()
}

async fn all_candidate(settings: &str) -> World {
    let world = World::start(Setup::new().tables(settings)).await;
    world.prime().await;
    world.raise(100.0).await;
    // The first request's copy must not meet what a test scripts next.
    world.quiet().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_prompt_is_azures_own_error() {
    let world = all_candidate(GUARDED).await;
    world.candidate_answers(&question("hi")).await;
    world.candidate_answers(&streamed("hi")).await;
    let before = world.azure.received().len();
    let answer = world.ask(&question("a violent-word here")).await;
    assert_eq!(answer.status(), 400, "{}", answer.text());
    let error = &answer.json()["error"];
    assert_eq!(error["code"], "content_filter", "{error}");
    assert_eq!(error["param"], "prompt", "{error}");
    let inner = &error["innererror"];
    assert_eq!(inner["code"], "ResponsibleAIPolicyViolation", "{error}");
    assert_eq!(
        inner["content_filter_result"]["violence"]["filtered"], true,
        "{error}"
    );
    assert!(!answer.text().contains("guardrail"), "{}", answer.text());
    // The service speaks in a stream before it says that it blocked: that ends as filtered.
    let stream = world.ask(&streamed("a violent-word here")).await;
    assert_eq!(
        finishes(&stream),
        [json!("content_filter")],
        "{}",
        stream.text()
    );
    assert!(chat::is_done(&stream.text()), "{}", stream.text());
    assert_eq!(
        world.azure.received().len(),
        before,
        "a block is an answer, not a failure"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_answer_ends_as_filtered_and_a_masked_one_does_not() {
    for (said, finish) in [
        ("so be it: violent-word and more", "content_filter"),
        ("so be it: secret-address", "stop"),
    ] {
        let world = all_candidate(GUARDED).await;
        world
            .bedrock
            .script()
            .set_answers(Arc::new(move |_: &Prompt, _: u64| Answer::text(said)));
        let whole = world.ask(&question("hi")).await;
        assert_eq!(whole.status(), 200, "{}", whole.text());
        let choice = &whole.json()["choices"][0];
        assert_eq!(choice["finish_reason"], finish, "{choice}");
        let stream = world.ask(&streamed("hi")).await;
        assert_eq!(finishes(&stream), [json!(finish)], "{}", stream.text());
        assert!(chat::is_done(&stream.text()), "{}", stream.text());
        for word in ["violent-word", "secret-address"] {
            assert!(!chat::text(&stream).contains(word), "{}", stream.text());
            assert!(!whole.text().contains(word), "{}", whole.text());
        }
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_of_what_nobody_checked() {
    let world = all_candidate("annotations = \"absent\"\n").await;
    let answer = world.ask(&question("a violent-word here")).await;
    assert_eq!(chat::text(&answer), CANDIDATE_SAYS);
    let text = answer.text();
    assert!(!text.contains("\"filtered\""), "{text}");
    assert!(!text.contains("\"severity\""), "{text}");
    world.finish().await;
}
