//! Signature Version 4 over our own requests: `aws-sigv4` makes the signature; what is signed is exactly what is sent.
//!
//! The payload's hash is part of every signature and not sent as a header, as the provider asks for its model
//! endpoints; paths are encoded once more than they stand on the wire. The crate would trace a request's body, so
//! it is given the body's hash alone.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_runtime_api::client::identity::Identity;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header::HOST};
use sha2::{Digest, Sha256};

/// For whom and when a signature holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) time: SystemTime,
}

/// A request that cannot be signed: a header or a path that is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request cannot be signed")]
pub(crate) struct Unsignable;

/// Signs a request in place: `host`, `x-amz-date`, the token of temporary keys, and every header that is there already.
pub(crate) fn sign_request(
    request: &mut Request<Bytes>,
    keys: &Credentials,
    scope: Scope<'_>,
) -> Result<(), Unsignable> {
    let authority = request.uri().authority().ok_or(Unsignable)?.as_str();
    let host = HeaderValue::from_str(authority).map_err(|_| Unsignable)?;
    request.headers_mut().insert(HOST, host);
    let identity: Identity = keys.clone().into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(scope.time)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| Unsignable)?
        .into();
    let uri = request.uri().to_string();
    let mut headers = Vec::with_capacity(request.headers().len());
    for (name, value) in request.headers() {
        headers.push((name.as_str(), value.to_str().map_err(|_| Unsignable)?));
    }
    let body = SignableBody::Precomputed(hex(&Sha256::digest(request.body())));
    let signable = SignableRequest::new(request.method().as_str(), uri, headers.into_iter(), body)
        .map_err(|_| Unsignable)?;
    let (instructions, _) = sign(signable, &parameters)
        .map_err(|_| Unsignable)?
        .into_parts();
    let (signed, _) = instructions.into_parts();
    for header in signed {
        let name = HeaderName::from_static(header.name());
        let mut value = HeaderValue::from_str(header.value()).map_err(|_| Unsignable)?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}

#[cfg(test)]
mod tests;
