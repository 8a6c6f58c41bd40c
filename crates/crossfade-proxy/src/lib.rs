//! The data plane: classify, admit, decide, fork, record; and announce what the sequential tests count, at the moment it is sent.
//!
//! It chooses between two interchangeable services and never looks behind them: it names no AWS, reads no config file, and does not
//! drive the rollout. Nothing about the candidate, the comparison or the backplane can slow, fail or grow the primary's path: every
//! bound here is taken by `try_`, and what happens at each is counted.

mod accounting;
mod admit;
mod breaker;
mod budget;
mod call;
mod candidate;
mod classify;
mod collect;
mod credentials;
mod draw;
mod drill;
mod durations;
mod error;
mod face;
mod fork;
mod guard;
mod in_flight;
mod internal;
mod keyed;
mod line;
mod metrics;
mod money;
mod opening;
mod pair;
mod pairing;
mod pinned;
mod plane;
mod queue;
mod quota;
mod rate;
mod record;
mod repeat;
mod rescue;
mod route;
mod shadow;
mod spawner;
mod stack;
mod unit;
mod upgrade;
mod used;
mod watch;

pub use accounting::Accounting;
pub use drill::DrillProbe;
pub use error::ProxyError;
pub use internal::InternalCallers;
pub use keyed::HashKey;
pub use metrics::{METRICS, MetricInfo};
pub use money::{Caps, Cost, Price, Spending, Spent};
pub use plane::{Forward, PlaneSettings, ProxyHandle, WeakProxyHandle};
pub use queue::{KnownBad, Purpose, Queued};
pub use repeat::Repeats;
pub use route::{AppliesFn, EligibilityFn, LoosenFn, MintedFn, RouteSettings, Side, StickyBy};
pub use spawner::Spawner;
pub use stack::{Builder, Proxy};
