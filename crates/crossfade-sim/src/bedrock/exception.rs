//! The service's exceptions: by name, status and body, before an answer.

use std::{io, time::SystemTime};

use serde_json::json;
use time::{OffsetDateTime, format_description::BorrowedFormatItem};

use super::{Clock, json::object};
use crate::{
    script::Fault,
    server::{Head, Reply},
    sigv4::Denied,
};

const IMF_FIXDATE: &[BorrowedFormatItem<'_>] = time::macros::format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// The modelled exceptions with their status and a message such as the service gives.
const MODELLED: &[(&str, u16, &str)] = &[
    (
        "AccessDeniedException",
        403,
        "You don't have access to the model with the specified model ID.",
    ),
    (
        "ValidationException",
        400,
        "The provided request is not valid.",
    ),
    (
        "ServiceQuotaExceededException",
        400,
        "Your request exceeds the service quota for your account.",
    ),
    (
        "ConflictException",
        400,
        "Error occurred because of a conflict while performing an operation.",
    ),
    (
        "ResourceNotFoundException",
        404,
        "Could not resolve the foundation model from the provided model identifier.",
    ),
    (
        "ModelTimeoutException",
        408,
        "Model has timed out in processing the request. Try your request again.",
    ),
    (
        "ModelErrorException",
        424,
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    (
        "ModelStreamErrorException",
        424,
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    (
        "ThrottlingException",
        429,
        "Too many requests, please wait before trying again.",
    ),
    (
        "ModelNotReadyException",
        429,
        "Model is not ready for inference.",
    ),
    (
        "InternalServerException",
        500,
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    (
        "ServiceUnavailableException",
        503,
        "Bedrock is unable to process your request.",
    ),
];

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    name: String,
    status: u16,
    message: String,
    namespace: &'static str,
    retry_after: Option<u64>,
}

// === impl Exception ===

impl Exception {
    /// The request is not acceptable.
    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::named("ValidationException")
        }
    }

    /// The caller is turned away at the front door.
    pub(super) fn denied(denied: &Denied) -> Self {
        Self {
            name: denied.kind.as_str().to_owned(),
            status: 403,
            message: denied.message.clone(),
            namespace: "com.amazon.coral.service",
            retry_after: None,
        }
    }

    /// No operation has this path and method.
    pub(super) fn unknown_operation() -> Self {
        Self {
            name: "UnknownOperationException".to_owned(),
            status: 404,
            message: "No operation has this path and method.".to_owned(),
            namespace: "com.amazon.coral.service",
            retry_after: None,
        }
    }

    /// A modelled exception; a name outside the model is an internal error of that name.
    fn named(name: &str) -> Self {
        let known = MODELLED.iter().find(|(known, _, _)| *known == name);
        let (_, status, message) = known.copied().unwrap_or((name, 500, "Internal failure"));
        Self {
            name: name.to_owned(),
            status,
            message: message.to_owned(),
            namespace: "com.amazon.bedrock",
            retry_after: None,
        }
    }

    /// What a scripted fault shows instead of an answer; `None` if it lets the request through.
    pub(super) fn of_fault(fault: &Fault) -> Option<Self> {
        match fault {
            Fault::Exception { name } => Some(Self::named(name)),
            Fault::Status {
                status,
                retry_after,
            } => {
                let of_status = match status {
                    408 => "ModelTimeoutException",
                    424 => "ModelErrorException",
                    429 => "ThrottlingException",
                    _ => MODELLED
                        .iter()
                        .find(|(_, known, _)| known == status)
                        .map_or("InternalServerException", |(name, _, _)| *name),
                };
                Some(Self {
                    status: *status,
                    retry_after: *retry_after,
                    ..Self::named(of_status)
                })
            }
            Fault::None
            | Fault::Hang
            | Fault::NoRead
            | Fault::Reset
            | Fault::SlowDrip { .. }
            | Fault::ExceptionInStream { .. }
            | Fault::NoEvents
            | Fault::UnknownEvents
            | Fault::UnknownFinish { .. }
            | Fault::Garbage
            | Fault::Truncate { .. }
            | Fault::EndEarly { .. }
            | Fault::Linger
            | Fault::Stall { .. }
            | Fault::Huge { .. } => None,
        }
    }

    /// Status and message, and the seconds to wait if it says so.
    pub(super) fn parts(&self) -> (u16, &str, Option<u64>) {
        (self.status, &self.message, self.retry_after)
    }

    pub(super) async fn write(&self, clock: &Clock, reply: &mut Reply) -> io::Result<()> {
        let kind = format!(
            "{}:http://internal.amazon.com/coral/{}/",
            self.name, self.namespace
        );
        let mut head =
            head(self.status, clock, "application/json").header("x-amzn-ErrorType", kind);
        if let Some(seconds) = self.retry_after {
            head = head.header("Retry-After", seconds.to_string());
        }
        let broken = self.name == "ModelStreamErrorException";
        let failed = broken || self.name == "ModelErrorException";
        let body = object([
            ("message", Some(json!(self.message))),
            ("originalStatusCode", failed.then(|| json!(500))),
            ("originalMessage", broken.then(|| json!("model error"))),
            ("resourceName", (failed && !broken).then(|| json!("model"))),
        ]);
        reply.whole(head, body.to_string().as_bytes()).await
    }
}

/// The message of an exception by its name in a stream (`throttlingException`); `None` if the model has none such.
pub(super) fn message_in_stream(member: &str) -> Option<&'static str> {
    let same = |name: &str| {
        name.eq_ignore_ascii_case(member) && member.starts_with(|c: char| c.is_ascii_lowercase())
    };
    MODELLED
        .iter()
        .find(|(name, _, _)| same(name))
        .map(|(_, _, message)| *message)
}

/// The head that every answer of the service has.
pub(super) fn head(status: u16, clock: &Clock, content_type: &str) -> Head {
    Head::new(status)
        .header("Date", date(clock.now()))
        .header("Content-Type", content_type)
        .header("Connection", "keep-alive")
        .header("x-amzn-RequestId", uuid::Uuid::new_v4().to_string())
}

fn date(now: SystemTime) -> String {
    OffsetDateTime::from(now)
        .format(IMF_FIXDATE)
        .unwrap_or_default()
}
