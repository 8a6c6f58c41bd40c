//! A Python environment under the build directory, for judging our output with other people's code.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// An environment with packages installed.
#[derive(Debug)]
pub(crate) struct Python {
    program: PathBuf,
}

// === impl Python ===

impl Python {
    /// Makes sure that the environment of this name has exactly these requirements. A second call changes nothing.
    pub(crate) fn with_requirements(name: &str, requirements: &Path) -> Result<Self> {
        let wanted = fs::read_to_string(requirements)
            .with_context(|| format!("cannot read {}", requirements.display()))?;
        let build = workspace::build_directory()?;
        let directory = build.parent().unwrap_or(&build).join("python").join(name);
        let python = Self {
            program: directory.join("bin/python"),
        };
        let installed = directory.join("installed.txt");
        if fs::read_to_string(&installed).is_ok_and(|have| have == wanted) {
            return Ok(python);
        }
        run(Command::new("python3").args([
            OsStr::new("-m"),
            OsStr::new("venv"),
            OsStr::new("--clear"),
            directory.as_os_str(),
        ]))?;
        run(Command::new(&python.program).args([
            OsStr::new("-m"),
            OsStr::new("pip"),
            OsStr::new("install"),
            OsStr::new("--quiet"),
            OsStr::new("--disable-pip-version-check"),
            OsStr::new("--requirement"),
            requirements.as_os_str(),
        ]))?;
        fs::write(&installed, wanted).context("cannot note what was installed")?;
        Ok(python)
    }

    /// Runs a script and returns what it wrote to its standard output.
    pub(crate) fn run(&self, script: &Path, arguments: &[&OsStr]) -> Result<String> {
        run(Command::new(&self.program).arg(script).args(arguments))
    }
}

fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_owned();
    let output = command
        .output()
        .with_context(|| format!("cannot run {}: install Python 3", program.display()))?;
    if !output.status.success() {
        bail!(
            "{} failed with {}: {}",
            program.display(),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
