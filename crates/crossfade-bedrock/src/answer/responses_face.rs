//! Gives an answer as a response of the Responses API, whole or as its events.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use crossfade_openai::{
    chat::ToolKind,
    error::{self, AzureError},
    id::IdKind,
    responses::{
        Closing, ContentFilter, Echo, IncompleteReason, Mint, Outcome, ResponseBuilder, Usage,
    },
};
use serde_json::{Map, Value};

use super::{
    AnswerError, guardrail,
    stamp::{self, Stamp},
    step::{CallKind, End, FilterFindings, Finish, Step, Thought},
    thinking::SignedBlocks,
    usage,
    writer::{Face, Facts},
};
use crate::{
    responses::{SealedReasoning, Sealer},
    settings::Annotations,
};

/// What the face must know of the request.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of one request"
)]
pub(crate) struct Wanted {
    /// What the response repeats of it.
    pub(crate) echo: Echo,
    /// A stream is wanted, rather than the whole at once.
    pub(crate) streamed: bool,
    /// The reasoning's summary is to be shown.
    pub(crate) summary: bool,
    /// The reasoning is to be given in sealed form.
    pub(crate) encrypted: bool,
    /// Deltas of a stream are padded.
    pub(crate) obfuscated: bool,
    /// Marks ids, and seals reasoning.
    pub(crate) sealer: Option<Sealer>,
    /// The target's model, which alone can read its reasoning.
    pub(crate) model: String,
}

/// The state of one response.
#[derive(Debug)]
pub(crate) struct ResponsesFace {
    builder: Option<ResponseBuilder>,
    wanted: Wanted,
    annotations: Annotations,
    created: u64,
    began: Instant,
    calls: stamp::Mint,
    /// Bytes that may still come of a whole response.
    room: usize,
    /// Of a whole response: what it says, until it is known whether a filter blocked it.
    said: Vec<Step>,
    /// Reasoning that was not sealed yet.
    thinking: SignedBlocks,
    findings: FilterFindings,
    /// A filter looked at it.
    looked: bool,
    spoke: bool,
    body: Option<Bytes>,
    out: BytesMut,
}

// === impl ResponsesFace ===

impl ResponsesFace {
    /// Nothing yet; a whole response takes at most `limit` bytes of content.
    pub(crate) fn new(wanted: Wanted, stamp: &Stamp, limit: usize) -> Self {
        let mut ids = Ids {
            sealer: wanted.sealer.clone(),
            seed: stamp.seed,
            made: 0,
        };
        let created = stamp.head.created;
        let head = wanted.echo.head(ids.make(IdKind::Response), created);
        let mint = Mint::new(move |kind| ids.make(kind));
        let builder = if wanted.streamed {
            let noise = u64::from_le_bytes(*first_eight(&stamp.seed));
            ResponseBuilder::streamed(head, mint, wanted.obfuscated.then_some(noise))
        } else {
            ResponseBuilder::whole(head, mint)
        };
        Self {
            builder: Some(builder),
            wanted,
            annotations: stamp.annotations,
            created,
            began: Instant::now(),
            calls: stamp::Mint::new(stamp.seed),
            room: limit,
            said: Vec::new(),
            thinking: SignedBlocks::default(),
            findings: FilterFindings::default(),
            looked: stamp.guarded,
            spoke: false,
            body: None,
            out: BytesMut::new(),
        }
    }

    /// Keeps what a whole response says until its end is known.
    fn keep(&mut self, step: Step) -> Result<(), AnswerError> {
        let size = match &step {
            Step::Text(text)
            | Step::Refusal(text)
            | Step::CallInput { text, .. }
            | Step::Thought(
                Thought::Text(text)
                | Thought::Summary(text)
                | Thought::Signature(text)
                | Thought::Redacted(text)
                | Thought::Encrypted(text),
            ) => text.len(),
            Step::Call { name, .. } => name.len(),
            Step::Thought(Thought::Done)
            | Step::CallDone { .. }
            | Step::Logprobs(_)
            | Step::Citation(_)
            | Step::Filter(_)
            | Step::Lost(..)
            | Step::Tokens(_)
            | Step::End(_) => 0,
        };
        let room = self.room.checked_sub(size);
        self.room = room.ok_or(AnswerError::TooLarge)?;
        self.said.push(step);
        Ok(())
    }

    fn say(&mut self, step: Step) {
        if !matches!(step, Step::Thought(_)) {
            self.settle_reasoning();
        }
        let Some(builder) = &mut self.builder else {
            return;
        };
        match step {
            Step::Text(text) => builder.text(&text),
            Step::Refusal(text) => builder.refusal(&text),
            Step::Thought(thought) => self.think(thought),
            Step::Call {
                index,
                id,
                name,
                kind,
            } => {
                let id = id.unwrap_or_else(|| self.calls.call_id());
                let kind = match kind {
                    CallKind::Function => ToolKind::Function,
                    CallKind::Custom => ToolKind::Custom,
                };
                builder.call(index, kind, &id, &name);
            }
            Step::CallInput { index, text } => builder.call_input(index, &text),
            Step::CallDone { index } => builder.end_call(index),
            Step::Citation(annotation) => builder.annotation(annotation),
            // Of these, only the end says something, and it has its own way.
            Step::Logprobs(_)
            | Step::Filter(_)
            | Step::Lost(..)
            | Step::Tokens(_)
            | Step::End(_) => {}
        }
    }

    fn think(&mut self, thought: Thought) {
        let Some(builder) = &mut self.builder else {
            return;
        };
        // What the provider encrypted is sealed as it comes.
        if !matches!(thought, Thought::Encrypted(_)) {
            self.thinking.add(&thought);
        }
        builder.begin_reasoning();
        match thought {
            Thought::Text(text) | Thought::Summary(text) if self.wanted.summary => {
                builder.summary(&text);
            }
            Thought::Encrypted(theirs) if self.wanted.encrypted => {
                if let Some(sealer) = &self.wanted.sealer {
                    let sealed = sealer.seal_reasoning(&SealedReasoning::Encrypted(theirs));
                    builder.encrypted(sealed);
                }
            }
            Thought::Done => builder.end_reasoning_part(),
            Thought::Text(_)
            | Thought::Summary(_)
            | Thought::Signature(_)
            | Thought::Redacted(_)
            | Thought::Encrypted(_) => {}
        }
    }

    /// Before anything else is said: the reasoning so far, sealed, if the caller wants to send it back.
    fn settle_reasoning(&mut self) {
        if self.thinking.is_empty() {
            return;
        }
        let (blocks, _) = self.thinking.take();
        if let Some(sealer) = &self.wanted.sealer
            && let Some(builder) = &mut self.builder
            && self.wanted.encrypted
            && !blocks.is_empty()
        {
            let model = self.wanted.model.clone();
            let reasoning = SealedReasoning::Blocks { model, blocks };
            builder.encrypted(sealer.seal_reasoning(&reasoning));
        }
    }

    fn end(&mut self, end: End) {
        // A filter blocked it: what stands there instead is not the model's.
        let blocked = end.finish == Finish::Filtered && self.findings.blocked;
        for step in std::mem::take(&mut self.said) {
            if !(blocked && (step.is_content() || matches!(step, Step::Citation(_)))) {
                self.say(step);
            }
        }
        self.settle_reasoning();
        let content_filters = self.content_filters(end.finish);
        let Some(builder) = &mut self.builder else {
            return;
        };
        builder.close(Closing {
            outcome: match end.finish {
                Finish::Stop | Finish::Calls => Outcome::Completed,
                Finish::Length => Outcome::Incomplete(IncompleteReason::MaxOutputTokens),
                Finish::Filtered => Outcome::Incomplete(IncompleteReason::ContentFilter),
            },
            completed_at: self.created + self.began.elapsed().as_secs(),
            usage: end.usage.map(|usage| Usage::from(usage::counts(usage))),
            content_filters,
            service_tier: None,
        });
        if self.wanted.streamed {
            self.flush();
        } else if let Some(builder) = self.builder.take() {
            self.body = Some(builder.into_response().to_body());
        }
    }

    /// What filters found, by side; of a side that nobody looked at, that nobody did.
    fn content_filters(&mut self, finish: Finish) -> Option<Vec<ContentFilter>> {
        if self.annotations == Annotations::Absent {
            return None;
        }
        let findings = std::mem::take(&mut self.findings);
        let looked = self.looked;
        let side = |source: &str, found: Option<Map<String, Value>>, blocked| ContentFilter {
            blocked,
            source_type: source.to_owned(),
            content_filter_results: guardrail::shown(found, looked),
            ..ContentFilter::default()
        };
        let blocked = findings.blocked && finish == Finish::Filtered;
        Some(vec![
            side("prompt", findings.prompt, false),
            side("completion", findings.completion, blocked),
        ])
    }

    fn flush(&mut self) {
        if let Some(builder) = &mut self.builder {
            builder.write_events(&mut self.out);
        }
    }
}

impl Face for ResponsesFace {
    fn give(&mut self, step: Step, _: &mut Facts) -> Result<(), AnswerError> {
        self.spoke |= step.is_content();
        match step {
            Step::Filter(findings) => {
                self.looked = true;
                self.findings.merge(findings);
            }
            Step::End(end) => {
                self.spoke = true;
                self.end(end);
            }
            step if self.wanted.streamed => {
                self.say(step);
                if self.spoke {
                    self.flush();
                }
            }
            step => self.keep(step)?,
        }
        Ok(())
    }

    fn take(&mut self) -> Option<Bytes> {
        let body = self.body.take();
        body.or_else(|| (!self.out.is_empty()).then(|| self.out.split().freeze()))
    }

    fn fail(&mut self, error: &AzureError) -> Bytes {
        let detail = error::parse(&error.body).unwrap_or_default();
        let message = detail.message.unwrap_or_default();
        let kind = detail.kind.as_deref().unwrap_or("server_error");
        if let Some(builder) = &mut self.builder {
            builder.error(
                kind,
                detail.code.as_deref(),
                &message,
                detail.param.as_deref(),
            );
        }
        self.flush();
        self.out.split().freeze()
    }
}

/// Makes the ids of one response: random to the outside, a function of the seed for tests.
#[derive(Debug)]
struct Ids {
    sealer: Option<Sealer>,
    seed: [u8; 32],
    made: u64,
}

// === impl Ids ===

impl Ids {
    fn make(&mut self, kind: IdKind) -> String {
        let mut random = [0; 25];
        blake3::Hasher::new_derive_key("crossfade 2026 response id")
            .update(&self.seed)
            .update(&self.made.to_le_bytes())
            .finalize_xof()
            .fill(&mut random);
        self.made += 1;
        let bytes = match (&self.sealer, random.first_chunk::<13>()) {
            (Some(sealer), Some(fresh)) => sealer.mark(*fresh),
            (None, _) | (_, None) => random,
        };
        let mut id = kind.prefix().to_owned();
        for byte in bytes {
            for digit in [byte >> 4, byte & 15] {
                id.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        id
    }
}

fn first_eight(seed: &[u8; 32]) -> &[u8; 8] {
    const NONE: &[u8; 8] = &[0; 8];
    seed.first_chunk().unwrap_or(NONE)
}
