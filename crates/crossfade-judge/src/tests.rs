//! Embedders and judges over scripted services, over a simulated endpoint, and from a model on disk.

mod judge;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use crossfade_azure::{Credential, Primary, Secret, Settings};
use crossfade_exchange::{BoxError, Preference, SideRequest, SideResponse, full_body};
use crossfade_sim::{
    azure::{AzureOptions, AzureSim},
    script::{Answer, Fault, Prompt, Script},
};
use http::Response;
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};
use tower::util::BoxCloneSyncService;

use super::*;

/// The bodies that a service was sent.
type Seen = Arc<Mutex<Vec<Value>>>;

/// A service that answers by a closure, and keeps what it was sent.
fn scripted(answer: impl Fn(&Value) -> (u16, String) + Send + Sync + 'static) -> (Asked, Seen) {
    let seen = Seen::default();
    let (kept, answer) = (Arc::clone(&seen), Arc::new(answer));
    let service = tower::service_fn(move |request: SideRequest| {
        let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
        async move {
            let body: Value = serde_json::from_slice(request.body()).unwrap();
            let (status, text) = answer(&body);
            kept.lock().unwrap().push(body);
            let response = Response::builder().status(status);
            Ok::<SideResponse, BoxError>(response.body(full_body(Bytes::from(text))).unwrap())
        }
    });
    (BoxCloneSyncService::new(service), seen)
}

/// Never answers.
fn silent() -> Asked {
    BoxCloneSyncService::new(tower::service_fn(|_: SideRequest| {
        std::future::pending::<Result<SideResponse, BoxError>>()
    }))
}

/// A vector by the first letter.
fn letters(body: &Value) -> (u16, String) {
    let texts = body["input"].as_array().unwrap().iter().enumerate();
    let data: Vec<Value> = texts
        .rev()
        .map(|(index, text)| {
            let vector = match text.as_str().unwrap().chars().next() {
                Some('a') => [1.0, 0.0],
                Some('b') => [0.0, 1.0],
                Some('z') => [0.0, 0.0],
                _ => [1.0, 1.0],
            };
            json!({ "index": index, "embedding": vector })
        })
        .collect();
    (200, json!({ "data": data }).to_string())
}

async fn with_embedder<T>(
    service: Asked,
    settings: EndpointSettings,
    work: impl AsyncFnOnce(Embedder) -> T,
) -> T {
    let (embedder, batcher) = Embedder::endpoint(service, settings);
    let (worked, ()) = tokio::join!(work(embedder), batcher.run());
    worked
}

fn near(found: Result<f64, EmbedError>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-6, "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn texts_go_together_and_once() {
    let (service, seen) = scripted(letters);
    let mut settings = EndpointSettings::new("/embeddings?api-version=1");
    settings.model = Some("m".into());
    settings.dimensions = Some(2);
    with_embedder(service, settings, async |embedder| {
        let pairs = [
            ("a1", "b1"),
            ("a2", "c"),
            ("a1", "a1"),
            ("", "a1"),
            ("z", "a1"),
        ];
        let found = embedder.cosines(&pairs).await;
        near(found[0], 0.0);
        near(found[1], 0.5_f64.sqrt());
        near(found[2], 1.0);
        assert_eq!(found[3..], [Err(EmbedError::Empty), Err(EmbedError::Empty)]);
        near(embedder.cosine("a1", "c").await, 0.5_f64.sqrt());
    })
    .await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(
        (&seen[0]["model"], &seen[0]["dimensions"]),
        (&json!("m"), &json!(2))
    );
}

#[tokio::test(start_paused = true)]
async fn batches_have_a_size_and_long_texts_are_cut() {
    let (service, seen) = scripted(letters);
    let mut settings = EndpointSettings::new("/embeddings");
    (settings.batch, settings.concurrency, settings.longest_text) = (2, 1, 3);
    with_embedder(service, settings, async |embedder| {
        let found = embedder
            .cosines(&[("a11", "b11"), ("a22", "b22"), ("aéé9999", "aéé")])
            .await;
        assert!(found.iter().all(Result::is_ok), "{found:?}");
        near(found[2], 1.0);
    })
    .await;
    let seen = seen.lock().unwrap();
    let sizes: Vec<usize> = seen
        .iter()
        .map(|body| body["input"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_is_said() {
    let check = async |answer: (u16, &str), expected: CallError| {
        let answer = (answer.0, answer.1.to_owned());
        let (service, _) = scripted(move |_| answer.clone());
        let found = with_embedder(service, EndpointSettings::new("/e"), async |embedder| {
            embedder.cosine("a", "b").await
        });
        assert_eq!(found.await, Err(EmbedError::Call(expected)));
    };
    check((429, "{}"), CallError::Status(429)).await;
    check((200, "{}"), CallError::Malformed).await;
    check((200, r#"{"data":[]}"#), CallError::Malformed).await;
    check(
        (200, r#"{"data":[{"index":9,"embedding":[1]}]}"#),
        CallError::Malformed,
    )
    .await;
    let found = with_embedder(silent(), EndpointSettings::new("/e"), async |embedder| {
        embedder.cosine("a", "b").await
    });
    assert_eq!(found.await, Err(EmbedError::Call(CallError::Deadline)));
    let (service, _) = scripted(letters);
    let found = with_embedder(
        service,
        EndpointSettings::new("no path"),
        async |embedder| embedder.cosine("a", "b").await,
    );
    assert_eq!(found.await, Err(EmbedError::Call(CallError::Path)));
}

#[tokio::test(start_paused = true)]
async fn a_text_that_is_refused_costs_itself_alone() {
    let (service, seen) = scripted(|body: &Value| {
        let refused = body["input"].as_array().unwrap().contains(&json!("x"));
        if refused {
            (400, "{}".to_owned())
        } else {
            letters(body)
        }
    });
    let pairs = [("a1", "b"), ("a2", "x"), ("a3", "c"), ("a4", "b")];
    let found = with_embedder(service, EndpointSettings::new("/e"), async |embedder| {
        embedder.cosines(&pairs).await
    })
    .await;
    let given = found.iter().map(Result::is_ok).collect::<Vec<_>>();
    assert_eq!(given, [true, false, true, true]);
    assert_eq!(found[1], Err(EmbedError::Call(CallError::Status(400))));
    assert!(
        seen.lock().unwrap().len() <= 8,
        "halves, and not each alone"
    );
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_bounded() {
    let mut settings = EndpointSettings::new("/e");
    settings.queue = 1;
    let (embedder, batcher) = Embedder::endpoint(silent(), settings);
    let found = embedder.cosine("a", "b").await;
    assert_eq!(found, Err(EmbedError::Full));
    drop(batcher);
    assert_eq!(embedder.cosine("a", "b").await, Err(EmbedError::Closed));
}

fn simulated(sim: &AzureSim) -> Asked {
    let mut settings = Settings::new(sim.url().parse().unwrap());
    settings.credential = Credential::Key(Secret::new("key"));
    BoxCloneSyncService::new(Primary::new(settings).unwrap())
}

#[tokio::test]
async fn an_endpoint_makes_embeddings() {
    let sim = AzureSim::start(AzureOptions::default()).await.unwrap();
    let path = "/openai/deployments/embed/embeddings?api-version=2024-10-21";
    let alike = "The invoice was sent on Monday to the customer in Lyon.";
    let other = "Quantum chromodynamics describes quarks.";
    let found = with_embedder(
        simulated(&sim),
        EndpointSettings::new(path),
        async |embedder| {
            embedder
                .cosines(&[(alike, alike), (alike, other), (other, alike)])
                .await
        },
    )
    .await;
    near(found[0], 1.0);
    assert!(found[1].unwrap() < 1.0 && found[1] == found[2], "{found:?}");
    assert_eq!(sim.script().requests(), 1);
    sim.script().set_fault(Fault::Status {
        status: 500,
        retry_after: None,
    });
    let failed = with_embedder(
        simulated(&sim),
        EndpointSettings::new(path),
        async |embedder| embedder.cosine("x", "y").await,
    );
    assert_eq!(failed.await, Err(EmbedError::Call(CallError::Status(500))));
}

// === a static model ===

fn write_model(directory: &Path, extra: &[(&str, Dtype, Vec<usize>, Vec<u8>)], rows: usize) {
    let words = ["[UNK]", "refund", "money", "back", "weather"];
    let vocab: HashMap<&str, usize> = words.into_iter().zip(0..).collect();
    let tokenizer = json!({
        "normalizer": { "type": "BertNormalizer", "lowercase": true },
        "pre_tokenizer": { "type": "BertPreTokenizer" },
        "model": { "type": "WordPiece", "vocab": vocab },
    });
    std::fs::write(directory.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let vectors: [[f32; 2]; 5] = [[9.0, 9.0], [1.0, 0.0], [1.0, 0.2], [1.0, -0.2], [0.0, 1.0]];
    let bytes: Vec<u8> = vectors
        .iter()
        .take(rows)
        .flatten()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let embeddings = TensorView::new(Dtype::F32, vec![rows, 2], &bytes).unwrap();
    let mut tensors = vec![("embeddings", embeddings)];
    for (name, dtype, shape, data) in extra {
        tensors.push((name, TensorView::new(*dtype, shape.clone(), data).unwrap()));
    }
    let file = safetensors::serialize(tensors, None).unwrap();
    std::fs::write(directory.join("model.safetensors"), file).unwrap();
}

#[tokio::test]
async fn a_static_model_needs_no_endpoint() {
    let home = tempfile::tempdir().unwrap();
    write_model(home.path(), &[], 5);
    let embedder = Embedder::static_model(StaticModel::read(home.path()).unwrap());
    near(embedder.cosine("Refund!", "money back").await, 1.0);
    near(embedder.cosine("refund", "weather").await, 0.0);
    near(embedder.cosine("refund unknown-word", "refund").await, 1.0);
    assert_eq!(
        embedder.cosine("refund", "xyzzy").await,
        Err(EmbedError::Empty)
    );
}

#[tokio::test]
async fn weights_and_a_mapping_are_used() {
    let home = tempfile::tempdir().unwrap();
    // "money" weighs nothing, and "back" has the row of "weather".
    let weights = [1.0_f64, 1.0, 0.0, 1.0, 1.0]
        .iter()
        .flat_map(|w| w.to_le_bytes())
        .collect();
    let rows = [0_i64, 1, 2, 4, 4]
        .iter()
        .flat_map(|row| row.to_le_bytes())
        .collect();
    let extra = [
        ("weights", Dtype::F64, vec![5], weights),
        ("mapping", Dtype::I64, vec![5], rows),
    ];
    write_model(home.path(), &extra, 5);
    let embedder = Embedder::static_model(StaticModel::read(home.path()).unwrap());
    near(embedder.cosine("money back", "weather").await, 1.0);
    assert_eq!(
        embedder.cosine("money", "weather").await,
        Err(EmbedError::Empty)
    );
}

#[test]
fn a_model_that_does_not_fit_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let refused = || StaticModel::read(home.path()).unwrap_err().to_string();
    assert!(refused().contains("tokenizer.json"));
    write_model(home.path(), &[], 4);
    assert!(refused().contains("fewer rows"), "{}", refused());
    std::fs::write(home.path().join("model.safetensors"), b"no").unwrap();
    assert!(refused().contains("model.safetensors is not read"));
}

// === the judge ===
