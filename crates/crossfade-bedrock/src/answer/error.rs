//! Failures, as the caller would see them: the primary's status and body, and whether the other side should answer.
//!
//! What is our own fault (credentials, permissions, a model id) never shows as the caller's. Nothing of the provider's
//! wording is passed on: it may name accounts, models and addresses.

use crossfade_exchange::Failover;
use crossfade_openai::error::AzureError;
use serde_json::{Map, Value};

use super::AnswerError;

/// The longest wait that is asked of a caller, in seconds: some clients give up at more, others would hang.
const LONGEST_WAIT: u64 = 60;
/// The wait where the provider names none.
const USUAL_WAIT: u64 = 5;

/// What went wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FaultKind {
    /// No connection.
    Connect,
    /// No sign of life in time.
    Silent,
    /// The connection broke.
    Broken,
    /// What came is no answer.
    Garbage,
    /// The conversation is longer than the model takes.
    TooLong,
    /// The provider refused the request's form.
    Refused,
    /// Credentials, permissions, or a model that is not there.
    Configuration,
    /// Too many requests or tokens.
    Throttled,
    /// The model is not ready, or a quota is spent.
    Capacity,
    /// The model took too long.
    ModelTimeout,
    /// The model failed, with its own status if the provider said it.
    Model(Option<u16>),
    /// The provider failed.
    Internal,
    /// The provider is overloaded.
    Unavailable,
    /// A guardrail blocked the prompt: what it found, in the primary's categories.
    PromptBlocked(Map<String, Value>),
}

/// A failure and how long the provider asks to wait.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    /// Seconds.
    pub(crate) retry_after: Option<u64>,
}

/// A failure on the caller's wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) error: AzureError,
    /// `None`: it is an answer.
    pub(crate) failover: Option<Failover>,
}

/// Words by which the provider says that a conversation is too long.
const TOO_LONG: [&str; 6] = [
    "too many tokens",
    "input is too long",
    "prompt is too long",
    "expected maxlength:",
    "too many input tokens",
    "exceed context limit",
];

// === impl FaultKind ===

impl FaultKind {
    /// By the exception's name, the status and the message. A name may come with a namespace before it or an address
    /// after it.
    pub(crate) fn of_service(code: &str, status: Option<u16>, message: &str) -> Self {
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default();
        match code {
            "ValidationException" => {
                let message = message.to_ascii_lowercase();
                let too_long = TOO_LONG.iter().any(|words| message.contains(words));
                if too_long {
                    Self::TooLong
                } else {
                    Self::Refused
                }
            }
            "ThrottlingException" | "TooManyRequestsException" => Self::Throttled,
            "ServiceQuotaExceededException" | "ModelNotReadyException" => Self::Capacity,
            "ModelTimeoutException" => Self::ModelTimeout,
            "ModelErrorException" | "ModelStreamErrorException" => Self::Model(None),
            "InternalServerException" => Self::Internal,
            "ServiceUnavailableException" => Self::Unavailable,
            _ => match status {
                Some(408) => Self::ModelTimeout,
                Some(424) => Self::Model(None),
                Some(429) => Self::Throttled,
                Some(503) => Self::Unavailable,
                Some(500..=599) => Self::Internal,
                // An unknown client error is about the request we made, not about the caller's.
                Some(400..=499) => Self::Configuration,
                _ => Self::Garbage,
            },
        }
    }
}

impl From<AnswerError> for FaultKind {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Missing
            | AnswerError::Malformed
            | AnswerError::UnknownEnd
            | AnswerError::TooLarge => Self::Garbage,
            AnswerError::Unfinished => Self::Broken,
            AnswerError::PromptBlocked(found) => Self::PromptBlocked(found),
            AnswerError::ContextFull => Self::TooLong,
            AnswerError::Failed(kind) => kind,
        }
    }
}

// === impl Fault ===

impl From<FaultKind> for Fault {
    fn from(kind: FaultKind) -> Self {
        Self {
            kind,
            retry_after: None,
        }
    }
}

impl Fault {
    /// The failure as the caller would see it.
    pub(crate) fn problem(self) -> Problem {
        let wait = self
            .retry_after
            .unwrap_or(USUAL_WAIT)
            .clamp(1, LONGEST_WAIT);
        let (error, failover) = match self.kind {
            FaultKind::Connect => (AzureError::unavailable(Some(wait)), Some(Failover::Connect)),
            FaultKind::Silent => (AzureError::unavailable(Some(wait)), Some(Failover::Silent)),
            FaultKind::Broken => (AzureError::server_error(), Some(Failover::Broken)),
            FaultKind::Garbage => (AzureError::server_error(), Some(Failover::Garbage)),
            FaultKind::TooLong => (AzureError::context_length_exceeded(None, None), None),
            FaultKind::Refused => (
                AzureError::invalid_request("The request could not be processed.", None, None),
                Some(Failover::Configuration),
            ),
            FaultKind::Configuration => (AzureError::server_error(), Some(Failover::Configuration)),
            FaultKind::Throttled => (AzureError::rate_limited(wait), Some(Failover::Throttled)),
            FaultKind::Capacity => (AzureError::capacity(wait), Some(Failover::Throttled)),
            FaultKind::ModelTimeout => (AzureError::timeout(), Some(Failover::Server)),
            // Others are about the provider's own call of the model.
            FaultKind::Model(Some(400 | 413 | 422)) => (
                AzureError::invalid_request("The model could not process the request.", None, None),
                Some(Failover::Server),
            ),
            FaultKind::Model(_) | FaultKind::Internal => {
                (AzureError::server_error(), Some(Failover::Server))
            }
            FaultKind::Unavailable => (AzureError::unavailable(Some(wait)), Some(Failover::Server)),
            FaultKind::PromptBlocked(found) => {
                (AzureError::content_filter(&Value::Object(found)), None)
            }
        };
        Problem { error, failover }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exception_has_its_status_and_its_word() {
        use Failover::{Configuration, Garbage, Server, Throttled};
        let check = |code: &str, status: u16, out: u16, failover: Failover| {
            let status = Some(status).filter(|status| *status != 0);
            let message = "model arn:aws:x is invalid";
            let kind = FaultKind::of_service(code, status, message);
            let problem = Fault::from(kind).problem();
            let found = (problem.error.status, problem.failover);
            assert_eq!(found, (out, Some(failover)), "{code} {status:?}");
            let body = String::from_utf8_lossy(&problem.error.body).to_lowercase();
            assert!(!body.contains("bedrock") && !body.contains("arn:"));
        };
        check("ValidationException", 400, 400, Configuration);
        check("AccessDeniedException", 403, 500, Configuration);
        check("UnrecognizedClientException", 403, 500, Configuration);
        check("ExpiredTokenException", 403, 500, Configuration);
        check("ResourceNotFoundException", 404, 500, Configuration);
        check("ThrottlingException", 429, 429, Throttled);
        check("ModelNotReadyException", 429, 429, Throttled);
        check("ServiceQuotaExceededException", 400, 429, Throttled);
        check("ModelTimeoutException", 408, 408, Server);
        check("ModelErrorException", 424, 500, Server);
        check("ModelStreamErrorException", 0, 500, Server);
        check("InternalServerException", 500, 500, Server);
        check("ServiceUnavailableException", 503, 503, Server);
        check("ns#ThrottlingException:http://x/", 0, 429, Throttled);
        check("", 502, 500, Server);
        check("SomethingNew", 418, 500, Configuration);
        check("SomethingNew", 0, 500, Garbage);
    }

    #[test]
    fn words_for_a_prompt_that_is_too_long() {
        for words in TOO_LONG {
            let kind = FaultKind::of_service("ValidationException", Some(400), words);
            assert_eq!(kind, FaultKind::TooLong, "{words}");
            assert_eq!(Fault::from(kind).problem().failover, None);
        }
    }

    #[test]
    fn nobody_is_asked_to_wait_over_a_minute() {
        for (asked, told) in [(None, 5), (Some(0), 1), (Some(12), 12), (Some(900), 60)] {
            let fault = Fault {
                kind: FaultKind::Throttled,
                retry_after: asked,
            };
            assert_eq!(fault.problem().error.retry_after, Some(told));
        }
    }

    #[test]
    fn a_model_s_own_client_error_is_one() {
        assert_eq!(
            Fault::from(FaultKind::Model(Some(400)))
                .problem()
                .error
                .status,
            400
        );
        assert_eq!(
            Fault::from(FaultKind::Model(Some(503)))
                .problem()
                .error
                .status,
            500
        );
    }
}
