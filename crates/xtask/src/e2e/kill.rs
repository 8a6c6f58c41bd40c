//! The program is killed after each call that changes its data directory, while operators change shares. What was acknowledged
//! is in effect after the next start, nothing more than that or the change under way, and the ledger verifies.
//!
//! `strace` holds each such call at its end long enough to kill the program before the next one. What a call leaves when it is
//! itself cut in the middle, a torn tail, is for the tests of the files.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::{Program, Stage, program::configuration};
use crate::print;

/// What changes a file, or makes it durable.
const CALLS: &str = "pwrite64,fsync,fdatasync,rename,renameat,renameat2,ftruncate,unlink,unlinkat";
/// How long each of them is held, in microseconds.
const HELD_MICROS: u32 = 25_000;
/// The most points at which the program is killed, apart from those in the ledger.
const OTHER_POINTS: usize = 40;

/// A change that an operator makes, and what it leads to.
#[derive(Clone, Copy, Debug)]
struct Verb {
    words: &'static [&'static str],
    leads_to: fn(State) -> State,
}

/// What must survive.
#[derive(Clone, Copy, Debug, PartialEq)]
struct State {
    percent: f64,
    rolled_back: bool,
    mirror: bool,
}

const START: State = State {
    percent: 0.0,
    rolled_back: false,
    mirror: true,
};

/// What operators do, in order.
const SCRIPT: &[Verb] = &[
    Verb {
        words: &["split", "support", "5", "--override"],
        leads_to: |state| State {
            percent: 5.0,
            ..state
        },
    },
    Verb {
        words: &["split", "support", "20", "--override"],
        leads_to: |state| State {
            percent: 20.0,
            ..state
        },
    },
    Verb {
        words: &["split", "support", "10"],
        leads_to: |state| State {
            percent: 10.0,
            ..state
        },
    },
    Verb {
        words: &["mirror", "off"],
        leads_to: |state| State {
            mirror: false,
            ..state
        },
    },
    Verb {
        words: &["mirror", "on"],
        leads_to: |state| State {
            mirror: true,
            ..state
        },
    },
    Verb {
        words: &["rollback", "support"],
        leads_to: |state| State {
            percent: 0.0,
            rolled_back: true,
            ..state
        },
    },
    Verb {
        words: &["resume", "support"],
        leads_to: |state| State {
            rolled_back: false,
            ..state
        },
    },
    Verb {
        words: &["split", "support", "3", "--override"],
        leads_to: |state| State {
            percent: 3.0,
            ..state
        },
    },
];

/// How a run ended.
#[derive(Debug)]
struct Run {
    acknowledged: State,
    /// What was asked and not answered.
    under_way: Option<Verb>,
    killed: bool,
    /// Of each call in the data directory, whether it was the ledger's.
    calls: Vec<bool>,
}

/// Kills the program at every point in turn.
pub(super) fn check(program: &Path, stage: &Stage) -> Result<()> {
    let whole = run(program, stage, &home()?, None)?;
    ensure!(
        whole.under_way.is_none(),
        "the script does not run through even if nobody is killed"
    );
    let points = points(&whole.calls);
    let (mut killed, mut in_ledger) = (0, 0);
    for point in &points {
        let home = home()?;
        let run = run(program, stage, &home, Some(*point))?;
        killed += usize::from(run.killed);
        in_ledger += usize::from(run.killed && run.calls.last() == Some(&true));
        look(program, stage, &home, &run).with_context(|| {
            format!(
                "killed after call {point} of {}: {run:?}",
                whole.calls.len()
            )
        })?;
    }
    // A run may make a call less than the one before; most must have been killed, or nothing was tried.
    ensure!(
        killed * 10 >= points.len() * 9,
        "only {killed} of {} runs were killed",
        points.len()
    );
    print::line(format_args!(
        "kill: killed at {killed} of {} calls that change the data directory, {in_ledger} of them in the ledger; everything acknowledged was there after the next start",
        whole.calls.len()
    ));
    Ok(())
}

fn home() -> Result<TempDir> {
    TempDir::new().context("cannot make a directory")
}

/// Every call of the ledger, and of the others as many as are bearable, evenly.
fn points(calls: &[bool]) -> Vec<usize> {
    let others = calls.iter().filter(|ledger| !**ledger).count();
    let every = others.div_ceil(OTHER_POINTS).max(1);
    let mut seen = 0;
    let mut points = Vec::new();
    for (at, ledger) in calls.iter().enumerate() {
        if !ledger {
            seen += 1;
        }
        if *ledger || seen % every == 0 {
            points.push(at + 1);
        }
    }
    points
}

/// One run of the script under the tracer, killed after `point` calls.
fn run(program: &Path, stage: &Stage, home: &TempDir, point: Option<usize>) -> Result<Run> {
    let trace = home.path().join("trace");
    File::create(&trace).context("cannot make a trace")?;
    let (traced, held) = (
        format!("trace={CALLS}"),
        format!("inject={CALLS}:delay_exit={HELD_MICROS}"),
    );
    let wrapper = [
        "strace", "-f", "-qq", "-y", "-s", "16", "-e", &traced, "-e", &held, "-o",
    ];
    let wrapper: Vec<&OsStr> = wrapper
        .iter()
        .map(OsStr::new)
        .chain([trace.as_os_str()])
        .collect();
    let over = Arc::new(AtomicBool::new(false));
    let mut watcher = None;
    let started = |id| {
        let (over, seen) = (Arc::clone(&over), Seen::new(&trace, home.path()));
        watcher = Some(thread::spawn(move || watch(id, seen, point, &over)));
    };
    let serving = Program::serve_in(
        &wrapper,
        program,
        &configuration(stage),
        home.path(),
        started,
    );
    let (mut acknowledged, mut under_way) = (START, None);
    if let Ok(proxy) = &serving {
        for verb in SCRIPT {
            if !recorded(proxy, verb) {
                under_way = Some(*verb);
                break;
            }
            acknowledged = (verb.leads_to)(acknowledged);
        }
    }
    over.store(true, Ordering::Relaxed);
    let watched = watcher.context("nothing was started")?.join();
    let (killed, calls) = watched.map_err(|_| anyhow::anyhow!("the watcher panicked"))??;
    if !killed {
        let proxy = serving.context("it does not start under the tracer")?;
        kill(proxy.id())?;
    }
    Ok(Run {
        acknowledged,
        under_way,
        killed,
        calls,
    })
}

/// Whether a verb was acknowledged as recorded.
fn recorded(proxy: &Program, verb: &Verb) -> bool {
    let tail = ["--reason", "killed in between", "--output", "json"];
    let words: Vec<&str> = verb.words.iter().chain(&tail).copied().collect();
    let said = proxy.operate(&words).ok();
    let said = said.and_then(|said| serde_json::from_str::<Value>(&said).ok());
    said.is_some_and(|said| said.get("recorded") == Some(&Value::Bool(true)))
}

/// Waits until `point` calls are seen, and kills.
fn watch(
    tracer: u32,
    mut seen: Seen,
    point: Option<usize>,
    over: &AtomicBool,
) -> Result<(bool, Vec<bool>)> {
    loop {
        let last = over.load(Ordering::Relaxed);
        seen.look()?;
        if let Some(point) = point
            && seen.calls.len() >= point
        {
            kill(tracer)?;
            return Ok((true, seen.calls));
        }
        if last {
            return Ok((false, seen.calls));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Kills what is traced; the tracer ends with it.
fn kill(tracer: u32) -> Result<()> {
    let children = format!("/proc/{tracer}/task/{tracer}/children");
    let children = fs::read_to_string(children).context("cannot see the traced process")?;
    for traced in children.split_whitespace() {
        let status = Command::new("kill").args(["-s", "KILL", traced]).status();
        ensure!(
            status.context("cannot run kill")?.success(),
            "cannot kill {traced}"
        );
    }
    Ok(())
}

/// The trace so far.
#[derive(Debug)]
struct Seen {
    trace: PathBuf,
    directory: String,
    read: u64,
    rest: String,
    calls: Vec<bool>,
}

impl Seen {
    fn new(trace: &Path, home: &Path) -> Self {
        Self {
            trace: trace.to_owned(),
            directory: home.join("data").display().to_string(),
            read: 0,
            rest: String::new(),
            calls: Vec::new(),
        }
    }

    fn look(&mut self) -> Result<()> {
        let mut file = File::open(&self.trace).context("cannot open the trace")?;
        file.seek(SeekFrom::Start(self.read))
            .context("cannot seek in the trace")?;
        let mut fresh = Vec::new();
        self.read += file
            .read_to_end(&mut fresh)
            .context("cannot read the trace")? as u64;
        self.rest.push_str(&String::from_utf8_lossy(&fresh));
        while let Some((line, rest)) = self.rest.split_once('\n') {
            if line.contains(&self.directory) {
                self.calls.push(line.contains("ledger.jsonl"));
            }
            self.rest = rest.to_owned();
        }
        Ok(())
    }
}

/// Starts again on what was left, and looks at what is in effect.
fn look(program: &Path, stage: &Stage, home: &TempDir, run: &Run) -> Result<()> {
    let proxy = Program::serve_in(&[], program, &configuration(stage), home.path(), |_| ())
        .context("it does not start again")?;
    let route = proxy.until("support", "a lease", |route| {
        route.get("lease_seconds").is_some_and(Value::is_number)
    })?;
    let state = state(&route)?;
    let next = run.under_way.map(|verb| (verb.leads_to)(run.acknowledged));
    ensure!(
        state == run.acknowledged || Some(state) == next,
        "in effect is {state:?}"
    );
    proxy.until("support", "the share in effect", |route| {
        route.get("effective_percent").and_then(Value::as_f64) == Some(state.percent)
    })?;
    let data = home.path().join("data");
    let verified = Command::new(program)
        .args(["verify-ledger", "--data"])
        .arg(&data)
        .output()
        .context("cannot run verify-ledger")?;
    ensure!(
        verified.status.success(),
        "{}",
        String::from_utf8_lossy(&verified.stderr)
    );
    Ok(())
}

fn state(route: &Value) -> Result<State> {
    let rollout = route.get("rollout").context("no rollout")?;
    let percent = rollout
        .get("share")
        .and_then(Value::as_f64)
        .context("no share")?;
    let mirror = rollout.get("mirror_enabled").and_then(Value::as_bool);
    Ok(State {
        percent,
        rolled_back: rollout
            .get("rolled_back")
            .is_some_and(|what| !what.is_null()),
        mirror: mirror.context("no mirror")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_ledger_is_a_point_and_others_are_sampled() {
        let calls: Vec<bool> = (0..200).map(|at| at % 50 == 7).collect();
        let points = points(&calls);
        for ledger in [8, 58, 108, 158] {
            assert!(points.contains(&ledger), "{points:?}");
        }
        assert!(points.len() <= OTHER_POINTS + 8, "{}", points.len());
        assert_eq!(super::points(&[false, true, false]), [1, 2, 3]);
    }
}
