//! Where Azure is and how long to wait for it.

use std::{str::FromStr, time::Duration};

use http::{Uri, uri};
use rustls::RootCertStore;

use crate::Credential;

/// An endpoint: scheme, authority and a path prefix that goes before every request's own path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    scheme: uri::Scheme,
    authority: uri::Authority,
    prefix: String,
}

/// A string that names no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no endpoint: use https://NAME.openai.azure.com")]
pub struct EndpointError(String);

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let bad = || EndpointError(text.to_owned());
        let parts = text.parse::<Uri>().map_err(|_| bad())?.into_parts();
        let scheme = parts.scheme.ok_or_else(bad)?;
        if scheme != uri::Scheme::HTTP && scheme != uri::Scheme::HTTPS {
            return Err(bad());
        }
        let authority = parts.authority.ok_or_else(bad)?;
        let path = parts.path_and_query;
        if path.as_ref().is_some_and(|p| p.query().is_some()) {
            return Err(bad());
        }
        let prefix = path.map_or_else(String::new, |p| p.path().trim_end_matches('/').to_owned());
        Ok(Self {
            scheme,
            authority,
            prefix,
        })
    }
}

impl Endpoint {
    /// Whether TLS is used.
    pub fn is_tls(&self) -> bool {
        self.scheme == uri::Scheme::HTTPS
    }

    /// The whole target for a request's own path and query, both kept as they came.
    pub(crate) fn target(&self, own: Option<&uri::PathAndQuery>) -> Result<Uri, http::Error> {
        let own = own.map_or("/", uri::PathAndQuery::as_str);
        let builder = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone());
        if self.prefix.is_empty() {
            builder.path_and_query(own).build()
        } else {
            builder
                .path_and_query(format!("{}{own}", self.prefix))
                .build()
        }
    }
}

/// Settings of the primary.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The Azure OpenAI endpoint.
    pub endpoint: Endpoint,
    /// Whose credential Azure sees.
    pub credential: Credential,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the head of an answer. Models may think for many minutes before they answer a request that is not streamed.
    pub response_timeout: Duration,
    /// How long an unused connection is kept.
    pub pool_idle: Duration,
    /// Roots that TLS trusts; `None` means the system's.
    pub roots: Option<RootCertStore>,
}

impl Settings {
    /// Settings with the defaults for an endpoint.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            credential: Credential::Passthrough,
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(1800),
            pool_idle: Duration::from_secs(60),
            roots: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(endpoint: &str, own: &str, target: &str) {
        let endpoint: Endpoint = endpoint.parse().unwrap();
        let own = own.parse().unwrap();
        assert_eq!(endpoint.target(Some(&own)).unwrap().to_string(), target);
    }

    #[test]
    fn own_paths_are_kept_as_they_came() {
        check(
            "https://a.example",
            "//openai/x?api-version=1",
            "https://a.example//openai/x?api-version=1",
        );
        check(
            "http://127.0.0.1:9",
            "/a%2Fb/?q=%20",
            "http://127.0.0.1:9/a%2Fb/?q=%20",
        );
        check(
            "https://a.example/base/",
            "/openai",
            "https://a.example/base/openai",
        );
    }

    #[test]
    fn endpoints_that_are_none() {
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "https://",
            "https://a.example/?q=1",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }
}
