//! `[evidence]`, `[review]` and `[routes.NAME.evidence]`: what is kept of judged exchanges, under which key, within which
//! bounds, and without what.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crossfade_backplane::{EvidenceKeys, EvidenceSettings, Key, QueueSettings};
use crossfade_exchange::{Metric, Percent};
use crossfade_redact::{Detector, RedactSettings, Redactor};
use serde::Deserialize;

use super::{
    build::Findings,
    routes::Route,
    units::{Digest, Size, Span},
};

/// When the test on what people say may take a drawn pair.
const DECIDE_AFTER: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(3_600)..=Duration::from_secs(14 * 86_400);
/// The smallest store: sixteen segments of the smallest size.
const LEAST_BYTES: u64 = 1 << 20;

/// What is kept of judged exchanges.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The keys it is sealed under; without a current one no exchange is kept.
    pub keys: EvidenceKeys,
    /// The bounds.
    pub settings: EvidenceSettings,
}

/// What waits for people, and what of it is drawn for the test on what they say.
#[derive(Clone, Copy, Debug)]
pub struct Review {
    /// The bounds of the queue.
    pub queue: QueueSettings,
    /// The share of the pairs of a route with trigger `review` that is drawn.
    pub sample: Percent,
    /// How long after a drawn pair was sent it enters the test with what was said of it by then.
    pub decide_after: Duration,
}

/// What is kept of one route's exchanges.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteEvidence {
    /// The share of compared exchanges that is kept at random.
    pub share: Percent,
    /// What is taken out before. It compiles.
    pub redact: RedactSettings,
}

/// `[evidence]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawEvidence {
    /// Environment variable with the key that kept exchanges are sealed under, 64 hexadecimal digits; without a key none are kept.
    pub(crate) key_env: Option<String>,
    /// File with that key.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) key_file: Option<PathBuf>,
    /// Environment variable with the key before this one, for reading what it sealed.
    pub(crate) previous_key_env: Option<String>,
    /// The share of compared exchanges that is kept at random, in percent; what waits for a review is kept besides.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) share: Percent,
    /// Bytes of kept exchanges on disk; the oldest go first.
    pub(crate) max_bytes: Size,
    /// How long requests and answers are kept.
    pub(crate) retention: Span,
    /// How long it is remembered that an exchange was kept, and how it was judged: hashes and verdicts, no text.
    pub(crate) summaries: Span,
    /// What is taken out of requests and answers before they are kept.
    pub(crate) redact: RawRedact,
}

/// `[evidence.redact]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawRedact {
    /// The built-in detectors that are used.
    #[cfg_attr(test, schemars(schema_with = "super::schema::detectors"))]
    pub(crate) detectors: Vec<Detector>,
    /// Whether equal values of an exchange get equal numbers.
    pub(crate) numbered: bool,
    /// Regular expressions by name: what they find is replaced by `[NAME-1]`; the first group alone if there is one.
    pub(crate) patterns: BTreeMap<String, String>,
}

/// `[routes.NAME.evidence]`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawRouteEvidence {
    /// Instead of evidence.share.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) share: Option<Percent>,
    /// Instead of evidence.redact.detectors.
    #[cfg_attr(test, schemars(schema_with = "super::schema::detectors"))]
    pub(crate) detectors: Option<Vec<Detector>>,
    /// Beside evidence.redact.patterns.
    pub(crate) patterns: BTreeMap<String, String>,
}

/// `[review]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawReview {
    /// Items that may wait for one route; at that bound a more urgent one displaces the least urgent.
    pub(crate) open_per_route: usize,
    /// How long an item waits for a person.
    pub(crate) max_age: Span,
    /// Of the mirrored pairs of a route whose rollout.metrics name `review`, the share that people are asked about whatever the checks say, in percent: only these can roll back.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) sample: Percent,
    /// How long after such a pair was sent it enters the test, with what was said of it by then: from 1h to 14d.
    pub(crate) decide_after: Span,
}

// === defaults ===

impl Default for RawEvidence {
    fn default() -> Self {
        Self {
            key_env: None,
            key_file: None,
            previous_key_env: None,
            share: Percent::new(1.0).unwrap_or(Percent::ZERO),
            max_bytes: Size(1 << 30),
            retention: days(30),
            summaries: days(365),
            redact: RawRedact::default(),
        }
    }
}

impl Default for RawRedact {
    fn default() -> Self {
        let RedactSettings {
            detectors,
            patterns,
            numbered,
        } = RedactSettings::default();
        Self {
            detectors,
            numbered,
            patterns,
        }
    }
}

impl Default for RawReview {
    fn default() -> Self {
        Self {
            open_per_route: 200,
            max_age: days(30),
            sample: Percent::new(1.0).unwrap_or(Percent::ZERO),
            decide_after: days(3),
        }
    }
}

const fn days(days: u64) -> Span {
    Span::from_secs(days * 86_400)
}

// === impl Evidence ===

impl Evidence {
    /// Whether exchanges are kept at all.
    pub fn is_on(&self) -> bool {
        self.keys.current.is_some()
    }
}

// === building ===

/// Checks and converts `[evidence]`; `None` if a key cannot be read.
pub(super) fn build_evidence(raw: &RawEvidence, at: &mut Findings<'_>) -> Option<Evidence> {
    if raw.max_bytes.0 < LEAST_BYTES {
        at.wrong(
            &["evidence", "max_bytes"],
            "too small: use at least \"1MiB\"",
        );
    }
    let retention = at.some_time(&["evidence", "retention"], raw.retention);
    let summaries = at.some_time(&["evidence", "summaries"], raw.summaries);
    if summaries < retention {
        let message =
            "shorter than retention: what an exchange was judged stays as long as the exchange";
        at.wrong(&["evidence", "summaries"], message);
    }
    let redact = RedactSettings {
        detectors: raw.redact.detectors.clone(),
        patterns: raw.redact.patterns.clone(),
        numbered: raw.redact.numbered,
    };
    if let Err(error) = Redactor::new(&redact) {
        at.wrong(&["evidence", "redact", "patterns"], error.to_string());
    }
    Some(Evidence {
        keys: keys(raw, at)?,
        settings: EvidenceSettings {
            max_bytes: raw.max_bytes.0,
            retention,
            summaries,
        },
    })
}

/// `None` if a key is named and cannot be had.
fn keys(raw: &RawEvidence, at: &mut Findings<'_>) -> Option<EvidenceKeys> {
    let mut keys = EvidenceKeys::default();
    if raw.key_env.is_some() || raw.key_file.is_some() {
        let (path, secret) = match (&raw.key_env, &raw.key_file) {
            (Some(_), None) => (["evidence", "key_env"], "the environment variable"),
            (Some(_) | None, _) => (["evidence", "key_file"], "the file"),
        };
        let text = at.secret("evidence", raw.key_env.as_deref(), raw.key_file.as_deref())?;
        keys.current = Some(key(text.expose(), &path, secret, at)?);
    }
    if let Some(name) = &raw.previous_key_env {
        let path = ["evidence", "previous_key_env"];
        if keys.current.is_none() {
            at.wrong(
                &path,
                "needs key_env or key_file, for what is kept from now on",
            );
        }
        let text = at.variable(&path, name)?;
        keys.previous = Some(key(text.expose(), &path, "the environment variable", at)?);
    }
    Some(keys)
}

/// 64 hexadecimal digits; a digest has the same form.
fn key(text: &str, path: &[&str], of: &str, at: &mut Findings<'_>) -> Option<Key> {
    match text.trim().parse::<Digest>() {
        Ok(key) => Some(Key::new(key.0)),
        Err(_) => {
            let message = format!(
                "{of} holds no key: use 64 hexadecimal digits, as `openssl rand -hex 32` prints"
            );
            at.wrong(path, message);
            None
        }
    }
}

/// Checks and converts `[review]`.
pub(super) fn build_review(raw: &RawReview, at: &mut Findings<'_>) -> Review {
    let queue = QueueSettings {
        open_per_route: at.at_least_one(&["review", "open_per_route"], raw.open_per_route),
        max_age: at.some_time(&["review", "max_age"], raw.max_age),
    };
    let decide_after = raw.decide_after.0;
    let path = ["review", "decide_after"];
    if !DECIDE_AFTER.contains(&decide_after) {
        at.wrong(&path, "use a time from \"1h\" to \"14d\", such as \"72h\"");
    } else if !queue.max_age.is_zero() && decide_after > queue.max_age {
        let message = "longer than max_age: what waits must not be closed before its time is over";
        at.wrong(&path, message);
    }
    Review {
        queue,
        sample: raw.sample,
        decide_after,
    }
}

/// One route's evidence: what it says itself, and for the rest what is said for all.
pub(super) fn build_route_evidence(
    name: &str,
    route: RawRouteEvidence,
    all: &RawEvidence,
    at: &mut Findings<'_>,
) -> RouteEvidence {
    let mut patterns = all.redact.patterns.clone();
    let own = !route.patterns.is_empty();
    patterns.extend(route.patterns);
    let redact = RedactSettings {
        detectors: route
            .detectors
            .unwrap_or_else(|| all.redact.detectors.clone()),
        patterns,
        numbered: all.redact.numbered,
    };
    // What is wrong for all is said there.
    if own && let Err(error) = Redactor::new(&redact) {
        at.wrong(&["routes", name, "evidence", "patterns"], error.to_string());
    }
    RouteEvidence {
        share: route.share.unwrap_or(all.share),
        redact,
    }
}

/// People can speak of pairs only if pairs are drawn for them, and if they see what was answered.
pub(super) fn check_people(
    routes: &[Route],
    review: &Review,
    evidence: Option<&Evidence>,
    at: &mut Findings<'_>,
) {
    let asks = |route: &&Route| route.rollout.metrics.contains(Metric::Review);
    let kept = evidence.is_none_or(Evidence::is_on);
    for route in routes.iter().filter(asks) {
        let path = ["routes", route.id.as_str(), "rollout", "metrics"];
        if !kept {
            let message = "review, and no exchange is kept for people to look at: set evidence.key_env or evidence.key_file";
            at.wrong(&path, message);
        }
        if review.sample.is_zero() {
            let message = "review, and no pair is drawn for it: set review.sample above 0";
            at.wrong(&path, message);
        }
    }
}
