//! What a route does with a request whose translation loses something: answered, mirrored only, or not asked at all; and what
//! operators see of it.

use crossfade_exchange::{IneligibleReason, LossKind, MirrorOnlyReason};
use crossfade_tests::{
    Setup, World,
    chat::{CANDIDATE_SAYS, PRIMARY_SAYS, question, text},
    eventually,
};
use serde_json::json;

/// A world in which the candidate answers everything that it may, under this policy.
async fn world(losses: &str) -> World {
    let world = World::start(Setup::new().tables(losses)).await;
    world.prime().await;
    world.raise(100.0).await;
    world
}

/// A request that loses its seed, and who answers it.
async fn check(losses: &str, says: &str) -> World {
    let world = world(losses).await;
    world.candidate_answers(&question("nothing is lost")).await;
    let mut lossy = question("the seed is lost");
    lossy["seed"] = json!(7);
    let answer = world.ask(&lossy).await;
    assert_eq!(answer.status(), 200, "{losses}: {answer:?}");
    assert_eq!(text(&answer), says, "{losses}");
    world.quiet().await;
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_is_allowed_is_answered_and_counted() {
    let world = check("", CANDIDATE_SAYS).await;
    eventually("a counted loss", async || {
        (world.counts().losses.get(&LossKind::SeedDropped) == Some(&1)).then_some(())
    })
    .await;
    let series = "crossfade_losses_total{route=\"support\",loss=\"seed_dropped\"}";
    assert!((world.admin().metric(series).await - 1.0).abs() < 0.5);
    let route = world.admin().route().await;
    let counts = &route["accounting"];
    assert_eq!(counts["losses"]["seed_dropped"], 1, "{counts}");
    assert!(counts["asked"].as_u64() >= Some(2), "{counts}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_is_mirrored_only_is_never_answered_by_the_candidate() {
    let world = check(
        "losses = { seed_dropped = \"mirror-only\" }\n",
        PRIMARY_SAYS,
    )
    .await;
    let counts = world.counts();
    assert_eq!(counts.mirror_only[&MirrorOnlyReason::Loss], 1);
    // The priming request came before the candidate answered, and was mirrored too.
    assert_eq!(world.compared(), 2);
    let series = "crossfade_mirror_only_total{route=\"support\",reason=\"loss\"}";
    assert!((world.admin().metric(series).await - 1.0).abs() < 0.5);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_is_refused_keeps_the_request_from_the_candidate() {
    let world = check(
        "losses = { default = \"refuse\", hint_dropped = \"allow\" }\n",
        PRIMARY_SAYS,
    )
    .await;
    assert_eq!(world.ineligible(IneligibleReason::Unsupported), 1);
    // The first request, a copy; and the one without losses.
    assert_eq!(world.bedrock.script().requests(), 2);
    world.finish().await;
}
