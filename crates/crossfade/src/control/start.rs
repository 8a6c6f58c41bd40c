//! The controller's start: the ledger and the running attempts' outcomes are folded again, and what they demand is done
//! before anything may move toward the candidate.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64},
    },
};

use crossfade_backplane::{DataDirectory, Ledger, OutcomeReader};
use crossfade_exchange::{MetricSet, RouteId};
use crossfade_rollout::{Change, Entry, Phase, Record, RoutePlan, RouteRollout, refold};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::{
    Bar, Clock, Controller, LeaseTimes, RouteControl, Shared,
    clock::Stood,
    disk::{Disk, chain},
    held::open_marks,
    lock,
    publish::Publisher,
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

impl Controller {
    /// Folds what is on disk. Blocks; grants no lease: [`Controller::run_leases`] does.
    ///
    /// It always succeeds, because the primary must be able to answer whatever has become of the ledger: without a
    /// readable one every share is 0 and nothing can be raised, which `status` says.
    pub fn start(options: ControllerOptions) -> Self {
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
        let mut disk = Disk::new(directory, ledger, marks, clock.clone());
        let routes: BTreeMap<_, _> = plans
            .into_iter()
            .map(|plan| (plan.route.clone(), fold(plan, &entries, &mut disk)))
            .collect();
        let history = History {
            head: disk.head().map(str::to_owned),
            unrecorded: 0,
            problem,
            entries,
        };
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
        shared.recall_reports(&shared.path);
        shared.record_marks();
        let orphans = shared.end_what_is_not_configured();
        shared.orphans.get_or_init(|| orphans);
        shared.roll_back_what_was_due();
        shared.remove_old_logs();
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl Shared {
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

pub(super) fn fold(plan: RoutePlan, entries: &[Entry], disk: &mut Disk) -> RouteControl {
    let route = plan.route.clone();
    let (has_owner, metrics) = (plan.owner.is_some(), plan.metrics());
    let log = Rc::new(RefCell::new(Log::default()));
    let rollout = refold(plan, entries, |attempt| {
        let opened = disk.read_log(&route, attempt);
        log.borrow_mut().open(attempt, opened);
        let log = Rc::clone(&log);
        std::iter::from_fn(move || log.borrow_mut().next())
    });
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
    let publisher = Publisher::new(rollout.split());
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
        disk.resume_log(route, attempt, records as u64).err()
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
