//! The recorder: a body that passes every frame on and notes what it saw.
//!
//! It never holds a frame back. End of body and early drop both finish the recording; what is captured is bounded by the capture
//! limit and by the byte budget, and beyond either the recording says `truncated` while the stream goes on.
//!
//! An answer is complete as soon as all of it has been passed on: the bytes that `content-length` promised, or a stream's last event. Most
//! clients close a stream then, before its connection has told of the end; that is no caller who went away.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, header, response};
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crossfade_exchange::{BoxError, Ending, Recording, Role, Side, SideBody, SideReport, Timings};
use crossfade_openai::{first_content::FirstContent, stream_end::StreamEnd};

use crate::{
    budget::{Budget, Hold},
    route::Route,
    watch::Watch,
};

/// Each chunk of an event stream repeats what an answer says once, the primary's more of it than the candidate's. The bound is wider
/// for streams, so that it is not what decides which side's long answers are judged.
const EVENT_STREAM: usize = 8;
/// A reader that leaves a frame waiting this long has fallen behind.
const BEHIND: Duration = Duration::from_millis(250);

/// How long a shadow's connection may take to end after the last event, so that it can be used again.
const LINGER: Duration = Duration::from_secs(1);

/// Called once, with the recording and what it holds of the byte budget.
pub(crate) type Done = Box<dyn FnOnce(Recording, Held) + Send>;

/// What a recording holds of the byte budget.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pub(crate) hold: Option<Hold>,
    /// Whether the budget had no room for all of it.
    pub(crate) starved: bool,
}

/// What is recorded of a side's answer.
pub(crate) struct Recorder {
    route: Arc<Route>,
    side: Side,
    role: Role,
    streamed: bool,
    sent: Instant,
    status: u16,
    content_type: Option<String>,
    content_encoding: Option<String>,
    timings: Timings,
    capture: Option<Capture>,
    detector: Option<FirstContent>,
    /// Looks for a stream's last event.
    last_event: Option<StreamEnd>,
    /// When that was passed on, counted from the sending.
    said_all: Option<Duration>,
    report: SideReport,
    watch: Watch,
    handed_out: Option<Instant>,
    behind: bool,
    done: Option<Done>,
}

/// What to record, beyond what the answer's head says.
pub(crate) struct RecorderPlan {
    pub(crate) route: Arc<Route>,
    pub(crate) side: Side,
    pub(crate) role: Role,
    pub(crate) streamed: bool,
    pub(crate) sent: Instant,
    pub(crate) capture: Option<Capture>,
    pub(crate) watch: Watch,
    pub(crate) done: Done,
}

/// Where captured bytes go.
pub(crate) struct Capture {
    bytes: Vec<u8>,
    hold: Hold,
    limit: usize,
    truncated: bool,
    starved: bool,
}

impl Capture {
    /// A capture of at most `limit` bytes of an answer within the budget; of an event stream [`EVENT_STREAM`] times that.
    pub(crate) fn new(budget: &Budget, limit: usize) -> Option<Self> {
        Some(Self {
            bytes: Vec::new(),
            hold: budget.try_take(0)?,
            limit,
            truncated: false,
            starved: false,
        })
    }

    fn take(&mut self, data: &[u8]) {
        if self.truncated {
            return;
        }
        let wanted = self.bytes.len() + data.len();
        if wanted > self.limit {
            self.truncated = true;
            return;
        }
        if wanted > self.bytes.capacity() {
            // Grown by doubling, and never beyond what the budget has room for.
            let capacity = wanted.next_power_of_two().clamp(1024, self.limit.max(1024));
            if !self.hold.try_grow(capacity - self.bytes.capacity()) {
                self.truncated = true;
                self.starved = true;
                return;
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(data);
    }
}

impl Recorder {
    /// A recorder for an answer whose head has just come.
    pub(crate) fn new(plan: RecorderPlan, head: &response::Parts) -> Self {
        let report = head
            .extensions
            .get::<SideReport>()
            .cloned()
            .unwrap_or_default();
        let timings = Timings {
            headers: Some(plan.sent.elapsed()),
            ..Timings::default()
        };
        Self {
            route: plan.route,
            side: plan.side,
            role: plan.role,
            streamed: plan.streamed,
            sent: plan.sent,
            status: head.status.as_u16(),
            content_type: text(&head.headers, header::CONTENT_TYPE),
            content_encoding: text(&head.headers, header::CONTENT_ENCODING),
            timings,
            capture: plan.capture,
            detector: None,
            last_event: None,
            said_all: None,
            report,
            watch: plan.watch,
            handed_out: None,
            behind: false,
            done: Some(plan.done),
        }
        .with_detector()
    }

    /// In an event stream the first content has to be looked for; of anything else it is the first byte. A compressed stream is opaque.
    fn with_detector(mut self) -> Self {
        let is_events = self
            .content_type
            .as_deref()
            .is_some_and(|t| t.starts_with("text/event-stream"));
        if is_events {
            if self.content_encoding.is_none() {
                self.detector = Some(FirstContent::new());
                self.last_event = Some(StreamEnd::new());
            }
            if let Some(capture) = &mut self.capture {
                capture.limit = capture.limit.saturating_mul(EVENT_STREAM);
            }
        }
        self
    }

    fn polled(&mut self, now: Instant) {
        if let Some(at) = self.handed_out.take() {
            self.behind |= now.saturating_duration_since(at) > BEHIND;
        }
    }

    fn data(&mut self, data: &[u8], now: Instant) {
        let after = now.saturating_duration_since(self.sent);
        if self.timings.first_byte.is_none() {
            self.timings.first_byte = Some(after);
            self.route.metrics.first_byte(self.side, self.role, after);
        }
        if self.timings.first_content.is_none()
            && self
                .detector
                .as_mut()
                .is_none_or(|detector| detector.feed(data))
        {
            self.timings.first_content = Some(after);
            self.detector = None;
            if self.streamed && !self.status_is_bad() {
                self.watch.first_content(after);
            }
        }
        if self.last_event.as_mut().is_some_and(|end| end.feed(data)) {
            self.said_all = Some(after);
            self.last_event = None;
        }
        self.watch.byte(now);
        if let Some(capture) = &mut self.capture {
            capture.take(data);
        }
        self.handed_out = Some(now);
    }

    fn status_is_bad(&self) -> bool {
        matches!(self.status, 408 | 429 | 500..=599)
    }

    fn said_that_it_failed(&self) -> bool {
        self.detector.as_ref().is_some_and(FirstContent::failed)
    }

    /// The end, however it came; only the first call counts.
    fn finish(&mut self, ending: Ending) {
        let Some(done) = self.done.take() else { return };
        // However the connection ends after the last event, and whenever: the answer ended with it.
        let (ending, after) = match self.said_all {
            Some(after) => (Ending::Complete, after),
            None => (ending, self.sent.elapsed()),
        };
        let late = self.report.late.get();
        // A stream may end cleanly on the connection and still have failed: the side says so.
        let ending = if ending == Ending::Complete && late.is_some_and(|l| l.failed.is_some()) {
            Ending::Broken
        } else {
            ending
        };
        self.timings.total = Some(after);
        self.timings.kept_up = !self.behind;
        self.resolve(ending, after);
        if ending == Ending::Complete && !self.behind {
            self.route.metrics.ended(self.side, self.role, after);
            self.learn(after);
        }
        let (body, truncated, held) = match self.capture.take() {
            Some(Capture {
                bytes,
                hold,
                truncated,
                starved,
                ..
            }) => (
                Bytes::from(bytes),
                truncated,
                Held {
                    hold: Some(hold),
                    starved,
                },
            ),
            None => (Bytes::new(), true, Held::default()),
        };
        let mut losses = self.report.losses.to_vec();
        losses.extend(late.into_iter().flat_map(|l| l.losses.iter().cloned()));
        // A repeat is the same request once more, and its losses have been counted.
        if self.side == Side::Candidate && self.role != Role::Repeat {
            self.route.accounts.asked(&losses);
        }
        let recording = Recording {
            side: self.side,
            role: self.role,
            ending,
            status: Some(self.status),
            content_type: self.content_type.take(),
            content_encoding: self.content_encoding.take(),
            body,
            truncated,
            timings: self.timings,
            failover: self.report.failover,
            losses,
            usage: late.and_then(|l| l.usage),
        };
        done(recording, held);
    }

    /// What the ending means for the statistics.
    fn resolve(&self, ending: Ending, after: Duration) {
        let watch = &self.watch;
        match ending {
            // The candidate's such answer never reaches the caller, and is resolved like this.
            Ending::Complete if self.status_is_bad() || self.said_that_it_failed() => {
                watch.failed();
            }
            // An answer that is not streamed is resolved when it is whole, by the time of its first byte: a candidate's that breaks off
            // never reaches the caller, so a primary's that does must count as the same thing. A stream without content arrived when
            // it ended.
            Ending::Complete => watch.ended(self.timings.first_content.unwrap_or(after)),
            Ending::Broken | Ending::TimedOut | Ending::Failed => watch.broke(),
            Ending::ClientAbort => watch.aborted(after, self.route.state.p99(self.streamed)),
            Ending::Deadline => watch.cut(),
        }
    }

    fn learn(&self, total: Duration) {
        // A repeat finds the provider's caches warm: its times are not the usual ones.
        let is_usual = self.side == Side::Primary && self.role != Role::Repeat;
        if is_usual && (200..300).contains(&self.status) {
            let first = self.timings.first_content.unwrap_or(total);
            self.route.state.learn_times(self.streamed, first, total);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.finish(match self.role {
            Role::Answering => Ending::ClientAbort,
            Role::Shadow | Role::Repeat => Ending::Deadline,
        });
    }
}

fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<String> {
    headers
        .get(name)
        .and_then(|v| v.to_str().ok())
        .map(str::to_owned)
}

/// A body with a recorder beside it.
pub(crate) struct RecordedBody {
    inner: SideBody,
    recorder: Recorder,
    left: Option<u64>,
    /// Runs while a shadow that has said all is still waited for.
    lingers: Option<Pin<Box<Sleep>>>,
}

impl RecordedBody {
    pub(crate) fn new(inner: SideBody, recorder: Recorder) -> Self {
        let left = inner.size_hint().exact();
        let mut body = Self {
            inner,
            recorder,
            left,
            lingers: None,
        };
        if body.inner.is_end_stream() {
            body.recorder.finish(Ending::Complete);
        }
        body
    }

    /// A shadow that has said all has ended soon, whether its connection says so or not. Who answers a caller is passed on as it is.
    fn lingered(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.recorder.role == Role::Answering || self.recorder.said_all.is_none() {
            return Poll::Pending;
        }
        let lingers = self
            .lingers
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        lingers.as_mut().poll(cx)
    }

    /// The connection may stop reading as soon as it has what `content-length` promised, without asking for the end.
    fn seen(&mut self, bytes: usize) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(bytes as u64);
        }
        if self.left == Some(0) || self.inner.is_end_stream() {
            self.recorder.finish(Ending::Complete);
        }
    }
}

impl Body for RecordedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        this.recorder.polled(Instant::now());
        let frame = match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                std::task::ready!(this.lingered(cx));
                None
            }
        };
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    let bytes = data.len();
                    this.recorder.data(data, Instant::now());
                    this.seen(bytes);
                }
            }
            Some(Err(_)) => this.recorder.finish(Ending::Broken),
            None => this.recorder.finish(Ending::Complete),
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
