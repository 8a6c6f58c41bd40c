//! Starts what compares and what puts outcomes into order.

use std::{collections::HashMap, sync::Arc};

use crossfade_compare::Checks;
use crossfade_exchange::{OutcomeMessage, RouteId};
use crossfade_judge::Batcher;
use crossfade_proxy::{Queued, Spawner};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Asking, spawn};
use crate::{
    control::{Clock, Controller},
    opinions::Panel,
    review::{Records, SAMPLED, SampleFeed},
    telemetry,
    worker::{Comparer, Outcomes, SETTLEMENTS, Sink},
};

/// What compares, and what puts outcomes into order.
pub(super) struct Worker {
    pub(super) checks: HashMap<RouteId, Arc<Checks>>,
    pub(super) records: Records,
    pub(super) metrics: Arc<telemetry::Metrics>,
    pub(super) exchanges: mpsc::Receiver<Queued>,
    pub(super) messages: mpsc::Receiver<OutcomeMessage>,
    /// The models that are asked about pairs, if there are any.
    pub(super) panel: Option<(Panel, Option<Batcher>)>,
    /// By which what people said comes of age.
    pub(super) clock: Clock,
}

// === impl Worker ===

impl Worker {
    /// Starts it, with the leases that its outcomes may end. The comparer is waited for by its handle, as it ends before the
    /// others are stopped.
    pub(super) fn start(
        self,
        controller: &Controller,
        spawner: &Spawner,
        stop: &CancellationToken,
    ) -> (JoinHandle<()>, Option<Asking>) {
        let (settlements, settled) = mpsc::channel(SETTLEMENTS);
        let (reviewed, sampled) = mpsc::channel(SAMPLED);
        let feed = SampleFeed::new(
            self.records.clone(),
            controller.clone(),
            self.clock,
            reviewed,
        );
        let records = self.records;
        let sink: Sink = Arc::new(move |judged| records.take(judged));
        let (sink, opinions) = match self.panel {
            Some((panel, batcher)) => {
                let (sink, asking) = ask_before(sink, panel, batcher, spawner);
                (sink, Some(asking))
            }
            None => (sink, None),
        };
        let (differences, differing) = mpsc::channel(SETTLEMENTS);
        let ordering = Outcomes::new(controller.clone(), Arc::clone(&self.metrics))
            .with_differences(differing)
            .with_sampled(sampled);
        let comparer = Comparer::new(self.checks, self.metrics, settlements, sink)
            .with_differences(differences);
        spawner.spawn(ordering.run(self.messages, settled, stop.clone()));
        spawner.spawn(feed.run(stop.clone()));
        spawner.spawn(controller.clone().run_leases(stop.clone()));
        spawner.spawn(controller.clone().run_ticks(stop.clone()));
        (spawn(comparer.run(self.exchanges)), opinions)
    }
}

/// Puts the models that are asked about pairs before where verdicts go.
fn ask_before(
    sink: Sink,
    panel: Panel,
    batcher: Option<Batcher>,
    spawner: &Spawner,
) -> (Sink, Asking) {
    let (sink, asker) = panel.before(sink);
    if let Some(batcher) = batcher {
        spawner.spawn(batcher.run());
    }
    let no_more = CancellationToken::new();
    let task = spawn(asker.run(no_more.clone()));
    (sink, Asking { task, no_more })
}
