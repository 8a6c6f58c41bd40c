//! One caller: sends a prompt as Azure's clients do, reads the answer, and judges it.

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use serde_json::Value;

use super::reading::Reading;
use crate::{
    corpus::{CorpusPrompt, Judgement},
    script::{Answer, Finish},
};

/// The response header in which the proxy says who answered, if it is told to.
const SIDE: &str = "x-crossfade-side";

/// Something to ask.
#[derive(Clone)]
pub struct Call {
    /// The prompt.
    pub prompt: CorpusPrompt,
    /// The reference it carries.
    pub serial: u64,
    /// The caller's key.
    pub credential: String,
    /// The `user` field.
    pub user: Option<String>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer: a completion, or the content filter's verdict.
    Answered(Judgement),
    /// An error of the service, under this status.
    Refused(u16),
    /// An answer that broke off, timed out or made no sense; what went wrong.
    Broken(&'static str),
}

/// What came of a call.
#[derive(Clone, Debug)]
pub struct CallResult {
    /// What was asked.
    pub call: Call,
    /// How it ended.
    pub outcome: Outcome,
    /// The status, if a head came.
    pub status: Option<u16>,
    /// Who answered, if the proxy says so.
    pub side: Option<String>,
    /// From sending to the end of the answer.
    pub latency: Duration,
    /// From sending to the first content.
    pub first_content: Option<Duration>,
    /// What was said.
    pub answer: Answer,
}

/// A client with its pool of connections; cheap to clone.
#[derive(Clone, Debug)]
pub struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    target: SocketAddr,
    deployment: String,
    timeout: Duration,
}

// === impl Call ===

impl fmt::Debug for Call {
    /// The key stays out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("prompt", &self.prompt.id)
            .field("serial", &self.serial)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

// === impl CallResult ===

impl CallResult {
    /// Whether the caller got a good answer.
    pub fn good(&self) -> bool {
        self.outcome == Outcome::Answered(Judgement::Good)
    }
}

// === impl Caller ===

impl Caller {
    /// A client for a deployment behind an address.
    pub fn new(target: SocketAddr, deployment: &str, timeout: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(connector);
        Self {
            client,
            target,
            deployment: deployment.to_owned(),
            timeout,
        }
    }

    /// Asks, and waits for the end of the answer.
    pub async fn call(&self, call: Call) -> CallResult {
        let begun = Instant::now();
        let mut result = CallResult {
            call,
            outcome: Outcome::Broken("timed out"),
            status: None,
            side: None,
            latency: Duration::ZERO,
            first_content: None,
            answer: Answer::default(),
        };
        // What was learned before a time-out stays in the result.
        let exchange = self.exchange(&mut result, begun);
        let ended = tokio::time::timeout(self.timeout, exchange).await;
        match ended {
            Ok(Ok(outcome)) => result.outcome = outcome,
            Ok(Err(what)) => result.outcome = Outcome::Broken(what),
            Err(_elapsed) => {}
        }
        result.latency = begun.elapsed();
        result
    }

    async fn exchange(
        &self,
        result: &mut CallResult,
        begun: Instant,
    ) -> Result<Outcome, &'static str> {
        let request = self
            .request(&result.call)
            .ok_or("the request could not be built")?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|_| "no head of an answer came")?;
        let status = response.status().as_u16();
        result.status = Some(status);
        let header = |name: &str| response.headers().get(name).and_then(|v| v.to_str().ok());
        result.side = header(SIDE).map(str::to_owned);
        let streamed = header(header::CONTENT_TYPE.as_str())
            .is_some_and(|kind| kind.starts_with("text/event-stream"));
        if status != 200 {
            let body = response
                .into_body()
                .collect()
                .await
                .map_err(|_| BROKE_OFF)?
                .to_bytes();
            return Ok(refused(result, status, &body));
        }
        result.answer = if streamed {
            read_stream(response.into_body(), &mut result.first_content, begun).await?
        } else {
            read_whole(response.into_body(), &mut result.first_content, begun).await?
        };
        Ok(Outcome::Answered(result.call.prompt.judge(&result.answer)))
    }

    fn request(&self, call: &Call) -> Option<Request<Full<Bytes>>> {
        let uri = Uri::builder()
            .scheme("http")
            .authority(self.target.to_string())
            .path_and_query(format!(
                "/openai/deployments/{}/chat/completions?api-version=2024-10-21",
                self.deployment
            ))
            .build()
            .ok()?;
        let mut body = call.prompt.request(&self.deployment, call.serial);
        if let (Value::Object(body), Some(user)) = (&mut body, &call.user) {
            body.insert("user".to_owned(), Value::from(user.as_str()));
        }
        Request::post(uri)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .header("api-key", &call.credential)
            .header(header::USER_AGENT, "AzureOpenAI/load")
            .body(Full::new(Bytes::from(body.to_string())))
            .ok()
    }
}

const BROKE_OFF: &str = "the answer broke off";

/// A blocked prompt is an answer; any other error is none.
fn refused(result: &mut CallResult, status: u16, body: &[u8]) -> Outcome {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = error
        .get("error")
        .and_then(|e| e.get("code"))
        .and_then(Value::as_str);
    if status == 400 && code == Some("content_filter") {
        result.answer.finish = Finish::Filtered;
        return Outcome::Answered(result.call.prompt.judge(&result.answer));
    }
    Outcome::Refused(status)
}

async fn read_whole(
    body: Incoming,
    first_content: &mut Option<Duration>,
    begun: Instant,
) -> Result<Answer, &'static str> {
    let bytes = body.collect().await.map_err(|_| BROKE_OFF)?.to_bytes();
    *first_content = Some(begun.elapsed());
    Reading::of_completion(&bytes).ok_or("the body is no completion")
}

async fn read_stream(
    mut body: Incoming,
    first_content: &mut Option<Duration>,
    begun: Instant,
) -> Result<Answer, &'static str> {
    let mut reading = Reading::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| BROKE_OFF)?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        reading.feed(data)?;
        if reading.has_content() && first_content.is_none() {
            *first_content = Some(begun.elapsed());
        }
    }
    reading.finish().ok_or("the stream ended without [DONE]")
}
