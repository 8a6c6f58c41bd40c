//! Models that are asked about pairs: a judge on Azure, embeddings of Bedrock, both over sockets, beside what callers see.

use std::sync::Arc;

use crossfade_sim::script::{Answer, Prompt, Script};
use crossfade_tests::{Setup, World, chat::question, eventually, http::Request};
use serde_json::{Value, json};

const MODELS: &str = "[judge]\nshare = 100.0\nprice = { input = 1.0, output = 4.0 }\ndaily_usd = 5.0\n\
    azure = { deployment = \"judge\", key_env = \"E2E_SECRET_KEY\" }\n\
    [similarity]\nshare = 100.0\ndimensions = 256\n\
    bedrock = { model = \"amazon.titan-embed-text-v2:0\", api = \"invoke\" }\n";

/// The primary, and on another deployment the judge, who prefers whatever is shown first.
fn primary() -> Script {
    Script::new(Arc::new(|prompt: &Prompt, _: u64| {
        if prompt.model == "judge" {
            assert!(prompt.user.contains("five days") && prompt.user.contains("a working week"));
            return Answer::text("{\"better\":\"A\"}");
        }
        Answer::text("Your money comes back within five days.")
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_asked_beside_the_traffic() {
    let mut setup = Setup::new().tables(MODELS);
    setup.azure.script = primary();
    setup.bedrock.script = Script::new(Arc::new(|_: &Prompt, _: u64| {
        Answer::text("The refund takes a working week.")
    }));
    let world = World::start(setup).await;
    let answer = world.ask(&question("Where is my money?")).await;
    assert!(answer.text().contains("five days"), "{}", answer.text());
    let series = |kind: &str, outcome: &str| {
        format!(
            "crossfade_opinions_total{{route=\"support\",kind=\"{kind}\",outcome=\"{outcome}\"}}"
        )
    };
    let (near, judged) = (
        series("similarity", "given"),
        series("judge", "contradiction"),
    );
    eventually("both opinions", async || {
        let admin = world.admin();
        let counts = (admin.metric(&near).await, admin.metric(&judged).await);
        (counts == (1.0, 1.0)).then_some(())
    })
    .await;
    // The judge contradicts itself, so a person is asked.
    let review = eventually("a review", async || {
        let request = Request::get("/api/v1/reviews?route=support&state=open");
        let page: Value = world.admin().ask_as("viewer", request).await.json();
        page["reviews"].as_array()?.first().cloned()
    })
    .await;
    let reasons = review["reasons"].as_array().unwrap();
    assert!(reasons.contains(&json!("judge_contradiction")), "{review}");
    let spent = "crossfade_judge_cost_usd_total{route=\"support\"}";
    assert!(world.admin().metric(spent).await > 0.0);
    world.finish().await;
}
