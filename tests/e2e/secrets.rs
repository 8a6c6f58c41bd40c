//! Prompts, answers, keys, tokens and query strings are nowhere: not in the log at its most talkative, not in metrics, not in
//! the data directory, not in what operators see.

use std::{fs, path::Path, sync::Arc};

use crossfade_sim::{
    azure::AzureSim,
    bedrock::BedrockSim,
    script::{Answer, Fault, Prompt},
};
use crossfade_tests::{
    Process, Setup,
    chat::{self, json_question, question, streamed},
    eventually,
    http::{Request, exchange},
    setup::{ENVIRONMENT, TOKENS},
};
use serde_json::{Value, json};

use crate::PROGRAM;

/// Everything that must not be seen again.
const MARKERS: &[&str] = &[
    "marker-prompt",
    "marker-azure-answer",
    "marker-bedrock-answer",
    "marker-key",
    "marker-token",
    "marker-query",
    "marker-header",
    "marker-system",
    "marker-deployment",
];

fn assert_clean(what: &str, text: &str) {
    let secrets = TOKENS.iter().map(|(_, token)| *token);
    // The access key id is no secret by itself, but nobody needs it in a log.
    let secrets = secrets.chain(ENVIRONMENT.iter().map(|(_, value)| *value));
    for secret in MARKERS.iter().copied().chain(secrets) {
        assert!(
            !text.contains(secret),
            "{secret} in {what}: {}",
            around(text, secret)
        );
    }
}

fn around(text: &str, secret: &str) -> String {
    let line = text.lines().find(|line| line.contains(secret));
    line.unwrap_or_default().chars().take(600).collect()
}

fn files(directory: &Path, visit: &mut impl FnMut(&Path, String)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, visit);
        } else {
            let bytes = fs::read(&path).unwrap();
            visit(&path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

fn ask(body: &Value) -> Request {
    Request::post(&format!("{}&session=marker-query", chat::path()))
        .header("api-key", "marker-key")
        .header("Authorization", "Bearer marker-token")
        .header("x-note", "marker-header")
        .body(body.to_string())
}

/// Questions of every kind, full of markers.
fn bodies() -> [Value; 3] {
    let mut all = [
        question("marker-prompt"),
        streamed("marker-prompt"),
        json_question("marker-prompt"),
    ];
    for body in &mut all {
        let system = json!({"role": "system", "content": "marker-system"});
        body["messages"].as_array_mut().unwrap().insert(0, system);
        body["user"] = "marker-key".into();
    }
    all
}

fn status(status: u16) -> Fault {
    Fault::Status {
        status,
        retry_after: None,
    }
}

/// Everything that a candidate may do, at 50 % and at 0 %; the breaker leaves few of the later ones.
async fn let_the_candidate_fail(process: &Process, bedrock: &BedrockSim) {
    let admin = process.admin();
    assert_eq!(
        exchange(process.address(), &ask(&question("marker-prompt")))
            .await
            .status(),
        200
    );
    for percent in [50.0, 0.0] {
        assert_eq!(admin.override_split(percent).await.status(), 200);
        admin.effective(percent).await;
        for fault in [
            Fault::None,
            Fault::Garbage,
            Fault::Reset,
            Fault::Truncate { after: 1 },
            Fault::Hang,
            status(400),
            status(500),
        ] {
            bedrock.script().set_fault(fault);
            for body in bodies() {
                assert_eq!(exchange(process.address(), &ask(&body)).await.status(), 200);
            }
        }
    }
    bedrock.script().set_fault(Fault::None);
}

/// Everything that Azure may do, and requests that nobody understands.
async fn let_the_primary_fail(process: &Process, azure: &AzureSim) {
    let address = process.address();
    for fault in [Fault::Reset, Fault::Garbage, status(401)] {
        azure.script().set_fault(fault);
        for body in bodies() {
            exchange(address, &ask(&body)).await;
        }
    }
    azure.script().set_fault(Fault::None);
    let mut unsupported = question("marker-prompt");
    unsupported["marker-prompt"] = "marker-prompt".into();
    unsupported["logit_bias"] = json!({"marker-prompt": 1});
    exchange(address, &ask(&unsupported)).await;
    let broken = Request::post(&format!("{}&marker-query", chat::path()))
        .header("api-key", "marker-key")
        .body("{\"messages\": marker-prompt");
    exchange(address, &broken).await;
    for target in [
        "/marker-query/marker-prompt?marker-query=1",
        "/openai/deployments/marker-deployment/chat/completions?api-version=marker-query",
    ] {
        let unrouted = Request::post(target)
            .header("api-key", "marker-key")
            .body("{}");
        exchange(address, &unrouted).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_them_is_kept() {
    let setup = Setup::new()
        .level("debug")
        .bedrock("fallback_after = \"300ms\"")
        .mirror("deadline = \"1s\"");
    let azure = AzureSim::start(setup.azure.clone()).await.unwrap();
    let bedrock = BedrockSim::start(setup.bedrock.clone()).await.unwrap();
    for (script, says) in [
        (azure.script(), "marker-azure-answer"),
        (bedrock.script(), "marker-bedrock-answer"),
    ] {
        script.set_answers(Arc::new(move |_: &Prompt, _: u64| Answer::text(says)));
    }
    let home = tempfile::tempdir().unwrap();
    let (file, data) = (home.path().join("crossfade.toml"), home.path().join("data"));
    fs::write(
        &file,
        setup.config(azure.address(), bedrock.address(), &data),
    )
    .unwrap();
    let process = Process::serve(PROGRAM, &file).await;
    let admin = process.admin();
    let_the_candidate_fail(&process, &bedrock).await;
    let_the_primary_fail(&process, &azure).await;
    eventually("the copies' ends", async || {
        let status = admin.status().await;
        (status["routes"][0]["accounting"]["mirror_in_flight"] == 0).then_some(())
    })
    .await;

    assert_clean("the status", &admin.status().await.to_string());
    assert_clean("the metrics", &admin.metrics().await);
    assert_clean("the ledger", &Value::from(admin.ledger().await).to_string());
    assert_eq!(admin.rollback("seen enough").await.status(), 200);
    process.signal("TERM");
    let (status, log) = process.ended().await;
    assert!(status.success(), "{log}");
    let told = |what: &str| log.lines().any(|line| line.contains(what));
    assert!(
        told("\"DEBUG\"") && told("proxy.candidate.fallback"),
        "the log is there: {log}"
    );
    assert_clean("the log", &log);
    let mut seen = Vec::new();
    files(&data, &mut |path, text| {
        seen.push(path.file_name().unwrap().to_string_lossy().into_owned());
        assert_clean(&path.display().to_string(), &text);
    });
    assert!(
        seen.iter().any(|name| name.contains("ledger")) && seen.len() >= 4,
        "{seen:?}"
    );
}
