//! One small call, and what the endpoint made of it.

use std::time::Duration;

use bytes::Bytes;
use crossfade_exchange::{Failover, LossKind, Patience, SideReport, SideRequest};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use tower::ServiceExt;

use crate::{
    capabilities::Overrides,
    sdk::Connection,
    service::Candidate,
    settings::{Api, CandidateSettings},
};

/// The longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most that is read of one.
const MOST_BYTES: usize = 1 << 20;

/// What the endpoint made of a call.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// It answered.
    Answered(Answer),
    /// It refused the request's form.
    Refused,
    /// Neither, and why.
    Failed(&'static str),
}

/// An answer on the caller's wire.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    body: Bytes,
    /// Whether it reasoned, by its usage or by what was hidden.
    pub(super) reasoned: bool,
}

/// Asks one route's endpoint.
pub(super) struct Asker {
    connection: Connection,
    settings: CandidateSettings,
    calls: u32,
}

// === impl Answer ===

impl Answer {
    fn message(&self) -> Option<Value> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body.pointer("/choices/0/message").cloned()
    }

    /// Whether it calls a tool.
    pub(super) fn calls_a_tool(&self) -> bool {
        let message = self.message();
        let calls = message.as_ref().and_then(|m| m.get("tool_calls"));
        calls
            .and_then(Value::as_array)
            .is_some_and(|calls| !calls.is_empty())
    }

    /// Whether its text is a JSON object.
    pub(super) fn is_json(&self) -> bool {
        let message = self.message();
        let text = message.as_ref().and_then(|m| m.get("content")?.as_str());
        text.is_some_and(|text| {
            serde_json::from_str::<Value>(text).is_ok_and(|json| json.is_object())
        })
    }

    /// Whether it is a stream that ended as it should.
    pub(super) fn is_whole_stream(&self) -> bool {
        self.body.starts_with(b"data:") && self.body.trim_ascii_end().ends_with(b"data: [DONE]")
    }
}

// === impl Asker ===

impl Asker {
    /// Of a route's endpoint, without what the route adds to its requests.
    pub(super) fn new(connection: Connection, settings: &CandidateSettings) -> Self {
        let mut settings = settings.clone();
        settings.adapt = crate::settings::Adapt::default();
        settings.default_max_tokens = None;
        settings.stream_always = false;
        Self {
            connection,
            settings,
            calls: 0,
        }
    }

    /// Calls made so far.
    pub(super) const fn calls(&self) -> u32 {
        self.calls
    }

    /// Whether embeddings are what this endpoint gives.
    pub(super) fn embeds(&self) -> bool {
        self.settings.api == Api::Invoke
    }

    /// Sends a request under a table that claims what is asked for.
    pub(super) async fn ask(
        &mut self,
        claim: impl FnOnce(&mut Overrides),
        body: &Value,
    ) -> Outcome {
        self.calls += 1;
        let mut settings = self.settings.clone();
        claim(&mut settings.capabilities);
        let candidate = Candidate::new(self.connection.clone(), settings);
        let operation = if self.embeds() {
            "embeddings"
        } else {
            "chat/completions"
        };
        let path = format!("/openai/deployments/probe/{operation}?api-version=2025-04-01-preview");
        let mut request = SideRequest::new(Bytes::from(body.to_string()));
        *request.method_mut() = http::Method::POST;
        let Ok(uri) = path.parse() else {
            return Outcome::Failed("the request's path is none");
        };
        *request.uri_mut() = uri;
        request.extensions_mut().insert(Patience(PATIENCE));
        let asked = tokio::time::timeout(PATIENCE * 2, Self::read(candidate, request));
        asked.await.unwrap_or(Outcome::Failed("no answer in time"))
    }

    async fn read(candidate: Candidate, request: SideRequest) -> Outcome {
        let Ok(answer) = candidate.oneshot(request).await else {
            return Outcome::Failed("no answer");
        };
        let report = answer.extensions().get::<SideReport>().cloned();
        let report = report.unwrap_or_default();
        match (answer.status().as_u16(), report.failover) {
            (400, _) => return Outcome::Refused,
            (_, Some(failover)) => return Outcome::Failed(why(failover)),
            (200, None) => {}
            (_, None) => return Outcome::Failed("an error instead of an answer"),
        }
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let Ok(body) = body.map(http_body_util::Collected::to_bytes) else {
            return Outcome::Failed("the answer broke off");
        };
        let late = report.late.get();
        if late.is_some_and(|late| late.failed.is_some()) {
            return Outcome::Failed("the answer broke off");
        }
        let reasoned = late.is_some_and(|late| {
            late.usage.is_some_and(|usage| usage.reasoning > 0)
                || late
                    .losses
                    .iter()
                    .any(|loss| loss.kind == LossKind::ReasoningHidden)
        });
        Outcome::Answered(Answer { body, reasoned })
    }
}

/// A failure with its remedy.
const fn why(failover: Failover) -> &'static str {
    match failover {
        Failover::Connect => "no connection: check the endpoint, the network and TLS",
        Failover::Silent => "no sign of life in time",
        Failover::Broken => "the connection broke",
        Failover::Throttled => "throttled, or out of quota: try again later",
        Failover::Server => "the service failed: try again later",
        Failover::Configuration => {
            "not allowed, or no such model: check credentials, permissions, model access and the model's id"
        }
        Failover::Garbage => "what came is no answer",
    }
}
