//! Answers spoilt on purpose.

use bytes::Bytes;
use crossfade_exchange::Check;
use crossfade_statistics::Gate;
use serde_json::Value;

use super::runs::Asked;
use crate::agreement::build;

/// What is made wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Plant {
    /// The answer names another of the labels.
    Label,
    /// The answer's JSON ends in the middle.
    BrokenJson,
    /// The first call is of another tool.
    OtherTool,
    /// The first argument of the first call has another value.
    OtherArgument,
}

// === impl Plant ===

impl Plant {
    /// As a row of the table says it.
    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Label => "5 % other labels",
            Self::BrokenJson => "5 % broken JSON",
            Self::OtherTool => "5 % other tools",
            Self::OtherArgument => "5 % other arguments",
        }
    }

    /// The check that sees it.
    pub(super) const fn check(self) -> Check {
        match self {
            Self::Label => Check::Label,
            Self::BrokenJson => Check::JsonParse,
            Self::OtherTool => Check::ToolSelection,
            Self::OtherArgument => Check::ToolArguments,
        }
    }

    /// The gate that must fire.
    pub(super) const fn gate(self) -> Gate {
        match self {
            Self::Label => Gate::Label,
            Self::BrokenJson => Gate::JsonParse,
            Self::OtherTool => Gate::ToolSelection,
            Self::OtherArgument => Gate::ToolArguments,
        }
    }

    /// An answer made wrong; as it is where it has nothing to make wrong.
    pub(super) fn spoil(self, asked: &Asked, body: &Bytes) -> Bytes {
        let read = || -> Option<Value> {
            let completion: Value = serde_json::from_slice(body).ok()?;
            completion.pointer("/choices/0/message").cloned()
        };
        let spoilt = read().and_then(|message| match self {
            Self::Label => relabelled(asked, message.get("content")?.as_str()?),
            Self::BrokenJson => {
                let text = message.get("content")?.as_str()?;
                let half = text.floor_char_boundary(text.len() / 2);
                Some(build::text(text.get(..half)?))
            }
            Self::OtherTool => called(&message, |name, arguments| {
                name.push_str("_other");
                Some(arguments)
            }),
            Self::OtherArgument => called(&message, |_, mut arguments| {
                let first = arguments.as_object_mut()?.values_mut().next()?;
                *first = changed(first);
                Some(arguments)
            }),
        });
        spoilt.unwrap_or_else(|| body.clone())
    }
}

/// A text that names the next of the labels and nothing else.
fn relabelled(asked: &Asked, text: &str) -> Option<Bytes> {
    let said = asked
        .labels
        .iter()
        .position(|label| text.contains(label.as_str()))?;
    let other = asked.labels.get((said + 1) % asked.labels.len())?;
    let trimmed = text.trim_start();
    let text = if trimmed.starts_with('{') || trimmed.contains("```") {
        let key = if trimmed.contains("\"answer\"") {
            "answer"
        } else {
            "Answer"
        };
        serde_json::json!({ key: other }).to_string()
    } else {
        other.clone()
    };
    Some(build::text(&text))
}

/// The calls of a message, the first one changed.
fn called(
    message: &Value,
    change: impl FnOnce(&mut String, Value) -> Option<Value>,
) -> Option<Bytes> {
    let calls = message.get("tool_calls")?.as_array()?;
    let mut calls: Vec<(String, String)> = calls
        .iter()
        .filter_map(|call| {
            let of = |part: &str| call.pointer(&format!("/function/{part}"))?.as_str();
            Some((of("name")?.to_owned(), of("arguments")?.to_owned()))
        })
        .collect();
    let (name, arguments) = calls.first_mut()?;
    let changed = change(name, serde_json::from_str(arguments).ok()?)?;
    *arguments = changed.to_string();
    let calls = calls
        .iter()
        .map(|(name, arguments)| (name.as_str(), arguments.clone()));
    Some(build::calls(calls))
}

/// Another value of the same type.
fn changed(value: &Value) -> Value {
    match value {
        Value::String(text) => format!("another than {text}").into(),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => whole.wrapping_add(17).into(),
            None => number
                .as_f64()
                .map_or(Value::Null, |number| (number + 17.5).into()),
        },
        Value::Bool(so) => (!so).into(),
        Value::Array(items) => {
            let mut items = items.clone();
            items.push(items.first().cloned().unwrap_or(Value::Null));
            items.into()
        }
        Value::Object(_) | Value::Null => "another".into(),
    }
}
