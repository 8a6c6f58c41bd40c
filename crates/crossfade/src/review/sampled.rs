//! What people said of drawn pairs, on its way to the outcome log. The queue on disk knows what was said, the log knows what has
//! entered: nothing else is kept, so that a restart neither loses a pair nor lets one enter twice. What a pair leads to is decided
//! elsewhere.
//!
//! A pair enters at one fixed age, whatever was said and when, in the order of sending. What people find at once on one side and
//! late on the other would enter at once for one side only, and roll back a healthy candidate. Who says nothing in time says
//! nothing against either side.

use std::{collections::BTreeMap, fmt, time::Duration};

use crossfade_backplane::{Sample, Sampled};
use crossfade_exchange::{Group, Metric, MetricSet, OutcomeKey, ReviewVerdict, RouteId, Side};
use crossfade_rollout::{DecidedPair, PairResult};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::records::Records;
use crate::{
    control::{Clock, Controller},
    telemetry::ReviewOutcome,
};

/// How often it is looked whose time is over. The test learns of a pair after days, so a few seconds are nothing.
const EVERY: Duration = Duration::from_secs(1);
/// Pairs that may be under way to the log; what is behind them stays in the queue.
pub const SAMPLED: usize = 256;

/// The task that tells the log what people said.
pub struct SampleFeed {
    records: Records,
    controller: Controller,
    clock: Clock,
    sender: mpsc::Sender<(RouteId, DecidedPair)>,
    /// The last pair that is under way, by route: it may not be in the log yet.
    told: BTreeMap<RouteId, (u64, OutcomeKey)>,
}

// === impl SampleFeed ===

impl fmt::Debug for SampleFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SampleFeed").finish_non_exhaustive()
    }
}

impl SampleFeed {
    /// From the records to whoever writes the log, by the dates of `clock`.
    pub fn new(
        records: Records,
        controller: Controller,
        clock: Clock,
        sender: mpsc::Sender<(RouteId, DecidedPair)>,
    ) -> Self {
        Self {
            records,
            controller,
            clock,
            sender,
            told: BTreeMap::new(),
        }
    }

    /// Tells what is due until it is stopped, or nobody listens.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                listened = self.tell() => if !listened { return },
            }
        }
    }

    /// Tells what is due on every route. `false` if nobody listens any more.
    async fn tell(&mut self) -> bool {
        let routes: Vec<RouteId> = self.controller.routes().cloned().collect();
        for route in routes {
            for pair in self.due(&route).await {
                let (attempt, key) = (pair.attempt, pair.key);
                if self.sender.send((route.clone(), pair)).await.is_err() {
                    return false;
                }
                self.told.insert(route.clone(), (attempt, key));
            }
        }
        true
    }

    /// The pairs whose time is over and that are not on their way, in the order of sending.
    async fn due(&self, route: &RouteId) -> Vec<DecidedPair> {
        let Some((attempt, logged)) = self.controller.asks_people(route) else {
            return Vec::new();
        };
        let told = self.told.get(route).filter(|(of, _)| *of == attempt);
        let after = logged.max(told.map(|(_, key)| *key));
        let (records, of, now) = (self.records.clone(), route.clone(), self.clock.unix_ms());
        let look = move || records.shared.reviews.sampled(&of, attempt, after, now);
        let sampled = match tokio::task::spawn_blocking(look).await {
            Ok(sampled) => sampled,
            Err(error) => {
                tracing::error!(%route, %error, "review.sample.failed");
                Vec::new()
            }
        };
        for one in &sampled {
            let outcome = match one.said {
                Some(_) => ReviewOutcome::Tested,
                None => ReviewOutcome::Undecided,
            };
            self.records.shared.count_review(route, outcome);
        }
        sampled.iter().map(pair).collect()
    }
}

/// What the log holds of a drawn pair.
fn pair(sampled: &Sampled) -> DecidedPair {
    let Sampled {
        sample: Sample { announced, .. },
        said,
    } = *sampled;
    let people = MetricSet::EMPTY.with(Metric::Review);
    let bad = |is_bad: bool| if is_bad { people } else { MetricSet::EMPTY };
    let [primary, candidate] = said.map_or([false; 2], found_bad);
    DecidedPair {
        key: announced.key,
        attempt: announced.attempt,
        group: Group::Review,
        // Of no meaning here: nothing of the group asks who answered.
        answer: Side::Primary,
        unit: announced.unit,
        applies: people,
        result: PairResult::Compared {
            primary: bad(primary),
            candidate: bad(candidate),
        },
    }
}

/// Of whom a person says that the answer was bad, the primary first.
const fn found_bad(said: ReviewVerdict) -> [bool; 2] {
    match said {
        ReviewVerdict::CandidateBetter => [true, false],
        ReviewVerdict::CandidateWorse => [false, true],
        ReviewVerdict::BothWrong => [true, true],
        ReviewVerdict::Same | ReviewVerdict::Acceptable => [false, false],
    }
}

#[cfg(test)]
mod tests;
