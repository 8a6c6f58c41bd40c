//! `cargo xtask e2e`: what needs more than Rust. Clients of several makers run the same programs against the simulated
//! Azure, through the proxy and when the candidate answers, a real Prometheus scrapes it, the system calls of a raise are looked at, and a
//! browser opens the page of a replay.
//!
//! The end-to-end tests that need nothing else are `cargo test`'s.

use std::{ffi::OsStr, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::{print, workspace};

mod clients;
mod durability;
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

/// Runs every part.
pub(crate) fn run() -> Result<()> {
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
    crate::page::check(&program, None, None).context("the page of a replay")
}
