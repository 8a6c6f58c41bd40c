//! Requests made of bytes: of the wire's shape, with values of all kinds in its places.

use arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};

/// Texts that have been trouble, beside those that the bytes hold.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\n\n",
    "hi",
    "Answer as JSON.",
    "{}",
    "[]",
    "{\"a\":1}{\"b\":2}",
    "{\"a\":",
    "null",
    "\u{0}",
    "😀é",
    "a name that is much longer than sixty-four characters, and has spaces",
];

const URLS: &[&str] = &[
    "data:image/png;base64,iVBORw0KGgo=",
    "data:image/jpg;base64,",
    "data:text/html;base64,AAAA",
    "https://example.com/a.png",
    "data:",
    "",
];

/// A chat request.
pub(crate) fn chat(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut body = Map::new();
    let count = bytes.int_in_range(0..=6)?;
    let messages: Result<Vec<Value>> = (0..count).map(|_| message(bytes)).collect();
    body.insert("messages".to_owned(), Value::Array(messages?));
    for _ in 0..bytes.int_in_range(0..=6)? {
        let (name, value) = field(bytes)?;
        body.insert(name.to_owned(), value);
    }
    Ok(Value::Object(body))
}

/// A request of the Responses API.
pub(crate) fn responses(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let count = bytes.int_in_range(0..=6)?;
    let items: Result<Vec<Value>> = (0..count).map(|_| item(bytes)).collect();
    let input = if bytes.ratio(1, 4)? {
        json!(text(bytes)?)
    } else {
        Value::Array(items?)
    };
    let mut body = Map::new();
    body.insert("input".to_owned(), input);
    for _ in 0..bytes.int_in_range(0..=5)? {
        let text = text(bytes)?;
        let (name, value) = match bytes.int_in_range(0..=8)? {
            0 => ("instructions", json!(text)),
            1 => ("store", json!(bytes.arbitrary::<bool>()?)),
            2 => ("stream", json!(bytes.arbitrary::<bool>()?)),
            3 => ("max_output_tokens", json!(number(bytes)?)),
            4 => {
                let format =
                    json!({"type": "json_schema", "name": text, "schema": schema(bytes, 3)?});
                ("text", json!({ "format": format }))
            }
            5 => {
                let tool =
                    json!({"type": "function", "name": text, "parameters": schema(bytes, 2)?});
                ("tools", json!([tool, { "type": "custom", "name": "own" }]))
            }
            6 => ("reasoning", json!({"effort": pick(bytes, EFFORTS)?})),
            7 => ("previous_response_id", json!(text)),
            _ => field(bytes)?,
        };
        body.insert(name.to_owned(), value);
    }
    Ok(Value::Object(body))
}

/// A request for embeddings.
pub(crate) fn embeddings(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let input = match bytes.int_in_range(0..=3)? {
        0 => json!(text(bytes)?),
        1 => json!([text(bytes)?, text(bytes)?]),
        2 => json!([number(bytes)?, number(bytes)?]),
        _ => json!([[1, 2], [3]]),
    };
    let format = pick(bytes, &["float", "base64", "hex"])?;
    Ok(json!({"input": input, "dimensions": number(bytes)?, "encoding_format": format}))
}

const EFFORTS: &[&str] = &[
    "none", "minimal", "low", "medium", "high", "xhigh", "max", "most",
];

fn message(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let role = pick(
        bytes,
        &[
            "system",
            "developer",
            "user",
            "user",
            "assistant",
            "assistant",
            "tool",
            "function",
            "critic",
        ],
    )?;
    let mut message = json!({"role": role, "content": content(bytes)?});
    let Some(members) = message.as_object_mut() else {
        return Ok(message);
    };
    if bytes.ratio(1, 2)? && role == "assistant" {
        let calls: Result<Vec<Value>> = (0..bytes.int_in_range(0..=3)?)
            .map(|_| call(bytes))
            .collect();
        members.insert("tool_calls".to_owned(), Value::Array(calls?));
    }
    if role == "tool" {
        members.insert("tool_call_id".to_owned(), json!(id(bytes)?));
    }
    if role == "function" || bytes.ratio(1, 10)? {
        members.insert("name".to_owned(), json!(text(bytes)?));
    }
    if bytes.ratio(1, 20)? {
        let called = json!({"name": text(bytes)?, "arguments": text(bytes)?});
        members.insert("function_call".to_owned(), called);
    }
    if bytes.ratio(1, 20)? {
        members.insert("refusal".to_owned(), json!(text(bytes)?));
    }
    Ok(message)
}

fn content(bytes: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match bytes.int_in_range(0..=5)? {
        0 => Value::Null,
        1..=3 => json!(text(bytes)?),
        _ => {
            let parts: Result<Vec<Value>> = (0..bytes.int_in_range(0..=3)?)
                .map(|_| part(bytes))
                .collect();
            Value::Array(parts?)
        }
    })
}

fn part(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let mut part = match bytes.int_in_range(0..=6)? {
        0..=2 => json!({"type": "text", "text": text(bytes)?}),
        3 => json!({"type": "image_url", "image_url": {"url": pick(bytes, URLS)?}}),
        4 => {
            json!({"type": "file", "file": {"file_data": pick(bytes, URLS)?, "filename": text(bytes)?}})
        }
        5 => json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}),
        _ => json!({"type": "refusal", "refusal": text(bytes)?}),
    };
    if bytes.ratio(1, 8)? {
        let mark = json!({"mode": "explicit", "ttl": "30m"});
        part.as_object_mut()
            .map(|part| part.insert("prompt_cache_breakpoint".to_owned(), mark));
    }
    Ok(part)
}

fn call(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let (id, name, input) = (id(bytes)?, text(bytes)?, text(bytes)?);
    Ok(if bytes.ratio(1, 6)? {
        json!({"id": id, "type": "custom", "custom": {"name": name, "input": input}})
    } else {
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": input}})
    })
}

fn item(bytes: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match bytes.int_in_range(0..=6)? {
        0..=2 => {
            let role = pick(bytes, &["user", "assistant", "system", "developer"])?;
            json!({"role": role, "content": text(bytes)?})
        }
        3 => json!({
            "type": "function_call", "call_id": id(bytes)?, "name": text(bytes)?, "arguments": text(bytes)?,
        }),
        4 => json!({"type": "function_call_output", "call_id": id(bytes)?, "output": text(bytes)?}),
        5 => {
            json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": text(bytes)?})
        }
        _ => json!({"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": text(bytes)?},
            {"type": "input_image", "image_url": pick(bytes, URLS)?},
        ]}),
    })
}

fn field(bytes: &mut Unstructured<'_>) -> Result<(&'static str, Value)> {
    Ok(match bytes.int_in_range(0..=15)? {
        0 => ("temperature", json!(number(bytes)?)),
        1 => ("top_p", json!(number(bytes)?)),
        2 => ("max_tokens", json!(number(bytes)?)),
        3 => ("max_completion_tokens", json!(number(bytes)?)),
        4 => ("stop", json!([text(bytes)?, text(bytes)?])),
        5 => ("stream", json!(true)),
        6 => ("parallel_tool_calls", json!(bytes.arbitrary::<bool>()?)),
        7 | 8 => ("tools", tools(bytes)?),
        9 => ("tool_choice", tool_choice(bytes)?),
        10 => {
            let schema = schema(bytes, 4)?;
            let format = json!({"name": text(bytes)?, "schema": schema, "strict": true});
            (
                "response_format",
                json!({"type": "json_schema", "json_schema": format}),
            )
        }
        11 => ("response_format", json!({"type": "json_object"})),
        12 => ("reasoning_effort", json!(pick(bytes, EFFORTS)?)),
        13 => ("metadata", json!({text(bytes)?: text(bytes)?})),
        14 => (
            "service_tier",
            json!(pick(bytes, &["auto", "default", "flex", "fast"])?),
        ),
        _ => ("user", json!(text(bytes)?)),
    })
}

fn tools(bytes: &mut Unstructured<'_>) -> Result<Value> {
    let tools: Result<Vec<Value>> = (0..bytes.int_in_range(0..=4)?)
        .map(|_| {
            let name = text(bytes)?;
            Ok(if bytes.ratio(1, 6)? {
                json!({"type": "custom", "custom": {"name": name}})
            } else {
                let parameters = schema(bytes, 3)?;
                json!({"type": "function", "function": {
                    "name": name, "description": text(bytes)?, "parameters": parameters, "strict": true,
                }})
            })
        })
        .collect();
    Ok(Value::Array(tools?))
}

fn tool_choice(bytes: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match bytes.int_in_range(0..=4)? {
        0 => json!("none"),
        1 => json!("auto"),
        2 => json!("required"),
        3 => json!({"type": "function", "function": {"name": text(bytes)?}}),
        _ => json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
            {"type": "function", "function": {"name": text(bytes)?}},
        ]}}),
    })
}

/// A schema, also with definitions that lead back to themselves.
fn schema(bytes: &mut Unstructured<'_>, depth: u8) -> Result<Value> {
    let most = if depth == 0 { 3 } else { 8 };
    Ok(match bytes.int_in_range(0..=most)? {
        0 => json!({"type": "string", "pattern": "^(?=a)"}),
        1 => json!({"type": "integer", "minimum": number(bytes)?}),
        2 => {
            json!({"$ref": pick(bytes, &["#", "#/$defs/a", "#/$defs/none", "https://example.com"])?})
        }
        3 => json!(true),
        4 => json!({"anyOf": [schema(bytes, depth - 1)?, schema(bytes, depth - 1)?]}),
        5 => json!({"type": "array", "items": schema(bytes, depth - 1)?}),
        6 => {
            let inner = schema(bytes, depth - 1)?;
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": inner}})
        }
        _ => json!({"type": "object", "properties": {text(bytes)?: schema(bytes, depth - 1)?}}),
    })
}

/// A text that has been trouble, or one of the bytes'.
pub(crate) fn text(bytes: &mut Unstructured<'_>) -> Result<String> {
    if bytes.ratio(2, 3)? {
        return Ok(pick(bytes, TEXTS)?.to_owned());
    }
    let text: String = bytes.arbitrary()?;
    Ok(text.chars().take(100).collect())
}

fn id(bytes: &mut Unstructured<'_>) -> Result<String> {
    if bytes.ratio(3, 4)? {
        return Ok(pick(bytes, &["call_1", "call_2", "call|3", ""])?.to_owned());
    }
    text(bytes)
}

fn number(bytes: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match bytes.int_in_range(0..=4)? {
        0 => json!(0),
        1 => json!(bytes.arbitrary::<i32>()?),
        2 => json!(bytes.arbitrary::<u64>()?),
        3 => json!(0.5),
        _ => json!(1.7),
    })
}

pub(crate) fn pick<'t>(bytes: &mut Unstructured<'_>, of: &[&'t str]) -> Result<&'t str> {
    Ok(bytes.choose(of)?)
}
