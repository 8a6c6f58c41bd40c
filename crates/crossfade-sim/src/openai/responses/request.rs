//! Reads a Responses request: its items in one form, and the prompt in the terms that scripts answer in.

use serde_json::{Map, Value, json};

use super::{Mint, Store};
use crate::{
    openai::{Wrong, tokens},
    script::Prompt,
};

/// A request, read.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The body.
    pub(crate) body: Map<String, Value>,
    /// `model`.
    pub(crate) model: String,
    /// The items of `input`, each with an id, in the form in which the service lists them.
    pub(crate) input: Vec<Value>,
    /// The items before them.
    pub(crate) history: Vec<Value>,
}

impl Asked {
    /// Reads a body; ids that it names are looked up in `store`, if the service has one.
    pub(crate) fn read(
        body: Map<String, Value>,
        store: Option<&Store>,
        mint: &mut dyn Mint,
    ) -> Result<Self, Wrong> {
        let model = match body.get("model").and_then(Value::as_str) {
            Some(model) => model.to_owned(),
            None => return Err(Wrong::missing("model")),
        };
        let mut input = Vec::new();
        match body.get("input") {
            None | Some(Value::Null) => return Err(Wrong::missing("input")),
            Some(Value::String(text)) => input.push(message("user", text, mint)),
            Some(Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    input.push(normal(at, item, store, mint)?);
                }
            }
            Some(_) => {
                return Err(Wrong::new(
                    "Invalid type for 'input': expected one of an array of objects or string.",
                )
                .param("input")
                .code("invalid_type"));
            }
        }
        let history = match body.get("previous_response_id").and_then(Value::as_str) {
            None => Vec::new(),
            Some(id) => store.and_then(|store| store.history(id)).ok_or_else(|| {
                Wrong::not_found(format!("Previous response with id '{id}' not found."))
                    .param("previous_response_id")
                    .code("previous_response_not_found")
            })?,
        };
        Ok(Self {
            body,
            model,
            input,
            history,
        })
    }

    /// Whether a member is true.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.body.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// Whether the response may be kept: unless the caller says no.
    pub(crate) fn store(&self) -> bool {
        self.body.get("store").and_then(Value::as_bool) != Some(false)
    }

    /// Whether `include` names this.
    pub(crate) fn includes(&self, what: &str) -> bool {
        let include = self.body.get("include").and_then(Value::as_array);
        include.into_iter().flatten().any(|name| name == what)
    }

    /// Whether deltas carry filler.
    pub(crate) fn obfuscation(&self) -> bool {
        let options = self.body.get("stream_options");
        let asked = options.and_then(|options| options.get("include_obfuscation"));
        asked.and_then(Value::as_bool) != Some(false)
    }

    /// Everything that the model sees, oldest first.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Value> {
        self.history.iter().chain(&self.input)
    }

    /// About how many tokens the model sees.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        let of_items: u64 = self.items().map(|item| tokens(&texts(item)) + 3).sum();
        let given = ["instructions", "tools"].into_iter();
        let given = given.filter_map(|name| self.body.get(name).filter(|value| !value.is_null()));
        of_items + given.map(|value| tokens(&value.to_string())).sum::<u64>()
    }
}

/// The prompt in a request.
pub(crate) fn read_prompt(asked: &Asked) -> Prompt {
    let role = |item: &Value| item.get("role").and_then(Value::as_str).map(str::to_owned);
    let instructions = asked.body.get("instructions").and_then(Value::as_str);
    let of_system = asked
        .items()
        .filter(|item| matches!(role(item).as_deref(), Some("system" | "developer")))
        .map(texts);
    let system: Vec<String> = instructions
        .map(str::to_owned)
        .into_iter()
        .chain(of_system)
        .collect();
    let user = asked
        .items()
        .filter(|item| role(item).as_deref() == Some("user"))
        .last()
        .map(texts)
        .unwrap_or_default();
    let result = |item: &&Value| {
        item.get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.ends_with("call_output"))
    };
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
    let tools = asked.body.get("tools").and_then(Value::as_array);
    Prompt {
        model: asked.model.clone(),
        system: system.join("\n"),
        user,
        tool_result: asked.items().last().filter(result).map(texts),
        tools: tools.into_iter().flatten().filter_map(name).collect(),
        forced_tool: asked.body.get("tool_choice").and_then(name),
        schema: asked
            .body
            .get("text")
            .and_then(|text| text.get("format")?.get("schema"))
            .cloned(),
        body: Value::Object(asked.body.clone()),
    }
}

/// All text of an item: of a message's parts, or of an output.
fn texts(item: &Value) -> String {
    let content = item.get("content").or_else(|| item.get("output"));
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let text = |part: &Value| {
                let text = part.get("text").or_else(|| part.get("refusal"));
                text.and_then(Value::as_str).map(str::to_owned)
            };
            parts.iter().filter_map(text).collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// A message of one text, as it is listed.
fn message(role: &str, text: &str, mint: &mut dyn Mint) -> Value {
    let kind = if role == "assistant" {
        "output_text"
    } else {
        "input_text"
    };
    json!({
        "id": mint.id("msg_", 0),
        "type": "message",
        "status": "completed",
        "content": [{"type": kind, "text": text}],
        "role": role,
    })
}

/// An item in the form in which the service lists it.
fn normal(
    at: usize,
    item: &Value,
    store: Option<&Store>,
    mint: &mut dyn Mint,
) -> Result<Value, Wrong> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let not_found =
        |id: &str| Wrong::not_found(format!("Item with id '{id}' not found.")).param("input");
    let kind = match (text("type"), text("role")) {
        (Some(kind), _) => kind,
        (None, Some(_)) => "message",
        (None, None) if text("id").is_some() => "item_reference",
        (None, None) => return Err(Wrong::missing(&format!("input[{at}].type"))),
    };
    match kind {
        "message" => {
            let role = text("role").ok_or_else(|| Wrong::missing(&format!("input[{at}].role")))?;
            match item.get("content") {
                Some(Value::String(said)) => Ok(message(role, said, mint)),
                Some(Value::Array(_)) => Ok(with_id(item, "message", "msg_", mint)),
                _ => Err(Wrong::missing(&format!("input[{at}].content"))),
            }
        }
        "item_reference" => {
            let id = text("id").ok_or_else(|| Wrong::missing(&format!("input[{at}].id")))?;
            store
                .and_then(|store| store.item(id))
                .ok_or_else(|| not_found(id))
        }
        "reasoning" => {
            // Thoughts travel sealed, or their id names what was kept.
            let sealed = text("encrypted_content").is_some();
            match text("id") {
                Some(id) if !sealed => store
                    .and_then(|store| store.item(id))
                    .ok_or_else(|| not_found(id)),
                _ => Ok(with_id(item, kind, "rs_", mint)),
            }
        }
        "function_call" => Ok(with_id(item, kind, "fc_", mint)),
        "custom_tool_call" => Ok(with_id(item, kind, "ctc_", mint)),
        other => Ok(with_id(item, other, "item_", mint)),
    }
}

/// An item with an id and a type, if it came without.
fn with_id(item: &Value, kind: &str, prefix: &'static str, mint: &mut dyn Mint) -> Value {
    let mut listed = item.clone();
    if let Value::Object(members) = &mut listed {
        members.insert("type".to_owned(), Value::from(kind));
        if !members.get("id").is_some_and(Value::is_string) {
            members.insert("id".to_owned(), Value::from(mint.id(prefix, 0)));
        }
    }
    listed
}
