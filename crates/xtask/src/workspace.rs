//! Where things lie in the workspace, and how its programs are built.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// Where builds of this profile lie: beside the running program.
pub(crate) fn build_directory() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program lies")?;
    Ok(program
        .parent()
        .context("this program lies nowhere")?
        .to_path_buf())
}

/// Builds `crossfade` in the profile of the running program, and says where it lies.
pub(crate) fn build_crossfade() -> Result<PathBuf> {
    let directory = build_directory()?;
    let mut build = Command::new("cargo");
    build
        .current_dir(root())
        .args(["build", "--quiet", "--package", "crossfade"]);
    if directory.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().context("cannot run cargo")?;
    ensure!(status.success(), "building crossfade failed");
    let program = directory
        .join("crossfade")
        .with_extension(std::env::consts::EXE_EXTENSION);
    ensure!(program.exists(), "no program at {}", program.display());
    Ok(program)
}
