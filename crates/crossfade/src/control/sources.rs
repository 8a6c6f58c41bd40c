//! What the controller asks of the rest of the process when it decides: functions, given once the parts stand. Without one of
//! them what it would say is not known, and what needs it is refused or said to be unknown.

use std::{fmt, path::Path, sync::Arc};

use crossfade_exchange::RouteId;
use crossfade_proxy::{Accounting, DrillProbe};
use crossfade_rollout::Baseline;

/// A question about one route.
type Of<T> = Arc<dyn Fn(&RouteId) -> T + Send + Sync>;

/// What the data plane has learned of the primary's typical times.
pub type BaselineFn = Of<Option<Baseline>>;

/// What the controller asks, and one bound that it is given.
#[derive(Clone)]
pub struct Sources {
    /// The primary's typical times.
    pub baseline: BaselineFn,
    /// The data plane's counts of the route.
    pub accounting: Of<Option<Accounting>>,
    /// What the point where sides are decided holds now, with a share of 0.
    pub probe: Of<Option<DrillProbe>>,
    /// Whether the candidate's breaker is open.
    pub breaker_open: Of<bool>,
    /// Whether the local kill switch is on.
    pub killed: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Reviews of the route that wait for a person.
    pub open_reviews: Of<u64>,
    /// The most that the outcome logs of one route may take on disk, in bytes.
    pub outcome_log_bytes: u64,
    /// Verifies the ledger in this data directory as far as it concerns the route; blocks. An error says what is wrong with it.
    pub verify: VerifyFn,
}

/// Verifies the ledger in a data directory as far as it concerns a route.
pub(crate) type VerifyFn = Arc<dyn Fn(&Path, &RouteId) -> Result<(), String> + Send + Sync>;

// === impl Sources ===

impl Default for Sources {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            baseline: Arc::new(|_| None),
            accounting: Arc::new(|_| None),
            probe: Arc::new(|_| None),
            breaker_open: Arc::new(|_| false),
            killed: Arc::new(|| false),
            open_reviews: Arc::new(|_| 0),
            outcome_log_bytes: u64::MAX,
            verify: Arc::new(|_, _| Err("nothing verifies the ledger".to_owned())),
        }
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}
