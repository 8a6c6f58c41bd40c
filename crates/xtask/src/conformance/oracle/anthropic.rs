//! Anthropic's own Messages wire, which some fixtures expect, as the chat answer that says the same.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::completion::append;

/// A whole message as a chat answer.
pub(super) fn of_message(message: &Value) -> Value {
    let mut said = Map::new();
    let mut calls = Vec::new();
    said.insert("role".to_owned(), json!("assistant"));
    let blocks = message.get("content").and_then(Value::as_array);
    for block in blocks.into_iter().flatten() {
        let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "tool_use" => {
                let input = block.get("input").unwrap_or(&Value::Null).to_string();
                calls.push(json!({
                    "type": "function",
                    "function": { "name": text("name"), "arguments": input },
                }));
            }
            "thinking" => append(&mut said, "reasoning_content", text("thinking")),
            _ => append(&mut said, "content", text("text")),
        }
    }
    if !calls.is_empty() {
        said.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    let finish = match message.get("stop_reason").and_then(Value::as_str) {
        Some("tool_use") => "tool_calls",
        Some("max_tokens") => "length",
        _ => "stop",
    };
    let tokens = |name: &str| {
        let count = message.pointer(&format!("/usage/{name}"));
        count.and_then(Value::as_u64).unwrap_or(0)
    };
    let (prompt, completion) = (tokens("input_tokens"), tokens("output_tokens"));
    json!({
        "object": "chat.completion",
        "choices": [{ "index": 0, "finish_reason": finish, "message": said }],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        },
    })
}

/// A stream of its events as a chat answer.
pub(super) fn of_stream(stream: &str) -> Result<Value> {
    let (mut message, mut usage) = (Map::new(), Map::new());
    let mut blocks: Vec<Value> = Vec::new();
    for data in stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
    {
        let event: Value = serde_json::from_str(data).context("an event is no JSON")?;
        if let Some(block) = event.get("content_block") {
            blocks.push(block.clone());
        }
        if let Some((delta, block)) = event.get("delta").zip(blocks.last_mut()) {
            for (name, into) in [
                ("text", "text"),
                ("thinking", "thinking"),
                ("partial_json", "json"),
            ] {
                if let Some((text, block)) = delta
                    .get(name)
                    .and_then(Value::as_str)
                    .zip(block.as_object_mut())
                {
                    append(block, into, text);
                }
            }
        }
        if let Some(reason) = event.pointer("/delta/stop_reason") {
            message.insert("stop_reason".to_owned(), reason.clone());
        }
        let counts = event.get("usage").and_then(Value::as_object);
        usage.extend(counts.cloned().into_iter().flatten());
    }
    for block in &mut blocks {
        let text = block.get("json").and_then(Value::as_str);
        let input = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
        if let Some((input, block)) = input.zip(block.as_object_mut()) {
            block.insert("input".to_owned(), input);
        }
    }
    message.insert("content".to_owned(), Value::Array(blocks));
    message.insert("usage".to_owned(), Value::Object(usage));
    Ok(of_message(&Value::Object(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_says_what_its_message_says() {
        let stream = [
            r#"{"type":"message_start","message":{}}"#,
            r#"{"type":"content_block_start","content_block":{"type":"text","text":""}}"#,
            r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"a"}}"#,
            r#"{"type":"content_block_start","content_block":{"type":"tool_use","name":"f","input":{}}}"#,
            r#"{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}"#,
            r#"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"input_tokens":1,"output_tokens":2}}"#,
        ];
        let stream = stream.map(|data| format!("data: {data}\n\n")).concat();
        let message = json!({
            "content": [
                {"type": "text", "text": "a"},
                {"type": "tool_use", "name": "f", "input": {"x": 1}},
            ],
            "stop_reason": "tool_use",
            "usage": {"input_tokens": 1, "output_tokens": 2},
        });
        assert_eq!(of_stream(&stream).unwrap(), of_message(&message));
    }
}
