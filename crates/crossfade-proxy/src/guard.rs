//! A body that keeps something alive until it ends or is dropped.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use crossfade_exchange::{BoxError, SideBody, SideResponse};

struct Guarded<G> {
    inner: SideBody,
    guard: Option<G>,
}

/// Keeps `guard` until the answer's body ends or is dropped.
pub(crate) fn with_guard<G: Send + Unpin + 'static>(
    answer: SideResponse,
    guard: G,
) -> SideResponse {
    answer.map(|inner| {
        Guarded {
            inner,
            guard: Some(guard),
        }
        .boxed_unsync()
    })
}

impl<G: Unpin> Body for Guarded<G> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = std::task::ready!(Pin::new(&mut this.inner).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            drop(this.guard.take());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
