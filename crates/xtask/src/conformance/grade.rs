//! What a recorded chat request asks for, graded apart from the translation that is judged by it: does everything in it
//! have a counterpart on Converse, and is it meant to be mapped yet?
//!
//! Only names and shapes are looked at, never whether the values make sense together.

use serde_json::{Map, Value};

/// How a request is graded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    /// All of it can be said on Converse, exactly, with a named loss, or emulated; and is meant to be by now.
    Covered,
    /// It can be said, and is not meant to be yet: sound, files, remote pictures, functions in the older form.
    Later,
    /// A field of it has no counterpart.
    Unsupported,
    /// The provider refused it, so there is nothing to be faithful to.
    Refused,
    /// It is no chat request at all.
    Foreign,
}

/// Fields that can be said or left out with a named loss, whatever their value.
const MAPPED: &[&str] = &[
    "model",
    "messages",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stop",
    "stream",
    "stream_options",
    "seed",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "verbosity",
    "prediction",
    "store",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "service_tier",
];

/// Members of messages that can be said or left out.
const IN_MESSAGES: &[&str] = &[
    "role",
    "content",
    "name",
    "refusal",
    "tool_calls",
    "tool_call_id",
    "annotations",
    "context",
];

/// Members of functions, defined or called.
const IN_FUNCTIONS: &[&str] = &["name", "description", "parameters", "strict", "arguments"];

// === impl Grade ===

impl Grade {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Later => "later",
            Self::Unsupported => "unsupported",
            Self::Refused => "refused_by_provider",
            Self::Foreign => "foreign",
        }
    }

    /// Grades a body, given the status it was answered with.
    pub(super) fn of(body: &[u8], status: u16) -> Self {
        let Ok(body) = serde_json::from_slice::<Map<String, Value>>(body) else {
            return Self::Foreign;
        };
        let Some(messages) = body.get("messages").and_then(Value::as_array) else {
            return Self::Foreign;
        };
        if status >= 400 {
            return Self::Refused;
        }
        let fields = body.iter().map(|(name, value)| of_field(name, value));
        let messages = messages.iter().map(of_message);
        fields.chain(messages).fold(Self::Covered, Self::worse)
    }

    fn worse(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unsupported, _) | (_, Self::Unsupported) => Self::Unsupported,
            (Self::Later, _) | (_, Self::Later) => Self::Later,
            (first, _) => first,
        }
    }
}

fn of_field(name: &str, value: &Value) -> Grade {
    let supported = match name {
        _ if value.is_null() => true,
        "functions" | "function_call" => return Grade::Later,
        "tools" => return all(value, of_tool),
        "n" => value == 1,
        "frequency_penalty" | "presence_penalty" | "top_logprobs" => value.as_f64() == Some(0.0),
        "logit_bias" => value.as_object().is_some_and(Map::is_empty),
        "logprobs" => value == false,
        "modalities" => value == &serde_json::json!(["text"]),
        _ => MAPPED.contains(&name),
    };
    if supported {
        Grade::Covered
    } else {
        Grade::Unsupported
    }
}

fn of_tool(tool: &Value) -> Grade {
    match tool.get("type").and_then(Value::as_str) {
        Some("function") => of_function(tool.get("function")),
        Some("custom") => Grade::Later,
        _ => Grade::Unsupported,
    }
}

/// A definition of a function, or a call of one.
fn of_function(function: Option<&Value>) -> Grade {
    let mut members = function
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys);
    if members.all(|name| IN_FUNCTIONS.contains(&name.as_str())) {
        Grade::Covered
    } else {
        Grade::Unsupported
    }
}

fn of_message(message: &Value) -> Grade {
    let Some(members) = message.as_object() else {
        return Grade::Unsupported;
    };
    let older = members.contains_key("function_call")
        || members.get("role").is_some_and(|role| role == "function");
    let known = members.iter().all(|(name, value)| {
        value.is_null() || IN_MESSAGES.contains(&name.as_str()) || name == "function_call"
    });
    let parts = members
        .get("content")
        .map_or(Grade::Covered, |content| all(content, of_part));
    let calls = members
        .get("tool_calls")
        .map_or(Grade::Covered, |calls| all(calls, of_tool));
    let members = match (known, older) {
        (false, _) => Grade::Unsupported,
        (true, true) => Grade::Later,
        (true, false) => Grade::Covered,
    };
    members.worse(parts).worse(calls)
}

fn of_part(part: &Value) -> Grade {
    match part.get("type").and_then(Value::as_str) {
        Some("text" | "refusal") => Grade::Covered,
        Some("image_url") => {
            let url = part
                .pointer("/image_url/url")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if url.starts_with("data:") {
                Grade::Covered
            } else {
                Grade::Later
            }
        }
        Some("input_audio") => Grade::Later,
        Some("file") if part.pointer("/file/file_id").is_none() => Grade::Later,
        _ => Grade::Unsupported,
    }
}

/// The worst grade of a list's items; anything but a list is covered.
fn all(list: &Value, grade: fn(&Value) -> Grade) -> Grade {
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().map(grade).fold(Grade::Covered, Grade::worse)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_are_graded_by_what_they_ask() {
        fn check(change: &Value, expected: Grade) {
            let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
            for (name, value) in change.as_object().unwrap() {
                body[name] = value.clone();
            }
            assert_eq!(
                Grade::of(body.to_string().as_bytes(), 200),
                expected,
                "{change}"
            );
        }
        let message = |message: Value| json!({"messages": [message]});
        let part = |part: Value| message(json!({"role": "user", "content": [part]}));
        check(&json!({}), Grade::Covered);
        check(
            &json!({"temperature": 1.5, "n": 1, "logit_bias": {}, "audio": null}),
            Grade::Covered,
        );
        check(&json!({"n": 2}), Grade::Unsupported);
        check(&json!({"logprobs": true}), Grade::Unsupported);
        check(&json!({"presence_penalty": 0.5}), Grade::Unsupported);
        check(&json!({"something_new": 1}), Grade::Unsupported);
        check(&json!({"functions": []}), Grade::Later);
        check(&json!({"tools": [{"type": "function"}]}), Grade::Covered);
        check(
            &json!({"tools": [{"type": "function"}, {"type": "custom"}]}),
            Grade::Later,
        );
        let odd = json!({"type": "function", "function": {"name": "f", "type": "function"}});
        check(&json!({"tools": [odd]}), Grade::Unsupported);
        check(
            &part(json!({"type": "image_url", "image_url": {"url": "data:x"}})),
            Grade::Covered,
        );
        check(
            &part(json!({"type": "image_url", "image_url": {"url": "https://x"}})),
            Grade::Later,
        );
        check(
            &part(json!({"type": "file", "file": {"file_id": "f"}})),
            Grade::Unsupported,
        );
        check(
            &message(json!({"role": "function", "content": "x"})),
            Grade::Later,
        );
        check(
            &message(json!({"role": "assistant", "audio": {"id": "a"}})),
            Grade::Unsupported,
        );
        assert_eq!(Grade::of(b"{}", 200), Grade::Foreign);
        assert_eq!(Grade::of(br#"{"messages": []}"#, 400), Grade::Refused);
    }
}
