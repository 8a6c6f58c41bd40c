//! What becomes of a verdict: statistics at once, then the rules of review, then, for the few exchanges that are kept, a
//! bounded queue to the one task that writes ([`super::Keeper`]). Nothing here waits for a disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crossfade_backplane::{
    DataDirectory, EvidenceError, EvidenceKeys, EvidenceSettings, EvidenceStore, QueueSettings,
    ReviewQueue, Snapshots,
};
use crossfade_exchange::{Caller, Exchange, Opinions, ReviewReason, RouteId, Side, Verdict};
use crossfade_redact::Redactor;
use crossfade_statistics::{
    Observation, RouteReport, RouteStatistics, Signature, StatisticsSettings, Telling,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{
    FoundLine, Keeper,
    forgotten::Forgotten,
    rules::{Draw, Facts},
    snapshot,
};
use crate::telemetry::{EvidenceOutcome, Metrics};

/// Exchanges that may wait to be kept.
const QUEUE: usize = 1_024;
/// KiB of their bodies that may wait.
const ROOM_KIB: usize = 64 << 10;
/// Less alike than all but this share of the primary's repeats is reason to look.
const BELOW_NOISE: f64 = 0.01;

/// What [`Records::start`] needs.
#[derive(Debug)]
pub struct RecordsSettings {
    /// The data directory.
    pub directory: Arc<DataDirectory>,
    /// The installation's secret, which draws are made with.
    pub secret: [u8; 32],
    /// What seals what is kept; without a current key no exchange is kept.
    pub keys: EvidenceKeys,
    /// The bounds of what is kept.
    pub evidence: EvidenceSettings,
    /// The bounds of the review queue.
    pub reviews: QueueSettings,
    /// How long after a drawn pair was sent it enters the test, with what people said of it by then.
    pub decide_after: Duration,
    /// The routes.
    pub routes: Vec<RecordedRoute>,
    /// Where it counts.
    pub metrics: Arc<Metrics>,
}

/// How one route's verdicts are recorded.
#[derive(Debug)]
pub struct RecordedRoute {
    /// Which.
    pub id: RouteId,
    /// How they are counted.
    pub statistics: StatisticsSettings,
    /// Of everything that makes verdicts comparable: statistics of another fingerprint are started anew.
    pub fingerprint: String,
    /// The share of pairs that is kept at random, 0..=1; what is queued for review is always kept.
    pub share: f64,
    /// The share of mirrored pairs that is drawn for the test on what people say, 0..=1; 0 where the route does not run it.
    pub sample: f64,
    /// What is taken out before anything is kept.
    pub redactor: Redactor,
}

/// A compared exchange.
#[derive(Clone, Debug)]
pub struct Judged {
    /// It.
    pub exchange: Exchange,
    /// The candidate against the primary.
    pub verdict: Verdict,
    /// What models said of it.
    pub opinions: Opinions,
    /// Whether the judging model said something else when the order was turned round.
    pub judge_contradicts: bool,
    /// Whether it is told for the first time, or again with repeats.
    pub telling: Telling,
    /// The primary asked again against itself.
    pub noise: Option<Verdict>,
    /// The candidate asked again against itself.
    pub candidate_noise: Option<Verdict>,
}

/// The records of every route. Cheap to clone.
#[derive(Clone)]
pub struct Records {
    pub(super) shared: Arc<Shared>,
    queue: mpsc::Sender<Work>,
    room: Arc<Semaphore>,
}

/// What the handles and the writing task share.
pub(super) struct Shared {
    pub(super) routes: BTreeMap<RouteId, RouteRecords>,
    pub(super) reviews: ReviewQueue,
    pub(super) decide_after: Duration,
    pub(super) snapshots: Snapshots,
    /// Without a key there is none.
    pub(super) evidence: Option<EvidenceStore>,
    pub(super) metrics: Arc<Metrics>,
    /// The disk refused the last time.
    pub(super) failing: AtomicBool,
    /// Whom to forget, and until when.
    pub(super) forgotten: Mutex<Forgotten>,
    to_review: Draw,
    to_keep: Draw,
}

/// One route.
pub(super) struct RouteRecords {
    statistics: Mutex<RouteStatistics>,
    /// Something was told since the last snapshot.
    pub(super) told: AtomicBool,
    /// Held while a snapshot is taken and written, so that an older one never comes after a newer one.
    pub(super) saving: Mutex<()>,
    /// Reviews that were open when the gauges were last brought in step.
    open: AtomicU64,
    pub(super) fingerprint: String,
    share: f64,
    sample: f64,
    pub(super) redactor: Redactor,
}

/// What the writing task is asked to do.
pub(super) enum Work {
    /// Keep an exchange, and queue it if there are reasons.
    Keep(Box<ToKeep>),
    /// Delete what is kept of a caller, and everything of theirs that waits before this.
    Forget(Caller, oneshot::Sender<Result<u64, EvidenceError>>),
}

/// One exchange that is to be kept.
pub(super) struct ToKeep {
    pub(super) judged: Judged,
    pub(super) signature: Option<Signature>,
    pub(super) reasons: Vec<ReviewReason>,
    /// Drawn at random.
    pub(super) random: bool,
    /// Its bytes of the queue's room.
    _room: OwnedSemaphorePermit,
}

// === impl Judged ===

impl Judged {
    /// A pair, or one side alone, that nobody else was asked about.
    pub fn new(exchange: Exchange, verdict: Verdict) -> Self {
        Self {
            exchange,
            verdict,
            opinions: Opinions::default(),
            judge_contradicts: false,
            telling: Telling::First,
            noise: None,
            candidate_noise: None,
        }
    }
}

// === impl RouteRecords ===

impl RouteRecords {
    /// What is known; added up outside the lock, as that takes milliseconds.
    fn report(&self) -> RouteReport {
        let known = self.statistics().clone();
        known.report()
    }

    /// The statistics; held for a moment only.
    pub(super) fn statistics(&self) -> MutexGuard<'_, RouteStatistics> {
        // Counts that a panic left are off by one exchange at most.
        self.statistics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Records ===

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("routes", &self.shared.routes.keys())
            .field("evidence", &self.shared.evidence.is_some())
            .finish_non_exhaustive()
    }
}

impl Records {
    /// Opens what is on disk, and takes up statistics that are still comparable. Waits for the disk.
    pub fn start(settings: RecordsSettings) -> Result<(Self, Keeper), EvidenceError> {
        let RecordsSettings {
            directory,
            secret,
            keys,
            evidence,
            reviews,
            decide_after,
            routes,
            metrics,
        } = settings;
        let evidence = match keys.current {
            Some(_) => Some(EvidenceStore::open(&directory, evidence, &keys)?),
            None => None,
        };
        let reviews = ReviewQueue::open(&directory, reviews, &keys)?;
        let snapshots = Snapshots::open(&directory, &keys)?;
        let mut records = BTreeMap::new();
        for route in routes {
            let mut statistics = snapshot::load(&snapshots, &route)?;
            statistics.judge_by(route.statistics.margins.clone());
            agree_on_rules(&mut statistics, &reviews, &route.id);
            let record = RouteRecords {
                statistics: Mutex::new(statistics),
                told: AtomicBool::new(false),
                saving: Mutex::new(()),
                open: AtomicU64::new(0),
                fingerprint: route.fingerprint,
                share: route.share,
                sample: route.sample,
                redactor: route.redactor,
            };
            records.insert(route.id, record);
        }
        let shared = Arc::new(Shared {
            routes: records,
            reviews,
            decide_after,
            snapshots,
            evidence,
            metrics,
            failing: AtomicBool::new(false),
            forgotten: Mutex::default(),
            to_review: Draw::new(&secret, "review"),
            to_keep: Draw::new(&secret, "keep"),
        });
        shared.export_metrics();
        let (queue, work) = mpsc::channel(QUEUE);
        let keeper = Keeper::new(Arc::clone(&shared), work);
        let room = Arc::new(Semaphore::new(ROOM_KIB));
        Ok((
            Self {
                shared,
                queue,
                room,
            },
            keeper,
        ))
    }

    /// Takes a compared exchange: counts it at once, and offers it to be kept if there is a reason. Never waits; what finds
    /// no room is dropped and counted.
    pub fn take(&self, judged: Judged) {
        let Some(route) = self.shared.routes.get(&judged.exchange.route) else {
            return;
        };
        let observation = Observation::new(&judged.exchange, &judged.verdict).with_repeats(
            judged.telling,
            judged.noise.as_ref(),
            judged.candidate_noise.as_ref(),
        );
        let observed = route.statistics().observe(&observation);
        route.told.store(true, Ordering::Relaxed);
        // What is told again was offered the first time.
        if judged.telling == Telling::Again || !judged.exchange.is_pair() {
            return;
        }
        let facts = Facts {
            id: &judged.exchange.id,
            verdict: &judged.verdict,
            opinions: &judged.opinions,
            judge_contradicts: judged.judge_contradicts,
            seen: observed.signature.map(|_| observed.seen),
            below_noise: observed
                .similarity_percentile
                .is_some_and(|share| share < BELOW_NOISE),
            accepted: observed.accepted,
            sample: if is_answered(&judged.exchange) {
                route.sample
            } else {
                0.0
            },
        };
        let reasons = facts.reasons(&self.shared.to_review);
        let kept = self.shared.evidence.is_some();
        let random = kept && self.shared.to_keep.falls(&judged.exchange.id, route.share);
        if !random && reasons.is_empty() {
            return;
        }
        self.offer(judged, observed.signature, reasons, random);
    }

    fn offer(
        &self,
        judged: Judged,
        signature: Option<Signature>,
        reasons: Vec<ReviewReason>,
        random: bool,
    ) {
        let route = judged.exchange.route.clone();
        let kib = judged.exchange.held_bytes() / 1_024 + 1;
        let room = u32::try_from(kib)
            .ok()
            .and_then(|kib| Arc::clone(&self.room).try_acquire_many_owned(kib).ok());
        let taken = room.is_some_and(|room| {
            let work = Work::Keep(Box::new(ToKeep {
                judged,
                signature,
                reasons,
                random,
                _room: room,
            }));
            self.queue.try_send(work).is_ok()
        });
        if !taken {
            self.shared.count(&route, EvidenceOutcome::Dropped);
        }
    }

    /// What is known of a route, at a glance. It does not look at the disk, but it adds up all that was counted: for the blocking
    /// pool.
    pub fn found(&self, route: &RouteId) -> Option<FoundLine> {
        let record = self.shared.routes.get(route)?;
        let report = record.report();
        Some(FoundLine {
            headline: report.headline,
            pairs: report.pairs,
            noise_pairs: report.noise_pairs,
            reviews_open: record.open.load(Ordering::Relaxed),
        })
    }

    /// What is known of a route.
    pub fn report(&self, route: &RouteId) -> Option<RouteReport> {
        let record = self.shared.routes.get(route)?;
        Some(record.report())
    }

    /// Deletes what is kept of a caller. What they asked before this and is still under way, in the data plane, at the comparison or
    /// with a model that is asked about it, is not kept when it comes.
    ///
    /// # Errors
    /// If the files cannot be rewritten; then nothing is promised, and it is to be asked again.
    pub async fn forget(&self, caller: Caller) -> Result<u64, super::NotDone> {
        let (answer, answered) = oneshot::channel();
        self.queue
            .send(Work::Forget(caller, answer))
            .await
            .map_err(|_| super::NotDone::Stopping)?;
        let deleted = answered.await.map_err(|_| super::NotDone::Stopping)?;
        Ok(deleted?)
    }

    /// Brings the gauges in step.
    pub fn export_metrics(&self) {
        self.shared.export_metrics();
    }
}

/// Whether it was announced as mirrored, and both sides answered: only then is there something for people to compare. What does not
/// answer is the other groups' to count, and not bad once more here.
fn is_answered(exchange: &Exchange) -> bool {
    let answered = |side: Side| {
        let recording = exchange.recording(side);
        recording.is_some_and(|recording| !recording.transport_bad())
    };
    exchange.mirrored.is_some() && Side::ALL.iter().copied().all(answered)
}

/// The queue's rules are durable at once, those of a snapshot are as old as it.
fn agree_on_rules(statistics: &mut RouteStatistics, reviews: &ReviewQueue, route: &RouteId) {
    let rules = reviews.rules(Some(route)).into_iter();
    let rules: BTreeSet<Signature> = rules
        .filter_map(|rule| rule.signature.parse().ok())
        .collect();
    for known in statistics.report().accepted {
        if !rules.contains(&known.signature) {
            statistics.withdraw(known.signature);
        }
    }
    for signature in rules {
        // A rule beyond the statistics' bound is still the queue's.
        statistics.accept(signature);
    }
}

// === impl Shared ===

impl Shared {
    pub(super) fn count(&self, route: &RouteId, outcome: EvidenceOutcome) {
        let metrics = self.metrics.review(route.as_str());
        if let Some(counter) = metrics.and_then(|metrics| metrics.evidence.at(outcome.index())) {
            counter.increment(1);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts for display")]
    pub(super) fn export_metrics(&self) {
        let open = self.reviews.open_counts();
        for (route, record) in &self.routes {
            let open = open.get(route).copied().unwrap_or_default();
            record.open.store(open, Ordering::Relaxed);
            if let Some(metrics) = self.metrics.review(route.as_str()) {
                metrics.open.set(open as f64);
            }
        }
        if let Some(evidence) = &self.evidence {
            let stats = evidence.stats();
            self.metrics.records.bytes.set(stats.bytes as f64);
            self.metrics.records.exchanges.set(stats.exchanges as f64);
        }
    }
}
