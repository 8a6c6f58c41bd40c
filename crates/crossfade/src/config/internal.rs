//! `[routes.NAME.internal]`: who belongs to the house. What such callers may do is the data plane's and the rollout's.

use std::collections::{BTreeMap, HashSet};

use http::{HeaderName, HeaderValue};
use serde::Deserialize;

use crossfade_proxy::InternalCallers;

use super::{build::Findings, units::Digest};

/// The most values that one route may name: each request is held against all of them.
const MOST: usize = 256;

/// `[routes.NAME.internal]`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawInternal {
    /// SHA-256 of internal callers' credentials (the `api-key`, or the token after `Bearer `).
    pub(crate) credentials: Vec<Digest>,
    /// Headers by which they are known, each with the values that count. Any caller whom the primary accepts can send one.
    pub(crate) headers: BTreeMap<String, Vec<String>>,
    /// Claims of the bearer token by which they are known, each with the values that count.
    pub(crate) claims: BTreeMap<String, Vec<String>>,
}

// === building ===

/// Checks and converts the callers that one route names.
pub(super) fn build_internal(
    name: &str,
    raw: RawInternal,
    at: &mut Findings<'_>,
) -> InternalCallers {
    let here = ["routes", name, "internal", "credentials"];
    if raw.credentials.iter().any(|digest| digest.is_of_nothing()) {
        let message =
            "holds the digest of an empty text, which is nobody's: hash the credential itself";
        at.wrong(&here, message);
    }
    let distinct: HashSet<Digest> = raw.credentials.iter().copied().collect();
    if distinct.len() < raw.credentials.len() {
        at.wrong(&here, "holds a digest twice: remove one");
    }
    let mut internal = InternalCallers {
        credentials: raw.credentials.iter().map(|digest| digest.0).collect(),
        ..InternalCallers::default()
    };
    for (header, values) in raw.headers {
        let path = ["routes", name, "internal", "headers", header.as_str()];
        let Ok(parsed) = header.parse::<HeaderName>() else {
            at.wrong(&path, "not the name of a header");
            continue;
        };
        if matches!(parsed.as_str(), "authorization" | "api-key" | "cookie") {
            let message =
                "holds a secret, which has no place in this file: use credentials or claims";
            at.wrong(&path, message);
            continue;
        }
        if parsed.as_str().starts_with("x-crossfade-") {
            at.wrong(&path, "has a meaning of its own: use another header");
            continue;
        }
        some(&path, &values, at);
        for value in values {
            match value.parse::<HeaderValue>() {
                Ok(value) if !value.is_empty() => internal.headers.push((parsed.clone(), value)),
                // The value is not repeated: it may be as good as a secret.
                Ok(_) | Err(_) => at.wrong(
                    &path,
                    "holds an empty value, or one that no header can have",
                ),
            }
        }
    }
    for (claim, values) in raw.claims {
        let path = ["routes", name, "internal", "claims", claim.as_str()];
        some(&path, &values, at);
        for value in values {
            if value.is_empty() {
                at.wrong(&path, "holds an empty value: name what the claim must say");
            }
            internal.claims.push((claim.clone(), value));
        }
    }
    if internal.credentials.len() + internal.headers.len() + internal.claims.len() > MOST {
        let message = format!(
            "names over {MOST} callers, and each request is held against all: name them by a claim that they share"
        );
        at.wrong(&["routes", name, "internal"], message);
    }
    internal
}

fn some(path: &[&str], values: &[String], at: &mut Findings<'_>) {
    if values.is_empty() {
        at.wrong(path, "empty: list the values that count, or remove the key");
    }
    let distinct: HashSet<&String> = values.iter().collect();
    if distinct.len() < values.len() {
        // The value is not repeated: it may be as good as a secret.
        at.wrong(path, "holds a value twice: remove one");
    }
}
