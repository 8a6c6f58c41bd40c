//! `replay`: a golden set against recorded or live sides. It reads what it needs, lets [`crossfade_replay`] gather and
//! judge, and writes the reports; every rule of judging is over there.

use std::{fs, path::Path, sync::Arc};

use crossfade_compare::Checks;
use crossfade_exchange::RouteId;
use crossfade_replay::{
    Dataset,
    judge::Judging,
    report::{RunReport, SuiteVerdict},
    run::{
        Caps, Gathered, Heading, JOURNAL, Journal, Patience, Run, RunOptions, Stopped, recorded,
    },
    sides::{Answers, Recordings, SideSource, Sides},
};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::config::Config;

use super::{args::Output, failure::Failure, print, process};

mod args;
mod files;
mod progress;
mod sides;

pub(super) use args::ReplayArgs;

use progress::Shown;

/// What a run is made of before anything is asked.
struct Prepared {
    dataset: Dataset,
    left_out: usize,
    route: RouteId,
    checks: Arc<Checks>,
    sides: Sides,
    recordings: Recordings,
}

/// Runs a golden set.
pub(super) fn run(args: &ReplayArgs) -> Result<(), Failure> {
    process::on_this_thread(replay(args))
}

async fn replay(args: &ReplayArgs) -> Result<(), Failure> {
    let prepared = prepare(args).await?;
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
        Journal::begin(directory, &heading).map(|journal| (journal, Vec::new()))
    }
    .map_err(|error| Failure::usage(error.to_string(), "see crossfade replay --help"))?;
    if args.resume {
        print::note(&format!("{} answers are there already", earlier.len()));
    }

    let run = Run {
        dataset,
        sides,
        checks: &prepared.checks,
        recordings: &prepared.recordings,
        options: options(args),
    };
    let gathered = gather(&run, earlier, &mut journal).await?;
    if let Some(file) = &args.record {
        record(file, dataset, sides, &gathered.answers)?;
    }
    if gathered.stopped == Stopped::Interrupted {
        return Err(Failure::new(
            format!(
                "interrupted; what was answered so far stands in {}",
                directory.join(JOURNAL).display()
            ),
            "the same command with --resume goes on with it",
        ));
    }
    let report = write(args, &prepared, &gathered)?;
    // After the budget was spent the run is not at its end: it may go on with a higher one.
    if gathered.stopped == Stopped::Done {
        journal
            .finish()
            .map_err(|error| Failure::plain(format!("the journal cannot be written: {error}")))?;
    }
    conclude(args, &report)
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

async fn prepare(args: &ReplayArgs) -> Result<Prepared, Failure> {
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
    let recordings = match &args.recordings {
        None => Recordings::default(),
        Some(file) => recordings(file, &dataset)?,
    };
    Ok(Prepared {
        dataset,
        left_out,
        route,
        checks,
        sides,
        recordings,
    })
}

/// The one route of a run: as it was typed, or the only one that the cases name.
fn route(args: &ReplayArgs, dataset: &Dataset) -> Result<RouteId, Failure> {
    if let Some(route) = &args.route {
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
        let unheard = |error| Failure::plain(format!("cannot listen for signals: {error}"));
        let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(unheard)?;
        loop {
            let told = async {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
            };
            tokio::select! {
                gathered = &mut gathering => break gathered,
                () = told => {
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

/// Writes what the live sides answered, in the order of the cases.
fn record(file: &Path, dataset: &Dataset, sides: &Sides, answers: &Answers) -> Result<(), Failure> {
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
            let written = serde_json::to_vec(&recorded(case, *asking, answer.clone()));
            out.extend(written.map_err(|error| Failure::plain(error.to_string()))?);
            out.push(b'\n');
        }
    }
    files::write(file, &out)
}

/// Judges and writes the reports.
fn write(
    args: &ReplayArgs,
    prepared: &Prepared,
    gathered: &Gathered,
) -> Result<RunReport, Failure> {
    let judging = Judging {
        dataset: &prepared.dataset,
        left_out: prepared.left_out,
        route: &prepared.route,
        checks: &prepared.checks,
        sides: &prepared.sides,
        repeat: args.repeat,
        cosine: None,
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
                "{} cases of route {}: {} passed, {} failed ({} every time), {} inconclusive",
                report.dataset.cases,
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
