//! Routes over the OpenAI-compatible endpoints: mirrored, answered on both hosts, and their failures as everywhere.

use std::{sync::Arc, time::Duration};

use crossfade_sim::script::{Answer, Fault, Prompt};
use crossfade_tests::{
    Setup, World,
    chat::{self, CANDIDATE_SAYS, question, streamed},
};
use serde_json::json;

/// An open model, which thinks aloud on the runtime.
const OPEN: &str = "model = \"openai.gpt-oss-120b-1:0\"\napi = \"openai-chat\"\n";
const ON_MANTLE: &str =
    "model = \"openai.gpt-oss-120b\"\napi = \"openai-chat\"\nsurface = \"mantle\"\n";

async fn all_candidate(setup: Setup) -> World {
    let world =
        World::start(setup.bedrock("fallback_after = \"300ms\"\nidle_timeout = \"1s\"\n")).await;
    world.prime().await;
    world.raise(100.0).await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_is_mirrored_compared_and_answered() {
    for setup in [
        Setup::new().candidate(OPEN),
        Setup::new().candidate(ON_MANTLE).with_mantle(),
    ] {
        let world = World::start(setup).await;
        for body in [question("hi"), streamed("hi")] {
            world.primary_answers(&body).await;
        }
        world.quiet().await;
        assert_eq!(world.compared(), 2, "{:?}", world.counts());
        world.raise(100.0).await;
        for mut body in [question("hi"), streamed("hi")] {
            body["reasoning_effort"] = json!("low");
            let answer = world.ask(&body).await;
            assert_eq!((answer.status(), answer.whole), (200, true), "{answer:?}");
            assert_eq!(chat::text(&answer), CANDIDATE_SAYS, "{}", answer.text());
            let shown = format!("{:?} {}", answer.head, answer.text()).to_lowercase();
            for word in [
                "amzn",
                "bedrock",
                "gpt-oss",
                "<reasoning>",
                "arn:",
                "\"reasoning\"",
            ] {
                assert!(!shown.contains(word), "{word}: {shown}");
            }
            assert!(shown.contains("gpt-4.1-mini-2025-04-14"), "{shown}");
        }
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_fall_back_before_the_first_content_and_are_shown_after_it() {
    for fault in [
        Fault::Hang,
        Fault::Reset,
        Fault::Garbage,
        Fault::NoEvents,
        Fault::SlowDrip {
            interval: Duration::from_millis(100),
        },
        Fault::Status {
            status: 500,
            retry_after: None,
        },
        Fault::EndEarly { after: 0 },
    ] {
        let world = all_candidate(Setup::new().candidate(OPEN)).await;
        world.bedrock.script().set_fault(fault.clone());
        world.primary_answers(&question("hi")).await;
        world.primary_answers(&streamed("hi")).await;
        world.bedrock.script().set_fault(Fault::None);
        world.candidate_answers(&streamed("hi")).await;
        world.finish().await;
    }
    for fault in [
        Fault::ExceptionInStream {
            name: "error".to_owned(),
            after: 2,
        },
        Fault::Truncate { after: 2 },
        Fault::EndEarly { after: 2 },
        Fault::Stall { after: 2 },
    ] {
        let world = all_candidate(Setup::new().candidate(OPEN)).await;
        let long = "word ".repeat(40);
        world
            .bedrock
            .script()
            .set_answers(Arc::new(move |_: &Prompt, _: u64| {
                Answer::text(long.clone())
            }));
        world.bedrock.script().set_fault(fault.clone());
        let answer = world.ask(&streamed("hi")).await;
        let stream = answer.text();
        assert!(
            chat::text(&answer).starts_with("word"),
            "{fault:?}: {stream}"
        );
        assert!(!chat::is_done(&stream), "{fault:?}: {stream}");
        let last = chat::events(&stream).pop().unwrap();
        assert!(last["error"]["message"].is_string(), "{fault:?}: {last}");
        world.bedrock.script().set_fault(Fault::None);
        world.finish().await;
    }
}
