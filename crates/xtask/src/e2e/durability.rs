//! A raise is durable before it is answered: seen in the order of the system calls.

use std::{ffi::OsStr, fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use super::{Program, Stage, program::PATIENCE};
use crate::print;

/// Raises a share under `strace`, and looks at what was done in which order.
pub(super) fn check(program: &std::path::Path, stage: &Stage) -> Result<()> {
    let home = TempDir::new().context("cannot make a directory")?;
    let trace = home.path().join("trace");
    let calls = "trace=openat,write,pwrite64,writev,sendto,sendmsg,fsync,fdatasync";
    let wrapper = ["strace", "-f", "-s", "4096", "-e", calls, "-o"].map(OsStr::new);
    let wrapper: Vec<&OsStr> = wrapper.into_iter().chain([trace.as_os_str()]).collect();
    let proxy = Program::serve_under(&wrapper, program, stage)?;
    proxy.operate(&[
        "split",
        "support",
        "25",
        "--override",
        "--reason",
        "seen-under-strace",
    ])?;
    end(&proxy)?;
    let trace = fs::read_to_string(&trace).context("cannot read the trace")?;
    let lines: Vec<&str> = trace.lines().collect();
    let order = order(&lines)?;
    print::line(format_args!(
        "durability: a raise is written, synced and answered, in this order ({order})"
    ));
    Ok(())
}

/// Ends the traced process; the tracer ends with it.
fn end(proxy: &Program) -> Result<()> {
    let children = format!("/proc/{0}/task/{0}/children", proxy.id());
    let children = fs::read_to_string(children).context("cannot see the traced process")?;
    let traced = children
        .split_whitespace()
        .next()
        .context("no traced process")?;
    let killed = Command::new("kill").args(["-s", "TERM", traced]).status();
    ensure!(
        killed.context("cannot run kill")?.success(),
        "cannot end the traced process"
    );
    let asked = std::time::Instant::now();
    while fs::exists(format!("/proc/{traced}/root")).unwrap_or(false) {
        ensure!(
            asked.elapsed() < PATIENCE,
            "the traced process does not end"
        );
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
    Ok(())
}

/// Lines of the write, of the sync's end and of the answer; an error if they are not in this order.
fn order(lines: &[&str]) -> Result<String> {
    let find = |from: usize, what: &str, is: &dyn Fn(&str) -> bool| {
        let at = lines.iter().skip(from).position(|line| is(line));
        at.map(|at| at + from)
            .with_context(|| format!("no {what} after line {from}"))
    };
    let is_entry = |line: &str| {
        let writes = line.contains("pwrite64(") || line.contains("write(");
        writes
            && line.contains("seen-under-strace")
            && line.contains("kind")
            && !line.contains("HTTP/1.1")
    };
    let written = find(0, "entry of the ledger", &is_entry)?;
    let call = lines.get(written).copied().unwrap_or_default();
    let file = call
        .split_once("write")
        .and_then(|(_, rest)| rest.split_once('('))
        .and_then(|(_, rest)| rest.split_once(','))
        .map(|(file, _)| file)
        .context("no file descriptor")?;
    let begun = |line: &str| {
        ["fsync", "fdatasync"].iter().any(|name| {
            line.contains(&format!("{name}({file})"))
                || line.contains(&format!("{name}({file} <unfinished"))
        })
    };
    let syncing = find(written, "sync of the ledger", &begun)?;
    let call = lines.get(syncing).copied().unwrap_or_default();
    let synced = if call.contains("<unfinished") {
        let thread = call
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
        let resumed = |line: &str| {
            line.starts_with(&thread) && line.contains("sync resumed>") && line.ends_with("= 0")
        };
        find(syncing, "end of the sync", &resumed)?
    } else {
        ensure!(call.ends_with("= 0"), "the sync failed: {call}");
        syncing
    };
    // The raise is the first change that is answered, and its answer says that it is recorded.
    let is_answer = |line: &str| line.contains("HTTP/1.1 200 OK") && line.contains("recorded");
    let answered = find(0, "answer to the raise", &is_answer)?;
    ensure!(
        written < synced && synced < answered,
        "written in line {written}, synced in line {synced}, answered in line {answered}"
    );
    Ok(format!(
        "lines {written}, {synced}, {answered} of {}",
        lines.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str =
        r#"7 pwrite64(12, "{\"reason\":\"seen-under-strace\",\"kind\":\"split\"}", 60, 0) = 60"#;
    const SYNC: &str = "7 fdatasync(12) = 0";
    const ANSWER: &str = r#"8 writev(20, [{iov_base="HTTP/1.1 200 OK\r\n"}, {iov_base="{\"recorded\":true}"}], 2) = 90"#;

    fn check(lines: &[&str], expected: Result<&str, &str>) {
        match (order(lines), expected) {
            (Ok(got), Ok(wanted)) => assert!(got.contains(wanted), "{got}"),
            (Err(error), Err(wanted)) => assert!(error.to_string().contains(wanted), "{error}"),
            (got, _) => panic!("{lines:?}: {got:?}"),
        }
    }

    #[test]
    fn only_one_order_is_durable() {
        check(&[ENTRY, SYNC, ANSWER], Ok("lines 0, 1, 2"));
        check(&[ENTRY, ANSWER, SYNC], Err("answered in line 1"));
        check(&[SYNC, ENTRY, ANSWER], Err("no sync"));
        check(&[ENTRY, "7 fdatasync(13) = 0", ANSWER], Err("no sync"));
        check(
            &[ENTRY, "7 fdatasync(12) = -1 EIO", ANSWER],
            Err("the sync failed"),
        );
        check(&[ENTRY, SYNC], Err("no answer"));
        let (begun, ended) = (
            "7 fdatasync(12 <unfinished ...>",
            "7 <... fdatasync resumed>) = 0",
        );
        check(&[ENTRY, begun, ended, ANSWER], Ok("lines 0, 2, 3"));
        check(&[ENTRY, begun, ANSWER, ended], Err("answered in line 2"));
    }
}
