//! A whole answer: from the target's pieces to the caller's completion. Also what both ways of answering share: the
//! judgement of how an answer ended, and new ids.

use crossfade_exchange::{Loss, LossKind, Usage};
use crossfade_openai::{
    chat::{self, AnswerMessage, Completion, FinishReason, ToolCall, content_filter_not_run},
    id,
};
use serde_json::Value;

use super::{
    Reply,
    fences::Unfence,
    stop::{self, Meaning},
    usage,
};
use crate::{
    converse::{Block, Delta, Event, Guarded, Response, Start, TokenUsage},
    settings::Annotations,
};

mod collect;

pub(crate) use collect::Collector;

/// What an answer shows of its maker: all of it the primary's face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Id, time, model and fingerprint.
    pub(crate) head: chat::Head,
    /// What is said of content filters.
    pub(crate) annotations: Annotations,
    /// Random bytes that new ids are made from.
    pub(crate) seed: [u8; 32],
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    /// The answer holds no message.
    #[error("the answer holds no message")]
    Missing,
    /// The model's output is malformed by the provider's own word.
    #[error("the model's output is malformed")]
    Malformed,
    /// It ended for a reason that is not known, and nothing was said.
    #[error("the answer ended for an unknown reason with nothing said")]
    UnknownEnd,
    /// The stream ended before its message did.
    #[error("the stream ended before its message did")]
    Unfinished,
    /// It is larger than the limit.
    #[error("the answer is over the limit")]
    TooLarge,
    /// A guardrail blocked the prompt: an answer of its own kind.
    #[error("a guardrail blocked the prompt")]
    PromptBlocked,
    /// The conversation fills the model's context: an answer of its own kind.
    #[error("the conversation is longer than the model takes")]
    ContextFull,
}

/// A whole answer of the target.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Whole {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) stop_reason: String,
    pub(crate) usage: Option<TokenUsage>,
    pub(crate) guarded: Option<Guarded>,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text.
    Text(String),
    /// A tool call.
    Call {
        /// The tool, by the target's name.
        name: String,
        /// The arguments as JSON text.
        arguments: String,
    },
    /// Something that has no place on the caller's wire, by its name.
    Dropped(String),
}

/// A translated answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    /// What the caller gets.
    pub(crate) completion: Completion,
    /// Tokens, if the target said.
    pub(crate) usage: Option<Usage>,
    /// What was lost on the way.
    pub(crate) losses: Vec<Loss>,
}

/// Translates a whole answer.
///
/// # Errors
/// When there is nothing that could stand as an answer.
pub(crate) fn answer(whole: Whole, reply: &Reply, stamp: &Stamp) -> Result<Answered, AnswerError> {
    let mut losses = Vec::new();
    let Said { text, calls } = said(whole.pieces, reply, &mut losses);
    let end = end(
        &whole.stop_reason,
        whole.guarded,
        !text.is_empty(),
        !calls.is_empty(),
    )?;
    if end == End::Unknown {
        losses.push(Loss::new(LossKind::StopReasonUnknown, "finish_reason"));
    }
    let blocked = whole.guarded.is_some_and(|guarded| guarded.output_blocked);
    let mut mint = Mint::new(stamp.seed);
    let calls: Vec<ToolCall> = calls
        .into_iter()
        .map(|(name, arguments)| ToolCall::function(mint.call_id(), name, arguments))
        .collect();
    let content = if blocked || (text.is_empty() && !calls.is_empty()) {
        None
    } else {
        Some(text)
    };
    let message = AnswerMessage {
        content,
        tool_calls: (!calls.is_empty() && !blocked).then_some(calls),
        ..AnswerMessage::default()
    };
    let usage = whole.usage.map(usage::classes);
    let shown = usage.map(usage::shown);
    let mut completion = stamp.head.completion(
        message,
        end.finish_reason(),
        shown.clone().unwrap_or_default(),
    );
    completion.usage = shown;
    let completion = match stamp.annotations {
        Annotations::NotRun => {
            completion.with_filter_results(content_filter_not_run(), &content_filter_not_run())
        }
        Annotations::Absent => completion,
    };
    Ok(Answered {
        completion,
        usage,
        losses,
    })
}

struct Said {
    text: String,
    calls: Vec<(String, String)>,
}

/// What the caller sees of the pieces: the text as one, calls by the caller's names, JSON that came by a tool as text.
fn said(pieces: Vec<Piece>, reply: &Reply, losses: &mut Vec<Loss>) -> Said {
    let mut said = Said {
        text: String::new(),
        calls: Vec::new(),
    };
    let mut json = None;
    for piece in pieces {
        match piece {
            Piece::Text(text) => said.text.push_str(&text),
            Piece::Call { name, arguments } if reply.json_tool.as_ref() == Some(&name) => {
                json.get_or_insert(arguments);
            }
            Piece::Call { .. } if reply.one_call && !said.calls.is_empty() => {
                losses.push(Loss::new(LossKind::ToolCallsTrimmed, "message.tool_calls"));
            }
            Piece::Call { name, arguments } => {
                said.calls
                    .push((reply.names.to_caller(&name).to_owned(), arguments));
            }
            Piece::Dropped(name) => losses.push(Loss::new(LossKind::BlockDropped, name)),
        }
    }
    match json {
        Some(json) if said.calls.is_empty() => {
            if !said.text.is_empty() {
                losses.push(Loss::new(LossKind::BlockDropped, "text"));
            }
            said.text = json;
        }
        Some(_) => losses.push(Loss::new(LossKind::BlockDropped, "json")),
        None if reply.unfence || reply.json_tool.is_some() => {
            let mut unfence = Unfence::default();
            let mut bare = unfence.feed(&said.text);
            bare.push_str(&unfence.finish());
            said.text = bare;
        }
        None => {}
    }
    said
}

/// How an answer ended, for the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// For a reason the caller has a word for.
    Known(FinishReason),
    /// For an unknown reason, with something said.
    Unknown,
}

// === impl End ===

impl End {
    pub(super) const fn finish_reason(self) -> FinishReason {
        match self {
            Self::Known(reason) => reason,
            Self::Unknown => FinishReason::Stop,
        }
    }
}

/// Judges how an answer ended. A turn that calls tools ends in `tool_calls` whatever the target calls its end.
pub(super) fn end(
    stop_reason: &str,
    guarded: Option<Guarded>,
    has_text: bool,
    has_calls: bool,
) -> Result<End, AnswerError> {
    let natural = if has_calls {
        FinishReason::ToolCalls
    } else {
        FinishReason::Stop
    };
    let said_something = has_text || has_calls;
    let reason = match stop::meaning(stop_reason) {
        Meaning::Done | Meaning::ToolCalls => natural,
        Meaning::Length => FinishReason::Length,
        Meaning::ContextFull if said_something => FinishReason::Length,
        Meaning::ContextFull => return Err(AnswerError::ContextFull),
        Meaning::Filtered => FinishReason::ContentFilter,
        Meaning::Guarded => match guarded {
            Some(Guarded {
                input_blocked: true,
                ..
            }) => return Err(AnswerError::PromptBlocked),
            // Only masked: the answer stands.
            Some(Guarded {
                input_blocked: false,
                output_blocked: false,
            }) => natural,
            Some(Guarded {
                input_blocked: false,
                output_blocked: true,
            })
            | None => FinishReason::ContentFilter,
        },
        Meaning::Malformed => return Err(AnswerError::Malformed),
        Meaning::Unknown if said_something => return Ok(End::Unknown),
        Meaning::Unknown => return Err(AnswerError::UnknownEnd),
    };
    Ok(End::Known(reason))
}

/// Makes an answer's tool call ids: random to the outside, a function of the seed for tests.
#[derive(Debug)]
pub(super) struct Mint {
    seed: [u8; 32],
    made: u64,
}

// === impl Mint ===

impl Mint {
    pub(super) const fn new(seed: [u8; 32]) -> Self {
        Self { seed, made: 0 }
    }

    /// In the caller's own form, which the target takes back as it is: no map between the two is ever needed.
    pub(super) fn call_id(&mut self) -> String {
        let mut random = [0; 24];
        let mut hasher = blake3::Hasher::new_keyed(&self.seed);
        hasher.update(&self.made.to_le_bytes());
        hasher.finalize_xof().fill(&mut random);
        self.made += 1;
        id::tool_call_id(random)
    }
}

// === impl Whole ===

impl TryFrom<Response> for Whole {
    type Error = AnswerError;

    fn try_from(response: Response) -> Result<Self, AnswerError> {
        let guarded = response
            .trace
            .as_ref()
            .and_then(crate::converse::Trace::guarded);
        let output = response.output.ok_or(AnswerError::Missing)?;
        let pieces = output
            .message
            .content
            .into_iter()
            .flat_map(pieces)
            .collect();
        Ok(Self {
            pieces,
            stop_reason: response.stop_reason,
            usage: response.usage,
            guarded,
        })
    }
}

impl Whole {
    /// The answer as the events of a stream, for a caller who asked for one of a target that does not stream.
    pub(crate) fn into_events(self) -> Vec<Event> {
        let mut events = vec![Event::MessageStart];
        for (index, piece) in (0..).zip(self.pieces) {
            match piece {
                Piece::Text(text) => events.push(Event::BlockDelta {
                    index,
                    delta: Delta::Text(text),
                }),
                Piece::Call { name, arguments } => {
                    let start = Start::ToolUse {
                        name,
                        server: false,
                    };
                    events.push(Event::BlockStart { index, start });
                    events.push(Event::BlockDelta {
                        index,
                        delta: Delta::ToolInput(arguments),
                    });
                }
                Piece::Dropped(name) => {
                    events.push(Event::BlockStart {
                        index,
                        start: Start::Other(name),
                    });
                }
            }
            events.push(Event::BlockStop { index });
        }
        events.push(Event::MessageStop {
            stop_reason: self.stop_reason,
        });
        events.push(Event::Metadata {
            usage: self.usage,
            guardrail: self.guarded,
        });
        events
    }
}

fn pieces(block: Block) -> Vec<Piece> {
    match block {
        Block::Text(text) => vec![Piece::Text(text)],
        Block::CitationsContent(cited) => {
            let text = cited.content.into_iter().map(|piece| piece.text).collect();
            vec![Piece::Text(text), Piece::Dropped("citations".to_owned())]
        }
        Block::ToolUse(call) if call.kind.as_deref() != Some("server_tool_use") => {
            let arguments = match call.input {
                Value::Null => "{}".to_owned(),
                input => input.to_string(),
            };
            vec![Piece::Call {
                name: call.name,
                arguments,
            }]
        }
        Block::ToolUse(_) => vec![Piece::Dropped("server_tool_use".to_owned())],
        Block::ReasoningContent(_) => Vec::new(),
        Block::Image(_) => vec![Piece::Dropped("image".to_owned())],
        Block::ToolResult(_) => vec![Piece::Dropped("toolResult".to_owned())],
        Block::Document(_) => vec![Piece::Dropped("document".to_owned())],
        Block::Audio(_) => vec![Piece::Dropped("audio".to_owned())],
        Block::CachePoint(_) => vec![Piece::Dropped("cachePoint".to_owned())],
        Block::Other(name) => vec![Piece::Dropped(
            crate::translate::known_block(&name).to_owned(),
        )],
    }
}
