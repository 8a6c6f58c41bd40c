//! The drill: the way back is gone, step by step, without anything being rolled back.
//!
//! What a roll-back needs is tried for real: the watch on which it reaches the point where sides are decided, and what that point
//! answers at a share of 0; a durable write; the room that is kept for its entry; the file of marks. The share stays as it is.

use std::time::{Duration, Instant};

use crossfade_exchange::{RouteId, Side};
use crossfade_rollout::{Command, DrillResult};

use super::{Ask, Changed, ControlError, Controller, Lost, RECORD_PATIENCE, Shared, lock};

/// How long a number may take to the point where sides are decided; a roll-back takes microseconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// An answer of the primary within this time shows that it is there.
const LATELY: Duration = Duration::from_secs(600);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(1);

impl Controller {
    /// Tries the way back and records what came of it. What would keep a roll-back from working is in the result.
    pub async fn drill(&self, route: &RouteId, ask: Ask) -> Result<DrillResult, ControlError> {
        let control = self.route(route)?;
        let context = self.shared.context(&ask, None);
        let nothing = DrillResult {
            decided_after_micros: 0,
            durable_after_micros: 0,
            problems: Vec::new(),
        };
        let allowed = Command::Drilled(nothing.clone());
        drop(lock(&control.rollout).propose(&allowed, &ask.actor, &context)?);

        let mut result = nothing;
        let started = Instant::now();
        if let Err(problem) = self.reach(route, started).await {
            result.problems.push(problem);
        }
        result.decided_after_micros = micros(started.elapsed());
        let tried = self.on_disk(Shared::try_disk);
        match tokio::time::timeout(RECORD_PATIENCE, tried).await {
            Ok(Ok((durable_after, problems))) => {
                result.durable_after_micros = micros(durable_after);
                result.problems.extend(problems);
            }
            Ok(Err(Lost)) | Err(_) => result.problems.push(format!(
                "the disk has not answered within {} s: a roll-back would be in effect, and not on record",
                RECORD_PATIENCE.as_secs()
            )),
        }
        result.problems.extend(self.primary_is_silent(route));
        self.record_drill(route, result, ask).await
    }

    /// Whether it is unknown that the primary answers.
    fn primary_is_silent(&self, route: &RouteId) -> Option<String> {
        let control = self.shared.routes.get(route)?;
        let now = self.shared.clock.instant();
        // What it has answered since the last look counts too.
        self.shared.look_at_primary(route, control, now);
        match control.primary_answered_at() {
            Some(at) if now.saturating_duration_since(at) <= LATELY => None,
            Some(at) => Some(format!(
                "the primary has answered nothing for {} s: nobody knows whether it could carry the load",
                now.saturating_duration_since(at).as_secs()
            )),
            None => Some(
                "the primary has answered nothing since this process started: nobody knows whether it could carry the load"
                    .to_owned(),
            ),
        }
    }

    /// Whether a number published now reaches the point where sides are decided, and what it answers then.
    async fn reach(&self, route: &RouteId, started: Instant) -> Result<(), String> {
        let number = self
            .shared
            .routes
            .get(route)
            .map_or(0, |control| control.publisher.drill());
        let probe = self.shared.sources().probe;
        loop {
            match probe(route) {
                Some(seen) if seen.drill >= number => {
                    return match seen.answer {
                        Side::Primary => Ok(()),
                        Side::Candidate => Err(
                            "with a share of 0 the candidate would still answer: switch it off by the kill switch and report this"
                                .to_owned(),
                        ),
                    };
                }
                None => {
                    return Err(
                        "the data plane does not answer: nothing is served by this process"
                            .to_owned(),
                    );
                }
                Some(_) if started.elapsed() > PATIENCE => {
                    return Err(format!(
                        "what is published has not reached the data plane within {} s",
                        PATIENCE.as_secs()
                    ));
                }
                Some(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    async fn record_drill(
        &self,
        route: &RouteId,
        result: DrillResult,
        ask: Ask,
    ) -> Result<DrillResult, ControlError> {
        let command = Command::Drilled(result.clone());
        match self.plain(route, command, ask, None).await {
            Ok(Changed::Recorded | Changed::Kept | Changed::InMemory | Changed::Unchanged) => {
                Ok(result)
            }
            // The drill was made, and this is a part of what it found.
            Err(error @ (ControlError::NotRecorded(_) | ControlError::Unanswered(_))) => {
                let mut result = result;
                result
                    .problems
                    .push(format!("the drill is not on record: {error}"));
                Ok(result)
            }
            Err(error @ (ControlError::UnknownRoute(_) | ControlError::Refused(_))) => Err(error),
        }
    }
}

impl Shared {
    /// How long a durable write takes, and what would keep a roll-back from being kept.
    fn try_disk(&self) -> (Duration, Vec<String>) {
        lock(&self.disk).drill()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
