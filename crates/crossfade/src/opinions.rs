//! Opinions of models about compared pairs: a share of them is asked for after the comparison and before the verdict is told
//! on. Beside everything: what finds no room, or must end because the process does, goes on without.

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crossfade_compare::{Checks, ReadAnswer};
use crossfade_exchange::{Opinions, Preference, RouteId, Side, Verdict, VerdictClass};
use crossfade_judge::{CallError, EmbedError, Embedder, Judge, JudgeError, Judgement, Question};
use crossfade_statistics::Telling;
use futures_util::{FutureExt as _, StreamExt as _, future::join, stream::FuturesUnordered};
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::{
    config::RouteOpinions,
    review::Judged,
    telemetry::{Metrics, OpinionKind, OpinionOutcome},
    worker::Sink,
};

mod repeats;
mod rest;

use repeats::Repeated;
use rest::Rest;

/// Pairs that are asked about at once.
pub(crate) const AT_ONCE: usize = 16;
/// Pairs that may wait.
const QUEUE: usize = 512;
/// KiB of their bodies that may wait, in all.
const ROOM_KIB: usize = 64 << 10;
/// What of a request the judge is shown: what is asked, and in which form.
const SHOWN: [&str; 6] = [
    "instructions",
    "messages",
    "input",
    "tools",
    "response_format",
    "text",
];

/// Who is asked, and how often.
pub(crate) struct Panel {
    /// Makes embeddings.
    pub(crate) embedder: Option<Embedder>,
    /// Says which answer is better.
    pub(crate) judge: Option<Judge>,
    /// By route.
    pub(crate) routes: HashMap<RouteId, (Arc<Checks>, RouteOpinions)>,
    /// Where it counts.
    pub(crate) metrics: Arc<Metrics>,
    /// Which of them are left alone for a while.
    pub(crate) rests: Rests,
}

/// How the calls of each kind of model went.
#[derive(Debug, Default)]
pub(crate) struct Rests {
    similarity: Rest,
    judge: Rest,
}

/// The task that asks.
pub(crate) struct Asker {
    panel: Arc<Panel>,
    queue: mpsc::Receiver<Work>,
    sink: Sink,
}

/// A pair that models are asked about.
struct Work {
    judged: Judged,
    ask: Ask,
    _room: OwnedSemaphorePermit,
}

/// What is asked about one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wanted {
    similarity: bool,
    judge: bool,
}

/// The texts that models are shown.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ask {
    /// Both answers' texts, if their embeddings are wanted and both have some.
    similarity: Option<[String; 2]>,
    /// The request and both answers, if the judge is wanted.
    judge: Option<[String; 3]>,
    /// The texts of both sides and of those asked again, if their embeddings are wanted and all of them have some.
    repeated: Option<Repeated>,
}

// === impl Panel ===

impl fmt::Debug for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panel")
            .field("routes", &self.routes.keys())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").finish_non_exhaustive()
    }
}

impl Panel {
    /// Puts the panel before `sink`: what is compared goes to the sink that is given back, and on from there. The task ends when
    /// that is gone and everything was told.
    pub(crate) fn before(self, sink: Sink) -> (Sink, Asker) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let room = Arc::new(Semaphore::new(ROOM_KIB));
        let panel = Arc::new(self);
        let asker = Asker {
            panel: Arc::clone(&panel),
            queue,
            sink: Arc::clone(&sink),
        };
        let before: Sink = Arc::new(move |judged: Judged| {
            let wanted = panel.wanted(&judged, rand::random);
            if let Some(judged) = panel.enqueue(judged, wanted, &sender, &room) {
                sink(judged);
            }
        });
        (before, asker)
    }

    /// What falls to a pair by its route's shares. Only answers that can be compared are worth asking about.
    fn wanted(&self, judged: &Judged, mut draw: impl FnMut() -> f64) -> Wanted {
        let shares = self.routes.get(&judged.exchange.route).map(|(_, s)| *s);
        let comparable = is_comparable(&judged.verdict);
        let first = comparable && judged.telling == Telling::First;
        let again = comparable && judged.noise.as_ref().is_some_and(is_comparable);
        let mut falls = |share: f64| draw() * 100.0 < share;
        Wanted {
            similarity: self.embedder.is_some()
                && (first || again)
                && falls(shares.map_or(0.0, |s| s.similarity.percent())),
            judge: self.judge.is_some()
                && first
                && falls(shares.map_or(0.0, |s| s.judge.percent())),
        }
    }

    /// Takes a pair to be asked about; gives back what goes on at once.
    fn enqueue(
        &self,
        mut judged: Judged,
        wanted: Wanted,
        queue: &mpsc::Sender<Work>,
        room: &Arc<Semaphore>,
    ) -> Option<Judged> {
        let Some((checks, _)) = self.routes.get(&judged.exchange.route) else {
            return Some(judged);
        };
        let ask = Ask::of(&judged, wanted, checks);
        if ask == Ask::default() {
            return Some(judged);
        }
        if ask.repeated.is_none() && judged.verdict.class == Some(VerdictClass::Equal) {
            // Nobody needs to be asked whether the same is the same.
            let opinions = Opinions {
                cosine: ask.similarity.is_some().then_some(1.0),
                judge: ask.judge.is_some().then_some(Preference::Same),
            };
            judged.form(checks, opinions, false);
            return Some(judged);
        }
        let kib = u32::try_from(judged.exchange.held_bytes() / 1_024 + 1).unwrap_or(u32::MAX);
        let (Ok(room), Ok(place)) = (
            Arc::clone(room).try_acquire_many_owned(kib),
            queue.try_reserve(),
        ) else {
            self.count_unasked(&judged.exchange.route, &ask);
            return Some(judged);
        };
        place.send(Work {
            judged,
            ask,
            _room: room,
        });
        None
    }

    fn count_unasked(&self, route: &RouteId, ask: &Ask) {
        if ask.similarity.is_some() || ask.repeated.is_some() {
            self.count(route, OpinionKind::Similarity, OpinionOutcome::Full);
        }
        if ask.judge.is_some() {
            self.count(route, OpinionKind::Judge, OpinionOutcome::Full);
        }
    }

    fn count(&self, route: &RouteId, kind: OpinionKind, outcome: OpinionOutcome) {
        let handles = self.metrics.review(route.as_str());
        if let Some(counter) =
            handles.and_then(|handles| handles.opinions.at(kind.index(), outcome.index()))
        {
            counter.increment(1);
        }
    }

    /// Whether a model is left alone, which is counted.
    fn rests(&self, route: &RouteId, kind: OpinionKind) -> bool {
        let rests = self.rests.of(kind).rests(Instant::now());
        if rests {
            self.count(route, kind, OpinionOutcome::Resting);
        }
        rests
    }

    /// Learns how a call went.
    fn learn(&self, kind: OpinionKind, failed: Option<CallError>) {
        let rest = self.rests.of(kind);
        match failed {
            None => rest.answered(),
            Some(error) if rest.failed(error, Instant::now()) => {
                tracing::warn!(kind = kind.as_str(), %error, "opinions.model.left_alone");
            }
            Some(_) => {}
        }
    }

    async fn cosine(&self, route: &RouteId, texts: Option<&[String; 2]>) -> Option<f64> {
        let (embedder, [primary, candidate]) = (self.embedder.as_ref()?, texts?);
        if self.rests(route, OpinionKind::Similarity) {
            return None;
        }
        let found = embedder.cosine(primary, candidate).await;
        let outcome = match found {
            Ok(_) => OpinionOutcome::Given,
            Err(EmbedError::Empty) => OpinionOutcome::Unclear,
            Err(EmbedError::Full) => OpinionOutcome::Full,
            Err(EmbedError::Closed | EmbedError::Call(_)) => OpinionOutcome::Failed,
        };
        match found {
            Ok(_) | Err(EmbedError::Empty) => self.learn(OpinionKind::Similarity, None),
            Err(EmbedError::Call(error)) => self.learn(OpinionKind::Similarity, Some(error)),
            Err(EmbedError::Full | EmbedError::Closed) => {}
        }
        if let Err(error) = found {
            tracing::debug!(%route, %error, "opinions.similarity.failed");
        }
        self.count(route, OpinionKind::Similarity, outcome);
        found.ok()
    }

    async fn judgement(&self, route: &RouteId, texts: Option<&[String; 3]>) -> Option<Judgement> {
        let (judge, [request, primary, candidate]) = (self.judge.as_ref()?, texts?);
        if self.rests(route, OpinionKind::Judge) {
            return None;
        }
        let question = Question {
            request,
            primary,
            candidate,
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        let found = judge.prefer(&question, now).await;
        let outcome = match found {
            Ok(judgement) if judgement.contradiction => OpinionOutcome::Contradiction,
            Ok(_) => OpinionOutcome::Given,
            Err(JudgeError::Busy) => OpinionOutcome::Full,
            Err(JudgeError::Money) => OpinionOutcome::Money,
            Err(JudgeError::Unclear) => OpinionOutcome::Unclear,
            Err(JudgeError::Call(_)) => OpinionOutcome::Failed,
        };
        match found {
            Ok(_) | Err(JudgeError::Unclear) => self.learn(OpinionKind::Judge, None),
            Err(JudgeError::Call(error)) => self.learn(OpinionKind::Judge, Some(error)),
            Err(JudgeError::Busy | JudgeError::Money) => {}
        }
        if let Err(error) = found {
            tracing::debug!(%route, %error, "opinions.judge.failed");
        }
        self.count(route, OpinionKind::Judge, outcome);
        let judgement = found.ok()?;
        if let (Some(handles), Some(usd)) =
            (self.metrics.review(route.as_str()), judgement.cost_usd)
        {
            handles.judge_cost.add(usd);
        }
        Some(judgement)
    }
}

/// Whether both answers are answers that say something to the request.
fn is_comparable(verdict: &Verdict) -> bool {
    match verdict.class {
        Some(
            VerdictClass::Equal
            | VerdictClass::Equivalent
            | VerdictClass::DifferentMinor
            | VerdictClass::DifferentMajor,
        ) => true,
        Some(
            VerdictClass::CandidateInvalid
            | VerdictClass::CandidateError
            | VerdictClass::PrimaryBad
            | VerdictClass::BothBad
            | VerdictClass::Incomparable,
        )
        | None => false,
    }
}

// === impl Rests ===

impl Rests {
    const fn of(&self, kind: OpinionKind) -> &Rest {
        match kind {
            OpinionKind::Similarity => &self.similarity,
            OpinionKind::Judge => &self.judge,
        }
    }
}

// === impl Asker ===

impl Asker {
    /// Asks until nothing comes any more. From `stop` on nobody is asked, and what waits goes on as it is.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let Self {
            panel,
            mut queue,
            sink,
        } = self;
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
                work = queue.recv(), if under_way.len() < AT_ONCE => match work {
                    Some(work) => under_way.push(
                        ask(Arc::clone(&panel), work, Arc::clone(&sink), stop.clone()).boxed(),
                    ),
                    None => break,
                },
            }
        }
        while under_way.next().await.is_some() {}
    }
}

/// Asks about one pair, forms its verdict anew, and tells it on.
async fn ask(panel: Arc<Panel>, work: Work, sink: Sink, stop: CancellationToken) {
    let Work {
        mut judged,
        ask,
        _room,
    } = work;
    let route = judged.exchange.route.clone();
    if let Some(texts) = &ask.repeated {
        return repeats::ask(&panel, &route, texts, (judged, sink), &stop).await;
    }
    let opinions = join(
        panel.cosine(&route, ask.similarity.as_ref()),
        panel.judgement(&route, ask.judge.as_ref()),
    );
    let (cosine, judgement) = tokio::select! {
        biased;
        () = stop.cancelled() => (None, None),
        opinions = opinions => opinions,
    };
    let opinions = Opinions {
        cosine,
        judge: judgement.map(|judgement| judgement.preference),
    };
    let contradicts = judgement.is_some_and(|judgement| judgement.contradiction);
    let checks = panel
        .routes
        .get(&route)
        .map(|(checks, _)| Arc::clone(checks));
    let (Some(checks), false) = (checks, opinions == Opinions::default()) else {
        return sink(judged);
    };
    let formed = tokio::task::spawn_blocking(move || {
        judged.form(&checks, opinions, contradicts);
        sink(judged);
    });
    if formed.await.is_err() {
        tracing::error!(%route, "opinions.comparison.panicked");
    }
}

// === impl Judged ===

impl Judged {
    /// Forms the verdict anew with what models said.
    fn form(&mut self, checks: &Checks, opinions: Opinions, contradicts: bool) {
        self.verdict = checks.compare_with(&self.exchange, &opinions);
        self.opinions = opinions;
        self.judge_contradicts = contradicts;
    }
}

// === impl Ask ===

impl Ask {
    fn of(judged: &Judged, wanted: Wanted, checks: &Checks) -> Self {
        if !wanted.similarity && !wanted.judge {
            return Self::default();
        }
        let exchange = &judged.exchange;
        if judged.noise.is_some() {
            return Self {
                repeated: Repeated::of(exchange, checks),
                ..Self::default()
            };
        }
        let read = |side: Side| {
            let recording = exchange.recording(side)?;
            checks
                .read(exchange.operation, &exchange.request, recording)
                .ok()
        };
        let (Some(primary), Some(candidate)) = (read(Side::Primary), read(Side::Candidate)) else {
            return Self::default();
        };
        let texts = [&primary.text, &candidate.text];
        let similarity = wanted.similarity && texts.iter().all(|text| !text.trim().is_empty());
        Self {
            similarity: similarity.then(|| texts.map(Clone::clone)),
            repeated: None,
            judge: wanted
                .judge
                .then(|| {
                    Some([
                        shown(&exchange.request)?,
                        whole(&primary),
                        whole(&candidate),
                    ])
                })
                .flatten(),
        }
    }
}

/// What the judge is shown of a request.
fn shown(request: &[u8]) -> Option<String> {
    let Value::Object(request) = serde_json::from_slice(request).ok()? else {
        return None;
    };
    let part: Map<String, Value> = request
        .into_iter()
        .filter(|(key, _)| SHOWN.contains(&key.as_str()))
        .collect();
    (!part.is_empty()).then(|| Value::Object(part).to_string())
}

/// An answer with the tools it calls.
fn whole(answer: &ReadAnswer) -> String {
    let mut text = answer.text.clone();
    if let Some(refusal) = &answer.refusal {
        text.push_str(refusal);
    }
    for call in &answer.calls {
        text.push_str("\n[calls the tool ");
        text.push_str(&call.name);
        text.push_str(" with ");
        text.push_str(&call.arguments);
        text.push(']');
    }
    text
}

#[cfg(test)]
mod tests;
