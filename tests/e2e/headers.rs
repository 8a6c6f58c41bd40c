//! The proxy's own headers stop at the proxy, and a caller's credentials stop at Azure.

use crossfade_exchange::IneligibleReason;
use crossfade_tests::{
    Setup, World,
    chat::{self, CANDIDATE_SAYS, PRIMARY_SAYS, question, request, request_as, streamed},
};

#[tokio::test(flavor = "multi_thread")]
async fn own_headers_never_reach_azure() {
    let world = World::start(Setup::new()).await;
    for body in [question("hi"), streamed("hi")] {
        let ask = request(&body)
            .header("x-crossfade-side", "primary")
            .header("X-Crossfade-Side", "candidate")
            .header("X-Crossfade-No-Mirror", "1");
        assert_eq!(world.send(&ask).await.status(), 200);
    }
    let forwarded = crossfade_tests::http::Request::get("/openai/models?api-version=2024-10-21")
        .header("api-key", "k")
        .header("x-crossfade-side", "candidate")
        .header("x-crossfade-no-mirror", "1");
    assert_eq!(world.send(&forwarded).await.status(), 200);
    for received in world.azure.received() {
        let own = received
            .headers
            .iter()
            .find(|(name, _)| name.to_lowercase().starts_with("x-crossfade"));
        assert_eq!(own, None);
    }
    world.quiet().await;
    assert_eq!(world.ineligible(IneligibleReason::OptedOut), 2);
    assert_eq!(world.bedrock.script().requests(), 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_side_is_shown_only_where_that_is_configured() {
    for (listen, shown) in [
        ("", [None, None]),
        ("expose_side = true", [Some("primary"), Some("candidate")]),
    ] {
        let world = World::start(Setup::new().listen(listen)).await;
        let first = world.ask(&question("hi")).await;
        world.raise(100.0).await;
        let second = world.ask(&question("hi")).await;
        assert_eq!(
            [
                first.header("x-crossfade-side"),
                second.header("x-crossfade-side")
            ],
            shown
        );
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_internal_callers_name_the_side() {
    let world = World::start(Setup::new().internal(&["insider"])).await;
    for key in ["insider", "outsider"] {
        world.prime_as(key).await;
    }
    let says = async |key: &str, side: &str| {
        let ask = request_as(key, &question("hi")).header("x-crossfade-side", side);
        chat::text(&world.send(&ask).await)
    };
    assert_eq!(
        says("insider", "candidate").await,
        PRIMARY_SAYS,
        "not at 0 %"
    );
    // So small a share that the coin never falls on the candidate.
    world.raise(0.000_1).await;
    for _ in 0..5 {
        assert_eq!(says("insider", "candidate").await, CANDIDATE_SAYS);
        assert_eq!(says("insider", "primary").await, PRIMARY_SAYS);
        assert_eq!(says("outsider", "candidate").await, PRIMARY_SAYS);
    }
    let raised = world.admin().override_split(99.999_9).await;
    assert_eq!(raised.status(), 200, "{}", raised.text());
    world.admin().effective(99.999_9).await;
    for _ in 0..5 {
        assert_eq!(says("insider", "primary").await, PRIMARY_SAYS);
        assert_eq!(says("outsider", "primary").await, CANDIDATE_SAYS);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_and_the_query_never_reach_bedrock() {
    let world = World::start(Setup::new()).await;
    let ask = |body: &serde_json::Value| {
        request_as("marker-of-the-key", body)
            .header("Authorization", "Bearer marker-of-the-token")
            .header("Cookie", "session=marker-of-the-cookie")
            .header("x-custom", "marker-of-a-header")
            .header("Ocp-Apim-Subscription-Key", "marker-of-the-gateway")
    };
    for percent in [0.0, 100.0] {
        if percent > 0.0 {
            world.raise(percent).await;
        }
        for body in [question("hi"), streamed("hi")] {
            assert_eq!(world.send(&ask(&body)).await.status(), 200);
        }
        world.quiet().await;
    }
    let received = world.bedrock.received();
    assert!(received.len() >= 4, "{}", received.len());
    for request in received {
        let seen = format!(
            "{} {:?} {}",
            request.target,
            request.headers,
            String::from_utf8_lossy(&request.body)
        );
        assert!(!seen.contains("marker-of"), "{seen}");
        assert!(!seen.contains("api-version"), "{seen}");
        let authorization = request.header("authorization").unwrap();
        assert!(
            authorization.starts_with("AWS4-HMAC-SHA256 "),
            "{authorization}"
        );
    }
    for request in world.azure.received() {
        assert!(
            !format!("{:?}", request.headers).contains("AWS4"),
            "AWS's signature went to Azure"
        );
    }
    world.finish().await;
}
