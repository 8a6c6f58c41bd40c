//! One asking of a live side: with a deadline, a bounded number of retries, and a bound on what is kept of an answer.

use std::time::Duration;

use bytes::Bytes;
use crossfade_exchange::{
    BoxError, Ending, Failover, Operation, Role, SideReport, SideRequest, SideResponse,
};
use crossfade_openai::first_content::FirstContent;
use http::{HeaderMap, Method, Request, header};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tower::{Service as _, ServiceExt as _};

use crate::{answer::CaseAnswer, case::Case, sides::LiveSide};

/// The most that is kept of one answer, in bytes.
const MOST_BODY: usize = 16 << 20;
/// The longest wait before a retry, whatever the side asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The wait before the first retry where the side names none; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// How patient an asking is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The longest that one call may take, its answer's end included.
    pub deadline: Duration,
    /// How often a call without an answer (no connection, 408, 429, 5xx) is made again.
    pub retries: u32,
}

/// One call's answer, and how long its side asks to wait before another.
struct Called {
    answer: CaseAnswer,
    wait: Option<Duration>,
}

/// Asks until there is an answer or the retries are used up. What comes out may still be missing.
pub(crate) async fn ask(side: &LiveSide, case: &Case, patience: Patience) -> CaseAnswer {
    let mut wait = FIRST_WAIT;
    let mut left = patience.retries;
    loop {
        let called = call(side, case, patience.deadline).await;
        if left == 0 || !is_worth_another(&called.answer) {
            return called.answer;
        }
        left -= 1;
        tokio::time::sleep(called.wait.unwrap_or(wait).min(LONGEST_WAIT)).await;
        wait = wait.saturating_mul(2);
    }
}

/// Whether another call may give what this one did not. A call that used up its deadline has had its chance.
fn is_worth_another(answer: &CaseAnswer) -> bool {
    let hopeless = match answer.failover {
        Some(Failover::Configuration) => true,
        Some(
            Failover::Connect
            | Failover::Silent
            | Failover::Broken
            | Failover::Throttled
            | Failover::Server
            | Failover::Garbage,
        )
        | None => false,
    };
    let late = matches!(
        answer.ending,
        Ending::TimedOut | Ending::Deadline | Ending::ClientAbort
    );
    answer.is_missing() && !late && !hopeless
}

async fn call(side: &LiveSide, case: &Case, deadline: Duration) -> Called {
    let missing = |ending| Called {
        answer: CaseAnswer::failed(None, ending),
        wait: None,
    };
    let Ok(request) = request(side, case) else {
        return missing(Ending::Failed);
    };
    let sent = Instant::now();
    let until = sent + deadline;
    match timeout_at(until, send(side, request)).await {
        Err(_) => missing(Ending::TimedOut),
        Ok(Err(_)) => missing(Ending::Failed),
        Ok(Ok(response)) => read(response, sent, until).await,
    }
}

async fn send(side: &LiveSide, request: SideRequest) -> Result<SideResponse, BoxError> {
    let mut service = side.service.clone();
    service.ready().await?.call(request).await
}

/// The case's request for this side.
fn request(side: &LiveSide, case: &Case) -> Result<SideRequest, http::Error> {
    let mut body = case.request.clone();
    if case.operation == Operation::Responses
        && let Value::Object(members) = &mut body
    {
        members
            .entry("model")
            .or_insert_with(|| Value::from(side.deployment.clone()));
    }
    let body = Bytes::from(body.to_string());
    Request::builder()
        .method(Method::POST)
        .uri(side.target(case.operation))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "*/*")
        .header(header::CONTENT_LENGTH, body.len())
        // The answer serves nobody, so that nothing is kept for a later turn.
        .extension(Role::Shadow)
        .body(body)
}

/// Reads an answer to its end, its bound or its deadline.
async fn read(response: SideResponse, sent: Instant, until: Instant) -> Called {
    let (head, mut body) = response.into_parts();
    let report = head.extensions.get::<SideReport>().cloned();
    let report = report.unwrap_or_default();
    let content_type = text(&head.headers, header::CONTENT_TYPE);
    let is_events = content_type
        .as_deref()
        .is_some_and(|kind| kind.starts_with("text/event-stream"));
    let mut detector = is_events.then(FirstContent::new);
    let (mut bytes, mut truncated, mut first) = (Vec::new(), false, None);
    let mut ending = loop {
        match timeout_at(until, body.frame()).await {
            Err(_) => break Ending::Deadline,
            Ok(None) => break Ending::Complete,
            Ok(Some(Err(_))) => break Ending::Broken,
            Ok(Some(Ok(frame))) => {
                let Some(data) = frame.data_ref() else {
                    continue;
                };
                if first.is_none() && detector.as_mut().is_none_or(|detector| detector.feed(data)) {
                    first = Some(sent.elapsed());
                }
                let room = MOST_BODY.saturating_sub(bytes.len());
                truncated |= data.len() > room;
                bytes.extend_from_slice(data.get(..data.len().min(room)).unwrap_or_default());
                if truncated {
                    break Ending::Complete;
                }
            }
        }
    };
    let total = sent.elapsed();
    let late = report.late.get();
    if ending == Ending::Complete && late.is_some_and(|late| late.failed.is_some()) {
        ending = Ending::Broken;
    }
    let mut losses = report.losses.to_vec();
    losses.extend(
        late.into_iter()
            .flat_map(|late| late.losses.iter().cloned()),
    );
    let answer = CaseAnswer {
        first_content_ms: first.map(milliseconds),
        total_ms: Some(milliseconds(total)),
        failover: report.failover,
        losses,
        usage: late.and_then(|late| late.usage),
        truncated,
        ..CaseAnswer::failed(Some(head.status.as_u16()), ending)
    };
    Called {
        answer: answer.with_body(content_type, &bytes),
        wait: retry_after(&head.headers),
    }
}

/// To the tenth of a millisecond, which is finer than any network is steady.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10.0
}

/// How long the side asks to wait: `retry-after-ms`, else `retry-after` in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("retry-after-ms")
        .map(Duration::from_millis)
        .or_else(|| number("retry-after").map(Duration::from_secs))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.to_owned())
}
