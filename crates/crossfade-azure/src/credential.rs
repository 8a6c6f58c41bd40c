//! Whose credential Azure sees.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// A secret that never shows itself in logs or debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself, for the wire only.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How the proxy authenticates to Azure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// The caller's own key or token goes through untouched.
    Passthrough,
    /// The proxy's own key replaces whatever the caller sent; Azure then accepts the proxy, not the caller.
    Key(Secret),
}

const API_KEY: HeaderName = HeaderName::from_static("api-key");

impl Credential {
    /// Puts the credential on a request's headers.
    pub(crate) fn apply(&self, headers: &mut HeaderMap) {
        match self {
            Self::Passthrough => {}
            Self::Key(secret) => {
                headers.remove(header::AUTHORIZATION);
                headers.remove(API_KEY);
                // A key that is no header value was refused when the settings were read.
                if let Ok(mut value) = HeaderValue::from_str(secret.reveal()) {
                    value.set_sensitive(true);
                    headers.insert(API_KEY, value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_key_replaces_the_callers() {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_static("Bearer caller"));
        headers.insert("api-key", HeaderValue::from_static("caller"));
        let mut untouched = headers.clone();
        Credential::Passthrough.apply(&mut untouched);
        assert_eq!(untouched, headers);
        Credential::Key(Secret::new("own")).apply(&mut headers);
        assert_eq!(headers.get("api-key").unwrap(), "own");
        assert!(!headers.contains_key("authorization"));
    }

    #[test]
    fn secrets_do_not_show() {
        assert!(!format!("{:?}", Credential::Key(Secret::new("hunter2"))).contains("hunter2"));
    }
}
