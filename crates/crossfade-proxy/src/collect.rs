//! Collecting a body up to the mirror's bound.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::Instant;

use crossfade_exchange::{BoxError, SideBody};

use crate::{
    ProxyError,
    budget::{Budget, Hold},
};

/// How long a body may take to arrive before it is passed on as it comes instead.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of collecting.
pub(crate) enum Collected {
    /// The whole body.
    Whole(Bytes, Hold),
    /// Over the bound, or over the byte budget: what was read, and the rest, as one stream.
    Stream(SideBody, Overflow),
    /// It never came in full.
    Incomplete(ProxyError),
}

/// Why a body is not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overflow {
    /// Over the mirror's bound for one request.
    Bound,
    /// No room in the byte budget.
    Budget,
    /// It takes too long to arrive.
    Slow,
}

/// Collects a body of at most `bound` bytes. The budget is taken as bytes arrive, so that announcing a body holds nothing.
pub(crate) async fn collect(mut body: SideBody, bound: usize, budget: &Budget) -> Collected {
    if body.size_hint().lower() > bound as u64 {
        return Collected::Stream(body, Overflow::Bound);
    }
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(bound);
    let Some(mut hold) = budget.try_take(0) else {
        return Collected::Stream(body, Overflow::Budget);
    };
    let deadline = Instant::now() + PATIENCE;
    // A body that comes in one piece is kept as it is, without a copy.
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let overflow = loop {
        let data = match tokio::time::timeout_at(deadline, next(&mut body)).await {
            Err(_) => break Overflow::Slow,
            Ok(Err(error)) => return Collected::Incomplete(ProxyError::Incomplete(Some(error))),
            Ok(Ok(Some(data))) => data,
            Ok(Ok(None)) => {
                let whole = if rest.is_empty() {
                    first.unwrap_or_default()
                } else {
                    rest.freeze()
                };
                return Collected::Whole(whole, hold);
            }
        };
        let read = hold.amount() + data.len();
        let fits = read <= bound && hold.try_grow(data.len());
        if fits && first.is_none() {
            first = Some(data);
            continue;
        }
        if rest.is_empty() {
            // Now that more than one piece has come, all of it is made room for at once: growing step by step would double it.
            rest.reserve(announced.max(read).min(bound));
            rest.extend_from_slice(first.as_deref().unwrap_or_default());
        }
        rest.extend_from_slice(&data);
        if !fits {
            break if read > bound {
                Overflow::Bound
            } else {
                Overflow::Budget
            };
        }
    };
    let read = if rest.is_empty() {
        first.unwrap_or_default()
    } else {
        rest.freeze()
    };
    let resumed = Resumed {
        prefix: Some(read).filter(|read| !read.is_empty()),
        rest: body,
    };
    Collected::Stream(resumed.boxed_unsync(), overflow)
}

async fn next(body: &mut SideBody) -> Result<Option<Bytes>, BoxError> {
    while let Some(frame) = body.frame().await.transpose()? {
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// What was read already, then the rest.
struct Resumed {
    prefix: Option<Bytes>,
    rest: SideBody,
}

impl Body for Resumed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        match this.prefix.take() {
            Some(prefix) => Poll::Ready(Some(Ok(Frame::data(prefix)))),
            None => Pin::new(&mut this.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.prefix.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let prefix = self.prefix.as_ref().map_or(0, |p| p.len() as u64);
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + prefix);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + prefix);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::StreamBody;

    use super::*;

    fn body(pieces: &[&'static str]) -> SideBody {
        let frames: Vec<Result<Frame<Bytes>, BoxError>> = pieces
            .iter()
            .map(|p| Ok(Frame::data(Bytes::from_static(p.as_bytes()))))
            .collect();
        StreamBody::new(futures_util::stream::iter(frames)).boxed_unsync()
    }

    async fn check(
        pieces: &[&'static str],
        bound: usize,
        budget: usize,
        want: Result<(), Overflow>,
    ) {
        let budget = Budget::new(budget);
        let whole = pieces.concat();
        match collect(body(pieces), bound, &budget).await {
            Collected::Whole(bytes, hold) => {
                assert_eq!(want, Ok(()));
                assert_eq!(bytes, whole);
                assert!(hold.amount() >= whole.len());
            }
            Collected::Stream(stream, overflow) => {
                assert_eq!(want, Err(overflow));
                assert_eq!(
                    stream.collect().await.unwrap().to_bytes(),
                    whole,
                    "nothing is lost"
                );
            }
            Collected::Incomplete(error) => panic!("{error}"),
        }
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn whole_or_a_stream_of_the_same_bytes() {
        check(&[], 10, 10, Ok(())).await;
        check(&["abc"], 3, 10, Ok(())).await;
        check(&["abc", "def"], 6, 6, Ok(())).await;
        check(&["abcd"], 3, 10, Err(Overflow::Bound)).await;
        check(&["abc", "def", "ghi"], 6, 100, Err(Overflow::Bound)).await;
        check(&["abc", "def", "ghi"], 100, 5, Err(Overflow::Budget)).await;
    }
}
