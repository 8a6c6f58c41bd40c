//! What these endpoints refuse of a request, by the model's row.

use serde_json::{Map, Value};

use super::{Surface, models::Row};
use crate::openai::{
    Wrong, chat,
    responses::{self, Asked, Rules},
};

/// A member of a chat completion that only the runtime has.
const OF_RUNTIME: &[&str] = &["amazon-bedrock-guardrailConfig"];
const OLD: &[&str] = &["functions", "function_call", "moderation"];
const TIERS: &[&str] = &["auto", "default", "flex", "priority", "scale", "fast"];
const TIERS_OF_MANTLE: &[&str] = &["auto", "default"];

/// Who seals reasoning here.
pub(super) const WHO: &str = "bedrock";

/// The rules of the Responses API on a surface.
pub(super) fn rules(surface: Surface) -> Rules {
    Rules {
        who: WHO,
        tools: &[
            "function",
            "mcp",
            "custom",
            "namespace",
            "tool_search",
            "web_search",
        ],
        state: surface == Surface::Mantle,
        summaries: &["auto"],
        tiers: tiers(surface),
    }
}

/// Checks a chat completion.
pub(super) fn chat(body: &Map<String, Value>, row: &Row, surface: Surface) -> Result<(), Wrong> {
    let own: &[&str] = match surface {
        Surface::Runtime => OF_RUNTIME,
        Surface::Mantle => &[],
    };
    chat::known_arguments(body, &[chat::ARGUMENTS, own])?;
    chat::check(body)?;
    chat::check_tools(body)?;
    refuse(body, OLD)?;
    refuse(body, row.refused)?;
    if body.get("n").and_then(Value::as_u64).is_some_and(|n| n > 1) {
        return Err(Wrong::new("Only one choice is supported: 'n' must be 1.")
            .param("n")
            .code("unsupported_value"));
    }
    limit(body, row)?;
    responses::closed(body, "service_tier", tiers(surface))?;
    responses::closed(body, "reasoning_effort", row.efforts)?;
    let thinks = row.thinks(body.get("reasoning_effort").and_then(Value::as_str));
    if thinks {
        refuse(body, row.refused_while_thinking)?;
    }
    tools(body, row, thinks)?;
    if !row.images && has_picture(body) {
        return Err(Wrong::new("Model does not support image modality").code("validation_error"));
    }
    wants_json(body)
}

/// Checks a Responses request.
pub(super) fn response(asked: &Asked, row: &Row, surface: Surface) -> Result<(), Wrong> {
    responses::check(asked, &rules(surface))?;
    let reasoning = asked.body.get("reasoning").and_then(Value::as_object);
    if let Some(reasoning) = reasoning {
        responses::closed(reasoning, "effort", row.efforts)?;
    }
    refuse(&asked.body, row.refused)?;
    let effort = reasoning.and_then(|reasoning| reasoning.get("effort")?.as_str());
    if row.thinks(effort) {
        refuse(&asked.body, row.refused_while_thinking)?;
    }
    Ok(())
}

fn tiers(surface: Surface) -> &'static [&'static str] {
    match surface {
        Surface::Runtime => TIERS,
        Surface::Mantle => TIERS_OF_MANTLE,
    }
}

/// Refuses parameters that are there with a value that means something.
fn refuse(body: &Map<String, Value>, names: &[&str]) -> Result<(), Wrong> {
    let given = |name: &&&str| {
        body.get(**name)
            .is_some_and(|value| !value.is_null() && *value != Value::Bool(false))
    };
    match names.iter().find(given) {
        Some(name) => Err(Wrong::unsupported(name)),
        None => Ok(()),
    }
}

fn limit(body: &Map<String, Value>, row: &Row) -> Result<(), Wrong> {
    let given = |name: &str| body.get(name).and_then(Value::as_u64);
    if row.new_limit_only && given("max_tokens").is_some() {
        return Err(Wrong::new(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' \
             instead.",
        )
        .param("max_tokens")
        .code("unsupported_parameter"));
    }
    for name in ["max_completion_tokens", "max_tokens"] {
        match given(name) {
            Some(tokens) if tokens < row.least_tokens => {
                return Err(responses::below(name, row.least_tokens, tokens));
            }
            _ => {}
        }
    }
    Ok(())
}

fn tools(body: &Map<String, Value>, row: &Row, thinks: bool) -> Result<(), Wrong> {
    let tools = body.get("tools").and_then(Value::as_array);
    let mut tools = tools.into_iter().flatten().peekable();
    if tools.peek().is_some() && thinks && !row.tools_while_thinking {
        return Err(Wrong::new(
            "Function tools with reasoning_effort are not supported with this model in chat completions. Use \
             the Responses API, or set reasoning_effort to 'none'.",
        )
        .param("reasoning_effort")
        .code("unsupported_parameter"));
    }
    let custom = |tool: &Value| tool.get("type").is_some_and(|kind| kind == "custom");
    if !row.custom_tools && tools.any(custom) {
        return Err(Wrong::value("tools[0].type", "custom", &["function"]));
    }
    Ok(())
}

fn has_picture(body: &Map<String, Value>) -> bool {
    let messages = body.get("messages").and_then(Value::as_array);
    let parts = messages
        .into_iter()
        .flatten()
        .filter_map(|message| message.get("content")?.as_array())
        .flatten();
    parts
        .into_iter()
        .any(|part| part.get("image_url").is_some())
}

/// A JSON object is only given to those who speak of JSON.
fn wants_json(body: &Map<String, Value>) -> Result<(), Wrong> {
    let format = body
        .get("response_format")
        .and_then(|format| format.get("type")?.as_str());
    let messages = body
        .get("messages")
        .map(Value::to_string)
        .unwrap_or_default();
    if format == Some("json_object") && !messages.to_lowercase().contains("json") {
        return Err(Wrong::new(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        )
        .param("messages"));
    }
    Ok(())
}
