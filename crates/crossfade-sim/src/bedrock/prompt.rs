//! Reads what a Converse request asks of the model, in the terms that scripts answer in.

use serde_json::Value;

use super::json::{items, text};
use crate::script::Prompt;

/// The prompt in a request's body.
pub(super) fn read(model: &str, body: Value) -> Prompt {
    let messages = items(&body, "messages");
    let last = messages.last();
    let results = last.map_or(&[][..], |message| items(message, "content"));
    let tool_result = results
        .iter()
        .filter_map(|block| block.get("toolResult"))
        .next_back()
        .map(result_text);
    let has_text = |message: &&Value| {
        items(message, "content")
            .iter()
            .any(|b| text(b, "text").is_some())
    };
    let user = messages
        .iter()
        .rev()
        .filter(|message| text(message, "role") == Some("user"))
        .find(has_text)
        .map(|message| texts(items(message, "content")))
        .unwrap_or_default();
    let tools = body
        .get("toolConfig")
        .map_or(&[][..], |config| items(config, "tools"));
    let tools = tools
        .iter()
        .filter_map(|tool| text(tool.get("toolSpec")?, "name"));
    let forced_tool = body
        .pointer("/toolConfig/toolChoice/tool/name")
        .and_then(Value::as_str);
    let schema = body
        .pointer("/outputConfig/textFormat/structure/jsonSchema/schema")
        .and_then(Value::as_str)
        .and_then(|schema| serde_json::from_str(schema).ok());
    Prompt {
        model: model.to_owned(),
        system: texts(items(&body, "system")),
        user,
        tool_result,
        tools: tools.map(ToOwned::to_owned).collect(),
        forced_tool: forced_tool.map(ToOwned::to_owned),
        schema,
        body,
    }
}

/// About how many tokens a text has.
pub(super) fn tokens(text: &str) -> u64 {
    text.chars().count().div_ceil(4) as u64
}

/// About how many tokens a request has: all its text, its calls and its tools.
pub(super) fn prompt_tokens(body: &Value) -> u64 {
    let messages = items(body, "messages");
    let blocks = messages
        .iter()
        .flat_map(|message| items(message, "content"));
    let blocks = blocks.chain(items(body, "system"));
    let text: u64 = blocks
        .map(|block| match text(block, "text") {
            Some(text) => tokens(text),
            None if block.get("toolUse").is_some() || block.get("toolResult").is_some() => {
                tokens(&block.to_string())
            }
            // Media count by size on the real service; here, something.
            None => 100,
        })
        .sum();
    let tools = body
        .get("toolConfig")
        .map_or(0, |config| tokens(&config.to_string()));
    text + tools + 3 * messages.len() as u64
}

fn texts(blocks: &[Value]) -> String {
    let texts: Vec<&str> = blocks
        .iter()
        .filter_map(|block| text(block, "text"))
        .collect();
    texts.join("\n")
}

fn result_text(result: &Value) -> String {
    let parts: Vec<String> = items(result, "content")
        .iter()
        .filter_map(|part| {
            let json = || part.get("json").map(Value::to_string);
            text(part, "text").map(ToOwned::to_owned).or_else(json)
        })
        .collect();
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_becomes_a_prompt() {
        let body = json!({
            "system": [{"text": "be brief"}, {"cachePoint": {"type": "default"}}, {"text": "be kind"}],
            "messages": [
                {"role": "user", "content": [{"text": "a"}, {"image": {}}, {"text": "b"}]},
                {"role": "assistant", "content": [{"toolUse": {"toolUseId": "c", "name": "look_up", "input": {}}}]},
                {"role": "user", "content": [
                    {"toolResult": {"toolUseId": "c", "content": [{"text": "4"}, {"json": {"n": 2}}]}},
                ]},
            ],
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "look_up"}}],
                "toolChoice": {"tool": {"name": "look_up"}},
            },
            "outputConfig": {"textFormat": {"structure": {"jsonSchema": {"schema": "{\"type\":\"object\"}"}}}},
        });
        let prompt = read("m", body);
        assert_eq!(
            (prompt.model.as_str(), prompt.system.as_str()),
            ("m", "be brief\nbe kind")
        );
        assert_eq!(prompt.user, "a\nb");
        assert_eq!(prompt.tool_result.as_deref(), Some("4\n{\"n\":2}"));
        assert_eq!(prompt.tools, ["look_up"]);
        assert_eq!(prompt.forced_tool.as_deref(), Some("look_up"));
        assert_eq!(prompt.schema, Some(json!({"type": "object"})));
        let plain = read(
            "m",
            json!({"messages": [{"role": "user", "content": [{"text": "x"}]}]}),
        );
        assert_eq!(
            (plain.tool_result, plain.forced_tool, plain.schema),
            (None, None, None)
        );
        assert_eq!(plain.user, "x");
    }
}
