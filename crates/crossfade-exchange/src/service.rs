//! The one shape both sides have: a collected Azure-OpenAI request in, an Azure-OpenAI response with
//! a streaming body out. Whoever chooses between the sides needs nothing else.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use serde::{Deserialize, Serialize};

use crate::{Loss, Usage};

/// Any error, as tower's stack carries it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// A collected request on the Azure OpenAI wire: the caller's method, path, headers and body.
pub type SideRequest = http::Request<Bytes>;
/// A streaming answer's body.
pub type SideBody = UnsyncBoxBody<Bytes, BoxError>;
/// An answer on the Azure OpenAI wire.
pub type SideResponse = http::Response<SideBody>;

/// A body that is already whole.
pub fn full_body(bytes: Bytes) -> SideBody {
    Full::new(bytes)
        .map_err(|never| match never {})
        .boxed_unsync()
}

closed_enum! {
    /// A failure that the other side should answer instead: nothing of an answer was sent yet, and the
    /// fault is not the caller's. A guardrail's block or a context that is too long is an answer.
    pub enum Failover {
        /// No connection: DNS, TCP, TLS.
        Connect = "connect",
        /// No sign of life within the patience given.
        Silent = "silent",
        /// The connection broke before the first content.
        Broken = "broken",
        /// Throttled, or out of capacity or quota.
        Throttled = "throttled",
        /// A server-side error.
        Server = "server",
        /// Our own credentials, permissions or configuration at the provider are at fault.
        Configuration = "configuration",
        /// What came is not an answer: undecodable, malformed, empty.
        Garbage = "garbage",
    }
}

/// How long the answering side may stay without a sign of life before its first content. Set as a request
/// extension by the data plane; absent on shadows, which have a deadline instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub Duration);

/// What Azure shows for this deployment, learned from its own answers; a request extension that lets the
/// candidate answer with the same values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// The `model` string of Azure's answers (base model and version, never the deployment).
    pub model: Option<String>,
    /// The `system_fingerprint` of Azure's answers.
    pub fingerprint: Option<String>,
    /// The `x-ms-region` header of Azure's answers.
    pub region: Option<String>,
}

/// What a side learned on the way, as one typed response extension.
#[derive(Clone, Debug, Default)]
pub struct SideReport {
    /// What the translation had to drop, emulate or change.
    pub losses: Arc<[Loss]>,
    /// Set when the other side should answer instead; the response then holds the body that the caller would
    /// get if there were no other side.
    pub failover: Option<Failover>,
    /// Calls made at the provider beyond the first (at most one retry).
    pub retries: u32,
    /// Facts known only at the end of the body.
    pub late: Arc<OnceLock<LateFacts>>,
}

/// Facts about an answer that are known only when its body has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LateFacts {
    /// Tokens by class, by the provider's own count.
    pub usage: Option<Usage>,
    /// The stream ended with a failure although its head said 200.
    pub failed: Option<Failover>,
    /// Losses of the answer's own translation (an unknown stop reason, split tool arguments), beyond the
    /// request's, which stand in [`SideReport::losses`].
    #[serde(default)]
    pub losses: Vec<Loss>,
}
