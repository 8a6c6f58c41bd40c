//! What is checked of a Responses request before a model sees it. What services differ in stands in [`Rules`].

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Asked, seal};
use crate::openai::{Wrong, chat};

/// The top-level arguments of a Responses request.
const ARGUMENTS: &[&str] = &[
    "background",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// The item types that a request may have.
const ITEMS: &[&str] = &[
    "message",
    "reasoning",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "item_reference",
    "file_search_call",
    "web_search_call",
    "computer_call",
    "computer_call_output",
    "image_generation_call",
    "code_interpreter_call",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "compaction",
];

const LEAST_TOKENS: u64 = 16;
const INCLUDABLE: &[&str] = &[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
];

/// What services differ in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Who seals reasoning.
    pub(crate) who: &'static str,
    /// The kinds of tools that exist.
    pub(crate) tools: &'static [&'static str],
    /// Whether responses can be kept, and run in the background.
    pub(crate) state: bool,
    /// The summaries of reasoning that can be asked for.
    pub(crate) summaries: &'static [&'static str],
    /// The service tiers that exist.
    pub(crate) tiers: &'static [&'static str],
}

/// Checks a request.
pub(crate) fn check(asked: &Asked, rules: &Rules) -> Result<(), Wrong> {
    let body = &asked.body;
    chat::known_arguments(body, &[ARGUMENTS])?;
    if asked.items().next().is_none() {
        return Err(
            Wrong::new("Invalid 'input': a list of at least one item is needed.").param("input"),
        );
    }
    if let Some(tokens) = body.get("max_output_tokens").and_then(Value::as_u64)
        && tokens < LEAST_TOKENS
    {
        return Err(below("max_output_tokens", LEAST_TOKENS, tokens));
    }
    closed(body, "service_tier", rules.tiers)?;
    closed(body, "truncation", &["auto", "disabled"])?;
    includes(body)?;
    state(asked, rules)?;
    reasoning(body, rules)?;
    tools(body, rules)?;
    format(body)?;
    items(asked, rules)
}

/// A number that is too small.
pub(crate) fn below(name: &str, least: u64, found: u64) -> Wrong {
    Wrong::new(format!(
        "Invalid '{name}': integer below minimum value. Expected a value >= {least}, but got {found} instead."
    ))
    .param(name)
    .code("integer_below_min_value")
}

/// A text member is one of a closed list.
pub(crate) fn closed(body: &Map<String, Value>, name: &str, known: &[&str]) -> Result<(), Wrong> {
    match body.get(name).and_then(Value::as_str) {
        Some(found) if !known.contains(&found) => Err(Wrong::value(name, found, known)),
        _ => Ok(()),
    }
}

fn includes(body: &Map<String, Value>) -> Result<(), Wrong> {
    let include = body.get("include").and_then(Value::as_array);
    for (at, name) in include.into_iter().flatten().enumerate() {
        let name = name.as_str().unwrap_or_default();
        if !INCLUDABLE.contains(&name) {
            return Err(Wrong::value(&format!("include[{at}]"), name, INCLUDABLE));
        }
    }
    Ok(())
}

fn state(asked: &Asked, rules: &Rules) -> Result<(), Wrong> {
    let given = |name: &str| asked.body.get(name).is_some_and(|value| !value.is_null());
    if !rules.state {
        for name in ["previous_response_id", "conversation", "prompt"] {
            if given(name) {
                return Err(Wrong::unsupported(name));
            }
        }
        for name in ["store", "background"] {
            if asked.is(name) {
                return Err(Wrong::unsupported(name));
            }
        }
    }
    if given("previous_response_id") && given("conversation") {
        return Err(Wrong::new(
            "Mutually exclusive parameters: 'previous_response_id' and 'conversation' cannot be used together.",
        ));
    }
    for (name, what) in [("conversation", "Conversation"), ("prompt", "Prompt")] {
        let value = asked.body.get(name);
        let id = value
            .and_then(|value| value.get("id").or(Some(value)))
            .and_then(Value::as_str);
        if let Some(id) = id {
            // Neither can be made here, so none exists.
            return Err(Wrong::not_found(format!("{what} with id '{id}' not found.")).param(name));
        }
    }
    if asked.is("background") && !asked.store() {
        return Err(Wrong::new("Background mode requires 'store' to be true.").param("background"));
    }
    Ok(())
}

fn reasoning(body: &Map<String, Value>, rules: &Rules) -> Result<(), Wrong> {
    let asked = body.get("reasoning");
    match asked.and_then(|reasoning| reasoning.get("summary")?.as_str()) {
        Some(found) if !rules.summaries.contains(&found) => {
            Err(Wrong::value("reasoning.summary", found, rules.summaries))
        }
        _ => Ok(()),
    }
}

fn tools(body: &Map<String, Value>, rules: &Rules) -> Result<(), Wrong> {
    let tools = body.get("tools").and_then(Value::as_array);
    for (at, tool) in tools.into_iter().flatten().enumerate() {
        let place = |member: &str| format!("tools[{at}].{member}");
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        if !rules.tools.contains(&kind) {
            return Err(Wrong::value(&place("type"), kind, rules.tools));
        }
        let named = ["function", "custom"].contains(&kind);
        if named
            && tool
                .get("name")
                .and_then(Value::as_str)
                .is_none_or(str::is_empty)
        {
            return Err(Wrong::missing(&place("name")));
        }
        let strict = tool.get("strict").and_then(Value::as_bool) == Some(true);
        if strict && let Some(parameters) = tool.get("parameters").filter(|p| p.is_object()) {
            strict_schema(
                parameters,
                &place("parameters"),
                "invalid_function_parameters",
            )?;
        }
    }
    let forced = body
        .get("tool_choice")
        .and_then(|choice| choice.get("name")?.as_str());
    let offered = |name: &str| {
        let tools = body.get("tools").and_then(Value::as_array);
        tools
            .into_iter()
            .flatten()
            .any(|tool| tool.get("name").is_some_and(|known| known == name))
    };
    match forced {
        Some(name) if !offered(name) => Err(Wrong::new(format!(
            "Tool choice '{name}' not found in 'tools' parameter."
        ))
        .param("tool_choice")),
        _ => Ok(()),
    }
}

fn format(body: &Map<String, Value>) -> Result<(), Wrong> {
    let Some(format) = body.get("text").and_then(|text| text.get("format")) else {
        return Ok(());
    };
    let kinds = &["text", "json_object", "json_schema"];
    let kind = format
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match kind {
        "json_schema" => {
            let schema = format.get("schema").filter(|schema| schema.is_object());
            let schema = schema.ok_or_else(|| Wrong::missing("text.format.schema"))?;
            if format.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
                return Err(Wrong::missing("text.format.name"));
            }
            if format.get("strict").and_then(Value::as_bool) == Some(true) {
                return strict_schema(schema, "text.format.schema", "invalid_json_schema");
            }
            Ok(())
        }
        "json_object" if !Value::Object(body.clone()).to_string().to_lowercase().replace("json_object", "").contains("json") => {
            Err(Wrong::new(
                "Response input messages must contain the word 'json' in some form to use 'text.format' of type \
                 'json_object'.",
            )
            .param("input"))
        }
        known if kinds.contains(&known) => Ok(()),
        other => Err(Wrong::value("text.format.type", other, kinds)),
    }
}

/// A strict schema closes every object and requires all of its properties.
fn strict_schema(schema: &Value, place: &str, code: &'static str) -> Result<(), Wrong> {
    let wrong = |what: &str| {
        Err(Wrong::new(format!("Invalid schema: {what}"))
            .param(place)
            .code(code))
    };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
            return wrong("'additionalProperties' is required to be supplied and to be false.");
        }
        let required = schema.get("required").and_then(Value::as_array);
        let lacks = |name: &&String| {
            !required.is_some_and(|list| list.iter().any(|known| known == name.as_str()))
        };
        if let Some(name) = properties.keys().find(lacks) {
            return wrong(&format!(
                "'required' is required to be supplied and to be an array including every key in properties. Missing \
                 '{name}'."
            ));
        }
    }
    let maps = ["properties", "$defs"].into_iter();
    let maps = maps
        .filter_map(|name| schema.get(name)?.as_object())
        .flat_map(Map::values);
    let lists = ["anyOf", "allOf"].into_iter();
    let lists = lists
        .filter_map(|name| schema.get(name)?.as_array())
        .flatten();
    let mut inner = maps.chain(lists).chain(schema.get("items"));
    inner.try_for_each(|schema| strict_schema(schema, place, code))
}

/// Items are of known kinds, every call has its output and every output its call, and sealed thoughts are one's own.
fn items(asked: &Asked, rules: &Rules) -> Result<(), Wrong> {
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    for (at, item) in asked.input.iter().enumerate() {
        let place = |member: &str| format!("input[{at}].{member}");
        let kind = text(item, "type").unwrap_or_default();
        if !ITEMS.contains(&kind.as_str()) {
            return Err(Wrong::value(&place("type"), &kind, ITEMS));
        }
        match kind.as_str() {
            "message" => content(item, &place("content"))?,
            "function_call_output" | "custom_tool_call_output" if item.get("output").is_none() => {
                return Err(Wrong::missing(&place("output")));
            }
            "reasoning" => {
                let sealed = text(item, "encrypted_content");
                if sealed.is_some_and(|sealed| seal::open(rules.who, &sealed).is_none()) {
                    return Err(Wrong::new(
                        "The encrypted content could not be verified. Reason: Encrypted content could not be \
                         decrypted or parsed.",
                    )
                    .code("invalid_encrypted_content"));
                }
            }
            _ => {}
        }
    }
    let ids = |suffix: &str| -> HashSet<String> {
        asked
            .items()
            .filter(|item| {
                let kind = text(item, "type").unwrap_or_default();
                kind == format!("function_{suffix}") || kind == format!("custom_tool_{suffix}")
            })
            .filter_map(|item| text(item, "call_id"))
            .collect()
    };
    let (calls, outputs) = (ids("call"), ids("call_output"));
    if let Some(id) = outputs.difference(&calls).min() {
        return Err(Wrong::new(format!(
            "No tool call found for function call output with call_id {id}."
        ))
        .param("input"));
    }
    if let Some(id) = calls.difference(&outputs).min() {
        return Err(
            Wrong::new(format!("No tool output found for function call {id}.")).param("input"),
        );
    }
    Ok(())
}

/// Which parts a message may have depends on who says it.
fn content(item: &Value, place: &str) -> Result<(), Wrong> {
    let role = item.get("role").and_then(Value::as_str).unwrap_or_default();
    let known: &[&str] = match role {
        "assistant" => &["output_text", "refusal"],
        "user" | "system" | "developer" => {
            &["input_text", "input_image", "input_file", "input_audio"]
        }
        other => {
            let roles = &["assistant", "system", "developer", "user"];
            return Err(Wrong::value(
                &place.replace("content", "role"),
                other,
                roles,
            ));
        }
    };
    let parts = item.get("content").and_then(Value::as_array);
    for (at, part) in parts.into_iter().flatten().enumerate() {
        let kind = part.get("type").and_then(Value::as_str).unwrap_or_default();
        if !known.contains(&kind) {
            return Err(Wrong::value(&format!("{place}[{at}]"), kind, known));
        }
    }
    Ok(())
}
