//! What the controller does without being asked: it begins to watch, takes the steps of an automatic ramp, begins the gates anew
//! when the configuration has changed, and writes to the outcome log how much of the traffic was compared.

use std::time::{Duration, Instant};

use crossfade_backplane::OutcomeSizes;
use crossfade_exchange::{RouteId, SizeClass};
use crossfade_proxy::Accounting;
use crossfade_rollout::{Actor, Command, Coverage, LogRoom, Record};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{ControlError, Controller, RouteControl, Shared, disk::Disk, lock};

/// How often the controller looks whether there is something to do by itself.
const TICK: Duration = Duration::from_secs(1);
/// How often it is logged how much was compared, and how long what failed is left alone.
const MINUTE: Duration = Duration::from_secs(60);
/// How often what is too old is removed.
const DAY: Duration = Duration::from_hours(24);
/// What the ledger says of such a change.
const REASON: &str = "by itself, as the plan says";

/// What of the data plane's counts is in the outcome log.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Of which attempt or shadow watch.
    attempt: Option<u64>,
    /// Selected and compared so far, by [`SizeClass::index`].
    sizes: [Compared; SizeClass::ALL.len()],
    /// When it was counted last.
    at: Option<Instant>,
    /// Until when nothing is proposed, because the last proposal failed.
    quiet_until: Option<Instant>,
    /// How many answers of the primary were known when that number grew last, and when that was.
    primary: Option<(u64, Instant)>,
    /// What the route's outcome logs take.
    logs: OutcomeSizes,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Compared {
    selected: u64,
    compared: u64,
}

impl Controller {
    /// Looks once a second whether there is something to do, until cancelled.
    pub async fn run_ticks(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => self.tick().await,
            }
        }
    }

    /// Looks once. Asks for the disk only if there is something to write.
    pub async fn tick(&self) {
        let shared = &self.shared;
        let now = shared.clock.instant();
        if shared.is_day_over(now) {
            drop(self.on_disk(Shared::remove_old_logs).await);
        }
        for (route, control) in &shared.routes {
            shared.look_at_primary(route, control, now);
            let of = route.clone();
            if shared.is_count_due(control, now) {
                drop(self.on_disk(move |shared| shared.count_route(&of)).await);
            }
            if shared.is_proposal_due(route, control, now) {
                let of = route.clone();
                drop(self.on_disk(move |shared| shared.propose_due(&of)).await);
            }
        }
    }
}

impl RouteControl {
    /// When the primary's answers grew last, as far as was looked.
    pub(super) fn primary_answered_at(&self) -> Option<Instant> {
        lock(&self.counted).primary.map(|(_, at)| at)
    }

    /// What the route's outcome logs take, as far as was looked.
    pub(super) fn log_sizes(&self) -> OutcomeSizes {
        lock(&self.counted).logs
    }

    /// What was known of the running log is over with it.
    fn log_begins(&self) {
        let logs = &mut lock(&self.counted).logs;
        logs.ended_bytes += std::mem::take(&mut logs.running_bytes);
    }
}

impl Shared {
    /// Whether a day has gone by since this was last so.
    fn is_day_over(&self, now: Instant) -> bool {
        let mut since = lock(&self.day);
        let over = now.saturating_duration_since(*since) >= DAY;
        if over {
            *since = now;
        }
        over
    }

    pub(super) fn look_at_primary(&self, route: &RouteId, control: &RouteControl, now: Instant) {
        let Some(baseline) = (self.sources().baseline)(route) else {
            return;
        };
        let mut counted = lock(&control.counted);
        let before = counted.primary.map_or(0, |(answers, _)| answers);
        if baseline.answers > before {
            counted.primary = Some((baseline.answers, now));
        }
    }

    fn is_count_due(&self, control: &RouteControl, now: Instant) -> bool {
        let attempt = lock(&control.rollout).attempt().map(|attempt| attempt.id);
        let counted = lock(&control.counted);
        let old = counted
            .at
            .is_none_or(|at| now.saturating_duration_since(at) >= MINUTE);
        self.sources.get().is_some() && attempt.is_some() && (counted.attempt != attempt || old)
    }

    fn is_proposal_due(&self, route: &RouteId, control: &RouteControl, now: Instant) -> bool {
        let quiet = lock(&control.counted)
            .quiet_until
            .is_some_and(|until| now < until);
        !quiet && self.due(route, control).is_some()
    }

    /// What the rollout would do by itself now.
    fn due(&self, route: &RouteId, control: &RouteControl) -> Option<Command> {
        let mut context = self.context_of(REASON);
        self.know(route, &mut context);
        lock(&control.rollout).tick(&context)
    }

    fn propose_due(&self, route: &RouteId) {
        let Some(control) = self.routes.get(route) else {
            return;
        };
        let Some(command) = self.due(route, control) else {
            return;
        };
        let mut context = self.context_of(REASON);
        self.know(route, &mut context);
        if command == Command::Observe && context.log != LogRoom::Left {
            // The rollout says which of its reasons it was.
            context.reason = String::new();
        }
        let changed = self.change(route, &command, &Actor::controller(), context, None);
        let Err(error) = changed else {
            if command == Command::Observe {
                control.log_begins();
            }
            return;
        };
        lock(&control.counted).quiet_until = Some(self.clock.instant() + MINUTE);
        match error {
            ControlError::Refused(refusal) => {
                tracing::debug!(%route, %refusal, "control.tick.refused");
            }
            error @ (ControlError::UnknownRoute(_)
            | ControlError::NotRecorded(_)
            | ControlError::Unanswered(_)) => {
                tracing::warn!(%route, %error, "control.tick.failed");
            }
        }
    }

    fn count_route(&self, route: &RouteId) {
        if let Some(control) = self.routes.get(route) {
            let mut disk = lock(&self.disk);
            self.count_coverage(&mut disk, control);
            let running = lock(&control.rollout).attempt().map(|attempt| attempt.id);
            let bound = self.sources().outcome_log_bytes;
            if let Some(logs) = disk.bound_logs(route, running, bound) {
                lock(&control.counted).logs = logs;
            }
        }
    }

    /// What room the running attempt's log has left, as far as was looked.
    pub(super) fn log_room(&self, control: &RouteControl) -> LogRoom {
        let bound = self.sources().outcome_log_bytes;
        let running = control.log_sizes().running_bytes;
        if running < bound {
            LogRoom::Left
        } else if running / 2 < bound {
            LogRoom::Spent
        } else {
            LogRoom::Overdrawn
        }
    }

    /// Logs and applies how much was compared since the last time. What cannot be logged is counted the next time.
    pub(super) fn count_coverage(&self, disk: &mut Disk, control: &RouteControl) {
        let (route, attempt) = {
            let rollout = lock(&control.rollout);
            (
                rollout.route().clone(),
                rollout.attempt().map(|attempt| attempt.id),
            )
        };
        let Some(attempt) =
            attempt.filter(|_| lock(&control.bar).as_ref().is_none_or(|bar| !bar.is_blind))
        else {
            return;
        };
        let Some(accounting) = (self.sources().accounting)(&route) else {
            return;
        };
        let sizes = by_size(&accounting);
        let at_unix_micros = self.clock.unix_ms().saturating_mul(1_000);
        let records = {
            let mut counted = lock(&control.counted);
            counted.at = Some(self.clock.instant());
            if counted.attempt == Some(attempt) {
                growth(&counted.sizes, &sizes, attempt, at_unix_micros)
            } else {
                // What was compared before belongs to what ran before.
                counted.attempt = Some(attempt);
                counted.sizes = sizes;
                Vec::new()
            }
        };
        if records.is_empty() {
            return;
        }
        match disk.append_counts(&route, attempt, &records) {
            Ok(()) => {
                lock(&control.counted).sizes = sizes;
                self.apply_logged(disk, control, &records);
            }
            Err(problem) => self.note_trouble(&problem),
        }
    }
}

/// What should have been compared and is no longer under way; and of that, what was.
fn by_size(accounting: &Accounting) -> [Compared; SizeClass::ALL.len()] {
    let mut sizes = [Compared::default(); SizeClass::ALL.len()];
    for (size, of_size) in SizeClass::ALL.iter().zip(&mut sizes) {
        let (compared, selected) = accounting.coverage_of(*size);
        *of_size = Compared { selected, compared };
    }
    sizes
}

/// A record for each size that grew.
fn growth(before: &[Compared], now: &[Compared], attempt: u64, at_unix_micros: u64) -> Vec<Record> {
    let grown = |more: u64, less: u64| u32::try_from(more.saturating_sub(less)).unwrap_or(u32::MAX);
    SizeClass::ALL
        .iter()
        .zip(before.iter().zip(now))
        .filter(|(_, (before, now))| before != now)
        .map(|(size, (before, now))| {
            Record::Coverage(Coverage {
                at_unix_micros,
                attempt,
                size: *size,
                selected: grown(now.selected, before.selected),
                compared: grown(now.compared, before.compared),
            })
        })
        .collect()
}
