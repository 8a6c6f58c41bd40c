//! The operator and the owner: they look at `status`, read the report, sign it, decide what waits for a person, and advance.
//!
//! Their patience is counted in requests, which a loaded machine answers later and not differently; only if none is answered
//! any more does the clock count.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{load::Seen, theatre::ROUTE};
use crate::e2e::Program;

/// How often they look.
const LOOK: Duration = Duration::from_millis(300);
/// How long no request may be answered before they give up.
const STILL: Duration = Duration::from_secs(60);

/// A route as `status` shows it.
#[derive(Clone, Debug)]
pub(super) struct Now(pub(super) Value);

/// Where the route stood, and since when.
#[derive(Debug)]
struct Step {
    stage: String,
    percent: f64,
    at: Duration,
    answered: u64,
}

/// What became of driving.
#[derive(Debug)]
pub(super) struct Driven {
    /// How the route stood at the end.
    pub(super) now: Now,
    /// How long it took.
    pub(super) took: Duration,
    path: Vec<Step>,
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

    /// Requests that are not compared yet, nor skipped.
    fn under_way(&self) -> u64 {
        let under_way = self.0.pointer("/accounting/mirror_in_flight");
        under_way.and_then(Value::as_u64).unwrap_or_default()
    }

    pub(super) fn is_rolled_back(&self) -> bool {
        self.0
            .pointer("/rollout/rolled_back")
            .is_some_and(|back| !back.is_null())
    }

    /// Whether it was rolled back, or fails in stage `shadow`: it goes no further by itself.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_rolled_back() || self.alarm().is_some()
    }

    /// What stopped it.
    pub(super) fn why_stopped(&self) -> String {
        let reason = self.text("/rollout/rolled_back/reason");
        self.alarm().unwrap_or_else(|| reason.to_owned())
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

/// Signs and advances whenever nothing else is in the way, until `done`, or until `most` requests more were answered.
pub(super) async fn until(
    program: &Program,
    seen: &Seen,
    most: u64,
    mut done: impl FnMut(&Now) -> bool,
) -> Result<Driven> {
    let begun = Instant::now();
    let (before, _) = seen.totals();
    let mut progress = (before, begun);
    let mut path: Vec<Step> = Vec::new();
    let mut refused = None;
    loop {
        let now = tokio::task::block_in_place(|| look(program))?;
        seen.go_on(now.under_way());
        let (answered, _) = seen.totals();
        note(&mut path, &now, begun.elapsed(), answered - before);
        if done(&now) {
            let took = begun.elapsed();
            return Ok(Driven { now, took, path });
        }
        if answered > progress.0 {
            progress = (answered, Instant::now());
        }
        if answered - before > most || progress.1.elapsed() > STILL {
            bail!(
                "not within {most} requests ({} in {:.0} s): went {}, waits for: {}; refused last: {}",
                answered - before,
                begun.elapsed().as_secs_f64(),
                told(&path),
                now.waits_for().join("; "),
                refused.unwrap_or_default()
            );
        }
        if let Err(refusal) = tokio::task::block_in_place(|| push(program, &now)) {
            // What has changed since it was looked at is refused, and seen at the next look.
            refused = Some(format!("{refusal:#}"));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn note(path: &mut Vec<Step>, now: &Now, at: Duration, answered: u64) {
    let percent = now.percent();
    let stands = path
        .last()
        .is_some_and(|last| last.stage == now.stage() && last.percent.total_cmp(&percent).is_eq());
    if !stands {
        path.push(Step {
            stage: now.stage().to_owned(),
            percent,
            at,
            answered,
        });
    }
}

fn told(path: &[Step]) -> String {
    let mut told = String::new();
    for step in path {
        let arrow = if told.is_empty() { "" } else { " → " };
        let (stage, percent, at) = (&step.stage, step.percent, step.at.as_secs_f64());
        // Writing to a text cannot fail.
        let _ = write!(
            told,
            "{arrow}{stage} {percent} % (at {at:.0} s, {} requests)",
            step.answered
        );
    }
    told
}

/// What a person does who sees this: first what waits for somebody, then the signature, then the step. What is counted once a
/// minute is counted at every attempt to advance too, so that is tried.
fn push(program: &Program, now: &Now) -> Result<()> {
    let waits = now.waits_for();
    let is_signature = |wait: &&str| wait.contains("signed") || wait.contains("sign-off");
    let is_counted = |wait: &&str| wait.contains("counted as compared");
    let is_reviews = |wait: &&str| wait.contains("reviews of the route are open");
    let is_other = |wait: &&str| !is_signature(wait) && !is_counted(wait) && !is_reviews(wait);
    if waits.iter().any(is_other) {
        return Ok(());
    }
    if waits.iter().any(is_reviews) {
        close_reviews(program)?;
    }
    if waits.iter().any(is_signature) {
        sign(program)?;
    }
    let words = ["advance", ROUTE, "--reason", "nothing else is in the way"];
    program.operate(&words).map(drop)
}

/// Decides what waits for a person: the answers of a benign pair differ, and that does not matter to this process.
fn close_reviews(program: &Program) -> Result<()> {
    let asked = [
        "reviews", "--route", ROUTE, "--limit", "1000", "--output", "json",
    ];
    let open: Value = serde_json::from_str(&program.operate(&asked)?)?;
    let open = open.get("reviews").and_then(Value::as_array);
    for review in open.into_iter().flatten() {
        let id = review.get("id").and_then(Value::as_u64);
        let id = id.context("a review has no number")?.to_string();
        let decided = program.operate(&["review", &id, "--verdict", "acceptable"]);
        decided.with_context(|| format!("review {id}"))?;
    }
    Ok(())
}

// === impl Driven ===

impl Driven {
    /// The stages and shares that it went through, with the time and the requests until then.
    pub(super) fn path(&self) -> String {
        told(&self.path)
    }

    /// The stages and shares alone.
    pub(super) fn steps(&self) -> Vec<(&str, f64)> {
        let steps = self.path.iter();
        steps
            .map(|step| (step.stage.as_str(), step.percent))
            .collect()
    }

    /// The largest share that was seen.
    pub(super) fn highest(&self) -> f64 {
        let shares = self.path.iter().map(|step| step.percent);
        shares.fold(0.0, f64::max)
    }
}
