//! Every form of a model's path, signed by the candidate and by botocore: the signatures must be equal. What is signed is
//! the request as the service received it.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crossfade_bedrock::{Api, CandidateSettings};
use crossfade_sim::{bedrock, script::Received};
use serde_json::{Value, json};

use super::{Counts, answers, stage::Stage};
use crate::{python::Python, workspace};

/// Every form that a model's id may have.
const MODELS: &[&str] = &[
    "amazon.nova-pro-v1:0",
    "us.anthropic.claude-sonnet-4-6",
    "global.anthropic.claude-haiku-4-5-20251001-v1:0",
    "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-pro-v1:0/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/anthropic.claude:1",
    "arn:aws:sagemaker:us-east-1:123456789012:endpoint/my-endpoint",
    "arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:inference-profile/us-gov.amazon.nova-pro-v1:0",
];

/// What is asked of the OpenAI-compatible endpoint, whose path has no model.
const COMPATIBLE: &str = "openai.gpt-oss-120b-1:0";

/// Asks all of them; returns what is wrong.
pub(super) async fn check(python: &Python, counts: &mut Counts) -> Result<Vec<String>> {
    let mut cases = String::new();
    let mut sent = BTreeMap::new();
    let converse = MODELS.iter().map(|model| (*model, Api::Converse));
    for (model, api) in converse.chain([(COMPATIBLE, Api::OpenaiChat)]) {
        let mut settings = CandidateSettings::new(model);
        settings.api = api;
        settings.stream_always = false;
        let stage = Stage::with(settings).await?;
        for (kind, body) in [("whole", answers::WHOLE), ("stream", answers::STREAM)] {
            let name = format!("{model} ({kind})");
            stage.ask(body).await.with_context(|| name.clone())?;
            let received = stage.sim.received().pop();
            let received = received.with_context(|| format!("{name}: nothing was received"))?;
            let (case, signature) = case(&name, &received).with_context(|| name.clone())?;
            cases.push_str(&case.to_string());
            cases.push('\n');
            sent.insert(name, signature);
        }
    }
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let file = directory.path().join("requests.jsonl");
    fs::write(&file, cases).context("cannot write the requests")?;
    let script = workspace::root().join("crates/xtask/python/sign.py");
    let signed = python.run(&script, &[file.as_os_str()])?;
    let mut failures = Vec::new();
    for line in signed.lines() {
        let line: Value = serde_json::from_str(line).context("the signer is not understood")?;
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
        let ours = sent
            .remove(text("id"))
            .context("the signer signed something else")?;
        if ours == text("signature") {
            counts.add("signatures.equal");
        } else {
            counts.add("signatures.different");
            failures.push(format!("{}: botocore signs otherwise", text("id")));
        }
    }
    ensure!(sent.is_empty(), "{} requests were not signed", sent.len());
    Ok(failures)
}

/// What the other signer has to know, and the signature that was sent.
fn case(name: &str, received: &Received) -> Result<(Value, String)> {
    let authorization = received.header("authorization").context("no signature")?;
    let part = |name: &str| {
        let (_, after) = authorization.split_once(name)?;
        after.split([',', ' ']).next()
    };
    let signed = part("SignedHeaders=").context("no signed headers")?;
    let signature = part("Signature=").context("no signature")?.to_owned();
    // Key, day, region, service and the word that ends every scope.
    let scope: Vec<&str> = part("Credential=")
        .context("no scope")?
        .split('/')
        .collect();
    let [access_key, _, region, service, _] = scope[..] else {
        anyhow::bail!("an odd scope: {scope:?}");
    };
    let headers: BTreeMap<&str, &str> = signed
        .split(';')
        .filter_map(|name| Some((name, received.header(name)?)))
        .collect();
    let host = received.header("host").context("no host")?;
    let case = json!({
        "id": name,
        "method": received.method,
        "url": format!("http://{host}{}", received.target),
        "headers": headers,
        "body": STANDARD.encode(&received.body),
        "date": received.header("x-amz-date").context("no date")?,
        "service": service,
        "region": region,
        "access_key": access_key,
        "secret_key": bedrock::SECRET,
    });
    Ok((case, signature))
}
