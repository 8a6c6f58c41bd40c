//! Reads what a chat request asks of the model, in the terms that scripts answer in.

use serde_json::{Map, Value};

use super::tokens;
use crate::script::Prompt;

/// The prompt in a chat request's body.
pub(crate) fn read(model: &str, body: Map<String, Value>) -> Prompt {
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
    let newest = messages
        .last()
        .filter(|m| matches!(role(m).as_deref(), Some("tool" | "function")));
    let tool_result = newest.map(text_of);
    let offered = |name: &str| {
        let tools = body.get(name).and_then(Value::as_array);
        tools.map_or(&[][..], Vec::as_slice)
    };
    let tools = offered("tools").iter().filter_map(called);
    let functions = offered("functions").iter().filter_map(name_of);
    let tools = tools.chain(functions).collect();
    let forced_tool = body
        .get("tool_choice")
        .and_then(called)
        .or_else(|| body.get("function_call").and_then(name_of));
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
pub(crate) fn prompt_tokens(body: &Map<String, Value>) -> u64 {
    let messages = body
        .get("messages")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let text: u64 = messages
        .iter()
        .map(|message| tokens(&text_of(message)) + 3)
        .sum();
    let calls = messages.iter().filter_map(|m| m.get("tool_calls"));
    let definitions = body
        .get("tools")
        .into_iter()
        .chain(body.get("functions"))
        .chain(calls);
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

/// The name of a tool or of a choice, of either kind.
fn called(value: &Value) -> Option<String> {
    ["function", "custom"]
        .into_iter()
        .find_map(|kind| name_of(value.get(kind)?))
}

fn name_of(value: &Value) -> Option<String> {
    value.get("name")?.as_str().map(str::to_owned)
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
        let legacy = json!({
            "messages": [{"role": "user", "content": "x"}, {"role": "function", "name": "f", "content": "7"}],
            "functions": [{"name": "f"}],
            "function_call": {"name": "f"},
        });
        let prompt = read("d", legacy.as_object().cloned().unwrap());
        assert_eq!(prompt.tool_result.as_deref(), Some("7"));
        assert_eq!(
            (prompt.tools, prompt.forced_tool),
            (vec!["f".to_owned()], Some("f".to_owned()))
        );
        let plain = json!({"messages": [{"role": "user", "content": "x"}], "tool_choice": "auto"});
        let prompt = read("d", plain.as_object().cloned().unwrap());
        assert_eq!(
            (prompt.tool_result, prompt.forced_tool, prompt.schema),
            (None, None, None)
        );
    }
}
