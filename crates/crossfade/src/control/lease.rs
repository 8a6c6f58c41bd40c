//! The lease: a share counts only while somebody keeps showing that ledger and outcomes can be written.

use std::sync::atomic::Ordering;

use tokio_util::sync::CancellationToken;

use super::{Controller, Shared, lock};

impl Controller {
    /// Renews leases until cancelled. Without this running, every share is an effective 0.
    pub async fn run_leases(self, stop: CancellationToken) {
        let times = self.shared.lease;
        loop {
            let renewed = tokio::select! {
                () = stop.cancelled() => return,
                renewed = self.on_disk(Shared::renew) => renewed.unwrap_or(false),
            };
            let wait = if renewed { times.renew } else { times.retry };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
                // At most once a retry, however often something fails.
                () = self.shared.trouble.notified() => tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(times.retry.min(wait)) => {}
                },
            }
        }
    }
}

impl Shared {
    /// Writes what waits, and grants new leases if everything is on record.
    pub(super) fn renew(&self) -> bool {
        // Counted from before the disk was asked: an answer that took long must not lengthen the lease.
        let until = self.clock.instant() + self.lease.duration;
        let result = {
            let mut disk = lock(&self.disk);
            let result = disk.ready();
            self.note_head(&mut disk);
            result
        };
        let result = result.and_then(|()| {
            if self.outcomes_held.load(Ordering::Relaxed) {
                return Err("outcomes are held back because they could not be logged".to_owned());
            }
            Ok(())
        });
        match &result {
            Ok(()) => {
                if lock(&self.history).problem.take().is_some() {
                    tracing::info!("control.ledger.writable_again");
                }
                for control in self.routes.values() {
                    if lock(&control.bar).is_none() {
                        control.publisher.lease(until);
                    }
                }
            }
            Err(problem) => {
                let mut history = lock(&self.history);
                if history.problem.as_ref() != Some(problem) {
                    tracing::warn!(problem, "control.lease.not_renewed");
                }
                history.problem = Some(problem.clone());
            }
        }
        result.is_ok()
    }
}
