//! The configuration file as it is written: one field a key, with its default. Nothing here is checked against
//! anything else; that is the part of `build`. Every doc comment is the key's description in the JSON Schema.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use serde::Deserialize;

use crossfade_bedrock::{Adapt, CandidateSettings};
use crossfade_compare::{CheckSettings, Price};
use crossfade_exchange::Percent;

use super::{
    evidence::{RawEvidence, RawReview, RawRouteEvidence},
    internal::RawInternal,
    model::{LogFormat, LogLevel, TokenRole},
    opinions::{RawJudge, RawRouteOpinions, RawSimilarity},
    rollout::RawRollout,
    units::{Digest, Endpoint, Size, Span},
};

/// Crossfade's configuration.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConfig {
    /// Where applications connect.
    #[serde(default)]
    pub(crate) listen: RawListen,
    /// Where operators and Prometheus connect.
    #[serde(default)]
    pub(crate) admin: RawAdmin,
    /// What is kept on disk.
    #[serde(default)]
    pub(crate) data: RawData,
    /// The primary.
    pub(crate) azure: RawAzure,
    /// The candidate.
    pub(crate) bedrock: RawBedrock,
    /// Copies of requests, and every bound on them.
    #[serde(default)]
    pub(crate) mirror: RawMirror,
    /// Judged exchanges that are kept, sealed and redacted.
    #[serde(default)]
    pub(crate) evidence: RawEvidence,
    /// What waits for a person.
    #[serde(default)]
    pub(crate) review: RawReview,
    /// A model of embeddings, for how near two texts are.
    #[serde(default)]
    pub(crate) similarity: RawSimilarity,
    /// A model that says which of two answers is better.
    #[serde(default)]
    pub(crate) judge: RawJudge,
    /// What replicas share.
    #[serde(default)]
    pub(crate) backplane: RawBackplane,
    /// Structured logs on standard error.
    #[serde(default)]
    pub(crate) logging: RawLogging,
    /// One table for each Azure deployment, or glob of deployments, that may move. What has no route is passed through.
    #[serde(default)]
    pub(crate) routes: BTreeMap<String, RawRoute>,
}

/// `[listen]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawListen {
    /// Address and port for applications.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) address: SocketAddr,
    /// Serve TLS with this certificate and key; plain HTTP without.
    pub(crate) tls: Option<RawTls>,
    /// The largest request body; a larger one is answered 413.
    pub(crate) max_body: Size,
    /// Requests in flight before new ones are shed with 503.
    pub(crate) max_in_flight: usize,
    /// Whether answers carry `x-crossfade-side`.
    pub(crate) expose_side: bool,
    /// How long a stopping process waits for requests in flight.
    pub(crate) drain: Span,
}

/// `[listen] tls`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawTls {
    /// PEM file with the certificate chain.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) certificate: PathBuf,
    /// PEM file with the private key.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) key: PathBuf,
    /// PEM file with the authorities that callers' certificates must come from; without it callers need none.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) client_ca: Option<PathBuf>,
}

/// `[admin]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawAdmin {
    /// Address and port for the admin API, health and metrics.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) address: SocketAddr,
    /// Whether `/metrics` needs a token too.
    pub(crate) metrics_auth: bool,
    /// Who may look and change.
    pub(crate) tokens: Vec<RawToken>,
}

/// `[[admin.tokens]]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawToken {
    /// Who holds it: what the ledger records as the actor.
    pub(crate) name: String,
    /// SHA-256 of the token, 64 hexadecimal digits.
    pub(crate) sha256: Digest,
    /// What its holder may do.
    pub(crate) role: TokenRole,
}

/// `[data]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawData {
    /// Directory of the ledger and the outcome logs.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) directory: PathBuf,
    /// The most that the outcome logs of one route may take: beyond, those of its ended attempts go, the oldest first.
    pub(crate) outcome_log_bytes: Size,
    /// Environment variable with the key of keyed hashes, 64 hexadecimal digits; without it the directory keeps its own.
    pub(crate) key_env: Option<String>,
}

/// `[azure]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAzure {
    /// The Azure OpenAI resource.
    pub(crate) endpoint: Endpoint,
    /// Whose credential Azure sees.
    #[serde(default)]
    pub(crate) auth: RawAzureAuth,
    /// Environment variable with the resource's key, for `auth = "key"`.
    pub(crate) key_env: Option<String>,
    /// File with the resource's key, for `auth = "key"`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) key_file: Option<PathBuf>,
    /// How long a new connection may take.
    #[serde(default = "ten_seconds")]
    pub(crate) connect_timeout: Span,
    /// How long the head of an answer may take; models may think for many minutes.
    #[serde(default = "thirty_minutes")]
    pub(crate) response_timeout: Span,
    /// PEM file with authorities that are trusted beside the system's.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) ca_file: Option<PathBuf>,
}

/// `[azure] auth`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawAzureAuth {
    /// The caller's own key or Entra token.
    #[default]
    Passthrough,
    /// One key of the resource, for all callers.
    Key,
    /// The proxy's own Entra identity: not available yet.
    Entra,
}

/// `[bedrock]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBedrock {
    /// The AWS region that is called.
    pub(crate) region: String,
    /// Another address than the region's public one: `PrivateLink`, FIPS, a simulator.
    pub(crate) endpoint: Option<Endpoint>,
    /// Another address for `surface = "mantle"` than the region's public one.
    pub(crate) mantle_endpoint: Option<Endpoint>,
    /// The service that requests to the OpenAI-compatible endpoints are signed for, where it is not the surface's own.
    pub(crate) sigv4_service: Option<String>,
    /// Where the credentials come from.
    #[serde(default)]
    pub(crate) auth: RawBedrockAuth,
    /// Environment variable with the Bedrock API key, for `auth = "api_key"`.
    pub(crate) key_env: Option<String>,
    /// File with the Bedrock API key, for `auth = "api_key"`.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub(crate) key_file: Option<PathBuf>,
    /// Environment variable with the access key id, for `auth = "static"`.
    pub(crate) access_key_env: Option<String>,
    /// Environment variable with the secret access key, for `auth = "static"`.
    pub(crate) secret_key_env: Option<String>,
    /// Environment variable with the session token, for `auth = "static"`.
    pub(crate) session_token_env: Option<String>,
    /// How long a new connection may take.
    #[serde(default = "five_seconds")]
    pub(crate) connect_timeout: Span,
    /// How long a stream may stay silent after its first content.
    #[serde(default = "two_minutes")]
    pub(crate) idle_timeout: Span,
    /// How long the candidate may stay silent before its first content until the primary answers.
    #[serde(default = "ten_seconds")]
    pub(crate) fallback_after: Span,
}

/// `[bedrock] auth`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawBedrockAuth {
    /// The AWS credential chain.
    #[default]
    Default,
    /// A Bedrock API key.
    ApiKey,
    /// An access key from the environment variables named here.
    Static,
}

/// `[mirror]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawMirror {
    /// Whether requests are copied at all; the admin API can switch it off and on too.
    pub(crate) enabled: bool,
    /// The share of eligible requests that is copied to the candidate, in percent of units.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) share: Percent,
    /// The share of the requests answered by the candidate that is copied back to the primary, in percent of units.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) reverse_share: Percent,
    /// The share of compared pairs whose primary is asked the same once more, to learn how far it disagrees with itself, in percent; only while Azure shows more than half of its quota left.
    #[cfg_attr(test, schemars(schema_with = "super::schema::percent"))]
    pub(crate) ask_primary_twice: Percent,
    /// The share of compared pairs whose candidate is asked once more too, in percent; these are among those of `ask_primary_twice`. Absent: 1, or as `ask_primary_twice` where that is less.
    #[cfg_attr(test, schemars(schema_with = "super::schema::some_percent"))]
    pub(crate) ask_candidate_twice: Option<Percent>,
    /// The most copies a second; no limit if absent.
    pub(crate) rate: Option<f64>,
    /// Copies in flight.
    pub(crate) slots: usize,
    /// Bytes of everything held for mirroring: requests, captured answers, queued exchanges.
    pub(crate) bytes: Size,
    /// The largest request that is copied.
    pub(crate) request_bytes: Size,
    /// The most that is kept of one answer; a longer one cannot be compared.
    pub(crate) answer_bytes: Size,
    /// Finished exchanges that may wait for comparison.
    pub(crate) queue_items: usize,
    /// The longest that a copy may take: the deadline is three times the primary's usual time, 30 s at least and this at most.
    pub(crate) deadline: Span,
    /// The most that copies may cost in an hour, in USD; no cap if absent.
    pub(crate) hourly_usd: Option<f64>,
    /// The most that copies may cost in a day, in USD; no cap if absent.
    pub(crate) daily_usd: Option<f64>,
    /// The most that copies may cost in one attempt, in USD; no cap if absent.
    pub(crate) attempt_usd: Option<f64>,
}

/// `[backplane]`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawBackplane {
    /// Which implementation.
    pub(crate) kind: RawBackplaneKind,
}

/// `[backplane] kind`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum RawBackplaneKind {
    /// One process, one data directory.
    #[default]
    Local,
    /// NATS `JetStream`: not available yet.
    Nats,
}

/// `[logging]`
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RawLogging {
    /// How a line looks.
    pub(crate) format: LogFormat,
    /// The least important level that is written.
    pub(crate) level: LogLevel,
}

/// `[routes.NAME]`
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RawRoute {
    /// Who answers for this route; without an owner it may shadow and no more.
    pub(crate) owner: Option<String>,
    /// The Bedrock model that may replace the deployment.
    #[cfg_attr(test, schemars(schema_with = "super::schema::candidate"))]
    pub(crate) candidate: CandidateSettings,
    /// What is assigned as a whole: `conversation`, `user`, `credential`, `request` or `header:NAME`.
    #[serde(default = "conversation")]
    pub(crate) sticky_by: String,
    /// What the candidate costs.
    #[cfg_attr(test, schemars(schema_with = "super::schema::price"))]
    pub(crate) price: Option<Price>,
    /// What the primary costs.
    #[cfg_attr(test, schemars(schema_with = "super::schema::price"))]
    pub(crate) primary_price: Option<Price>,
    /// Changes to the request for the candidate only.
    #[cfg_attr(test, schemars(schema_with = "super::schema::adapt"))]
    pub(crate) adapt: Option<Adapt>,
    /// What counts as slow until 1 000 answers of the primary are known: time to the first content.
    #[serde(default = "five_seconds")]
    pub(crate) slow_after: Span,
    /// Callers of the house's own: from stage `internal` on the candidate answers them, unless they name a side.
    #[serde(default)]
    pub(crate) internal: RawInternal,
    /// What is compared, and how much it matters.
    #[serde(default)]
    #[cfg_attr(test, schemars(schema_with = "super::schema::checks"))]
    pub(crate) checks: CheckSettings,
    /// How often models are asked about its pairs.
    #[serde(default)]
    pub(crate) opinions: RawRouteOpinions,
    /// What is kept of its exchanges.
    #[serde(default)]
    pub(crate) evidence: RawRouteEvidence,
    /// Through which stages the route goes, on what evidence, and what takes it back.
    #[serde(default)]
    pub(crate) rollout: RawRollout,
}

// === defaults ===

impl Default for RawListen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([0, 0, 0, 0], 8080)),
            tls: None,
            max_body: Size(1 << 30),
            max_in_flight: 16_384,
            expose_side: false,
            drain: Span::from_secs(30),
        }
    }
}

impl Default for RawAdmin {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 9901)),
            metrics_auth: false,
            tokens: Vec::new(),
        }
    }
}

impl Default for RawData {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("data"),
            outcome_log_bytes: Size(4 << 30),
            key_env: None,
        }
    }
}

impl Default for RawMirror {
    fn default() -> Self {
        Self {
            enabled: true,
            share: Percent::HUNDRED,
            reverse_share: Percent::ZERO,
            ask_primary_twice: percent(5.0),
            ask_candidate_twice: None,
            rate: None,
            slots: 1024,
            bytes: Size(256 << 20),
            request_bytes: Size(2 << 20),
            answer_bytes: Size(1 << 20),
            queue_items: 1024,
            deadline: two_minutes(),
            hourly_usd: None,
            daily_usd: None,
            attempt_usd: None,
        }
    }
}

/// A share that stands in this file.
fn percent(value: f64) -> Percent {
    Percent::new(value).unwrap_or(Percent::ZERO)
}

fn five_seconds() -> Span {
    Span::from_secs(5)
}

fn ten_seconds() -> Span {
    Span::from_secs(10)
}

fn two_minutes() -> Span {
    Span::from_secs(120)
}

fn thirty_minutes() -> Span {
    Span::from_secs(1800)
}

fn conversation() -> String {
    "conversation".to_owned()
}
