//! The controller's side of the data directory: the ledger, the outcome logs, and what waits to be written.
//!
//! Everything here blocks. It decides nothing: whether a change may wait for the disk is its caller's business.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    fmt::Write as _,
    io,
    sync::Arc,
    time::{Duration, Instant, UNIX_EPOCH},
};

use crossfade_backplane::{
    DataDirectory, Ledger, Mark, Marks, OutcomeLog, OutcomeReader, OutcomeSizes, bound_outcomes,
    read_outcomes, remove_old_outcomes,
};
use crossfade_exchange::RouteId;
use crossfade_rollout::{Entry, Record};

use super::Clock;

/// Changes toward the primary that may wait for the ledger. Beyond it they still take effect, as caps that hold until
/// the next start, which learns of them by their marks.
const PENDING: usize = 1_024;

/// How long the outcome log of an attempt is kept after its last record.
const LOGS_KEPT: Duration = Duration::from_hours(400 * 24);

/// Files and what waits for them.
#[derive(Debug)]
pub(super) struct Disk {
    directory: Arc<DataDirectory>,
    /// Or why there is none.
    ledger: Result<Ledger, String>,
    /// The running attempts' logs.
    logs: HashMap<RouteId, (u64, OutcomeLog)>,
    /// In effect, not yet written; oldest first.
    pending: VecDeque<Entry>,
    /// What a restart must know of changes that are not written yet; or why that cannot be read.
    marks: Result<Marks, String>,
    /// Routes whose mark stands for a change that does not wait in `pending`: only a start puts it on the ledger.
    held: BTreeSet<RouteId>,
    /// Whether this process's first entry is durable.
    started: bool,
    /// That entry, until somebody asks for it.
    fresh_start: Option<Entry>,
    /// Routes whose last append of outcomes failed, and why.
    outcomes_failing: HashMap<RouteId, String>,
    clock: Clock,
}

// === impl Disk ===

impl Disk {
    pub(super) fn new(
        directory: Arc<DataDirectory>,
        ledger: Result<Ledger, String>,
        marks: Result<Marks, String>,
        clock: Clock,
    ) -> Self {
        let left = marks.iter().flat_map(Marks::iter);
        let held = left.map(|mark| mark.route.clone()).collect();
        Self {
            directory,
            ledger,
            logs: HashMap::new(),
            pending: VecDeque::new(),
            marks,
            held,
            started: false,
            fresh_start: None,
            outcomes_failing: HashMap::new(),
            clock,
        }
    }

    /// The number of the next entry, if another one may be made.
    pub(super) fn next_sequence(&self) -> Option<u64> {
        let ledger = self.ledger.as_ref().ok()?;
        (self.pending.len() < PENDING).then(|| ledger.next_sequence() + self.pending.len() as u64)
    }

    /// Where its dates come from.
    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The hash of the last entry written.
    pub(super) fn head(&self) -> Option<&str> {
        self.ledger.as_ref().ok().map(Ledger::head)
    }

    /// Changes that are in effect and not yet written.
    pub(super) fn unrecorded(&self) -> usize {
        self.pending.len()
    }

    /// The marks that an earlier process left.
    pub(super) fn marks(&self) -> Result<Vec<Mark>, String> {
        let marks = self.marks.as_ref().map_err(String::clone)?;
        Ok(marks.iter().cloned().collect())
    }

    /// Every mark that could be put on the ledger is there, or waits for it like any other change.
    pub(super) fn marks_are_on_record(&mut self) {
        if self.ledger.is_ok() {
            self.held.clear();
            self.let_marks_go();
        }
    }

    /// Marks a change for which the ledger has no place.
    pub(super) fn hold(&mut self, mark: Mark) -> Result<(), String> {
        let route = mark.route.clone();
        self.mark(mark)?;
        self.held.insert(route);
        Ok(())
    }

    /// Marks a change that waits for the ledger. A mirror's switch has no mark.
    pub(super) fn mark_waiting(&mut self, entry: &Entry) -> Result<(), String> {
        let route = entry.route.clone().ok_or("no mark is kept of it")?;
        self.mark(Mark {
            route,
            at_unix_ms: entry.at_unix_ms,
            actor: entry.actor.clone(),
            reason: entry.reason.clone(),
            change: entry.change.clone(),
        })
    }

    fn mark(&mut self, mark: Mark) -> Result<(), String> {
        let marks = self.marks.as_mut().map_err(|problem| problem.clone())?;
        let failed = |error| format!("rolled-back.json cannot be written: {error}");
        marks.put(mark).map_err(failed)
    }

    /// What is on the ledger needs no mark. One that stays by a failure is known again by its time.
    fn let_marks_go(&mut self) {
        if !self.pending.is_empty() {
            return;
        }
        if let Ok(marks) = &mut self.marks
            && let Err(error) = marks.retain(|route| self.held.contains(route))
        {
            tracing::warn!(%error, "control.marks.not_removed");
        }
    }

    /// Closes a route's log.
    pub(super) fn close_log(&mut self, route: &RouteId) {
        self.logs.remove(route);
    }

    /// Takes in a change that is already in effect, and tries to write it and all that waits before it.
    pub(super) fn record_after(&mut self, entry: Entry) -> Result<(), String> {
        // The entry names how many outcomes it stands behind; they should be as durable as it is.
        if let Err(problem) = self.sync_outcomes() {
            tracing::warn!(problem, "control.outcomes.not_durable");
        }
        self.pending.push_back(entry);
        self.flush()
    }

    /// Writes a change that must be durable before it takes effect.
    pub(super) fn record_before(&mut self, entry: &Entry) -> Result<(), String> {
        self.flush()?;
        let ledger = self.ledger.as_mut().map_err(|problem| problem.clone())?;
        ledger.append(entry).map_err(|error| chain(&error))
    }

    /// Whether traffic may move toward the candidate as far as the disk is concerned: the start is on record, nothing
    /// waits, there is room, and every outcome is durable. Writes what waits on the way.
    pub(super) fn ready(&mut self) -> Result<(), String> {
        self.flush()?;
        if let Some(problem) = self.outcomes_failing.values().next() {
            return Err(problem.clone());
        }
        let unwritable = |error: io::Error| {
            format!("the data directory cannot be written ({error}): make room or make it writable")
        };
        // What a roll-back has given up is not room for a raise.
        if let Ok(ledger) = &mut self.ledger {
            ledger.hold_reserve().map_err(unwritable)?;
        }
        self.directory.probe().map_err(unwritable)?;
        self.sync_outcomes()?;
        if !self.started {
            let sequence = self.next_sequence().ok_or("the ledger is not available")?;
            let entry = Entry::started(sequence, self.clock.unix_ms(), "the controller started");
            self.record_before(&entry)?;
            self.started = true;
            self.fresh_start = Some(entry);
        }
        Ok(())
    }

    /// How long a durable write takes, and what would keep a roll-back's entry, or else its mark, from being kept.
    pub(super) fn drill(&mut self) -> (Duration, Vec<String>) {
        let mut problems = Vec::new();
        let started = Instant::now();
        if let Err(error) = self.directory.probe() {
            problems.push(format!(
                "the data directory cannot be written ({error}): make room or make it writable"
            ));
        }
        let durable_after = started.elapsed();
        match &mut self.ledger {
            Ok(ledger) => {
                if let Err(error) = ledger.hold_reserve() {
                    problems.push(format!(
                        "there is no room left for a roll-back's entry ({error}): make room"
                    ));
                }
            }
            Err(problem) => problems.push(problem.clone()),
        }
        if let Err(problem) = self
            .marks
            .as_ref()
            .map_err(String::clone)
            .and_then(|marks| {
                let failed = |error| format!("rolled-back.json cannot be written: {error}");
                marks.probe().map_err(failed)
            })
        {
            problems.push(problem);
        }
        (durable_after, problems)
    }

    /// Replaces a small file beside the ledger that nothing is decided by.
    pub(super) fn keep(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.directory.replace(name, bytes)
    }

    /// This process's first entry, once after it was written.
    pub(super) fn take_fresh_start(&mut self) -> Option<Entry> {
        self.fresh_start.take()
    }

    /// Reads the log of an attempt, record by record.
    pub(super) fn read_log(
        &self,
        route: &RouteId,
        attempt: u64,
    ) -> Result<Option<OutcomeReader>, String> {
        read_outcomes(self.directory.path(), route, attempt).map_err(|error| chain(&error))
    }

    /// Opens the log of an attempt to go on behind its first `records`, which are all that it holds.
    pub(super) fn resume_log(
        &mut self,
        route: &RouteId,
        attempt: u64,
        records: u64,
    ) -> Result<(), String> {
        let log = OutcomeLog::resume(&self.directory, route, attempt, records)
            .map_err(|error| chain(&error))?;
        self.logs.insert(route.clone(), (attempt, log));
        Ok(())
    }

    /// Removes the logs of attempts that ended long ago.
    pub(super) fn remove_old_logs<'a>(&self, running: impl Iterator<Item = (&'a RouteId, u64)>) {
        let now = UNIX_EPOCH + Duration::from_millis(self.clock.unix_ms());
        match remove_old_outcomes(self.directory.path(), running, now, LOGS_KEPT) {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "control.outcomes.old_removed"),
            Err(error) => tracing::warn!(%error, "control.outcomes.old_not_removed"),
        }
    }

    /// Removes logs of the route's ended attempts, the oldest first, as far as its logs take more than `bound` bytes; gives back
    /// what they take then, if that is known.
    pub(super) fn bound_logs(
        &self,
        route: &RouteId,
        running: Option<u64>,
        bound: u64,
    ) -> Option<OutcomeSizes> {
        match bound_outcomes(self.directory.path(), route, running, bound) {
            Ok((sizes, 0)) => Some(sizes),
            Ok((sizes, removed)) => {
                tracing::warn!(%route, removed, bound_bytes = bound, "control.outcomes.bound_reached");
                Some(sizes)
            }
            Err(error) => {
                tracing::warn!(%route, %error, "control.outcomes.not_bounded");
                None
            }
        }
    }

    /// Appends decided outcomes of an attempt; on failure nothing of them is in the log.
    pub(super) fn append_outcomes(
        &mut self,
        route: &RouteId,
        attempt: u64,
        batch: &[Record],
    ) -> Result<(), String> {
        let result = self.try_append_outcomes(route, attempt, batch);
        match &result {
            Ok(()) => self.nothing_to_log(route),
            Err(problem) => drop(self.outcomes_failing.insert(route.clone(), problem.clone())),
        }
        result
    }

    /// Appends what was counted. What fails is counted again the next time, so nothing waits for it; and it says nothing of outcomes
    /// that could not be logged before.
    pub(super) fn append_counts(
        &mut self,
        route: &RouteId,
        attempt: u64,
        counts: &[Record],
    ) -> Result<(), String> {
        self.try_append_outcomes(route, attempt, counts)
    }

    /// What could not be logged before is not waited for any more.
    pub(super) fn nothing_to_log(&mut self, route: &RouteId) {
        self.outcomes_failing.remove(route);
    }

    fn try_append_outcomes(
        &mut self,
        route: &RouteId,
        attempt: u64,
        batch: &[Record],
    ) -> Result<(), String> {
        if self
            .logs
            .get(route)
            .is_none_or(|(open, _)| *open != attempt)
        {
            let before = self.read_log(route, attempt)?;
            if before.and_then(|mut log| log.next()).is_some() {
                return Err(format!(
                    "the outcome log of attempt {attempt} of {route} holds records that the ledger knows nothing of: move it away"
                ));
            }
            self.resume_log(route, attempt, 0)?;
        }
        let failed = |error: io::Error| {
            format!(
                "the outcome log of {route} cannot be written ({error}): make room in the data directory"
            )
        };
        match self.logs.get_mut(route) {
            Some((_, log)) => log.append(batch).map_err(failed),
            None => Err(format!("the outcome log of {route} is not open")),
        }
    }

    fn sync_outcomes(&mut self) -> Result<(), String> {
        for (route, (_, log)) in &mut self.logs {
            log.sync().map_err(|error| {
                format!("the outcome log of {route} cannot be made durable ({error})")
            })?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), String> {
        let ledger = self.ledger.as_mut().map_err(|problem| problem.clone())?;
        while let Some(entry) = self.pending.front() {
            ledger
                .append_rollback(entry)
                .map_err(|error| chain(&error))?;
            self.pending.pop_front();
        }
        self.let_marks_go();
        Ok(())
    }
}

/// An error with what it comes from, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // Writing to a string cannot fail.
        let _ignored = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
