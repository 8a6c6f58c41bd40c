//! The candidate as a tower service: a request on the caller's wire in, an answer on the caller's wire out.
//!
//! The future resolves with the first content, not with the head, so that an early failure is a real error that the
//! other side can answer instead. Nothing is spawned: a body that is dropped drops the provider's stream with it.

mod body;
mod reply;
mod silence;

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use crossfade_exchange::{
    BoxError, Face, Failover, LateFacts, Loss, Patience, SideReport, SideRequest, SideResponse,
    Unsupported,
};
use crossfade_openai::{chat, error::AzureError, id, path};
use tokio::time::Instant;
use tower::Service;

use crate::{
    answer::{
        self, Answered, Collector, Delivery, Fault, FaultKind, Reply, Stamp, Streamer, Whole,
    },
    converse::{Delta, Event},
    sdk::{Connection, Events, Failure},
    settings::CandidateSettings,
    translate::{self, Translation},
};
use reply::{Dress, problem_response};
use silence::Silence;

/// The most bytes of an answer that is given whole.
const LARGEST_WHOLE: usize = 32 << 20;
/// The longest wait before the one retry.
const LONGEST_RETRY_WAIT: Duration = Duration::from_secs(2);
/// How many idle limits a whole answer may take that is not asked for as a stream.
const WHOLE_ANSWER_LIMITS: u32 = 5;

/// One route's candidate. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Candidate {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    connection: Connection,
    settings: CandidateSettings,
    streams: bool,
}

// === impl Candidate ===

impl Candidate {
    /// A route's candidate over a connection that routes may share.
    pub fn new(connection: Connection, settings: CandidateSettings) -> Self {
        let streams = settings.resolved_capabilities().streams;
        Self {
            shared: Arc::new(Shared {
                connection,
                settings,
                streams,
            }),
        }
    }

    /// Whether answers are asked for as streams even if the caller did not: if not, silence says nothing, and the
    /// patience given must cover a whole answer.
    pub fn always_streams(&self) -> bool {
        self.shared.streams && self.shared.settings.stream_always
    }

    /// The route's settings.
    pub fn settings(&self) -> &CandidateSettings {
        &self.shared.settings
    }
}

impl Service<SideRequest> for Candidate {
    type Response = SideResponse;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<SideResponse, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: SideRequest) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { Ok(shared.serve(request).await) })
    }
}

// === impl Shared ===

impl Shared {
    async fn serve(&self, request: SideRequest) -> SideResponse {
        let began = Instant::now();
        let face = request
            .extensions()
            .get::<Face>()
            .cloned()
            .unwrap_or_default();
        let patience = request
            .extensions()
            .get::<Patience>()
            .map(|patience| patience.0);
        let target = request
            .uri()
            .path_and_query()
            .map(|target| path::parse(target.as_str()));
        let deployment = target.and_then(|target| target.deployment);
        let dress = Dress {
            deployment,
            region: face.region.clone(),
        };
        let translation = match translate::translate(request.body(), &self.settings) {
            Ok(translation) => translation,
            Err(unsupported) => return refusal(&unsupported, &dress),
        };
        let Translation {
            request: asked,
            losses,
            reply,
        } = translation;
        let Ok(body) = serde_json::to_vec(&asked) else {
            return problem_response(
                Fault::from(FaultKind::Garbage).problem(),
                SideReport::default(),
                &dress,
            );
        };
        // What is sent is the text of it; the rest must not wait for the answer.
        drop(asked);
        let stamp = self.stamp(face, &dress);
        let call = Call {
            shared: self,
            body: body.into(),
            patience,
            began,
            losses: losses.into(),
        };
        call.answer(reply, stamp, &dress).await
    }

    fn stamp(&self, face: Face, dress: &Dress) -> Stamp {
        let seed: [u8; 32] = rand::random();
        let model = face.model.or_else(|| self.settings.answer_model.clone());
        let model = model
            .or_else(|| dress.deployment.clone())
            .unwrap_or_default();
        let created = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let mut random = [0; 29];
        blake3::Hasher::new_derive_key("crossfade completion id")
            .update(&seed)
            .finalize_xof()
            .fill(&mut random);
        Stamp {
            head: chat::Head {
                id: id::chat_completion_id(random),
                created,
                model,
                fingerprint: face.fingerprint,
            },
            annotations: self.settings.annotations,
            seed,
        }
    }
}

/// A request that should never have come here: eligibility says the same of it, beforehand.
fn refusal(unsupported: &Unsupported, dress: &Dress) -> SideResponse {
    let message = format!("Unsupported value or parameter: '{}'.", unsupported.field);
    let error = AzureError::invalid_request(
        &message,
        Some(&unsupported.field),
        Some("unsupported_parameter"),
    );
    let problem = answer::Problem {
        error,
        failover: Some(Failover::Configuration),
    };
    problem_response(problem, SideReport::default(), dress)
}

/// One request on its way.
struct Call<'a> {
    shared: &'a Shared,
    body: Bytes,
    patience: Option<Duration>,
    began: Instant,
    losses: Arc<[Loss]>,
}

/// What the provider gave.
enum Opened {
    Stream(Events),
    Whole(Whole),
}

// === impl Call ===

impl Call<'_> {
    async fn answer(&self, reply: Reply, stamp: Stamp, dress: &Dress) -> SideResponse {
        let mut report = SideReport {
            losses: Arc::clone(&self.losses),
            ..SideReport::default()
        };
        let mut silence = self.silence(reply.delivery);
        let opened = self.open(reply.delivery, silence, &mut report.retries);
        let opened = match opened.await {
            Ok(opened) => opened,
            Err(fault) => return problem_response(fault.problem(), report, dress),
        };
        let answered = match (opened, reply.delivery.is_stream()) {
            (Opened::Stream(events), true) => {
                let streamer = Streamer::new(reply, stamp);
                match first_content(events, streamer, &mut silence).await {
                    Ok(begun) => return reply::streaming(begun, report, self.idle(), dress),
                    Err(fault) => Err(fault),
                }
            }
            (Opened::Whole(whole), true) => match replay(whole, Streamer::new(reply, stamp)) {
                Ok(begun) => return reply::streaming(begun, report, self.idle(), dress),
                Err(fault) => Err(fault),
            },
            (Opened::Stream(events), false) => match self.collect(events, silence).await {
                Ok(whole) => {
                    answer::answer(whole, &reply, &stamp).map_err(|error| fault_of(error.into()))
                }
                Err(fault) => Err(fault),
            },
            (Opened::Whole(whole), false) => {
                answer::answer(whole, &reply, &stamp).map_err(|error| fault_of(error.into()))
            }
        };
        match answered {
            Ok(Answered {
                completion,
                usage,
                losses,
            }) => {
                let facts = LateFacts {
                    usage,
                    failed: None,
                    losses,
                };
                reply::whole(&completion, facts, report, dress)
            }
            Err(fault) => problem_response(fault.problem(), report, dress),
        }
    }

    /// Asks, and once more if the first attempt got nowhere and there is time. The silence goes on through both.
    async fn open(
        &self,
        delivery: Delivery,
        silence: Silence,
        retries: &mut u32,
    ) -> Result<Opened, Fault> {
        loop {
            let failure = match self.attempt(delivery, silence).await {
                Ok(opened) => return Ok(opened),
                Err(failure) => failure,
            };
            let wait = Duration::from_secs(failure.fault.retry_after.unwrap_or(0));
            let in_time = self
                .patience
                .is_none_or(|patience| self.began.elapsed() + wait < patience / 2);
            if *retries > 0 || !failure.is_retryable || wait > LONGEST_RETRY_WAIT || !in_time {
                return Err(failure.fault);
            }
            *retries += 1;
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, delivery: Delivery, silence: Silence) -> Result<Opened, Failure> {
        let model = &self.shared.settings.model;
        let connection = &self.shared.connection;
        if self.asks_for_stream(delivery) {
            let asking = connection.stream(model, self.body.clone());
            let events = silence.bound(asking).await??;
            Ok(Opened::Stream(events))
        } else {
            let asking = connection.whole(model, self.body.clone());
            let response = silence.bound(asking).await??;
            Whole::try_from(response)
                .map(Opened::Whole)
                .map_err(|error| FaultKind::from(error).into())
        }
    }

    /// Reads a whole stream for a caller who did not ask for one.
    async fn collect(&self, mut events: Events, mut silence: Silence) -> Result<Whole, Fault> {
        let mut collector = Collector::new(LARGEST_WHOLE);
        loop {
            let event = silence.bound(events.next()).await?;
            let event = event.map_err(|failure| failure.fault)?;
            let Some(event) = event else { break };
            silence.ended();
            if is_content(&event) {
                silence.allow(self.idle());
            }
            let is_last = matches!(event, Event::Metadata { .. });
            collector.push(event).map_err(FaultKind::from)?;
            if is_last {
                break;
            }
        }
        collector.finish().map_err(|error| fault_of(error.into()))
    }

    fn asks_for_stream(&self, delivery: Delivery) -> bool {
        self.shared.streams && (delivery.is_stream() || self.shared.settings.stream_always)
    }

    /// The silence that began with the request. Where nothing is heard before the whole answer, it may be longer.
    fn silence(&self, delivery: Delivery) -> Silence {
        let limit = if self.asks_for_stream(delivery) {
            self.idle()
        } else {
            self.idle() * WHOLE_ANSWER_LIMITS
        };
        Silence::since(self.began, self.patience.unwrap_or(limit))
    }

    fn idle(&self) -> Duration {
        self.shared.connection.idle_timeout()
    }
}

/// Reads a stream up to its first content.
async fn first_content(
    mut events: Events,
    mut streamer: Streamer,
    silence: &mut Silence,
) -> Result<body::Begun, Fault> {
    loop {
        let event = silence.bound(events.next()).await?;
        let event = event.map_err(|failure| failure.fault)?;
        silence.ended();
        let complete = match event {
            Some(event) => streamer.push(event).map_err(FaultKind::from)?,
            None => streamer.finish().map(|()| true).map_err(FaultKind::from)?,
        };
        if let Some(first) = streamer.take() {
            let events = (!complete).then_some(events);
            return Ok(body::Begun {
                first,
                events,
                streamer,
            });
        }
    }
}

fn is_content(event: &Event) -> bool {
    matches!(
        event,
        Event::BlockDelta {
            delta: Delta::Text(_) | Delta::ToolInput(_),
            ..
        }
    )
}

/// Gives a whole answer out as a stream.
fn replay(whole: Whole, mut streamer: Streamer) -> Result<body::Begun, Fault> {
    for event in whole.into_events() {
        streamer.push(event).map_err(FaultKind::from)?;
    }
    let first = streamer.take().ok_or(FaultKind::Garbage)?;
    Ok(body::Begun {
        first,
        events: None,
        streamer,
    })
}

fn fault_of(kind: FaultKind) -> Fault {
    kind.into()
}
