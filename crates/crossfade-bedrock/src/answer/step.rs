//! What an answer says, one step at a time: the pivot between the provider's wires and the caller's.
//!
//! A reader turns what comes from the provider (events, chunks, or a whole answer) into steps; a face turns steps into what
//! the caller gets. Names are the caller's, calls are counted from 0, and the reasons of ends are closed, so that
//! no face knows any provider and no reader knows any face.

use std::borrow::Cow;

use crossfade_exchange::{LossKind, Usage};
use serde_json::{Map, Value};

/// A step of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// More text.
    Text(String),
    /// More of a refusal that the model says apart from text.
    Refusal(String),
    /// More of the reasoning.
    Thought(Thought),
    /// A tool is called.
    Call {
        /// The answer's own count of calls, from 0.
        index: u32,
        /// The id that the caller gets, if the reader makes it; else the face does.
        id: Option<String>,
        /// The tool's name as the caller knows it.
        name: String,
        /// What kind of tool.
        kind: CallKind,
    },
    /// More of a call's input: JSON text of a function, the bare text of a custom tool.
    CallInput {
        /// Which call.
        index: u32,
        /// The piece.
        text: String,
    },
    /// A call's input is complete.
    CallDone {
        /// Which call.
        index: u32,
    },
    /// A choice's `logprobs` for the text or refusal that comes with the next step.
    Logprobs(Value),
    /// A citation, as an annotation of the caller's wire (`{"type": "url_citation", …}`, flat as in Responses).
    Citation(Value),
    /// What a filter found. May come more than once, and last just before the end.
    Filter(FilterFindings),
    /// Something was lost; the field carries none of anybody's text.
    Lost(LossKind, Cow<'static, str>),
    /// The tokens of what turned out to be no answer: they are billed all the same.
    Tokens(Usage),
    /// It is over.
    End(End),
}

/// A piece of reasoning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Thought {
    /// More of the thinking itself.
    Text(String),
    /// More of a summary that the provider made for showing.
    Summary(String),
    /// The provider's signature: with it the block is complete, and can be sent back.
    Signature(String),
    /// A block that only the provider can read (base64): complete, and can be sent back.
    Redacted(String),
    /// The provider's own encrypted item of the Responses wire: complete, and can be sent back.
    Encrypted(String),
    /// A block ended.
    Done,
}

/// The kind of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// A function with JSON arguments.
    #[default]
    Function,
    /// A tool that takes free text.
    Custom,
}

/// What a filter found, in the primary's own categories. A side that nobody checked is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FilterFindings {
    /// Of the prompt: the members of a `content_filter_results` object.
    pub(crate) prompt: Option<Map<String, Value>>,
    /// Of the answer, likewise.
    pub(crate) completion: Option<Map<String, Value>>,
    /// It blocked: what stands as text is the filter's, not the model's.
    pub(crate) blocked: bool,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Why.
    pub(crate) finish: Finish,
    /// The tokens, if the provider said.
    pub(crate) usage: Option<Usage>,
}

/// Why an answer ended: all the reasons there are on the caller's wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// By itself, or at a stop sequence.
    Stop,
    /// At the limit of tokens.
    Length,
    /// To have tools called.
    Calls,
    /// A filter cut it off.
    Filtered,
}

// === impl Step ===

impl Step {
    /// Whether a caller waits for this: text, a refusal or a call.
    pub(crate) const fn is_content(&self) -> bool {
        match self {
            Self::Text(_) | Self::Refusal(_) | Self::Call { .. } | Self::CallInput { .. } => true,
            Self::Thought(_)
            | Self::CallDone { .. }
            | Self::Logprobs(_)
            | Self::Citation(_)
            | Self::Filter(_)
            | Self::Lost(..)
            | Self::Tokens(_)
            | Self::End(_) => false,
        }
    }
}

// === impl FilterFindings ===

impl FilterFindings {
    /// Takes what came later in the place of what it repeats.
    pub(crate) fn merge(&mut self, later: Self) {
        self.blocked |= later.blocked;
        for (mine, later) in [
            (&mut self.prompt, later.prompt),
            (&mut self.completion, later.completion),
        ] {
            if let Some(later) = later {
                mine.get_or_insert_default().extend(later);
            }
        }
    }
}
