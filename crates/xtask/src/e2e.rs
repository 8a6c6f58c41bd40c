//! `cargo xtask e2e`: what needs more than Rust. The official client runs the same programs against the simulated Azure
//! and through the proxy, a real Prometheus scrapes it, and the system calls of a raise are looked at.
//!
//! The end-to-end tests that need nothing else are `cargo test`'s.

use std::{ffi::OsStr, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::{print, python::Python, workspace};

mod clients;
mod durability;
mod program;
mod stage;

use program::Program;
use stage::Stage;

/// What has to be installed, and by which package.
const TOOLS: &[(&str, &str)] = &[
    ("python3", "python3"),
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("strace", "strace"),
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
    let python = Python::with_requirements("e2e", &here.join("requirements.txt"))?;
    let program = workspace::build_crossfade()?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let stage = runtime.block_on(Stage::new())?;
    let proxy = Program::serve(&program, &stage)?;

    clients::check(&python, &here.join("programs.py"), &stage, &proxy)
        .context("official clients")?;
    let deploy = workspace::root().join("deploy/prometheus");
    let admin = proxy.admin.to_string();
    let scraped = python
        .run(
            &here.join("prometheus.py"),
            &[OsStr::new(&admin), deploy.as_os_str()],
        )
        .context("Prometheus")?;
    print::line(scraped.trim());
    durability::check(&program, &stage).context("durability")
}
