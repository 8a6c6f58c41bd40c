//! Tools, the calls of them in the history, and the results that must answer these.

use std::collections::HashSet;

use super::{Case, repeated};
use crate::bedrock::{
    family::Family,
    json::{items, text},
};

pub(super) fn are_configured(case: &Case<'_>) -> Option<String> {
    let used = case
        .blocks()
        .any(|(_, _, block)| block.get("toolUse").is_some() || block.get("toolResult").is_some());
    if case.family == Family::Titan && case.setting("/toolConfig").is_some() {
        return Some("This model doesn't support tool use.".to_owned());
    }
    (used && case.setting("/toolConfig").is_none()).then(|| {
        "The toolConfig field must be defined when using toolUse and toolResult content blocks."
            .to_owned()
    })
}

pub(super) fn specifications(case: &Case<'_>) -> Option<String> {
    let tools = items(case.setting("/toolConfig")?, "tools");
    for (at, tool) in tools.iter().enumerate() {
        let Some(spec) = tool.get("toolSpec") else {
            continue;
        };
        if spec
            .pointer("/inputSchema/json/type")
            .and_then(|t| t.as_str())
            != Some("object")
        {
            return Some(format!(
                "The value at toolConfig.tools.{at}.toolSpec.inputSchema.json.type must be one of the following: object."
            ));
        }
    }
    let names = tools
        .iter()
        .filter_map(|tool| text(tool.get("toolSpec")?, "name"));
    repeated(names).map(|name| {
        format!(
            "The model returned the following errors: tools: Tool names must be unique: {name}."
        )
    })
}

pub(super) fn choice(case: &Case<'_>) -> Option<String> {
    let choice = case.setting("/toolConfig/toolChoice")?;
    let unsupported = |kind: &str| {
        Some(format!(
            "This model doesn't support the toolConfig.toolChoice.{kind} field. Remove toolConfig.toolChoice.{kind} and \
             try again."
        ))
    };
    if choice.get("any").is_some() && !case.family.takes_any_choice() {
        return unsupported("any");
    }
    let name = text(choice.get("tool")?, "name")?;
    if !case.family.takes_named_choice() {
        return unsupported("tool");
    }
    let tools = items(case.setting("/toolConfig")?, "tools");
    let offered = tools.iter().any(|tool| {
        ["toolSpec", "systemTool"].iter().any(|kind| {
            tool.get(kind)
                .and_then(|spec| text(spec, "name"))
                .is_some_and(|known| known == name)
        })
    });
    (!offered).then(|| {
        format!(
            "The model returned the following errors: Tool '{name}' not found in provided tools"
        )
    })
}

pub(super) fn uses(case: &Case<'_>) -> Option<String> {
    for (at, index, block) in case.blocks() {
        let Some(call) = block.get("toolUse") else {
            continue;
        };
        if !call.get("input").is_some_and(serde_json::Value::is_object) {
            return Some(format!(
                "The format of the value at messages.{at}.content.{index}.toolUse.input is invalid. Provide a json \
                 object for the field and try again."
            ));
        }
        if case
            .messages
            .get(at)
            .is_some_and(|message| message.role != "assistant")
        {
            return Some(format!(
                "The toolUse block at messages.{at}.content.{index} is only allowed in assistant messages."
            ));
        }
    }
    let ids = case
        .blocks()
        .filter_map(|(_, _, block)| text(block.get("toolUse")?, "toolUseId"));
    repeated(ids).map(|id| {
        format!(
            "The model returned the following errors: messages: `tool_use` ids must be unique: {id}"
        )
    })
}

/// All results of a turn's calls stand in the one message that follows it.
pub(super) fn results_are_complete(case: &Case<'_>) -> Option<String> {
    for (at, message) in case.messages.iter().enumerate() {
        let next = case.messages.get(at + 1).filter(|next| next.role == "user");
        let answered: HashSet<&str> = next
            .into_iter()
            .flat_map(|next| next.members("toolResult"))
            .filter_map(|result| text(result, "toolUseId"))
            .collect();
        let missing: Vec<&str> = message
            .members("toolUse")
            .filter(|call| text(call, "type").is_none())
            .filter_map(|call| text(call, "toolUseId"))
            .filter(|id| !answered.contains(id))
            .collect();
        if !missing.is_empty() {
            return Some(format!(
                "Expected toolResult blocks at messages.{}.content for the following Ids: {}",
                at + 1,
                missing.join(", ")
            ));
        }
    }
    None
}

/// No result comes without its call, and none twice.
pub(super) fn results_are_wanted(case: &Case<'_>) -> Option<String> {
    for (at, message) in case.messages.iter().enumerate() {
        let ids: Vec<&str> = message
            .members("toolResult")
            .filter_map(|result| text(result, "toolUseId"))
            .collect();
        if let Some(id) = repeated(ids.iter().copied()) {
            return Some(format!(
                "The model returned the following errors: messages.{at}.content: each tool_use must have a single \
                 result. Found multiple `tool_result` blocks with id: {id}"
            ));
        }
        let previous = at
            .checked_sub(1)
            .and_then(|before| case.messages.get(before));
        let calls: HashSet<&str> = previous
            .into_iter()
            .flat_map(|previous| previous.members("toolUse"))
            .filter_map(|call| text(call, "toolUseId"))
            .collect();
        if ids.iter().any(|id| !calls.contains(id)) {
            return Some(format!(
                "The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse blocks of \
                 previous turn."
            ));
        }
    }
    None
}

pub(super) fn results_are_alone(case: &Case<'_>) -> Option<String> {
    case.messages.iter().find_map(|message| {
        message.members("toolResult").next()?;
        let beside = |name| message.members(name).next().is_some();
        let mixed = message
            .content
            .iter()
            .any(|block| block.get("toolResult").is_none());
        let refused = match case.family {
            Family::Claude(..) => beside("document") || beside("video"),
            family => family.isolates_tool_results() && mixed,
        };
        refused.then(|| {
            "Conversation blocks and tool result blocks cannot be provided in the same turn."
                .to_owned()
        })
    })
}

pub(super) fn result_bodies(case: &Case<'_>) -> Option<String> {
    case.blocks().find_map(|(at, index, block)| {
        let result = block.get("toolResult")?;
        let place = format!("messages.{at}.content.{index}.toolResult");
        let content = items(result, "content");
        let status = text(result, "status");
        if content.is_empty() && status == Some("error") {
            return Some(format!(
                "The content field at {place} cannot be empty when status value is error."
            ));
        }
        if case.family == Family::Writer && status.is_some() {
            return Some(format!(
                "This model doesn't support the status field that you provided at {place}. Remove the status field and \
                 try again."
            ));
        }
        let has_text = content.iter().any(|block| block.get("text").is_some());
        (case.family == Family::Mistral && has_text).then(|| {
            format!("This model doesn't support the text field at {place}.content. Use the json field and try again.")
        })
    })
}
