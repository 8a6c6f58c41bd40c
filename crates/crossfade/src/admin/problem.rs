//! What the admin API says when it cannot do what was asked: `application/problem+json` with a remedy.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

/// A refusal that a person or a program can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    remedy: String,
    code: Option<&'static str>,
    missing: Vec<String>,
}

/// The wire form, RFC 9457 with three extensions.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    remedy: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    missing: &'a [String],
}

impl Problem {
    /// A problem; `kind` is its fixed name.
    pub fn new(
        status: StatusCode,
        kind: &'static str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            detail: detail.into(),
            remedy: remedy.into(),
            code: None,
            missing: Vec::new(),
        }
    }

    /// With the fixed name of what it was refused for.
    #[must_use]
    pub const fn with_code(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// With everything that is in the way, the first thing included.
    #[must_use]
    pub fn with_missing(mut self, missing: Vec<String>) -> Self {
        self.missing = missing;
        self
    }

    /// What was sent is not understood.
    pub fn malformed(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail, remedy)
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail, remedy)
    }

    /// The caller's role does not reach.
    pub fn forbidden(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail, remedy)
    }

    /// The status code.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The fixed name.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Body {
            kind: format!("urn:crossfade:problem:{}", self.kind),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            remedy: &self.remedy,
            code: self.code,
            missing: &self.missing,
        };
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (self.status, json).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
