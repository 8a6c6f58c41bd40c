//! Runs a scenario under valgrind and reads what it counted.

use std::{fs, process::Command};

use anyhow::Context as _;

use super::Scenario;

/// Requests that are counted.
const REQUESTS: u64 = 500;
/// The function that is counted, with everything under it.
const COUNTED: &str = "*instructions::world::counted*";

/// Instructions for each request of a scenario, client and upstream included.
pub fn per_request(scenario: Scenario) -> anyhow::Result<u64> {
    let requests = REQUESTS.to_string();
    let total = counted(&["play", scenario.as_str(), &requests], COUNTED)?;
    Ok(total / REQUESTS)
}

/// Instructions of this very program with these arguments, in a function by its pattern and everything under it.
pub fn counted(arguments: &[&str], function: &str) -> anyhow::Result<u64> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("profile");
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(format!("--toggle-collect={function}"))
        .arg(std::env::current_exe()?)
        .args(arguments)
        .output()
        .context("valgrind does not start: install valgrind")?;
    anyhow::ensure!(
        output.status.success(),
        "valgrind failed on {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let total = totals(&fs::read_to_string(&file)?).context("callgrind's file has no totals")?;
    anyhow::ensure!(
        total > 0,
        "callgrind counted nothing: build with symbols, so that it finds {function}"
    );
    Ok(total)
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
