//! Where the OpenAI-compatible endpoints are: hosts by surface and region, or another endpoint that an operator names.

use std::str::FromStr;

use http::{Uri, uri};

use crate::settings::Surface;

/// A host and what stands before every path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    scheme: uri::Scheme,
    authority: uri::Authority,
    base: String,
}

/// A string that names no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an endpoint: use http(s)://HOST[:PORT][/PATH]")]
pub(crate) struct NoEndpoint;

/// A partition: how its regions' names begin, and the domains of the two surfaces. Source: the provider's own table of
/// partitions; the second is the domain of its dual-stack hosts, which is that of the newer surface too.
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    ("eusc-", "amazonaws.eu", "api.amazonwebservices.eu"),
    ("us-iso-", "c2s.ic.gov", "api.aws.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov", "api.aws.scloud"),
    ("eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"),
    ("", "amazonaws.com", "api.aws"),
];

/// The service's name in signatures, unless the operator names another.
pub(crate) const fn service(surface: Surface) -> &'static str {
    match surface {
        Surface::Runtime => "bedrock",
        Surface::Mantle => "bedrock-mantle",
    }
}

/// A surface's own host in a region.
fn host(surface: Surface, region: &str) -> String {
    let found = PARTITIONS
        .iter()
        .find(|(start, _, _)| region.starts_with(start));
    let (_, older, newer) = found.copied().unwrap_or(("", "amazonaws.com", "api.aws"));
    match surface {
        Surface::Runtime => format!("bedrock-runtime.{region}.{older}"),
        Surface::Mantle => format!("bedrock-mantle.{region}.{newer}"),
    }
}

// === impl Endpoint ===

impl Endpoint {
    /// A surface's own endpoint in a region.
    pub(crate) fn of(surface: Surface, region: &str) -> Result<Self, NoEndpoint> {
        format!("https://{}", host(surface, region)).parse()
    }

    /// Whether TLS is used.
    #[cfg(test)]
    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == uri::Scheme::HTTPS
    }

    /// The whole target of a path, which is sent as it stands here and signed for the same host.
    pub(crate) fn target(&self, path: &str) -> Result<Uri, http::Error> {
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(format!("{}{path}", self.base))
            .build()
    }
}

impl FromStr for Endpoint {
    type Err = NoEndpoint;

    fn from_str(text: &str) -> Result<Self, NoEndpoint> {
        let parts = text.parse::<Uri>().map_err(|_| NoEndpoint)?.into_parts();
        let scheme = parts.scheme.ok_or(NoEndpoint)?;
        if scheme != uri::Scheme::HTTP && scheme != uri::Scheme::HTTPS {
            return Err(NoEndpoint);
        }
        let authority = parts.authority.ok_or(NoEndpoint)?;
        let path = parts.path_and_query;
        if authority.as_str().contains('@') || path.as_ref().is_some_and(|p| p.query().is_some()) {
            return Err(NoEndpoint);
        }
        let base = path.map_or_else(String::new, |p| p.path().trim_end_matches('/').to_owned());
        Ok(Self {
            scheme,
            authority,
            base,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_surface_has_its_host_in_every_partition() {
        let check = |surface, region: &str, expected: &str| {
            let endpoint = Endpoint::of(surface, region).unwrap();
            assert!(endpoint.is_tls());
            let target = endpoint.target("/openai/v1/responses").unwrap();
            assert_eq!(
                target.to_string(),
                format!("https://{expected}/openai/v1/responses")
            );
        };
        let runtime = Surface::Runtime;
        check(
            runtime,
            "us-east-1",
            "bedrock-runtime.us-east-1.amazonaws.com",
        );
        check(
            runtime,
            "us-gov-west-1",
            "bedrock-runtime.us-gov-west-1.amazonaws.com",
        );
        check(
            runtime,
            "cn-north-1",
            "bedrock-runtime.cn-north-1.amazonaws.com.cn",
        );
        check(
            runtime,
            "eusc-de-east-1",
            "bedrock-runtime.eusc-de-east-1.amazonaws.eu",
        );
        let mantle = Surface::Mantle;
        check(mantle, "eu-west-1", "bedrock-mantle.eu-west-1.api.aws");
        check(
            mantle,
            "cn-north-1",
            "bedrock-mantle.cn-north-1.api.amazonwebservices.com.cn",
        );
    }

    #[test]
    fn another_endpoint_keeps_its_own_path() {
        let check = |endpoint: &str, expected: &str| {
            let endpoint: Endpoint = endpoint.parse().unwrap();
            assert_eq!(endpoint.target("/v1/models").unwrap().to_string(), expected);
        };
        check("http://127.0.0.1:9", "http://127.0.0.1:9/v1/models");
        check(
            "https://a.example/base/",
            "https://a.example/base/v1/models",
        );
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "https://u:p@a.example",
            "https://a.example/?q=1",
        ] {
            assert_eq!(bad.parse::<Endpoint>(), Err(NoEndpoint), "{bad}");
        }
    }
}
