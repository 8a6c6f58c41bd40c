//! The tracked spawner: every background task goes through it, so that a drain can wait for them.

use std::{future::Future, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Spawns tasks and knows when all of them have ended. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Spawner {
    tracker: TaskTracker,
    /// Cancelled when a drain begins: nothing new is started, and upkeep ends.
    stopping: CancellationToken,
    /// Cancelled when a drain has waited long enough.
    give_up: CancellationToken,
}

impl Spawner {
    /// A spawner with no tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task in the background. A panic ends that task only.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        // The handle may go: the tracker waits for the task, and its own guards count how it ended.
        drop(self.tracker.spawn(task));
    }

    /// Cancelled when a drain begins.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    /// Cancelled when a drain has waited long enough: tasks end at once.
    pub fn give_up(&self) -> &CancellationToken {
        &self.give_up
    }

    /// Waits up to `patience` for the tasks, then tells the rest to give up and waits for that, as long again at most.
    pub async fn drain(&self, patience: Duration) {
        self.stopping.cancel();
        self.tracker.close();
        if tokio::time::timeout(patience, self.tracker.wait())
            .await
            .is_err()
        {
            self.give_up.cancel();
            let _ = tokio::time::timeout(patience, self.tracker.wait()).await;
        }
    }
}
