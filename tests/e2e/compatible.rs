//! Routes over the OpenAI-compatible endpoints: mirrored, answered on both hosts, and their failures as everywhere.

use std::{sync::Arc, time::Duration};

use crossfade_sim::script::{Answer, Fault, Prompt};
use crossfade_tests::{
    Setup, World,
    chat::{self, CANDIDATE_SAYS, question, streamed},
    eventually,
    http::Request,
};
use serde_json::json;

/// An open model, which thinks aloud on the runtime.
const OPEN: &str = "model = \"openai.gpt-oss-120b-1:0\"\napi = \"openai-chat\"\n";
const ON_MANTLE: &str =
    "model = \"openai.gpt-oss-120b\"\napi = \"openai-chat\"\nsurface = \"mantle\"\n";

async fn all_candidate(setup: Setup) -> World {
    let world = World::start(setup).await;
    world.prime().await;
    world.raise(100.0).await;
    // The first request's copy must not meet what a test scripts next.
    world.quiet().await;
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
async fn failures_before_the_first_content_fall_back() {
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
        let setup = Setup::new()
            .candidate(OPEN)
            .bedrock("fallback_after = \"1s\"\n");
        let world = all_candidate(setup).await;
        world.bedrock.script().set_fault(fault.clone());
        world.primary_answers(&question("hi")).await;
        world.primary_answers(&streamed("hi")).await;
        world.bedrock.script().set_fault(Fault::None);
        // A busy machine may take longer than that patience, but not always.
        eventually("the candidate's answer", async || {
            let answer = world.ask(&streamed("hi")).await;
            assert_eq!((answer.status(), answer.whole), (200, true), "{answer:?}");
            (chat::text(&answer) == CANDIDATE_SAYS).then_some(())
        })
        .await;
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_after_the_first_content_are_shown() {
    for fault in [
        Fault::ExceptionInStream {
            name: "error".to_owned(),
            after: 2,
        },
        Fault::Truncate { after: 2 },
        Fault::EndEarly { after: 2 },
        Fault::Stall { after: 2 },
    ] {
        let setup = Setup::new()
            .candidate(OPEN)
            .bedrock("idle_timeout = \"1s\"\n");
        let world = all_candidate(setup).await;
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

/// A model that speaks only responses is asked for chat by way of them, and one that speaks only chat for responses.
#[tokio::test(flavor = "multi_thread")]
async fn one_wire_is_answered_by_way_of_the_other() {
    const ONLY_RESPONSES: &str =
        "model = \"openai.gpt-5.4\"\napi = \"openai-responses\"\nsurface = \"mantle\"\n";
    let world = all_candidate(Setup::new().candidate(ONLY_RESPONSES).with_mantle()).await;
    for body in [question("hi"), streamed("hi")] {
        world.candidate_answers(&body).await;
    }
    assert!(chat::is_done(&world.ask(&streamed("hi")).await.text()));
    world.finish().await;

    let world = all_candidate(Setup::new().candidate(OPEN)).await;
    for stream in [false, true] {
        let body =
            json!({"model": chat::DEPLOYMENT, "input": "hi", "store": false, "stream": stream});
        let request = Request::post("/openai/v1/responses")
            .header("api-key", chat::KEY)
            .header("Content-Type", "application/json")
            .body(body.to_string());
        let answer = world.send(&request).await;
        assert_eq!((answer.status(), answer.whole), (200, true), "{answer:?}");
        let text = answer.text();
        let response = if stream {
            chat::events(&text).pop().unwrap()["response"].clone()
        } else {
            answer.json()
        };
        assert_eq!(response["status"], "completed", "{text}");
        assert!(
            response["output"].to_string().contains(CANDIDATE_SAYS),
            "{text}"
        );
        assert!(!text.contains("<reasoning>"), "{text}");
    }
    world.finish().await;
}
