//! The comparison of finished exchanges: on the blocking pool, as many at a time as there are cores, a panic costing one
//! exchange only. It counts what it sees, resolves the content of drawn answers and passes verdicts on; it decides nothing.

use std::{
    collections::HashMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use crossfade_compare::Checks;
use crossfade_exchange::{
    Announcement, CheckOutcome, Exchange, Group, MetricSet, OutcomeKey, RouteId, Settled,
    Settlement, Side, Usage, Verdict,
};
use crossfade_proxy::{KnownBad, Purpose, Queued};
use crossfade_rollout::Differences;
use crossfade_statistics::Telling;
use tokio::sync::{Semaphore, mpsc};

use crate::{
    review::Judged,
    telemetry::{ExchangeLabel, Metrics, Pairing, RouteWorkerMetrics, TokenKind},
};

/// Exchanges that one job on the blocking pool compares.
const BATCH: usize = 16;

/// How one route's exchanges are judged.
type Judge = Box<dyn Fn(&Exchange) -> Verdict + Send + Sync>;

/// Where compared exchanges go; it never waits.
pub type Sink = Arc<dyn Fn(Judged) + Send + Sync>;

/// Compares exchanges of every route.
pub struct Comparer {
    checks: HashMap<RouteId, Arc<Checks>>,
    judges: HashMap<RouteId, Judge>,
    metrics: Arc<Metrics>,
    settlements: mpsc::Sender<(RouteId, Settled)>,
    sink: Sink,
    differences: Option<mpsc::Sender<(RouteId, Differences)>>,
}

// === impl Comparer ===

impl fmt::Debug for Comparer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Comparer")
            .field("routes", &self.judges.keys())
            .finish_non_exhaustive()
    }
}

impl Comparer {
    /// With each route's checks. Resolved answers go to `settlements`, which is waited for when it is full: then the
    /// queue of exchanges fills, and what it refuses is counted. What was compared goes on to `sink`.
    pub fn new(
        checks: HashMap<RouteId, Arc<Checks>>,
        metrics: Arc<Metrics>,
        settlements: mpsc::Sender<(RouteId, Settled)>,
        sink: Sink,
    ) -> Self {
        let judge = |checks: Arc<Checks>| -> Judge {
            Box::new(move |exchange: &Exchange| checks.compare(exchange))
        };
        let judges = checks
            .iter()
            .map(|(route, checks)| (route.clone(), judge(Arc::clone(checks))))
            .collect();
        Self {
            checks,
            judges,
            metrics,
            settlements,
            sink,
            differences: None,
        }
    }

    /// Differences above the primary's own noise go to `differences`, which is waited for when it is full, as settlements are.
    #[must_use]
    pub fn with_differences(mut self, differences: mpsc::Sender<(RouteId, Differences)>) -> Self {
        self.differences = Some(differences);
        self
    }

    #[cfg(test)]
    pub(super) fn judge_with(&mut self, route: RouteId, judge: Judge) {
        self.judges.insert(route, judge);
    }

    /// Compares what comes until the queue is closed and empty.
    pub async fn run(self, mut queue: mpsc::Receiver<Queued>) {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let slots = Arc::new(Semaphore::new(cores));
        let this = Arc::new(self);
        let mut batch = Vec::with_capacity(BATCH);
        while queue.recv_many(&mut batch, BATCH).await > 0 {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
                break;
            };
            let (this, jobs) = (Arc::clone(&this), std::mem::take(&mut batch));
            // The slot is what is waited for; the job says by itself how it ended.
            drop(tokio::task::spawn_blocking(move || {
                for queued in jobs {
                    this.handle(queued);
                }
                drop(slot);
            }));
        }
        let all = u32::try_from(cores).unwrap_or(u32::MAX);
        drop(slots.acquire_many(all).await);
    }

    /// Compares one exchange, counts it, resolves it, and passes it on.
    fn handle(&self, queued: Queued) {
        match queued.purpose {
            Purpose::Exchange => {
                // What was not compared is dropped without a word, and the data plane counts it so.
                if let Some(verdict) = self.judge(&queued.exchange, queued.drawn, queued.mirrored) {
                    (self.sink)(Judged::new(queued.compared(), verdict));
                }
            }
            Purpose::Outcome => {
                let verdict = self.compare(&queued.exchange);
                self.settle(&queued.exchange, queued.drawn, verdict.as_ref());
                if verdict.is_some() {
                    queued.compared();
                }
            }
            Purpose::Repeat => {
                let [noise, candidate_noise] = self.judge_repeats(&queued.exchange);
                // The pair was counted when it came alone; here it is the other half of the same requests.
                if let Some(verdict) = self.compare(&queued.exchange) {
                    self.tell_differences(&queued.exchange, &verdict, noise.as_ref());
                    (self.sink)(Judged {
                        telling: Telling::Again,
                        noise,
                        candidate_noise,
                        ..Judged::new(queued.compared(), verdict)
                    });
                }
            }
        }
    }

    /// The verdict, if the exchange could be judged, counted and with what it resolves resolved.
    pub(super) fn judge(
        &self,
        exchange: &Exchange,
        drawn: Option<Side>,
        mirrored: Option<KnownBad>,
    ) -> Option<Verdict> {
        let verdict = self.compare(exchange);
        if let Some(metrics) = self.metrics.worker(exchange.route.as_str()) {
            count(metrics, exchange, verdict.as_ref());
        }
        self.settle(exchange, drawn, verdict.as_ref());
        self.settle_pair(exchange, mirrored, verdict.as_ref());
        verdict
    }

    /// Resolves the content of a drawn answer. What could not be judged is not bad, on both sides alike.
    fn settle(&self, exchange: &Exchange, drawn: Option<Side>, verdict: Option<&Verdict>) {
        if let (Some(side), Some(key)) = (drawn, exchange.draw) {
            let bad = verdict.and_then(|verdict| verdict.bad(side));
            let bad = bad.unwrap_or(MetricSet::EMPTY).of_group(Group::Content);
            self.resolve(exchange, key, Settlement::Answer(bad));
        }
    }

    /// Resolves the content of a mirrored request. Where a side could not be judged there is no pair: counted as not bad, what cannot be
    /// judged would help the candidate to advance.
    fn settle_pair(
        &self,
        exchange: &Exchange,
        mirrored: Option<KnownBad>,
        verdict: Option<&Verdict>,
    ) {
        let (Some(known), Some(announced)) = (mirrored, exchange.mirrored) else {
            return;
        };
        let bad = |side, known: MetricSet| {
            let judged = verdict.and_then(|verdict| verdict.bad(side));
            if known.is_empty() {
                judged
            } else {
                Some(known.or(judged.unwrap_or_default()))
            }
        };
        let sides = (
            bad(Side::Primary, known.primary),
            bad(Side::Candidate, known.candidate),
        );
        let settlement = match sides {
            (Some(primary), Some(candidate)) => Settlement::Pair {
                primary: primary.of_group(Group::Content),
                candidate: candidate.of_group(Group::Content),
            },
            (None, _) | (_, None) => Settlement::Void,
        };
        self.resolve(exchange, announced.key, settlement);
    }

    fn resolve(&self, exchange: &Exchange, key: OutcomeKey, settlement: Settlement) {
        let settled = Settled {
            key,
            group: Group::Content,
            settlement,
        };
        let sent = self
            .settlements
            .blocking_send((exchange.route.clone(), settled));
        if sent.is_err() {
            tracing::debug!("worker.settlement.dropped_at_shutdown");
        }
    }

    /// How far each side disagrees with itself, where it was asked twice, the primary first. The pair itself has been judged and
    /// counted on its own.
    pub(super) fn judge_repeats(&self, exchange: &Exchange) -> [Option<Verdict>; 2] {
        [Side::Primary, Side::Candidate].map(|side| {
            let checks = self.checks.get(&exchange.route)?;
            let verdict = self.timed(exchange, || checks.compare_repeat(exchange, side))??;
            if let Some(metrics) = self.metrics.worker(exchange.route.as_str()) {
                count_repeat(metrics, exchange, side, &verdict);
            }
            Some(verdict)
        })
    }

    /// What the gates that need repeats learn of an exchange that was announced as mirrored.
    fn tell_differences(&self, exchange: &Exchange, verdict: &Verdict, noise: Option<&Verdict>) {
        let (Some(sender), Some(announced), Some(noise)) =
            (&self.differences, exchange.mirrored, noise)
        else {
            return;
        };
        let Announcement { key, attempt, unit } = announced;
        let values = crossfade_statistics::differences(verdict, noise);
        let differences = Differences::new(key.sent_unix_micros, attempt, unit, values);
        if differences.is_empty() {
            return;
        }
        let told = sender.blocking_send((exchange.route.clone(), differences));
        if told.is_err() {
            tracing::debug!("worker.differences.dropped_at_shutdown");
        }
    }

    /// The verdict, or nothing if the route has no checks or a check panicked.
    fn compare(&self, exchange: &Exchange) -> Option<Verdict> {
        let judge = self.judges.get(&exchange.route)?;
        self.timed(exchange, || judge(exchange))
    }

    /// What a comparison gives, or nothing if it panicked.
    fn timed<T>(&self, exchange: &Exchange, compare: impl FnOnce() -> T) -> Option<T> {
        let started = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(compare));
        self.metrics.worker.comparison.record(started.elapsed());
        if result.is_err() {
            tracing::error!(route = %exchange.route, exchange = %exchange.id, "worker.comparison.panicked");
        }
        result.ok()
    }
}

fn count(metrics: &RouteWorkerMetrics, exchange: &Exchange, verdict: Option<&Verdict>) {
    let label = match verdict {
        None => ExchangeLabel::Error,
        Some(verdict) => verdict
            .class
            .map_or(ExchangeLabel::Unpaired, ExchangeLabel::Class),
    };
    if let Some(counter) = metrics.exchanges.at(label.index()) {
        counter.increment(1);
    }
    let Some(verdict) = verdict else { return };
    if verdict.class.is_some() {
        count_checks(metrics, Pairing::Candidate, verdict);
        for result in &verdict.checks {
            if let Some(scores) = metrics.check_scores.at(result.check.index())
                && matches!(result.outcome, CheckOutcome::Pass | CheckOutcome::Fail)
            {
                scores.record(result.score);
            }
        }
    }
    for side in Side::ALL.iter().copied() {
        let Some(found) = verdict.side(side) else {
            continue;
        };
        let (usage, cost) = (found.usage, found.cost_usd);
        if let Some(usage) = usage {
            count_tokens(metrics, side, usage);
        }
        if let (Some(usd), Some(recording)) = (cost, exchange.recording(side))
            && let Some(dollars) = metrics.cost.at(side.index(), recording.role.index())
        {
            dollars.add(usd);
        }
    }
}

fn count_checks(metrics: &RouteWorkerMetrics, pairing: Pairing, verdict: &Verdict) {
    let Some(checks) = metrics.checks.at(pairing.index()) else {
        return;
    };
    for result in &verdict.checks {
        if let Some(counter) = checks.at(result.check.index(), result.outcome.index()) {
            counter.increment(1);
        }
    }
}

/// Of a side that was asked twice only the second answer is new: it stands where the candidate's stands.
fn count_repeat(metrics: &RouteWorkerMetrics, exchange: &Exchange, side: Side, verdict: &Verdict) {
    if verdict.class.is_some() {
        count_checks(metrics, Pairing::of_repeat(side), verdict);
    }
    let Some(second) = verdict.side(Side::Candidate) else {
        return;
    };
    if let Some(usage) = second.usage {
        count_tokens(metrics, side, usage);
    }
    if let (Some(usd), Some(recording)) = (second.cost_usd, exchange.repeat(side))
        && let Some(dollars) = metrics.cost.at(side.index(), recording.role.index())
    {
        dollars.add(usd);
    }
}

fn count_tokens(metrics: &RouteWorkerMetrics, side: Side, usage: Usage) {
    for kind in TokenKind::ALL.iter().copied() {
        let tokens = match kind {
            TokenKind::Input => usage.input,
            TokenKind::Cached => usage.cached,
            TokenKind::CacheWrite => usage.cache_write,
            TokenKind::Output => usage.output,
            TokenKind::Reasoning => usage.reasoning,
        };
        if let Some(counter) = metrics.tokens.at(side.index(), kind.index()) {
            counter.increment(tokens);
        }
    }
}
