//! `cargo xtask e2e`: what needs more than Rust. Clients of several makers run the same programs against the simulated
//! Azure, through the proxy and when the candidate answers, a real Prometheus scrapes it, the system calls of a raise are looked at, the
//! program is killed between any two of its writes, and a browser opens the page of a replay.
//!
//! The end-to-end tests that need nothing else are `cargo test`'s.

use std::{ffi::OsStr, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::{print, workspace};

mod clients;
mod durability;
mod kill;
mod program;
mod same;
mod stage;

pub(crate) use program::Program;
use stage::Stage;

/// What has to be installed, and by which package.
const TOOLS: &[(&str, &str)] = &[
    ("python3", "python3"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("strace", "strace"),
    ("chromium", "chromium"),
];

/// `e2e`
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only this part
    #[arg(long, value_enum)]
    only: Option<Part>,
}

/// What can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Clients of several makers; needs Python and Node
    Clients,
    /// The order of system calls of a raise
    Durability,
    /// Killing the program between any two writes
    Kill,
}

/// Runs every part, or the one that is asked for.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.only {
        Some(part) => alone(part),
        None => all(),
    }
}

fn alone(part: Part) -> Result<()> {
    let program = workspace::build_crossfade()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let stage = runtime.block_on(Stage::new())?;
    match part {
        Part::Clients => {
            let here = workspace::root().join("crates/xtask/e2e");
            let proxy = Program::serve(&program, &stage)?;
            let clients = clients::Clients::new(&here)?;
            clients.check(&stage, &proxy).context("clients")
        }
        Part::Durability => durability::check(&program, &stage).context("durability"),
        Part::Kill => kill::check(&program, &stage).context("kill"),
    }
}

fn all() -> Result<()> {
    for (tool, package) in TOOLS {
        let found = Command::new(tool).arg("--version").output().is_ok();
        ensure!(
            found,
            "{tool} is missing: install it, such as by apt-get install {package}"
        );
    }
    let here = workspace::root().join("crates/xtask/e2e");
    let clients = clients::Clients::new(&here)?;
    let program = workspace::build_crossfade()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let stage = runtime.block_on(Stage::new())?;
    let proxy = Program::serve(&program, &stage)?;

    clients.check(&stage, &proxy).context("clients")?;
    let deploy = workspace::root().join("deploy/prometheus");
    let admin = proxy.admin.to_string();
    let scraped = clients
        .python()
        .run(
            &here.join("prometheus.py"),
            &[OsStr::new(&admin), deploy.as_os_str()],
        )
        .context("Prometheus")?;
    print::line(scraped.trim());
    durability::check(&program, &stage).context("durability")?;
    kill::check(&program, &stage).context("kill")?;
    crate::page::check(&program, None, None).context("the page of a replay")
}
