//! One `[routes.NAME]` table: checked and converted.

use std::collections::BTreeMap;

use serde_json::Value;

use crossfade_bedrock::{Adapt, Api, CandidateSettings, FetchSettings, Surface};
use crossfade_compare::{CheckSettings, Checks, Price};
use crossfade_exchange::{Metric, MetricSet, RouteId};

use super::{
    build::Findings,
    evidence::{RawEvidence, build_route_evidence},
    opinions::{RouteOpinions, build_route_opinions},
    raw::{RawRollout, RawRoute},
    routes::{Rollout, Route, parse_sticky_by},
};

/// The chance of a false roll-back in one attempt, unless the route says otherwise.
const ALPHA: f64 = 0.01;
/// Below this no evidence could ever suffice; the rollout's plan has the same bound.
const LEAST_ALPHA: f64 = 1e-12;
/// Beyond this the word "evidence" would not be deserved.
const MOST_ALPHA: f64 = 0.1;

/// The longest name of an Azure deployment.
const MOST_NAME: usize = 64;

/// Checks and converts one route; `None` if it is so wrong that there is nothing to convert.
pub(super) fn build_route(
    name: &str,
    raw: RawRoute,
    evidence: &RawEvidence,
    opinions: RouteOpinions,
    at: &mut Findings<'_>,
) -> Option<Route> {
    check_name(name, at);
    let here = |key: &'static str| ["routes", name, key];
    if raw
        .owner
        .as_deref()
        .is_some_and(|owner| owner.trim().is_empty())
    {
        at.wrong(
            &here("owner"),
            "empty: name who answers for the route, or remove the key",
        );
    }
    let sticky_by = match parse_sticky_by(&raw.sticky_by) {
        Ok(sticky_by) => Some(sticky_by),
        Err(message) => {
            at.wrong(&here("sticky_by"), message);
            None
        }
    };
    let slow_after = at.some_time(&here("slow_after"), raw.slow_after);
    let priced = check_price(name, "price", raw.price, at)
        & check_price(name, "primary_price", raw.primary_price, at);
    let cost_limit = raw.rollout.cost_limit_usd;
    at.positive(&["routes", name, "rollout", "cost_limit_usd"], cost_limit);
    if cost_limit.is_some() && raw.price.is_none() {
        let path = ["routes", name, "rollout", "cost_limit_usd"];
        at.wrong(&path, "needs the candidate's price: add price to the route");
        return None;
    }
    if !priced {
        return None;
    }
    let checks = CheckSettings {
        price: raw.price,
        primary_price: raw.primary_price,
        max_cost_usd: cost_limit,
        ..check_checks(name, raw.checks, at)?
    };
    let judged = match Checks::new(checks.clone()) {
        Ok(checks) => checks.metrics_on(),
        Err(error) => {
            at.wrong(&here("checks"), with_causes(&error));
            return None;
        }
    };
    Some(Route {
        id: RouteId::new(name),
        owner: raw.owner,
        candidate: check_candidate(name, raw.candidate, raw.adapt, at),
        checks,
        slow_after,
        opinions: build_route_opinions(raw.opinions, opinions),
        evidence: build_route_evidence(name, raw.evidence, evidence, at),
        internal: raw.internal.credentials,
        rollout: check_rollout(name, &raw.rollout, judged, at),
        sticky_by: sticky_by?,
    })
}

/// A route's name becomes a metric label and part of a file's name.
fn check_name(name: &str, at: &mut Findings<'_>) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*');
    if name == RouteId::UNROUTED {
        at.wrong(
            &["routes", name],
            "this name is kept for what has no route: use another",
        );
    } else if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(fits) {
        let message = "not the name of a deployment, nor a pattern of names: use up to 64 letters, digits, - _ . *";
        at.wrong(&["routes", name], message);
    }
}

fn check_candidate(
    name: &str,
    mut candidate: CandidateSettings,
    adapt: Option<Adapt>,
    at: &mut Findings<'_>,
) -> CandidateSettings {
    if candidate.model.trim().is_empty() {
        at.wrong(
            &["routes", name, "candidate", "model"],
            "empty: name a model",
        );
    }
    if candidate.default_max_tokens == Some(0) {
        let path = ["routes", name, "candidate", "default_max_tokens"];
        at.wrong(&path, "use a number of at least 1, or remove the key");
    }
    if candidate.adapt != Adapt::default() {
        at.wrong(
            &["routes", name, "candidate", "adapt"],
            "set adapt on the route itself",
        );
    }
    if let Some(guardrail) = &candidate.guardrail {
        for (key, value) in [("id", &guardrail.id), ("version", &guardrail.version)] {
            if value.trim().is_empty() {
                let path = ["routes", name, "candidate", "guardrail", key];
                at.wrong(&path, "empty: name the guardrail and its version");
            }
        }
        let acts = match (candidate.api, candidate.surface) {
            (Api::Converse, _) | (Api::OpenaiChat, Surface::Runtime) => true,
            (Api::OpenaiChat, Surface::Mantle)
            | (Api::OpenaiResponses | Api::Invoke, Surface::Runtime | Surface::Mantle) => false,
        };
        if !acts {
            let message = "no guardrail acts on this api and surface: use api = \"converse\", or \"openai-chat\" on the runtime surface, or remove it";
            at.wrong(&["routes", name, "candidate", "guardrail"], message);
        }
    }
    check_compatible(name, &candidate, at);
    check_fetch(name, candidate.fetch.as_ref(), at);
    candidate.adapt = adapt.unwrap_or_default();
    if candidate
        .adapt
        .temperature
        .is_some_and(|value| !(0.0..=1.0).contains(&value))
    {
        let path = ["routes", name, "adapt", "temperature"];
        at.wrong(&path, "use a number from 0 to 1, or remove the key");
    }
    candidate
}

/// The keys of the OpenAI-compatible endpoints belong to their APIs alone.
fn check_compatible(name: &str, candidate: &CandidateSettings, at: &mut Findings<'_>) {
    let here = |key: &'static str| ["routes", name, "candidate", key];
    match candidate.api {
        Api::OpenaiChat | Api::OpenaiResponses => {
            if candidate.path_prefix.as_deref().is_some_and(|prefix| {
                !prefix.starts_with('/') || prefix.ends_with('/') || prefix.contains(['?', '#'])
            }) {
                let message = "not a path before the operation: use one such as \"/openai/v1\"";
                at.wrong(&here("path_prefix"), message);
            }
        }
        Api::Converse | Api::Invoke => {
            let unused = "only for api = \"openai-chat\" and \"openai-responses\": remove it";
            if candidate.surface == Surface::Mantle {
                at.wrong(&here("surface"), unused);
            }
            if candidate.path_prefix.is_some() {
                at.wrong(&here("path_prefix"), unused);
            }
        }
    }
}

/// A bound of 0 would fetch nothing, which leaving `fetch` out says better.
fn check_fetch(name: &str, fetch: Option<&FetchSettings>, at: &mut Findings<'_>) {
    let Some(fetch) = fetch else { return };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_address = |host: &str| {
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
    };
    let is_host = |host: &String| {
        let named = host.strip_prefix("*.").unwrap_or(host);
        is_address(host) || (!named.is_empty() && named.chars().all(fits))
    };
    if let Some(host) = fetch.hosts.iter().find(|host| !is_host(host)) {
        let path = ["routes", name, "candidate", "fetch", "hosts"];
        let message = format!(
            "{host:?} is no host: use a name, or *. and a domain; an empty list is any host"
        );
        at.wrong(&path, message);
    }
    for (key, zero) in [
        ("ports", fetch.ports.is_empty()),
        ("max_bytes", fetch.max_bytes == 0),
        ("max_request_bytes", fetch.max_request_bytes == 0),
        ("max_urls", fetch.max_urls == 0),
        ("concurrency", fetch.concurrency == 0),
        ("timeout_ms", fetch.timeout_ms == 0),
    ] {
        if zero {
            let path = ["routes", name, "candidate", "fetch", key];
            at.wrong(&path, "nothing could be fetched: raise it, or remove fetch");
        }
    }
}

/// Whether a price can be counted with.
fn check_price(name: &str, key: &str, price: Option<Price>, at: &mut Findings<'_>) -> bool {
    let Some(price) = price else { return true };
    let mut good = true;
    for (class, value) in [
        ("input", Some(price.input)),
        ("cached", price.cached),
        ("cache_write", price.cache_write),
        ("output", Some(price.output)),
    ] {
        if value.is_some_and(|value| !(value.is_finite() && value >= 0.0)) {
            at.wrong(
                &["routes", name, key, class],
                "use a number of USD per million tokens",
            );
            good = false;
        }
    }
    good
}

/// The checks as written, with their schema in place; what has its place elsewhere is refused.
fn check_checks(
    name: &str,
    mut checks: CheckSettings,
    at: &mut Findings<'_>,
) -> Option<CheckSettings> {
    let here = |key: &'static str| ["routes", name, "checks", key];
    for (key, set, place) in [
        ("price", checks.price.is_some(), "price on the route itself"),
        (
            "primary_price",
            checks.primary_price.is_some(),
            "primary_price on the route itself",
        ),
        (
            "max_cost_usd",
            checks.max_cost_usd.is_some(),
            "rollout.cost_limit_usd",
        ),
    ] {
        if set {
            at.wrong(&here(key), format!("set {place}"));
        }
    }
    if let Some(Value::String(text)) = &checks.schema {
        match read_schema(text) {
            Ok(schema) => checks.schema = Some(schema),
            Err(message) => {
                at.wrong(&here("schema"), message);
                return None;
            }
        }
    }
    Some(checks)
}

/// A schema written as a string is JSON text, or the name of a file with it.
fn read_schema(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"));
    }
    let file = std::fs::read_to_string(text).map_err(|error| {
        format!("neither JSON text nor a file that can be read: {text}: {error}")
    })?;
    serde_json::from_str(&file).map_err(|error| format!("{text} is not JSON: {error}"))
}

fn check_rollout(
    name: &str,
    raw: &RawRollout,
    judged: MetricSet,
    at: &mut Findings<'_>,
) -> Rollout {
    let here = |key: &'static str| ["routes", name, "rollout", key];
    let alpha = raw.alpha.unwrap_or(ALPHA);
    if !(LEAST_ALPHA..=MOST_ALPHA).contains(&alpha) {
        at.wrong(
            &here("alpha"),
            "use a probability from 1e-12 to 0.1, such as 0.01",
        );
    }
    let metrics: MetricSet = match &raw.metrics {
        Some(metrics) => metrics.iter().copied().collect(),
        None => judged,
    };
    if metrics.is_empty() {
        at.wrong(
            &here("metrics"),
            "empty: name at least one, or remove the key",
        );
    }
    for metric in metrics.iter().filter(|metric| !judged.contains(*metric)) {
        at.wrong(
            &here("metrics"),
            format!("\"{metric}\" is not judged: {}", why_not(metric)),
        );
    }
    for (metric, share) in &raw.shares {
        let path = ["routes", name, "rollout", "shares", metric.as_str()];
        if !metrics.contains(*metric) {
            at.wrong(
                &path,
                "this metric is not on: add it to metrics, or remove the share",
            );
        }
        at.positive(&path, Some(*share));
    }
    if !raw.shares.is_empty() {
        for metric in metrics
            .iter()
            .filter(|metric| !raw.shares.contains_key(metric))
        {
            let message = format!("gives {metric} nothing: add a share for it, or remove all");
            at.wrong(&here("shares"), message);
        }
    }
    Rollout {
        alpha,
        metrics,
        shares: normalised(&raw.shares),
    }
}

fn why_not(metric: Metric) -> &'static str {
    match metric {
        Metric::Cost => "add cost_limit_usd",
        Metric::RequiredFields => "name the fields in checks.required_fields",
        Metric::Transport
        | Metric::Slow
        | Metric::Stream
        | Metric::Envelope
        | Metric::JsonParse
        | Metric::JsonSchema
        | Metric::Refusal => "remove its check from checks.off",
    }
}

/// Shares in any unit become parts that add to 1.
fn normalised(shares: &BTreeMap<Metric, f64>) -> Option<BTreeMap<Metric, f64>> {
    let sum: f64 = shares.values().sum();
    (!shares.is_empty()).then(|| {
        shares
            .iter()
            .map(|(metric, share)| (*metric, share / sum))
            .collect()
    })
}

/// An error with what caused it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {}", text.replace('\n', " "));
        }
        cause = error.source();
    }
    said
}
