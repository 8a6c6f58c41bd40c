//! The order and the substance of turns.

use super::{Case, Message};
use crate::bedrock::json::{items, text};

pub(super) fn starts(case: &Case<'_>) -> Option<String> {
    let first = case
        .messages
        .iter()
        .find(|message| message.role != "system");
    let starts = match first {
        None => false,
        Some(first) => first.role == "user" || !case.family.needs_user_first(),
    };
    (!starts).then(|| {
        "A conversation must start with a user message. Try again with a conversation that starts with a user message."
            .to_owned()
    })
}

pub(super) fn content_is_present(case: &Case<'_>) -> Option<String> {
    let empty = case
        .messages
        .iter()
        .position(|message| message.content.is_empty())?;
    Some(format!(
        "The content field in the Message object at messages.{empty} is empty. Add a ContentBlock object to the \
         content field and try again."
    ))
}

pub(super) fn alternates(case: &Case<'_>) -> Option<String> {
    let turns: Vec<&Message<'_>> = case
        .messages
        .iter()
        .filter(|m| m.role != "system")
        .collect();
    let repeats = turns.windows(2).any(|pair| match pair {
        [one, other] => one.role == other.role,
        _ => false,
    });
    (case.strict_alternation && repeats).then(|| {
        "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between \
         user and assistant roles and try again."
            .to_owned()
    })
}

pub(super) fn text_is_not_blank(case: &Case<'_>) -> Option<String> {
    let blank = |value: Option<&str>| value.is_some_and(|text| text.trim().is_empty());
    if let Some(at) = items(case.body, "system")
        .iter()
        .position(|block| blank(text(block, "text")))
    {
        return Some(format!(
            "The text field in the SystemContentBlock object at system.{at} is blank. Add text to the text field, and \
             try again."
        ));
    }
    case.blocks().find_map(|(at, index, block)| {
        let place = format!("messages.{at}.content.{index}");
        if blank(text(block, "text")) {
            return Some(format!(
                "The text field in the ContentBlock object at {place} is blank. Add text to the text field, and try \
                 again."
            ));
        }
        let inner = items(block.get("toolResult")?, "content");
        let inside = inner.iter().position(|block| blank(text(block, "text")))?;
        Some(format!(
            "The text field in the ToolResultContentBlock object at {place}.toolResult.content.{inside} is blank. Add \
             text to the text field, and try again."
        ))
    })
}

pub(super) fn ends(case: &Case<'_>) -> Option<String> {
    let last = case
        .messages
        .last()
        .filter(|message| message.role == "assistant")?;
    if case.family.is_claude_from(4, 6) {
        return Some(
            "This model does not support assistant message prefill. The conversation must end with a user message."
                .to_owned(),
        );
    }
    let text = last.content.last().and_then(|block| text(block, "text"))?;
    (case.family.is_claude_from(0, 0) && text.ends_with(char::is_whitespace)).then(|| {
        "The model returned the following errors: messages: final assistant content cannot end with trailing whitespace"
            .to_owned()
    })
}
