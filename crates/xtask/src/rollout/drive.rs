//! The operator and the owner: they look at `status`, read the report, sign it and advance.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::theatre::ROUTE;
use crate::e2e::Program;

/// How often they look.
const LOOK: Duration = Duration::from_millis(500);

/// A route as `status` shows it.
#[derive(Clone, Debug)]
pub(super) struct Now(pub(super) Value);

/// What became of driving.
#[derive(Debug)]
pub(super) struct Driven {
    /// How the route stood at the end.
    pub(super) now: Now,
    /// How long it took.
    pub(super) took: Duration,
    /// The shares that it went through.
    pub(super) path: Vec<String>,
}

// === impl Now ===

impl Now {
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.0
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    pub(super) fn stage(&self) -> &str {
        self.text("/rollout/stage")
    }

    pub(super) fn percent(&self) -> f64 {
        let share = self.0.pointer("/rollout/share");
        share.and_then(Value::as_f64).unwrap_or_default()
    }

    pub(super) fn is_rolled_back(&self) -> bool {
        self.0
            .pointer("/rollout/rolled_back")
            .is_some_and(|back| !back.is_null())
    }

    /// What is in the way of the next step.
    pub(super) fn waits_for(&self) -> Vec<&str> {
        let waits = self.0.pointer("/rollout/next/waits_for");
        let waits = waits.and_then(Value::as_array).into_iter().flatten();
        waits.filter_map(Value::as_str).collect()
    }

    /// The alarm, if there is one, of an attempt that runs.
    pub(super) fn alarm(&self) -> Option<String> {
        let alarm = self
            .0
            .pointer("/rollout/attempt/alarm")
            .filter(|alarm| !alarm.is_null())?;
        let metric = alarm.get("metric").and_then(Value::as_str)?;
        let engine = alarm.get("engine").and_then(Value::as_str)?;
        Some(format!("engine {engine}, {metric}"))
    }
}

/// How the route stands.
pub(super) fn look(program: &Program) -> Result<Now> {
    let status = program.operate(&["status", ROUTE, "--output", "json"])?;
    let status: Value = serde_json::from_str(&status).context("the status is no JSON")?;
    let route = status.pointer("/routes/0").context("no route")?;
    Ok(Now(route.clone()))
}

/// Reads the report and signs it.
pub(super) fn sign(program: &Program) -> Result<()> {
    let report = program.operate(&["report", ROUTE, "--format", "json"])?;
    let report: Value = serde_json::from_str(&report).context("the report is no JSON")?;
    let hash = report
        .get("hash")
        .and_then(Value::as_str)
        .context("the report has no hash")?;
    let words = [
        "signoff",
        ROUTE,
        "--report",
        hash,
        "--reason",
        "read and agreed",
    ];
    program.operate(&words).map(drop)
}

/// Signs and advances whenever nothing else is in the way, until `done` or the time is over.
pub(super) async fn until(
    program: &Program,
    most: Duration,
    mut done: impl FnMut(&Now) -> bool,
) -> Result<Driven> {
    let begun = Instant::now();
    let mut path: Vec<String> = Vec::new();
    loop {
        let now = tokio::task::block_in_place(|| look(program))?;
        let step = format!("{} {} %", now.stage(), now.percent());
        if path.last() != Some(&step) {
            path.push(step);
        }
        if done(&now) {
            let took = begun.elapsed();
            return Ok(Driven { now, took, path });
        }
        if begun.elapsed() > most {
            bail!(
                "not within {most:?}: went {}, waits for: {}",
                path.join(" → "),
                now.waits_for().join("; ")
            );
        }
        tokio::task::block_in_place(|| push(program, &now))?;
        tokio::time::sleep(LOOK).await;
    }
}

fn push(program: &Program, now: &Now) -> Result<()> {
    let waits = now.waits_for();
    match waits.as_slice() {
        [] if now.0.pointer("/rollout/next/automatic") == Some(&Value::Bool(false)) => {
            // What has changed since it was looked at is refused, and seen at the next look.
            drop(program.operate(&["advance", ROUTE, "--reason", "nothing is in the way"]));
            Ok(())
        }
        [only] if only.contains("sign") => sign(program),
        _ => Ok(()),
    }
}
