//! The clients' programs: through the proxy they get what they get from Azure directly, and what they see when the
//! candidate answers is the same but for what a written reason explains.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use crossfade_sim::script::Fault;
use serde_json::Value;

use super::{
    Program, Stage, same,
    stage::{self, EMBED, FAMILY, Route, SUPPORT},
};
use crate::{node::Node, print, python::Python};

mod table;

use table::{CLOSING, Client, Language, MOVED, OFFICIAL, OFFICIAL_RESPONSES, OTHERS, RESPONSES};

/// What a client reports for each program.
type Results = Vec<Value>;

/// The share of the requests that fail where programs have to outlast failures.
const FLAKY: f64 = 0.3;

/// Programs that clients of chat completions have for failures.
const RETRIES: &str = "retries";

/// Programs that read a stream.
const STREAMS: &str = "streams";

/// One request of each credential, which is the primary's on every route.
const PRIME: &str = "prime";

/// All clients.
#[derive(Debug)]
pub(super) struct Clients {
    python: Python,
    node: Node,
    scripts: PathBuf,
}

/// What every comparison needs, and finds.
struct Comparison<'a> {
    stage: &'a Stage,
    proxy: &'a Program,
    /// Reasons that explained something.
    needed: BTreeSet<&'static str>,
    /// What nothing explains.
    found: Vec<String>,
    programs: usize,
}

/// What the proxy counts of the deployment that most programs ask.
struct Counted {
    compared: u64,
    /// Requests whose caller went away.
    aborted: u64,
}

// === impl Clients ===

impl Clients {
    /// Installs what they need.
    pub(super) fn new(scripts: &Path) -> Result<Self> {
        Ok(Self {
            python: Python::with_requirements("e2e", &scripts.join("requirements.txt"))?,
            node: Node::with_programs("e2e", &scripts.join("node"))?,
            scripts: scripts.to_owned(),
        })
    }

    /// The environment of those that are written in Python.
    pub(super) fn python(&self) -> &Python {
        &self.python
    }

    /// Runs the programs in every setting.
    pub(super) fn check(&self, stage: &Stage, proxy: &Program) -> Result<()> {
        let (direct, through) = (stage.azure.url(), format!("http://{}", proxy.address));
        let places = [&*direct, &*through];
        let chat = self.well(&[&[OFFICIAL], OTHERS].concat(), places)?;
        let responses = self.well(RESPONSES, places)?;
        self.close_at_the_end_mark(stage, proxy)?;
        self.unwell(stage, places)?;
        self.outlast(stage.azure.script(), &through, "Azure")?;

        let mut comparison = Comparison {
            stage,
            proxy,
            needed: BTreeSet::new(),
            found: Vec::new(),
            programs: 0,
        };
        raise(proxy, EMBED)?;
        let all = [&chat[..], &responses].concat();
        self.moved(SUPPORT, &all, &mut comparison)?;
        self.outlast(stage.bedrock.script(), &through, "Bedrock")?;
        let official = chat
            .iter()
            .filter(|(client, _)| MOVED.iter().any(|moved| moved.name == client.name));
        let all: Vec<_> = official.chain(&responses).cloned().collect();
        for route in FAMILY {
            self.moved(*route, &all, &mut comparison)?;
        }
        for route in stage::routes() {
            settle(proxy, route)?;
        }
        comparison.conclude()
    }

    /// Runs the programs while all is well, directly and through the proxy, and returns what they see.
    fn well(&self, clients: &[Client], places: [&str; 2]) -> Result<Vec<(Client, Results)>> {
        let clients = clients.iter();
        clients
            .map(|client| {
                let results = self.compare(*client, places, "in good health")?;
                Ok((*client, results))
            })
            .collect()
    }

    /// Whoever has read a stream's end mark has had the answer: though the connection never ends, it is compared as any other.
    fn close_at_the_end_mark(&self, stage: &Stage, proxy: &Program) -> Result<()> {
        let through = format!("http://{}", proxy.address);
        let before = Counted::read(proxy)?;
        stage.azure.script().set_fault(Fault::Linger);
        let mut programs = 0;
        for client in CLOSING {
            let results = self.run(*client, &through, STREAMS, SUPPORT)?;
            answered(&results, 0).with_context(|| format!("{} at the end mark", client.name))?;
            programs += results.len();
        }
        stage.azure.script().set_fault(Fault::None);
        let after = Counted::read(proxy)?;
        ensure!(
            after.aborted == before.aborted,
            "{} of {programs} programs that closed at the end mark count as callers who went away",
            after.aborted - before.aborted
        );
        let compared = usize::try_from(after.compared - before.compared)?;
        ensure!(
            compared >= programs,
            "{compared} of {programs} streams that were closed at the end mark were compared"
        );
        print::line(format_args!(
            "{programs} programs of {} clients closed their streams at the end mark: {compared} compared, none counts as given up",
            CLOSING.len()
        ));
        Ok(())
    }

    /// Failures of the primary are seen as they are.
    fn unwell(&self, stage: &Stage, [direct, through]: [&str; 2]) -> Result<()> {
        for status in [429, 500, 503] {
            stage.azure.script().set_fault(Fault::Status {
                status,
                retry_after: Some(7),
            });
            let what = format!("under status {status}");
            for client in [OFFICIAL, OFFICIAL_RESPONSES] {
                let directly = self.run(client, direct, client.primary, SUPPORT)?;
                let through = self.run(client, through, client.primary, SUPPORT)?;
                equal(&what, &directly, &through)?;
            }
        }
        stage.azure.script().set_fault(Fault::None);
        Ok(())
    }

    /// Moves a deployment to its candidate, and compares what the programs see with what they saw of the primary.
    fn moved(
        &self,
        route: Route,
        clients: &[(Client, Results)],
        comparison: &mut Comparison<'_>,
    ) -> Result<()> {
        let script = comparison.stage.azure.script();
        let through = format!("http://{}", comparison.proxy.address);
        raise(comparison.proxy, route)?;
        for client in [OFFICIAL, OFFICIAL_RESPONSES] {
            self.run(client, &through, PRIME, route)?;
        }
        for (client, primary) in clients {
            let asked = script.requests();
            let theirs = self.run(*client, &through, client.candidate, route)?;
            let azures = script.requests() - asked;
            let (name, deployment, expected) = (client.name, route.deployment, client.azures);
            if azures != expected {
                comparison.found.push(format!(
                    "{deployment}: {name}: {azures} requests were Azure's instead of {expected}"
                ));
            }
            comparison.programs += theirs.len();
            let found = same::check(name, primary, &theirs, &mut comparison.needed)?;
            let found = found.iter().map(|found| format!("{deployment}: {found}"));
            comparison.found.extend(found);
        }
        print::line(format_args!(
            "{} clients' programs ran against {}",
            clients.len(),
            route.what
        ));
        Ok(())
    }

    /// Runs a client's programs at both places; the results must be equal and as they should be.
    fn compare(&self, client: Client, [direct, through]: [&str; 2], what: &str) -> Result<Results> {
        let direct = self.run(client, direct, client.primary, SUPPORT)?;
        answered(&direct, client.refused).with_context(|| client.name)?;
        let through = self.run(client, through, client.primary, SUPPORT)?;
        equal(what, &direct, &through)?;
        Ok(direct)
    }

    /// While a part of the requests fail, programs that try again see nothing of it.
    fn outlast(
        &self,
        script: &crossfade_sim::script::Script,
        endpoint: &str,
        whose: &str,
    ) -> Result<()> {
        let fault = Fault::Status {
            status: 429,
            retry_after: Some(1),
        };
        script.set_faults(vec![(FLAKY, fault)]);
        for client in OTHERS {
            let results = self.run(*client, endpoint, RETRIES, SUPPORT)?;
            answered(&results, 0).with_context(|| format!("while {whose} fails"))?;
        }
        script.set_fault(Fault::None);
        Ok(())
    }

    fn run(&self, client: Client, endpoint: &str, which: &str, route: Route) -> Result<Results> {
        let arguments = [endpoint, which, route.deployment].map(OsStr::new);
        let printed = match client.language {
            Language::Node => self.node.run(client.file, &arguments)?,
            Language::Python => {
                let script = self.scripts.join(client.file);
                self.python.run(&script, &arguments)?
            }
        };
        // Answers may name the deployment: by one name they can be compared.
        let quoted = |route: Route| format!("\"{}\"", route.deployment);
        printed
            .replace(&quoted(route), &quoted(SUPPORT))
            .lines()
            .map(|line| serde_json::from_str(line).context("no JSON"))
            .collect()
    }
}

// === impl Counted ===

impl Counted {
    /// Reads them once nothing is under way.
    fn read(proxy: &Program) -> Result<Self> {
        let state = proxy.until(SUPPORT.deployment, "the copies' ends", |route| {
            let none = |of: &str| route.pointer(of) == Some(&0.into());
            none("/accounting/in_flight") && none("/accounting/mirror_in_flight")
        })?;
        let by_size = |pointer: &str| {
            let found = state.pointer(pointer).and_then(Value::as_object);
            found.into_iter().flatten().map(|(_, of_size)| of_size)
        };
        let aborted = by_size("/accounting/skipped")
            .flat_map(|of_size| ["client_abort", "candidate_abort"].map(|of| of_size.get(of)))
            .flatten()
            .filter_map(Value::as_u64)
            .sum();
        Ok(Self {
            compared: by_size("/accounting/compared")
                .filter_map(Value::as_u64)
                .sum(),
            aborted,
        })
    }
}

// === impl Comparison ===

impl Comparison<'_> {
    /// Nothing is unexplained, and every reason was needed.
    fn conclude(self) -> Result<()> {
        for found in &self.found {
            print::line(found);
        }
        ensure!(
            self.found.is_empty(),
            "{} things differ that nothing explains when the candidate answers",
            self.found.len()
        );
        for reason in same::REASONS {
            let is_needed = self.needed.contains(reason.name);
            ensure!(is_needed, "the reason {} explains nothing", reason.name);
            print::line(format_args!(
                "differs when the candidate answers: {}: {}",
                reason.path, reason.why
            ));
        }
        print::line(format_args!(
            "{} kinds of clients: {} programs see the same directly, through the proxy and when a candidate answers",
            1 + OTHERS.len() + RESPONSES.len(),
            self.programs
        ));
        Ok(())
    }
}

/// Lets the candidate answer all that it may.
fn raise(proxy: &Program, route: Route) -> Result<()> {
    let name = route.deployment;
    proxy.operate(&[
        "split",
        name,
        "100",
        "--override",
        "--reason",
        "end-to-end test",
    ])?;
    proxy.until(name, "the share in effect", |route| {
        route.get("effective_percent") == Some(&100.0.into())
    })?;
    Ok(())
}

/// Gives a deployment back to the primary; what was counted until then adds up.
fn settle(proxy: &Program, route: Route) -> Result<()> {
    let name = route.deployment;
    let state = proxy.until(name, "the copies' ends", |route| {
        route.pointer("/accounting/in_flight") == Some(&0.into())
    })?;
    proxy.operate(&["rollback", name, "--reason", "end-to-end test is over"])?;
    ensure!(
        state.get("identity_holds") == Some(&true.into()),
        "the counts do not add up: {state}"
    );
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
            same::steady_runs(direct) == same::steady_runs(through),
            "{} {what}:\n  directly          {direct}\n  through the proxy {through}",
            name(direct)
        );
    }
    Ok(())
}

/// The programs do what they are for: else equal results would say nothing.
fn answered(results: &Results, expected: usize) -> Result<()> {
    ensure!(!results.is_empty(), "no program ran");
    let mut refused = 0;
    for result in results {
        if let Some(problem) = result["failed"].as_str() {
            bail!("{} fails: {problem}", name(result));
        }
        refused += usize::from(result["raised"].is_string());
    }
    ensure!(
        refused == expected,
        "{refused} programs were refused instead of {expected}"
    );
    Ok(())
}
