//! One call of a service on the Azure OpenAI wire: JSON there and back, within a deadline and a size.

use std::time::Duration;

use bytes::Bytes;
use crossfade_exchange::{BoxError, SideBody, SideRequest, SideResponse};
use futures_util::{FutureExt as _, future::BoxFuture};
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Collected, Limited};
use serde::de::DeserializeOwned;
use tower::{ServiceExt as _, util::BoxCloneSyncService};

/// A side, or anything of its shape.
pub type Asked = BoxCloneSyncService<SideRequest, SideResponse, BoxError>;

/// The most bytes of an answer.
const MOST_BYTES: usize = 64 << 20;

/// Why a call gave nothing. Shows no text of a request or an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CallError {
    /// The path cannot be asked for.
    #[error("the path is not one")]
    Path,
    /// No answer in time.
    #[error("no answer within the deadline")]
    Deadline,
    /// The connection failed, or the answer broke off or was too large.
    #[error("no whole answer came")]
    Transport,
    /// Another status than 200.
    #[error("the answer has status {0}")]
    Status(u16),
    /// The answer is not what was asked for.
    #[error("the answer is not of the form that was asked for")]
    Malformed,
}

/// A body in full. As a future of a named type, because the compiler cannot show of a nameless one that it may be sent.
fn whole(body: SideBody) -> BoxFuture<'static, Result<Collected<Bytes>, BoxError>> {
    Limited::new(body, MOST_BYTES).collect().boxed()
}

/// Sends a JSON body and reads a JSON answer.
pub(crate) async fn call<T: DeserializeOwned>(
    service: Asked,
    path: &str,
    body: Bytes,
    deadline: Duration,
) -> Result<T, CallError> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, body.len())
        .body(body)
        .map_err(|_| CallError::Path)?;
    let answer = async {
        let answer = service
            .oneshot(request)
            .await
            .map_err(|_| CallError::Transport)?;
        let status = answer.status();
        if status != StatusCode::OK {
            return Err(CallError::Status(status.as_u16()));
        }
        let whole = whole(answer.into_body()).await;
        whole
            .map(Collected::to_bytes)
            .map_err(|_| CallError::Transport)
    };
    let bytes = tokio::time::timeout(deadline, answer)
        .await
        .map_err(|_| CallError::Deadline)??;
    serde_json::from_slice(&bytes).map_err(|_| CallError::Malformed)
}
