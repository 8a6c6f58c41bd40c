//! The controller: the only one that changes a split. It owns every route's rollout, the ledger and the outcome logs,
//! and publishes to the data plane what may be answered by whom.
//!
//! Toward the candidate: durable in the ledger first, published after. Toward the primary: published first, written
//! after, and again until it is written; nothing there waits for a disk or for another change. It judges nothing
//! itself: what is allowed is `crossfade-rollout`'s to say.

mod change;
mod clock;
mod disk;
mod drill;
mod held;
mod lease;
mod outcomes;
mod publish;
mod reports;
mod sources;
mod start;
mod tick;
mod verbs;
mod view;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crossfade_exchange::{Percent, RouteId};
use crossfade_rollout::{Actor, Closing, Command, Refusal, RouteRollout, Split};
use tokio::sync::{Notify, watch};
use tokio_util::task::TaskTracker;

use crate::telemetry::Metrics;
use clock::Stood;
use disk::Disk;
pub(crate) use disk::chain;
use held::Held;
use publish::{CapId, Publisher};
use reports::Reports;
use tick::Counted;

pub use clock::{Clock, ManualClock};
pub use outcomes::{Applied, NotLogged};
pub use reports::Standing;
pub use sources::{BaselineFn, Sources};
pub use start::{ControllerOptions, Prepared};
pub use view::{History, LedgerState, Orphan, OutcomeLogState, RouteView};

/// How long a verb toward the primary waits for its entry; the change itself is in effect before that.
const RECORD_PATIENCE: Duration = Duration::from_secs(2);
/// How long a verb toward the candidate waits for its entry.
const RAISE_PATIENCE: Duration = Duration::from_secs(20);

/// The controller. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Controller {
    shared: Arc<Shared>,
}

/// How long leases last, and when they are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTimes {
    /// How long one lasts.
    pub duration: Duration,
    /// How often it is renewed.
    pub renew: Duration,
    /// How soon it is tried again after it could not be.
    pub retry: Duration,
}

/// Who asks for a change, and why.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who.
    pub actor: Actor,
    /// Why, in their words.
    pub reason: String,
}

/// What share is asked for.
#[derive(Clone, Copy, Debug)]
pub struct SplitAsk {
    /// The candidate's share.
    pub to: Percent,
    /// Whether the actor means to go beyond what the plan allows.
    pub override_: bool,
    /// The revision that the actor knew; only what turns out to be a raise looks at it.
    pub if_match: Option<u64>,
}

/// A change that is in effect, by how well that is kept. Only changes toward the primary can be in effect without being
/// recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// Its ledger entry is durable.
    Recorded,
    /// The ledger could not take it, so it is marked in the data directory. It goes to the ledger as soon as that can be
    /// written, at the latest by a start with a ledger that can be read.
    Kept,
    /// Nothing on disk knows of it yet: it is written as soon as the disk allows, and a restart before that undoes it.
    /// This is also what is known while a disk hangs, and of the mirror's switch, for which there is no mark.
    InMemory,
    /// It was so already: nothing changed, and nothing was recorded.
    Unchanged,
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is no such route.
    #[error("no route {0:?} is configured: use a name from `crossfade status`")]
    UnknownRoute(String),
    /// The rollout refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be made durable, so it is not in effect.
    #[error("the change cannot be recorded, so nothing moves toward the candidate: {0}")]
    NotRecorded(String),
    /// The disk has not answered in time.
    #[error("the disk has not answered within {} s; the change may still be recorded: look at the ledger", .0.as_secs())]
    Unanswered(Duration),
}

struct Shared {
    routes: BTreeMap<RouteId, RouteControl>,
    disk: Mutex<Disk>,
    /// A copy of what the ledger holds and what waits for it, so that looking never waits for the disk.
    history: Mutex<History>,
    /// Outcomes are held back because they could not be logged.
    outcomes_held: AtomicBool,
    /// Something waits to be written: try soon.
    trouble: Notify,
    sources: OnceLock<Sources>,
    clock: Clock,
    /// When what is too old was last removed.
    day: Mutex<Instant>,
    /// The data directory's path.
    path: PathBuf,
    /// Whose turn at the disk it is: a disk that hangs takes one of the threads that may block, not all of them.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// What waits for its turn, whether or not somebody still waits for its result.
    tasks: TaskTracker,
    lease: LeaseTimes,
    metrics: Arc<Metrics>,
    /// Routes that the ledger gave a share and that are not configured; this start has set them to 0.
    orphans: OnceLock<BTreeMap<RouteId, Percent>>,
}

/// One route. The locks are held for moments, never over IO.
#[derive(Debug)]
struct RouteControl {
    rollout: Mutex<RouteRollout>,
    publisher: Publisher,
    /// Why the route gets no lease, apart from the disk.
    bar: Mutex<Option<Bar>>,
    /// Holds that wait for the disk; they are in effect.
    holding: Mutex<VecDeque<Ask>>,
    /// What holds the share down until the next start, because the ledger could not take it.
    held: Mutex<Option<Held>>,
    /// The reports that a sign-off may name.
    reports: Mutex<Reports>,
    /// What of the data plane's counts is in the outcome log, and when that was.
    counted: Mutex<Counted>,
    /// When the oldest request was sent that is not decided yet, in microseconds since the Unix epoch; 0: there is none.
    unresolved: AtomicU64,
    /// How long the stage or the step has counted.
    stood: Mutex<Stood>,
}

/// Why a route gets no lease, and nothing of it moves toward the candidate.
#[derive(Clone, Debug)]
struct Bar {
    /// For people: what is wrong and what to do.
    problem: String,
    /// Whether the running attempt's evidence could not be read, so that nothing can be added to it. If not, it is judged on: in
    /// stage `window` the candidate goes on answering without a lease.
    is_blind: bool,
}

/// A job panicked.
#[derive(Debug)]
struct Lost;

// === impl LeaseTimes ===

impl Default for LeaseTimes {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(60),
            renew: Duration::from_secs(15),
            retry: Duration::from_secs(2),
        }
    }
}

// === impl Bar ===

impl Bar {
    /// The running attempt's evidence is not there.
    const fn blind(problem: String) -> Self {
        Self {
            problem,
            is_blind: true,
        }
    }
}

// === impl Changed ===

impl Changed {
    /// Whether the ledger says what is in effect.
    pub const fn is_recorded(self) -> bool {
        matches!(self, Self::Recorded | Self::Unchanged)
    }

    /// Whether a restart would find it.
    pub const fn survives_restart(self) -> bool {
        matches!(self, Self::Recorded | Self::Kept | Self::Unchanged)
    }
}

// === impl Controller ===

impl Controller {
    /// The configured routes, by name.
    pub fn routes(&self) -> impl Iterator<Item = &RouteId> {
        self.shared.routes.keys()
    }

    /// What the data plane watches of a route.
    pub fn watch(&self, route: &RouteId) -> Option<watch::Receiver<Arc<Split>>> {
        self.shared
            .routes
            .get(route)
            .map(|control| control.publisher.watch())
    }

    /// Whom the controller asks what it does not know itself, once the other parts stand. Only the first call counts.
    pub fn learn_from(&self, sources: Sources) {
        if self.shared.sources.set(sources).is_err() {
            tracing::debug!("control.sources.already_set");
        }
    }

    /// Where the primary's typical times come from, if nothing else is asked. Only the first of this and
    /// [`Controller::learn_from`] counts.
    pub fn learn_baseline_from(&self, baseline: BaselineFn) {
        self.learn_from(Sources {
            baseline,
            ..Sources::default()
        });
    }

    /// Tells the controller when the oldest request was sent that is not decided yet, in microseconds since the Unix epoch.
    pub fn unresolved(&self, route: &RouteId, oldest_unix_micros: Option<u64>) {
        if let Some(control) = self.shared.routes.get(route) {
            control
                .unresolved
                .store(oldest_unix_micros.unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// Sets the share that the candidate answers.
    pub async fn split(
        &self,
        route: &RouteId,
        split: SplitAsk,
        ask: Ask,
    ) -> Result<Changed, ControlError> {
        let control = self.route(route)?;
        let SplitAsk {
            to,
            override_,
            if_match,
        } = split;
        let command = Command::Split { to, override_ };
        // What is proposed here is proposed again in its turn; here it only decides which way it is.
        let raises = {
            let rollout = lock(&control.rollout);
            let context = self.shared.context(&ask, if_match);
            let proposal = rollout.propose(&command, &ask.actor, &context)?;
            !proposal.change.is_toward_primary()
        };
        if raises {
            return self
                .toward_candidate(route, command, ask, if_match, Closing::default())
                .await;
        }
        let cap = control.publisher.cap_share(to);
        self.toward_primary(route, command, ask, if_match, Some(cap))
            .await
    }

    /// Gives everything back to the primary, and keeps it there until the route is resumed. It is in effect when this
    /// returns; [`Changed`] says what a restart would know of it.
    pub async fn rollback(&self, route: &RouteId, ask: Ask) -> Result<Changed, ControlError> {
        let control = self.route(route)?;
        let context = self.shared.context(&ask, None);
        drop(lock(&control.rollout).propose(&Command::Rollback, &ask.actor, &context)?);
        let cap = control.publisher.cap_share(Percent::ZERO);
        self.toward_primary(route, Command::Rollback, ask, None, Some(cap))
            .await
    }

    /// Switches mirroring for every route.
    pub async fn switch_mirror(&self, enabled: bool, ask: Ask) -> Result<Changed, ControlError> {
        let change = crossfade_rollout::propose_mirror(enabled, &ask.actor, &ask.reason)?;
        let caps: Vec<CapId> = if enabled {
            Vec::new()
        } else {
            self.shared
                .routes
                .values()
                .map(|control| control.publisher.cap_mirror())
                .collect()
        };
        let patience = if enabled {
            RAISE_PATIENCE
        } else {
            RECORD_PATIENCE
        };
        let job = self.on_disk(move |shared| shared.switch_mirror(change, ask, &caps));
        match tokio::time::timeout(patience, job).await {
            Ok(Ok(result)) => result,
            Ok(Err(Lost)) | Err(_) if !enabled => Ok(Changed::InMemory),
            Ok(Err(Lost)) | Err(_) => Err(ControlError::Unanswered(patience)),
        }
    }

    fn route(&self, route: &RouteId) -> Result<&RouteControl, ControlError> {
        let unknown = || ControlError::UnknownRoute(route.to_string());
        self.shared.routes.get(route).ok_or_else(unknown)
    }

    /// A cap, where there is one, is in effect already; what is waited for is the record.
    async fn toward_primary(
        &self,
        route: &RouteId,
        command: Command,
        ask: Ask,
        if_match: Option<u64>,
        cap: Option<CapId>,
    ) -> Result<Changed, ControlError> {
        let route = route.clone();
        let job = self.on_disk(move |shared| {
            // Another change may come first, and make a raise of it.
            let context = shared.context(&ask, if_match);
            let holds = command == Command::Hold;
            let changed = shared.change(&route, &command, &ask.actor, context, cap.as_ref());
            if let Some(control) = shared.routes.get(&route).filter(|_| holds) {
                lock(&control.holding).pop_front();
            }
            changed
        });
        match tokio::time::timeout(RECORD_PATIENCE, job).await {
            Ok(Ok(result)) => result,
            // The disk hangs, or the job panicked: the cap holds, and if the job lives it goes on.
            Ok(Err(Lost)) | Err(_) => Ok(Changed::InMemory),
        }
    }

    async fn toward_candidate(
        &self,
        route: &RouteId,
        command: Command,
        ask: Ask,
        if_match: Option<u64>,
        closing: Closing,
    ) -> Result<Changed, ControlError> {
        let route = route.clone();
        let job = self.on_disk(move |shared| {
            let mut context = shared.context(&ask, if_match);
            context.closing = closing;
            shared.know(&route, &mut context);
            shared.change(&route, &command, &ask.actor, context, None)
        });
        match tokio::time::timeout(RAISE_PATIENCE, job).await {
            Ok(Ok(result)) => result,
            Ok(Err(Lost)) | Err(_) => Err(ControlError::Unanswered(RAISE_PATIENCE)),
        }
    }

    /// Waits until nothing waits for the disk any more; nothing new may be asked after it.
    pub async fn finish(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    /// Does something that blocks, in its turn. It is done even if nobody waits for it any more.
    async fn on_disk<R: Send + 'static>(
        &self,
        job: impl FnOnce(&Shared) -> R + Send + 'static,
    ) -> Result<R, Lost> {
        let shared = Arc::clone(&self.shared);
        let task = self.shared.tasks.spawn(async move {
            let turn = Arc::clone(&shared.turn).lock_owned().await;
            let blocking = tokio::task::spawn_blocking(move || {
                let result = job(&shared);
                drop(turn);
                result
            });
            blocking.await
        });
        task.await.and_then(|result| result).map_err(|_| Lost)
    }

    /// Tells the controller whether outcomes are held back; while they are, leases are not renewed.
    pub fn outcomes_held(&self, held: bool) {
        let before = self.shared.outcomes_held.swap(held, Ordering::Relaxed);
        if before && !held {
            self.shared.trouble.notify_one();
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("routes", &self.routes.keys())
            .finish_non_exhaustive()
    }
}

/// A lock whose holder panicked is taken all the same: every holder leaves its value whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
