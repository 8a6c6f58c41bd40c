//! A running process: listeners, data plane, worker, controller; and how they end.

mod core;
mod starting;
mod worker;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crossfade_proxy::{ProxyHandle, Spawner};

use crate::{
    config::{Config, LogFormat},
    control::{Controller, LeaseTimes},
    money::MoneyWatch,
    signals::Signals,
    telemetry,
};
use starting::Starting;

/// How long a drain waits for mirrors under way.
const MIRROR_PATIENCE: Duration = Duration::from_secs(5);
/// How long a drain waits for the worker to finish what is queued.
const WORKER_PATIENCE: Duration = Duration::from_secs(10);

/// `crossfade serve`: runs until the process is told to stop.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let format = match config.logging.format {
        LogFormat::Json => telemetry::LogFormat::Json,
        LogFormat::Text => telemetry::LogFormat::Text,
    };
    telemetry::init_logging(format, config.logging.level.filter())?;
    telemetry::quiet_panics();
    // Before it is said that the process runs: a wish to stop that comes at once must find the drain.
    let mut signals = Signals::new().context("cannot listen for signals")?;
    let starting = tokio::select! {
        starting = Box::pin(Starting::open(config, LeaseTimes::default())) => starting?,
        // Nobody has been answered yet.
        () = signals.told() => {
            tracing::info!("serve.stopped");
            return Ok(());
        }
    };
    tracing::info!(address = %starting.address, "serve.answering");
    let told = CancellationToken::new();
    let mut finishing = Box::pin(starting.finish(told.clone()));
    let server = tokio::select! {
        server = &mut finishing => server?,
        () = signals.told() => {
            tracing::info!("serve.draining");
            told.cancel();
            if let Some(server) = finishing.await? {
                server.stop().await;
            }
            None
        }
    };
    if let Some(server) = server {
        tracing::info!(address = %server.address(),
            admin_address = %server.admin_address(), "serve.started");
        server.run_until(signals).await;
    }
    tracing::info!("serve.stopped");
    Ok(())
}

/// A running process.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    admin_address: SocketAddr,
    proxy: ProxyHandle,
    money: Arc<MoneyWatch>,
    controller: Controller,
    /// Set when a drain begins, so that load balancers look elsewhere from then on.
    draining: Arc<AtomicBool>,
    drain: Duration,
    /// Stops accepting.
    stop_listening: CancellationToken,
    application: JoinHandle<()>,
    /// Stops the worker, the controller and the admin listener.
    stop: CancellationToken,
    comparer: JoinHandle<()>,
    opinions: Option<Asking>,
    spawner: Spawner,
}

/// The task that asks models about pairs, and what tells it to ask no more.
#[derive(Debug)]
struct Asking {
    task: JoinHandle<()>,
    no_more: CancellationToken,
}

impl Server {
    /// Starts everything. Nothing is left running if it fails.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Box::pin(Self::start_with(config, LeaseTimes::default())).await
    }

    /// As [`Self::start`], with other leases: for tests that cannot wait for one to run out.
    pub async fn start_with(config: Config, lease: LeaseTimes) -> anyhow::Result<Self> {
        let starting = Box::pin(Starting::open(config, lease)).await?;
        let started = Box::pin(starting.finish(CancellationToken::new())).await?;
        started.context("the process was told to stop while it started")
    }

    /// Where applications connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where operators connect.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The data plane.
    pub fn proxy(&self) -> &ProxyHandle {
        &self.proxy
    }

    /// The controller.
    pub fn controller(&self) -> &Controller {
        &self.controller
    }

    /// Serves until SIGTERM or an interrupt, then stops.
    pub(crate) async fn run_until(self, mut signals: Signals) {
        signals.told().await;
        tracing::info!(drain_seconds = self.drain.as_secs(), "serve.draining");
        self.stop().await;
    }

    /// Drains: no new connections; answers under way finish; mirrors under way get five seconds; what is queued is compared; what is
    /// decided is logged.
    pub async fn stop(self) {
        let Self {
            proxy,
            money,
            stop_listening,
            application,
            controller,
            draining,
            stop,
            comparer,
            opinions,
            spawner,
            ..
        } = self;
        draining.store(true, Ordering::Relaxed);
        stop_listening.cancel();
        drop(application.await);
        proxy.drain(MIRROR_PATIENCE).await;
        save(money, proxy.clone()).await;
        // With the last handle the queue closes, and the comparer ends when it is empty.
        drop(proxy);
        let abort = comparer.abort_handle();
        if tokio::time::timeout(WORKER_PATIENCE, comparer)
            .await
            .is_err()
        {
            tracing::warn!("serve.queue.abandoned");
            abort.abort();
        }
        // What waits for an opinion is told without one, before what keeps it ends.
        if let Some(Asking { task, no_more }) = opinions {
            no_more.cancel();
            drop(tokio::time::timeout(WORKER_PATIENCE, task).await);
        }
        stop.cancel();
        spawner.drain(WORKER_PATIENCE).await;
        // Changes toward the primary that still wait for the disk.
        drop(tokio::time::timeout(WORKER_PATIENCE, controller.finish()).await);
    }
}

/// Writes what was spent, if the disk answers in time.
async fn save(money: Arc<MoneyWatch>, proxy: ProxyHandle) {
    let saved = tokio::task::spawn_blocking(move || money.save(&proxy));
    drop(tokio::time::timeout(WORKER_PATIENCE, saved).await);
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the two tasks whose handles the drain itself waits for, in order"
)]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

#[cfg(test)]
mod tests;
