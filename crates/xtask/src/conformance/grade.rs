//! What a recorded chat request asks for, graded apart from the translation that is judged by it: does everything in it
//! have a counterpart on Converse, whatever the model?
//!
//! Only names and shapes are looked at, never whether the values make sense together.

use serde_json::{Map, Value};

/// How a request is graded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    /// All of it can be said on Converse: exactly, with a named loss, or emulated.
    Covered,
    /// Whether it can be said depends on the model and on the settings: sound, files, remote pictures, custom tools.
    Depends,
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

// === impl Grade ===

impl Grade {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Covered => "covered",
            Self::Depends => "depends",
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
            (Self::Depends, _) | (_, Self::Depends) => Self::Depends,
            (first, _) => first,
        }
    }
}

fn of_field(name: &str, value: &Value) -> Grade {
    let supported = match name {
        _ if value.is_null() => true,
        "functions" | "function_call" => true,
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
        Some("function") => Grade::Covered,
        Some("custom") => Grade::Depends,
        _ => Grade::Unsupported,
    }
}

fn of_message(message: &Value) -> Grade {
    let Some(members) = message.as_object() else {
        return Grade::Unsupported;
    };
    let known = members.iter().all(|(name, value)| {
        value.is_null() || IN_MESSAGES.contains(&name.as_str()) || name == "function_call"
    });
    let parts = members
        .get("content")
        .map_or(Grade::Covered, |content| all(content, of_part));
    let calls = members
        .get("tool_calls")
        .map_or(Grade::Covered, |calls| all(calls, of_tool));
    let members = if known {
        Grade::Covered
    } else {
        Grade::Unsupported
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
                Grade::Depends
            }
        }
        Some("input_audio") => Grade::Depends,
        Some("file") if part.pointer("/file/file_id").is_none() => Grade::Depends,
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
        check(&json!({"functions": []}), Grade::Covered);
        check(&json!({"tools": [{"type": "function"}]}), Grade::Covered);
        check(
            &json!({"tools": [{"type": "function"}, {"type": "custom"}]}),
            Grade::Depends,
        );
        check(
            &json!({"tools": [{"type": "web_search"}]}),
            Grade::Unsupported,
        );
        check(
            &part(json!({"type": "image_url", "image_url": {"url": "data:x"}})),
            Grade::Covered,
        );
        check(
            &part(json!({"type": "image_url", "image_url": {"url": "https://x"}})),
            Grade::Depends,
        );
        check(
            &part(json!({"type": "file", "file": {"file_id": "f"}})),
            Grade::Unsupported,
        );
        check(
            &message(json!({"role": "function", "content": "x"})),
            Grade::Covered,
        );
        check(
            &message(json!({"role": "assistant", "audio": {"id": "a"}})),
            Grade::Unsupported,
        );
        assert_eq!(Grade::of(b"{}", 200), Grade::Foreign);
        assert_eq!(Grade::of(br#"{"messages": []}"#, 400), Grade::Refused);
    }
}
