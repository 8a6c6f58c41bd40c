//! Every error that Azure answers with: status, reason phrase, header lines and body.

use serde_json::{Value, json};

use super::AzureOptions;
use crate::openai::Wrong;

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A key that is not accepted, or none.
    Unauthorized,
    /// The resource's firewall.
    Forbidden,
    /// No such path, or a dated path without a version.
    NotFound,
    /// No such deployment.
    DeploymentNotFound,
    /// A body or a field that is wrong.
    Invalid(Wrong),
    /// The content filter blocked the prompt.
    PromptFiltered,
    /// More prompt tokens than the model takes.
    TooLong { limit: u64, tokens: u64 },
    /// The service gave up waiting.
    Timeout,
    /// Over the quota.
    RateLimited { retry_after: Option<u64> },
    /// The model's server failed.
    Server,
    /// Out of capacity.
    Unavailable { retry_after: Option<u64> },
    /// Any other status.
    Other(u16),
}

impl From<Wrong> for Refusal {
    fn from(wrong: Wrong) -> Self {
        Self::Invalid(wrong)
    }
}

impl Refusal {
    /// A wrong body or field without a code of its own.
    pub(super) fn invalid(message: impl Into<String>, param: Option<&str>) -> Self {
        let wrong = Wrong::new(message);
        Self::Invalid(match param {
            Some(name) => wrong.param(name),
            None => wrong,
        })
    }

    /// The service's own error for a status.
    pub(super) fn of_status(status: u16, retry_after: Option<u64>) -> Self {
        match status {
            400 => Self::invalid("The request could not be processed.", None),
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::DeploymentNotFound,
            408 => Self::Timeout,
            429 => Self::RateLimited { retry_after },
            500 => Self::Server,
            503 => Self::Unavailable { retry_after },
            other => Self::Other(other),
        }
    }

    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::NotFound | Self::DeploymentNotFound => 404,
            Self::Invalid(wrong) => wrong.status,
            Self::PromptFiltered | Self::TooLong { .. } => 400,
            Self::Timeout => 408,
            Self::RateLimited { .. } => 429,
            Self::Server => 500,
            Self::Unavailable { .. } => 503,
            Self::Other(status) => *status,
        }
    }

    /// The gateway refuses keys with a reason phrase of its own.
    pub(super) fn reason(&self) -> Option<&'static str> {
        (*self == Self::Unauthorized).then_some("PermissionDenied")
    }

    pub(super) fn headers(&self, options: &AzureOptions) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        match self {
            Self::Forbidden => {
                headers.push(("policy-id", "ThrowExceptionDueToTrafficDenied".to_owned()));
            }
            Self::RateLimited { retry_after } => {
                headers.extend(retry_after.map(|s| ("retry-after", s.to_string())));
                let limit = options.tokens_per_minute.to_string();
                headers.push(("x-ratelimit-limit-tokens", limit));
                headers.push(("x-ratelimit-remaining-tokens", "0".to_owned()));
                let seconds = retry_after.unwrap_or(1).to_string();
                headers.push(("x-ratelimit-reset-tokens", seconds));
            }
            Self::Unavailable { retry_after } => {
                headers.extend(retry_after.map(|s| ("retry-after", s.to_string())));
            }
            _ => {}
        }
        headers
    }

    pub(super) fn body(&self) -> String {
        let gateway = |code: &str, message: &str| json!({"code": code, "message": message});
        let front = |message: &str, kind: &str| json!({"message": message, "type": kind, "param": null, "code": null});
        let error = match self {
            Self::Unauthorized => gateway(
                "401",
                "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid \
                 key for an active subscription and use a correct regional API endpoint for your resource.",
            ),
            Self::Forbidden => gateway(
                "403",
                "Access denied due to Virtual Network/Firewall rules.",
            ),
            Self::NotFound => gateway("404", "Resource not found"),
            Self::DeploymentNotFound => return deployment_not_found(),
            Self::Invalid(wrong) => wrong.error(),
            Self::PromptFiltered => prompt_filtered(),
            Self::TooLong { limit, tokens } => json!({
                "message": format!(
                    "This model's maximum context length is {limit} tokens. However, your messages resulted in \
                     {tokens} tokens. Please reduce the length of the messages."
                ),
                "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded",
            }),
            Self::Timeout => gateway("Timeout", "The operation was timeout."),
            Self::RateLimited { retry_after } => gateway("429", &rate_limited(*retry_after)),
            Self::Server => front(
                "The server had an error while processing your request. Sorry about that!",
                "server_error",
            ),
            Self::Unavailable { .. } => gateway(
                "ServiceUnavailable",
                "The service is temporarily unable to process your request. Please try again later.",
            ),
            Self::Other(status) => {
                gateway(&status.to_string(), "The request could not be completed.")
            }
        };
        json!({ "error": error }).to_string()
    }
}

fn rate_limited(retry_after: Option<u64>) -> String {
    let seconds = retry_after.unwrap_or(1);
    format!(
        "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded token rate limit of \
         your current OpenAI S0 pricing tier. Please retry after {seconds} seconds."
    )
}

/// The one body that is pretty-printed.
fn deployment_not_found() -> String {
    let body = json!({"error": {
        "type": "invalid_request_error",
        "code": "DeploymentNotFound",
        "message": "The API deployment for this resource does not exist. If you created the deployment within the \
                    last 5 minutes, please wait a moment and try again.",
    }});
    format!("{body:#}\n")
}

fn prompt_filtered() -> Value {
    let safe = json!({"filtered": false, "severity": "safe"});
    json!({
        "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. \
                    Please modify your prompt and retry. To learn more about our content filtering policies please \
                    read our documentation: https://go.microsoft.com/fwlink/?linkid=2198766",
        "type": null, "param": "prompt", "code": "content_filter", "status": 400,
        "innererror": {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {
                "hate": safe, "jailbreak": {"detected": false, "filtered": false}, "self_harm": safe, "sexual": safe,
                "violence": {"filtered": true, "severity": "high"},
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_body_with_an_error() {
        for status in [400, 401, 403, 404, 408, 418, 429, 500, 502, 503] {
            let refusal = Refusal::of_status(status, Some(7));
            assert_eq!(refusal.status(), status);
            let body: Value = serde_json::from_str(&refusal.body()).unwrap();
            assert!(body["error"]["message"].is_string(), "{body}");
            let waits = refusal
                .headers(&AzureOptions::default())
                .contains(&("retry-after", "7".into()));
            assert_eq!(waits, status == 429 || status == 503, "{status}");
        }
    }
}
