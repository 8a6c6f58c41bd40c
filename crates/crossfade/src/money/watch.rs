//! What goes on beside the counting: the rate of each route's requests, what was spent on disk so that a restart does not open the
//! caps anew, and the gauges. A cap that was reached up to half a minute before a crash may be spent again for that half minute.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crossfade_exchange::{RouteId, Side};
use crossfade_proxy::{ProxyHandle, Spending, WeakProxyHandle};

use crate::telemetry::Metrics;

use super::{Money, Purpose, Rate};

/// How often the rate is read and what was spent is written.
const EVERY: Duration = Duration::from_secs(30);
/// How many readings are kept of a route: an hour of them.
const READINGS: usize = 121;
/// The shortest time that a rate is told of.
const SHORTEST: Duration = Duration::from_secs(60);
const FILE: &str = "spending.json";

type OnDisk = BTreeMap<String, Spending>;

/// The money of all routes.
#[derive(Debug)]
pub struct MoneyWatch {
    plane: WeakProxyHandle,
    routes: Vec<RouteId>,
    metrics: Arc<Metrics>,
    file: PathBuf,
    meters: Mutex<BTreeMap<RouteId, Meter>>,
    /// Held while the file is written: a process that ends writes it while the last tick may.
    saving: Mutex<()>,
}

/// When how many requests had been seen; oldest first.
#[derive(Debug, Default)]
struct Meter(VecDeque<(Instant, u64)>);

// === impl MoneyWatch ===

impl MoneyWatch {
    /// Takes up what was spent before a restart. Before traffic. May wait for the disk.
    pub fn start(
        plane: &ProxyHandle,
        routes: Vec<RouteId>,
        directory: &Path,
        metrics: Arc<Metrics>,
    ) -> Self {
        let file = directory.join(FILE);
        let before = match read(&file) {
            Ok(before) => before,
            Err(error) => {
                // Callers are answered without it; the caps begin anew.
                tracing::error!(%error, "money.spending.unreadable");
                OnDisk::new()
            }
        };
        for route in &routes {
            if let Some(spending) = before.get(route.as_str()) {
                plane.resume_spending(route, spending);
            }
        }
        Self {
            plane: plane.downgrade(),
            routes,
            metrics,
            file,
            meters: Mutex::default(),
            saving: Mutex::default(),
        }
    }

    /// Reads rates and writes what was spent, until told to stop.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = stop.cancelled() => return,
            }
            let Some(plane) = self.plane.upgrade() else {
                return;
            };
            self.read_rates(&plane, Instant::now());
            let watch = Arc::clone(&self);
            // A panic of the writer is logged by the hook, and the next tick writes again.
            drop(tokio::task::spawn_blocking(move || watch.save(&plane)).await);
        }
    }

    /// Writes what was spent. May wait for the disk.
    pub fn save(&self, plane: &ProxyHandle) {
        let _one = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = |route: &RouteId| Some((route.as_str().to_owned(), plane.spending(route)?));
        let spending: OnDisk = self.routes.iter().filter_map(spent).collect();
        if let Err(error) = write(&self.file, &spending) {
            tracing::warn!(%error, "money.spending.unwritable");
        }
    }

    /// One route's money; `None` if it is not configured, or the process ends.
    pub fn of(&self, route: &RouteId) -> Option<Money> {
        let spending = self.plane.upgrade()?.spending(route)?;
        let rate = self.meters().get(route).and_then(Meter::rate);
        Some(Money::of(&spending, rate))
    }

    /// Brings the gauges up to date.
    pub fn export(&self) {
        for route in &self.routes {
            let (Some(money), Some(metrics)) = (self.of(route), self.metrics.money(route.as_str()))
            else {
                continue;
            };
            for budget in &money.budgets {
                let index = budget.window.index();
                for purpose in Purpose::ALL.iter().copied() {
                    if let Some(gauge) = metrics.spent.at(index, purpose.index()) {
                        gauge.set(budget.spent(purpose));
                    }
                }
                if let Some(gauge) = metrics.cap.at(index) {
                    gauge.set(budget.cap_usd.unwrap_or_default());
                }
            }
            let Some(forecast) = money.forecast else {
                continue;
            };
            for (side, bill) in [
                (Side::Primary, forecast.primary),
                (Side::Candidate, forecast.candidate),
            ] {
                if let (Some(gauge), Some(bill)) = (metrics.forecast.at(side.index()), bill) {
                    gauge.set(bill.day_usd);
                }
            }
        }
    }

    fn read_rates(&self, plane: &ProxyHandle, now: Instant) {
        let accounting = plane.accounting();
        let mut meters = self.meters();
        for counts in accounting.iter().filter(|c| self.routes.contains(&c.route)) {
            let eligible = counts.eligible.values().sum();
            meters
                .entry(counts.route.clone())
                .or_default()
                .read(now, eligible);
        }
    }

    fn meters(&self) -> MutexGuard<'_, BTreeMap<RouteId, Meter>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Meter ===

impl Meter {
    fn read(&mut self, now: Instant, requests: u64) {
        if self.0.len() == READINGS {
            self.0.pop_front();
        }
        self.0.push_back((now, requests));
    }

    fn rate(&self) -> Option<Rate> {
        let ((first, before), (last, by_then)) = (self.0.front()?, self.0.back()?);
        let within = last.duration_since(*first);
        (within >= SHORTEST).then(|| Rate {
            requests: by_then.saturating_sub(*before),
            within,
        })
    }
}

// === the file ===

fn read(file: &Path) -> io::Result<OnDisk> {
    match fs::read(file) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(OnDisk::new()),
        Err(error) => Err(error),
    }
}

/// As a whole or not at all, whenever the process ends.
fn write(file: &Path, spending: &OnDisk) -> io::Result<()> {
    let path = file.with_extension("new");
    let mut new = fs::File::create(&path)?;
    new.write_all(&serde_json::to_vec(spending)?)?;
    // Or a power cut could leave the new name with nothing in it.
    new.sync_all()?;
    fs::rename(&path, file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossfade_proxy::Spent;

    use super::super::Window;

    #[test]
    fn a_rate_is_of_the_last_hour() {
        let start = Instant::now();
        let mut meter = Meter::default();
        let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
        assert_eq!(meter.rate(), None);
        meter.read(start, 1_000);
        meter.read(start + Duration::from_secs(59), 1_100);
        assert_eq!(meter.rate(), None, "under a minute");
        meter.read(at(1), 1_060);
        let rate = meter.rate().unwrap();
        assert_eq!((rate.requests, rate.within.as_secs()), (60, 60));
        for half in 1..=2_000_u64 {
            meter.read(at(1) + EVERY * u32::try_from(half).unwrap(), 1_060 + half);
        }
        let rate = meter.rate().unwrap();
        assert_eq!((rate.requests, rate.within.as_secs()), (120, 3_600));
        assert_eq!(meter.0.len(), READINGS);
    }

    #[test]
    fn what_was_spent_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(FILE);
        assert_eq!(read(&file).unwrap(), OnDisk::new());
        let spending = Spending {
            hour: Spent {
                window: 7,
                shadow: 0.1,
                served: 0.2,
            },
            ..Spending::default()
        };
        let all = OnDisk::from([("support".to_owned(), spending)]);
        write(&file, &all).unwrap();
        write(&file, &all).unwrap();
        assert_eq!(read(&file).unwrap(), all);
        fs::write(&file, b"{\"support\":").unwrap();
        assert!(read(&file).is_err());
    }

    #[test]
    fn windows_have_gauges() {
        let telemetry = crate::telemetry::Telemetry::new().unwrap();
        let metrics = telemetry.metrics(["support"]);
        let money = metrics.money("support").unwrap();
        for window in Window::ALL.iter().copied() {
            assert!(money.cap.at(window.index()).is_some());
            for purpose in Purpose::ALL.iter().copied() {
                assert!(money.spent.at(window.index(), purpose.index()).is_some());
            }
        }
        assert!(
            Side::ALL
                .iter()
                .all(|side| money.forecast.at(side.index()).is_some())
        );
    }
}
