//! Similarity of meaning in a replay: by a deployment that is asked, by a model on disk, by what was recorded, and by nothing.

use std::fmt::Write as _;

use super::*;

/// Cases that expect something like this of the answers, with these members beside.
fn similar(to: &str, cases: usize) -> Vec<Value> {
    let mut cases = golden(cases);
    for case in &mut cases {
        case["assert"] = json!([{"type": "similar", "value": to, "threshold": 0.3}]);
    }
    cases
}

impl Scene {
    fn configure(&self, tables: &str) {
        let path = self.path("crossfade.toml");
        let mut config = fs::read_to_string(&path).unwrap();
        write!(config, "\n{tables}").unwrap();
        fs::write(path, config).unwrap();
    }

    fn cosines(&self, report: &str) -> Vec<String> {
        let journal = fs::read_to_string(self.path(report).join("answers.jsonl")).unwrap();
        let kept = journal
            .lines()
            .filter(|line| line.starts_with("{\"cosine\":"));
        kept.map(str::to_owned).collect()
    }

    /// The first assertion's score, and why it did not pass.
    fn first(&self, report: &str) -> (f64, String) {
        let case = &self.report(report)["cases"][0];
        let found = &case["repeats"][0]["assertions"][0];
        let reason = found["reason"].as_str().unwrap_or_default();
        (found["score"].as_f64().unwrap(), reason.to_owned())
    }
}

const EMBEDDINGS: &str =
    "[similarity]\nazure = { deployment = \"embed\", key_env = \"E2E_SECRET_KEY\" }\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_asked_once_and_its_cosines_are_kept() {
    let scene = Scene::new(&similar("the parcel was sent on Monday, no. 7", 5)).await;
    scene.configure(EMBEDDINGS);
    let record: Vec<&str> = [LIVE, &["--record", "answers.jsonl", "--repeat", "2"]].concat();
    let ended = scene.replay("live", &record).await;
    check(&ended, 0, &["5 passed", "texts compared by embed at http"]);
    let asked = scene.asked();
    assert!(asked > 20, "twenty answers, and embeddings: {asked}");
    let (score, _) = scene.first("live");
    assert!((0.3..1.0).contains(&score), "{score}");
    assert!(!scene.cosines("live").is_empty());
    assert!(!scene.cosines("live").concat().contains("parcel"));

    // Gone on with, nothing is asked again; with what was recorded, nobody is there at all.
    let resumed: Vec<&str> = [LIVE, &["--resume", "--repeat", "2"]].concat();
    check(&scene.replay("live", &resumed).await, 0, &["5 passed"]);
    assert_eq!(scene.asked(), asked);
    let recorded = ["--recordings", "answers.jsonl", "--repeat", "2"];
    check(&scene.replay("free", &recorded).await, 0, &["5 passed"]);
    let journal = ["--recordings", "live/answers.jsonl", "--repeat", "2"];
    check(&scene.replay("journal", &journal).await, 0, &["5 passed"]);
    assert_eq!(scene.asked(), asked);
    for report in ["free", "journal"] {
        assert_eq!(
            scene.report("live")["cases"],
            scene.report(report)["cases"],
            "{report}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_judges_by_meaning_does_so_here_too() {
    let cases = similar("the parcel was sent on Monday, no. 7", 3);
    let scene = Scene::new(&cases).await;
    // The same thing in other words, by the words that the simulated embeddings know.
    scene
        .bedrock
        .script()
        .set_answers(Arc::new(|prompt: &Prompt, _: u64| {
            Answer::text(format!("Monday: {GOOD} {}", prompt.user))
        }));
    scene.configure(EMBEDDINGS);
    scene.configure("[routes.support.checks]\nsemantic_similarity = { threshold = 0.99 }\n");
    check(&scene.replay("out", LIVE).await, 0, &["3 passed"]);
    let failed = &scene.report("out")["cases"][0]["repeats"][0]["failed_checks"];
    let failed: Vec<&str> = failed
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["check"].as_str().unwrap())
        .collect();
    assert!(failed.contains(&"semantic_similarity"), "{failed:?}");
    assert!(!failed.contains(&"text_similarity"), "{failed:?}");
}

/// Four words with vectors of two numbers, in the form that static models are published in.
fn model(directory: &Path) {
    let tokenizer = json!({
        "normalizer": {"type": "BertNormalizer", "lowercase": true},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "vocab": {"[UNK]": 0, "monday": 1, "sent": 2, "weather": 3}},
    });
    fs::create_dir(directory).unwrap();
    fs::write(directory.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let vectors: [f32; 8] = [0.0, 0.0, 1.0, 0.1, 1.0, -0.1, 0.0, 1.0];
    let data: Vec<u8> = vectors.into_iter().flat_map(f32::to_le_bytes).collect();
    let head =
        json!({"embeddings": {"dtype": "F32", "shape": [4, 2], "data_offsets": [0, data.len()]}});
    let head = head.to_string();
    let mut file = (head.len() as u64).to_le_bytes().to_vec();
    file.extend(head.as_bytes());
    file.extend(data);
    fs::write(directory.join("model.safetensors"), file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_on_disk_needs_nobody() {
    let scene = Scene::new(&similar("monday", 2)).await;
    let record: Vec<&str> = [LIVE, &["--record", "answers.jsonl"]].concat();
    check(
        &scene.replay("none", &record).await,
        3,
        &["2 inconclusive", "could not be judged"],
    );
    let (_, reason) = scene.first("none");
    assert!(
        reason.contains("set [similarity] path, azure or bedrock"),
        "{reason}"
    );
    let asked = scene.asked();

    let directory = scene.path("model");
    scene.configure(&format!("[similarity]\npath = {directory:?}\n"));
    let recorded = [
        "--recordings",
        "answers.jsonl",
        "--config",
        "crossfade.toml",
    ];
    check(
        &scene.replay("missing", &recorded).await,
        78,
        &["[similarity] path: cannot read", "tokenizer.json"],
    );
    model(&directory);
    check(
        &scene.replay("static", &recorded).await,
        0,
        &["2 passed", "compared by static model "],
    );
    let (score, _) = scene.first("static");
    assert!(score > 0.9, "{score}");
    assert_eq!(scene.asked(), asked);

    // Another expectation is not met, and one that the model has no word for is not judged.
    scene.golden(&similar("weather", 2));
    check(&scene.replay("far", &recorded).await, 100, &["2 failed"]);
    scene.golden(&similar("xyzzy", 2));
    check(
        &scene.replay("unknown", &recorded).await,
        3,
        &["pairs without embeddings: 2"],
    );
    assert!(scene.first("unknown").1.contains("a text has no embedding"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_writes_over_nothing_that_is_read() {
    let scene = Scene::new(&golden(2)).await;
    let before = fs::read(scene.path("golden.jsonl")).unwrap();
    for (file, what) in [
        ("golden.jsonl", "the golden set"),
        ("./golden.jsonl", "the golden set"),
        ("out/answers.jsonl", "the run's own journal"),
    ] {
        let record: Vec<&str> = [LIVE, &["--record", file]].concat();
        check(&scene.replay("out", &record).await, 64, &[what]);
    }
    assert_eq!(fs::read(scene.path("golden.jsonl")).unwrap(), before);
    assert_eq!(scene.asked(), 0);
}
