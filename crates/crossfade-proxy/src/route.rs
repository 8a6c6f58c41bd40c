//! What is configured for a route, and what is learned of it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::sync::watch;
use tower::util::BoxCloneSyncService;

use crossfade_exchange::{
    Allowance, BoxError, Face, MetricSet, Operation, RouteId, SideRequest, SideResponse,
    Unsupported,
};
use crossfade_openai::scan::JsonMode;
use crossfade_rollout::{BASELINE_ANSWERS, Baseline, MirrorPlan, Split};

use crate::{
    accounting::RouteAccounts,
    breaker::Breaker,
    durations::Durations,
    internal::InternalCallers,
    line::Line,
    metrics::RouteMetrics,
    money::{Caps, Price, Purse},
    quota::Quota,
};

/// One side of a route, whatever stands behind it.
pub type Side = BoxCloneSyncService<SideRequest, SideResponse, BoxError>;

/// Whether the candidate can be asked a request faithfully, and what may become of it: a pure function of the operation and
/// the body.
pub type EligibilityFn =
    Arc<dyn Fn(Operation, &Bytes) -> Result<Allowance, Unsupported> + Send + Sync>;

/// The metrics that count for a request: a pure function of the operation and the JSON that is asked for.
pub type AppliesFn = Arc<dyn Fn(Operation, JsonMode) -> MetricSet + Send + Sync>;

/// Whether the route's candidate minted the id of a stored response, so that only the candidate can know it.
pub type MintedFn = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A request that names the candidate's state as the primary can answer it all the same, without what only the candidate can
/// read; `None` if nothing but the candidate can answer it.
pub type LoosenFn = Arc<dyn Fn(&Bytes) -> Option<Bytes> + Send + Sync>;

/// What is assigned as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StickyBy {
    /// The credential with the leading system and developer messages and the first user message.
    Conversation,
    /// The request's `user`; the credential where there is none.
    User,
    /// The credential.
    Credential,
    /// Each request by itself.
    Request,
    /// A header; the credential where there is none.
    Header(http::HeaderName),
}

/// Settings of one route.
#[derive(Clone)]
pub struct RouteSettings {
    /// The route's name.
    pub id: RouteId,
    /// What is assigned as a whole.
    pub sticky_by: StickyBy,
    /// Who is mirrored.
    pub mirror: MirrorPlan,
    /// Whether the candidate can be asked a request.
    pub eligibility: EligibilityFn,
    /// Whether a stored response is the candidate's.
    pub minted: MintedFn,
    /// What the primary can be asked in place of the candidate.
    pub loosen: LoosenFn,
    /// The metrics that count for a request.
    pub applies: AppliesFn,
    /// The candidate.
    pub candidate: Side,
    /// How long the candidate may be silent before the primary answers instead.
    pub fallback_after: Duration,
    /// Whether the candidate is asked for a stream even where the caller was not: if not, its silence says nothing until the
    /// whole answer is due.
    pub candidate_streams: bool,
    /// The candidate's price, if the money caps are to hold.
    pub price: Option<Price>,
    /// The primary's price: what it costs to ask it twice.
    pub primary_price: Option<Price>,
    /// The money caps of the mirror.
    pub caps: Caps,
    /// Callers of the house's own: in stages that let the candidate answer, it answers them unless they name a side.
    pub internal: InternalCallers,
}

impl RouteSettings {
    /// A side's price.
    pub(crate) fn price_of(&self, side: crossfade_exchange::Side) -> Option<Price> {
        match side {
            crossfade_exchange::Side::Primary => self.primary_price,
            crossfade_exchange::Side::Candidate => self.price,
        }
    }
}

impl fmt::Debug for RouteSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteSettings")
            .field("id", &self.id)
            .field("sticky_by", &self.sticky_by)
            .finish_non_exhaustive()
    }
}

/// A route as the data plane holds it.
#[derive(Debug)]
pub(crate) struct Route {
    /// What is configured.
    pub settings: RouteSettings,
    /// What the rollout allows, watched.
    pub(crate) split: watch::Receiver<Arc<Split>>,
    /// What has been learned from what passed.
    pub(crate) state: RouteState,
    /// What has been counted.
    pub(crate) accounts: RouteAccounts,
    /// The drawn answers and mirrored requests under way.
    pub(crate) line: Line,
    /// What the mirror has spent.
    pub(crate) purse: Purse,
    /// The metric handles.
    pub(crate) metrics: RouteMetrics,
}

impl Route {
    /// How long the candidate may be silent before the primary answers instead.
    pub(crate) fn patience(&self, streamed: bool) -> Duration {
        let fallback_after = self.settings.fallback_after;
        if streamed || self.settings.candidate_streams {
            fallback_after
        } else {
            fallback_after.max(self.state.usual_total(false).unwrap_or_default() * 3)
        }
    }

    /// The route's name.
    pub(crate) fn id(&self) -> &RouteId {
        &self.settings.id
    }
}

/// Facts learned from what passes, written only by recorders.
#[derive(Debug, Default)]
pub(crate) struct RouteState {
    pub(crate) breaker: Breaker,
    /// What Azure says is left of its quota.
    pub(crate) quota: Quota,
    faces: RwLock<HashMap<String, Face>>,
    streamed: Times,
    plain: Times,
}

/// The primary's times of one kind of request.
#[derive(Debug, Default)]
struct Times {
    first_content: Durations,
    total: Durations,
}

/// Deployments of one route whose face is remembered; a route that is a glob could have any number.
const FACES: usize = 256;

impl RouteState {
    /// What Azure shows for a deployment.
    pub(crate) fn face(&self, deployment: &str) -> Face {
        let faces = self.faces.read().unwrap_or_else(PoisonError::into_inner);
        faces.get(deployment).cloned().unwrap_or_default()
    }

    /// Whether nothing is known of a deployment yet.
    pub(crate) fn is_faceless(&self, deployment: &str) -> bool {
        let faces = self.faces.read().unwrap_or_else(PoisonError::into_inner);
        faces.get(deployment).is_none_or(|f| f.model.is_none())
    }

    /// Azure showed this.
    pub(crate) fn learn_face(&self, deployment: &str, face: Face) {
        let mut faces = self.faces.write().unwrap_or_else(PoisonError::into_inner);
        if faces.len() < FACES || faces.contains_key(deployment) {
            faces.insert(deployment.to_owned(), face);
        }
    }

    /// The primary took this long.
    pub(crate) fn learn_times(&self, streamed: bool, first_content: Duration, total: Duration) {
        let times = if streamed {
            &self.streamed
        } else {
            &self.plain
        };
        times.first_content.record(first_content);
        times.total.record(total);
    }

    /// The primary's typical times so far.
    pub(crate) fn baseline(&self) -> Baseline {
        let all = |of: fn(&Times) -> &Durations| {
            Durations::quantile_of(&[of(&self.streamed), of(&self.plain)], 0.999)
        };
        let p95 = |times: &Times| {
            let enough = times.first_content.count() >= BASELINE_ANSWERS;
            enough.then(|| times.first_content.quantile(0.95)).flatten()
        };
        Baseline {
            answers: self.streamed.total.count() + self.plain.total.count(),
            first_content_p95_streamed: p95(&self.streamed),
            first_content_p95_plain: p95(&self.plain),
            first_content_p999: all(|t| &t.first_content),
            total_p999: all(|t| &t.total),
        }
    }

    /// The primary's usual total time of a kind of request.
    pub(crate) fn usual_total(&self, streamed: bool) -> Option<Duration> {
        let times = if streamed {
            &self.streamed
        } else {
            &self.plain
        };
        times.total.quantile(0.5)
    }

    /// The primary's 99th percentile of the time to the first content, and of the total time.
    pub(crate) fn p99(&self, streamed: bool) -> Option<(Duration, Duration)> {
        let times = if streamed {
            &self.streamed
        } else {
            &self.plain
        };
        times
            .first_content
            .quantile(0.99)
            .zip(times.total.quantile(0.99))
    }
}

/// How long a mirror may take: min(120 s, max(30 s, 3 × the primary's usual time)).
pub(crate) fn mirror_deadline(usual: Option<Duration>, most: Duration) -> Duration {
    let least = Duration::from_secs(30).min(most);
    (usual.unwrap_or_default() * 3).clamp(least, most)
}

/// The routes by deployment: exact names first, then the longest pattern.
#[derive(Debug)]
pub(crate) struct RouteTable {
    exact: HashMap<String, Arc<Route>>,
    patterns: Vec<(String, Arc<Route>)>,
    /// Counts and metrics of everything that no route covers.
    pub(crate) unrouted: (RouteAccounts, RouteMetrics),
}

impl RouteTable {
    /// A table of `(pattern, route)`; `*` in a pattern stands for any run of characters.
    pub(crate) fn new(
        routes: Vec<(String, Arc<Route>)>,
        unrouted: (RouteAccounts, RouteMetrics),
    ) -> Self {
        let (mut patterns, exact): (Vec<_>, Vec<_>) = routes
            .into_iter()
            .partition(|(pattern, _)| pattern.contains('*'));
        patterns.sort_by_key(|(pattern, _)| std::cmp::Reverse(pattern.len()));
        Self {
            exact: exact.into_iter().collect(),
            patterns,
            unrouted,
        }
    }

    /// The route of a deployment.
    pub(crate) fn find(&self, deployment: &str) -> Option<&Arc<Route>> {
        self.exact.get(deployment).or_else(|| {
            let matching = self
                .patterns
                .iter()
                .find(|(pattern, _)| matches(pattern, deployment));
            matching.map(|(_, route)| route)
        })
    }

    /// The route whose candidate minted the id of a stored response.
    pub(crate) fn minted(&self, id: &str) -> Option<&Arc<Route>> {
        self.all().find(|route| (route.settings.minted)(id))
    }

    /// Every route.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.exact
            .values()
            .chain(self.patterns.iter().map(|(_, route)| route))
    }
}

/// Whether a text matches a pattern in which `*` stands for any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.is_empty()
}

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) instant: Instant,
    pub(crate) unix: Duration,
}

impl Now {
    pub(crate) fn read() -> Self {
        let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self {
            instant: Instant::now(),
            unix: unix.unwrap_or_default(),
        }
    }
}

/// A lock whose holder panicked still guards consistent data: every change under it is a single step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, want) in [
            ("support", "support", true),
            ("support", "support2", false),
            ("support-*", "support-eu", true),
            ("support-*", "support", false),
            ("*", "anything", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("*-eu", "x-eu-eu", true),
        ] {
            assert_eq!(matches(pattern, text), want, "{pattern} {text}");
        }
    }

    #[test]
    fn a_mirror_may_take_thirty_to_a_hundred_and_twenty_seconds() {
        let most = Duration::from_secs(120);
        for (usual, want) in [(None, 30), (Some(5), 30), (Some(20), 60), (Some(100), 120)] {
            let got = mirror_deadline(usual.map(Duration::from_secs), most);
            assert_eq!(got, Duration::from_secs(want), "{usual:?}");
        }
        assert_eq!(
            mirror_deadline(None, Duration::from_secs(2)),
            Duration::from_secs(2)
        );
    }
}
