//! Callers of the house's own: whom a route names by credential, header or token claim. What they may do is decided elsewhere.
//!
//! None of this is a proof of who somebody is. A token's claims are read without checking its signature, and a header is whatever was
//! sent; both name, among callers whose credential Azure has accepted, those whom the route's owner means. A caller who is not admitted
//! is answered by the primary, whatever it calls itself.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const API_KEY: HeaderName = HeaderName::from_static("api-key");
const BEARER: &[u8] = b"bearer ";

/// The callers whom a route names as its house's own. One match of any kind is enough; by default there are none.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct InternalCallers {
    /// SHA-256 of credentials: of the `api-key`, or of the token after `Bearer `.
    pub credentials: Vec<[u8; 32]>,
    /// Headers that must be present with exactly this value.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Claims of the bearer token, by name and value. A claim that is a list matches by any of its members; numbers and truth values
    /// are compared as JSON writes them.
    pub claims: Vec<(String, String)>,
}

/// How many of each kind: values of headers may be as good as secrets.
impl fmt::Debug for InternalCallers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InternalCallers")
            .field("credentials", &self.credentials.len())
            .field("headers", &self.headers.len())
            .field("claims", &self.claims.len())
            .finish()
    }
}

// === impl InternalCallers ===

impl InternalCallers {
    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.credentials.is_empty() && self.headers.is_empty() && self.claims.is_empty()
    }

    /// Whether the caller who sent these headers is named.
    pub fn name(&self, headers: &HeaderMap) -> bool {
        self.by_header(headers) || self.by_credential(headers) || self.by_claim(headers)
    }

    fn by_header(&self, headers: &HeaderMap) -> bool {
        let sent = |(name, value): &(HeaderName, HeaderValue)| {
            headers.get_all(name).iter().any(|sent| sent == value)
        };
        self.headers.iter().any(sent)
    }

    fn by_credential(&self, headers: &HeaderMap) -> bool {
        if self.credentials.is_empty() {
            return false;
        }
        let key = headers.get(API_KEY).map(HeaderValue::as_bytes);
        key.into_iter().chain(token(headers)).any(|credential| {
            let digest: [u8; 32] = Sha256::digest(credential).into();
            self.credentials.contains(&digest)
        })
    }

    fn by_claim(&self, headers: &HeaderMap) -> bool {
        if self.claims.is_empty() {
            return false;
        }
        let Some(said) = token(headers).and_then(claims) else {
            return false;
        };
        let has = |(name, value): &(String, String)| said.get(name).is_some_and(|s| says(s, value));
        self.claims.iter().any(has)
    }
}

/// The token after `Bearer `, in any case.
fn token(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(BEARER.len())?;
    scheme.eq_ignore_ascii_case(BEARER).then_some(token)
}

/// What a JSON Web Token claims (RFC 7519, section 3), unchecked.
fn claims(token: &[u8]) -> Option<Value> {
    let payload = token.split(|byte| *byte == b'.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Whether a claim has a value, or is a list that has it.
fn says(claim: &Value, value: &str) -> bool {
    match claim {
        Value::String(text) => text == value,
        Value::Bool(flag) => value == if *flag { "true" } else { "false" },
        Value::Number(number) => number.to_string() == value,
        Value::Array(members) => members
            .iter()
            .any(|member| !member.is_array() && says(member, value)),
        Value::Null | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callers() -> InternalCallers {
        InternalCallers {
            credentials: vec![Sha256::digest(b"the key").into()],
            headers: vec![(
                HeaderName::from_static("x-team"),
                HeaderValue::from_static("quality"),
            )],
            claims: vec![
                ("roles".into(), "tester".into()),
                ("ver".into(), "2".into()),
                ("internal".into(), "true".into()),
            ],
        }
    }

    fn named(callers: &InternalCallers, name: &str, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
        callers.name(&headers)
    }

    #[test]
    fn callers_are_named_by_credential_and_by_header() {
        let check = |name: &str, value: &str, expected: bool| {
            assert_eq!(named(&callers(), name, value), expected, "{name}: {value}");
            assert!(!named(&InternalCallers::default(), name, value));
        };
        check("api-key", "the key", true);
        check("api-key", "another key", false);
        check("authorization", "Bearer the key", true);
        check("authorization", "bearer the key", true);
        check("authorization", "the key", false);
        check("x-team", "quality", true);
        check("x-team", "Quality", false);
        check("x-team", "quality, others", false);
        check("x-crew", "quality", false);
    }

    #[test]
    fn callers_are_named_by_what_their_token_claims() {
        let check = |payload: &str, expected: bool| {
            let token = format!("Bearer e30.{}.c2ln", URL_SAFE_NO_PAD.encode(payload));
            let got = named(&callers(), "authorization", &token);
            assert_eq!(got, expected, "{payload}");
        };
        check(r#"{"roles":"tester"}"#, true);
        check(r#"{"roles":["reader","tester"]}"#, true);
        check(r#"{"roles":["reader"]}"#, false);
        check(r#"{"roles":[["tester"]]}"#, false);
        check(r#"{"roles":{"tester":true}}"#, false);
        check(r#"{"ver":2}"#, true);
        check(r#"{"ver":"2"}"#, true);
        check(r#"{"internal":true}"#, true);
        check(r#"{"internal":false}"#, false);
        check(r#"["roles","tester"]"#, false);
        check("no json", false);
        for odd in [
            "Bearer ",
            "Bearer a",
            "Bearer a.b",
            "Bearer .!.",
            "Basic a.b.c",
        ] {
            assert!(!named(&callers(), "authorization", odd), "{odd}");
        }
    }

    #[test]
    fn what_is_named_is_not_shown() {
        let shown = format!("{:?}", callers());
        assert_eq!(
            shown,
            "InternalCallers { credentials: 1, headers: 1, claims: 3 }"
        );
    }
}
