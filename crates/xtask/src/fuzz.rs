//! `cargo xtask fuzz`: the fuzz targets under libFuzzer, on the stable compiler, for a fixed time. The workspace's own
//! crates are instrumented, what they depend on is not. What was found interesting stays under the build directory, so
//! that a later run goes on from there.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{print, workspace};

/// All targets.
const TARGETS: &[&str] = &[
    "requests",
    "answers",
    "wire",
    "comparison",
    "golden",
    "kept",
];

/// An input that takes longer has hung.
const LONGEST_INPUT_SECONDS: u32 = 20;

/// Bytes that an input has at most.
const LARGEST_INPUT: u32 = 8192;

/// What `fuzz` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// For how long each target runs
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Only these targets
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(TARGETS))]
    target: Vec<String>,
}

/// Builds and runs them; fails at the first input that breaks one.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    build()?;
    let programs = workspace::build_directory()?;
    let home = programs.parent().unwrap_or(&programs).join("fuzz");
    let asked = |target: &&&str| {
        arguments.target.is_empty() || arguments.target.iter().any(|asked| asked == **target)
    };
    for target in TARGETS.iter().filter(asked) {
        let program = programs.join(format!("fuzz-{target}"));
        let runs = fuzz(&program, &home.join(target), arguments.seconds)
            .with_context(|| format!("the target {target}"))?;
        print::line(format_args!(
            "{target}: {runs} inputs in {} seconds, and none broke it",
            arguments.seconds
        ));
    }
    Ok(())
}

fn build() -> Result<()> {
    let wrapper = workspace::root().join("tests/fuzz/rustc.sh");
    let mut build = Command::new("cargo");
    build
        .current_dir(workspace::root())
        .env("RUSTC_WORKSPACE_WRAPPER", wrapper)
        .args(["build", "--quiet", "--package", "crossfade-fuzz"])
        .args(["--features", "libfuzzer", "--bins"]);
    if workspace::build_directory()?.ends_with("release") {
        build.arg("--release");
    }
    let status = build.status().context("cannot run cargo")?;
    ensure!(status.success(), "building the fuzz targets failed");
    Ok(())
}

/// Runs a program of libFuzzer; how many inputs it tried.
fn fuzz(program: &Path, home: &Path, seconds: u32) -> Result<u64> {
    let corpus = home.join("corpus");
    fs::create_dir_all(&corpus).context("cannot make a directory")?;
    let output = Command::new(program)
        .arg(&corpus)
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={LONGEST_INPUT_SECONDS}"))
        .arg(format!("-max_len={LARGEST_INPUT}"))
        .arg(format!("-artifact_prefix={}/", home.display()))
        .args(["-print_final_stats=1", "-verbosity=0"])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("an input breaks it:\n{}", tail(&said));
    }
    runs(&said)
        .with_context(|| format!("it did not say how many inputs it tried:\n{}", tail(&said)))
}

/// How many inputs were tried, by the statistics at the end.
fn runs(said: &str) -> Option<u64> {
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    let runs = line.trim().parse().ok()?;
    (runs > 0).then_some(runs)
}

/// The last lines.
fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    let (_, last) = lines.split_at(lines.len().saturating_sub(30));
    last.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_counted() {
        let check = |said: &str, expected: Option<u64>| assert_eq!(runs(said), expected, "{said}");
        check("a\nstat::number_of_executed_units: 123\nb", Some(123));
        check("stat::number_of_executed_units: 0", None);
        check("Done", None);
    }
}
