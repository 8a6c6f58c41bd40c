//! Thoughts in the history: whose they are, and where they must not be missing.

use super::Case;
use crate::bedrock::{family::Family, json::text, thinking};

/// Claude takes back only thoughts that carry the service's own signature.
pub(super) fn thoughts(case: &Case<'_>) -> Option<String> {
    if !matches!(case.family, Family::Claude(..)) {
        return None;
    }
    case.blocks().find_map(|(at, index, block)| {
        let thought = block.pointer("/reasoningContent/reasoningText")?;
        let place = format!("messages.{at}.content.{index}");
        match text(thought, "signature") {
            None => Some(format!(
                "The model returned the following errors: {place}.thinking.signature: Field required"
            )),
            Some(signature) => {
                let signed = thinking::sign(text(thought, "text").unwrap_or_default());
                (signed != signature).then(|| {
                    format!(
                        "The model returned the following errors: {place}: Invalid `signature` in `thinking` block"
                    )
                })
            }
        }
    })
}

/// While thinking is on, the turn whose calls have just been answered must begin with its thoughts.
pub(super) fn tool_turns(case: &Case<'_>) -> Option<String> {
    let kind = case.setting("/additionalModelRequestFields/thinking/type")?;
    if kind != "enabled" || !matches!(case.family, Family::Claude(..)) {
        return None;
    }
    case.messages.last()?.members("toolResult").next()?;
    let at = case.messages.len().checked_sub(2)?;
    let turn = case
        .messages
        .get(at)
        .filter(|turn| turn.role == "assistant")?;
    let begins = turn.content.first()?;
    begins.get("reasoningContent").is_none().then(|| {
        let found = if begins.get("toolUse").is_some() { "tool_use" } else { "text" };
        format!(
            "The model returned the following errors: messages.{at}.content.0.type: Expected `thinking` or \
             `redacted_thinking`, but found `{found}`. When `thinking` is enabled, a final `assistant` message must \
             start with a thinking block (preceding the last set of `tool_use` and `tool_result` blocks)."
        )
    })
}
