//! The one writer of outcomes: announcements and settlements in, decided answers out to the controller, in order.
//!
//! What the controller cannot log is kept and tried again; when too much is kept, announcements are no longer taken in.
//! Then the data plane finds no room for another drawn answer and lets the primary answer.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crossfade_exchange::{OutcomeMessage, RouteId, Settled};
use crossfade_rollout::{Ages, DecidedPair, Differences, OrderBuffer, Record};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::{
    control::{Controller, NotLogged},
    telemetry::{Metrics, OutcomeFate},
};

/// How often what can be decided is decided.
const TICK: Duration = Duration::from_millis(250);
/// Messages taken in at a time.
const BATCH: usize = 1_024;
/// Outcomes logged at a time.
const CHUNK: usize = 4_096;
/// Decided outcomes kept while they cannot be logged, over all routes: about 15 MB.
const HELD: usize = 131_072;
/// For a route without an attempt, whose answers are dropped when they are decided.
const NO_ATTEMPT: Ages = Ages {
    arrival: Duration::from_secs(10),
    content: Duration::from_secs(30),
};

/// The orders of every route.
#[derive(Debug)]
pub struct Outcomes {
    controller: Controller,
    metrics: Arc<Metrics>,
    routes: BTreeMap<RouteId, Order>,
    held: usize,
    differences: Option<mpsc::Receiver<(RouteId, Differences)>>,
    sampled: Option<mpsc::Receiver<(RouteId, DecidedPair)>>,
}

/// One route's order, and what was decided and not yet logged.
#[derive(Debug, Default)]
struct Order {
    buffer: OrderBuffer,
    decided: VecDeque<Record>,
    /// Differences for which there was no room.
    lost: u64,
}

// === impl Outcomes ===

impl Outcomes {
    /// For every route of a controller.
    pub fn new(controller: Controller, metrics: Arc<Metrics>) -> Self {
        let routes = controller
            .routes()
            .map(|route| (route.clone(), Order::default()))
            .collect();
        Self {
            controller,
            metrics,
            routes,
            held: 0,
            differences: None,
            sampled: None,
        }
    }

    /// What the comparison says of requests that the primary was asked twice comes from `differences`, and is logged in the order
    /// of its arrival.
    #[must_use]
    pub fn with_differences(mut self, differences: mpsc::Receiver<(RouteId, Differences)>) -> Self {
        self.differences = Some(differences);
        self
    }

    /// What people said of drawn pairs comes from `sampled`, in its order already, and is logged in that order. What is not logged is
    /// told again after a restart.
    #[must_use]
    pub fn with_sampled(mut self, sampled: mpsc::Receiver<(RouteId, DecidedPair)>) -> Self {
        self.sampled = Some(sampled);
        self
    }

    /// Runs until cancelled, then decides and logs what can be. `messages` come from the data plane, `settlements` from
    /// the comparison.
    pub async fn run(
        mut self,
        mut messages: mpsc::Receiver<OutcomeMessage>,
        mut settlements: mpsc::Receiver<(RouteId, Settled)>,
        stop: CancellationToken,
    ) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut incoming, mut resolved) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        let mut differences = self.differences.take();
        let mut sampled = self.sampled.take();
        loop {
            let room = self.held < HELD;
            // Announcements before settlements, so that few of these come early.
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = tick.tick() => self.advance().await,
                count = messages.recv_many(&mut incoming, BATCH), if room => {
                    incoming.drain(..).for_each(|message| self.take(&message));
                    if count == 0 {
                        break;
                    }
                }
                count = settlements.recv_many(&mut resolved, BATCH) => {
                    for (route, settled) in resolved.drain(..) {
                        self.settle(&route, &settled);
                    }
                    if count == 0 {
                        break;
                    }
                }
                told = next(&mut differences) => match told {
                    Some((route, differences)) => self.differ(&route, differences),
                    None => differences = None,
                },
                told = next(&mut sampled), if room => match told {
                    Some((route, pair)) => self.reviewed(&route, pair),
                    None => sampled = None,
                }
            }
        }
        while let Some(Ok((route, told))) = differences.as_mut().map(mpsc::Receiver::try_recv) {
            self.differ(&route, told);
        }
        self.finish(&mut messages, &mut settlements).await;
    }

    /// Takes in what is there already, and logs what can be decided.
    async fn finish(
        &mut self,
        messages: &mut mpsc::Receiver<OutcomeMessage>,
        settlements: &mut mpsc::Receiver<(RouteId, Settled)>,
    ) {
        while let Ok(message) = messages.try_recv() {
            self.take(&message);
        }
        while let Ok((route, settled)) = settlements.try_recv() {
            self.settle(&route, &settled);
        }
        self.advance().await;
    }

    fn take(&mut self, message: &OutcomeMessage) {
        let route = match message {
            OutcomeMessage::Drawn(drawn) => &drawn.route,
            OutcomeMessage::Mirrored(mirrored) => &mirrored.route,
            OutcomeMessage::Settled(route, _) | OutcomeMessage::Watermark { route, .. } => route,
        };
        if let Some(order) = self.routes.get_mut(route) {
            order.buffer.message(message);
        }
    }

    fn settle(&mut self, route: &RouteId, settled: &Settled) {
        if let Some(order) = self.routes.get_mut(route) {
            order.buffer.settled(settled);
        }
    }

    /// Differences say nothing of a side that the others do not, so those for which there is no room may be left out.
    fn differ(&mut self, route: &RouteId, differences: Differences) {
        let room = self.held < HELD;
        if let Some(order) = self.routes.get_mut(route) {
            if room {
                order.decided.push_back(Record::Differences(differences));
                self.held += 1;
            } else {
                order.lost += 1;
            }
        }
    }

    /// It may wait for room: it has waited for days.
    fn reviewed(&mut self, route: &RouteId, pair: DecidedPair) {
        if let Some(order) = self.routes.get_mut(route) {
            order.decided.push_back(Record::Pair(pair));
            self.held += 1;
        }
    }

    /// Decides what can be decided, and logs and applies it.
    async fn advance(&mut self) {
        let now = now_unix_micros();
        let mut held = 0;
        for (route, order) in &mut self.routes {
            let ages = self.controller.ages(route).unwrap_or(NO_ATTEMPT);
            order.decided.extend(order.buffer.advance(now, ages));
            log(&self.controller, &self.metrics, route, order).await;
            held += order.decided.len();
            let oldest = order.decided.front().map(Record::at_unix_micros);
            let oldest = oldest.into_iter().chain(order.buffer.oldest_unix_micros());
            self.controller.unresolved(route, oldest.min());
        }
        self.held = held;
        #[expect(clippy::cast_precision_loss, reason = "a count for display")]
        self.metrics.worker.held.set(held as f64);
        self.controller.outcomes_held(held > 0);
    }
}

/// Logs what was decided, in order, until all of it is or the log refuses.
async fn log(controller: &Controller, metrics: &Metrics, route: &RouteId, order: &mut Order) {
    let handles = metrics.control(route.as_str());
    let add = |fate: OutcomeFate, count: usize| {
        if let Some(counter) = handles.and_then(|handles| handles.outcomes.at(fate.index())) {
            counter.increment(count as u64);
        }
    };
    while !order.decided.is_empty() {
        let chunk: Vec<Record> = order
            .decided
            .drain(..order.decided.len().min(CHUNK))
            .collect();
        match controller.apply_outcomes(route, chunk).await {
            Ok(applied) => {
                add(OutcomeFate::Decided, applied.decided);
                add(OutcomeFate::Stale, applied.stale);
            }
            Err(NotLogged { batch, problem }) => {
                tracing::debug!(%route, problem, held = batch.len(), "worker.outcomes.held");
                for decided in batch.into_iter().rev() {
                    order.decided.push_front(decided);
                }
                break;
            }
        }
    }
    let counts = order.buffer.counts();
    for fate in OutcomeFate::ALL.iter().copied() {
        let total = match fate {
            OutcomeFate::Decided | OutcomeFate::Stale => continue,
            OutcomeFate::Late => counts.late,
            OutcomeFate::Forced => counts.forced_by_age + counts.forced_by_room,
            OutcomeFate::Void => counts.void,
            OutcomeFate::Lost => counts.dropped + counts.lost + counts.unmatched + order.lost,
        };
        if let Some(counter) = handles.and_then(|handles| handles.outcomes.at(fate.index())) {
            counter.absolute(total);
        }
    }
}

/// The next of what may not be there; then it never comes.
async fn next<T>(receiver: &mut Option<mpsc::Receiver<T>>) -> Option<T> {
    match receiver {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
    }
}

fn now_unix_micros() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}
