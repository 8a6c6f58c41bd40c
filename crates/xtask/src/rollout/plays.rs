//! The plays: which models, what the route asks of them, and how it must end.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    cast::{Cast, Models},
    drive::{self, Now},
    load::Load,
    theatre::{ROUTE, Theatre},
};

/// How long a whole rollout may take.
const WHOLE: Duration = Duration::from_secs(420);
/// How long it may take until a regression is named.
const NAMED: Duration = Duration::from_secs(180);
/// How long a roll-back may take.
const BACK: Duration = Duration::from_secs(120);
/// Samples of a gate before its mean is taken for what it is.
const ENOUGH: u64 = 300;

/// What the route of answers in JSON asks for.
const JSON_ROUTE: &str = r#"
[routes.support.checks]
json = true
lenient_json = true
schema = { type = "object", required = ["reasoning", "answer"], properties = { reasoning = { type = "string" }, answer = { type = "string" } } }
required_fields = ["$.answer"]
[routes.support.rollout]
# Not slow: who answers later here is the one whose simulator has more to do.
metrics = ["transport", "stream", "envelope", "json_parse", "json_schema", "required_fields", "refusal"]
stages = ["shadow", "slice", "ramp", "window", "complete"]
success = { transport = 0.02, envelope = 0.02, json_parse = 0.02, json_schema = 0.02, required_fields = 0.02, refusal = 0.02 }
slice = 5.0
ramp = [10.0, 25.0, 50.0, 100.0]
minimum_time = { shadow = "2s", slice = "2s", ramp = "2s", window = "4s" }
minimum_units = 50
unit_window = "1s"
"#;

/// What the other routes add to their checks.
const SHORT: &str = r#"
[routes.support.rollout]
metrics = ["transport", "stream", "envelope", "refusal"]
minimum_time = { shadow = "2s" }
unit_window = "1s"
"#;

/// A play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Play {
    /// Two models that both answer as they are asked reach `complete`
    Benign,
    /// A model that writes no JSON stays in shadow
    InvalidJson,
    /// A model that answers what the other refuses stays in shadow
    LostRefusals,
    /// A model that calls other tools stays in shadow
    WrongTools,
    /// A model that becomes worse at 25 % is rolled back
    LateRegression,
}

// === impl Play ===

impl Play {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Benign => "benign",
            Self::InvalidJson => "invalid JSON",
            Self::LostRefusals => "lost refusals",
            Self::WrongTools => "wrong tools",
            Self::LateRegression => "late regression",
        }
    }

    /// Plays it; what came of it, or what should not have.
    pub(crate) async fn stage(self, program: &Path, data: &Path) -> Result<String> {
        match self {
            Self::Benign => benign(program, data).await,
            Self::InvalidJson => {
                let models = Models {
                    primary: "gpt-3.5-turbo-0125",
                    candidate: "Meta-Llama-3-8B-Instruct",
                    worse: None,
                };
                let cast = Cast::new(data, "zeroeval_gsm", models)?;
                stopped(program, &cast, JSON_ROUTE, "json_parse").await
            }
            Self::LostRefusals => {
                let models = Models {
                    primary: "gpt4",
                    candidate: "mistralguard",
                    worse: None,
                };
                let cast = Cast::new(data, "xstest", models)?;
                let route = format!("{SHORT}success = {{ refused_answered = 0.01 }}\n");
                stopped(program, &cast, &route, "refused_answered").await
            }
            Self::WrongTools => {
                let models = Models {
                    primary: "gpt-4-0613-FC",
                    candidate: "mistral-small-2402-FC-Auto",
                    worse: None,
                };
                let cast = Cast::new(data, "bfcl_2024", models)?;
                let route = format!("{SHORT}success = {{ tool_selection = 0.02 }}\n");
                stopped(program, &cast, &route, "tool_selection").await
            }
            Self::LateRegression => late(program, data).await,
        }
    }
}

fn numbers(data: &Path, worse: Option<&'static str>) -> Result<Arc<Cast>> {
    let models = Models {
        primary: "gpt-4o-2024-05-13",
        candidate: "Meta-Llama-3-70B-Instruct",
        worse,
    };
    Cast::new(data, "zeroeval_numersense-v2", models)
}

async fn benign(program: &Path, data: &Path) -> Result<String> {
    let cast = numbers(data, None)?;
    let theatre = Theatre::new(program, &cast, JSON_ROUTE).await?;
    let load = Load::start(theatre.program.address, &cast, no_json);
    let end = |now: &Now| now.stage() == "complete" || now.is_rolled_back();
    let driven = drive::until(&theatre.program, WHOLE, end).await?;
    let (answered, errors) = load.seen.totals();
    ensure!(
        driven.now.stage() == "complete",
        "rolled back: {}",
        driven.now.text("/rollout/rolled_back/reason")
    );
    ensure!(errors == 0, "{errors} of {answered} requests failed");
    Ok(format!(
        "reached complete in {:.0} s over {}; {answered} requests, none failed",
        driven.took.as_secs_f64(),
        driven.path.join(" → ")
    ))
}

/// A regression that is there from the start: nobody is ever answered by the candidate, and the gate or the alarm of this name says
/// why.
async fn stopped(program: &Path, cast: &Arc<Cast>, route: &str, gate: &str) -> Result<String> {
    let theatre = Theatre::new(program, cast, route).await?;
    let load = Load::start(theatre.program.address, cast, no_json);
    let named = |now: &Now| now.stage() != "shadow" || names(now, gate).is_some();
    let driven = drive::until(&theatre.program, NAMED, named).await?;
    ensure!(
        driven.now.stage() == "shadow",
        "it got to {}",
        driven.path.join(" → ")
    );
    drive::sign(&theatre.program)?;
    let refused = theatre
        .program
        .operate(&["advance", ROUTE, "--reason", "let us see"])
        .err()
        .context("the advance was not refused")?;
    let refused = format!("{refused:#}");
    ensure!(
        refused.contains(gate),
        "the refusal does not name {gate}: {refused}"
    );
    ensure!(
        load.seen.take_by_candidate() == 0,
        "somebody was answered by the candidate"
    );
    let (answered, errors) = load.seen.totals();
    ensure!(errors == 0, "{errors} of {answered} requests failed");
    Ok(format!(
        "stopped in shadow after {:.0} s and {answered} requests; {}; nobody was answered by the candidate",
        driven.took.as_secs_f64(),
        names(&driven.now, gate).unwrap_or_default()
    ))
}

/// What names the gate: an alarm of that metric, or enough samples with a mean over the margin.
fn names(now: &Now, gate: &str) -> Option<String> {
    if let Some(alarm) = now.alarm().filter(|alarm| alarm.ends_with(gate)) {
        return Some(format!("alarm by {alarm}"));
    }
    let gates = now.0.pointer("/rollout/gates")?.as_array()?;
    let found = gates
        .iter()
        .find(|found| found.get("gate").and_then(Value::as_str) == Some(gate))?;
    let number = |name: &str| found.get(name).and_then(Value::as_f64);
    let (mean, margin, samples) = (
        number("mean")?,
        number("margin")?,
        found.get("samples")?.as_u64()?,
    );
    (samples >= ENOUGH && mean > 2.0 * margin).then(|| {
        format!(
            "gate {gate}: mean {:.1} % over {samples} samples, margin {:.1} %",
            mean * 100.0,
            margin * 100.0
        )
    })
}

/// A regression that begins at 25 %: rolled back, and the callers who saw it are counted.
async fn late(program: &Path, data: &Path) -> Result<String> {
    let cast = numbers(data, Some("Meta-Llama-3-8B-Instruct"))?;
    let theatre = Theatre::new(program, &cast, JSON_ROUTE).await?;
    let load = Load::start(theatre.program.address, &cast, no_json);
    let at_25 = |now: &Now| now.percent() >= 25.0 || now.is_rolled_back();
    let driven = drive::until(&theatre.program, WHOLE, at_25).await?;
    ensure!(
        !driven.now.is_rolled_back(),
        "rolled back before the regression"
    );
    let (before, _) = load.seen.hurt();
    load.seen.take_by_candidate();
    cast.become_worse();
    let driven = drive::until(&theatre.program, BACK, Now::is_rolled_back).await?;
    let by_candidate = load.seen.take_by_candidate();
    let (callers, answers) = load.seen.hurt();
    let reason = driven.now.text("/rollout/rolled_back/reason").to_owned();
    ensure!(
        reason.contains("json"),
        "rolled back for another reason: {reason}"
    );
    ensure!(
        before == 0,
        "{before} callers saw bad answers before the regression"
    );
    let verified = theatre.program.operate(&["ledger", "--route", ROUTE])?;
    ensure!(
        verified.contains("rolled back"),
        "the ledger does not tell: {verified}"
    );
    Ok(format!(
        "rolled back from 25 % {:.1} s after the regression began, of {by_candidate} answers by the candidate; \
         {callers} callers saw {answers} bad answers; {reason}",
        driven.took.as_secs_f64()
    ))
}

/// Whether an answer's text holds no JSON, fenced or not.
fn no_json(answer: &Value) -> bool {
    let text = answer
        .pointer("/choices/0/message/content")
        .and_then(Value::as_str);
    let text = text.unwrap_or_default().trim();
    let inner = text.split_once("```").map_or(text, |(_, rest)| {
        let rest = rest.strip_prefix("json").unwrap_or(rest);
        rest.split_once("```").map_or(rest, |(inner, _)| inner)
    });
    let whole: Result<Value, _> = serde_json::from_str(&inner.replace('\n', " "));
    whole.is_err()
}
