//! One `[routes.NAME]` table: checked and converted.

use serde_json::Value;

use crossfade_bedrock::{Adapt, Api, CandidateSettings, FetchSettings, Surface};
use crossfade_compare::{CheckSettings, Checks, Price};
use crossfade_exchange::{Percent, RouteId};

use super::{
    build::Findings,
    evidence::{RawEvidence, build_route_evidence},
    internal::build_internal,
    opinions::{RouteOpinions, build_route_opinions},
    raw::RawRoute,
    rollout::{Beside, build_rollout},
    routes::{Route, parse_sticky_by},
};

/// The longest name of an Azure deployment.
const MOST_NAME: usize = 64;

/// What is said for all routes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ForAll<'a> {
    /// What is kept of exchanges.
    pub(super) evidence: &'a RawEvidence,
    /// How often models are asked about pairs.
    pub(super) opinions: RouteOpinions,
    /// How often the primary is asked twice.
    pub(super) ask_primary_twice: Percent,
    /// Whether a model of embeddings is named.
    pub(super) has_similarity: bool,
}

/// Checks and converts one route; `None` if it is so wrong that there is nothing to convert.
#[expect(
    clippy::too_many_lines,
    reason = "one key of the table after the other"
)]
pub(super) fn build_route(
    name: &str,
    raw: RawRoute,
    all: ForAll<'_>,
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
    if let Some(limit) = cost_limit {
        if !(limit.is_finite() && limit > 0.0) {
            // Said already; what would follow from it is not worth a word.
            return None;
        }
        if raw.price.is_none() {
            let path = ["routes", name, "rollout", "cost_limit_usd"];
            at.wrong(&path, "needs the candidate's price: add price to the route");
            return None;
        }
    }
    if !priced {
        return None;
    }
    at.distinct(&["routes", name, "checks", "off"], &raw.checks.off);
    let checks = CheckSettings {
        price: raw.price,
        primary_price: raw.primary_price,
        max_cost_usd: cost_limit,
        ..check_checks(name, raw.checks, at)?
    };
    let compiled = match Checks::new(checks.clone()) {
        Ok(compiled) => compiled,
        Err(error) => {
            at.wrong(&here("checks"), with_causes(&error));
            return None;
        }
    };
    let candidate = check_candidate(name, raw.candidate, raw.adapt, at);
    let opinions = build_route_opinions(raw.opinions, all.opinions);
    let internal = build_internal(name, raw.internal, at);
    let beside = Beside {
        checks: &compiled,
        settings: &checks,
        owned: raw.owner.is_some(),
        has_internal: !internal.is_empty(),
        splits: candidate.api != Api::Invoke || candidate.index_rebuilt,
        api: candidate.api,
        ask_primary_twice: all.ask_primary_twice,
        has_similarity: all.has_similarity && !opinions.similarity.is_zero(),
    };
    let rollout = build_rollout(name, &raw.rollout, beside, at);
    Some(Route {
        id: RouteId::new(name),
        owner: raw.owner,
        candidate,
        checks,
        slow_after,
        opinions,
        evidence: build_route_evidence(name, raw.evidence, all.evidence, at),
        internal,
        rollout,
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
