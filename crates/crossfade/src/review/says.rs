//! What a person reads of a request and of an answer: the words and the calls, without the wire around them. It works on
//! any JSON, takes nothing for granted, and leaves escaping to whoever shows it.

use std::fmt::Write as _;

use serde_json::Value;

/// What an answer says: its text (JSON in it laid out, its members in order), its refusal, its calls; of an error its
/// message, of embeddings how many. What is not understood is laid out as it stands.
pub(crate) fn answer(body: &[u8]) -> String {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    let said = completion(&json)
        .or_else(|| response(&json))
        .or_else(|| failure(&json))
        .or_else(|| vectors(&json));
    said.unwrap_or_else(|| laid_out(&json))
}

/// What a request asks: its messages in order, its tools by name, the form of answer it wants.
pub(crate) fn request(body: &[u8]) -> String {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return String::from_utf8_lossy(body).into_owned();
    };
    let mut out = String::new();
    if let Some(instructions) = json.get("instructions").and_then(Value::as_str) {
        let _ = writeln!(out, "instructions: {instructions}");
    }
    let turns = json.get("messages").or_else(|| json.get("input"));
    match turns {
        Some(Value::String(text)) => {
            let _ = writeln!(out, "{text}");
        }
        Some(Value::Array(turns)) => {
            for turn in turns {
                put_turn(&mut out, turn);
            }
        }
        Some(_) | None => return laid_out(&json),
    }
    let tools: Vec<&str> = json
        .get("tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(tool_name)
        .collect();
    if !tools.is_empty() {
        let _ = writeln!(out, "tools: {}", tools.join(", "));
    }
    let format = json
        .pointer("/response_format/type")
        .or_else(|| json.pointer("/text/format/type"));
    if let Some(format) = format.and_then(Value::as_str) {
        let _ = writeln!(out, "format: {format}");
    }
    out
}

fn put_turn(out: &mut String, turn: &Value) {
    let text = |name: &str| turn.get(name).and_then(Value::as_str);
    let who = text("role").or_else(|| text("type")).unwrap_or("input");
    let mut said = match turn {
        Value::String(text) => text.clone(),
        turn => content(turn.get("content").or_else(|| turn.get("output"))),
    };
    put_calls(&mut said, turn);
    if text("type") == Some("function_call") {
        put_call(&mut said, text("name"), text("arguments"));
    }
    let _ = writeln!(out, "{who}: {said}");
}

fn tool_name(tool: &Value) -> Option<&str> {
    let nested = tool
        .pointer("/function/name")
        .or_else(|| tool.pointer("/custom/name"));
    nested.or_else(|| tool.get("name"))?.as_str()
}

/// A text, or the texts of parts; what is no text is named by its kind.
fn content(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let parts = parts.iter().map(|part| {
                let text = part.get("text").or_else(|| part.get("refusal"));
                match text.and_then(Value::as_str) {
                    Some(text) => text.to_owned(),
                    None => match part.get("type").and_then(Value::as_str) {
                        Some(kind) => format!("[{kind}]"),
                        None => part.as_str().unwrap_or("[part]").to_owned(),
                    },
                }
            });
            parts.collect::<Vec<_>>().join("\n")
        }
        Some(Value::Null) | None => String::new(),
        Some(other) => laid_out(other),
    }
}

fn completion(json: &Value) -> Option<String> {
    let choices = json.get("choices")?.as_array()?;
    let mut out = String::new();
    for choice in choices {
        let message = choice.get("message")?;
        let said = content(message.get("content"));
        put(&mut out, &structured(&said));
        if let Some(refusal) = message.get("refusal").and_then(Value::as_str) {
            put(&mut out, &format!("refusal: {refusal}"));
        }
        put_calls(&mut out, message);
        let reason = choice.get("finish_reason").and_then(Value::as_str);
        if let Some(reason @ ("length" | "content_filter")) = reason {
            put(&mut out, &format!("(ended by {reason})"));
        }
    }
    Some(out)
}

fn response(json: &Value) -> Option<String> {
    let items = json.get("output")?.as_array()?;
    let mut out = String::new();
    for item in items {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        match text("type") {
            Some("function_call") => put_call(&mut out, text("name"), text("arguments")),
            Some("custom_tool_call") => put_call(&mut out, text("name"), text("input")),
            Some("message") => put(&mut out, &structured(&content(item.get("content")))),
            Some(other) => put(&mut out, &format!("[{other}]")),
            None => {}
        }
    }
    let reason = json.pointer("/incomplete_details/reason");
    if let Some(reason) = reason.and_then(Value::as_str) {
        put(&mut out, &format!("(ended by {reason})"));
    }
    Some(out)
}

fn failure(json: &Value) -> Option<String> {
    let error = json.get("error").filter(|error| !error.is_null())?;
    let code = error.get("code").and_then(Value::as_str).unwrap_or("error");
    let message = error.get("message").and_then(Value::as_str)?;
    Some(format!("{code}: {message}"))
}

fn vectors(json: &Value) -> Option<String> {
    let data = json.get("data")?.as_array()?;
    let first = data.first()?.get("embedding")?;
    Some(match first.as_array() {
        Some(vector) => format!("{} vectors of {} dimensions", data.len(), vector.len()),
        None => format!("{} vectors", data.len()),
    })
}

fn put_calls(out: &mut String, message: &Value) {
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let old = message.get("function_call").filter(|call| call.is_object());
    for call in calls.into_iter().flatten().chain(old) {
        let held = ["function", "custom"]
            .iter()
            .find_map(|kind| call.get(kind))
            .unwrap_or(call);
        let text = |name: &str| held.get(name).and_then(Value::as_str);
        put_call(
            out,
            text("name"),
            text("arguments").or_else(|| text("input")),
        );
    }
}

fn put_call(out: &mut String, name: Option<&str>, arguments: Option<&str>) {
    let name = name.unwrap_or("?");
    let arguments = structured(arguments.unwrap_or_default());
    put(out, &format!("call {name} {arguments}"));
}

/// Adds a paragraph.
fn put(out: &mut String, text: &str) {
    if text.is_empty() {
        return;
    }
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(text);
}

/// A text that is JSON, laid out; any other as it is.
fn structured(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(json @ (Value::Object(_) | Value::Array(_))) => laid_out(&json),
        Ok(_) | Err(_) => text.to_owned(),
    }
}

/// JSON on several lines, the members of objects in order: so that their order makes no difference beside another.
fn laid_out(json: &Value) -> String {
    format!("{:#}", ordered(json))
}

/// The reader bounds the depth, as `serde_json` does not read more than 128 levels.
fn ordered(json: &Value) -> Value {
    match json {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            let members = members
                .into_iter()
                .map(|(name, member)| (name.clone(), ordered(member)));
            Value::Object(members.collect())
        }
        Value::Array(elements) => Value::Array(elements.iter().map(ordered).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_read_in_every_form() {
        let check = |body: Value, expected: &str| {
            assert_eq!(answer(body.to_string().as_bytes()), expected, "{body}");
        };
        let said =
            |message: Value| json!({"choices": [{"message": message, "finish_reason": "stop"}]});
        check(said(json!({"content": "Hello"})), "Hello");
        check(
            said(json!({"content": "{\"b\":1,\"a\":[]}"})),
            "{\n  \"a\": [],\n  \"b\": 1\n}",
        );
        check(
            said(json!({"content": null, "refusal": "No."})),
            "refusal: No.",
        );
        check(
            said(json!({"content": null, "tool_calls": [
                {"function": {"name": "pay", "arguments": "{\"n\":1}"}},
                {"custom": {"name": "run", "input": "ls"}}]})),
            "call pay {\n  \"n\": 1\n}\ncall run ls",
        );
        check(
            json!({"choices": [{"message": {"content": "Hel"}, "finish_reason": "length"}]}),
            "Hel\n(ended by length)",
        );
        check(
            json!({"output": [{"type": "reasoning"},
                {"type": "message", "content": [{"type": "output_text", "text": "Hi"}]},
                {"type": "function_call", "name": "pay", "arguments": "{}"}]}),
            "[reasoning]\nHi\ncall pay {}",
        );
        check(
            json!({"error": {"code": "content_filter", "message": "filtered"}}),
            "content_filter: filtered",
        );
        check(
            json!({"data": [{"embedding": [0.1, 0.2]}]}),
            "1 vectors of 2 dimensions",
        );
        check(json!({"x": 1}), "{\n  \"x\": 1\n}");
        assert_eq!(answer(b"\xff<html>"), "\u{fffd}<html>");
    }

    #[test]
    fn requests_are_read_in_every_form() {
        let check = |body: Value, expected: &str| {
            assert_eq!(request(body.to_string().as_bytes()), expected, "{body}");
        };
        check(
            json!({"messages": [
                {"role": "system", "content": "Be kind."},
                {"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url"}]},
                {"role": "assistant", "content": null,
                 "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "content": "42"}],
                "tools": [{"type": "function", "function": {"name": "f"}}],
                "response_format": {"type": "json_object"}}),
            "system: Be kind.\nuser: Hi\n[image_url]\nassistant: call f {}\ntool: 42\ntools: f\nformat: json_object\n",
        );
        check(
            json!({"instructions": "Be brief.", "input": "Hi"}),
            "instructions: Be brief.\nHi\n",
        );
        check(
            json!({"input": [{"role": "user", "content": "Hi"},
                {"type": "function_call", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "output": "42"}]}),
            "user: Hi\nfunction_call: call f {}\nfunction_call_output: 42\n",
        );
        check(json!({"input": ["a", "b"]}), "input: a\ninput: b\n");
        check(json!({"x": 1}), "{\n  \"x\": 1\n}");
    }
}
