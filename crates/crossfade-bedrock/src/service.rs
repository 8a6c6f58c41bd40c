//! The candidate as a tower service: a request on the caller's wire in, an answer on the caller's wire out.
//!
//! The future resolves with the first content, not with the head, so that an early failure is a real error that the
//! other side can answer instead. Nothing is spawned: a body that is dropped drops the provider's stream with it.

mod body;
mod frames;
mod reply;
mod silence;
mod stored;

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
    BoxError, Face, Failover, LateFacts, Loss, Operation, Patience, Role, SideReport, SideRequest,
    SideResponse, Unsupported,
};
use crossfade_openai::{chat, error::AzureError, id, path, scan};
use tokio::time::Instant;
use tower::Service;

use crate::{
    answer::{Fault, FaultKind, Problem, Progress, Stamp, Writer},
    embeddings::load_vocabulary,
    fetch::{Fetcher, Room},
    prepare::{Ask, LARGEST_COPY, LARGEST_WHOLE, no_such_operation, prepare},
    responses,
    sdk::{Connection, Failure},
    settings::{Api, CandidateSettings, Store},
    thoughts::Thoughts,
    translate::Purpose,
};
use frames::Frames;
use reply::{Dress, problem_response};
use silence::Silence;

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
    /// For answers that are only compared: nothing is kept of them.
    of_shadows: CandidateSettings,
    streams: bool,
    thoughts: Arc<Thoughts>,
    fetcher: Option<Fetcher>,
}

// === impl Candidate ===

impl Candidate {
    /// A route's candidate over a connection that routes may share.
    pub fn new(connection: Connection, settings: CandidateSettings) -> Self {
        let streams = settings.resolved_capabilities().streams;
        let fetcher = settings.fetch.clone().map(Fetcher::new);
        if settings.api == Api::Invoke {
            load_vocabulary();
        }
        let of_shadows = CandidateSettings {
            store: Store::Unstored,
            ..settings.clone()
        };
        Self {
            shared: Arc::new(Shared {
                fetcher,
                connection,
                settings,
                of_shadows,
                streams,
                thoughts: Arc::default(),
            }),
        }
    }

    /// Whether answers are asked for as streams even if the caller did not: if not, silence says nothing, and the
    /// patience given must cover a whole answer.
    pub fn always_streams(&self) -> bool {
        let settings = &self.shared.settings;
        // Vectors come whole.
        settings.api != Api::Invoke && self.shared.streams && settings.stream_always
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
        // On paths without a deployment the body names it.
        let named = |body| scan::scan(body).ok().and_then(|scan| scan.model);
        let deployment = target.as_ref().and_then(|target| target.deployment.clone());
        let deployment = deployment.or_else(|| named(request.body()));
        let dress = Dress {
            deployment,
            region: face.region.clone(),
        };
        if let Some(stored) = self.stored(target.as_ref(), &request) {
            return self.look_up(stored, &request, face, patience, &dress).await;
        }
        // What was fetched takes up room until the answer has begun.
        let (operation, body, fetched, _room) = match self.read(target, request.body()).await {
            Ok(read) => read,
            Err(problem) => return problem_response(problem, SideReport::default(), &dress),
        };
        let purpose = Purpose::Ask(Some(&*self.thoughts));
        let (settings, largest) = match request.extensions().get::<Role>() {
            Some(Role::Shadow | Role::Repeat) => (&self.of_shadows, LARGEST_COPY),
            Some(Role::Answering) | None => (&self.settings, LARGEST_WHOLE),
        };
        let mut prepared = match prepare(operation, &body, settings, purpose) {
            Ok(prepared) => prepared,
            Err(unsupported) => {
                return problem_response(refusal(&unsupported), SideReport::default(), &dress);
            }
        };
        prepared.losses.extend(fetched);
        let streamed = prepared.delivery.is_stream();
        let report = SideReport {
            losses: prepared.losses.as_slice().into(),
            ..SideReport::default()
        };
        let stamp = self.stamp(face, &dress);
        let (ask, writer) = prepared.into_parts(stamp, &self.thoughts, largest);
        let call = Call {
            shared: self,
            ask,
            streamed,
            patience,
            began,
        };
        call.answer(writer, report, &dress).await
    }

    /// What is asked for, with everything in its body that it names by URL. What the candidate never kept is said not to be
    /// there: nobody else can know.
    async fn read(
        &self,
        target: Option<path::Target>,
        body: &Bytes,
    ) -> Result<(Operation, Bytes, Vec<Loss>, Room), Problem> {
        let answer = |error| Problem {
            error,
            failover: None,
        };
        let operation = target.as_ref().map(|target| target.operation);
        let operation = match operation {
            Some(path::Operation::ChatCompletions) => Operation::Chat,
            Some(path::Operation::Embeddings) => Operation::Embeddings,
            Some(path::Operation::Responses) => Operation::Responses,
            Some(path::Operation::StoredResponse) => {
                let id = target
                    .and_then(|target| target.response)
                    .unwrap_or_default();
                return Err(answer(responses::no_such_response(&id)));
            }
            Some(
                path::Operation::Completions
                | path::Operation::CountInput
                | path::Operation::Compact
                | path::Operation::Models
                | path::Operation::Other,
            )
            | None => return Err(refusal(&no_such_operation())),
        };
        if operation == Operation::Responses
            && let Some(missing) = responses::missing_in(body, &self.settings)
        {
            return Err(answer(missing.error()));
        }
        let inlined = match &self.fetcher {
            None => None,
            Some(fetcher) => fetcher.inline(body).await.map_err(|error| Problem {
                error: error.error(),
                failover: Some(error.failure.failover()),
            })?,
        };
        Ok(match inlined {
            Some((body, losses, room)) => (operation, body, losses, room),
            None => (operation, body.clone(), Vec::new(), Room::default()),
        })
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
            guarded: false,
            seed,
        }
    }
}

/// A request that should never have come here: eligibility says the same of it, beforehand.
fn refusal(unsupported: &Unsupported) -> Problem {
    let message = format!("Unsupported value or parameter: '{}'.", unsupported.field);
    let error = AzureError::invalid_request(
        &message,
        Some(&unsupported.field),
        Some("unsupported_parameter"),
    );
    Problem {
        error,
        failover: Some(Failover::Configuration),
    }
}

/// One request on its way.
struct Call<'a> {
    shared: &'a Shared,
    ask: Ask,
    /// The caller wants a stream.
    streamed: bool,
    patience: Option<Duration>,
    began: Instant,
}

// === impl Call ===

impl Call<'_> {
    async fn answer(
        &self,
        mut writer: Box<dyn Writer>,
        mut report: SideReport,
        dress: &Dress,
    ) -> SideResponse {
        let mut silence = self.silence();
        let opened = self.open(silence, &mut report.retries).await;
        let begun = match opened {
            Ok(frames) => self.first(frames, writer.as_mut(), &mut silence).await,
            Err(fault) => Err(fault),
        };
        match begun {
            Ok((first, frames)) if self.streamed => {
                let begun = body::Begun {
                    first,
                    frames,
                    writer,
                };
                reply::streaming(begun, report, self.idle(), dress)
            }
            Ok((whole, _)) => {
                let facts = writer.facts();
                let late = LateFacts {
                    usage: facts.usage,
                    failed: None,
                    losses: facts.losses,
                };
                reply::whole(whole, late, report, dress)
            }
            Err(fault) => {
                let facts = writer.facts();
                let late = LateFacts {
                    usage: facts.usage,
                    failed: None,
                    losses: facts.losses,
                };
                drop(report.late.set(late));
                problem_response(fault.problem(), report, dress)
            }
        }
    }

    /// Asks, and once more if the first attempt got nowhere and there is time. The silence goes on through both.
    async fn open(&self, silence: Silence, retries: &mut u32) -> Result<Frames, Fault> {
        loop {
            let failure = match self.attempt(silence).await {
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

    async fn attempt(&self, silence: Silence) -> Result<Frames, Failure> {
        let model = &self.shared.settings.model;
        let connection = &self.shared.connection;
        match &self.ask {
            Ask::Converse {
                body,
                streams: true,
            } => {
                let asking = connection.stream(model, body.clone());
                Ok(Frames::Converse(silence.bound(asking).await??))
            }
            Ask::Converse {
                body,
                streams: false,
            } => {
                let asking = connection.whole(model, body.clone());
                Frames::of_response(silence.bound(asking).await??)
            }
            Ask::Compatible {
                call,
                streams: true,
            } => {
                let asking = connection.gateway().stream(call);
                Ok(Frames::Compatible(silence.bound(asking).await??))
            }
            Ask::Compatible {
                call,
                streams: false,
            } => {
                let asking = connection.gateway().whole(call);
                Ok(Frames::of_body(silence.bound(asking).await??))
            }
            Ask::Invoke(calls) => {
                let asking = calls.make(|body| connection.invoke(model, body));
                Ok(Frames::of_calls(silence.bound(asking).await??))
            }
        }
    }

    /// Reads up to what can be given first: a stream's first content, or the whole.
    async fn first(
        &self,
        mut frames: Frames,
        writer: &mut dyn Writer,
        silence: &mut Silence,
    ) -> Result<(Bytes, Option<Frames>), Fault> {
        loop {
            let frame = silence.bound(frames.next()).await?;
            let frame = frame.map_err(|failure| failure.fault)?;
            silence.ended();
            let progress = match frame {
                Some(frame) => writer.push(frame).map_err(FaultKind::from)?,
                None => {
                    writer.finish().map_err(FaultKind::from)?;
                    Progress::Complete
                }
            };
            let complete = progress == Progress::Complete;
            if let Some(first) = writer.take() {
                return Ok((first, (!complete).then_some(frames)));
            }
            match progress {
                Progress::Waiting => {}
                // The answer has begun: from here on its own pace counts.
                Progress::Speaking => silence.allow(self.idle()),
                Progress::Complete => return Err(FaultKind::Garbage.into()),
            }
        }
    }

    fn asks_for_stream(&self) -> bool {
        match &self.ask {
            Ask::Converse { streams, .. } | Ask::Compatible { streams, .. } => *streams,
            Ask::Invoke(_) => false,
        }
    }

    /// The silence that began with the request. Where nothing is heard before the whole answer, it may be longer.
    fn silence(&self) -> Silence {
        let limit = if self.asks_for_stream() {
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
