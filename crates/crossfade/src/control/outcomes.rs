//! Record outcomes: logged first, applied after, and a roll-back if they demand one.

use crossfade_exchange::{Metric, OutcomeKey, RouteId};
use crossfade_rollout::{Ages, LogRoom, Record};

use super::{Bar, Controller, Lost, RouteControl, Shared, disk::Disk, lock};

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Outcomes logged and applied.
    pub decided: usize,
    /// Outcomes of an attempt that is over.
    pub stale: usize,
}

/// A batch that could not be logged, and was not applied either: try it again, in front of all later ones.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct NotLogged {
    /// The batch.
    pub batch: Vec<Record>,
    /// Why.
    pub problem: String,
}

impl Controller {
    /// Logs and applies outcomes in their order, and rolls the route back if that is what they say.
    pub async fn apply_outcomes(
        &self,
        route: &RouteId,
        batch: Vec<Record>,
    ) -> Result<Applied, NotLogged> {
        let of = route.clone();
        let job = self.on_disk(move |shared| shared.apply_outcomes(&of, &batch));
        job.await.unwrap_or_else(|Lost| {
            // What is in memory may no longer be what is in the log, so the route gets no further lease.
            let problem = "applying outcomes panicked: restart to read the log again".to_owned();
            if let Some(control) = self.shared.routes.get(route) {
                *lock(&control.bar) = Some(Bar::blind(problem.clone()));
            }
            Err(NotLogged {
                batch: Vec::new(),
                problem,
            })
        })
    }

    /// Whether people's reviews can roll the route back, and if so the running attempt, or shadow watch, and the last pair of it that
    /// entered with what people said.
    pub fn asks_people(&self, route: &RouteId) -> Option<(u64, Option<OutcomeKey>)> {
        let control = self.shared.routes.get(route)?;
        let rollout = lock(&control.rollout);
        let facts = rollout.attempt()?;
        let asks = facts.metrics.contains(Metric::Review);
        asks.then_some((facts.id, rollout.last_review()))
    }

    /// The ages at which the route's running attempt decides an answer.
    pub fn ages(&self, route: &RouteId) -> Option<Ages> {
        let control = self.shared.routes.get(route)?;
        lock(&control.rollout).attempt().map(Ages::from)
    }
}

impl Shared {
    fn apply_outcomes(&self, route: &RouteId, batch: &[Record]) -> Result<Applied, NotLogged> {
        let Some(control) = self.routes.get(route) else {
            return Ok(Applied {
                decided: 0,
                stale: batch.len(),
            });
        };
        let mut disk = lock(&self.disk);
        let (mine, attempt) = {
            let rollout = lock(&control.rollout);
            (
                rollout.taken(batch),
                rollout.attempt().map(|attempt| attempt.id),
            )
        };
        let applied = Applied {
            decided: mine.len(),
            stale: batch.len() - mine.len(),
        };
        let Some(attempt) = attempt.filter(|_| !mine.is_empty()) else {
            disk.nothing_to_log(route);
            return Ok(applied);
        };
        if let Some(Bar { problem, .. }) = lock(&control.bar).clone().filter(|bar| bar.is_blind) {
            // They cannot be judged without what was before.
            tracing::debug!(%route, problem, "control.outcomes.unreadable_attempt");
            return Ok(Applied {
                decided: 0,
                stale: batch.len(),
            });
        }
        if self.log_room(control) != LogRoom::Left && lock(&control.rollout).failing().is_some() {
            // A watch that has failed stays so until somebody looks: more outcomes would only fill the disk.
            return Ok(Applied {
                decided: 0,
                stale: batch.len(),
            });
        }
        if let Err(problem) = disk.append_outcomes(route, attempt, &mine) {
            self.note_trouble(&problem);
            return Err(NotLogged {
                batch: mine,
                problem,
            });
        }
        self.apply_logged(&mut disk, control, &mine);
        Ok(applied)
    }

    /// Applies what is in the log. An alarm rolls an attempt back, at the record that raised it. In a shadow watch nobody is
    /// answered by the candidate: the watch goes on, and the route may not advance.
    pub(super) fn apply_logged(&self, disk: &mut Disk, control: &RouteControl, logged: &[Record]) {
        let alarm = {
            let mut rollout = lock(&control.rollout);
            let failed_before = rollout.failing().is_some();
            let alarm = logged.iter().find_map(|record| rollout.apply(record));
            if let Some(failing) = rollout.failing().filter(|_| !failed_before) {
                let route = rollout.route();
                tracing::warn!(%route, reason = %failing, "control.route.failing_in_shadow");
            }
            alarm
        };
        if let Some(alarm) = alarm {
            self.roll_back_by_alarm(disk, control, alarm);
        }
    }
}
