//! The official client's programs: through the proxy they get what they get from Azure directly, and they run unchanged when
//! the candidate answers.

use std::{ffi::OsStr, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use crossfade_sim::script::Fault;
use serde_json::Value;

use super::{Program, Stage};
use crate::{print, python::Python};

/// What the official client reports for each program.
type Results = Vec<Value>;

/// Runs the programs in every setting.
pub(super) fn check(python: &Python, script: &Path, stage: &Stage, proxy: &Program) -> Result<()> {
    let through = format!("http://{}", proxy.address);
    let run = |endpoint: &str, mode: &str| -> Result<Results> {
        let printed = python.run(script, &[OsStr::new(endpoint), OsStr::new(mode)])?;
        printed
            .lines()
            .map(|line| serde_json::from_str(line).context("no JSON"))
            .collect()
    };
    let compare = |what: &str| -> Result<Results> {
        let direct = run(&stage.azure.url(), "primary")?;
        equal(what, &direct, &run(&through, "primary")?)?;
        Ok(direct)
    };
    let well = compare("in good health")?;
    answered(&well)?;
    for status in [429, 500, 503] {
        stage.azure.script().set_fault(Fault::Status {
            status,
            retry_after: Some(7),
        });
        compare(&format!("under status {status}"))?;
    }
    stage.azure.script().set_fault(Fault::None);

    proxy.operate(&[
        "split",
        "support",
        "100",
        "--override",
        "--reason",
        "end-to-end test",
    ])?;
    proxy.until("the share in effect", |route| {
        route.get("effective_percent") == Some(&100.0.into())
    })?;
    let asked = stage.azure.script().requests();
    let theirs = run(&through, "candidate")?;
    candidate(&well, &theirs)?;
    // What no candidate can answer: three refusals and two other operations, on both paths.
    let azures = stage.azure.script().requests() - asked;
    ensure!(azures == 10, "{azures} requests were Azure's instead of 10");
    let route = proxy.until("the copies' ends", |route| {
        route.pointer("/accounting/in_flight") == Some(&0.into())
    })?;
    proxy.operate(&["rollback", "support", "--reason", "end-to-end test is over"])?;
    ensure!(
        route.get("identity_holds") == Some(&true.into()),
        "the counts do not add up: {route}"
    );
    print::line(format_args!(
        "official client: {} programs get the same directly and through the proxy, under 4 conditions; \
         {} run when the candidate answers",
        well.len(),
        theirs.len()
    ));
    Ok(())
}

fn name(result: &Value) -> String {
    format!("{} on {}", result["program"], result["client"])
}

fn equal(what: &str, direct: &Results, through: &Results) -> Result<()> {
    ensure!(
        direct.len() == through.len(),
        "{} and {} programs",
        direct.len(),
        through.len()
    );
    for (direct, through) in direct.iter().zip(through) {
        ensure!(
            direct == through,
            "{} {what}:\n  directly          {direct}\n  through the proxy {through}",
            name(direct)
        );
    }
    Ok(())
}

/// The programs do what they are for: else equal results would say nothing.
fn answered(results: &Results) -> Result<()> {
    let mut refused = 0;
    for result in results {
        if let Some(problem) = result["failed"].as_str() {
            bail!("{} fails against Azure itself: {problem}", name(result));
        }
        refused += usize::from(result["raised"].is_string());
    }
    // An unknown deployment, a wrong key, a bad argument and the content filter, on both paths.
    ensure!(refused == 8, "{refused} programs were refused instead of 8");
    Ok(())
}

/// When the candidate answers, each program ends as it does with the primary.
fn candidate(primary: &Results, candidate: &Results) -> Result<()> {
    ensure!(
        candidate.len() + 2 == primary.len(),
        "{} programs",
        candidate.len()
    );
    for theirs in candidate {
        let same = |result: &&Value| {
            result["program"] == theirs["program"] && result["client"] == theirs["client"]
        };
        let ours = primary
            .iter()
            .find(same)
            .context("a program that the primary never ran")?;
        let ends = |result: &Value| {
            let kind = ["got", "raised", "failed"]
                .into_iter()
                .find(|kind| !result[*kind].is_null());
            (kind, result["status"].clone(), result["code"].clone())
        };
        ensure!(
            ends(theirs) == ends(ours),
            "{}:\n  {theirs}\n  {ours}",
            name(theirs)
        );
    }
    Ok(())
}
