//! Why a request is not answered here, in the two kinds of body: AWS's own, and OpenAI's.

use std::io;

use serde_json::{Value, json};

use super::{
    Surface,
    models::{Row, Thoughts},
};
use crate::{
    bedrock::{
        Clock,
        exception::{self, Exception},
    },
    openai::Wrong,
    server::Reply,
};

/// Why a request is not answered.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The front door, a fault, or anything else that has AWS's name.
    Service(Exception),
    /// The request itself. On the runtime some models wrap the whole error into the message of another.
    Request { wrong: Wrong, wrapped: bool },
}

impl From<Exception> for Failure {
    fn from(exception: Exception) -> Self {
        Self::Service(exception)
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self::Request {
            wrong,
            wrapped: false,
        }
    }
}

impl Failure {
    /// A model's own refusal.
    pub(super) fn of_model(wrong: Wrong, row: &Row, surface: Surface) -> Self {
        let wrapped = surface == Surface::Runtime && row.thoughts == Thoughts::Open;
        Self::Request { wrong, wrapped }
    }

    /// Writes it in the words of the surface.
    pub(super) async fn write(
        &self,
        surface: Surface,
        clock: &Clock,
        reply: &mut Reply,
    ) -> io::Result<()> {
        let (status, retry_after, body) = match self {
            Self::Service(exception) if surface == Surface::Runtime => {
                return exception.write(clock, reply).await;
            }
            Self::Service(exception) => {
                let (status, message, retry_after) = exception.parts();
                (status, retry_after, error(status, message))
            }
            Self::Request { wrong, wrapped } => (wrong.status, None, of_request(wrong, *wrapped)),
        };
        let head = super::head(status, clock, "application/json");
        let head = match retry_after {
            Some(seconds) => head.header("retry-after", seconds.to_string()),
            None => head,
        };
        reply.whole(head, body.to_string().as_bytes()).await
    }
}

/// The event that tells of an error in the middle of a stream of chat chunks.
pub(super) fn event(name: &str) -> String {
    let status = match name {
        "throttlingException" => 429,
        "serviceUnavailableException" => 503,
        _ => 500,
    };
    let body = error(status, "The stream was ended by an error.");
    format!("data: {body}\n\n")
}

fn of_request(wrong: &Wrong, wrapped: bool) -> Value {
    let code = wrong.code.unwrap_or("validation_error");
    let inner = |message: &str| {
        json!({"error": {
            "code": code, "message": message, "param": wrong.param, "type": "invalid_request_error",
        }})
    };
    let plain = inner(&wrong.message);
    if wrapped {
        inner(&plain.to_string())
    } else {
        plain
    }
}

fn error(status: u16, message: &str) -> Value {
    let (kind, code) = match status {
        401 | 403 => ("permission_error", "access_denied"),
        404 => ("not_found_error", "not_found"),
        408 => ("timeout_error", "timeout"),
        429 => ("rate_limit_error", "rate_limit_exceeded"),
        503 => ("service_unavailable_error", "service_unavailable"),
        400..=499 => ("invalid_request_error", "validation_error"),
        _ => ("server_error", "internal_server_error"),
    };
    json!({"error": {"code": code, "message": message, "param": null, "type": kind}})
}

/// A path that is none of the API's.
pub(super) fn no_such_path(surface: Surface) -> Failure {
    match surface {
        Surface::Runtime => exception::Exception::unknown_operation().into(),
        Surface::Mantle => Wrong::not_found("Not Found").code("not_found").into(),
    }
}
