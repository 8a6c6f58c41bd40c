//! `replay`: a golden set against recorded or live sides. It reads what it needs, lets [`crossfade_replay`] gather and
//! judge, and writes the reports; every rule of judging is over there.

use std::{fs, path::Path, sync::Arc};

use crossfade_compare::Checks;
use crossfade_exchange::RouteId;
use crossfade_judge::Batcher;
use crossfade_replay::{
    Dataset,
    judge::Judging,
    meaning::Cosines,
    report::{RunReport, SuiteVerdict},
    run::{
        Caps, Gathered, Heading, JOURNAL, Journal, JournalError, Kept, Patience, Run, RunOptions,
        Stopped, recorded,
    },
    sides::{Answers, Recordings, SideSource, Sides},
};
use crossfade_rollout::ReplayResult;
use tokio::sync::watch;

use crate::{config::Config, signals::Signals};

use super::{
    args::{AdminArgs, Output},
    failure::Failure,
    golden, operate, print, process,
};

mod args;
mod files;
mod meaning;
mod progress;
mod sides;

pub(super) use args::ReplayArgs;

use progress::Shown;

/// What is written at the end, beside the journal.
const REPORTS: [&str; 4] = ["report.json", "report.html", "summary.md", "junit.xml"];

/// What a run is made of before anything is asked.
struct Prepared {
    dataset: Dataset,
    left_out: usize,
    route: RouteId,
    checks: Arc<Checks>,
    sides: Sides,
    recordings: Recordings,
    /// Whose embeddings texts are compared by, where the cases want that and the configuration names some.
    model: Option<meaning::Model>,
}

/// Runs a golden set.
pub(super) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    agreed(args)?;
    if let Some(route) = &args.post {
        // Before anything is asked and paid for.
        operate::may_tell(&listener(args), route)?;
    }
    let report = process::on_this_thread(replay(args))?;
    let posted = posted(args, &report);
    conclude(args, &report)?;
    posted
}

/// Tells the server, where that was asked for. That it could not be told does not hide how the run ended.
fn posted(args: &ReplayArgs, report: &RunReport) -> Result<(), Failure> {
    let Some(route) = &args.post else {
        return Ok(());
    };
    let result = ReplayResult {
        dataset_sha256: report.dataset.sha256.clone(),
        cases: report.dataset.cases as u64,
        passed: report.totals.passed as u64,
        exit_code: report.verdict.exit_code(),
    };
    let posted = operate::replayed(&listener(args), route, &result, &args.reason);
    if let Err(failure) = &posted
        && report.verdict != SuiteVerdict::Pass
    {
        print::failure(failure);
    }
    posted
}

/// Where a result is posted.
fn listener(args: &ReplayArgs) -> AdminArgs {
    AdminArgs {
        admin: args.admin.clone(),
        output: args.output,
    }
}

/// The result is of the route that it is posted to.
fn agreed(args: &ReplayArgs) -> Result<(), Failure> {
    match (&args.route, &args.post) {
        (Some(run), Some(told)) if run != told => Err(Failure::usage(
            format!("the run is of route {run}, and --post names {told}"),
            "name the same route, or leave --route out",
        )),
        (_, _) => Ok(()),
    }
}

async fn replay(args: &ReplayArgs) -> Result<RunReport, Failure> {
    let (prepared, batcher) = prepare(args).await?;
    let directory = &args.report;
    files::directory(directory)?;
    let Prepared { dataset, sides, .. } = &prepared;
    let heading = Heading::new(
        &dataset.sha256,
        prepared.route.as_str(),
        sides.primary.identity(),
        sides.candidate.identity(),
    );
    let (mut journal, earlier) = if args.resume {
        Journal::resume(directory, &heading)
    } else {
        Journal::begin(directory, &heading).map(|journal| (journal, Kept::default()))
    }
    .map_err(|error| unusable(&error))?;
    // Whoever looks at a run that does not come to its end shall not see another's report.
    for name in REPORTS {
        files::remove(&directory.join(name))?;
    }
    if args.resume {
        print::note(&format!(
            "{} answers are there already",
            earlier.answers.len()
        ));
    }

    let run = Run {
        dataset,
        sides,
        checks: &prepared.checks,
        recordings: &prepared.recordings,
        options: options(args),
    };
    let Kept { answers, cosines } = earlier;
    let gathered = gather(&run, answers, &mut journal).await?;
    let mut cosines = prepared.known(&cosines);
    if gathered.stopped != Stopped::Interrupted {
        let asked = prepared.compare(args, &gathered, &mut journal, &mut cosines, batcher);
        asked.await?;
    }
    if let Some(file) = &args.record {
        record(file, dataset, sides, &gathered.answers, &cosines)?;
    }
    if gathered.stopped == Stopped::Interrupted {
        return Err(interrupted(directory));
    }
    let report = write(args, &prepared, &gathered, &cosines)?;
    // After the budget was spent the run is not at its end: it may go on with a higher one.
    if gathered.stopped == Stopped::Done {
        journal
            .finish()
            .map_err(|error| Failure::plain(format!("the journal cannot be written: {error}")))?;
    }
    Ok(report)
}

/// What was typed does not fit what is there, or the file itself is the trouble.
fn unusable(error: &JournalError) -> Failure {
    match error {
        JournalError::Unfinished(_) | JournalError::Nothing(_) | JournalError::Other { .. } => {
            Failure::usage(error.to_string(), "see crossfade replay --help")
        }
        JournalError::Busy(_) | JournalError::Io { .. } | JournalError::Damaged { .. } => {
            Failure::plain(error.to_string())
        }
    }
}

/// `--record` writes a file of its own: never over what the run reads, or over its journal.
fn recordable(args: &ReplayArgs) -> Result<(), Failure> {
    let Some(file) = &args.record else {
        return Ok(());
    };
    let journal = args.report.join(JOURNAL);
    let taken = [
        Some((&args.dataset, "the golden set")),
        args.recordings
            .as_ref()
            .map(|file| (file, "the recordings")),
        Some((&journal, "the run's own journal")),
    ];
    let same = |other: &Path| match (fs::canonicalize(file), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        // What is not there yet can only be the same by name.
        _none => std::path::absolute(file).ok() == std::path::absolute(other).ok(),
    };
    match taken.into_iter().flatten().find(|(other, _)| same(other)) {
        Some((_, what)) => Err(Failure::usage(
            format!("--record would write over {what}"),
            "name another file",
        )),
        None => Ok(()),
    }
}

fn interrupted(directory: &Path) -> Failure {
    Failure::new(
        format!(
            "interrupted; what was answered so far stands in {}",
            directory.join(JOURNAL).display()
        ),
        "the same command with --resume goes on with it",
    )
}

fn options(args: &ReplayArgs) -> RunOptions {
    RunOptions {
        repeat: args.repeat,
        concurrency: usize::from(args.concurrency),
        patience: Patience {
            deadline: args.deadline.0,
            retries: args.retries,
        },
        caps: Caps {
            usd: args.max_usd,
            tokens: args.max_tokens,
        },
    }
}

/// What the run is made of, and what makes the calls of its embeddings' endpoint.
async fn prepare(args: &ReplayArgs) -> Result<(Prepared, Option<Batcher>), Failure> {
    recordable(args)?;
    let config = args.config.as_deref().map(Config::load).transpose()?;
    let mut dataset =
        Dataset::read(&args.dataset).map_err(|errors| Failure::config(errors.to_string()))?;
    let route = route(args, &dataset)?;
    let all = dataset.cases.len();
    dataset
        .cases
        .retain(|case| case.route.as_deref().is_none_or(|of| of == route.as_str()));
    let left_out = all - dataset.cases.len();
    if dataset.cases.is_empty() {
        return Err(Failure::usage(
            format!("the data set has no case of route {route}"),
            "name one of its routes with --route",
        ));
    }
    let (checks, sides) = sides::of(args, config.as_ref(), &route).await?;
    let model = match &config {
        Some(config) if crossfade_replay::meaning::is_wanted(&dataset, &checks) => {
            meaning::Model::of(config).await?
        }
        Some(_) | None => None,
    };
    let (model, batcher) = model.map_or((None, None), |(model, batcher)| (Some(model), batcher));
    let recordings = match &args.recordings {
        None => Recordings::default(),
        Some(file) => recordings(file, &dataset)?,
    };
    let prepared = Prepared {
        dataset,
        left_out,
        route,
        checks,
        sides,
        recordings,
        model,
    };
    Ok((prepared, batcher))
}

/// The one route of a run: as it was typed, or the only one that the cases name.
fn route(args: &ReplayArgs, dataset: &Dataset) -> Result<RouteId, Failure> {
    if let Some(route) = args.route.as_ref().or(args.post.as_ref()) {
        return Ok(RouteId::new(route));
    }
    let mut named: Vec<&str> = dataset
        .cases
        .iter()
        .filter_map(|case| case.route.as_deref())
        .collect();
    named.sort_unstable();
    named.dedup();
    match named.as_slice() {
        [] => Ok(RouteId::new("default")),
        [only] => Ok(RouteId::new(only)),
        several => Err(Failure::usage(
            format!("the cases are of several routes: {}", several.join(", ")),
            "name one with --route, and run the others apart",
        )),
    }
}

fn recordings(file: &Path, dataset: &Dataset) -> Result<Recordings, Failure> {
    let name = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| Failure::config(format!("{name}: cannot be read: {error}")))?;
    let recordings =
        Recordings::parse(&text).map_err(|error| Failure::config(format!("{name}: {error}")))?;
    let unknown = recordings.unknown(dataset).len();
    if unknown > 0 {
        print::note(&format!(
            "{name}: recordings of {unknown} cases that the run does not have are not used"
        ));
    }
    Ok(recordings)
}

/// What tells a run to stop, from now on.
fn signals() -> Result<Signals, Failure> {
    Signals::new().map_err(|error| Failure::plain(format!("cannot listen for signals: {error}")))
}

/// Gathers the answers. The first signal stops the run cleanly, the second at once.
async fn gather(
    run: &Run<'_>,
    earlier: Vec<crossfade_replay::RecordedAnswer>,
    journal: &mut Journal,
) -> Result<Gathered, Failure> {
    let (stop, stopped) = watch::channel(false);
    let mut shown = Shown::new();
    let gathered = {
        let mut observe = |progress| shown.at(progress);
        let gathering = run.gather(earlier, journal, stopped, &mut observe);
        tokio::pin!(gathering);
        let mut signals = signals()?;
        loop {
            tokio::select! {
                gathered = &mut gathering => break gathered,
                () = signals.told() => {
                    if stop.send_replace(true) {
                        return Err(Failure::new("interrupted", "the same command with --resume goes on with it"));
                    }
                    print::note("stopping: calls on their way are waited for; once more to stop at once");
                }
            }
        }
    };
    shown.done();
    gathered.map_err(|error| match error {
        crossfade_replay::run::RunError::Recordings(error) => Failure::config(error.to_string()),
        crossfade_replay::run::RunError::Journal(_) => Failure::plain(error.to_string()),
    })
}

/// Adds a line.
fn add(out: &mut Vec<u8>, written: &impl serde::Serialize) -> Result<(), Failure> {
    serde_json::to_writer(&mut *out, written).map_err(|error| Failure::plain(error.to_string()))?;
    out.push(b'\n');
    Ok(())
}

/// Writes what the live sides answered, in the order of the cases.
fn record(
    file: &Path,
    dataset: &Dataset,
    sides: &Sides,
    answers: &Answers,
    cosines: &Cosines,
) -> Result<(), Failure> {
    let mut out = Vec::new();
    for (asking, answer) in answers {
        let live = match sides.of(asking.side) {
            SideSource::Live(_) => true,
            SideSource::Recorded | SideSource::Absent => false,
        };
        if let Some(case) = dataset
            .cases
            .get(asking.case)
            .filter(|_| live && !answer.is_missing())
        {
            add(&mut out, &recorded(case, *asking, answer.clone()))?;
        }
    }
    for cosine in cosines.known() {
        add(&mut out, cosine)?;
    }
    files::write(file, &out)
}

/// Judges and writes the reports.
fn write(
    args: &ReplayArgs,
    prepared: &Prepared,
    gathered: &Gathered,
    cosines: &Cosines,
) -> Result<RunReport, Failure> {
    let cosine = |a: &str, b: &str| cosines.find(a, b);
    // Without a model and without recordings of one, assertions say what is missing.
    let cosine: Option<crossfade_replay::assertion::Cosine<'_>> =
        (prepared.model.is_some() || cosines.known().next().is_some()).then_some(&cosine);
    let judging = Judging {
        dataset: &prepared.dataset,
        left_out: prepared.left_out,
        route: &prepared.route,
        checks: &prepared.checks,
        sides: &prepared.sides,
        repeat: args.repeat,
        cosine,
    };
    let report = judging.report(&gathered.answers, gathered.stopped, gathered.spent);
    let details = judging.details(&gathered.answers, &report);
    let json = report
        .to_json()
        .map_err(|error| Failure::plain(error.to_string()))?;
    let page = crossfade_replay::report::html(&report, &details);
    let forms = [
        ("report.json", json),
        ("report.html", page.into_bytes()),
        (
            "summary.md",
            crossfade_replay::report::markdown(&report).into_bytes(),
        ),
        (
            "junit.xml",
            crossfade_replay::report::junit(&report).into_bytes(),
        ),
    ];
    for (name, bytes) in forms {
        files::write(&args.report.join(name), &bytes)?;
    }
    Ok(report)
}

/// Prints the result; a verdict other than pass ends in its own exit code.
fn conclude(args: &ReplayArgs, report: &RunReport) -> Result<(), Failure> {
    let totals = report.totals;
    match args.output {
        Output::Json => {
            let json = report
                .to_json()
                .map_err(|error| Failure::plain(error.to_string()))?;
            print::data(&String::from_utf8_lossy(&json));
        }
        Output::Text => {
            let mut lines = vec![format!(
                "{} of route {}: {} passed, {} failed ({} every time), {} inconclusive",
                golden::cases(report.dataset.cases),
                crate::text::plain(&report.route),
                totals.passed,
                totals.failed,
                totals.always_failing,
                totals.inconclusive,
            )];
            if report.dataset.left_out > 0 {
                let left_out = report.dataset.left_out;
                lines.push(format!("left out, as they are of other routes: {left_out}"));
            }
            let spent = report.spent;
            if spent.tokens > 0 {
                lines.push(format!(
                    "spent: {} tokens, {:.4} USD",
                    spent.tokens, spent.usd
                ));
            }
            let page = args.report.join("report.html");
            lines.push(format!("look at {}", page.display()));
            print::data(&lines.join("\n"));
        }
    }
    match report.verdict {
        SuiteVerdict::Pass => Ok(()),
        SuiteVerdict::Failed | SuiteVerdict::Inconclusive | SuiteVerdict::BudgetSpent => {
            let why: Vec<String> = report
                .why
                .iter()
                .map(|why| crate::text::plain(why))
                .collect();
            Err(Failure::ended(report.verdict.exit_code(), why.join("\n")))
        }
    }
}
