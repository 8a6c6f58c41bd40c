//! The operator of the story: speaks the admin API over a socket, with a token, as anybody would.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crossfade_rollout::{Entry, RouteStatus};

use crate::{config::Secret, review::FoundLine};

use super::exposition::Exposition;

/// Any exchange may take this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// An operator of one route.
#[derive(Clone, Debug)]
pub(super) struct Operator {
    client: Client<HttpConnector, Full<Bytes>>,
    admin: SocketAddr,
    token: Secret,
    route: &'static str,
}

/// The route, as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct RouteNow {
    /// The rollout's own word.
    pub(super) rollout: RouteStatus,
    /// The share that counts now.
    pub(super) effective_percent: f64,
    /// Where requests went.
    pub(super) accounting: Counts,
    /// Whether the counts add up, by the server's own word.
    pub(super) identity_holds: bool,
    /// Compared over eligible and selected.
    #[serde(default)]
    pub(super) coverage: Option<f64>,
    /// What the comparison has found.
    #[serde(default)]
    pub(super) found: Option<FoundLine>,
}

/// The counts of the accounting identity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Counts {
    pub(super) seen: u64,
    pub(super) finished: u64,
    pub(super) in_flight: u64,
    pub(super) ineligible: BTreeMap<String, u64>,
    pub(super) eligible: BTreeMap<String, u64>,
    pub(super) compared: BTreeMap<String, u64>,
    pub(super) skipped: BTreeMap<String, BTreeMap<String, u64>>,
    pub(super) mirror_in_flight: u64,
}

/// The history, as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct History {
    /// Oldest first.
    pub(super) entries: Vec<Entry>,
    /// The hash of the last entry.
    pub(super) head: Option<String>,
}

// === impl Operator ===

impl Operator {
    /// Of a route, with a token.
    pub(super) fn new(admin: SocketAddr, token: Secret, route: &'static str) -> Self {
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Self {
            client,
            admin,
            token,
            route,
        }
    }

    /// Reads the route's report and signs it, as its owner.
    pub(super) async fn sign(&self, reason: &str) -> anyhow::Result<()> {
        let path = format!("/api/v1/routes/{}/report", self.route);
        let report: Value = self.json(Method::GET, &path, None).await?;
        let hash = report.get("hash").and_then(Value::as_str);
        let hash = hash.context("the report has no hash")?;
        self.change("signoff", &json!({"report": hash, "reason": reason}))
            .await
    }

    /// Leaves the stage for the next.
    pub(super) async fn advance(&self, reason: &str) -> anyhow::Result<()> {
        self.change("advance", &json!({"reason": reason})).await
    }

    async fn change(&self, verb: &str, body: &Value) -> anyhow::Result<()> {
        let path = format!("/api/v1/routes/{}/{verb}", self.route);
        let answer: Value = self.json(Method::POST, &path, Some(body)).await?;
        if answer.get("recorded").and_then(Value::as_bool) == Some(true) {
            Ok(())
        } else {
            bail!("{verb} of {} is not in the ledger", self.route)
        }
    }

    /// How the route stands.
    pub(super) async fn look(&self) -> anyhow::Result<RouteNow> {
        let path = format!("/api/v1/routes/{}", self.route);
        self.json(Method::GET, &path, None).await
    }

    /// What was changed, by whom and why.
    pub(super) async fn history(&self) -> anyhow::Result<History> {
        self.json(Method::GET, "/api/v1/ledger?limit=1000", None)
            .await
    }

    /// What Prometheus would see.
    pub(super) async fn scrape(&self) -> anyhow::Result<Exposition> {
        let body = self.exchange(Method::GET, "/metrics", None).await?;
        Ok(Exposition::parse(&String::from_utf8_lossy(&body)))
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<T> {
        let bytes = self.exchange(method, path, body).await?;
        serde_json::from_slice(&bytes)
            .with_context(|| format!("the admin API's answer at {path} is not understood"))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.admin))
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.token.expose()),
            )
            .header(header::CONTENT_TYPE, "application/json")
            .body(
                body.map(|body| Full::from(body.to_string()))
                    .unwrap_or_default(),
            )?;
        let exchange = async {
            let response = self.client.request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            if status.is_success() {
                return Ok(body);
            }
            let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
            let detail = problem
                .get("detail")
                .and_then(Value::as_str)
                .unwrap_or("no detail");
            bail!("status {status}: {detail}")
        };
        tokio::time::timeout(PATIENCE, exchange)
            .await
            .with_context(|| format!("no answer within {} s", PATIENCE.as_secs()))
            .and_then(|answer| answer)
            .with_context(|| format!("the admin API failed at {path}"))
    }
}

// === impl RouteNow ===

impl RouteNow {
    /// What is in the way of the next step.
    pub(super) fn waits_for(&self) -> &[String] {
        self.rollout
            .next
            .as_ref()
            .map_or(&[], |next| next.waits_for.as_slice())
    }

    /// Whether only the owner's word is missing.
    pub(super) fn waits_for_signature(&self) -> bool {
        matches!(self.waits_for(), [only] if only.contains("sign"))
    }
}

// === impl Counts ===

impl Counts {
    /// Requests that could not be mirrored or assigned.
    pub(super) fn ineligible(&self) -> u64 {
        self.ineligible.values().sum()
    }

    /// Requests that could.
    pub(super) fn eligible(&self) -> u64 {
        self.eligible.values().sum()
    }

    /// Pairs that were compared.
    pub(super) fn compared(&self) -> u64 {
        self.compared.values().sum()
    }

    /// Eligible requests that were not compared, by reason; zeros are left out.
    pub(super) fn skipped(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for (reason, count) in self
            .skipped
            .values()
            .flatten()
            .filter(|(_, count)| **count > 0)
        {
            *all.entry(reason.clone()).or_insert(0) += count;
        }
        all
    }

    /// Whether nothing is under way.
    pub(super) fn is_at_rest(&self) -> bool {
        self.in_flight == 0 && self.mirror_in_flight == 0
    }

    /// The identity, recomputed here.
    pub(super) fn add_up(&self) -> bool {
        let skipped: u64 = self.skipped().values().sum();
        self.seen == self.finished + self.in_flight
            && self.seen == self.ineligible() + self.eligible()
            && self.eligible() == self.compared() + skipped + self.mirror_in_flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_or_not() {
        let check = |change: fn(&mut Counts), expected: bool| {
            let table = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
                counts
                    .iter()
                    .map(|(name, n)| ((*name).to_owned(), *n))
                    .collect()
            };
            let mut counts = Counts {
                seen: 20,
                finished: 18,
                in_flight: 2,
                ineligible: table(&[("tools", 3), ("stateful", 1)]),
                eligible: table(&[("4k", 10), ("32k", 6)]),
                compared: table(&[("4k", 8), ("32k", 3)]),
                skipped: [
                    ("4k".to_owned(), table(&[("no_slot", 1), ("breaker", 0)])),
                    ("32k".to_owned(), table(&[("no_slot", 2)])),
                ]
                .into(),
                mirror_in_flight: 2,
            };
            change(&mut counts);
            assert_eq!(counts.add_up(), expected, "{counts:?}");
        };
        check(|_| {}, true);
        check(|c| c.seen += 1, false);
        check(|c| c.finished -= 1, false);
        check(|c| c.mirror_in_flight += 1, false);
        check(|c| c.skipped.clear(), false);
        check(|c| c.ineligible.clear(), false);
    }
}
