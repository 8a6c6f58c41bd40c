//! The upstream service itself: one pooled HTTP/1.1 client.
//!
//! HTTP/1.1 and not HTTP/2, because on one HTTP/2 connection the flow-control window is shared, and a few callers who read
//! slowly could stall everyone on it.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderMap, HeaderValue, Request, Response, Version, header};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};
use tower::Service;

use crossfade_exchange::{BoxError, SideBody, SideRequest, SideResponse, full_body};

use crate::{PrimaryError, Settings, strip_connection_headers};

/// The way to Azure. Cheap to clone; clones share the connection pool.
#[derive(Clone, Debug)]
pub struct Primary {
    client: Client<HttpsConnector<HttpConnector>, SideBody>,
    settings: Arc<Settings>,
}

impl Primary {
    /// Makes the client; connects to nothing yet. Fails if TLS is asked for and the system has no root certificates.
    pub fn new(settings: Settings) -> std::io::Result<Self> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(settings.connect_timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(&settings)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(settings.pool_idle)
            .http1_preserve_header_case(true)
            .http1_max_headers(256)
            .build(connector);
        Ok(Self {
            client,
            settings: Arc::new(settings),
        })
    }

    /// Sends a request whose body may still be streaming, and gives back Azure's answer as it comes. Connection-level
    /// headers are left out, except those of an upgrade (a WebSocket), which then is the caller's to join.
    pub async fn forward(&self, request: Request<SideBody>) -> Result<SideResponse, PrimaryError> {
        let request = self.outbound(request).map_err(PrimaryError::Target)?;
        let limit = self.settings.response_timeout;
        let answer = tokio::time::timeout(limit, self.client.request(request))
            .await
            .map_err(|_| PrimaryError::TimedOut(limit))?
            .map_err(classify)?;
        Ok(inbound(answer))
    }

    fn outbound(&self, request: Request<SideBody>) -> Result<Request<SideBody>, http::Error> {
        let (mut parts, body) = request.into_parts();
        parts.uri = self.settings.endpoint.target(parts.uri.path_and_query())?;
        parts.version = Version::HTTP_11;
        let upgrade = web_socket(&parts.headers);
        strip_connection_headers(&mut parts.headers);
        if let Some(protocol) = upgrade {
            parts
                .headers
                .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            parts.headers.insert(header::UPGRADE, protocol);
        }
        parts.headers.remove(header::HOST);
        self.settings.credential.apply(&mut parts.headers);
        Ok(Request::from_parts(parts, body))
    }
}

/// The protocol of an upgrade that is passed on. Only web sockets are: another protocol on the same connection (h2c) would be spoken past
/// everything that stands between.
fn web_socket(headers: &HeaderMap) -> Option<HeaderValue> {
    let protocol = headers.get(header::UPGRADE)?;
    protocol
        .as_bytes()
        .eq_ignore_ascii_case(b"websocket")
        .then(|| protocol.clone())
}

fn inbound(answer: Response<hyper::body::Incoming>) -> SideResponse {
    let (mut parts, body) = answer.into_parts();
    if parts.status != http::StatusCode::SWITCHING_PROTOCOLS {
        strip_connection_headers(&mut parts.headers);
    }
    Response::from_parts(parts, body.map_err(Into::into).boxed_unsync())
}

fn classify(error: hyper_util::client::legacy::Error) -> PrimaryError {
    if error.is_connect() {
        PrimaryError::Connect(error)
    } else {
        PrimaryError::Broken(error)
    }
}

fn tls(settings: &Settings) -> std::io::Result<ClientConfig> {
    let roots = match &settings.roots {
        Some(roots) => roots.clone(),
        // Without TLS no root is ever asked for; a machine without certificates must still start.
        None if !settings.endpoint.is_tls() => RootCertStore::empty(),
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

fn system_roots() -> std::io::Result<RootCertStore> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        return Err(std::io::Error::other(
            "the system has no root certificates: install them or set [azure] ca_file",
        ));
    }
    Ok(roots)
}

impl Service<SideRequest> for Primary {
    type Response = SideResponse;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<SideResponse, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: SideRequest) -> Self::Future {
        let primary = self.clone();
        Box::pin(async move { Ok(primary.forward(request.map(full_body)).await?) })
    }
}
