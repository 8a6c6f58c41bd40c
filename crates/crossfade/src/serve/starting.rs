//! A process on its way: callers are answered by what the ledger says, while the outcomes of what runs are folded.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context as _;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
};
use tokio_util::sync::CancellationToken;

use crossfade_exchange::OutcomeMessage;
use crossfade_judge::Batcher;
use crossfade_proxy::{ProxyHandle, Queued, Spawner, WeakProxyHandle};

use super::{
    MIRROR_PATIENCE, Server, WORKER_PATIENCE,
    core::{Built, Core},
    save, spawn, until,
};
use crate::{
    admin::Door,
    config::Config,
    control::{self, Controller, LeaseTimes, Prepared, Sources},
    kill_switch::{KillSwitch, Switching},
    listen::{self, AppListener},
    money::MoneyWatch,
    opinions::Panel,
    review::Records,
    wiring,
};

/// A process that answers callers already.
pub(super) struct Starting {
    /// Where applications connect.
    pub(super) address: SocketAddr,
    /// Where operators connect.
    pub(super) admin_address: SocketAddr,
    core: Core,
    prepared: Prepared,
    proxy: ProxyHandle,
    money: Arc<MoneyWatch>,
    exchanges: mpsc::Receiver<Queued>,
    messages: mpsc::Receiver<OutcomeMessage>,
    panel: Option<(Panel, Option<Batcher>)>,
    door: Door,
    draining: Arc<AtomicBool>,
    stop_listening: CancellationToken,
    application: JoinHandle<()>,
    stop: CancellationToken,
    spawner: Spawner,
}

impl Starting {
    /// Starts what callers need. Nothing is left running if it fails.
    pub(super) async fn open(config: Config, lease: LeaseTimes) -> anyhow::Result<Self> {
        let switching = Switching::new();
        let listener = listen::bind(config.listen.address, "[listen] address").await?;
        let admin_listener = listen::bind(config.admin.address, "[admin] address").await?;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);

        let (core, prepared, keeper) = Core::open(config, lease).await?;
        let panel = wiring::panel(&core.config, &core.checks, &core.metrics).await?;
        let Built {
            plane: (service, proxy),
            exchanges,
            messages,
        } = core.plane(&prepared).await?;
        let kill_switch = KillSwitch::new(&core.config.data.directory, &proxy, switching).await;
        let money = core.money(&proxy).await?;
        let application = AppListener::new(listener, core.config.listen.tls.as_ref(), service)?;

        let draining = Arc::<AtomicBool>::default();
        let (spawner, door) = (Spawner::new(), Door::new(Arc::clone(&draining)));
        let (stop, stop_listening) = (CancellationToken::new(), CancellationToken::new());
        spawner.spawn(keeper.run(stop.clone()));
        spawner.spawn(until(stop.clone(), core.telemetry.upkeep()));
        spawner.spawn(until(stop.clone(), kill_switch.run()));
        spawner.spawn(Arc::clone(&money).run(stop.clone()));
        spawner.spawn(door.clone().serve(admin_listener, stop.clone()));
        let drain = core.config.listen.drain;
        let application = spawn(application.run(stop_listening.clone(), drain));
        Ok(Self {
            address,
            admin_address,
            core,
            prepared,
            proxy,
            money,
            exchanges,
            messages,
            panel,
            door,
            draining,
            stop_listening,
            application,
            stop,
            spawner,
        })
    }

    /// Folds what is on disk and starts the rest; `None` if it is told to stop before that is done, after callers have had their
    /// answers. Nothing is left running if it fails.
    pub(super) async fn finish(self, told: CancellationToken) -> anyhow::Result<Option<Server>> {
        let Self {
            address,
            admin_address,
            core,
            prepared,
            proxy,
            money,
            exchanges,
            messages,
            panel,
            door,
            draining,
            stop_listening,
            application,
            stop,
            spawner,
        } = self;
        let folded = fold(prepared, told, &draining).await;
        let Ok(Some(controller)) = folded else {
            draining.store(true, Ordering::Relaxed);
            stop_listening.cancel();
            drop(application.await);
            proxy.drain(MIRROR_PATIENCE).await;
            save(money, proxy).await;
            stop.cancel();
            spawner.drain(WORKER_PATIENCE).await;
            return folded
                .map(|_no_controller| None)
                .context("the controller does not start");
        };
        let log_bytes = core.config.data.outcome_log_bytes;
        controller.learn_from(sources(proxy.downgrade(), core.records.clone(), log_bytes));
        let worker = core.worker(exchanges, messages, panel);
        let (comparer, opinions) = worker.start(&controller, &spawner, &stop);
        door.open(core.admin_state(&controller, &proxy, &money, &draining));
        Ok(Some(Server {
            address,
            admin_address,
            proxy,
            money,
            controller,
            draining,
            drain: core.config.listen.drain,
            stop_listening,
            application,
            stop,
            comparer,
            opinions,
            spawner,
        }))
    }
}

/// Folds the outcomes of what runs; `None` if it is told to stop before that is done. Load balancers are to look elsewhere from then on.
async fn fold(
    prepared: Prepared,
    told: CancellationToken,
    draining: &AtomicBool,
) -> Result<Option<Controller>, JoinError> {
    let give_up = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&give_up);
    let mut folding = tokio::task::spawn_blocking(move || prepared.fold(&give_up));
    tokio::select! {
        folded = &mut folding => folded.map(Some),
        () = told.cancelled() => {
            draining.store(true, Ordering::Relaxed);
            asked.store(true, Ordering::Relaxed);
            // A disk that hangs keeps nobody from ending.
            match tokio::time::timeout(WORKER_PATIENCE, folding).await {
                Ok(folded) => folded.map(|_in_part| None),
                Err(_) => Ok(None),
            }
        }
    }
}

/// Whom the controller asks.
fn sources(plane: WeakProxyHandle, records: Records, outcome_log_bytes: u64) -> Sources {
    let (baseline, accounting, probe) = (plane.clone(), plane.clone(), plane.clone());
    let breaker = plane.clone();
    Sources {
        baseline: Arc::new(move |route| baseline.upgrade()?.baseline(route)),
        accounting: Arc::new(move |route| {
            let all = accounting.upgrade()?.accounting();
            all.into_iter().find(|counts| counts.route == *route)
        }),
        probe: Arc::new(move |route| probe.upgrade()?.drill(route)),
        breaker_open: Arc::new(move |route| {
            let open = breaker
                .upgrade()
                .and_then(|plane| plane.is_breaker_open(route));
            open.unwrap_or(false)
        }),
        killed: Arc::new(move || plane.upgrade().is_some_and(|plane| plane.is_killed())),
        open_reviews: Arc::new(move |route| records.waiting_reviews(route) as u64),
        outcome_log_bytes,
        verify: Arc::new(|directory, route| {
            match crate::verification::verify_directory(directory, Some(route)) {
                Ok(_verified) => Ok(()),
                Err(error) => Err(control::chain(&error)),
            }
        }),
    }
}
