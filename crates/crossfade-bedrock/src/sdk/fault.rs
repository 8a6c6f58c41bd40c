//! The SDK's errors as our own faults. Its messages go no further: they may name accounts and addresses.

use std::error::Error;

use aws_sdk_bedrockruntime::{
    error::{ProvideErrorMetadata, SdkError},
    types::error::ConverseStreamOutputError,
};
use aws_smithy_runtime_api::http::Response;
use serde_json::Value;

use crate::answer::{Fault, FaultKind};

/// A failed call, and whether asking again could help.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    /// Nothing was received, and the request may be sent once more.
    pub(crate) is_retryable: bool,
}

// === impl Failure ===

impl Failure {
    /// What came is no answer.
    pub(crate) fn garbage() -> Self {
        FaultKind::Garbage.into()
    }
}

impl From<FaultKind> for Failure {
    fn from(kind: FaultKind) -> Self {
        Self {
            fault: kind.into(),
            is_retryable: false,
        }
    }
}

/// A call that gave no answer.
pub(super) fn of_call<E>(error: SdkError<E, Response>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        SdkError::ConstructionFailure(_) => FaultKind::Configuration.into(),
        SdkError::TimeoutError(_) => Failure {
            fault: FaultKind::Connect.into(),
            is_retryable: true,
        },
        SdkError::DispatchFailure(failure) => {
            let source = failure
                .as_connector_error()
                .map(|error| error as &(dyn Error + 'static));
            if source.is_some_and(is_connect) {
                Failure {
                    fault: FaultKind::Connect.into(),
                    is_retryable: true,
                }
            } else if failure.is_timeout() {
                // Only connecting has a limit there; reading is timed by the service.
                Failure {
                    fault: FaultKind::Connect.into(),
                    is_retryable: true,
                }
            } else if failure.is_io() {
                FaultKind::Broken.into()
            } else {
                // No credentials, or a request that could not be made.
                log_configuration("", None);
                FaultKind::Configuration.into()
            }
        }
        SdkError::ResponseError(failure) => {
            // An error that is not in the provider's form: a gateway's page, a proxy's.
            let status = failure.raw().status().as_u16();
            match status {
                200..=299 => FaultKind::Garbage.into(),
                _ => FaultKind::of_service("", Some(status), "").into(),
            }
        }
        SdkError::ServiceError(failure) => {
            let status = failure.raw().status().as_u16();
            let retry_after = failure
                .raw()
                .headers()
                .get("retry-after")
                .and_then(|wait| wait.parse().ok());
            let kind = match kind_of(failure.err(), Some(status)) {
                FaultKind::Model(None) => FaultKind::Model(original_status(failure.raw())),
                kind => kind,
            };
            let is_retryable = kind == FaultKind::Throttled && retry_after.is_some();
            let fault = Fault { kind, retry_after };
            Failure {
                fault,
                is_retryable,
            }
        }
        _ => Failure::garbage(),
    }
}

/// A stream that failed. Its errors carry no code: the variant is all there is.
pub(super) fn of_event<R>(error: SdkError<ConverseStreamOutputError, R>) -> Failure {
    use ConverseStreamOutputError as Event;
    match error {
        SdkError::ServiceError(failure) => match failure.err() {
            Event::ModelStreamErrorException(error) => {
                let original = error.original_status_code;
                FaultKind::Model(original.and_then(|status| u16::try_from(status).ok())).into()
            }
            Event::ValidationException(error) => {
                let message = error.message.as_deref().unwrap_or_default();
                FaultKind::of_service("ValidationException", None, message).into()
            }
            Event::ThrottlingException(_) => FaultKind::Throttled.into(),
            Event::ServiceUnavailableException(_) => FaultKind::Unavailable.into(),
            Event::InternalServerException(_) => FaultKind::Internal.into(),
            error => kind_of(error, None).into(),
        },
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => FaultKind::Broken.into(),
        _ => Failure::garbage(),
    }
}

fn kind_of(error: &impl ProvideErrorMetadata, status: Option<u16>) -> FaultKind {
    let code = error.meta().code().unwrap_or_default();
    let message = error.meta().message().unwrap_or_default();
    let kind = FaultKind::of_service(code, status, message);
    if matches!(kind, FaultKind::Configuration | FaultKind::Refused) {
        log_configuration(code, status);
    }
    kind
}

/// The model's own status, which the error's body states.
fn original_status(response: &Response) -> Option<u16> {
    let body: Value = serde_json::from_slice(response.body().bytes()?).ok()?;
    u16::try_from(body.get("originalStatusCode")?.as_u64()?).ok()
}

/// An operator can mend these, and nobody else would learn of them.
fn log_configuration(code: &str, status: Option<u16>) {
    tracing::warn!(name: "candidate.refused", code, status, "the provider refused the candidate's call");
}

/// Whether the connection was never made.
fn is_connect(error: &(dyn Error + 'static)) -> bool {
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return error.is_connect();
        }
        at = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use aws_sdk_bedrockruntime::types::error::{
        InternalServerException, ModelStreamErrorException, ServiceUnavailableException,
        ThrottlingException, ValidationException,
    };

    use super::*;

    #[test]
    fn exceptions_within_a_stream_keep_their_kind_bug_28() {
        use ConverseStreamOutputError as Event;
        let check = |error: Event, expected: FaultKind| {
            let failure = of_event(SdkError::service_error(error, ()));
            assert_eq!(
                (failure.fault.kind, failure.is_retryable),
                (expected, false)
            );
        };
        let throttling = ThrottlingException::builder().build();
        check(Event::ThrottlingException(throttling), FaultKind::Throttled);
        let unavailable = ServiceUnavailableException::builder().build();
        check(
            Event::ServiceUnavailableException(unavailable),
            FaultKind::Unavailable,
        );
        let internal = InternalServerException::builder().build();
        check(
            Event::InternalServerException(internal),
            FaultKind::Internal,
        );
        let model = ModelStreamErrorException::builder()
            .original_status_code(503)
            .build();
        check(
            Event::ModelStreamErrorException(model),
            FaultKind::Model(Some(503)),
        );
        let validation = |message| ValidationException::builder().message(message).build();
        check(
            Event::ValidationException(validation("Input is too long")),
            FaultKind::TooLong,
        );
        check(
            Event::ValidationException(validation("bad")),
            FaultKind::Refused,
        );
        let broken = SdkError::<Event, ()>::timeout_error("no bytes");
        assert_eq!(of_event(broken).fault.kind, FaultKind::Broken);
    }
}
