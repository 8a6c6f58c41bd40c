//! How much to reason, and what the model takes while it does.

use crossfade_exchange::{LossKind, Unsupported};
use crossfade_openai::chat::Request;

use super::{Context, RawObject, refused};
use crate::compatible::Effort;

const FIELD: &str = "reasoning_effort";

/// Settles the effort: the caller's, the nearest that the model takes, or none where it could not call tools otherwise.
pub(super) fn effort(
    typed: &Request,
    object: &mut RawObject,
    context: &mut Context<'_>,
) -> Result<(), Unsupported> {
    object.take(FIELD);
    let asked = match typed.reasoning_effort.as_deref() {
        None => None,
        Some(word) => {
            let effort = Effort::of(word);
            Some(effort.ok_or_else(|| refused(FIELD, "not an effort that is known here"))?)
        }
    };
    let taken = context.rules.efforts;
    let mut told = asked.and_then(|asked| taken.nearest(asked));
    if asked.is_some() && told != asked {
        let kind = if told.is_some() {
            LossKind::ReasoningMapped
        } else {
            LossKind::ReasoningDropped
        };
        context.lose(kind, FIELD);
    }
    let has_tools = object.get("tools").is_some();
    let effective = told.unwrap_or(context.rules.default_effort);
    if has_tools && !context.rules.tools_while_reasoning && effective != Effort::None {
        if !taken.has(Effort::None) {
            return Err(refused("tools", "not taken by a model that reasons"));
        }
        told = Some(Effort::None);
        context.lose(LossKind::ReasoningDropped, FIELD);
    }
    if let Some(told) = told {
        object.set(FIELD, &told);
    }
    context.reasons = told.unwrap_or(context.rules.default_effort) != Effort::None;
    Ok(())
}
