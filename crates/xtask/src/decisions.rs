//! `cargo xtask decisions`: builds and runs the simulations of `crossfade-decisions` optimised, whatever this program was built
//! as. They are a program of their own, so that nothing else has to be built that way.

use std::{ffi::OsString, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// Arguments of `cargo xtask decisions`.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Arguments {
    /// Passed on: `--help` says what there is.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs the simulations, and fails if a bound is broken.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let status = Command::new("cargo")
        .current_dir(workspace::root())
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "crossfade-decisions",
            "--",
        ])
        .args(&arguments.arguments)
        .status()
        .context("cannot run cargo")?;
    ensure!(
        status.success(),
        "a bound is broken: see the lines marked BROKEN above"
    );
    Ok(())
}
