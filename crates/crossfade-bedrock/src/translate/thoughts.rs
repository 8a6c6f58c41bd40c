//! Signed thoughts of earlier turns: a turn that calls tools goes back with what was thought before the calls.

use crossfade_exchange::LossKind;
use serde_json::Value;

use super::{Purpose, context::Context, messages::Conversation};
use crate::converse::{Block, Message, Speaker};

/// Where the signed thoughts of earlier turns are found.
pub(crate) trait Recall {
    /// The thoughts of the turn that made this call, by the id that the caller knows: the values of the target's
    /// `reasoningContent` blocks, in their order. `None` if they are not at hand.
    fn before(&self, call: &str) -> Option<Vec<Value>>;
}

/// A turn that calls tools.
#[derive(Debug)]
pub(super) struct ToolTurn {
    /// Which turn.
    pub(super) at: usize,
    /// Its calls, by the ids that the caller knows.
    pub(super) calls: Vec<String>,
}

/// What is known of the thoughts of one conversation.
#[derive(Debug)]
pub(super) struct Recalled {
    found: Vec<(usize, Vec<Value>)>,
    /// The conversation waits for the model to go on after its calls, and what it thought before them is not at hand.
    pub(super) missing: bool,
}

/// Looks for the thoughts of a conversation's turns. Whoever only judges takes them to be there.
pub(super) fn recall(conversation: &Conversation, purpose: Purpose<'_>) -> Recalled {
    let store = match purpose {
        Purpose::Judge => {
            return Recalled {
                found: Vec::new(),
                missing: false,
            };
        }
        Purpose::Ask(store) => store,
    };
    let of_turn = |turn: &ToolTurn| {
        let mut thoughts = turn.calls.iter().find_map(|id| store?.before(id))?;
        thoughts.retain(is_signed);
        (!thoughts.is_empty()).then_some((turn.at, thoughts))
    };
    let found: Vec<_> = conversation.tool_turns.iter().filter_map(of_turn).collect();
    let open = open_turn(conversation);
    let missing = open.is_some_and(|open| found.iter().all(|(at, _)| *at != open));
    Recalled { found, missing }
}

/// Whether the target knows the thought for its own. Another provider's, or one that nobody signed, would be refused.
fn is_signed(thought: &Value) -> bool {
    let text = |pointer: &str| thought.pointer(pointer).and_then(Value::as_str);
    let signature = text("/reasoningText/signature").filter(|signature| !signature.is_empty());
    signature.is_some() || text("/redactedContent").is_some()
}

/// The turn whose results are the last that was said.
fn open_turn(conversation: &Conversation) -> Option<usize> {
    let last = conversation.turns.last()?;
    let is_result = |block: &Block| matches!(block, Block::ToolResult(_));
    let waits = last.role == Speaker::User && last.content.iter().any(is_result);
    let turn = conversation.tool_turns.last()?;
    waits.then_some(turn.at)
}

/// Puts the thoughts that were found before what was said after them.
pub(super) fn put_back(recalled: Recalled, turns: &mut [Message], context: &mut Context<'_>) {
    for (at, thoughts) in recalled.found {
        if let Some(turn) = turns.get_mut(at) {
            let thoughts = thoughts.into_iter().map(Block::ReasoningContent);
            turn.content.splice(0..0, thoughts);
        }
    }
    if recalled.missing {
        context.lose(LossKind::ThinkingMissing, "messages");
    }
}
