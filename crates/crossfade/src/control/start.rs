//! The controller's start, in two steps: the ledger says what the data plane may do, so that callers are answered; then the
//! running attempts' outcomes are folded again, which takes a second for some hundred thousand of them, and what they demand is
//! done before anything may move toward the candidate.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::PathBuf,
    rc::Rc,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crossfade_backplane::{DataDirectory, Ledger, OutcomeReader};
use crossfade_exchange::{MetricSet, Percent, RouteId};
use crossfade_rollout::{Change, Entry, Phase, Record, RoutePlan, RouteRollout, Split, refold};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use super::{
    Bar, Clock, Controller, LeaseTimes, RouteControl, Shared,
    clock::Stood,
    disk::{Disk, chain},
    held::open_marks,
    lock,
    publish::{CapId, Publisher},
    view::History,
};
use crate::telemetry::Metrics;

/// What a controller starts with.
#[derive(Debug)]
pub struct ControllerOptions {
    /// Where the ledger and the outcome logs are.
    pub directory: Arc<DataDirectory>,
    /// The configured routes.
    pub plans: Vec<RoutePlan>,
    /// How long leases last.
    pub lease: LeaseTimes,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Where its times come from.
    pub clock: Clock,
}

/// A controller that has read its ledger and no outcomes: what is needed to answer callers. It grants no lease, so the candidate
/// answers only where that needs none.
#[derive(Debug)]
pub struct Prepared {
    disk: Disk,
    history: History,
    routes: Vec<Announced>,
    path: PathBuf,
    lease: LeaseTimes,
    metrics: Arc<Metrics>,
    clock: Clock,
}

/// A route whose split the data plane watches already.
#[derive(Debug)]
struct Announced {
    plan: RoutePlan,
    publisher: Publisher,
    /// What holds it down until everything is known.
    caps: Vec<CapId>,
}

impl Controller {
    /// Folds what is on disk. Blocks; grants no lease: [`Controller::run_leases`] does.
    ///
    /// It always succeeds, because the primary must be able to answer whatever has become of the ledger: without a
    /// readable one every share is 0 and nothing can be raised, which `status` says.
    pub fn start(options: ControllerOptions) -> Self {
        Self::prepare(options).fold(&AtomicBool::new(false))
    }

    /// Reads the ledger. Blocks.
    pub fn prepare(options: ControllerOptions) -> Prepared {
        let ControllerOptions {
            directory,
            plans,
            lease,
            metrics,
            clock,
        } = options;
        let (ledger, entries, problem) = match Ledger::open(&directory) {
            Ok((ledger, entries)) => (Ok(ledger), entries, None),
            Err(error) => {
                let problem = chain(&error);
                tracing::error!(problem, "control.ledger.unreadable");
                (Err(problem.clone()), Vec::new(), Some(problem))
            }
        };
        let marks = open_marks(&directory);
        let path = directory.path().to_path_buf();
        let disk = Disk::new(directory, ledger, marks, clock.clone());
        let announce = |plan: RoutePlan| {
            let split = refold(plan.clone(), &entries, |_| None).split();
            let publisher = Publisher::new(split);
            // Nobody takes what a mirror would find.
            let mut caps = vec![publisher.cap_mirror()];
            // What an earlier process could not record went toward the primary.
            let is_marked = disk.marks().map_or(true, |marks| {
                marks.iter().any(|mark| mark.route == plan.route)
            });
            if is_marked {
                caps.push(publisher.cap_share(Percent::ZERO));
            }
            Announced {
                plan,
                publisher,
                caps,
            }
        };
        let routes = plans.into_iter().map(announce).collect();
        let history = History {
            head: disk.head().map(str::to_owned),
            unrecorded: 0,
            problem,
            entries,
        };
        Prepared {
            disk,
            history,
            routes,
            path,
            lease,
            metrics,
            clock,
        }
    }
}

impl Prepared {
    /// What the data plane watches of a route.
    pub fn watch(&self, route: &RouteId) -> Option<watch::Receiver<Arc<Split>>> {
        let of_route = self.routes.iter().find(|of| of.plan.route == *route)?;
        Some(of_route.publisher.watch())
    }

    /// Folds the outcomes of what runs. Blocks, for as long as the logs are; it ends early when `give_up` is set, and what it
    /// gives back then knows too little to run.
    pub fn fold(self, give_up: &AtomicBool) -> Controller {
        let Self {
            mut disk,
            history,
            routes: announced,
            path,
            lease,
            metrics,
            clock,
        } = self;
        let mut routes = BTreeMap::new();
        let mut held = Vec::new();
        for Announced {
            plan,
            publisher,
            caps,
        } in announced
        {
            let route = plan.route.clone();
            let control = fold(plan, publisher, &history.entries, &mut disk, give_up);
            routes.insert(route.clone(), control);
            held.push((route, caps));
        }
        let shared = Shared {
            routes,
            disk: Mutex::new(disk),
            history: Mutex::new(history),
            outcomes_held: AtomicBool::new(false),
            trouble: Notify::new(),
            sources: OnceLock::new(),
            day: Mutex::new(clock.instant()),
            clock,
            path,
            turn: Arc::default(),
            tasks: TaskTracker::new(),
            lease,
            metrics,
            orphans: OnceLock::new(),
        };
        if !give_up.load(Ordering::Relaxed) {
            shared.do_what_is_due();
            for (route, caps) in &held {
                if let Some(control) = shared.routes.get(route) {
                    for cap in caps {
                        control.publisher.lift(cap);
                    }
                }
            }
        }
        Controller {
            shared: Arc::new(shared),
        }
    }
}

impl Shared {
    /// What an earlier process left to be done.
    fn do_what_is_due(&self) {
        self.recall_reports(&self.path);
        self.record_marks();
        let orphans = self.end_what_is_not_configured();
        self.orphans.get_or_init(|| orphans);
        self.roll_back_what_was_due();
        self.remove_old_logs();
    }

    /// Removes the outcome logs of attempts that ended long ago.
    pub(super) fn remove_old_logs(&self) {
        let running: Vec<(&RouteId, u64)> = self
            .routes
            .iter()
            .filter_map(|(route, control)| {
                let attempt = lock(&control.rollout).attempt()?.id;
                Some((route, attempt))
            })
            .collect();
        lock(&self.disk).remove_old_logs(running.into_iter());
    }

    /// An alarm that a crash kept from being recorded is found again by the fold.
    fn roll_back_what_was_due(&self) {
        let mut disk = lock(&self.disk);
        for control in self.routes.values() {
            let alarm = lock(&control.rollout).alarm().copied();
            if let Some(alarm) = alarm {
                self.roll_back_by_alarm(&mut disk, control, alarm);
            }
        }
    }
}

pub(super) fn fold(
    plan: RoutePlan,
    publisher: Publisher,
    entries: &[Entry],
    disk: &mut Disk,
    give_up: &AtomicBool,
) -> RouteControl {
    let route = plan.route.clone();
    let (has_owner, metrics) = (plan.owner.is_some(), plan.metrics());
    let log = Rc::new(RefCell::new(Log::default()));
    let rollout = refold(plan, entries, |attempt| {
        let opened = disk.read_log(&route, attempt);
        log.borrow_mut().open(attempt, opened);
        let log = Rc::clone(&log);
        std::iter::from_fn(move || {
            let goes_on = !give_up.load(Ordering::Relaxed);
            goes_on.then(|| log.borrow_mut().next()).flatten()
        })
    });
    if give_up.load(Ordering::Relaxed) {
        // A log that was read in part must not be taken for whole, or it would be cut short there.
        log.borrow_mut().problem = Some("it was not read to its end".to_owned());
    }
    let mut bar = Log::close(&log, &route, disk).map(|problem| {
        tracing::error!(%route, problem, "control.outcomes.unreadable");
        Bar::blind(format!(
            "{problem}; roll the route back and resume it to begin a new attempt"
        ))
    });
    let (seen, found) = (seen_outcomes(&route, entries), rollout.decided());
    if bar.is_none() && rollout.attempt().is_some() && found < seen {
        let problem = format!(
            "the outcome log holds {found} outcomes of the running attempt, and the ledger has seen {seen}: \
             restore the log from a backup, or roll the route back and resume it"
        );
        tracing::error!(%route, problem, "control.outcomes.missing");
        bar = Some(Bar::blind(problem));
    }
    if bar.is_none() {
        bar = outgrown(&rollout, has_owner, metrics).map(|problem| {
            tracing::error!(%route, problem, "control.attempt.outgrown");
            Bar {
                problem,
                is_blind: false,
            }
        });
    }
    tracing::info!(
        %route, revision = rollout.revision(), share_percent = rollout.share().percent(),
        decided = rollout.decided(), "control.route.folded"
    );
    publisher.set(rollout.split());
    let stood = Stood::at_start(&rollout, disk.clock());
    RouteControl {
        rollout: Mutex::new(rollout),
        publisher,
        bar: Mutex::new(bar),
        holding: Mutex::default(),
        held: Mutex::new(None),
        reports: Mutex::default(),
        counted: Mutex::default(),
        unresolved: AtomicU64::new(0),
        stood: Mutex::new(stood),
    }
}

/// A route's outcome log while it is folded: read record by record, because it may be larger than the memory.
#[derive(Default)]
struct Log {
    attempt: Option<u64>,
    reader: Option<OutcomeReader>,
    problem: Option<String>,
}

impl Log {
    fn open(&mut self, attempt: u64, opened: Result<Option<OutcomeReader>, String>) {
        self.attempt = Some(attempt);
        match opened {
            Ok(reader) => self.reader = reader,
            Err(problem) => self.problem = Some(problem),
        }
    }

    fn next(&mut self) -> Option<Record> {
        match self.reader.as_mut()?.next()? {
            Ok(record) => Some(record),
            Err(error) => {
                self.problem = Some(chain(&error));
                None
            }
        }
    }

    /// Leaves the log open to go on behind what was read; or says why it could not be read, or cannot be written.
    fn close(log: &RefCell<Self>, route: &RouteId, disk: &mut Disk) -> Option<String> {
        let mut log = log.borrow_mut();
        let attempt = log.attempt?;
        if let Some(problem) = log.problem.take() {
            return Some(problem);
        }
        let records = log.reader.as_ref().map_or(0, OutcomeReader::records);
        let problem = disk.resume_log(route, attempt, records as u64).err()?;
        if records == 0 {
            // Nothing is lost, and the first outcomes try again.
            tracing::warn!(%route, problem, "control.outcomes.not_opened");
            return None;
        }
        Some(problem)
    }
}

/// What in the configuration no longer fits the running attempt: without an owner nobody answers for it, and with other metrics than
/// it was begun with the roll-back test would go on looking at what is not judged any more. A shadow watch answers nobody, and begins anew by itself.
fn outgrown(rollout: &RouteRollout, has_owner: bool, metrics: MetricSet) -> Option<String> {
    let attempt = rollout
        .attempt()
        .filter(|attempt| attempt.phase == Phase::Attempt)?;
    if !has_owner {
        return Some(
            "the running attempt's route has no owner any more: set `owner` again, or roll the route back"
                .to_owned(),
        );
    }
    (attempt.metrics != metrics).then(|| {
        "the checks or metrics that can roll the route back have changed since the running attempt began: \
         restore them, or roll the route back and resume it to begin a new attempt"
            .to_owned()
    })
}

/// How many outcomes of the route's last attempt the ledger knows to have been logged.
fn seen_outcomes(route: &RouteId, entries: &[Entry]) -> u64 {
    let of_route = entries
        .iter()
        .filter(|entry| entry.route.as_ref() == Some(route));
    of_route.fold(0, |seen, entry| match &entry.change {
        Change::Split {
            new_attempt: Some(_),
            ..
        }
        | Change::Advance {
            new_attempt: Some(_),
            ..
        }
        | Change::Observe { .. } => 0,
        Change::Split { .. }
        | Change::Advance { .. }
        | Change::GatesRestarted { .. }
        | Change::Hold
        | Change::Release
        | Change::Signoff { .. }
        | Change::Replayed { .. }
        | Change::Drilled { .. }
        | Change::Rollback { .. }
        | Change::Resume
        | Change::Started
        | Change::MirrorSwitched { .. } => seen.max(entry.evidence.decided),
    })
}
