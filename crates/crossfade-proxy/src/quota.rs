//! How much of its quota Azure says is left, by deployment, so that asking it twice never takes what callers need.
//!
//! Azure says it in the headers of its answers (`x-ratelimit-remaining-…`, with the limit beside it on most). Deployments of provisioned
//! throughput and some gateways say nothing: then only a trickle is asked twice, see [`UNSAID_PER_SECOND`].

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, StatusCode};

use crossfade_exchange::RepeatOutcome;

use crate::{rate::Rate, route::lock};

/// Azure renews its limits each minute: what it said before that, and a 429 before that, says nothing any more.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Repeats a second on a route whose answers do not say what is left: six a minute, some 8 600 a day.
const UNSAID_PER_SECOND: f64 = 0.1;
/// Deployments of one route that are remembered; a route that is a glob could have any number. The rest say nothing.
const DEPLOYMENTS: usize = 256;

const TOKENS: [HeaderName; 2] = [
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-limit-tokens"),
];
const REQUESTS: [HeaderName; 2] = [
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-limit-requests"),
];

/// What is left of one limit.
#[derive(Clone, Copy, Debug, Default)]
struct Left {
    remaining: Option<u64>,
    limit: Option<u64>,
    /// The most that ever remained: what stands for the limit where none is said.
    largest: u64,
}

impl Left {
    /// A new answer's headers. What is no count (`-1` of the Responses API) is not said.
    fn learn(&mut self, headers: &HeaderMap, [remaining, limit]: &[HeaderName; 2]) {
        let number = |name| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
        self.remaining = number(remaining);
        self.limit = number(limit).filter(|limit| *limit > 0);
        self.largest = self.largest.max(self.remaining.unwrap_or_default());
    }

    /// Whether more than half is left; `None` if nobody said.
    fn over_half(&self) -> Option<bool> {
        let limit = self.limit.or(Some(self.largest).filter(|most| *most > 0))?;
        Some(self.remaining? > limit / 2)
    }
}

#[derive(Debug)]
struct Known {
    tokens: Left,
    requests: Left,
    at: Instant,
}

#[derive(Debug, Default)]
struct State {
    deployments: HashMap<String, Known>,
    throttled: Option<Instant>,
}

/// What one route's answers from Azure said.
#[derive(Debug)]
pub(crate) struct Quota {
    state: Mutex<State>,
    unsaid: Rate,
}

// === impl Quota ===

impl Default for Quota {
    fn default() -> Self {
        Self::new(Instant::now())
    }
}

impl Quota {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            state: Mutex::default(),
            unsaid: Rate::new(UNSAID_PER_SECOND, now),
        }
    }

    /// Azure's head came.
    pub(crate) fn learn(
        &self,
        deployment: &str,
        status: StatusCode,
        headers: &HeaderMap,
        now: Instant,
    ) {
        let says = TOKENS
            .iter()
            .chain(&REQUESTS)
            .any(|name| headers.contains_key(name));
        let throttled = status == StatusCode::TOO_MANY_REQUESTS;
        if !says && !throttled {
            return;
        }
        let mut state = lock(&self.state);
        if throttled {
            state.throttled = Some(now);
        }
        if !says {
            return;
        }
        if !state.deployments.contains_key(deployment) {
            if state.deployments.len() >= DEPLOYMENTS {
                return;
            }
            let known = Known {
                tokens: Left::default(),
                requests: Left::default(),
                at: now,
            };
            state.deployments.insert(deployment.to_owned(), known);
        }
        if let Some(known) = state.deployments.get_mut(deployment) {
            known.tokens.learn(headers, &TOKENS);
            known.requests.learn(headers, &REQUESTS);
            known.at = now;
        }
    }

    /// Whether a deployment may be asked once more than its callers ask: no 429 on the route within a minute, and more than half of the
    /// tokens and of the requests left, as far as either is said. Where neither is, a trickle.
    pub(crate) fn allows(&self, deployment: &str, now: Instant) -> Result<(), RepeatOutcome> {
        let fresh = |at: Instant| now.saturating_duration_since(at) < REMEMBERED;
        let said = {
            let state = lock(&self.state);
            if state.throttled.is_some_and(fresh) {
                return Err(RepeatOutcome::Throttled);
            }
            let known = state.deployments.get(deployment);
            let known = known.filter(|known| fresh(known.at));
            known.map_or([None, None], |known| {
                [known.tokens.over_half(), known.requests.over_half()]
            })
        };
        let enough = match said {
            [None, None] => self.unsaid.try_take(now),
            [tokens, requests] => tokens.unwrap_or(true) && requests.unwrap_or(true),
        };
        if enough {
            Ok(())
        } else {
            Err(RepeatOutcome::Quota)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Result<(), RepeatOutcome> = Ok(());
    const LOW: Result<(), RepeatOutcome> = Err(RepeatOutcome::Quota);

    fn headers(said: &[(&'static str, &str)]) -> HeaderMap {
        let of = |(name, value): &(&'static str, &str)| {
            let name = HeaderName::from_static(match *name {
                "tokens" => "x-ratelimit-remaining-tokens",
                "of tokens" => "x-ratelimit-limit-tokens",
                "requests" => "x-ratelimit-remaining-requests",
                _ => "x-ratelimit-limit-requests",
            });
            (name, value.parse().unwrap())
        };
        said.iter().map(of).collect()
    }

    #[test]
    fn over_half_of_what_is_said() {
        for (said, want) in [
            (&[("tokens", "51"), ("of tokens", "100")][..], OK),
            (&[("tokens", "50"), ("of tokens", "100")], LOW),
            (&[("tokens", "0"), ("of tokens", "100")], LOW),
            (
                &[
                    ("tokens", "99"),
                    ("of tokens", "100"),
                    ("requests", "1"),
                    ("of requests", "9"),
                ],
                LOW,
            ),
            (
                &[
                    ("tokens", "9"),
                    ("of tokens", "100"),
                    ("requests", "9"),
                    ("of requests", "9"),
                ],
                LOW,
            ),
            (
                &[
                    ("tokens", "-1"),
                    ("of tokens", "-1"),
                    ("requests", "5"),
                    ("of requests", "9"),
                ],
                OK,
            ),
            (&[("requests", "4"), ("of requests", "9")], LOW),
            // Without a limit the most that was ever left stands for it, and this is it.
            (&[("tokens", "7")], OK),
        ] {
            let (quota, now) = (Quota::new(Instant::now()), Instant::now());
            quota.learn("d", StatusCode::OK, &headers(said), now);
            // More often than the trickle allows.
            for _ in 0..3 {
                assert_eq!(quota.allows("d", now), want, "{said:?}");
            }
        }
    }

    #[test]
    fn without_a_limit_the_most_that_was_left_stands_for_it() {
        let (quota, now) = (Quota::new(Instant::now()), Instant::now());
        for (left, want) in [
            ("1000", OK),
            ("501", OK),
            ("500", LOW),
            ("3", LOW),
            ("900", OK),
        ] {
            quota.learn("d", StatusCode::OK, &headers(&[("tokens", left)]), now);
            assert_eq!(quota.allows("d", now), want, "{left}");
        }
    }

    #[test]
    fn what_is_not_said_allows_a_trickle() {
        for said in [
            &[][..],
            &[("tokens", "-1"), ("of tokens", "-1")],
            &[("tokens", "0"), ("of tokens", "0")],
            &[("tokens", "many")],
        ] {
            let now = Instant::now();
            let quota = Quota::new(now);
            quota.learn("d", StatusCode::OK, &headers(said), now);
            let at = |seconds| quota.allows("d", now + Duration::from_secs(seconds));
            assert_eq!(
                [at(0), at(1), at(9), at(10), at(11)],
                [OK, LOW, LOW, OK, LOW],
                "{said:?}"
            );
        }
    }

    #[test]
    fn what_was_said_a_minute_ago_or_of_another_deployment_is_not_said() {
        let (quota, now) = (Quota::new(Instant::now()), Instant::now());
        let low = headers(&[("tokens", "1"), ("of tokens", "100")]);
        quota.learn("d", StatusCode::OK, &low, now);
        assert_eq!(quota.allows("d", now + REMEMBERED / 2), LOW);
        assert_eq!(quota.allows("other", now), OK);
        assert_eq!(quota.allows("d", now + REMEMBERED), OK);
    }

    #[test]
    fn a_429_bars_the_whole_route_for_a_minute() {
        let (quota, now) = (Quota::new(Instant::now()), Instant::now());
        let full = headers(&[("tokens", "100"), ("of tokens", "100")]);
        quota.learn("d", StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new(), now);
        quota.learn("other", StatusCode::OK, &full, now + REMEMBERED / 2);
        let throttled = Err(RepeatOutcome::Throttled);
        assert_eq!(quota.allows("other", now + REMEMBERED / 2), throttled);
        assert_eq!(quota.allows("other", now + REMEMBERED), OK);
    }

    #[test]
    fn deployments_are_bounded() {
        let (quota, now) = (Quota::new(Instant::now()), Instant::now());
        let low = headers(&[("tokens", "1"), ("of tokens", "100")]);
        for number in 0..2 * DEPLOYMENTS {
            quota.learn(&number.to_string(), StatusCode::OK, &low, now);
        }
        assert_eq!(lock(&quota.state).deployments.len(), DEPLOYMENTS);
    }
}
