//! How an answer ended, and why there is none.

use serde_json::{Map, Value};

use super::{step::Finish, stop::Meaning};
use crate::converse::Guarded;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
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
    /// A filter blocked the prompt: an answer of its own kind, with what was found in the primary's categories.
    #[error("a guardrail blocked the prompt")]
    PromptBlocked(Map<String, Value>),
    /// The conversation fills the model's context: an answer of its own kind.
    #[error("the conversation is longer than the model takes")]
    ContextFull,
    /// The provider said within the answer that it failed.
    #[error("the provider failed within its answer")]
    Failed(super::FaultKind),
}

/// A verdict on how an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// For a reason the caller has a word for.
    Known(Finish),
    /// For an unknown reason, with something said: it reads `stop`, and is a loss.
    Unknown,
    /// A filter blocked the prompt.
    PromptBlocked,
}

/// Judges how an answer ended. A turn that calls tools ends in calls whatever the target calls its end.
pub(super) fn verdict(
    meaning: Meaning,
    guarded: Option<&Guarded>,
    has_text: bool,
    has_calls: bool,
) -> Result<Verdict, AnswerError> {
    let natural = if has_calls {
        Finish::Calls
    } else {
        Finish::Stop
    };
    let said_something = has_text || has_calls;
    let finish = match meaning {
        Meaning::Done | Meaning::ToolCalls => natural,
        Meaning::Length => Finish::Length,
        Meaning::ContextFull if said_something => Finish::Length,
        Meaning::ContextFull => return Err(AnswerError::ContextFull),
        Meaning::Filtered => Finish::Filtered,
        Meaning::Guarded => match guarded {
            Some(guarded) if guarded.input_blocked => return Ok(Verdict::PromptBlocked),
            Some(guarded) if guarded.output_blocked => Finish::Filtered,
            // Only masked, or only noticed: the answer stands.
            Some(guarded) if guarded.assessed => natural,
            // It intervened, and does not say how.
            Some(_) | None => Finish::Filtered,
        },
        Meaning::Malformed => return Err(AnswerError::Malformed),
        Meaning::Unknown if said_something => return Ok(Verdict::Unknown),
        Meaning::Unknown => return Err(AnswerError::UnknownEnd),
    };
    Ok(Verdict::Known(finish))
}
