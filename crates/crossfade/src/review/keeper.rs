//! The one task that writes: exchanges into the evidence store, items into the review queue, statistics into snapshots. A
//! disk that is slow or full holds up nothing but itself.

use std::{
    fmt,
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crossfade_backplane::{
    EvidenceError, KeepReason, KeptExchange, Offered, ReviewItem, ReviewState, Sample,
};
use crossfade_exchange::{Caller, ReviewReason, RouteId};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{
    body,
    forgotten::Forgotten,
    records::{Shared, ToKeep, Work},
    snapshot,
};
use crate::telemetry::{EvidenceOutcome, ReviewOutcome};

/// Exchanges kept by one job on the blocking pool.
const BATCH: usize = 16;
/// How often what is written is made durable, and what is old goes.
const SWEEP: Duration = Duration::from_secs(5);
/// Statistics are written down at every so many sweeps.
const SNAPSHOT_EVERY: u32 = 12;

/// The writing task, not yet running.
pub struct Keeper {
    shared: Arc<Shared>,
    work: mpsc::Receiver<Work>,
}

// === impl Keeper ===

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").finish_non_exhaustive()
    }
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>, work: mpsc::Receiver<Work>) -> Self {
        Self { shared, work }
    }

    /// Writes what comes until it is stopped; then what waits, and the statistics.
    pub async fn run(self, stop: CancellationToken) {
        let Self { shared, mut work } = self;
        let mut tick = tokio::time::interval(SWEEP);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        let mut sweeps = 0_u32;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = tick.tick() => {
                    sweeps = sweeps.wrapping_add(1);
                    let snapshots = sweeps.is_multiple_of(SNAPSHOT_EVERY);
                    on_disk(&shared, move |shared| shared.sweep(snapshots)).await;
                }
                count = work.recv_many(&mut batch, BATCH) => {
                    if count == 0 {
                        break;
                    }
                    let batch = std::mem::take(&mut batch);
                    on_disk(&shared, move |shared| shared.write(batch)).await;
                }
            }
        }
        while let Ok(item) = work.try_recv() {
            batch.push(item);
        }
        let batch = std::mem::take(&mut batch);
        on_disk(&shared, move |shared| {
            shared.write(batch);
            shared.sweep(true);
        })
        .await;
    }
}

/// Runs on the blocking pool, and waits for it.
async fn on_disk(shared: &Arc<Shared>, job: impl FnOnce(&Shared) + Send + 'static) {
    let shared = Arc::clone(shared);
    if let Err(error) = tokio::task::spawn_blocking(move || job(&shared)).await {
        tracing::error!(%error, "review.keeper.failed");
    }
}

// === impl Shared ===

impl Shared {
    fn write(&self, batch: Vec<Work>) {
        for work in batch {
            match work {
                Work::Keep(to_keep) => self.keep(*to_keep),
                Work::Forget(caller, answer) => {
                    // Nobody may wait for the answer any more; it is deleted all the same.
                    let _gone = answer.send(self.forget(&caller));
                }
            }
        }
        self.export_metrics();
    }

    /// Queues an exchange for review if there are reasons, and keeps it if it is to be looked at or was drawn.
    fn keep(&self, to_keep: ToKeep) {
        let route = to_keep.judged.exchange.route.clone();
        if self.forgotten().covers(&to_keep.judged.exchange) {
            return self.count(&route, EvidenceOutcome::Forgotten);
        }
        let opened = !to_keep.reasons.is_empty() && self.open_review(&route, &to_keep);
        let outcome = match &self.evidence {
            None => EvidenceOutcome::NoKey,
            Some(_) if !opened && !to_keep.random => return,
            Some(evidence) => {
                let hashes = evidence.hashes(&to_keep.judged.exchange);
                let Some(record) = self.routes.get(&route) else {
                    return;
                };
                let ToKeep {
                    judged,
                    signature,
                    reasons,
                    ..
                } = to_keep;
                let kept = KeptExchange {
                    exchange: body::redacted(judged.exchange, &record.redactor),
                    verdict: judged.verdict,
                    opinions: judged.opinions,
                    signature: signature.map(|signature| signature.to_string()),
                    why: if opened {
                        KeepReason::Review
                    } else {
                        KeepReason::Random
                    },
                    reasons,
                    kept_unix_ms: now_unix_ms(),
                    hashes,
                };
                match evidence.put(&kept) {
                    Ok(()) => {
                        self.failing.store(false, Ordering::Relaxed);
                        EvidenceOutcome::Kept
                    }
                    Err(error) => self.failed("evidence", &error),
                }
            }
        };
        self.count(&route, outcome);
    }

    /// Whether an item was opened for it.
    fn open_review(&self, route: &RouteId, to_keep: &ToKeep) -> bool {
        let exchange = &to_keep.judged.exchange;
        let item = ReviewItem {
            id: 0,
            exchange: exchange.id.clone(),
            route: route.clone(),
            reasons: to_keep.reasons.clone(),
            signature: to_keep.signature.map(|signature| signature.to_string()),
            stands_for: 1,
            verdict: to_keep.judged.verdict.clone(),
            caller: exchange.caller,
            opened_unix_ms: now_unix_ms(),
            state: ReviewState::Open,
            sample: self.sample(to_keep),
        };
        let drawn = item.sample.is_some();
        let offered = self.reviews.offer(item);
        if drawn && !self.is_sampled(&offered) {
            self.count_review(route, ReviewOutcome::LeftOut);
        }
        let outcome = match offered {
            Ok(Offered::Opened { displaced, .. }) => {
                if displaced.is_some() {
                    self.count_review(route, ReviewOutcome::Displaced);
                }
                ReviewOutcome::Opened
            }
            Ok(Offered::Joined(_)) => ReviewOutcome::Joined,
            Ok(Offered::Accepted) => ReviewOutcome::Accepted,
            Ok(Offered::Full) => ReviewOutcome::Full,
            Err(error) => {
                self.failed("reviews", &error);
                ReviewOutcome::Failed
            }
        };
        self.count_review(route, outcome);
        outcome == ReviewOutcome::Opened
    }

    /// What the test on what people say needs of a pair that was drawn for it.
    fn sample(&self, to_keep: &ToKeep) -> Option<Sample> {
        let announced = to_keep.judged.exchange.mirrored?;
        let after = u64::try_from(self.decide_after.as_millis()).unwrap_or(u64::MAX);
        let sent_unix_ms = announced.key.sent_unix_micros / 1_000;
        let drawn = to_keep.reasons.contains(&ReviewReason::Drawn);
        drawn.then_some(Sample {
            announced,
            decide_by_unix_ms: sent_unix_ms.saturating_add(after),
        })
    }

    /// Whether what was drawn has its place in the test.
    fn is_sampled(&self, offered: &Result<Offered, EvidenceError>) -> bool {
        match offered {
            Ok(Offered::Opened { id, .. }) => {
                let item = self.reviews.get(*id);
                item.is_some_and(|item| item.sample.is_some())
            }
            Ok(Offered::Joined(_) | Offered::Accepted | Offered::Full) | Err(_) => false,
        }
    }

    fn forgotten(&self) -> MutexGuard<'_, Forgotten> {
        // A list that a panic left is a list.
        self.forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn forget(&self, caller: &Caller) -> Result<u64, EvidenceError> {
        self.forgotten().note(*caller, now_unix_ms());
        // What one cannot delete does not keep the other from it.
        let deleted = match &self.evidence {
            Some(evidence) => evidence.delete_caller(caller).map(|gone| gone.ids.len()),
            None => Ok(0),
        };
        let items = self.reviews.delete_caller(caller)?;
        Ok(items.max(deleted? as u64))
    }

    fn sweep(&self, snapshots: bool) {
        let now = now_unix_ms();
        match self.reviews.sweep(now) {
            Ok(swept) => {
                for id in swept.expired {
                    if let Some(item) = self.reviews.get(id) {
                        self.count_review(&item.route, ReviewOutcome::Expired);
                    }
                }
            }
            Err(error) => {
                self.failed("reviews", &error);
            }
        }
        if let Some(evidence) = &self.evidence
            && let Err(error) = evidence.sweep(now).and_then(|()| evidence.sync())
        {
            self.failed("evidence", &error);
        }
        if snapshots {
            for (route, record) in &self.routes {
                if let Err(error) = snapshot::save(&self.snapshots, route, record) {
                    self.failed("statistics", &error);
                }
            }
        }
        self.export_metrics();
    }

    /// Says the first of a run of failures; each is counted.
    fn failed(&self, what: &'static str, error: &EvidenceError) -> EvidenceOutcome {
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::error!(what, %error, "review.write.failed");
        }
        EvidenceOutcome::Failed
    }

    pub(super) fn count_review(&self, route: &RouteId, outcome: ReviewOutcome) {
        let metrics = self.metrics.review(route.as_str());
        if let Some(counter) = metrics.and_then(|metrics| metrics.reviews.at(outcome.index())) {
            counter.increment(1);
        }
    }
}

pub(super) fn now_unix_ms() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
