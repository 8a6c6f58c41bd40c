//! Runs a scenario under valgrind and reads what it counted.

use std::{fs, path::Path, process::Command};

use anyhow::Context as _;

use super::Scenario;

/// Requests of the shorter run; the longer one has twice as many.
const REQUESTS: u64 = 500;

/// Instructions for each request of a scenario, client and upstream included.
pub fn per_request(scenario: Scenario) -> anyhow::Result<u64> {
    let directory = tempfile::tempdir()?;
    let short = count(scenario, REQUESTS, directory.path())?;
    let long = count(scenario, REQUESTS * 2, directory.path())?;
    Ok(long.saturating_sub(short) / REQUESTS)
}

fn count(scenario: Scenario, requests: u64, directory: &Path) -> anyhow::Result<u64> {
    let file = directory.join(format!("{scenario}.{requests}"));
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args(["play", scenario.as_str(), &requests.to_string()])
        .output()
        .context("valgrind does not start: install valgrind")?;
    anyhow::ensure!(
        output.status.success(),
        "valgrind failed on {scenario}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    totals(&fs::read_to_string(&file)?).context("callgrind's file has no totals")
}

fn totals(profile: &str) -> Option<u64> {
    let totals = profile
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals:"))?;
    totals.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_found() {
        let check = |profile: &str, expected: Option<u64>| assert_eq!(totals(profile), expected);
        check(
            "version: 1\nevents: Ir\nfn=a\n1 2\ntotals: 12345\n",
            Some(12_345),
        );
        check("events: Ir\n", None);
        check("totals: many\n", None);
    }
}
