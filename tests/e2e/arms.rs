//! What both sides do alike must look alike to the roll-back test: the same fault, the same impatient caller, the same slow shadow on
//! both sides may cost evidence, but never a roll-back.

use std::{sync::Arc, time::Duration};

use crossfade_sim::script::{Answer, Fault, Pace, Prompt};
use crossfade_tests::{
    Setup, World,
    chat::{json_question, request, streamed},
    http::{Connection, Request},
};
use tokio::task::JoinSet;

/// Calls that may end in any way, over a few connections of their own; none may go on for longer than `patience`.
async fn callers(
    world: &World,
    calls: usize,
    patience: impl Fn(usize) -> Duration + Clone + Send + Sync + 'static,
    ask: impl Fn(usize) -> Request + Clone + Send + Sync + 'static,
) {
    const LANES: usize = 12;
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        let (address, ask, patience) = (world.address(), ask.clone(), patience.clone());
        lanes.spawn(async move {
            for n in (lane..calls).step_by(LANES) {
                let call = async {
                    let mut connection = Connection::open(address).await;
                    connection.send(&ask(n)).await;
                    while let Ok(Some(_)) = connection.piece().await {}
                };
                // Dropping the call closes its connection: that is the caller who goes away.
                drop(tokio::time::timeout(patience(n), call).await);
            }
        });
    }
    lanes.join_all().await;
}

fn json_ask(n: usize) -> Request {
    request(&json_question(&format!("case {n}")))
}

fn stream_ask(n: usize) -> Request {
    request(&streamed(&format!("case {n}")))
}

fn patient(_: usize) -> Duration {
    Duration::from_secs(30)
}

async fn both_at_half() -> World {
    let world = World::start(Setup::new()).await;
    let json = |_: &Prompt, n: u64| Answer::text(format!("{{\"case\":{n}}}"));
    world.azure.script().set_answers(Arc::new(json));
    world.bedrock.script().set_answers(Arc::new(json));
    world.prime().await;
    world.raise(50.0).await;
    world
}

/// No roll-back, and evidence was taken in on both sides.
async fn assert_stayed(world: &World) {
    let route = world.admin().route().await;
    assert!(route["rollout"]["rolled_back"].is_null(), "{route}");
    assert!(
        (route["effective_percent"].as_f64().unwrap() - 50.0).abs() < 1e-9,
        "{route}"
    );
}

async fn same_fault(fault: Fault, share: f64, ask: fn(usize) -> Request) {
    let world = both_at_half().await;
    for script in [world.azure.script(), world.bedrock.script()] {
        script.set_faults(vec![(share, fault.clone())]);
    }
    callers(&world, 600, patient, ask).await;
    world.quiet().await;
    assert_stayed(&world).await;
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_cut_short_on_both_sides() {
    same_fault(Fault::Truncate { after: 1 }, 0.1, json_ask).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_both_sides() {
    same_fault(Fault::Garbage, 0.05, json_ask).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_cut_short_on_both_sides() {
    same_fault(Fault::Truncate { after: 2 }, 0.1, stream_ask).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_who_leave_early_are_nobodys_fault() {
    let world = both_at_half().await;
    for script in [world.azure.script(), world.bedrock.script()] {
        script.set_pace(Pace {
            first_content: Duration::from_millis(250),
            tokens_per_second: 0.0,
        });
    }
    // One in five leaves long before there can be content.
    let impatient = |n: usize| match n % 5 {
        0 => Duration::from_millis(60),
        _ => Duration::from_secs(30),
    };
    callers(&world, 600, impatient, stream_ask).await;
    world.quiet().await;
    assert_stayed(&world).await;
    let counts = world.counts();
    assert_eq!(
        counts.skipped_for(crossfade_exchange::SkipReason::Panic),
        0,
        "{counts:?}"
    );
    assert!(
        counts.skipped_for(crossfade_exchange::SkipReason::ClientAbort) > 0,
        "{counts:?}"
    );
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_shadow_does_not_hold_back_the_verdict_on_the_answer() {
    let world = both_at_half().await;
    // The primary's answers have shadows, the candidate's have none: with prose on both sides, both must be found alike.
    let prose = |_: &Prompt, n: u64| {
        if n.is_multiple_of(4) {
            Answer::text("prose")
        } else {
            Answer::text("{}")
        }
    };
    world.azure.script().set_answers(Arc::new(prose));
    world.bedrock.script().set_answers(Arc::new(prose));
    world.bedrock.script().set_pace(Pace {
        first_content: Duration::from_millis(400),
        tokens_per_second: 0.0,
    });
    callers(&world, 300, patient, json_ask).await;
    world.quiet().await;
    assert_stayed(&world).await;
    world.finish().await;
}
