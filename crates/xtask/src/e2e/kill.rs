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
        atomic::{AtomicBool, AtomicUsize, Ordering},
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

/// How many runs go on at a time: most of each is waiting.
const AT_A_TIME: usize = 4;

/// A change that an operator makes, and what it leads to.
#[derive(Clone, Copy, Debug)]
struct Verb {
    does: Does,
    leads_to: fn(State) -> State,
}

/// What an operator types.
#[derive(Clone, Copy, Debug)]
enum Does {
    /// These words.
    Words(&'static [&'static str]),
    /// The route's report is read, and its hash signed.
    ReadAndSign,
}

/// What must survive.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact of the route"
)]
struct State {
    percent: f64,
    rolled_back: bool,
    held: bool,
    /// There is a sign-off that counts.
    signed: bool,
    mirror: bool,
}

const START: State = State {
    percent: 0.0,
    rolled_back: false,
    held: false,
    signed: false,
    mirror: true,
};

/// What operators do, in order. A sign-off is of a stage, and gone with it.
const SCRIPT: &[Verb] = &[
    verb(&["hold", "support"], |state| State {
        held: true,
        ..state
    }),
    verb(&["resume", "support"], |state| State {
        held: false,
        ..state
    }),
    SIGN,
    verb(&["split", "support", "5", "--override"], |state| State {
        percent: 5.0,
        signed: false,
        ..state
    }),
    verb(&["split", "support", "20", "--override"], |state| State {
        percent: 20.0,
        ..state
    }),
    SIGN,
    verb(&["hold", "support"], |state| State {
        held: true,
        ..state
    }),
    verb(&["split", "support", "10"], |state| State {
        percent: 10.0,
        ..state
    }),
    verb(&["mirror", "off"], |state| State {
        mirror: false,
        ..state
    }),
    verb(&["mirror", "on"], |state| State {
        mirror: true,
        ..state
    }),
    verb(&["resume", "support"], |state| State {
        held: false,
        ..state
    }),
    verb(&["rollback", "support"], |state| State {
        percent: 0.0,
        rolled_back: true,
        signed: false,
        ..state
    }),
    verb(&["resume", "support"], |state| State {
        rolled_back: false,
        ..state
    }),
    verb(&["split", "support", "3", "--override"], |state| State {
        percent: 3.0,
        ..state
    }),
];

const SIGN: Verb = Verb {
    does: Does::ReadAndSign,
    leads_to: |state| State {
        signed: true,
        ..state
    },
};

const fn verb(words: &'static [&'static str], leads_to: fn(State) -> State) -> Verb {
    Verb {
        does: Does::Words(words),
        leads_to,
    }
}

/// How a run ended.
#[derive(Debug)]
struct Run {
    acknowledged: State,
    /// What was asked and not answered.
    under_way: Option<Verb>,
    /// Verbs that were acknowledged.
    done: usize,
    killed: bool,
    /// Of each call in the data directory, whether it was the ledger's.
    calls: Vec<bool>,
}

/// Kills the program at every point in turn.
pub(super) fn check(program: &Path, stage: &Stage) -> Result<()> {
    let whole = run(program, stage, &home()?, None)?;
    ensure!(
        whole.done == SCRIPT.len(),
        "the script does not run through even if nobody is killed: {:?} after {:?}",
        whole.under_way,
        whole.acknowledged
    );
    let points = points(&whole.calls);
    let next = AtomicUsize::new(0);
    let killed = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME)
            .map(|_| scope.spawn(|| kill_in_turn(program, stage, &points, &next)))
            .collect();
        let mut killed = Killed::default();
        for worker in workers {
            let of_one = worker.join();
            killed.add(of_one.map_err(|_| anyhow::anyhow!("a worker panicked"))??);
        }
        anyhow::Ok(killed)
    })?;
    // A run may make a call less than the one before; most must have been killed, or nothing was tried.
    ensure!(
        killed.runs * 10 >= points.len() * 9,
        "only {} of {} runs were killed",
        killed.runs,
        points.len()
    );
    print::line(format_args!(
        "kill: killed at {} of {} calls that change the data directory, {} of them in the ledger, during {} verbs; everything acknowledged was there after the next start",
        killed.runs,
        whole.calls.len(),
        killed.in_ledger,
        SCRIPT.len()
    ));
    Ok(())
}

/// How many runs were killed where.
#[derive(Clone, Copy, Debug, Default)]
struct Killed {
    runs: usize,
    in_ledger: usize,
}

impl Killed {
    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.in_ledger += other.in_ledger;
    }
}

/// Takes one point after the other, until there are no more or something does not hold.
fn kill_in_turn(
    program: &Path,
    stage: &Stage,
    points: &[usize],
    next: &AtomicUsize,
) -> Result<Killed> {
    let mut killed = Killed::default();
    while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
        let home = home()?;
        let run = run(program, stage, &home, Some(*point))?;
        killed.add(Killed {
            runs: usize::from(run.killed),
            in_ledger: usize::from(run.killed && run.calls.last() == Some(&true)),
        });
        look(program, stage, &home, &run)
            .with_context(|| format!("killed after call {point}: {run:?}"))?;
    }
    Ok(killed)
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
    let (mut acknowledged, mut under_way, mut done) = (START, None, 0);
    if let Ok(proxy) = &serving
        && watches(proxy)
    {
        for verb in SCRIPT {
            if !recorded(proxy, verb) {
                under_way = Some(*verb);
                break;
            }
            acknowledged = (verb.leads_to)(acknowledged);
            done += 1;
        }
    }
    over.store(true, Ordering::Relaxed);
    let ended = watcher.context("nothing was started")?.join();
    let (killed, calls) = ended.map_err(|_| anyhow::anyhow!("the watcher panicked"))??;
    if !killed {
        let proxy = serving.context("it does not start under the tracer")?;
        kill(proxy.id())?;
    }
    Ok(Run {
        acknowledged,
        under_way,
        done,
        killed,
        calls,
    })
}

/// Waits until the route is watched: what was signed before would be signed of nothing, and does not count after it.
fn watches(proxy: &Program) -> bool {
    let watched = proxy.until("support", "a watch of stage shadow", |route| {
        route
            .pointer("/rollout/attempt")
            .is_some_and(|attempt| !attempt.is_null())
    });
    watched.is_ok()
}

/// Whether a verb was acknowledged as recorded.
fn recorded(proxy: &Program, verb: &Verb) -> bool {
    let tail = ["--reason", "killed in between", "--output", "json"];
    let said = match verb.does {
        Does::Words(words) => {
            let words: Vec<&str> = words.iter().chain(&tail).copied().collect();
            proxy.operate(&words)
        }
        Does::ReadAndSign => hash(proxy).and_then(|hash| {
            let words = ["signoff", "support", "--report", &hash];
            let words: Vec<&str> = words.iter().chain(&tail).copied().collect();
            proxy.operate(&words)
        }),
    };
    let said = said
        .ok()
        .and_then(|said| serde_json::from_str::<Value>(&said).ok());
    said.is_some_and(|said| said.get("recorded") == Some(&Value::Bool(true)))
}

/// The hash of the report as it is now.
fn hash(proxy: &Program) -> Result<String> {
    let report = proxy.operate(&["report", "support", "--format", "json"])?;
    let report: Value = serde_json::from_str(&report).context("the report is no JSON")?;
    let hash = report.get("hash").and_then(Value::as_str);
    Ok(hash.context("the report has no hash")?.to_owned())
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
    let found = state(&route)?;
    let next = run.under_way.map(|verb| (verb.leads_to)(run.acknowledged));
    ensure!(
        found == run.acknowledged || Some(found) == next,
        "in effect is {found:?}"
    );
    proxy.until("support", "the share in effect", |route| {
        route.get("effective_percent").and_then(Value::as_f64) == Some(found.percent)
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
    let is_there = |name| {
        rollout
            .get(name)
            .is_some_and(|what: &Value| !what.is_null())
    };
    Ok(State {
        percent,
        rolled_back: is_there("rolled_back"),
        held: is_there("held"),
        signed: is_there("signoff"),
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
