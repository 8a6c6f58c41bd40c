//! What a response repeats of its request, with the defaults that Azure fills in (captured 2026).

use serde_json::{Map, Value, json};

use crate::chat::{Nullable, Open};

use super::{FunctionTool, Request, Response, Seconds, Status, Tool};

/// A request as its response repeats it.
#[derive(Clone, Debug, PartialEq)]
pub struct Echo {
    response: Response,
}

// === impl Echo ===

impl Echo {
    /// What the response to this request repeats. `model` is the caller's own name for the model; the request's `model`
    /// on v1 paths.
    pub fn of(request: &Request, model: &str) -> Self {
        let text = |field: &Option<String>| Nullable::from(field.clone());
        let word = |field: &Option<String>, default: &str| {
            Nullable::Value(field.clone().unwrap_or_else(|| default.to_owned()))
        };
        let tools = request.tools.iter().flatten().map(tool).collect();
        let choice = request.tool_choice.as_ref();
        let choice = choice.map_or_else(|| json!("auto"), plain);
        let response = Response {
            object: Response::OBJECT.to_owned(),
            status: Some(Open::Known(Status::InProgress)),
            background: Nullable::Value(request.background == Some(true)),
            completed_at: Nullable::Null,
            content_filters: Nullable::Null,
            error: Nullable::Null,
            frequency_penalty: Nullable::Value(0.0),
            incomplete_details: Nullable::Null,
            instructions: request.instructions.clone().map(Value::String).into(),
            max_output_tokens: request.max_output_tokens.into(),
            max_tool_calls: request.max_tool_calls.into(),
            model: model.to_owned(),
            parallel_tool_calls: Nullable::Value(request.parallel_tool_calls != Some(false)),
            presence_penalty: Nullable::Value(0.0),
            previous_response_id: text(&request.previous_response_id),
            prompt_cache_key: text(&request.prompt_cache_key),
            prompt_cache_retention: text(&request.prompt_cache_retention),
            reasoning: Nullable::Value(reasoning(request)),
            safety_identifier: text(&request.safety_identifier),
            service_tier: word(&request.service_tier, "auto"),
            store: Nullable::Value(request.is_stored()),
            temperature: Nullable::Value(request.temperature.unwrap_or(1.0)),
            text: Nullable::Value(text_config(request)),
            tool_choice: Nullable::Value(choice),
            tools: Nullable::Value(tools),
            top_logprobs: Nullable::Value(request.top_logprobs.unwrap_or(0)),
            top_p: Nullable::Value(request.top_p.unwrap_or(1.0)),
            truncation: word(&request.truncation, "disabled"),
            usage: Nullable::Null,
            user: text(&request.user),
            metadata: Nullable::Value(request.metadata.clone().unwrap_or_default()),
            ..Response::default()
        };
        Self { response }
    }

    /// The response in progress, with nothing in it yet.
    pub fn head(&self, id: String, created_at: u64) -> Response {
        Response {
            id,
            created_at: Seconds(created_at),
            ..self.response.clone()
        }
    }
}

/// The value of a plain type of this module.
fn plain<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// `defaults`, replaced and extended by what the caller gave.
fn over(mut defaults: Value, given: Value) -> Value {
    if let (Value::Object(defaults), Value::Object(given)) = (&mut defaults, given) {
        for (name, value) in given {
            defaults.insert(name, value);
        }
    }
    defaults
}

fn reasoning(request: &Request) -> Value {
    let given = request.reasoning.as_ref().map_or(Value::Null, plain);
    over(json!({ "effort": null, "summary": null }), given)
}

fn text_config(request: &Request) -> Value {
    let mut given = request.text.as_ref().map_or(Value::Null, plain);
    if let Some(format) = given.get_mut("format") {
        let defaults = if format.get("type").and_then(Value::as_str) == Some("json_schema") {
            json!({ "type": null, "description": null, "name": null, "schema": null, "strict": false })
        } else {
            Value::Object(Map::new())
        };
        *format = over(defaults, format.take());
    }
    over(
        json!({ "format": { "type": "text" }, "verbosity": "medium" }),
        given,
    )
}

/// A function is strict unless it says otherwise. The provider's own tools have defaults that are not known here; a request
/// with them is answered by the provider itself.
fn tool(tool: &Tool) -> Value {
    let defaults = match tool {
        Tool::Function(FunctionTool { .. }) => json!({
            "type": null, "description": null, "name": null, "parameters": null, "strict": true
        }),
        Tool::Custom(_) => json!({
            "type": null, "description": null, "format": { "type": "text" }, "name": null
        }),
        Tool::Other(_) => Value::Object(Map::new()),
    };
    over(defaults, plain(tool))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The head of the response to a request, as JSON.
    fn head(request: &Value) -> Value {
        let request = Request::from_slice(request.to_string().as_bytes()).unwrap();
        let head = Echo::of(&request, "chat-prod").head("resp_1".to_owned(), 7);
        serde_json::to_value(head).unwrap()
    }

    #[test]
    fn defaults_are_azures() {
        let expected = r#"{"id":"resp_1","object":"response","created_at":7,"status":"in_progress","background":false,"completed_at":null,"content_filters":null,"error":null,"frequency_penalty":0.0,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"model":"chat-prod","output":[],"parallel_tool_calls":true,"presence_penalty":0.0,"previous_response_id":null,"prompt_cache_key":null,"prompt_cache_retention":null,"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"service_tier":"auto","store":true,"temperature":1.0,"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled","usage":null,"user":null,"metadata":{}}"#;
        assert_eq!(head(&json!({"input": "hi"})).to_string(), expected);
    }

    #[test]
    fn what_was_asked_is_repeated() {
        let head = head(&json!({
            "input": "hi", "model": "elsewhere", "store": false, "instructions": "brief", "temperature": 0.5,
            "max_output_tokens": 16, "parallel_tool_calls": false, "user": "u", "metadata": {"a": "b"},
            "reasoning": {"effort": "low", "context": "all_turns"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
            "tool_choice": {"type": "function", "name": "f"},
            "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"},
                      {"type": "function", "name": "g", "description": "d", "parameters": {}, "strict": false, "extra": 1}]
        }));
        for (field, expected) in [
            ("model", r#""chat-prod""#),
            ("store", "false"),
            ("instructions", r#""brief""#),
            ("temperature", "0.5"),
            ("max_output_tokens", "16"),
            ("parallel_tool_calls", "false"),
            ("user", r#""u""#),
            ("metadata", r#"{"a":"b"}"#),
            (
                "reasoning",
                r#"{"effort":"low","summary":null,"context":"all_turns"}"#,
            ),
            (
                "text",
                r#"{"format":{"type":"json_schema","description":null,"name":"n","schema":{},"strict":false},"verbosity":"low"}"#,
            ),
            ("tool_choice", r#"{"type":"function","name":"f"}"#),
            (
                "tools",
                concat!(
                    r#"[{"type":"function","description":null,"name":"f","parameters":null,"strict":true},"#,
                    r#"{"type":"custom","description":null,"format":{"type":"text"},"name":"c"},"#,
                    r#"{"type":"function","description":"d","name":"g","parameters":{},"strict":false,"extra":1}]"#
                ),
            ),
        ] {
            assert_eq!(head[field].to_string(), expected, "{field}");
        }
    }
}
