//! Every recorded chat request is translated for models of several families. What comes out must pass the published
//! service model, by another's validator, and the rules of the model; what is refused must name its field.

use std::path::Path;

use anyhow::Result;
use crossfade_bedrock::CandidateSettings;
use serde_json::Value;

use super::{Counts, Record, grade::Grade, judge::Bodies, stage};
use crate::python::Python;

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

/// Translates and judges; returns what is wrong.
pub(super) fn check(
    records: &[Record],
    data: &Path,
    python: &Python,
    counts: &mut Counts,
) -> Result<Vec<String>> {
    let mut bodies = Bodies::new()?;
    let mut failures = Vec::new();
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
                    bodies.add(&name, model, &body)?;
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
    for (name, error) in bodies.judge(data, python)? {
        counts.add("translation.invalid");
        failures.push(format!("{name}: not by the service model: {error}"));
    }
    failures.extend(too_few(counts));
    Ok(failures)
}

/// The body as it would be sent, or the field that cannot be mapped, without its indexes.
pub(super) fn translate(request: &[u8], model: &str) -> Result<Value, String> {
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

fn too_few(counts: &Counts) -> Option<String> {
    let covered = counts.get("translation.requests.covered");
    let translated = counts.get(&format!("translation.{YARDSTICK}.covered.translated"));
    (translated * 100 < covered * LEAST_SHARE).then(|| {
        format!("{translated} of {covered} covered requests translate, less than {LEAST_SHARE} %")
    })
}
