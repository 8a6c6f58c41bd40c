//! What is checked of a chat completion's body before a model sees it.

use serde_json::{Map, Value};

use super::Wrong;

/// The top-level arguments of a chat completion that every speaker of the wire knows.
pub(crate) const ARGUMENTS: &[&str] = &[
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "modalities",
    "model",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

/// The form in which a tool is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A function with JSON arguments.
    Function,
    /// A custom tool with free text.
    Custom,
    /// The one call of the old `functions` form.
    Legacy,
}

/// The body as a JSON object.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Wrong> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) | Err(_) => Err(Wrong::new(
            "The body of your request is not a JSON object; check that it is valid JSON.",
        )),
    }
}

/// Refuses top-level arguments that are in none of these lists.
pub(crate) fn known_arguments(body: &Map<String, Value>, known: &[&[&str]]) -> Result<(), Wrong> {
    let unknown: Vec<&str> = body
        .keys()
        .map(String::as_str)
        .filter(|key| !known.iter().any(|list| list.contains(key)))
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let plural = if unknown.len() == 1 { "" } else { "s" };
    let names = unknown.join(", ");
    Err(Wrong::new(format!(
        "Unrecognized request argument{plural} supplied: {names}"
    )))
}

/// Checks what holds for every model: the conversation, list lengths, ranges.
pub(crate) fn check(body: &Map<String, Value>) -> Result<(), Wrong> {
    let messages = match body.get("messages") {
        None => return Err(Wrong::missing("messages")),
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(_) => {
            return Err(Wrong::new(
                "Invalid 'messages': a list of at least one message is needed.",
            )
            .param("messages"));
        }
    };
    limit(body, "stop", 4)?;
    limit(body, "tools", 128)?;
    limit(body, "functions", 128)?;
    check_range(body, "temperature", 2.0)?;
    check_range(body, "top_p", 1.0)?;
    check_tool_results(messages)
}

/// Checks the form of each tool.
pub(crate) fn check_tools(body: &Map<String, Value>) -> Result<(), Wrong> {
    let tools = body.get("tools").and_then(Value::as_array);
    for (at, tool) in tools.into_iter().flatten().enumerate() {
        let place = format!("tools[{at}]");
        let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
        if !["function", "custom"].contains(&kind) {
            let place = format!("{place}.type");
            return Err(Wrong::value(&place, kind, &["function", "custom"]));
        }
        let name = tool
            .get(kind)
            .and_then(|spec| spec.get("name"))
            .and_then(Value::as_str)
            .unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if name.is_empty() {
            return Err(Wrong::missing(&format!("{place}.{kind}.name")));
        }
        if name.len() > 64 || !name.chars().all(plain) {
            let place = format!("{place}.{kind}.name");
            let message = format!(
                "Invalid '{place}': string does not match pattern. Expected a string that matches the pattern \
                 '^[a-zA-Z0-9_-]+$'."
            );
            return Err(Wrong::new(message).param(&place).code("invalid_value"));
        }
    }
    Ok(())
}

/// How a tool of this name is called, by the way it was offered.
pub(crate) fn form(body: &Value, name: &str) -> Form {
    let offers = |list: &str| body.get(list).and_then(Value::as_array).is_some();
    if !offers("tools") && offers("functions") {
        return Form::Legacy;
    }
    let tools = body.get("tools").and_then(Value::as_array);
    let custom = tools.into_iter().flatten().any(|tool| {
        let nested = tool.get("custom").and_then(|custom| custom.get("name"));
        // The Responses API's tools are flat.
        let flat = tool
            .get("name")
            .filter(|_| tool.get("type").is_some_and(|kind| kind == "custom"));
        nested.or(flat).is_some_and(|known| known == name)
    });
    if custom { Form::Custom } else { Form::Function }
}

fn limit(body: &Map<String, Value>, name: &'static str, most: usize) -> Result<(), Wrong> {
    match body.get(name).and_then(Value::as_array) {
        Some(list) if list.len() > most => Err(Wrong::new(format!(
            "Invalid '{name}': array too long. Expected at most {most} items, but got {}.",
            list.len()
        ))
        .param(name)
        .code("array_above_max_length")),
        _ => Ok(()),
    }
}

fn check_range(body: &Map<String, Value>, name: &'static str, most: f64) -> Result<(), Wrong> {
    match body.get(name).and_then(Value::as_f64) {
        Some(value) if !(0.0..=most).contains(&value) => Err(Wrong::new(format!(
            "Invalid '{name}': expected a number from 0 to {most}, but got {value}."
        ))
        .param(name)
        .code("decimal_out_of_range")),
        _ => Ok(()),
    }
}

/// Every tool call must be answered before the next message that is no tool result.
fn check_tool_results(messages: &[Value]) -> Result<(), Wrong> {
    for (index, message) in messages.iter().enumerate() {
        let Some(calls) = message.get("tool_calls").and_then(Value::as_array) else {
            continue;
        };
        let answered: Vec<&str> = messages
            .iter()
            .skip(index + 1)
            .take_while(|m| m.get("role").and_then(Value::as_str) == Some("tool"))
            .filter_map(|m| m.get("tool_call_id").and_then(Value::as_str))
            .collect();
        let open: Vec<&str> = calls
            .iter()
            .filter_map(|call| call.get("id").and_then(Value::as_str))
            .filter(|id| !answered.contains(id))
            .collect();
        if !open.is_empty() {
            let message = format!(
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each \
                 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
                open.join(", ")
            );
            let param = format!("messages.[{}].role", index + 1);
            return Err(Wrong::new(message).param(&param));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check_body(body: &Value, expected: Option<&str>) {
        let object = body.as_object().cloned().unwrap();
        let refused = known_arguments(&object, &[ARGUMENTS])
            .and_then(|()| check(&object))
            .and_then(|()| check_tools(&object))
            .err()
            .map(|wrong| wrong.error().to_string());
        match (&refused, expected) {
            (Some(got), Some(part)) => assert!(got.contains(part), "{got}"),
            (got, expected) => assert_eq!(got.is_some(), expected.is_some(), "{got:?}"),
        }
    }

    #[test]
    fn bodies_are_checked_as_the_service_does() {
        let messages = json!([{"role": "user", "content": "hi"}]);
        let with = |name: &str, value: Value| json!({"messages": messages, name: value});
        let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c1"}, {"id": "c2"}]});
        let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
        check_body(&json!({"messages": messages}), None);
        check_body(&with("nope", json!(1)), Some("argument supplied: nope"));
        check_body(
            &json!({"messages": messages, "a1": 1, "b": 2}),
            Some("arguments supplied: a1, b"),
        );
        check_body(&json!({}), Some("missing_required_parameter"));
        check_body(&json!({"messages": []}), Some("at least one message"));
        check_body(
            &with("stop", json!(["1", "2", "3", "4", "5"])),
            Some("stop"),
        );
        check_body(
            &with("temperature", json!(2.1)),
            Some("decimal_out_of_range"),
        );
        check_body(
            &json!({"messages": [call, result("c1"), result("c2")]}),
            None,
        );
        check_body(
            &json!({"messages": [call, result("c2")]}),
            Some("did not have response messages: c1"),
        );
        let named = |kind: &str, name: &str| json!([{"type": kind, kind: {"name": name}}]);
        check_body(&with("tools", named("custom", "a")), None);
        check_body(&with("tools", named("search", "a")), Some("tools[0].type"));
        check_body(
            &with("tools", named("function", "")),
            Some("tools[0].function.name"),
        );
        check_body(
            &with("tools", named("function", "a b")),
            Some("does not match pattern"),
        );
    }

    #[test]
    fn the_form_of_a_call_follows_the_offer() {
        let check = |body: Value, expected| assert_eq!(form(&body, "a"), expected, "{body}");
        check(json!({}), Form::Function);
        check(json!({"functions": [{"name": "a"}]}), Form::Legacy);
        check(
            json!({"tools": [{"type": "custom", "custom": {"name": "a"}}]}),
            Form::Custom,
        );
        check(
            json!({"tools": [{"type": "custom", "name": "a"}]}),
            Form::Custom,
        );
        check(
            json!({"tools": [{"type": "custom", "name": "b"}]}),
            Form::Function,
        );
        check(json!({"tools": [], "functions": []}), Form::Function);
    }
}
