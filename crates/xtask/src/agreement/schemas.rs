//! Schemas of the wild: every one compiles or is refused by name, in bounded time, and every labelled instance of those
//! that compile gets its label for a verdict.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use crossfade_compare::{Checks, SettingsError};
use crossfade_exchange::{Check, CheckOutcome};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    build, recorded,
    table::{Goal, Table},
};
use crate::print;

/// A schema with its instances.
#[derive(Debug, Deserialize)]
struct Labelled {
    id: String,
    schema: Value,
    #[serde(default)]
    tests: Vec<Instance>,
}

#[derive(Debug, Deserialize)]
struct Instance {
    valid: bool,
    data: Value,
}

/// What became of the schemas of one file.
#[derive(Default)]
struct Outcome {
    compiled: usize,
    refused: BTreeMap<String, usize>,
    slowest: Duration,
}

/// The most that one schema may take to be compiled or refused, in a build without optimisation.
const SLOWEST: Duration = Duration::from_secs(5);

/// Instances whose verdicts contradict their labels that are shown by name.
const MOST_SHOWN: usize = 20;

/// Measures the section.
pub(super) fn section(data: &Path, table: &mut Table) -> Result<()> {
    for (name, file) in [
        ("labelled", "maskbench_schemas_with_instances"),
        ("further", "schemas"),
    ] {
        let rows: Vec<Labelled> = recorded::lines(data, &format!("schemas/{file}.jsonl.gz"))?;
        let (mut outcome, mut right, mut wrong) = (Outcome::default(), 0, Vec::new());
        let (mut unparsed, mut instances) = (0, 0);
        for row in &rows {
            let Some(checks) = outcome.compile(&row.schema) else {
                continue;
            };
            for instance in &row.tests {
                instances += 1;
                match judge(&checks, row, instance) {
                    Some(valid) if valid == instance.valid => right += 1,
                    Some(_) => wrong.push(row.id.as_str()),
                    None => unparsed += 1,
                }
            }
        }
        table.count(format!("{name} schemas"), rows.len());
        table.count(format!("{name} compiled"), outcome.compiled);
        for (reason, count) in &outcome.refused {
            table.count(format!("{name} refused: {reason}"), *count);
        }
        let seconds = outcome.slowest.as_secs();
        table.holds(
            format!(
                "{name} each compiled or refused within {} s",
                SLOWEST.as_secs()
            ),
            seconds < SLOWEST.as_secs(),
        );
        for id in wrong.iter().take(MOST_SHOWN) {
            print::line(format_args!(
                "schemas: another verdict than the label: {id}"
            ));
        }
        if instances > 0 {
            table.none(
                format!("{name} instances that could not be judged"),
                unparsed,
            );
            table.share(
                format!("{name} verdicts that match their label"),
                right,
                instances,
                Goal::AtLeast(1.0),
            );
        }
    }
    Ok(())
}

/// Whether the check lets an instance pass; `None` if it could not be judged.
fn judge(checks: &Checks, row: &Labelled, instance: &Instance) -> Option<bool> {
    let answer = build::text(&instance.data.to_string());
    let exchange = build::exchange(&row.id, &json!({"messages": []}), None, Some(answer));
    let verdict = checks.compare(&exchange);
    match verdict.check(Check::JsonSchema)?.outcome {
        CheckOutcome::Pass => Some(true),
        CheckOutcome::Fail => Some(false),
        CheckOutcome::Na | CheckOutcome::Error => None,
    }
}

// === impl Outcome ===

impl Outcome {
    /// The checks of a route with this schema, if it compiles.
    fn compile(&mut self, schema: &Value) -> Option<Checks> {
        let settings = serde_json::from_value(json!({"json": true, "schema": schema})).ok()?;
        let began = Instant::now();
        let checks = Checks::new(settings);
        self.slowest = self.slowest.max(began.elapsed());
        match checks {
            Ok(checks) => {
                self.compiled += 1;
                Some(checks)
            }
            Err(error) => {
                let name = match &error {
                    SettingsError::Schema(why) => why.as_str().to_owned(),
                    other => other.to_string(),
                };
                *self.refused.entry(name).or_default() += 1;
                None
            }
        }
    }
}
