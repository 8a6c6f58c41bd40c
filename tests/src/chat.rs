//! Chat requests and answers as applications know them.

use serde_json::{Value, json};

use crate::http::{Answer, Request};

/// The deployment that the tests' route covers.
pub const DEPLOYMENT: &str = "support";
/// The API version of dated paths.
pub const VERSION: &str = "2024-10-21";
/// The key of a caller, unless a test names another.
pub const KEY: &str = "caller-key";
/// What the simulated Azure says.
pub const PRIMARY_SAYS: &str = "the primary speaks";
/// What the simulated Bedrock says.
pub const CANDIDATE_SAYS: &str = "the candidate speaks";

/// The dated path of the deployment's chat completions.
pub fn path() -> String {
    format!("/openai/deployments/{DEPLOYMENT}/chat/completions?api-version={VERSION}")
}

/// A question.
pub fn question(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}]})
}

/// A question whose answer is streamed.
pub fn streamed(text: &str) -> Value {
    let mut body = question(text);
    body["stream"] = json!(true);
    body
}

/// A question whose answer must be JSON.
pub fn json_question(text: &str) -> Value {
    let mut body = question(text);
    body["response_format"] = json!({"type": "json_object"});
    body
}

/// A chat request of the usual caller.
pub fn request(body: &Value) -> Request {
    request_as(KEY, body)
}

/// A chat request of some caller.
pub fn request_as(key: &str, body: &Value) -> Request {
    Request::post(&path())
        .header("api-key", key)
        .header("Content-Type", "application/json")
        .body(body.to_string())
}

/// The text of an answer, streamed or not; empty if there is none.
pub fn text(answer: &Answer) -> String {
    let streamed = answer
        .header("content-type")
        .is_some_and(|t| t.starts_with("text/event-stream"));
    if !streamed {
        let body = answer.json();
        let content = body
            .pointer("/choices/0/message/content")
            .and_then(Value::as_str);
        return content.unwrap_or_default().to_owned();
    }
    events(&answer.text())
        .iter()
        .filter_map(|event| event.pointer("/choices/0/delta/content")?.as_str())
        .collect()
}

/// The JSON of every `data:` line of an event stream but `[DONE]`.
pub fn events(stream: &str) -> Vec<Value> {
    let data = stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    let parse = |data: &str| serde_json::from_str(data).expect("JSON in every event");
    data.filter(|data| *data != "[DONE]").map(parse).collect()
}

/// Whether an event stream ended with its end mark.
pub fn is_done(stream: &str) -> bool {
    stream.trim_end().ends_with("data: [DONE]")
}
