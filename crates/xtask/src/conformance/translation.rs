//! Every recorded chat request is translated for models of several families. What comes out must pass the published
//! service model, by another's validator, and the rules of the model; what is refused must name its field.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use crossfade_bedrock::CandidateSettings;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Counts, Record, grade::Grade, stage};
use crate::{python::Python, workspace};

/// The family by which the share that must translate is measured, and whose refusals are counted by field.
const YARDSTICK: &str = "claude";

/// Families with different rules.
const MODELS: &[(&str, &str)] = &[
    (YARDSTICK, stage::MODEL),
    ("older_claude", "anthropic.claude-3-5-sonnet-20240620-v1:0"),
    ("nova", "us.amazon.nova-pro-v1:0"),
    ("llama", "us.meta.llama3-3-70b-instruct-v1:0"),
    ("mistral", "mistral.mistral-large-2407-v1:0"),
];

/// Of the covered requests, the share in percent that must translate.
const LEAST_SHARE: u64 = 95;

/// What the validator says.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Judged {
    Invalid { id: String, error: String },
    Read { read: u64 },
}

/// Translates and judges; returns what is wrong.
pub(super) fn check(
    records: &[Record],
    data: &Path,
    python: &Python,
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let bodies = directory.path().join("bodies.jsonl");
    let mut file = BufWriter::new(File::create(&bodies).context("cannot write the bodies")?);
    let mut failures = Vec::new();
    let mut written = 0;
    for record in records
        .iter()
        .filter(|record| record.api == "chat/completions")
    {
        let grade = Grade::of(&record.request, record.status);
        counts.add(format!("translation.requests.{}", grade.as_str()));
        for (family, model) in MODELS {
            let name = format!("{} ({family})", record.id);
            match translate(&record.request, model) {
                Ok(body) => {
                    counts.add(format!(
                        "translation.{family}.{}.translated",
                        grade.as_str()
                    ));
                    if let Some(refusal) = crossfade_sim::bedrock::refusal(model, &body) {
                        counts.add(format!("translation.{family}.refused_by_model"));
                        failures.push(format!("{name}: the model refuses: {refusal}"));
                    }
                    writeln!(
                        file,
                        "{}",
                        json!({ "id": name, "model": model, "body": body })
                    )?;
                    written += 1;
                }
                Err(field) => {
                    let of = grade.as_str();
                    counts.add(format!("translation.{family}.{of}.refused"));
                    if *family == YARDSTICK {
                        counts.add(format!("translation.{family}.{of}.refused_for.{field}"));
                    }
                    if field.is_empty() {
                        failures.push(format!("{name}: refused without naming a field"));
                    }
                }
            }
        }
    }
    file.flush().context("cannot write the bodies")?;
    drop(file);
    failures.extend(validate(&bodies, data, python, written, counts)?);
    failures.extend(too_few(counts));
    Ok(failures)
}

/// The body as it would be sent, or the field that cannot be mapped, without its indexes.
fn translate(request: &[u8], model: &str) -> Result<Value, String> {
    let settings = CandidateSettings::new(model);
    match crossfade_bedrock::translate(request, &settings) {
        Ok(translation) => serde_json::to_value(&translation.request).map_err(|_| String::new()),
        Err(unsupported) => Err(generic(&unsupported.field)),
    }
}

/// `messages[3].content[0].file` as `messages[].content[].file`.
fn generic(field: &str) -> String {
    field.chars().filter(|c| !c.is_ascii_digit()).collect()
}

fn validate(
    bodies: &Path,
    data: &Path,
    python: &Python,
    written: u64,
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let script = workspace::root().join("crates/xtask/python/validate_requests.py");
    let model = data.join("specs/bedrock-runtime-service-2.json");
    let output = python.run(&script, &[model.as_os_str(), bodies.as_os_str()])?;
    let mut failures = Vec::new();
    let mut judged = 0;
    for line in output.lines() {
        match serde_json::from_str(line).context("the validator's words are not understood")? {
            Judged::Invalid { id, error } => {
                counts.add("translation.invalid");
                failures.push(format!("{id}: not by the service model: {error}"));
            }
            Judged::Read { read } => judged = read,
        }
    }
    ensure!(
        judged == written,
        "the validator read {judged} bodies of {written}"
    );
    Ok(failures)
}

fn too_few(counts: &Counts) -> Option<String> {
    let covered = counts.get("translation.requests.covered");
    let translated = counts.get(&format!("translation.{YARDSTICK}.covered.translated"));
    (translated * 100 < covered * LEAST_SHARE).then(|| {
        format!("{translated} of {covered} covered requests translate, less than {LEAST_SHARE} %")
    })
}
