//! The configuration as the program sees it: every value parsed, every default filled in, every rule between keys
//! checked. A value of these types is usable as it stands.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crossfade_exchange::Percent;

use super::{
    evidence::{Evidence, Review},
    opinions::{JudgePlan, Similarity},
    routes::Route,
    secret::Secret,
    units::{Digest, Endpoint},
};

/// Everything a process needs to know before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where applications connect.
    pub listen: Listen,
    /// Where operators connect.
    pub admin: Admin,
    /// What is kept on disk.
    pub data: Data,
    /// The primary.
    pub azure: Azure,
    /// The candidate.
    pub bedrock: Bedrock,
    /// The bounds of mirroring.
    pub mirror: Mirror,
    /// What is kept of judged exchanges.
    pub evidence: Evidence,
    /// What waits for people, and what of it is drawn for the test on what they say.
    pub review: Review,
    /// The embeddings that texts are compared by, if any.
    pub similarity: Option<Similarity>,
    /// The model that says which of two answers is better, if any.
    pub judge: Option<JudgePlan>,
    /// What replicas share.
    pub backplane: Backplane,
    /// Structured logs.
    pub logging: Logging,
    /// What may move, by name.
    pub routes: Vec<Route>,
}

/// The listener for applications.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Address and port.
    pub address: SocketAddr,
    /// TLS, if it is served.
    pub tls: Option<Tls>,
    /// The largest request body, in bytes.
    pub max_body: u64,
    /// Requests in flight before new ones are shed.
    pub max_in_flight: usize,
    /// Whether answers carry `x-crossfade-side`.
    pub expose_side: bool,
    /// How long a drain waits for requests in flight.
    pub drain: Duration,
}

/// Files for serving TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// Authorities that callers' certificates must come from, PEM.
    pub client_ca: Option<PathBuf>,
}

/// The listener for operators.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Address and port.
    pub address: SocketAddr,
    /// Whether `/metrics` needs a token.
    pub metrics_auth: bool,
    /// Who may look and change.
    pub tokens: Vec<AdminToken>,
}

/// One operator's token, as a digest.
#[derive(Clone, Debug)]
pub struct AdminToken {
    /// Who holds it.
    pub name: String,
    /// SHA-256 of the token.
    pub sha256: Digest,
    /// What its holder may do.
    pub role: TokenRole,
}

/// What the holder of a token may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TokenRole {
    /// Look.
    Viewer,
    /// Move traffic within the plan.
    Operator,
    /// Re-arm after a roll-back, and override the plan.
    Owner,
}

/// What is kept on disk.
#[derive(Clone, Debug)]
pub struct Data {
    /// Directory of the ledger and the outcome logs.
    pub directory: PathBuf,
    /// The most that the outcome logs of one route may take, in bytes.
    pub outcome_log_bytes: u64,
    /// The key of keyed hashes, if it does not come from the directory.
    pub key: Option<HashKey>,
}

/// A 32-byte key for keyed hashes, shared by replicas.
#[derive(Clone)]
pub struct HashKey(pub(crate) [u8; 32]);

/// The primary.
#[derive(Clone, Debug)]
pub struct Azure {
    /// The resource.
    pub endpoint: Endpoint,
    /// Whose credential it sees.
    pub auth: AzureAuth,
    /// How long a new connection may take.
    pub connect_timeout: Duration,
    /// How long the head of an answer may take.
    pub response_timeout: Duration,
    /// Authorities that are trusted beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

/// Whose credential Azure sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AzureAuth {
    /// The caller's.
    Passthrough,
    /// The resource's key, for all callers.
    Key(Secret),
}

/// The candidate.
#[derive(Clone, Debug)]
pub struct Bedrock {
    /// The AWS region that is called and signed for.
    pub region: String,
    /// Another address than the region's public one.
    pub endpoint: Option<Endpoint>,
    /// Another address for the host of the OpenAI-compatible endpoints alone.
    pub mantle_endpoint: Option<Endpoint>,
    /// The service that requests to the OpenAI-compatible endpoints are signed for; the surface's own if absent.
    pub sigv4_service: Option<String>,
    /// Where the credentials come from.
    pub auth: BedrockAuth,
    /// How long a new connection may take.
    pub connect_timeout: Duration,
    /// How long a stream may stay silent after its first content.
    pub idle_timeout: Duration,
    /// How long the candidate may stay silent before its first content until the primary answers.
    pub fallback_after: Duration,
}

/// Where AWS credentials come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BedrockAuth {
    /// The AWS credential chain.
    Default,
    /// A Bedrock API key.
    ApiKey(Secret),
    /// An access key.
    Static {
        /// The access key id.
        access_key: Secret,
        /// The secret access key.
        secret_key: Secret,
        /// The session token of temporary credentials.
        session_token: Option<Secret>,
    },
}

/// The bounds of mirroring.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Whether requests are copied at all.
    pub enabled: bool,
    /// The share of eligible requests that is copied to the candidate.
    pub share: Percent,
    /// The share of the candidate's requests that is copied to the primary.
    pub reverse_share: Percent,
    /// The share of compared pairs whose primary is asked once more.
    pub ask_primary_twice: Percent,
    /// The share of compared pairs whose candidate is asked once more too, no larger than that of the primary.
    pub ask_candidate_twice: Percent,
    /// The most copies a second.
    pub rate: Option<f64>,
    /// Copies in flight.
    pub slots: usize,
    /// Bytes held for mirroring.
    pub bytes: usize,
    /// The largest request that is copied, in bytes.
    pub request_bytes: usize,
    /// The most that is kept of one answer, in bytes.
    pub answer_bytes: usize,
    /// Finished exchanges that may wait for comparison.
    pub queue_items: usize,
    /// The longest that a copy may take.
    pub deadline: Duration,
    /// The most that copies may cost in an hour, in USD.
    pub hourly_usd: Option<f64>,
    /// The most that copies may cost in a day, in USD.
    pub daily_usd: Option<f64>,
    /// The most that copies may cost in one attempt, in USD.
    pub attempt_usd: Option<f64>,
}

/// What replicas share, and by which means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backplane {
    /// One process, one data directory.
    Local,
}

/// Structured logs.
#[derive(Clone, Copy, Debug)]
pub struct Logging {
    /// How a line looks.
    pub format: LogFormat,
    /// The least important level that is written.
    pub level: LogLevel,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

/// The least important level of log lines that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Something is broken.
    Error,
    /// Something should be looked at.
    Warn,
    /// What happens in normal work.
    #[default]
    Info,
    /// For finding a fault.
    Debug,
}

// === impl HashKey ===

impl HashKey {
    /// The key's bytes: for the one place that keys hashes.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

// === impl LogLevel ===

impl LogLevel {
    /// What is written at this level, as a filter by target: this project's own events. Of the libraries only warnings
    /// and errors, because what they say in detail is theirs to choose and may quote a request.
    pub const fn filter(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "warn,crossfade=info",
            Self::Debug => "warn,crossfade=debug",
        }
    }
}
