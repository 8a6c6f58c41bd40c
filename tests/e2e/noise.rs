//! Asking twice for the noise floor: after the pair, within Azure's quota, and never to a caller's cost.

use std::{sync::Arc, time::Duration};

use crossfade_sim::script::{Answer, Fault, Prompt};
use crossfade_tests::{
    Setup, World,
    chat::{CANDIDATE_SAYS, DEPLOYMENT, KEY, json_question, question, streamed},
    eventually,
};

/// Questions of a test.
const QUESTIONS: u32 = 6;

async fn repeats(world: &World, side: &str, outcome: &str) -> f64 {
    let series = format!(
        "crossfade_repeats_total{{route=\"{DEPLOYMENT}\",side=\"{side}\",outcome=\"{outcome}\"}}"
    );
    world.admin().metric(&series).await
}

/// Waits until so many repeats of a side ended so.
async fn ended(world: &World, side: &str, outcome: &str, count: u32) {
    eventually(
        &format!("{count} repeats {outcome} of the {side}"),
        async || {
            let seen = repeats(world, side, outcome).await;
            (seen >= f64::from(count)).then_some(())
        },
    )
    .await;
    let seen = repeats(world, side, outcome).await;
    assert!(
        (seen - f64::from(count)).abs() < 0.5,
        "{seen} {outcome} of the {side}"
    );
}

async fn checked(world: &World, pairing: &str, outcome: &str) -> f64 {
    let series = format!(
        "crossfade_check_total{{route=\"{DEPLOYMENT}\",check=\"json_parse\",outcome=\"{outcome}\",pairing=\"{pairing}\"}}"
    );
    world.admin().metric(&series).await
}

/// The requests that Azure got are two of each, alike to the last header line; so are the bodies that Bedrock got.
fn assert_asked_alike(world: &World, each: usize) {
    let received = world.azure.received();
    for request in &received {
        let alike = received.iter().filter(|other| {
            (&other.target, &other.headers, &other.body)
                == (&request.target, &request.headers, &request.body)
        });
        assert_eq!(alike.count(), each, "{request:?}");
        assert_eq!(request.header("api-key"), Some(KEY));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_asked_the_same_again_and_callers_notice_nothing() {
    for stream in [false, true] {
        let world = World::start(Setup::new().twice(100.0, 100.0)).await;
        for n in 0..QUESTIONS {
            let text = format!("question {n}");
            let body = if stream {
                streamed(&text)
            } else {
                question(&text)
            };
            world.primary_answers(&body).await;
        }
        ended(&world, "primary", "asked", QUESTIONS).await;
        ended(&world, "candidate", "asked", QUESTIONS).await;
        let asked = u64::from(2 * QUESTIONS);
        assert_eq!(world.azure.script().requests(), asked);
        assert_eq!(world.bedrock.script().requests(), asked);
        assert_asked_alike(&world, 2);
        let counts = world.counts();
        assert_eq!(counts.seen, u64::from(QUESTIONS), "a repeat is no request");
        assert_eq!(counts.asked, u64::from(QUESTIONS), "and no mirror");
        assert_eq!(world.compared(), u64::from(QUESTIONS));
        world.finish().await;
    }
}

/// A primary that gives JSON at one time and none at the next; the candidate always does.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_disagrees_with_itself_shows_as_noise() {
    let world = World::start(Setup::new().twice(100.0, 100.0)).await;
    world
        .azure
        .script()
        .set_answers(Arc::new(|_: &Prompt, n: u64| {
            Answer::text(if n.is_multiple_of(2) {
                "{\"a\":1}"
            } else {
                "no"
            })
        }));
    let json = Arc::new(|_: &Prompt, _: u64| Answer::text("{\"a\":1}"));
    world.bedrock.script().set_answers(json);
    for asked in 1..=QUESTIONS {
        world.ask(&json_question("which?")).await;
        ended(&world, "candidate", "asked", asked).await;
    }
    let questions = f64::from(QUESTIONS);
    eventually("every repeat compared", async || {
        let seen = [
            checked(&world, "noise", "pass").await + checked(&world, "noise", "fail").await,
            checked(&world, "candidate_noise", "pass").await,
        ];
        seen.iter()
            .all(|seen| (seen - questions).abs() < 0.5)
            .then_some(())
    })
    .await;
    // Of each pair of the primary's answers exactly one is JSON, whichever came first.
    assert!(
        checked(&world, "noise", "fail").await > 0.5,
        "the floor is no zero"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_twice_when_little_quota_is_left() {
    let mut setup = Setup::new().twice(100.0, 100.0);
    // Each answer uses more than half of it.
    setup.azure.tokens_per_minute = 4;
    let world = World::start(setup).await;
    for _ in 0..QUESTIONS {
        world.primary_answers(&question("hi")).await;
    }
    ended(&world, "primary", "quota", QUESTIONS).await;
    ended(&world, "candidate", "no_primary", QUESTIONS).await;
    assert_eq!(world.azure.script().requests(), u64::from(QUESTIONS));
    assert_eq!(
        world.compared(),
        u64::from(QUESTIONS),
        "the pairs are compared all the same"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_asked_twice_for_a_minute_after_a_429() {
    let world = World::start(Setup::new().twice(100.0, 0.0)).await;
    world.azure.script().set_fault(Fault::Status {
        status: 429,
        retry_after: Some(1),
    });
    assert_eq!(world.ask(&question("hi")).await.status(), 429);
    world.azure.script().set_fault(Fault::None);
    for _ in 0..QUESTIONS {
        world.primary_answers(&question("hi")).await;
    }
    ended(&world, "primary", "throttled", QUESTIONS).await;
    assert_eq!(world.azure.script().requests(), u64::from(QUESTIONS) + 1);
    world.finish().await;
}

/// From the moment the shadow is asked Azure shows a fault: its own answer is under way by then, and the repeat meets it.
fn spoil_repeats(world: &World, fault: &Fault) {
    let (azure, fault) = (world.azure.script().clone(), fault.clone());
    let answers = Arc::new(move |_: &Prompt, _: u64| {
        azure.set_fault(fault.clone());
        Answer::text(CANDIDATE_SAYS)
    });
    world.bedrock.script().set_answers(answers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_that_fails_costs_nobody_anything() {
    let status = |status| Fault::Status {
        status,
        retry_after: None,
    };
    for (fault, outcome) in [
        (status(500), "failed"),
        (status(400), "failed"),
        (Fault::Reset, "failed"),
        (Fault::Hang, "deadline"),
    ] {
        let deadline = if fault == Fault::Hang {
            "deadline = \"2s\""
        } else {
            ""
        };
        let setup = Setup::new().twice(100.0, 100.0).mirror(deadline);
        let world = World::start(setup).await;
        spoil_repeats(&world, &fault);
        for asked in 1..=3 {
            world.primary_answers(&question("hi")).await;
            ended(&world, "primary", outcome, asked).await;
            ended(&world, "candidate", "no_primary", asked).await;
            world.azure.script().set_fault(Fault::None);
        }
        assert_eq!(world.compared(), 3, "{fault:?}");
        assert_eq!(world.bedrock.script().requests(), 3, "{fault:?}");
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_gives_up_what_is_being_asked_again() {
    let world = World::start(Setup::new().twice(100.0, 100.0)).await;
    spoil_repeats(&world, &Fault::Hang);
    world.primary_answers(&question("hi")).await;
    eventually("the repeat under way", async || {
        (world.azure.script().requests() == 2).then_some(())
    })
    .await;
    world
        .server()
        .proxy()
        .drain(Duration::from_millis(100))
        .await;
    ended(&world, "primary", "draining", 1).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_switched_off_asks_nothing_twice() {
    let world = World::start(Setup::new().twice(100.0, 100.0)).await;
    assert_eq!(world.admin().mirror(false).await.status(), 200);
    for _ in 0..QUESTIONS {
        world.primary_answers(&question("hi")).await;
    }
    world.quiet().await;
    assert_eq!(world.azure.script().requests(), u64::from(QUESTIONS));
    assert_eq!(world.bedrock.script().requests(), 0);
    world.finish().await;
}
