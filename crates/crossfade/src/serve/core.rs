//! What every part of the process stands on, and how the parts are made from it.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};

use crossfade_backplane::DataDirectory;
use crossfade_bedrock::Sealer;
use crossfade_compare::Checks;
use crossfade_exchange::{OutcomeMessage, RouteId};
use crossfade_judge::Batcher;
use crossfade_proxy::{Builder, HashKey, Proxy, ProxyHandle, Queued, RouteSettings};
use crossfade_rollout::Split;

use super::worker::Worker;
use crate::{
    admin::{self, AdminState},
    config::Config,
    control::{Clock, Controller, ControllerOptions, LeaseTimes, Prepared},
    money::MoneyWatch,
    opinions::Panel,
    review::{Keeper, Records},
    telemetry::{self, Telemetry},
    wiring,
};

/// Messages of drawn answers that may wait: three for each of the most that may be undecided.
const OUTCOMES: usize = 3 * 65_536;

/// What every part of the process stands on.
pub(super) struct Core {
    pub(super) config: Config,
    pub(super) directory: Arc<DataDirectory>,
    pub(super) telemetry: Arc<Telemetry>,
    pub(super) metrics: Arc<telemetry::Metrics>,
    pub(super) checks: HashMap<RouteId, Arc<Checks>>,
    pub(super) records: Records,
    /// What callers and units are hashed with.
    pub(super) key: HashKey,
}

/// A data plane with the receiving ends of its queues.
pub(super) struct Built {
    pub(super) plane: (Proxy, ProxyHandle),
    pub(super) exchanges: mpsc::Receiver<Queued>,
    pub(super) messages: mpsc::Receiver<OutcomeMessage>,
}

// === impl Core ===

impl Core {
    /// Reads what is on disk, but for outcomes; starts nothing. The controller-to-be and the one task that writes evidence are
    /// given back.
    pub(super) async fn open(
        config: Config,
        lease: LeaseTimes,
    ) -> anyhow::Result<(Self, Prepared, Keeper)> {
        let directory = Arc::new(
            DataDirectory::open(&config.data.directory)
                .context("the data directory cannot be used")?,
        );
        let telemetry = Arc::new(Telemetry::new()?);
        let names = config.routes.iter().map(|route| route.id.as_str());
        let metrics = telemetry.metrics(names);
        let prepared = prepare(&config, &directory, lease, &metrics).await?;
        let checks = wiring::checks(&config)?;
        let (records, keeper) = records(&config, &directory, &metrics).await?;
        let key = HashKey::new(secret(&config, &directory));
        let core = Self {
            config,
            directory,
            telemetry,
            metrics,
            checks,
            records,
            key,
        };
        Ok((core, prepared, keeper))
    }

    pub(super) async fn plane(&self, prepared: &Prepared) -> anyhow::Result<Built> {
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
            routes: routes(config, &self.directory, prepared, &self.checks).await,
        };
        let plane = metrics::with_local_recorder(self.telemetry.recorder(), || builder.build());
        Ok(Built {
            plane,
            exchanges,
            messages,
        })
    }

    pub(super) fn worker(
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
            clock: Clock::default(),
        }
    }

    /// What was spent before is taken up before anything more is.
    pub(super) async fn money(&self, proxy: &ProxyHandle) -> anyhow::Result<Arc<MoneyWatch>> {
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

    pub(super) fn admin_state(
        &self,
        controller: &Controller,
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
            controller: controller.clone(),
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
            ready: Arc::new(move || admin::is_ready(&draining)),
        })
    }
}

/// Reads the ledger.
async fn prepare(
    config: &Config,
    directory: &Arc<DataDirectory>,
    lease: LeaseTimes,
    metrics: &Arc<telemetry::Metrics>,
) -> anyhow::Result<Prepared> {
    let options = ControllerOptions {
        directory: Arc::clone(directory),
        plans: config.plans(),
        lease,
        metrics: Arc::clone(metrics),
        clock: Clock::default(),
    };
    Ok(tokio::task::spawn_blocking(move || Controller::prepare(options)).await?)
}

type Routes = Vec<(String, RouteSettings, watch::Receiver<Arc<Split>>)>;

/// The data plane's routes, over one connection to the provider.
async fn routes(
    config: &Config,
    directory: &DataDirectory,
    prepared: &Prepared,
    checks: &HashMap<RouteId, Arc<Checks>>,
) -> Routes {
    let provider = wiring::Provider {
        connection: wiring::connection(&config.bedrock).await,
        sealer: Sealer::new(&secret(config, directory)),
    };
    let route = |route: &crate::config::Route| {
        let split = prepared.watch(&route.id)?;
        let checks = checks.get(&route.id)?;
        Some(wiring::route(config, route, checks, &provider, split))
    };
    config.routes.iter().filter_map(route).collect()
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
