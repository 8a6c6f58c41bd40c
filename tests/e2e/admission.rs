//! A caller whom Azure has not accepted is never answered by Bedrock, whatever the split.

use crossfade_exchange::SkipReason;
use crossfade_sim::script::Fault;
use crossfade_tests::{
    Setup, World,
    chat::{
        self, CANDIDATE_SAYS, DEPLOYMENT, PRIMARY_SAYS, VERSION, question, request_as, streamed,
    },
    http::Request,
};

/// The text of the answer to a caller with this key; the status must be 200.
async fn says(world: &World, key: &str) -> String {
    let answer = world
        .send(&request_as(key, &question("who answers?")))
        .await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    chat::text(&answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_credentials_first_request_is_azures() {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    world.raise(100.0).await;
    for key in ["first-caller", "second-caller"] {
        assert_eq!(says(&world, key).await, PRIMARY_SAYS, "{key}");
        assert_eq!(says(&world, key).await, CANDIDATE_SAYS, "{key}");
    }
    // The same token in the other header is another credential, and accepted by itself.
    let bearer = || {
        Request::post(&chat::path())
            .header("Authorization", "Bearer first-caller")
            .body(streamed("hi").to_string())
    };
    assert_eq!(chat::text(&world.send(&bearer()).await), PRIMARY_SAYS);
    assert_eq!(chat::text(&world.send(&bearer()).await), CANDIDATE_SAYS);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_azure_refuses_reaches_bedrock_in_no_way() {
    let mut setup = Setup::new();
    setup.azure.api_keys = vec![chat::KEY.to_owned()];
    let world = World::start(setup).await;
    world.prime().await;
    world.raise(100.0).await;
    world.quiet().await;
    let asked = world.bedrock.script().requests();
    for n in 0..20 {
        let key = if n % 2 == 0 { "stolen" } else { "" };
        let answer = world.send(&request_as(key, &question("let me in"))).await;
        assert_eq!(answer.status(), 401, "{}", answer.text());
        assert_eq!(answer.head.line, "HTTP/1.1 401 PermissionDenied");
    }
    world.quiet().await;
    assert_eq!(world.bedrock.script().requests(), asked);
    assert_eq!(world.skipped(SkipReason::PrimaryRefused), 20);
    world.finish().await;
}

/// Azure refuses a key that it had accepted: seen on any request of the deployment, it counts for the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_takes_the_acceptance_back() {
    for status in [401, 403] {
        let world = World::start(Setup::new()).await;
        world.prime().await;
        world.raise(100.0).await;
        assert_eq!(says(&world, chat::KEY).await, CANDIDATE_SAYS);
        world.azure.script().set_fault(Fault::Status {
            status,
            retry_after: None,
        });
        let path = format!("/openai/deployments/{DEPLOYMENT}/embeddings?api-version={VERSION}");
        let embed = Request::post(&path)
            .header("api-key", chat::KEY)
            .body("{\"input\":\"a\"}");
        assert_eq!(world.send(&embed).await.status(), status);
        let answer = world.ask(&question("hi")).await;
        assert_eq!(
            answer.status(),
            status,
            "Azure is asked again, and refuses again"
        );
        world.azure.script().set_fault(Fault::None);
        assert_eq!(says(&world, chat::KEY).await, PRIMARY_SAYS);
        assert_eq!(says(&world, chat::KEY).await, CANDIDATE_SAYS);
        world.finish().await;
    }
}

/// A failure of Azure says nothing about a credential.
#[tokio::test(flavor = "multi_thread")]
async fn failures_and_other_refusals_do_not_count_as_acceptance() {
    let world = World::start(Setup::new()).await;
    world.prime().await;
    world.raise(100.0).await;
    for status in [400, 404, 408, 429, 500, 503] {
        world.azure.script().set_fault(Fault::Status {
            status,
            retry_after: None,
        });
        for _ in 0..2 {
            let answer = world.send(&request_as("new-caller", &question("hi"))).await;
            assert_eq!(answer.status(), status);
        }
    }
    world.azure.script().set_fault(Fault::None);
    assert_eq!(says(&world, "new-caller").await, PRIMARY_SAYS);
    assert_eq!(says(&world, "new-caller").await, CANDIDATE_SAYS);
    world.finish().await;
}

/// Acceptance is for a deployment: what Azure lets a key do elsewhere says nothing here.
#[tokio::test(flavor = "multi_thread")]
async fn acceptance_elsewhere_does_not_count() {
    let tables = "[routes.other]\nowner = \"team@example.com\"\n\
                  [routes.other.candidate]\nmodel = \"us.anthropic.claude-sonnet-4-6\"\n";
    let world = World::start(Setup::new().tables(tables)).await;
    world.prime().await;
    world.raise(100.0).await;
    let other = chat::path().replace(DEPLOYMENT, "other");
    let ask = Request::post(&other)
        .header("api-key", "caller-of-other")
        .body(question("hi").to_string());
    for _ in 0..3 {
        assert_eq!(world.send(&ask).await.status(), 200);
    }
    assert_eq!(says(&world, "caller-of-other").await, PRIMARY_SAYS);
    world.finish().await;
}
