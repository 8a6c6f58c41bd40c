//! The simulated Bedrock: Converse, ConverseStream, InvokeModel for embeddings, and the OpenAI-compatible endpoints of the
//! runtime and of mantle, behind a front door that verifies signatures.
//!
//! What it accepts is decided by the published service model and by the rules of each model family, both standing in
//! this crate; it shares no code with what translates requests for the real service.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::{FutureExt, future::BoxFuture};
use serde_json::Value;

use crate::{
    openai::responses::Store,
    script::{Fault, Received, Scene, Script},
    server::{Handler, Reply, Server},
    sigv4::{Credentials, PathNormalization, Verifier},
};

mod compatible;
mod converse;
mod embeddings;
mod events;
mod exception;
mod family;
mod front;
mod guardrail;
mod json;
mod model;
mod prompt;
mod rules;
#[cfg(test)]
mod tests;
mod thinking;

pub use compatible::Surface;
use exception::Exception;
use front::Operation;
pub use guardrail::{Action, GuardedWord, Guardrail, Policy};

/// The access key that a simulated Bedrock knows by default.
pub const ACCESS_KEY: &str = "AKIDEXAMPLE";

/// The secret of [`ACCESS_KEY`].
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// What the simulated service is like.
#[derive(Clone)]
pub struct BedrockOptions {
    /// Where to listen; `None` is a free port of the loopback.
    pub address: Option<SocketAddr>,
    /// What it does.
    pub script: Script,
    /// The region that signatures must be scoped to.
    pub region: String,
    /// Who may sign.
    pub credentials: Vec<Credentials>,
    /// Bearer keys that are accepted beside signatures.
    pub api_keys: Vec<String>,
    /// How far a signer's clock may be off, either way.
    pub clock_skew_allowed: Duration,
    /// The service's own clock.
    pub clock: Clock,
    /// Whether callers are verified at all.
    pub verify: bool,
    /// Model ids, profiles and ARNs that exist; empty means every well-formed one does.
    pub models: Vec<String>,
    /// Whether two turns of one role in a row are refused, as they once were.
    pub strict_alternation: bool,
    /// Prompt tokens above which a prompt is too long.
    pub context_tokens: u64,
    /// Which of the two services it is.
    pub surface: Surface,
    /// The name that signatures must be scoped to; `None` is the surface's own.
    pub signing_name: Option<String>,
    /// The guardrails of the account.
    pub guardrails: Vec<Guardrail>,
}

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

/// A running simulated Bedrock; it stops when dropped.
#[derive(Debug)]
pub struct BedrockSim {
    server: Server,
}

struct Wire {
    options: BedrockOptions,
    verifier: Verifier,
    responses: Store,
}

/// One request on its way through the handler.
#[derive(Clone, Copy)]
struct Call<'a> {
    options: &'a BedrockOptions,
    request: &'a Received,
    scene: &'a Scene,
}

impl Default for BedrockOptions {
    fn default() -> Self {
        Self {
            address: None,
            script: Script::default(),
            region: "us-east-1".to_owned(),
            credentials: vec![Credentials {
                access_key: ACCESS_KEY.to_owned(),
                secret: SECRET.to_owned(),
                session_token: None,
                expires: None,
            }],
            api_keys: Vec::new(),
            clock_skew_allowed: Duration::from_secs(300),
            clock: Clock::default(),
            verify: true,
            models: Vec::new(),
            strict_alternation: false,
            context_tokens: 200_000,
            surface: Surface::Runtime,
            signing_name: None,
            guardrails: vec![Guardrail::default()],
        }
    }
}

impl fmt::Debug for BedrockOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BedrockOptions")
            .field("address", &self.address)
            .field("region", &self.region)
            .field("credentials", &self.credentials)
            .field("verify", &self.verify)
            .field("models", &self.models)
            .finish_non_exhaustive()
    }
}

/// Why a model refuses the body of a Converse request, by the published service model and by the rules of its family;
/// `None` if it does not. Size and guardrails aside, this is what a simulated service decides by.
pub fn refusal(model: &str, body: &Value) -> Option<String> {
    model::violations(&model::CONVERSE_REQUEST, body).or_else(|| rules::refusal(model, body, false))
}

// === impl Clock ===

impl Clock {
    /// A clock that asks a function.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// A clock that stands still.
    pub fn fixed(now: SystemTime) -> Self {
        Self::new(move || now)
    }

    fn now(&self) -> SystemTime {
        (self.0)()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

// === impl BedrockSim ===

impl BedrockSim {
    /// Starts it.
    pub async fn start(options: BedrockOptions) -> io::Result<Self> {
        let (address, script) = (options.address, options.script.clone());
        let verifier = Verifier {
            region: options.region.clone(),
            service: options
                .signing_name
                .clone()
                .unwrap_or_else(|| options.surface.signing_name().to_owned()),
            credentials: options.credentials.clone(),
            clock_skew_allowed: options.clock_skew_allowed,
            paths: PathNormalization::On,
        };
        let wire = Arc::new(Wire {
            options,
            verifier,
            responses: Store::default(),
        });
        Ok(Self {
            server: Server::start(address, script, wire).await?,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// `http://` and the address: what a client would set as the endpoint.
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

    /// The server it stands on.
    pub fn server(&self) -> &Server {
        &self.server
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
        async move {
            if compatible::is_here(&request.target, self.options.surface) {
                let call = Call {
                    options: &self.options,
                    request,
                    scene,
                };
                let admitted = self.open(request, &scene.fault);
                return compatible::answer(call, &self.responses, admitted, reply).await;
            }
            match self.answer(request, scene, reply).await? {
                Ok(()) => Ok(()),
                Err(exception) => exception.write(&self.options.clock, reply).await,
            }
        }
        .boxed()
    }
}

impl Wire {
    /// Answers, or says why not; the outer error is the socket's.
    async fn answer(
        &self,
        request: &Received,
        scene: &Scene,
        reply: &mut Reply,
    ) -> io::Result<Result<(), Exception>> {
        let target = match self.admit(request, &scene.fault) {
            Ok(target) => target,
            Err(exception) => return Ok(Err(exception)),
        };
        let call = Call {
            options: &self.options,
            request,
            scene,
        };
        match target.operation {
            Operation::Converse => converse::whole(call, &target.model, reply).await,
            Operation::ConverseStream => converse::stream(call, &target.model, reply).await,
            Operation::Invoke => embeddings::answer(call, &target.model, reply).await,
        }
    }

    /// Lets a caller in, unless the script shows something else.
    fn open(&self, request: &Received, fault: &Fault) -> Result<(), Exception> {
        if self.options.verify {
            front::verify(&self.verifier, &self.options, request)?;
        }
        Exception::of_fault(fault).map_or(Ok(()), Err)
    }

    fn admit(&self, request: &Received, fault: &Fault) -> Result<front::Target, Exception> {
        let target = front::Target::parse(&request.method, &request.target)?;
        self.open(request, fault)?;
        let models = &self.options.models;
        if !front::is_model_id(&target.model)
            || !(models.is_empty() || models.contains(&target.model))
        {
            return Err(Exception::validation(
                "The provided model identifier is invalid.",
            ));
        }
        Ok(target)
    }
}
