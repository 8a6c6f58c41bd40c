//! The prompts of a configuration: texts, conversations, and files of either. Code that makes prompts is not run.

use serde_json::{Map, Value, json};

use super::{
    super::{
        files::{self, Kind, Root},
        template::{render, render_value},
    },
    tests_of::Test,
};

/// A prompt.
#[derive(Clone, Debug)]
pub(super) enum Prompt {
    /// A text, which may come to be a conversation once it is rendered.
    Text(String),
    /// A conversation.
    Messages(Value),
}

type Problems = Vec<(String, String)>;

/// Reads the prompts of a configuration.
pub(super) fn read(root: &Root, prompts: Option<&Value>) -> (Vec<Prompt>, Problems) {
    let (mut read, mut problems) = (Vec::new(), Vec::new());
    let list = match prompts {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => {
            // promptfoo's own default.
            read.push(Prompt::Text("{{prompt}}".to_owned()));
            &[]
        }
    };
    for (place, prompt) in list.iter().enumerate() {
        match read_one(root, prompt) {
            Ok(prompts) => read.extend(prompts),
            Err(what) => problems.push((format!("prompts[{place}]"), what)),
        }
    }
    (read, problems)
}

fn read_one(root: &Root, prompt: &Value) -> Result<Vec<Prompt>, String> {
    match prompt {
        Value::String(text) => of_text(root, text),
        Value::Object(members) => {
            if let Some(changed) = ["config", "function", "prefix", "suffix"]
                .iter()
                .find(|key| members.contains_key(**key))
            {
                return Err(format!("`{changed}` of a prompt"));
            }
            match (members.get("raw"), members.get("id")) {
                (Some(Value::String(text)), _) | (None, Some(Value::String(text))) => {
                    of_text(root, text)
                }
                (Some(messages @ Value::Array(_)), _) => {
                    Ok(vec![Prompt::Messages(messages.clone())])
                }
                _other => Err("a prompt without a text".to_owned()),
            }
        }
        messages @ Value::Array(_) => Ok(vec![Prompt::Messages(messages.clone())]),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            Err("a prompt that is no text".to_owned())
        }
    }
}

fn of_text(root: &Root, text: &str) -> Result<Vec<Prompt>, String> {
    let one_line = text.trim();
    let is_path = one_line.starts_with("file://")
        || (!one_line.contains(char::is_whitespace) && Kind::of(one_line.as_ref()) != Kind::Other);
    if one_line.starts_with("exec:")
        || one_line.starts_with("langfuse://")
        || one_line.starts_with("portkey://")
    {
        return Err(format!("prompt {one_line}"));
    }
    if !is_path {
        return Ok(vec![Prompt::Text(text.to_owned())]);
    }
    if one_line.contains('*') {
        return Err(format!("prompts of several files: {one_line}"));
    }
    let path = root.find(one_line)?;
    let held = root.text(one_line)?;
    match Kind::of(&path) {
        Kind::Text => {
            // Several prompts stand in one file with a line of three dashes between.
            let parts = held
                .split("\n---\n")
                .map(str::trim)
                .filter(|part| !part.is_empty());
            Ok(parts.map(|part| Prompt::Text(part.to_owned())).collect())
        }
        Kind::Json | Kind::Yaml => Ok(vec![Prompt::Text(held)]),
        Kind::JsonLines | Kind::Csv | Kind::Other => {
            Err(format!("prompt {one_line}, which is code or no text"))
        }
    }
}

// === impl Prompt ===

impl Prompt {
    /// The request's messages.
    pub(super) fn messages(
        &self,
        variables: &Map<String, Value>,
        around: &Test,
    ) -> Result<Value, String> {
        let text = match self {
            Self::Messages(messages) => return conversation(&render_value(messages, variables)?),
            Self::Text(text) => text,
        };
        // Within JSON or YAML, variables are rendered where they cannot break its form.
        let structured = if looks_like_conversation(text) {
            parse(text)
        } else {
            None
        };
        if let Some(structured) = structured {
            return conversation(&render_value(&structured, variables)?);
        }
        let part = |part: &Option<String>| render(part.as_deref().unwrap_or_default(), variables);
        let text = format!(
            "{}{}{}",
            part(&around.prefix)?,
            render(text, variables)?,
            part(&around.suffix)?
        );
        if looks_like_conversation(&text)
            && let Some(structured) = parse(&text)
        {
            return conversation(&structured);
        }
        if text.trim().is_empty() {
            return Err("an empty prompt".to_owned());
        }
        Ok(json!([{"role": "user", "content": text}]))
    }
}

fn looks_like_conversation(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with('[')
        || text.starts_with("- role")
        || text.starts_with("- content")
        || text.starts_with("{\"messages\"")
}

fn parse(text: &str) -> Option<Value> {
    let value = serde_json::from_str(text)
        .ok()
        .or_else(|| files::yaml(text).ok())?;
    let is_list = |value: &Value| {
        value.as_array().is_some_and(|list| {
            !list.is_empty() && list.iter().all(|message| message.get("role").is_some())
        })
    };
    let value = value
        .get("messages")
        .filter(|_| value.is_object())
        .cloned()
        .unwrap_or(value);
    is_list(&value).then_some(value)
}

fn conversation(messages: &Value) -> Result<Value, String> {
    match messages {
        Value::Array(list)
            if !list.is_empty()
                && list
                    .iter()
                    .all(|message| message.get("role").is_some_and(Value::is_string)) =>
        {
            Ok(messages.clone())
        }
        _other => Err("a conversation that is no list of messages".to_owned()),
    }
}
