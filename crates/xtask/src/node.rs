//! A Node.js environment under the build directory, for clients that are written in it.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::workspace;

/// Packages installed, and programs beside them.
#[derive(Debug)]
pub(crate) struct Node {
    directory: PathBuf,
}

// === impl Node ===

impl Node {
    /// Copies a folder of programs, and makes sure that the packages of its `package.json` are installed beside them. A
    /// second call installs nothing.
    pub(crate) fn with_programs(name: &str, folder: &Path) -> Result<Self> {
        let build = workspace::build_directory()?;
        let directory = build.parent().unwrap_or(&build).join("node").join(name);
        fs::create_dir_all(&directory).context("cannot make a directory")?;
        let place = folder.display();
        for entry in fs::read_dir(folder).with_context(|| format!("cannot read {place}"))? {
            let entry = entry.with_context(|| format!("cannot read {place}"))?;
            fs::copy(entry.path(), directory.join(entry.file_name()))
                .context("cannot copy a program")?;
        }
        let wanted = fs::read_to_string(folder.join("package.json"))
            .with_context(|| format!("cannot read package.json in {place}"))?;
        let installed = directory.join("installed.json");
        if fs::read_to_string(&installed).is_ok_and(|have| have == wanted) {
            return Ok(Self { directory });
        }
        let mut install = Command::new("npm");
        install.current_dir(&directory).args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
            "--ignore-scripts",
        ]);
        let output = install
            .output()
            .context("cannot run npm: install Node.js")?;
        ensure!(
            output.status.success(),
            "npm failed with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        fs::write(&installed, wanted).context("cannot note what was installed")?;
        Ok(Self { directory })
    }

    /// Runs a program and returns what it wrote to its standard output.
    pub(crate) fn run(&self, program: &str, arguments: &[&OsStr]) -> Result<String> {
        let output = Command::new("node")
            .current_dir(&self.directory)
            .arg(program)
            .args(arguments)
            .output()
            .context("cannot run node: install Node.js")?;
        ensure!(
            output.status.success(),
            "{program} failed with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
