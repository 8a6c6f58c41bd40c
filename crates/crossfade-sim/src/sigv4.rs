//! Verifies AWS Signature Version 4, and Bedrock's bearer keys, as the service's front door does.
//!
//! Written from the published algorithm and vectors; it signs nothing, and shares no code with whatever signed the
//! request. Header signatures only: no presigned queries, no signed streams.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem};

mod authorization;
mod canonical;

pub use authorization::Authorization;
pub(crate) use canonical::decode;
pub use canonical::{PathNormalization, canonical_request};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const ISO_BASIC: &[BorrowedFormatItem<'_>] =
    time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");

/// Credentials that a simulated account knows.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret: String,
    /// The session token, for temporary credentials.
    pub session_token: Option<String>,
    /// From when on temporary credentials are refused.
    pub expires: Option<SystemTime>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// A request as the front door sees it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The path with the query, exactly as on the wire.
    pub target: &'a str,
    /// Header lines in order.
    pub headers: &'a [(String, String)],
    /// The body.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// The first value of a header, by any case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
}

/// Why a caller is turned away.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", self.kind.as_str())]
pub struct Denied {
    /// The error's name on the wire.
    pub kind: DeniedKind,
    /// The message for the body.
    pub message: String,
}

/// The front door's errors; all of them are status 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedKind {
    /// No credentials at all.
    MissingAuthenticationToken,
    /// The header is malformed, or signs too little.
    IncompleteSignature,
    /// The access key or session token is unknown.
    UnrecognizedClient,
    /// The session token is known and too old.
    ExpiredToken,
    /// The signature or its scope is wrong.
    InvalidSignature,
    /// The caller's clock is off.
    RequestTimeTooSkewed,
    /// The bearer key is unknown.
    AccessDenied,
}

// === impl DeniedKind ===

impl DeniedKind {
    /// The value of `x-amzn-errortype`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::RequestTimeTooSkewed => "RequestTimeTooSkewed",
            Self::AccessDenied => "AccessDeniedException",
        }
    }

    fn because(self, message: impl Into<String>) -> Denied {
        Denied {
            kind: self,
            message: message.into(),
        }
    }
}

/// Verifies requests for one service in one region.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// The region that a signature must be scoped to.
    pub region: String,
    /// The service's signing name, `bedrock`.
    pub service: String,
    /// Who may sign.
    pub credentials: Vec<Credentials>,
    /// How far the caller's clock may be off, either way.
    pub clock_skew_allowed: Duration,
    /// How paths become canonical.
    pub paths: PathNormalization,
}

// === impl Verifier ===

impl Verifier {
    /// Checks the signature of a request that came at `now`.
    pub fn verify(&self, request: &Request<'_>, now: SystemTime) -> Result<(), Denied> {
        let header = request.header("authorization").ok_or_else(|| {
            DeniedKind::MissingAuthenticationToken.because("Missing Authentication Token")
        })?;
        let authorization = Authorization::parse(header)?;
        authorization.must_sign("host")?;
        authorization.must_sign("x-amz-date")?;
        let credentials = self.credentials_of(request, &authorization, now)?;
        self.check_scope(request, &authorization)?;
        self.check_clock(request, now)?;
        let payload = payload_hash(request)?;
        let canonical =
            canonical_request(request, &authorization.signed_headers, &payload, self.paths);
        let date_time = request.header("x-amz-date").unwrap_or_default();
        let to_sign = format!(
            "{ALGORITHM}\n{date_time}\n{}\n{}",
            authorization.scope(),
            hex(&Sha256::digest(canonical.as_bytes()))
        );
        let key = signing_key(&credentials.secret, &authorization);
        // `verify_slice` compares in constant time.
        if mac(&key, to_sign.as_bytes())
            .verify_slice(&authorization.signature)
            .is_err()
        {
            return Err(DeniedKind::InvalidSignature.because(
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.",
            ));
        }
        Ok(())
    }

    fn credentials_of(
        &self,
        request: &Request<'_>,
        authorization: &Authorization,
        now: SystemTime,
    ) -> Result<&Credentials, Denied> {
        let token = request.header("x-amz-security-token");
        if token.is_some() {
            authorization.must_sign("x-amz-security-token")?;
        }
        let known = self
            .credentials
            .iter()
            .filter(|c| c.access_key == authorization.access_key)
            .find(|c| c.session_token.as_deref() == token)
            .ok_or_else(|| {
                DeniedKind::UnrecognizedClient
                    .because("The security token included in the request is invalid.")
            })?;
        if known.expires.is_some_and(|expires| now >= expires) {
            return Err(DeniedKind::ExpiredToken
                .because("The security token included in the request is expired"));
        }
        Ok(known)
    }

    fn check_scope(
        &self,
        request: &Request<'_>,
        authorization: &Authorization,
    ) -> Result<(), Denied> {
        let wrong = |message: String| Err(DeniedKind::InvalidSignature.because(message));
        if authorization.service != self.service {
            return wrong(format!(
                "Credential should be scoped to correct service: '{}'.",
                self.service
            ));
        }
        if authorization.region != self.region {
            return wrong("Credential should be scoped to a valid region.".to_owned());
        }
        let day = request
            .header("x-amz-date")
            .and_then(|d| d.get(..8))
            .unwrap_or_default();
        if authorization.date != day {
            return wrong(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{day}'.",
                authorization.date
            ));
        }
        Ok(())
    }

    fn check_clock(&self, request: &Request<'_>, now: SystemTime) -> Result<(), Denied> {
        let text = request.header("x-amz-date").unwrap_or_default();
        let Ok(parsed) = PrimitiveDateTime::parse(text, ISO_BASIC) else {
            return Err(DeniedKind::IncompleteSignature.because(format!(
                "Date must be in ISO-8601 'basic format'. Got '{text}'. See http://en.wikipedia.org/wiki/ISO_8601"
            )));
        };
        let (sent, now) = (parsed.assume_utc(), OffsetDateTime::from(now));
        if (now - sent).unsigned_abs() > self.clock_skew_allowed {
            let now = now.format(ISO_BASIC).unwrap_or_default();
            let minutes = self.clock_skew_allowed.as_secs() / 60;
            let word = if now.as_str() > text {
                "expired"
            } else {
                "not yet current"
            };
            return Err(DeniedKind::RequestTimeTooSkewed.because(format!(
                "Signature {word}: {text} is more than {minutes} min. away from {now}"
            )));
        }
        Ok(())
    }
}

/// The hash that stands in the canonical request: always of the body. A caller that states it must state it right.
fn payload_hash(request: &Request<'_>) -> Result<String, Denied> {
    let actual = hex(&Sha256::digest(request.body));
    match request.header("x-amz-content-sha256") {
        Some(stated) if stated != actual => Err(DeniedKind::InvalidSignature.because(
            "The value of header 'x-amz-content-sha256' does not match what was computed.",
        )),
        Some(_) | None => Ok(actual),
    }
}

fn signing_key(secret: &str, authorization: &Authorization) -> Vec<u8> {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [
        &authorization.date,
        &authorization.region,
        &authorization.service,
        "aws4_request",
    ] {
        key = mac(&key, part.as_bytes()).finalize().into_bytes().to_vec();
    }
    key
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(key: &[u8], message: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    mac.update(message);
    mac
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
            // Writing to a string cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// Checks a bearer key against the known ones.
pub fn verify_bearer(authorization: &str, keys: &[String]) -> Result<(), Denied> {
    let key = authorization
        .strip_prefix("Bearer ")
        .unwrap_or_default()
        .trim();
    // Hashes are compared, so that the time taken tells nothing about a key.
    let digest = Sha256::digest(key.as_bytes());
    if keys
        .iter()
        .any(|known| Sha256::digest(known.as_bytes()) == digest)
    {
        return Ok(());
    }
    Err(DeniedKind::AccessDenied
        .because("Authentication failed: Please make sure your API Key is valid."))
}

#[cfg(test)]
mod tests;
