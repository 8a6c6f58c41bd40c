//! The way to the OpenAI-compatible endpoints: one pooled HTTP/1.1 client, made with the first call, so that a
//! route that never calls pays for no roots of trust. Every call is signed anew, retries too.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE},
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::{
    credentials::Identity,
    endpoint::{self, Endpoint},
    fault,
    frames::Frames,
    sign::{self, Scope},
};
use crate::{answer::FaultKind, sdk::Failure, settings::Surface, tls};

/// The most bytes of a whole answer.
const LARGEST_WHOLE: usize = 64 << 20;
/// The most bytes that are read of an error.
const LARGEST_ERROR: usize = 64 << 10;
/// How long a connection may be idle.
const POOL_IDLE: Duration = Duration::from_secs(30);
/// A difference of clocks under this is no reason for a refused signature.
const NOTABLE_SKEW: u64 = 240;

/// One call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) surface: Surface,
    pub(crate) method: Method,
    /// With its prefix and its query.
    pub(crate) path: String,
    /// More headers; they are signed too.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The client and all it needs to know; shared by all routes.
pub(crate) struct Gateway {
    client: OnceLock<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    identity: Identity,
    region: String,
    /// `None`: the configured text is no endpoint.
    runtime: Option<Endpoint>,
    mantle: Option<Endpoint>,
    service: Option<String>,
    connect_timeout: Duration,
    /// The provider's clock less ours, in seconds, once a signature was refused for it.
    skew: AtomicI64,
}

/// What a gateway is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) identity: Identity,
    pub(crate) region: String,
    /// Other endpoints than the region's own.
    pub(crate) runtime: Option<String>,
    pub(crate) mantle: Option<String>,
    /// The service's name in signatures, if not the surface's own.
    pub(crate) service: Option<String>,
    pub(crate) connect_timeout: Duration,
}

// === impl Gateway ===

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("region", &self.region)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Gateway {
    /// Connects to nothing yet.
    pub(crate) fn new(parts: Parts) -> Self {
        let endpoint = |stated: Option<&str>, surface| match stated {
            Some(text) => text.parse().ok(),
            None => Endpoint::of(surface, &parts.region).ok(),
        };
        Self {
            client: OnceLock::new(),
            runtime: endpoint(parts.runtime.as_deref(), Surface::Runtime),
            mantle: endpoint(parts.mantle.as_deref(), Surface::Mantle),
            identity: parts.identity,
            region: parts.region,
            service: parts.service,
            connect_timeout: parts.connect_timeout,
            skew: AtomicI64::new(0),
        }
    }

    /// Asks for a stream; returns when its head has come.
    pub(crate) async fn stream(&self, call: &Call) -> Result<Frames, Failure> {
        let response = self.send(call).await?;
        let is_stream = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.starts_with("text/event-stream"));
        if is_stream {
            return Ok(Frames::new(response.into_body()));
        }
        // An error under a success's status: its body may still say which.
        let name = fault::error_type(response.headers());
        let body = read(response.into_body(), LARGEST_ERROR).await?;
        let kind = match serde_json::from_slice::<serde_json::Value>(&body) {
            Ok(said) if said.get("error").is_some() || name.is_some() => {
                fault::of_body(name.as_deref(), None, &body)
            }
            Ok(_) | Err(_) => FaultKind::Garbage,
        };
        Err(kind.into())
    }

    /// Asks for a whole answer and reads it.
    pub(crate) async fn whole(&self, call: &Call) -> Result<Bytes, Failure> {
        let response = self.send(call).await?;
        read(response.into_body(), LARGEST_WHOLE).await
    }

    /// Asks for a whole answer that may not be there: `None` if it is not.
    pub(crate) async fn found(&self, call: &Call) -> Result<Option<Bytes>, Failure> {
        let response = self.exchange(call).await?;
        match response.status() {
            status if status.is_success() => {
                read(response.into_body(), LARGEST_WHOLE).await.map(Some)
            }
            StatusCode::NOT_FOUND => Ok(None),
            _ => Err(fault::of_response(&buffered(response).await?)),
        }
    }

    /// Sends, and takes a success.
    async fn send(&self, call: &Call) -> Result<Response<Incoming>, Failure> {
        let response = self.exchange(call).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(fault::of_response(&buffered(response).await?))
    }

    /// Sends; if the signature is refused because the clocks differ, once more with the provider's time.
    async fn exchange(&self, call: &Call) -> Result<Response<Incoming>, Failure> {
        let response = self.attempt(call).await?;
        let is_signed = matches!(self.identity, Identity::Keys(_));
        if is_signed && self.learn_skew(response.status(), response.headers()) {
            return self.attempt(call).await;
        }
        Ok(response)
    }

    async fn attempt(&self, call: &Call) -> Result<Response<Incoming>, Failure> {
        let request = self.request(call).await?;
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, Full::new(body));
        let client = self.client.get_or_init(|| client(self.connect_timeout));
        client.request(request).await.map_err(|error| {
            if error.is_connect() {
                Failure {
                    fault: FaultKind::Connect.into(),
                    is_retryable: true,
                }
            } else {
                FaultKind::Broken.into()
            }
        })
    }

    /// The call as it is sent, with the proof of who sends it.
    async fn request(&self, call: &Call) -> Result<Request<Bytes>, Failure> {
        let endpoint = match call.surface {
            Surface::Runtime => &self.runtime,
            Surface::Mantle => &self.mantle,
        };
        let uri = endpoint
            .as_ref()
            .and_then(|endpoint| endpoint.target(&call.path).ok());
        let uri = uri.ok_or(FaultKind::Configuration)?;
        let mut request = Request::new(call.body.clone());
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = call.headers.clone();
        let headers = request.headers_mut();
        headers.insert(
            ACCEPT,
            HeaderValue::from_static("application/json, text/event-stream"),
        );
        if !call.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        match &self.identity {
            Identity::Bearer(token) => {
                headers.insert(AUTHORIZATION, token.clone());
            }
            Identity::Keys(keys) => {
                let keys = keys.get().await.map_err(|_| FaultKind::Configuration)?;
                let service = self.service.as_deref();
                let scope = Scope {
                    region: &self.region,
                    service: service.unwrap_or(endpoint::service(call.surface)),
                    time: self.now(),
                };
                sign::sign_request(&mut request, &keys, scope)
                    .map_err(|_| FaultKind::Configuration)?;
            }
            Identity::Nobody => return Err(FaultKind::Configuration.into()),
        }
        Ok(request)
    }

    /// Our time, set right by what the provider's answers said.
    fn now(&self) -> SystemTime {
        let skew = self.skew.load(Ordering::Relaxed);
        let by = Duration::from_secs(skew.unsigned_abs());
        let now = SystemTime::now();
        let set = if skew < 0 {
            now.checked_sub(by)
        } else {
            now.checked_add(by)
        };
        set.unwrap_or(now)
    }

    /// Whether a signature was refused for the clocks; then the difference is kept.
    fn learn_skew(&self, status: StatusCode, headers: &HeaderMap) -> bool {
        let name = fault::error_type(headers).unwrap_or_default();
        let by_clock = [
            "InvalidSignatureException",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "RequestExpired",
        ];
        if !status.is_client_error() || !by_clock.contains(&name.as_str()) {
            return false;
        }
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let Some(theirs) = date.and_then(http_date) else {
            return false;
        };
        let signed = unix(self.now());
        if theirs.abs_diff(signed) < NOTABLE_SKEW {
            return false;
        }
        self.skew.store(
            theirs.saturating_sub(unix(SystemTime::now())),
            Ordering::Relaxed,
        );
        true
    }
}

fn unix(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A `date` header's seconds since the Unix epoch.
fn http_date(text: &str) -> Option<i64> {
    use aws_smithy_types::{DateTime, date_time::Format};
    DateTime::from_str(text, Format::HttpDate)
        .ok()
        .map(|time| time.secs())
}

async fn buffered(response: Response<Incoming>) -> Result<Response<Bytes>, Failure> {
    let (parts, body) = response.into_parts();
    // An error that is too long to read is still an error of this status.
    let body = read(body, LARGEST_ERROR).await.unwrap_or_default();
    Ok(Response::from_parts(parts, body))
}

async fn read(body: Incoming, limit: usize) -> Result<Bytes, Failure> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Failure::garbage()),
        Err(_) => Err(FaultKind::Broken.into()),
    }
}

fn client(connect_timeout: Duration) -> Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(connect_timeout));
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls::client())
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .build(connector)
}

#[cfg(test)]
mod tests;
