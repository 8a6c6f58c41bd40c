//! What becomes of a request, by operation and the API that a route's candidate is asked on: what is sent, what is lost, and
//! who translates the answer. [`eligibility`] is this with its result thrown away, so the two cannot disagree.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use bytes::Bytes;
use crossfade_exchange::{
    Allowance, IneligibleReason, Loss, LossPolicy, MirrorOnlyReason, Operation, Unsupported,
};
use crossfade_openai::responses::Echo;
use serde_json::Value;

use crate::{
    answer::{
        ChatStream, ChatWhole, ConverseReader, Delivery, Reader, Reply, ResponsesFace, Shape,
        Stamp, Translated, Wanted, Writer,
    },
    compatible::{
        self, Asked, AskedResponses, Call, Carried, ChatReader, Passage, ResponsesReader,
    },
    embeddings::{self, EmbeddingsWriter, Expected, Invocations},
    fetch,
    responses::{self, ToChat},
    settings::{Api, CandidateSettings, Misconduct},
    thoughts::Thoughts,
    translate::{self, Purpose, Recall, Translation},
};

/// The most bytes of an answer that is given whole.
pub(crate) const LARGEST_WHOLE: usize = 32 << 20;
/// The same of a copy's answer, which nobody waits for and which is one of many at a time: a million tokens.
pub(crate) const LARGEST_COPY: usize = 4 << 20;

/// A request, ready to be sent.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// What is sent.
    pub(crate) ask: Ask,
    /// What was lost on the way.
    pub(crate) losses: Vec<Loss>,
    /// In which form the caller wants the answer.
    pub(crate) delivery: Delivery,
    /// What makes the answer's writer.
    plan: Plan,
}

/// What is sent.
#[derive(Debug)]
pub(crate) enum Ask {
    /// To Converse: its body. `streams`: as a stream, whatever the caller wants.
    Converse {
        /// The body.
        body: Bytes,
        /// Whether a stream is asked for.
        streams: bool,
    },
    /// To an OpenAI-compatible endpoint.
    Compatible {
        /// The call.
        call: Call,
        /// Whether a stream is asked for.
        streams: bool,
    },
    /// In the model's own form, each call by itself.
    Invoke(Invocations),
}

/// What is known of the answer before it comes.
#[derive(Debug)]
enum Plan {
    /// By way of steps.
    Steps {
        source: Source,
        reply: Box<Reply>,
        /// The caller speaks the Responses API.
        wanted: Option<Box<Wanted>>,
        guarded: bool,
        misconduct: Misconduct,
    },
    /// From one endpoint of a wire to another, which keeps what it answers.
    Carried(Box<Carried>),
    /// Vectors.
    Embeddings(Expected),
}

/// On which wire an answer comes that is read into steps.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// Converse.
    Converse,
    /// Chat completions. `inline`: reasoning may stand within the text.
    Chat { inline: bool },
    /// Responses.
    Responses,
}

/// Prepares a request. The purpose brings the store that earlier turns' thinking is taken from; the question of eligibility
/// has none.
///
/// # Errors
/// Names the field that cannot be mapped, or that the primary itself would refuse.
pub(crate) fn prepare(
    operation: Operation,
    body: &[u8],
    settings: &CandidateSettings,
    purpose: Purpose<'_>,
) -> Result<Prepared, Unsupported> {
    match (operation, settings.api) {
        (Operation::Chat, Api::Converse) => {
            let asked = translate::read(body)?;
            let translation = translate::request(asked, settings, purpose)?;
            converse(translation, settings)
        }
        (Operation::Chat, Api::OpenaiChat) => {
            let asked = compatible::prepare_chat(body, settings)?;
            Ok(chat(asked, settings))
        }
        (Operation::Embeddings, Api::Invoke) => {
            let asked = embeddings::prepare(body, settings)?;
            Ok(Prepared {
                ask: Ask::Invoke(Invocations::new(asked.calls)),
                losses: asked.losses,
                delivery: Delivery::Whole,
                plan: Plan::Embeddings(asked.expected),
            })
        }
        (Operation::Chat, Api::OpenaiResponses) => by_way_of_responses(body, settings, purpose),
        (Operation::Responses, Api::Converse | Api::OpenaiChat) => {
            by_way_of_chat(body, settings, purpose)
        }
        (Operation::Responses, Api::OpenaiResponses) => responses_as_they_are(body, settings),
        (Operation::Chat | Operation::Responses, Api::Invoke)
        | (Operation::Embeddings, Api::Converse | Api::OpenaiChat | Api::OpenaiResponses) => {
            Err(no_such_operation())
        }
    }
}

/// What may become of a request, by the request alone: the pure decision before assignment.
///
/// # Errors
/// Names the field that cannot be mapped, or whose loss the route's policy refuses.
pub fn eligibility(
    operation: Operation,
    body: &[u8],
    settings: &CandidateSettings,
) -> Result<Allowance, Unsupported> {
    let stateful = match operation {
        Operation::Chat | Operation::Embeddings => Allowance::Either,
        Operation::Responses => responses::allowance(&responses::read(body)?, settings)?,
    };
    if stateful == Allowance::CandidateOnly {
        return Ok(stateful);
    }
    let inlined = match &settings.fetch {
        None => None,
        Some(fetch) => fetch::placeholders(body, fetch).map_err(|error| Unsupported {
            field: error.field,
            why: Cow::Owned(error.failure.to_string()),
            reason: IneligibleReason::Unsupported,
        })?,
    };
    let (body, fetched) = match &inlined {
        Some((body, losses, _)) => (body.as_ref(), losses.as_slice()),
        None => (body, [].as_slice()),
    };
    let mut losses = prepare(operation, body, settings, Purpose::Judge)?.losses;
    losses.extend_from_slice(fetched);
    match settings.losses.strictest(&losses) {
        // The vectors that callers compare with are another model's, unless the configuration says otherwise.
        None | Some((LossPolicy::Allow | LossPolicy::MirrorOnly, _))
            if operation == Operation::Embeddings && !settings.index_rebuilt =>
        {
            Ok(Allowance::MirrorOnly(MirrorOnlyReason::Embeddings))
        }
        None | Some((LossPolicy::Allow, _)) => Ok(stateful),
        Some((LossPolicy::MirrorOnly, _)) => Ok(Allowance::MirrorOnly(MirrorOnlyReason::Loss)),
        Some((LossPolicy::Refuse, loss)) => Err(Unsupported {
            field: loss.field.clone(),
            why: Cow::Owned(format!(
                "the route's policy refuses this loss: {}",
                loss.kind.as_str()
            )),
            reason: IneligibleReason::Unsupported,
        }),
    }
}

fn converse(
    translation: Translation,
    settings: &CandidateSettings,
) -> Result<Prepared, Unsupported> {
    let Translation {
        request,
        losses,
        reply,
        stream,
    } = translation;
    let body = serde_json::to_vec(&request).map_err(|_| unwritable())?;
    Ok(Prepared {
        ask: Ask::Converse {
            body: body.into(),
            streams: stream,
        },
        losses,
        delivery: reply.delivery,
        plan: Plan::by_steps(Source::Converse, reply, settings),
    })
}

fn chat(asked: Asked, settings: &CandidateSettings) -> Prepared {
    let Asked {
        call,
        streams,
        losses,
        reply,
        inline_reasoning,
    } = asked;
    let source = Source::Chat {
        inline: inline_reasoning,
    };
    Prepared {
        ask: Ask::Compatible { call, streams },
        losses,
        delivery: reply.delivery,
        plan: Plan::by_steps(source, reply, settings),
    }
}

/// A request of the Responses API as one for a chat completion, whose answer is given as a response.
fn by_way_of_chat(
    body: &[u8],
    settings: &CandidateSettings,
    purpose: Purpose<'_>,
) -> Result<Prepared, Unsupported> {
    let request = responses::read(body)?;
    let wanted = wanted(&request, settings);
    let ToChat {
        request,
        mut losses,
        recalled,
        paths,
    } = responses::to_chat(request, settings)?;
    let sent = match purpose {
        Purpose::Judge => None,
        Purpose::Ask(kept) => Some(SentBack { recalled, kept }),
    };
    let purpose = sent
        .as_ref()
        .map_or(Purpose::Judge, |sent| Purpose::Ask(Some(sent)));
    let prepared = if settings.api == Api::Converse {
        let translation = translate::request(request, settings, purpose);
        translation.and_then(|translation| converse(translation, settings))
    } else {
        let body = serde_json::to_vec(&request).map_err(|_| unwritable())?;
        prepare(Operation::Chat, &body, settings, purpose)
    };
    let mut prepared = prepared.map_err(|refusal| paths.refusal(refusal))?;
    losses.extend(prepared.losses.into_iter().map(|loss| paths.loss(loss)));
    prepared.losses = losses;
    match &mut prepared.plan {
        Plan::Steps { wanted: face, .. } => *face = Some(Box::new(wanted)),
        Plan::Carried(_) | Plan::Embeddings(_) => return Err(no_such_operation()),
    }
    Ok(prepared)
}

/// The thinking that the caller itself sent back, and beside it what is kept here.
struct SentBack<'a> {
    recalled: HashMap<String, Vec<Value>>,
    kept: Option<&'a dyn Recall>,
}

impl Recall for SentBack<'_> {
    fn before(&self, call: &str) -> Option<Vec<Value>> {
        let sent = self.recalled.get(call).cloned();
        sent.or_else(|| self.kept?.before(call))
    }
}

/// What the face of a response must know of its request.
fn wanted(request: &responses::Request, settings: &CandidateSettings) -> Wanted {
    let reasoning = request.reasoning.as_ref();
    Wanted {
        echo: Echo::of(request, request.model.as_deref().unwrap_or_default()),
        streamed: request.is_stream(),
        summary: reasoning.is_some_and(|reasoning| reasoning.summary().is_some()),
        encrypted: request.includes_encrypted_reasoning(),
        obfuscated: request.is_obfuscated(),
        sealer: settings.sealer.clone(),
        model: settings.model.clone(),
    }
}

/// A request for a chat completion as one of the Responses API, for a target that speaks nothing else.
fn by_way_of_responses(
    body: &[u8],
    settings: &CandidateSettings,
    purpose: Purpose<'_>,
) -> Result<Prepared, Unsupported> {
    let request = translate::read(body)?;
    let delivery = if request.is_stream() {
        Delivery::Stream {
            include_usage: request.includes_usage(),
        }
    } else {
        Delivery::Whole
    };
    let kept = match purpose {
        Purpose::Judge => None,
        Purpose::Ask(kept) => kept,
    };
    let thoughts = |call: &str| kept?.before(call);
    let from_chat = responses::from_chat(request, settings, &thoughts)?;
    let name = from_chat.namer();
    let asked = compatible::ask_responses(from_chat.request, settings).map_err(|mut refusal| {
        refusal.field = name(&refusal.field);
        refusal
    })?;
    let mut losses = from_chat.losses;
    losses.extend(
        asked
            .losses
            .iter()
            .map(|loss| Loss::new(loss.kind, name(&loss.field))),
    );
    let mut prepared = of_responses(asked, settings, None);
    prepared.losses = losses;
    prepared.delivery = delivery;
    if let Plan::Steps { reply, .. } = &mut prepared.plan {
        reply.delivery = delivery;
        reply.functions = from_chat.functions;
    }
    Ok(prepared)
}

fn of_responses(
    asked: AskedResponses,
    settings: &CandidateSettings,
    wanted: Option<Box<Wanted>>,
) -> Prepared {
    let AskedResponses {
        call,
        streams,
        losses,
        reply,
    } = asked;
    let delivery = reply.delivery;
    let mut plan = Plan::by_steps(Source::Responses, reply, settings);
    if let Plan::Steps { wanted: face, .. } = &mut plan {
        *face = wanted;
    }
    Prepared {
        ask: Ask::Compatible { call, streams },
        losses,
        delivery,
        plan,
    }
}

/// A request of the Responses API for the endpoint of the same API. What that endpoint keeps is carried over with its own ids,
/// sealed; anything else is told in steps.
fn responses_as_they_are(
    body: &[u8],
    settings: &CandidateSettings,
) -> Result<Prepared, Unsupported> {
    let request = responses::read(body)?;
    let is_kept = request.is_stored() && responses::keeps_state(settings);
    let wanted = wanted(&request, settings);
    let asked = compatible::ask_responses(request, settings)?;
    if !is_kept {
        return Ok(of_responses(asked, settings, Some(Box::new(wanted))));
    }
    let sealer = wanted.sealer.ok_or_else(no_such_operation)?;
    Ok(Prepared {
        ask: Ask::Compatible {
            call: asked.call,
            streams: asked.streams,
        },
        losses: asked.losses,
        delivery: asked.reply.delivery,
        plan: Plan::Carried(Box::new(Carried {
            echo: wanted.echo,
            streamed: wanted.streamed,
            encrypted: wanted.encrypted,
            sealer,
            annotations: settings.annotations,
        })),
    })
}

fn unwritable() -> Unsupported {
    Unsupported {
        field: "(body)".to_owned(),
        why: Cow::Borrowed("cannot be written"),
        reason: IneligibleReason::Unsupported,
    }
}

/// The candidate is asked for what its API does not do.
pub(crate) fn no_such_operation() -> Unsupported {
    Unsupported {
        field: String::new(),
        why: Cow::Borrowed("the candidate's API has no such operation"),
        reason: IneligibleReason::Operation,
    }
}

// === impl Plan ===

impl Plan {
    fn by_steps(source: Source, reply: Reply, settings: &CandidateSettings) -> Self {
        let guardrail = settings.guardrail.as_ref();
        Self::Steps {
            source,
            reply: Box::new(reply),
            wanted: None,
            guarded: guardrail.is_some(),
            misconduct: guardrail
                .map(|guardrail| guardrail.misconduct)
                .unwrap_or_default(),
        }
    }
}

// === impl Prepared ===

impl Prepared {
    /// Takes the prepared request apart: what is sent, and who writes its answer, which holds at most `largest` bytes of one that is
    /// given whole.
    pub(crate) fn into_parts(
        self,
        mut stamp: Stamp,
        thoughts: &Arc<Thoughts>,
        largest: usize,
    ) -> (Ask, Box<dyn Writer>) {
        let writer: Box<dyn Writer> = match self.plan {
            Plan::Steps {
                source,
                reply,
                wanted,
                guarded,
                misconduct,
            } => {
                stamp.guarded = guarded;
                let shape = Shape::new(Reply::clone(&reply), stamp.seed, guarded, misconduct);
                let reader: Box<dyn Reader> = match source {
                    Source::Converse => Box::new(ConverseReader::new(shape)),
                    Source::Chat { inline } => Box::new(ChatReader::new(shape, inline)),
                    Source::Responses => Box::new(ResponsesReader::new(shape)),
                };
                let thoughts = Some(Arc::clone(thoughts));
                if let Some(wanted) = wanted {
                    let face = ResponsesFace::new(*wanted, &stamp, largest);
                    Box::new(Translated::new(reader, face, thoughts))
                } else if reply.delivery.is_stream() {
                    let face = ChatStream::new(&reply, stamp);
                    Box::new(Translated::new(reader, face, thoughts))
                } else {
                    let face = ChatWhole::new(&reply, stamp, largest);
                    Box::new(Translated::new(reader, face, thoughts))
                }
            }
            Plan::Carried(carried) => Box::new(Passage::new(*carried)),
            Plan::Embeddings(expected) => {
                Box::new(EmbeddingsWriter::new(expected, stamp.head.model))
            }
        };
        (self.ask, writer)
    }
}
