//! The simulated Azure OpenAI: chat completions, the Responses API with its state, embeddings, models, uploads, and the service's own error bodies, on dated
//! and v1 paths.
//!
//! It writes its own JSON, byte for byte as captures show it, and shares no code with the proxy's reading of the same
//! wire, so that a mistake on one side cannot hide on the other.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use futures_util::{FutureExt, future::BoxFuture};
use sha2::{Digest, Sha256};

use crate::{
    openai::responses::Store,
    script::{Fault, Received, Scene, Script},
    server::{Handler, Head, Reply, Server},
    text::hex,
};

mod chat;
mod dice;
mod embeddings;
mod error;
mod headers;
mod listing;
mod request;
mod responses;
mod shape;
mod target;
#[cfg(test)]
mod tests;

use dice::Dice;
use error::Refusal;
use target::{Operation, Target};

/// What the simulated resource is like.
#[derive(Clone)]
pub struct AzureOptions {
    /// Where to listen; `None` is a free port of the loopback.
    pub address: Option<SocketAddr>,
    /// What it does.
    pub script: Script,
    /// The keys that are accepted, as `api-key` or as a bearer token; empty accepts any, but never none.
    pub api_keys: Vec<String>,
    /// The deployments that exist; empty means every name does.
    pub deployments: Vec<String>,
    /// The base model and version that chat answers name.
    pub model: String,
    /// The base model that embeddings name.
    pub embedding_model: String,
    /// `system_fingerprint`.
    pub fingerprint: Option<String>,
    /// `x-ms-region`.
    pub region: String,
    /// Prompt tokens above which a prompt is too long.
    pub context_tokens: u64,
    /// Requests a minute, as the headers say; nothing is enforced.
    pub requests_per_minute: u64,
    /// Tokens a minute, as the headers say; nothing is enforced.
    pub tokens_per_minute: u64,
    /// The same request always gets the same bytes: ids, dates and filler come from the request alone, and answers are
    /// asked for as if it were the first.
    pub steady: bool,
}

/// A running simulated Azure; it stops when dropped.
pub struct AzureSim {
    server: Server,
    wire: Arc<Wire>,
}

struct Wire {
    options: AzureOptions,
    api_keys: RwLock<Vec<String>>,
    responses: Store,
}

/// One request on its way through the handler.
struct Call<'a> {
    options: &'a AzureOptions,
    request: &'a Received,
    target: &'a Target,
    scene: &'a Scene,
    dice: Dice,
}

impl Default for AzureOptions {
    fn default() -> Self {
        Self {
            address: None,
            script: Script::default(),
            api_keys: Vec::new(),
            deployments: Vec::new(),
            model: "gpt-4.1-mini-2025-04-14".to_owned(),
            embedding_model: "text-embedding-3-small".to_owned(),
            fingerprint: Some("fp_5a1b2c3d4e".to_owned()),
            region: "East US 2".to_owned(),
            context_tokens: 128_000,
            requests_per_minute: 6_000,
            tokens_per_minute: 6_000_000,
            steady: false,
        }
    }
}

impl fmt::Debug for AzureOptions {
    /// Keys stay out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureOptions")
            .field("address", &self.address)
            .field("deployments", &self.deployments)
            .field("model", &self.model)
            .field("steady", &self.steady)
            .finish_non_exhaustive()
    }
}

// === impl AzureSim ===

impl fmt::Debug for AzureSim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureSim")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl AzureSim {
    /// Starts it.
    pub async fn start(options: AzureOptions) -> io::Result<Self> {
        let (address, script) = (options.address, options.script.clone());
        let api_keys = RwLock::new(options.api_keys.clone());
        let wire = Arc::new(Wire {
            options,
            api_keys,
            responses: Store::default(),
        });
        let server = Server::start(address, script, Arc::<Wire>::clone(&wire)).await?;
        Ok(Self { server, wire })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://` and the address: what an application would set as its endpoint.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// What it does, to be changed while it runs.
    pub fn script(&self) -> &Script {
        self.server.script()
    }

    /// The requests received, oldest first, within the bounds of [`Server::received`].
    pub fn received(&self) -> Vec<Received> {
        self.server.received()
    }

    /// The server under it: connection counts, and how many requests it keeps.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// Accepts these keys from now on.
    pub fn set_api_keys(&self, keys: Vec<String>) {
        *self
            .wire
            .api_keys
            .write()
            .unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

// === impl Wire ===

impl Handler for Wire {
    fn handle<'a>(
        &'a self,
        request: &'a Received,
        scene: &'a Scene,
        reply: &'a mut Reply,
    ) -> BoxFuture<'a, io::Result<()>> {
        self.answer(request, scene, reply).boxed()
    }
}

impl Wire {
    async fn answer(&self, request: &Received, scene: &Scene, reply: &mut Reply) -> io::Result<()> {
        let (dice, scene) = if self.options.steady {
            (
                Dice::of(request),
                Scene {
                    sequence: 0,
                    ..scene.clone()
                },
            )
        } else {
            (Dice::random(), scene.clone())
        };
        let target = target::parse(&request.target);
        let mut call = Call {
            options: &self.options,
            request,
            target: &target,
            scene: &scene,
            dice,
        };
        if let Err(refusal) = self.admit(&call) {
            return call.refuse(reply, &refusal).await;
        }
        let refused = match (request.method.as_str(), &target.operation) {
            ("POST", Operation::Chat) => chat::answer(&mut call, reply).await?,
            ("POST", Operation::Embeddings) => embeddings::answer(&mut call, reply).await?,
            ("GET", Operation::Models) => {
                return call.json(reply, listing::models(&self.options)).await;
            }
            ("POST", Operation::Files) => {
                let body = listing::uploaded(request, &mut call.dice);
                return call.json(reply, body).await;
            }
            (_, Operation::Responses | Operation::Response(_) | Operation::InputTokens) => {
                responses::answer(&mut call, &self.responses, reply).await?
            }
            _ => Err(Refusal::NotFound),
        };
        match refused {
            Ok(()) => Ok(()),
            Err(refusal) => call.refuse(reply, &refusal).await,
        }
    }

    /// What the front door refuses before any model is asked.
    fn admit(&self, call: &Call<'_>) -> Result<(), Refusal> {
        let key = credential(call.request).ok_or(Refusal::Unauthorized)?;
        let keys = self.api_keys.read().unwrap_or_else(PoisonError::into_inner);
        if !keys.is_empty() && !keys.iter().any(|known| known == key) {
            return Err(Refusal::Unauthorized);
        }
        if let Fault::Status {
            status,
            retry_after,
        } = call.scene.fault
        {
            return Err(Refusal::of_status(status, retry_after));
        }
        if call.target.lacks_version {
            return Err(Refusal::NotFound);
        }
        match &call.target.deployment {
            Some(name) => self.options.knows(name),
            None => Ok(()),
        }
    }
}

// === impl AzureOptions ===

impl AzureOptions {
    fn knows(&self, deployment: &str) -> Result<(), Refusal> {
        if self.deployments.is_empty() || self.deployments.iter().any(|name| name == deployment) {
            Ok(())
        } else {
            Err(Refusal::DeploymentNotFound)
        }
    }
}

// === impl Call ===

impl Call<'_> {
    async fn json(&mut self, reply: &mut Reply, body: String) -> io::Result<()> {
        let head = headers::plain(200, self).header("Content-Type", "application/json");
        reply.whole(head, body.as_bytes()).await
    }

    async fn refuse(&mut self, reply: &mut Reply, refusal: &Refusal) -> io::Result<()> {
        let head = headers::plain(refusal.status(), self);
        let head = Head {
            reason: refusal.reason().map(str::to_owned),
            ..head
        };
        let head = refusal
            .headers(self.options)
            .into_iter()
            .fold(head, |h, (n, v)| h.header(n, v));
        let body = refusal.body();
        if matches!(refusal, Refusal::DeploymentNotFound) {
            // Captures show this one without a content type, and chunked.
            let mut stream = reply.stream(head).await?;
            stream.piece(body.as_bytes()).await?;
            return stream.finish().await;
        }
        reply
            .whole(
                head.header("Content-Type", "application/json"),
                body.as_bytes(),
            )
            .await
    }
}

/// The caller's key, by any of the two headers that carry one.
fn credential(request: &Received) -> Option<&str> {
    let bearer = || {
        let value = request.header("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then_some(token.trim())
    };
    request
        .header("api-key")
        .or_else(bearer)
        .filter(|key| !key.is_empty())
}

/// Lower-case hexadecimal SHA-256.
fn sha256_hex(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes).as_slice())
}
