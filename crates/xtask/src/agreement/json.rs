//! JSON as models write it: which share parses strictly and leniently, by model. What *strict* means is held against
//! another parser, and what a schema says against a reading by hand of the one schema that these prompts ask for.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use crossfade_compare::Checks;
use crossfade_exchange::{Check, CheckOutcome, JsonForm, Side, Verdict};
use serde_json::{Value, json};

use super::{
    build,
    recorded::{self, Prompt},
    table::{Goal, Table},
};

/// Recordings whose prompts ask for JSON of one schema.
const CORPORA: [&str; 3] = ["zeroeval_gsm", "zeroeval_crux", "zeroeval_numersense-v2"];

/// What was counted of one model.
#[derive(Default)]
struct Count {
    outputs: usize,
    strict: usize,
    lenient: usize,
    valid: usize,
}

/// Where the checks and the other readings differ.
#[derive(Default)]
struct Differences {
    strict: usize,
    schema: usize,
    all: usize,
    judged: usize,
}

/// Measures the section.
pub(super) fn section(data: &Path, table: &mut Table) -> Result<()> {
    let checks = Checks::new(serde_json::from_value(json!({"lenient_json": true}))?)
        .context("the settings do not compile")?;
    let mut differences = Differences::default();
    for corpus in CORPORA {
        let mut counts = BTreeMap::<String, Count>::new();
        for prompt in recorded::prompts(data, corpus)? {
            measure(&checks, &prompt, &mut counts, &mut differences);
        }
        for (model, count) in counts {
            let what = |form: &str| format!("{corpus} {model} {form}");
            table.share(what("strict"), count.strict, count.outputs, Goal::None);
            table.share(what("lenient"), count.lenient, count.outputs, Goal::None);
            table.share(
                what("fits its schema"),
                count.valid,
                count.outputs,
                Goal::None,
            );
        }
    }
    table.count("outputs", differences.all);
    table.none(
        "strictly valid here and not for another parser, or the reverse",
        differences.strict,
    );
    table.count("outputs held against their schema", differences.judged);
    table.none(
        "schema verdicts that a reading by hand contradicts",
        differences.schema,
    );
    Ok(())
}

fn measure(
    checks: &Checks,
    prompt: &Prompt,
    counts: &mut BTreeMap<String, Count>,
    differences: &mut Differences,
) {
    let schema = prompt.meta.get("response_schema").unwrap_or(&Value::Null);
    let request = json!({
        "messages": prompt.messages,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
    });
    for (model, outputs) in &prompt.outputs {
        let count = counts.entry(model.clone()).or_default();
        for output in outputs {
            let text = output.text();
            let verdict = judge(checks, prompt, &request, text);
            let form = verdict.side(Side::Candidate).and_then(|side| side.json);
            let strict = form == Some(JsonForm::Strict);
            count.outputs += 1;
            count.strict += usize::from(strict);
            count.lenient +=
                usize::from(matches!(form, Some(JsonForm::Strict | JsonForm::Lenient)));
            let theirs = serde_json::from_str::<Value>(text);
            differences.all += 1;
            differences.strict += usize::from(strict != theirs.is_ok());
            let fits = verdict
                .check(Check::JsonSchema)
                .map(|result| result.outcome);
            count.valid += usize::from(fits == Some(CheckOutcome::Pass));
            if let Ok(theirs) = theirs {
                differences.judged += 1;
                differences.schema +=
                    usize::from(fits_by_hand(&theirs) != (fits == Some(CheckOutcome::Pass)));
            }
        }
    }
}

/// What the checks say of one output alone.
fn judge(checks: &Checks, prompt: &Prompt, request: &Value, text: &str) -> Verdict {
    checks.compare(&build::exchange(
        &prompt.id,
        request,
        None,
        Some(build::text(text)),
    ))
}

/// The schema of all these prompts: an object with a reasoning and an answer, both texts.
fn fits_by_hand(value: &Value) -> bool {
    ["reasoning", "answer"]
        .iter()
        .all(|name| value.get(name).is_some_and(Value::is_string))
}
