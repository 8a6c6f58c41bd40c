//! Embeddings: mirrored and compared, and never answered by the candidate unless the index is stated to be rebuilt.

use crossfade_exchange::MirrorOnlyReason;
use crossfade_tests::{
    Setup, World,
    chat::{DEPLOYMENT, KEY},
    http::Request,
};
use serde_json::{Value, json};

const TITAN: &str = "model = \"amazon.titan-embed-text-v2:0\"\napi = \"invoke\"\n";

fn asked(body: &Value) -> Request {
    let path = format!("/openai/deployments/{DEPLOYMENT}/embeddings?api-version=2024-10-21");
    Request::post(&path)
        .header("api-key", KEY)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

/// How long the answer's vectors are.
async fn lengths(world: &World, body: &Value) -> Vec<usize> {
    let answer = world.send(&asked(body)).await;
    assert_eq!((answer.status(), answer.whole), (200, true), "{answer:?}");
    let answer = answer.json();
    assert_eq!(answer["object"], "list");
    let data = answer["data"].as_array().unwrap();
    for (index, vector) in data.iter().enumerate() {
        assert_eq!(vector["index"], index);
        assert_eq!(vector["object"], "embedding");
    }
    data.iter()
        .map(|vector| vector["embedding"].as_array().unwrap().len())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_mirrored_and_never_split() {
    let world = World::start(Setup::new().candidate(TITAN)).await;
    let body = json!({"input": ["one", "two", "three"]});
    let azures = lengths(&world, &body).await;
    world.quiet().await;
    assert_eq!(world.compared(), 1, "{:?}", world.counts());
    world.raise(100.0).await;
    assert_eq!(lengths(&world, &body).await, azures);
    world.quiet().await;
    let counts = world.counts();
    assert_eq!(counts.mirror_only[&MirrorOnlyReason::Embeddings], 2);
    assert_eq!(counts.compared.values().sum::<u64>(), 2);
    let answered =
        "crossfade_requests_total{route=\"support\",side=\"candidate\",status_class=\"2xx\"}";
    assert!(world.admin().metric(answered).await < 0.5);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_rebuilt_index_the_candidate_answers() {
    let rebuilt = format!("{TITAN}index_rebuilt = true\n");
    let world = World::start(Setup::new().candidate(&rebuilt)).await;
    let body = json!({"input": ["one", "two", "three"]});
    let azures = lengths(&world, &body).await;
    world.raise(100.0).await;
    let candidates = lengths(&world, &body).await;
    assert_eq!((azures.len(), candidates.as_slice()), (3, &[1024; 3][..]));
    assert_ne!(azures, candidates);
    let answer = world
        .send(&asked(
            &json!({"input": "one", "dimensions": 256, "encoding_format": "base64"}),
        ))
        .await;
    let text = answer.json()["data"][0]["embedding"]
        .as_str()
        .unwrap()
        .to_owned();
    // Four bytes for each of 256 numbers, in base64.
    assert_eq!(text.len(), (256 * 4usize).div_ceil(3) * 4);
    let shown = answer.text().to_lowercase();
    assert!(
        !shown.contains("titan") && !shown.contains("amzn"),
        "{shown}"
    );
    assert!(world.counts().mirror_only[&MirrorOnlyReason::Embeddings] == 0);
    world.finish().await;
}
