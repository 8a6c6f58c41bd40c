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

use super::{Program, Stage, same};
use crate::{node::Node, print, python::Python};

/// What a client reports for each program.
type Results = Vec<Value>;

/// The share of the requests that fail where programs have to outlast failures.
const FLAKY: f64 = 0.3;

/// Requests of each of the others that no candidate answers: an unknown deployment and a wrong key.
const PRIMARYS_OWN: usize = 2;

/// Programs that each client of the second kind has for failures.
const RETRIES: &str = "retries";

/// All clients.
#[derive(Debug)]
pub(super) struct Clients {
    python: Python,
    node: Node,
    scripts: PathBuf,
}

/// What a client's programs are written in.
#[derive(Clone, Copy, Debug)]
enum Language {
    Python,
    Node,
}

/// A client by its name and the file of its programs.
#[derive(Clone, Copy, Debug)]
struct Client {
    name: &'static str,
    language: Language,
    file: &'static str,
    /// Programs that are refused, by design, when all is well.
    refused: usize,
}

/// The official client, whose programs cover the most.
const OFFICIAL: Client = Client {
    name: "openai-python",
    language: Language::Python,
    file: "programs.py",
    // An unknown deployment, a wrong key, a bad argument and the content filter, on both paths.
    refused: 8,
};

/// The others: an unknown deployment and a wrong key are refused.
const OTHERS: &[Client] = &[
    Client {
        name: "langchain",
        language: Language::Python,
        file: "langchain.py",
        refused: 2,
    },
    Client {
        name: "semantic kernel",
        language: Language::Python,
        file: "semantic.py",
        refused: 2,
    },
    Client {
        name: "openai-node",
        language: Language::Node,
        file: "openai.mjs",
        refused: 2,
    },
    Client {
        name: "vercel ai",
        language: Language::Node,
        file: "vercel.mjs",
        refused: 2,
    },
];

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
        let direct = stage.azure.url();
        let through = format!("http://{}", proxy.address);
        let well = self.compare(OFFICIAL, "primary", [&direct, &through], "in good health")?;
        let mut others = Vec::new();
        for client in OTHERS {
            let results = self.compare(*client, "all", [&direct, &through], "in good health")?;
            others.push((*client, results));
        }
        for status in [429, 500, 503] {
            stage.azure.script().set_fault(Fault::Status {
                status,
                retry_after: Some(7),
            });
            let what = format!("under status {status}");
            let (direct, through) = (
                self.run(OFFICIAL, &direct, "primary")?,
                self.run(OFFICIAL, &through, "primary")?,
            );
            equal(&what, &direct, &through)?;
        }
        stage.azure.script().set_fault(Fault::None);
        self.outlast(stage.azure.script(), &through, "Azure")?;

        for route in ["support", "embed"] {
            let reason = ["--override", "--reason", "end-to-end test"];
            proxy.operate(&[&["split", route, "100"][..], &reason].concat())?;
            proxy.until(route, "the share in effect", |route| {
                route.get("effective_percent") == Some(&100.0.into())
            })?;
        }
        let asked = stage.azure.script().requests();
        let theirs = self.run(OFFICIAL, &through, "candidate")?;
        // What no candidate can answer: three refusals and another operation, on both paths.
        let azures = stage.azure.script().requests() - asked;
        ensure!(azures == 8, "{azures} requests were Azure's instead of 8");
        let mut programs = theirs.len();
        let mut needed = BTreeSet::new();
        let mut found = same::check(OFFICIAL.name, &well, &theirs, &mut needed)?;
        for (client, primary) in &others {
            let theirs = self.run(*client, &through, "all")?;
            programs += theirs.len();
            found.extend(same::check(client.name, primary, &theirs, &mut needed)?);
        }
        let azures = stage.azure.script().requests() - asked - azures;
        let expected = OTHERS.len() * PRIMARYS_OWN;
        ensure!(
            azures == expected as u64,
            "{azures} requests of other clients were Azure's instead of {expected}"
        );
        for found in &found {
            print::line(found);
        }
        ensure!(
            found.is_empty(),
            "{} fields differ that nothing explains when the candidate answers",
            found.len()
        );
        for reason in same::REASONS {
            let is_needed = needed.contains(reason.name);
            ensure!(is_needed, "the reason {} explains nothing", reason.name);
            print::line(format_args!(
                "differs when the candidate answers: {}: {}",
                reason.path, reason.why
            ));
        }
        self.outlast(stage.bedrock.script(), &through, "Bedrock")?;
        let route = proxy.until("support", "the copies' ends", |route| {
            route.pointer("/accounting/in_flight") == Some(&0.into())
        })?;
        for route in ["support", "embed"] {
            proxy.operate(&["rollback", route, "--reason", "end-to-end test is over"])?;
        }
        ensure!(
            route.get("identity_holds") == Some(&true.into()),
            "the counts do not add up: {route}"
        );
        print::line(format_args!(
            "{} clients: {programs} programs see the same directly, through the proxy and when the candidate answers",
            OTHERS.len() + 1
        ));
        Ok(())
    }

    /// Runs a client's programs at both places; the results must be equal and as they should be.
    fn compare(
        &self,
        client: Client,
        which: &str,
        [direct, through]: [&str; 2],
        what: &str,
    ) -> Result<Results> {
        let direct = self.run(client, direct, which)?;
        answered(&direct, client.refused)?;
        equal(what, &direct, &self.run(client, through, which)?)?;
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
            let results = self.run(*client, endpoint, RETRIES)?;
            answered(&results, 0).with_context(|| format!("while {whose} fails"))?;
        }
        script.set_fault(Fault::None);
        Ok(())
    }

    fn run(&self, client: Client, endpoint: &str, which: &str) -> Result<Results> {
        let arguments = [OsStr::new(endpoint), OsStr::new(which)];
        let printed = match client.language {
            Language::Node => self.node.run(client.file, &arguments)?,
            Language::Python => {
                let script = self.scripts.join(client.file);
                self.python.run(&script, &arguments)?
            }
        };
        printed
            .lines()
            .map(|line| serde_json::from_str(line).context("no JSON"))
            .collect()
    }
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
