//! The plays: which models, what the route asks of them, and how it must end.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, Result, ensure};
use crossfade_compare::read_json;
use crossfade_exchange::JsonForm;
use serde_json::Value;

use super::{
    cast::{Cast, Models},
    drive::{self, Now},
    load::Load,
    theatre::{Asks, ROUTE, Theatre},
};

/// Requests within which a stage must be left: its gates need about 200, the shadow watch begins anew after 1 000.
const STAGE: u64 = 4_000;
/// Requests within which a regression must be named or rolled back.
const NAMED: u64 = 4_000;
/// Samples of a gate before its mean is taken for what it is.
const ENOUGH: u64 = 200;

/// What the routes of answers in JSON ask for: after the repairs that applications commonly make. Not that the candidate is not
/// slow: who answers later here is the one whose simulator has more to do.
const JSON_CHECKS: &str = r#"
[routes.support.checks]
json = true
lenient_json = true
schema = { type = "object", required = ["reasoning", "answer"], properties = { reasoning = { type = "string" }, answer = { type = "string" } } }
required_fields = ["$.answer"]
[routes.support.rollout]
metrics = ["transport", "stream", "envelope", "json_parse", "json_schema", "required_fields", "refusal"]
success = { transport = 0.03, envelope = 0.03, json_parse = 0.03, json_schema = 0.03, required_fields = 0.03, refusal = 0.03 }
stages = ["shadow", "slice", "ramp", "window", "complete"]
slice = 5.0
minimum_units = 50
unit_window = "1s"
"#;
/// From the first caller to the end: what is a day for people is two seconds here.
const WHOLE: &str = r#"
ramp = [25.0, 100.0]
minimum_time = { shadow = "2s", slice = "2s", ramp = "2s", window = "4s" }
"#;
/// No further than 25 %, as long as the play lasts.
const TO_25: &str = r#"
ramp = [25.0, 100.0]
minimum_time = { shadow = "2s", slice = "2s", ramp = "1h", window = "1h" }
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
                let cast = code(data, WRITES_NO_JSON, None)?;
                let route = [JSON_CHECKS, WHOLE].concat();
                stopped(program, &cast, &once(&route), "json_parse").await
            }
            Self::LostRefusals => {
                let models = Models {
                    primary: "gpt4",
                    candidate: "mistralguard",
                    worse: None,
                };
                let cast = Cast::new(data, "xstest", models)?;
                let route = format!("{SHORT}success = {{ refused_answered = 0.01 }}\n");
                stopped(program, &cast, &twice(&route), "refused_answered").await
            }
            Self::WrongTools => {
                let models = Models {
                    primary: "gpt-4-0613-FC",
                    candidate: "mistral-small-2402-FC-Auto",
                    worse: None,
                };
                let cast = Cast::new(data, "bfcl_2024", models)?;
                let route = format!("{SHORT}success = {{ tool_selection = 0.02 }}\n");
                stopped(program, &cast, &twice(&route), "tool_selection").await
            }
            Self::LateRegression => late(program, data).await,
        }
    }
}

/// The model of the JSON plays whose answers often do not parse, whatever is repaired.
const WRITES_NO_JSON: &str = "Mixtral-8x7B-Instruct-v0.1";

/// A route whose differences need the primary's own noise.
fn twice(route: &str) -> Asks<'_> {
    Asks {
        route,
        twice: 100.0,
    }
}

/// A route of bad events only.
fn once(route: &str) -> Asks<'_> {
    Asks { route, twice: 0.0 }
}

/// Answers about code, in JSON; the primary's always parse once they are repaired.
fn code(data: &Path, candidate: &'static str, worse: Option<&'static str>) -> Result<Arc<Cast>> {
    let models = Models {
        primary: "gpt-4-turbo-2024-04-09",
        candidate,
        worse,
    };
    Cast::new(data, "zeroeval_crux", models)
}

async fn benign(program: &Path, data: &Path) -> Result<String> {
    let models = Models {
        primary: "gpt-4o-2024-05-13",
        candidate: "claude-3-5-sonnet-20240620",
        worse: None,
    };
    let cast = Cast::new(data, "zeroeval_numersense-v2", models)?;
    let route = [JSON_CHECKS, WHOLE].concat();
    let theatre = Theatre::new(program, &cast, &once(&route)).await?;
    let load = Load::start(theatre.program.address, &cast, no_json);
    let end = |now: &Now| now.stage() == "complete" || now.is_stopped();
    let driven = drive::until(&theatre.program, &load.seen, 6 * STAGE, end).await?;
    ensure!(
        driven.now.stage() == "complete",
        "stopped: {}; went {}",
        driven.now.why_stopped(),
        driven.path()
    );
    let stages = [
        ("shadow", 0.0),
        ("slice", 5.0),
        ("ramp", 25.0),
        ("ramp", 100.0),
        ("window", 100.0),
        ("complete", 100.0),
    ];
    ensure!(driven.steps() == stages, "it went {}", driven.path());
    let (answered, errors) = load.seen.totals();
    ensure!(errors == 0, "{errors} of {answered} requests failed");
    let candidate = load.seen.take_candidate();
    ensure!(candidate.answers > 0, "the candidate answered nobody");
    ensure!(
        candidate.bad == 0,
        "{} callers saw {} bad answers",
        candidate.hurt.len(),
        candidate.bad
    );
    theatre.program.verify_ledger()?;
    Ok(format!(
        "reached complete in {:.0} s: {}; {answered} requests, none failed; the candidate answered {} callers {} times, none of them badly; the ledger is verified",
        driven.took.as_secs_f64(),
        driven.path(),
        candidate.callers.len(),
        candidate.answers
    ))
}

/// A regression that is there from the start: nobody is ever answered by the candidate, and the gate or the alarm of this name says
/// why.
async fn stopped(program: &Path, cast: &Arc<Cast>, asks: &Asks<'_>, gate: &str) -> Result<String> {
    let theatre = Theatre::new(program, cast, asks).await?;
    let load = Load::start(theatre.program.address, cast, no_json);
    let named = |now: &Now| now.stage() != "shadow" || names(now, gate).is_some();
    let driven = drive::until(&theatre.program, &load.seen, NAMED, named).await?;
    ensure!(
        driven.steps() == [("shadow", 0.0)],
        "it went {}",
        driven.path()
    );
    // A route that fails cannot be signed off either, and that is said in the same words.
    if let Err(refused) = drive::sign(&theatre.program) {
        let refused = format!("{refused:#}");
        ensure!(
            refused.contains(gate),
            "the sign-off was refused for another reason: {refused}"
        );
    }
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
    let served = load.seen.take_candidate().callers.len();
    ensure!(
        served == 0,
        "{served} callers were answered by the candidate"
    );
    theatre.program.verify_ledger()?;
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
    let cast = code(data, "claude-3-opus-20240229", Some(WRITES_NO_JSON))?;
    let route = [JSON_CHECKS, TO_25].concat();
    let theatre = Theatre::new(program, &cast, &once(&route)).await?;
    let load = Load::start(theatre.program.address, &cast, no_json);
    let at_25 = |now: &Now| now.percent() >= 25.0 || now.is_stopped();
    let driven = drive::until(&theatre.program, &load.seen, 3 * STAGE, at_25).await?;
    ensure!(
        driven.steps() == [("shadow", 0.0), ("slice", 5.0), ("ramp", 25.0)],
        "before the regression it went {}: {}",
        driven.path(),
        driven.now.why_stopped()
    );
    let way = driven.path();
    let before = load.seen.take_candidate();
    cast.become_worse();
    let driven = drive::until(&theatre.program, &load.seen, NAMED, Now::is_rolled_back).await?;
    let since = load.seen.take_candidate();
    ensure!(
        driven.steps() == [("ramp", 25.0), ("shadow", 0.0)],
        "after the regression it went {}",
        driven.path()
    );
    let reason = driven.now.text("/rollout/rolled_back/reason").to_owned();
    ensure!(
        reason.contains("json_parse"),
        "rolled back for another reason: {reason}"
    );
    // How many of them were bad is chance, and told.
    ensure!(since.answers > 0, "the candidate answered nobody at 25 %");
    let told = theatre.program.operate(&["ledger", "--route", ROUTE])?;
    ensure!(
        told.contains("rolled back"),
        "the ledger does not tell: {told}"
    );
    theatre.program.verify_ledger()?;
    let (answered, errors) = load.seen.totals();
    ensure!(errors == 0, "{errors} of {answered} requests failed");
    Ok(format!(
        "{way}; rolled back {:.1} s after the regression began there; {} callers saw {} bad answers among {} by the candidate \
         (before it {} of {}); {reason}; never more than {} %; the ledger is verified",
        driven.took.as_secs_f64(),
        since.hurt.len(),
        since.bad,
        since.answers,
        before.bad,
        before.answers,
        driven.highest()
    ))
}

/// Whether an answer's text is no JSON, whatever is repaired.
fn no_json(answer: &Value) -> bool {
    let text = answer
        .pointer("/choices/0/message/content")
        .and_then(Value::as_str);
    read_json(text.unwrap_or_default()).form == JsonForm::Invalid
}
