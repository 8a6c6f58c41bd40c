//! One client for all fetches: names are resolved here, every address is checked, and the connection is made to what
//! was checked and to nothing else, so that a name that leads elsewhere a moment later leads nowhere.

use std::{
    error::Error,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{HttpConnector, dns::Name},
    },
    rt::{TokioExecutor, TokioTimer},
};
use tower::Service;

use super::{
    FetchFailure, FetchSettings,
    address::Range,
    target::{self, Target},
};
use crate::tls;

/// The most addresses of one name that are looked at.
const MOST_ADDRESSES: usize = 16;
/// The most header lines of an answer.
const MOST_HEADERS: usize = 100;
/// The largest head of an answer.
const LARGEST_HEAD: usize = 64 * 1024;
/// Who asks: the proxy does not tell what it is.
const USER_AGENT: HeaderValue = HeaderValue::from_static("Mozilla/5.0 (compatible; url-fetch)");

/// The way out. Cheap to clone.
pub(super) type HttpClient = Client<HttpsConnector<HttpConnector<Resolver>>, Empty<Bytes>>;

/// Resolves a name to addresses that were all checked.
#[derive(Clone)]
pub(super) struct Resolver {
    settings: Arc<FetchSettings>,
}

/// Why a name was not resolved.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum ResolveError {
    #[error("no address")]
    None,
    #[error("leads to {0}")]
    Refused(Range),
}

/// An answer's head.
pub(super) enum Hop {
    /// The content begins.
    Content(Response<Incoming>),
    /// It is elsewhere.
    Moved(Option<String>),
}

/// A client; connects to nothing yet. No connection is kept: an address is checked for each.
pub(super) fn client(settings: &Arc<FetchSettings>) -> HttpClient {
    let mut connector = HttpConnector::new_with_resolver(Resolver {
        settings: Arc::clone(settings),
    });
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls::client())
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .pool_max_idle_per_host(0)
        .retry_canceled_requests(false)
        .http1_max_headers(MOST_HEADERS)
        .http1_max_buf_size(LARGEST_HEAD)
        .build(connector)
}

/// Asks once, without cookies, credentials or a trace of the caller.
pub(super) async fn hop(client: &HttpClient, target: &Target) -> Result<Hop, FetchFailure> {
    let request = Request::get(target.uri()?)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::ACCEPT, HeaderValue::from_static("*/*"))
        .header(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("identity"),
        )
        .body(Empty::new())
        .map_err(|_| FetchFailure::Malformed)?;
    let response = client
        .request(request)
        .await
        .map_err(|error| failure(&error))?;
    match response.status().as_u16() {
        200 if is_plain(&response) => Ok(Hop::Content(response)),
        200 => Err(FetchFailure::Kind),
        301 | 302 | 303 | 307 | 308 => {
            let location = response.headers().get(header::LOCATION);
            let location = location.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
            Ok(Hop::Moved(location.map(str::to_owned)))
        }
        status => Err(FetchFailure::Status(status)),
    }
}

/// Reads at most `bound` bytes.
pub(super) async fn read(mut body: Incoming, bound: usize) -> Result<Bytes, FetchFailure> {
    let bound_wide = u64::try_from(bound).unwrap_or(u64::MAX);
    if body.size_hint().lower() > bound_wide {
        return Err(FetchFailure::TooLarge);
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| FetchFailure::Broken)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > bound {
            return Err(FetchFailure::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

/// Nothing is unpacked here: what is packed could be of any size.
fn is_plain(response: &Response<Incoming>) -> bool {
    let encoding = response.headers().get(header::CONTENT_ENCODING);
    encoding.is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

fn failure(error: &hyper_util::client::legacy::Error) -> FetchFailure {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<ResolveError>() {
            Some(ResolveError::None) => return FetchFailure::Unresolved,
            Some(ResolveError::Refused(range)) => return FetchFailure::Address(*range),
            None => cause = error.source(),
        }
    }
    if error.is_connect() {
        FetchFailure::Connect
    } else {
        FetchFailure::Broken
    }
}

// === impl Resolver ===

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let settings = Arc::clone(&self.settings);
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found: Vec<SocketAddr> = found
                .map_err(|_| ResolveError::None)?
                .take(MOST_ADDRESSES)
                .collect();
            Ok(checked(found, &settings)?.into_iter())
        })
    }
}

/// All of a name's addresses, or none: a name with one address inside and one outside is an attempt, not a server.
fn checked(
    found: Vec<SocketAddr>,
    settings: &FetchSettings,
) -> Result<Vec<SocketAddr>, ResolveError> {
    if found.is_empty() {
        return Err(ResolveError::None);
    }
    let refused = found
        .iter()
        .find_map(|address| target::refused(address.ip(), settings));
    match refused {
        Some(range) => Err(ResolveError::Refused(range)),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_inside_spoils_the_name() {
        for (addresses, expected) in [
            (&["8.8.8.8"][..], true),
            (&["8.8.8.8", "2606:4700::1111"], true),
            (&["8.8.8.8", "127.0.0.1"], false),
            (&["::ffff:169.254.169.254"], false),
            (&[], false),
        ] {
            let found = addresses
                .iter()
                .map(|address| SocketAddr::new(address.parse().unwrap(), 0))
                .collect();
            let found = checked(found, &FetchSettings::default());
            assert_eq!(found.is_ok(), expected, "{addresses:?}");
        }
    }
}
