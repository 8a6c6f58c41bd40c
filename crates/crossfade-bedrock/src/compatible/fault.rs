//! Failures of the OpenAI-compatible endpoints, by the same kinds as those of the SDK's. Two forms of error body occur:
//! the wire's own `{"error": {…}}`, and the provider's `{"message"}` with its name in a header. Neither's words go any
//! further: they may name accounts, models and addresses.

use http::{HeaderMap, Response};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    answer::{Fault, FaultKind},
    sdk::Failure,
};

/// An error's body, in either form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    error: Option<Said>,
    #[serde(alias = "Message")]
    message: Option<String>,
    #[serde(rename = "__type")]
    name: Option<String>,
}

/// What the wire's own form says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    #[serde(deserialize_with = "word")]
    pub(super) code: Option<String>,
    #[serde(rename = "type", deserialize_with = "word")]
    pub(super) kind: Option<String>,
    #[serde(deserialize_with = "word")]
    pub(super) message: Option<String>,
}

fn word<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::String(word) => Some(word),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

/// An answer whose status is not success.
pub(super) fn of_response(response: &Response<bytes::Bytes>) -> Failure {
    let status = response.status().as_u16();
    let retry_after = retry_after(response.headers());
    let name = error_type(response.headers());
    let kind = of_body(name.as_deref(), Some(status), response.body());
    if matches!(kind, FaultKind::Configuration | FaultKind::Refused) {
        let code = name.as_deref().unwrap_or_default();
        tracing::warn!(name: "candidate.refused", code, status, "the provider refused the candidate's call");
    }
    let is_retryable = kind == FaultKind::Throttled && retry_after.is_some();
    Failure {
        fault: Fault { kind, retry_after },
        is_retryable,
    }
}

/// A body that stands where an answer or a stream should, with the success of its status or without.
pub(super) fn of_body(name: Option<&str>, status: Option<u16>, body: &[u8]) -> FaultKind {
    let body: Body = serde_json::from_slice(body).unwrap_or_default();
    let named = name.or(body.name.as_deref());
    match (body.error, named) {
        (Some(said), None) => of_said(&said, status),
        (Some(said), Some(name)) => {
            let message = said.message.as_deref().or(body.message.as_deref());
            FaultKind::of_service(name, status, message.unwrap_or_default())
        }
        (None, name) => {
            let message = body.message.as_deref().unwrap_or_default();
            of_plain(name.unwrap_or_default(), status, message)
        }
    }
}

/// Without a name, a client error's message can still say that the conversation is too long.
fn of_plain(name: &str, status: Option<u16>, message: &str) -> FaultKind {
    match (name, status) {
        ("", Some(400)) => FaultKind::of_service("ValidationException", status, message),
        _ => FaultKind::of_service(name, status, message),
    }
}

/// What the wire's own form says, in a body or in the midst of a stream.
pub(super) fn of_said(said: &Said, status: Option<u16>) -> FaultKind {
    let code = said.code.as_deref().unwrap_or_default();
    let kind = said.kind.as_deref().unwrap_or_default();
    let message = said.message.as_deref().unwrap_or_default();
    match (code, kind) {
        ("context_length_exceeded", _) => FaultKind::TooLong,
        _ if message.contains("maximum context length") => FaultKind::TooLong,
        ("content_filter", _) => FaultKind::PromptBlocked(Map::new()),
        // Our own keys and models: whatever the words, never the caller's fault.
        _ if matches!(status, Some(401 | 403 | 404)) => FaultKind::Configuration,
        ("insufficient_quota", _) | (_, "insufficient_quota") => FaultKind::Capacity,
        ("rate_limit_exceeded" | "too_many_requests" | "429", _)
        | (_, "rate_limit_error" | "too_many_requests" | "rate_limit_exceeded") => {
            FaultKind::Throttled
        }
        ("server_error" | "internal_error" | "500", _)
        | (_, "server_error" | "internal_server_error" | "api_error") => match status {
            Some(503) => FaultKind::Unavailable,
            _ => FaultKind::Internal,
        },
        ("service_unavailable" | "503", _) | (_, "service_unavailable" | "overloaded_error") => {
            FaultKind::Unavailable
        }
        (_, "authentication_error" | "permission_error" | "not_found_error") => {
            FaultKind::Configuration
        }
        // The exceptions' names occur as types too.
        (name, _) | (_, name) if name.ends_with("Exception") => {
            FaultKind::of_service(name, status, message)
        }
        _ if is_invalid(code, kind, status) => {
            FaultKind::of_service("ValidationException", status, message)
        }
        _ => match status {
            Some(status) => FaultKind::of_service("", Some(status), message),
            None => FaultKind::Internal,
        },
    }
}

/// Whether it is the request that is wrong, by any of the words for it.
fn is_invalid(code: &str, kind: &str, status: Option<u16>) -> bool {
    kind == "invalid_request_error" || code == "400" || status == Some(400)
}

/// The name of an error, as the provider's header has it.
pub(super) fn error_type(headers: &HeaderMap) -> Option<String> {
    let name = headers.get("x-amzn-errortype")?.to_str().ok()?;
    let name = name.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Seconds to wait: the header in seconds, or the one in milliseconds, rounded up.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("retry-after").or_else(|| number("retry-after-ms").map(|wait| wait.div_ceil(1000)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table of cases")]
    fn both_forms_of_error_have_their_kind() {
        let check =
            |status: u16, name: Option<&str>, body: serde_json::Value, expected: FaultKind| {
                let mut response = Response::builder().status(status);
                if let Some(name) = name {
                    response = response.header("x-amzn-errortype", name);
                }
                let body = Bytes::from(body.to_string());
                let failure = of_response(&response.body(body.clone()).unwrap());
                assert_eq!(failure.fault.kind, expected, "{status} {name:?} {body:?}");
            };
        let wire = |kind: &str, code: serde_json::Value| json!({"error": {"message": "m", "type": kind, "param": null, "code": code}});
        let none = Value::Null;
        check(
            401,
            None,
            wire("invalid_request_error", json!("invalid_api_key")),
            FaultKind::Configuration,
        );
        check(
            400,
            None,
            wire("invalid_request_error", none.clone()),
            FaultKind::Refused,
        );
        check(
            400,
            None,
            wire("invalid_request_error", json!("context_length_exceeded")),
            FaultKind::TooLong,
        );
        check(
            400,
            None,
            json!({"error": {"message": "Input is too long", "type": "invalid_request_error"}}),
            FaultKind::TooLong,
        );
        check(
            400,
            None,
            wire("invalid_request_error", json!("content_filter")),
            FaultKind::PromptBlocked(Map::new()),
        );
        check(
            401,
            None,
            wire("authentication_error", none.clone()),
            FaultKind::Configuration,
        );
        check(
            404,
            None,
            wire("not_found_error", json!("model_not_found")),
            FaultKind::Configuration,
        );
        check(404, None, wire("", none.clone()), FaultKind::Configuration);
        check(
            429,
            None,
            wire("rate_limit_error", none.clone()),
            FaultKind::Throttled,
        );
        check(429, None, wire("", json!(429)), FaultKind::Throttled);
        check(
            429,
            None,
            wire("insufficient_quota", none.clone()),
            FaultKind::Capacity,
        );
        check(
            500,
            None,
            wire("server_error", none.clone()),
            FaultKind::Internal,
        );
        check(
            503,
            None,
            wire("server_error", none.clone()),
            FaultKind::Unavailable,
        );
        check(408, None, wire("", none.clone()), FaultKind::ModelTimeout);
        check(424, None, wire("", none), FaultKind::Model(None));
        check(
            429,
            Some("ThrottlingException:http://internal/"),
            json!({"message": "m"}),
            FaultKind::Throttled,
        );
        check(
            400,
            Some("ServiceQuotaExceededException"),
            json!({"message": "m"}),
            FaultKind::Capacity,
        );
        check(
            400,
            Some("ns#ValidationException"),
            json!({"message": "too many tokens"}),
            FaultKind::TooLong,
        );
        check(
            400,
            Some("ValidationException"),
            json!({"Message": "model is invalid"}),
            FaultKind::Refused,
        );
        check(
            403,
            Some("AccessDeniedException"),
            json!({"message": "arn:aws:iam::1:user/x"}),
            FaultKind::Configuration,
        );
        check(
            400,
            None,
            json!({"message": "prompt is too long"}),
            FaultKind::TooLong,
        );
        check(
            400,
            None,
            json!({"__type": "ThrottlingException", "message": ""}),
            FaultKind::Throttled,
        );
        check(502, None, json!("<html>"), FaultKind::Internal);
    }

    #[test]
    fn a_wait_is_told_in_seconds() {
        let check = |name: &str, value: &str, expected: Option<u64>| {
            let response = Response::builder().status(429).header(name, value);
            let failure = of_response(&response.body(Bytes::new()).unwrap());
            assert_eq!(failure.fault.retry_after, expected, "{name}: {value}");
            assert_eq!(failure.is_retryable, expected.is_some());
        };
        check("retry-after", "7", Some(7));
        check("retry-after-ms", "1500", Some(2));
        check("retry-after", "soon", None);
        check("x-other", "1", None);
    }
}
