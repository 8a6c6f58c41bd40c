//! A running process: listeners, data plane, worker, controller; and how they end.

mod worker;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crossfade_backplane::DataDirectory;
use crossfade_bedrock::Sealer;
use crossfade_compare::Checks;
use crossfade_exchange::{OutcomeMessage, RouteId};
use crossfade_judge::Batcher;
use crossfade_proxy::{
    Builder, HashKey, Proxy, ProxyHandle, Queued, RouteSettings, Spawner, WeakProxyHandle,
};
use crossfade_rollout::Split;

use crate::{
    admin::{self, AdminState},
    config::{Config, LogFormat},
    control::{self, Clock, Controller, ControllerOptions, LeaseTimes, Sources},
    kill_switch::KillSwitch,
    listen::{self, AppListener},
    money::MoneyWatch,
    opinions::Panel,
    review::{Keeper, Records},
    signals::Signals,
    telemetry::{self, Telemetry},
    wiring,
};
use worker::Worker;

/// How long a drain waits for mirrors under way.
const MIRROR_PATIENCE: Duration = Duration::from_secs(5);
/// How long a drain waits for the worker to finish what is queued.
const WORKER_PATIENCE: Duration = Duration::from_secs(10);
/// Messages of drawn answers that may wait: three for each of the most that may be undecided.
const OUTCOMES: usize = 3 * 65_536;

/// `crossfade serve`: runs until the process is told to stop.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let format = match config.logging.format {
        LogFormat::Json => telemetry::LogFormat::Json,
        LogFormat::Text => telemetry::LogFormat::Text,
    };
    telemetry::init_logging(format, config.logging.level.filter())?;
    telemetry::quiet_panics();
    // Before it is said that the process runs: a wish to stop that comes at once must find the drain.
    let signals = Signals::new().context("cannot listen for signals")?;
    let server = Server::start(config).await?;
    tracing::info!(address = %server.address(),
        admin_address = %server.admin_address(), "serve.started");
    server.run_until(signals).await;
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
        let listener = listen::bind(config.listen.address, "[listen] address").await?;
        let admin_listener = listen::bind(config.admin.address, "[admin] address").await?;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);

        let (core, keeper) = Core::open(config, lease).await?;
        let panel = wiring::panel(&core.config, &core.checks, &core.metrics).await?;
        let built = core.plane().await?;
        let (service, proxy) = built.plane;
        let plane = proxy.downgrade();
        let kill_switch = KillSwitch::new(&core.config.data.directory, &proxy).await;
        let money = core.money(&proxy).await?;
        let controller = core.controller.clone();
        controller.learn_from(sources(plane, core.records.clone()));
        let application = AppListener::new(listener, core.config.listen.tls.as_ref(), service)?;

        let spawner = Spawner::new();
        let (stop, stop_listening) = (CancellationToken::new(), CancellationToken::new());
        spawner.spawn(keeper.run(stop.clone()));
        spawner.spawn(until(stop.clone(), core.telemetry.upkeep()));
        spawner.spawn(until(stop.clone(), kill_switch.run()));
        let worker = core.worker(built.exchanges, built.messages, panel);
        let (comparer, opinions) = worker.start(&controller, &spawner, &stop);
        let draining = Arc::new(AtomicBool::new(false));
        spawner.spawn(Arc::clone(&money).run(stop.clone()));
        let state = core.admin_state(&proxy, &money, &draining);
        spawner.spawn(administer(admin_listener, state, stop.clone()));
        let drain = core.config.listen.drain;
        let application = spawn(application.run(stop_listening.clone(), drain));
        Ok(Self {
            address,
            admin_address,
            proxy,
            money,
            controller,
            draining,
            drain,
            stop_listening,
            application,
            stop,
            comparer,
            opinions,
            spawner,
        })
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
        let last = proxy.clone();
        drop(tokio::task::spawn_blocking(move || money.save(&last)).await);
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

/// Whom the controller asks.
fn sources(plane: WeakProxyHandle, records: Records) -> Sources {
    let (baseline, accounting, probe) = (plane.clone(), plane.clone(), plane.clone());
    Sources {
        baseline: Arc::new(move |route| baseline.upgrade()?.baseline(route)),
        accounting: Arc::new(move |route| {
            let all = accounting.upgrade()?.accounting();
            all.into_iter().find(|counts| counts.route == *route)
        }),
        probe: Arc::new(move |route| probe.upgrade()?.drill(route)),
        killed: Arc::new(move || plane.upgrade().is_some_and(|plane| plane.is_killed())),
        open_reviews: Arc::new(move |route| records.open_reviews(route) as u64),
        verify: Arc::new(|directory, route| {
            match crate::verification::verify_directory(directory, Some(route)) {
                Ok(_verified) => Ok(()),
                Err(error) => Err(control::chain(&error)),
            }
        }),
    }
}

/// Reads and folds what is on disk.
async fn controller(
    config: &Config,
    directory: &Arc<DataDirectory>,
    lease: LeaseTimes,
    metrics: &Arc<telemetry::Metrics>,
) -> anyhow::Result<Controller> {
    let options = ControllerOptions {
        directory: Arc::clone(directory),
        plans: config.plans(),
        lease,
        metrics: Arc::clone(metrics),
        clock: Clock::default(),
    };
    Ok(tokio::task::spawn_blocking(move || Controller::start(options)).await?)
}

/// What every part of the process stands on.
struct Core {
    config: Config,
    directory: Arc<DataDirectory>,
    telemetry: Arc<Telemetry>,
    metrics: Arc<telemetry::Metrics>,
    controller: Controller,
    checks: HashMap<RouteId, Arc<Checks>>,
    records: Records,
    /// What callers and units are hashed with.
    key: HashKey,
}

/// A data plane with the receiving ends of its queues.
struct Built {
    plane: (Proxy, ProxyHandle),
    exchanges: mpsc::Receiver<Queued>,
    messages: mpsc::Receiver<OutcomeMessage>,
}

// === impl Core ===

impl Core {
    /// Reads what is on disk; starts nothing. The one task that writes evidence is given back.
    async fn open(config: Config, lease: LeaseTimes) -> anyhow::Result<(Self, Keeper)> {
        let directory = Arc::new(
            DataDirectory::open(&config.data.directory)
                .context("the data directory cannot be used")?,
        );
        let telemetry = Arc::new(Telemetry::new()?);
        let names = config.routes.iter().map(|route| route.id.as_str());
        let metrics = telemetry.metrics(names);
        let controller = controller(&config, &directory, lease, &metrics).await?;
        let checks = wiring::checks(&config)?;
        let (records, keeper) = records(&config, &directory, &metrics).await?;
        let key = HashKey::new(secret(&config, &directory));
        let core = Self {
            config,
            directory,
            telemetry,
            metrics,
            controller,
            checks,
            records,
            key,
        };
        Ok((core, keeper))
    }

    async fn plane(&self) -> anyhow::Result<Built> {
        let config = &self.config;
        let (queue, exchanges) = mpsc::channel(config.mirror.queue_items);
        let (outcomes, messages) = mpsc::channel(OUTCOMES);
        let builder = Builder {
            settings: wiring::plane_settings(config),
            key: self.key.clone(),
            forward: wiring::forward(&config.azure).context("[azure]")?,
            queue,
            outcomes,
            replica: self.directory.replica(),
            routes: routes(config, &self.directory, &self.controller, &self.checks).await,
        };
        let plane = metrics::with_local_recorder(self.telemetry.recorder(), || builder.build());
        Ok(Built {
            plane,
            exchanges,
            messages,
        })
    }

    fn worker(
        &self,
        exchanges: mpsc::Receiver<Queued>,
        messages: mpsc::Receiver<OutcomeMessage>,
        panel: Option<(Panel, Option<Batcher>)>,
    ) -> Worker {
        Worker {
            checks: self.checks.clone(),
            records: self.records.clone(),
            metrics: Arc::clone(&self.metrics),
            exchanges,
            messages,
            panel,
        }
    }

    /// What was spent before is taken up before anything more is.
    async fn money(&self, proxy: &ProxyHandle) -> anyhow::Result<Arc<MoneyWatch>> {
        let (proxy, metrics) = (proxy.clone(), Arc::clone(&self.metrics));
        let routes = self
            .config
            .routes
            .iter()
            .map(|route| route.id.clone())
            .collect();
        let directory = self.directory.path().to_owned();
        let start = move || MoneyWatch::start(&proxy, routes, &directory, metrics);
        Ok(Arc::new(tokio::task::spawn_blocking(start).await?))
    }

    fn admin_state(
        &self,
        proxy: &ProxyHandle,
        money: &Arc<MoneyWatch>,
        draining: &Arc<AtomicBool>,
    ) -> Arc<AdminState> {
        // Weak, so that the admin listener does not keep the data plane's queue open while it drains.
        let accounting = proxy.downgrade();
        let (before_scrape, killed) = (proxy.downgrade(), proxy.downgrade());
        let draining = Arc::clone(draining);
        let (spending, gauges) = (Arc::clone(money), Arc::clone(money));
        Arc::new(AdminState {
            controller: self.controller.clone(),
            telemetry: Arc::clone(&self.telemetry),
            metrics: Arc::clone(&self.metrics),
            setups: wiring::setups(&self.config),
            tokens: wiring::tokens(&self.config),
            metrics_auth: self.config.admin.metrics_auth,
            records: self.records.clone(),
            key: self.key.clone(),
            accounting: Arc::new(move || {
                accounting
                    .upgrade()
                    .map(|proxy| proxy.accounting())
                    .unwrap_or_default()
            }),
            money: Arc::new(move |route| spending.of(route)),
            killed: Arc::new(move || killed.upgrade().is_some_and(|proxy| proxy.is_killed())),
            before_scrape: Arc::new(move || {
                gauges.export();
                if let Some(proxy) = before_scrape.upgrade() {
                    proxy.export_metrics();
                }
            }),
            ready: Arc::new(move || {
                if draining.load(Ordering::Relaxed) {
                    Err("the process is draining".to_owned())
                } else {
                    Ok(())
                }
            }),
        })
    }
}

type Routes = Vec<(String, RouteSettings, watch::Receiver<Arc<Split>>)>;

/// The data plane's routes, over one connection to the provider.
async fn routes(
    config: &Config,
    directory: &DataDirectory,
    controller: &Controller,
    checks: &HashMap<RouteId, Arc<Checks>>,
) -> Routes {
    let provider = wiring::Provider {
        connection: wiring::connection(&config.bedrock).await,
        sealer: Sealer::new(&secret(config, directory)),
    };
    let route = |route: &crate::config::Route| {
        let split = controller.watch(&route.id)?;
        let checks = checks.get(&route.id)?;
        Some(wiring::route(config, route, checks, &provider, split))
    };
    config.routes.iter().filter_map(route).collect()
}

/// The admin listener until the end.
async fn administer(listener: TcpListener, state: Arc<AdminState>, stop: CancellationToken) {
    if let Err(error) = admin::serve(listener, state, stop).await {
        tracing::error!(%error, "admin.listener.failed");
    }
}

/// The installation's secret, which keys are derived from.
fn secret(config: &Config, directory: &DataDirectory) -> [u8; 32] {
    match &config.data.key {
        Some(key) => *key.expose(),
        None => *directory.key().expose(),
    }
}

/// Opens what was kept.
async fn records(
    config: &Config,
    directory: &Arc<DataDirectory>,
    metrics: &Arc<telemetry::Metrics>,
) -> anyhow::Result<(Records, Keeper)> {
    let settings = wiring::records(
        config,
        directory,
        secret(config, directory),
        Arc::clone(metrics),
    )?;
    let opened = tokio::task::spawn_blocking(move || Records::start(settings)).await?;
    opened.context("what was kept for review cannot be read")
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
