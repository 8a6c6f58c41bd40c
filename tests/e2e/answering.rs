//! The candidate answers: before its first content any failure of it is answered by Azure and counted; after it, a failure
//! is shown to the caller, and Azure is not asked again.

use std::{sync::Arc, time::Duration};

use crossfade_sim::script::{Answer, Fault, Prompt};
use crossfade_tests::{
    Setup, World,
    chat::{self, CANDIDATE_SAYS, PRIMARY_SAYS, question, streamed},
    eventually,
};
use serde_json::Value;

/// A world in which the candidate answers everything, with this patience.
async fn all_candidate(patience: &str) -> World {
    let world = World::start(Setup::new().bedrock(patience)).await;
    world.prime().await;
    world.raise(100.0).await;
    // The first request's copy must not meet what a test scripts next.
    world.quiet().await;
    world
}

/// Patience with a candidate that speaks, or fails, by itself: as everywhere in the tests.
const LONG: &str = "";
/// Patience with a candidate that is silent before its first content. A busy machine may take as long for an answer.
const SHORT: &str = "fallback_after = \"300ms\"";
/// Patience with a candidate that falls silent after its first content.
const SHORT_PAUSES: &str = "idle_timeout = \"1s\"";

async fn check(fault: Fault, reason: &str) {
    let is_silent = reason == "silent";
    let world = all_candidate(if is_silent { SHORT } else { LONG }).await;
    let candidate_answers = async |body: &Value| {
        if !is_silent {
            return world.candidate_answers(body).await;
        }
        // While it is well it answers in time, if not the first time.
        eventually("the candidate's answer", async || {
            let answer = world.ask(body).await;
            assert_eq!((answer.status(), answer.whole), (200, true), "{answer:?}");
            (chat::text(&answer) == CANDIDATE_SAYS).then_some(())
        })
        .await;
    };
    candidate_answers(&question("hi")).await;
    candidate_answers(&streamed("hi")).await;
    world.bedrock.script().set_fault(fault.clone());
    world.primary_answers(&question("hi")).await;
    world.primary_answers(&streamed("hi")).await;
    let series = format!("crossfade_fallbacks_total{{route=\"support\",reason=\"{reason}\"}}");
    let metrics = world.admin().metrics().await;
    let counted: Vec<&str> = metrics
        .lines()
        .filter(|line| line.starts_with("crossfade_fallbacks_total"))
        .collect();
    assert!(
        world.admin().metric(&series).await >= 2.0,
        "{fault:?}: {counted:#?}"
    );
    world.bedrock.script().set_fault(Fault::None);
    candidate_answers(&question("hi")).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_content_azure_answers_instead() {
    let exception = |name: &str| Fault::Exception {
        name: name.to_owned(),
    };
    for (fault, reason) in [
        (Fault::Hang, "silent"),
        (
            Fault::SlowDrip {
                interval: Duration::from_millis(100),
            },
            "silent",
        ),
        (Fault::Stall { after: 0 }, "silent"),
        (
            Fault::Status {
                status: 500,
                retry_after: None,
            },
            "server",
        ),
        (
            Fault::Status {
                status: 429,
                retry_after: Some(60),
            },
            "throttled",
        ),
        (exception("ThrottlingException"), "throttled"),
        (exception("ServiceQuotaExceededException"), "throttled"),
        (exception("ModelStreamErrorException"), "server"),
        (exception("AccessDeniedException"), "configuration"),
        (exception("ResourceNotFoundException"), "configuration"),
        (Fault::Reset, "broken"),
        (Fault::Garbage, "garbage"),
        (Fault::NoEvents, "broken"),
        (Fault::Truncate { after: 0 }, "broken"),
        (Fault::EndEarly { after: 0 }, "broken"),
    ] {
        check(fault, reason).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_is_gone() {
    let world = all_candidate(LONG).await;
    world.bedrock.server().stop().await;
    world.primary_answers(&question("hi")).await;
    world.primary_answers(&streamed("hi")).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_content_the_failure_is_shown() {
    for fault in [
        Fault::ExceptionInStream {
            name: "internalServerException".to_owned(),
            after: 2,
        },
        Fault::ExceptionInStream {
            name: "throttlingException".to_owned(),
            after: 2,
        },
        Fault::Truncate { after: 2 },
        Fault::EndEarly { after: 2 },
        Fault::Stall { after: 2 },
    ] {
        let world = all_candidate(SHORT_PAUSES).await;
        let long = "word ".repeat(40);
        world
            .bedrock
            .script()
            .set_answers(Arc::new(move |_: &Prompt, _: u64| {
                Answer::text(long.clone())
            }));
        world.bedrock.script().set_fault(fault.clone());
        let asked = world.azure.script().requests();
        let answer = world.ask(&streamed("hi")).await;
        let stream = answer.text();
        assert_eq!(answer.status(), 200, "{fault:?}");
        assert!(
            chat::text(&answer).starts_with("word"),
            "{fault:?}: {stream}"
        );
        assert!(!chat::is_done(&stream), "{fault:?}: {stream}");
        let last = chat::events(&stream).pop().unwrap();
        assert!(last["error"]["message"].is_string(), "{fault:?}: {last}");
        assert_eq!(
            world.azure.script().requests(),
            asked,
            "{fault:?}: Azure was asked again"
        );
        world.bedrock.script().set_fault(Fault::None);
        world.finish().await;
    }
}

/// What nobody knows is skipped or read as an end, and counted as a loss.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_unknown_in_an_answer_is_counted() {
    for (fault, loss) in [
        (Fault::UnknownEvents, "event_skipped"),
        (
            Fault::UnknownFinish {
                word: "grew_tired".to_owned(),
            },
            "stop_reason_unknown",
        ),
    ] {
        let world = all_candidate(LONG).await;
        world.bedrock.script().set_fault(fault.clone());
        world.candidate_answers(&question("hi")).await;
        world.candidate_answers(&streamed("hi")).await;
        let answer = world.ask(&streamed("hi")).await;
        assert!(chat::is_done(&answer.text()), "{fault:?}");
        let finish: Vec<Value> = chat::events(&answer.text())
            .iter()
            .filter_map(|event| event.pointer("/choices/0/finish_reason").cloned())
            .filter(|reason| !reason.is_null())
            .collect();
        assert_eq!(finish, ["stop"], "{fault:?}");
        world.quiet().await;
        let series = format!("crossfade_losses_total{{route=\"support\",loss=\"{loss}\"}}");
        let counts = world.counts();
        assert!(
            (world.admin().metric(&series).await - 3.0).abs() < 0.5,
            "{fault:?}: {counts:?}"
        );
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_and_half_every_caller_is_answered_whatever_the_candidate_does() {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    world.raise(50.0).await;
    let mut said = [0, 0];
    for n in 0..60 {
        let fault = match n % 4 {
            0 => Fault::Reset,
            1 => Fault::Status {
                status: 500,
                retry_after: None,
            },
            _ => Fault::None,
        };
        world.bedrock.script().set_fault(fault);
        let body = if n % 2 == 0 {
            question("hi")
        } else {
            streamed("hi")
        };
        let answer = world.ask(&body).await;
        assert_eq!((answer.status(), answer.whole), (200, true), "{answer:?}");
        match chat::text(&answer).as_str() {
            PRIMARY_SAYS => said[0] += 1,
            CANDIDATE_SAYS => said[1] += 1,
            other => panic!("{other}"),
        }
    }
    assert!(said[0] > 0 && said[1] > 0, "{said:?}");
    world.bedrock.script().set_fault(Fault::None);
    world.finish().await;
}

/// What the candidate says is dressed as Azure says it: the model that Azure shows, and nothing of the provider's.
#[tokio::test(flavor = "multi_thread")]
async fn the_candidate_wears_azures_face() {
    let world = all_candidate(LONG).await;
    for body in [question("hi"), streamed("hi")] {
        let answer = world.ask(&body).await;
        assert_eq!(chat::text(&answer), CANDIDATE_SAYS);
        let parts = if body["stream"] == true {
            chat::events(&answer.text())
        } else {
            vec![answer.json()]
        };
        for part in parts
            .iter()
            .filter(|part| part["choices"].as_array().is_some_and(|c| !c.is_empty()))
        {
            assert_eq!(part["model"], "gpt-4.1-mini-2025-04-14", "{part}");
            assert!(
                part["id"].as_str().unwrap().starts_with("chatcmpl-"),
                "{part}"
            );
        }
        let shown = format!("{:?} {}", answer.head, answer.text()).to_lowercase();
        for word in [
            "amzn",
            "bedrock",
            "anthropic",
            "claude",
            "crossfade",
            "us-east-1",
        ] {
            assert!(!shown.contains(word), "{word}: {shown}");
        }
    }
    world.finish().await;
}

/// What is not eligible is Azure's at any share: nothing of it is asked of the candidate.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_eligible_stays_with_azure_at_a_hundred_percent() {
    let setup = Setup::new().mirror("request_bytes = \"4KiB\"");
    let world = World::start(setup).await;
    world.prime().await;
    world.raise(100.0).await;
    world.quiet().await;
    let asked = world.bedrock.script().requests();
    let with = |key: &str, value: serde_json::Value| {
        let mut body = question("hi");
        body[key] = value;
        body
    };
    for (what, body) in [
        ("log probabilities", with("logprobs", true.into())),
        ("two choices", with("n", 2.into())),
        ("an unknown argument", with("no_such_argument", 1.into())),
        (
            "audio",
            with("modalities", serde_json::json!(["text", "audio"])),
        ),
        ("too large", question(&"x".repeat(5_000))),
    ] {
        let before = world.azure.script().requests();
        world.ask(&body).await;
        let after = (
            world.azure.script().requests() - before,
            world.bedrock.script().requests() - asked,
        );
        assert_eq!(after, (1, 0), "{what}");
    }
    let opted_out = chat::request(&question("hi")).header("x-crossfade-no-mirror", "1");
    assert_eq!(chat::text(&world.send(&opted_out).await), PRIMARY_SAYS);
    world.finish().await;
}
