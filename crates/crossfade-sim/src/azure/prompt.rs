//! Reads what a chat request asks of the model, in the terms that scripts answer in.

use serde_json::{Map, Value};

use super::request::tokens;
use crate::script::Prompt;

/// The prompt in a chat request's body.
pub(super) fn read(model: &str, body: Map<String, Value>) -> Prompt {
    let messages = body
        .get("messages")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let role = |message: &Value| {
        message
            .get("role")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let of = |wanted: &[&str]| -> Vec<String> {
        let matches = |m: &&Value| role(m).is_some_and(|role| wanted.contains(&role.as_str()));
        messages.iter().filter(matches).map(text_of).collect()
    };
    let system = of(&["system", "developer"]).join("\n");
    let user = of(&["user"]).pop().unwrap_or_default();
    let last = messages
        .last()
        .filter(|m| role(m).as_deref() == Some("tool"));
    let tool_result = last.map(text_of);
    let tools = body
        .get("tools")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let tools = tools
        .iter()
        .filter_map(|tool| name_in(tool, "function"))
        .collect();
    let forced_tool = body
        .get("tool_choice")
        .and_then(|choice| name_in(choice, "function"));
    let schema = body
        .get("response_format")
        .and_then(|format| format.get("json_schema"))
        .and_then(|schema| schema.get("schema"))
        .cloned();
    Prompt {
        model: model.to_owned(),
        system,
        user,
        tool_result,
        tools,
        forced_tool,
        schema,
        body: Value::Object(body),
    }
}

/// Prompt tokens: all message text, tool calls in history, and the tool definitions.
pub(super) fn prompt_tokens(body: &Map<String, Value>) -> u64 {
    let messages = body
        .get("messages")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let text: u64 = messages
        .iter()
        .map(|message| tokens(&text_of(message)) + 3)
        .sum();
    let calls = messages.iter().filter_map(|m| m.get("tool_calls"));
    let definitions = body.get("tools").into_iter().chain(calls);
    text + definitions
        .map(|json| tokens(&json.to_string()))
        .sum::<u64>()
}

/// A message's text: its string, or its text parts.
fn text_of(message: &Value) -> String {
    match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let text = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
            parts.iter().filter_map(text).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

fn name_in(value: &Value, member: &str) -> Option<String> {
    value.get(member)?.get("name")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_becomes_a_prompt() {
        let body = json!({
            "messages": [
                {"role": "developer", "content": "be brief"},
                {"role": "user", "content": "first"},
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}]},
                {"role": "tool", "tool_call_id": "c", "content": "42"},
            ],
            "tools": [{"type": "function", "function": {"name": "look_up"}}],
            "tool_choice": {"type": "function", "function": {"name": "look_up"}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        });
        let prompt = read("d", body.as_object().cloned().unwrap());
        assert_eq!(
            (prompt.system.as_str(), prompt.user.as_str()),
            ("be brief", "a\nb")
        );
        assert_eq!(prompt.tool_result.as_deref(), Some("42"));
        assert_eq!(prompt.tools, ["look_up"]);
        assert_eq!(prompt.forced_tool.as_deref(), Some("look_up"));
        assert_eq!(prompt.schema, Some(json!({"type": "object"})));
        let plain = json!({"messages": [{"role": "user", "content": "x"}], "tool_choice": "auto"});
        let prompt = read("d", plain.as_object().cloned().unwrap());
        assert_eq!(
            (prompt.tool_result, prompt.forced_tool, prompt.schema),
            (None, None, None)
        );
    }
}
