//! Azure's error bodies: every one that is made, and reading any.
//!
//! Azure has two dialects. Its gateway says `{"error":{"code","message"}}`; the models' front end also says
//! `type` and `param`. Both have a top-level `error` object, which is what clients look for. Messages say nothing of
//! what stands behind the wire.

#[cfg(test)]
mod tests;

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{sse, written};

/// An error answer: status, body and how long to wait.
#[derive(Clone, PartialEq, Eq)]
pub struct AzureError {
    /// The HTTP status.
    pub status: u16,
    /// `retry-after`, in seconds.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Bytes,
}

/// What an error body says, whichever dialect it is in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ErrorDetail {
    /// For people.
    #[serde(default)]
    pub message: Option<String>,
    /// The front end's class of error.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// The parameter at fault.
    #[serde(default)]
    pub param: Option<String>,
    /// For programs; a number is given as its digits.
    #[serde(default, deserialize_with = "word_or_number")]
    pub code: Option<String>,
    /// The HTTP status, where the body repeats it.
    #[serde(default)]
    pub status: Option<u16>,
    /// More, in content filter errors.
    #[serde(default, alias = "inner_error")]
    pub innererror: Option<Value>,
}

/// The front end's dialect.
#[derive(Serialize)]
struct FrontEnd<'a> {
    message: &'a str,
    r#type: Option<&'a str>,
    param: Option<&'a str>,
    code: Option<&'a str>,
}

/// The gateway's dialect.
#[derive(Serialize)]
struct Gateway<'a> {
    code: &'a str,
    message: &'a str,
}

/// The front end's refusal of a prompt.
#[derive(Serialize)]
struct Filtered<'a> {
    #[serde(flatten)]
    error: FrontEnd<'a>,
    status: u16,
    innererror: FilteredInner<'a>,
}

#[derive(Serialize)]
struct FilteredInner<'a> {
    code: &'a str,
    content_filter_result: &'a Value,
}

/// The newer form of a missing deployment.
#[derive(Serialize)]
struct MissingDeployment<'a> {
    r#type: &'a str,
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    error: T,
}

const INVALID_REQUEST: &str = "invalid_request_error";

/// Reads an error body of either dialect. `None` if there is no `error` object in it.
pub fn parse(body: &[u8]) -> Option<ErrorDetail> {
    serde_json::from_slice::<Envelope<ErrorDetail>>(body)
        .ok()
        .map(|envelope| envelope.error)
}

fn word_or_number<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::String(word) => Some(word),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

// === impl AzureError ===

/// The status and the size only: messages may repeat a part of a request.
impl fmt::Debug for AzureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureError")
            .field("status", &self.status)
            .field("retry_after", &self.retry_after)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl AzureError {
    /// 400: the filter refused the prompt. `content_filter_result` has an object per category, each with `filtered` and
    /// `severity` (`safe`, `low`, `medium`, `high`) or `detected`; some clients fail on anything else.
    pub fn content_filter(content_filter_result: &Value) -> Self {
        Self::new(
            400,
            &Filtered {
                error: FrontEnd {
                    message: "The response was filtered due to the prompt triggering Azure \
                              OpenAI's content management policy. Please modify your prompt and \
                              retry. To learn more about our content filtering policies please \
                              read our documentation: https://go.microsoft.com/fwlink/?linkid=\
                              2198766",
                    r#type: None,
                    param: Some("prompt"),
                    code: Some("content_filter"),
                },
                status: 400,
                innererror: FilteredInner {
                    code: "ResponsibleAIPolicyViolation",
                    content_filter_result,
                },
            },
        )
    }

    /// 400: the conversation is longer than the model takes, by these numbers of tokens where they are known.
    pub fn context_length_exceeded(limit: Option<u64>, used: Option<u64>) -> Self {
        let limit = match limit {
            Some(limit) => format!("This model's maximum context length is {limit} tokens."),
            None => "This model's maximum context length was exceeded.".to_owned(),
        };
        let used = match used {
            Some(used) => format!(" However, your messages resulted in {used} tokens."),
            None => String::new(),
        };
        let message = format!("{limit}{used} Please reduce the length of the messages.");
        Self::invalid_request(&message, Some("messages"), Some("context_length_exceeded"))
    }

    /// 400: something in the request is wrong.
    pub fn invalid_request(message: &str, param: Option<&str>, code: Option<&str>) -> Self {
        Self::front_end(400, message, Some(INVALID_REQUEST), param, code)
    }

    /// 400: these arguments are not known.
    pub fn unrecognized_arguments(names: &[&str]) -> Self {
        let message = format!(
            "Unrecognized request argument(s) supplied: {}",
            names.join(", ")
        );
        Self::invalid_request(&message, None, None)
    }

    /// 400: the model does not do this operation, such as `chatCompletion`.
    pub fn operation_not_supported(operation: &str, model: &str) -> Self {
        let message = format!(
            "The {operation} operation does not work with the specified model, {model}. Please \
             choose different model and try again. You can learn more about which models can be \
             used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993."
        );
        Self::gateway(400, "OperationNotSupported", &message)
    }

    /// 401: the key is not one of this resource.
    pub fn unauthorized() -> Self {
        Self::gateway(
            401,
            "401",
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to \
             provide a valid key for an active subscription and use a correct regional API \
             endpoint for your resource.",
        )
    }

    /// 403: the network may not.
    pub fn forbidden() -> Self {
        Self::gateway(
            403,
            "403",
            "Access denied due to Virtual Network/Firewall rules.",
        )
    }

    /// 404: there is no such deployment. The one body that Azure prints over several lines.
    pub fn deployment_not_found() -> Self {
        let body = Envelope {
            error: MissingDeployment {
                r#type: INVALID_REQUEST,
                code: "DeploymentNotFound",
                message: "The API deployment for this resource does not exist. If you created the \
                          deployment within the last 5 minutes, please wait a moment and try \
                          again.",
            },
        };
        Self::with_body(404, written::pretty(&body))
    }

    /// 404: there is no such path, or the `api-version` is missing or not known.
    pub fn resource_not_found() -> Self {
        Self::gateway(404, "404", "Resource not found")
    }

    /// 408: it took too long.
    pub fn timeout() -> Self {
        Self::gateway(408, "Timeout", "The operation was timeout.")
    }

    /// 413: the body is larger than `limit` bytes.
    pub fn too_large(limit: u64) -> Self {
        let message = format!("Request body is too large. The maximum is {limit} bytes.");
        Self::front_end(413, &message, Some(INVALID_REQUEST), None, None)
    }

    /// 415: the body is of a kind that is not taken.
    pub fn unsupported_media_type() -> Self {
        Self::front_end(
            415,
            "Unsupported Media Type",
            Some(INVALID_REQUEST),
            None,
            None,
        )
    }

    /// 429: the deployment's quota is spent; try again after this many seconds.
    pub fn rate_limited(retry_after: u64) -> Self {
        let message = format!(
            "Your requests have exceeded the token rate limit of your current pricing tier. Please \
             retry after {retry_after} seconds."
        );
        Self::gateway(429, "429", &message).retry_after(retry_after)
    }

    /// 429: the service itself is full; try again after this many seconds.
    pub fn capacity(retry_after: u64) -> Self {
        let message = format!(
            "The system is currently experiencing high demand and cannot process your request. \
             Your request exceeds the maximum usage size allowed during peak load. Please retry \
             after {retry_after} seconds."
        );
        Self::gateway(429, "429", &message).retry_after(retry_after)
    }

    /// 500: the server failed.
    pub fn server_error() -> Self {
        Self::front_end(500, Self::SERVER_ERROR, Some("server_error"), None, None)
    }

    /// 503: the server cannot answer now; try again after this many seconds, if it is known.
    pub fn unavailable(retry_after: Option<u64>) -> Self {
        let error = Self::gateway(
            503,
            "ServiceUnavailable",
            "The service is temporarily unable to process your request. Please try again later.",
        );
        Self {
            retry_after,
            ..error
        }
    }

    const SERVER_ERROR: &'static str =
        "The server had an error while processing your request. Sorry about that!";

    /// Any error in the front end's dialect.
    pub fn front_end(
        status: u16,
        message: &str,
        kind: Option<&str>,
        param: Option<&str>,
        code: Option<&str>,
    ) -> Self {
        Self::new(
            status,
            &FrontEnd {
                message,
                r#type: kind,
                param,
                code,
            },
        )
    }

    /// Any error in the gateway's dialect.
    pub fn gateway(status: u16, code: &str, message: &str) -> Self {
        Self::new(status, &Gateway { code, message })
    }

    /// Status, headers and body of the answer.
    pub fn into_parts(self) -> (u16, Vec<(&'static str, String)>, Bytes) {
        let mut headers = vec![("content-type", "application/json".to_owned())];
        headers.extend(
            self.retry_after
                .map(|seconds| ("retry-after", seconds.to_string())),
        );
        (self.status, headers, self.body)
    }

    /// The error as an event in a stream that has begun: clients raise it. Nothing may follow, not even the end mark.
    pub fn to_event(&self) -> Bytes {
        // The pretty form has line breaks; a stream's events are one line each.
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(value) => sse::encode_line(&written::compact(&value)),
            Err(_) => sse::encode_line(&Self::server_error().body),
        }
    }

    fn new<T: Serialize>(status: u16, error: &T) -> Self {
        Self::with_body(status, written::compact(&Envelope { error }))
    }

    fn with_body(status: u16, body: Vec<u8>) -> Self {
        Self {
            status,
            retry_after: None,
            body: body.into(),
        }
    }

    fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }
}
