//! The way to the provider: the SDK's client for credentials, signing, transport and frames, and nothing else of it.
//!
//! The request's body is our own JSON, put in the place of the SDK's just before signing: the SDK keeps JSON objects in
//! hash maps, which would shuffle a schema's properties from call to call, and floats in 32 bits. An answer's body is
//! read by our own types for the same reason.

mod events;
mod fault;
mod trace;
mod wire;

use std::{fmt, sync::Arc, time::Duration};

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_bedrockruntime::{
    Client,
    config::{Builder, StalledStreamProtectionConfig, Token},
};
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use bytes::Bytes;

pub(crate) use events::Events;
pub(crate) use fault::Failure;

use crate::{
    compatible::{Gateway, Identity, Parts},
    converse,
    embeddings::Invoked,
};

/// How the proxy shows who it is. What stands in the environment counts only with [`Auth::Default`], and a bearer token
/// there never does: it must be named.
#[derive(Clone, Default)]
pub enum Auth {
    /// The provider's own chain: environment, profiles, web identity, container, instance.
    #[default]
    Default,
    /// An API key, sent as a bearer token.
    ApiKey(String),
    /// Keys given outright.
    Static {
        /// The access key's id.
        access_key: String,
        /// The secret.
        secret: String,
        /// The token of temporary keys.
        session_token: Option<String>,
    },
}

/// Where the provider is and how to reach it; shared by all routes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The region.
    pub region: String,
    /// Another endpoint than the region's own: a private link, a FIPS host, a simulator.
    pub endpoint: Option<String>,
    /// Another endpoint than the region's own for the surface of OpenAI-compatible endpoints alone.
    pub mantle_endpoint: Option<String>,
    /// The service's name in the signatures of OpenAI-compatible calls, where it is not the surface's own.
    pub sigv4_service: Option<String>,
    /// Who asks.
    pub auth: Auth,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest silence between two events of an answer that has begun, and the longest wait for an answer's head
    /// where the caller states no patience.
    pub idle_timeout: Duration,
}

/// A client with its own connections. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    gateway: Arc<Gateway>,
    idle_timeout: Duration,
}

// === impl Auth ===

/// The kind only.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "Default",
            Self::ApiKey(_) => "ApiKey(…)",
            Self::Static { .. } => "Static(…)",
        })
    }
}

// === impl Settings ===

impl Settings {
    /// A region with everything else at its default.
    pub fn new(region: impl Into<String>) -> Self {
        Self {
            region: region.into(),
            endpoint: None,
            mantle_endpoint: None,
            sigv4_service: None,
            auth: Auth::Default,
            connect_timeout: Duration::from_secs(3),
            idle_timeout: Duration::from_secs(120),
        }
    }
}

// === impl Connection ===

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("idle_timeout", &self.idle_timeout)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Prepares a client; nothing is sent to the provider, and credentials are resolved with the first call.
    pub async fn new(settings: Settings) -> Self {
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            // One retry at most, and ours: see the service.
            .retry_config(RetryConfig::disabled())
            // Models are silent for minutes; the service has its own idle limit.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(settings.connect_timeout)
                    .build(),
            );
        let (mut config, identity) = match settings.auth {
            // The whole shared configuration would bring a bearer token from the environment with it; only the
            // credentials are taken.
            Auth::Default => {
                let shared = aws_config::defaults(BehaviorVersion::latest())
                    .region(Region::new(settings.region.clone()))
                    .load()
                    .await;
                let mut config = config.auth_scheme_preference([AuthSchemeId::from("sigv4")]);
                let provider = shared.credentials_provider();
                let identity = provider.clone().map_or(Identity::Nobody, Identity::keys);
                config.set_credentials_provider(provider);
                (config, identity)
            }
            Auth::ApiKey(key) => {
                let identity = Identity::bearer(&key);
                let config = config
                    .bearer_token(Token::new(key, None))
                    .auth_scheme_preference([AuthSchemeId::from("httpBearerAuth")]);
                (config, identity)
            }
            Auth::Static {
                access_key,
                secret,
                session_token,
            } => {
                let keys = Credentials::from_keys(access_key, secret, session_token);
                let identity = Identity::keys(SharedCredentialsProvider::new(keys.clone()));
                let config = config
                    .credentials_provider(keys)
                    .auth_scheme_preference([AuthSchemeId::from("sigv4")]);
                (config, identity)
            }
        };
        config.set_endpoint_url(settings.endpoint.clone());
        let gateway = Gateway::new(Parts {
            identity,
            region: settings.region,
            runtime: settings.endpoint,
            mantle: settings.mantle_endpoint,
            service: settings.sigv4_service,
            connect_timeout: settings.connect_timeout,
        });
        Self {
            client: Client::from_conf(config.build()),
            gateway: Arc::new(gateway),
            idle_timeout: settings.idle_timeout,
        }
    }

    /// The way to the OpenAI-compatible endpoints.
    pub(crate) fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The longest silence within an answer.
    pub(crate) const fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }

    /// Asks for a stream; returns when its head has come.
    pub(crate) async fn stream(&self, model: &str, body: Bytes) -> Result<Events, Failure> {
        let wire = wire::Wire::new(body);
        let call = self
            .client
            .converse_stream()
            .model_id(model)
            .customize()
            .interceptor(wire);
        match call.send().await {
            Ok(output) => Ok(Events::new(output.stream)),
            Err(error) => Err(fault::of_call(error)),
        }
    }

    /// Asks for a whole answer.
    pub(crate) async fn whole(
        &self,
        model: &str,
        body: Bytes,
    ) -> Result<converse::Response, Failure> {
        let wire = wire::Wire::new(body);
        let answer = wire.answer();
        let call = self
            .client
            .converse()
            .model_id(model)
            .customize()
            .interceptor(wire);
        match call.send().await {
            Ok(_) => answer
                .take()
                .and_then(|held| serde_json::from_slice(&held.body).ok())
                .ok_or_else(Failure::garbage),
            Err(error) => Err(fault::of_call(error)),
        }
    }

    /// Asks in the model's own form.
    pub(crate) async fn invoke(&self, model: &str, body: Bytes) -> Result<Invoked, Failure> {
        let wire = wire::Wire::new(body);
        let answer = wire.answer();
        let call = self
            .client
            .invoke_model()
            .model_id(model)
            .content_type("application/json")
            .accept("application/json")
            .customize()
            .interceptor(wire);
        match call.send().await {
            Ok(_) => answer
                .take()
                .map(|held| Invoked {
                    body: held.body,
                    tokens: held.input_tokens,
                })
                .ok_or_else(Failure::garbage),
            Err(error) => Err(fault::of_call(error)),
        }
    }
}
